/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths to an object (nec_paths_find) as rows: one tree from the roots, each step once, the columns
 * of nec_paths_columns. A step's depth is that of its row.
 */
#ifndef NEC_TUI_PATHS_H
#define NEC_TUI_PATHS_H

#include "tui/rows.h"

/* label, addr, type, retained, value, text; text is the whole path where a path ends, else NULL. */
extern const char *const nec_paths_columns[]; /* ends with NULL */

struct nec_error *nec_paths_rows(struct nec_db *db, int64_t addr, int max_paths,
				 struct nec_progress *progress, struct nec_rowlist *rows);

#endif
