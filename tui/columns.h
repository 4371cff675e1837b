/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words in which tables of views (views_*.c) are written. Each query of a view is analyzer/store/sql/NAME.sql and
 * returns at least the columns named there.
 */
#ifndef NEC_TUI_COLUMNS_H
#define NEC_TUI_COLUMNS_H

#include "tui/view.h"

#define COLUMNS(...) ((const struct nec_column[]){__VA_ARGS__, {.name = NULL}})
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Columns that many views have. */
#define ADDRESS {.name = "addr", .title = "address", .kind = NEC_COL_ADDRESS, .yields = 3, .sortable = true}
#define TYPE(w) {.name = "type", .title = "type", .kind = NEC_COL_TYPE, .width = 12, .weight = w, .sortable = true}
#define VALUE(w) {.name = "value", .title = "value", .kind = NEC_COL_VALUE, .width = 10, .weight = w, .yields = 1}
#define COUNT(n, t, y) {.name = n, .title = t, .kind = NEC_COL_COUNT, .yields = y, .sortable = true}
#define SIZE(n, t, y) {.name = n, .title = t, .kind = NEC_COL_SIZE, .yields = y, .sortable = true}
#define SHARE(y) {.name = "share", .title = "share", .kind = NEC_COL_SHARE, .yields = y}
#define PATH_COLUMNS                                                                               \
	{.name = "addr", .title = "address", .kind = NEC_COL_ADDRESS, .yields = 3},                \
		{.name = "type", .title = "type", .kind = NEC_COL_TYPE, .width = 12, .weight = 2}, \
		{.name = "retained", .title = "retained", .kind = NEC_COL_SIZE, .yields = 2}, VALUE(3)
#define FACT_COLUMNS                                                                               \
	COLUMNS({.name = "label", .kind = NEC_COL_LABEL, .width = 12},                             \
		{.name = "value", .kind = NEC_COL_ANY, .width = 20, .weight = 1})

#define TYPE_SUMS                                                                                  \
	COUNT("count", "objects", 0), SIZE("bytes", "own", 0), SIZE("native", "native", 4),        \
		SIZE("retained", "retained", 1), SHARE(5)

#define OPENS_OBJECT .object = "addr", .enter = "show", .enter_with = {{"addr", "addr"}}

#endif
