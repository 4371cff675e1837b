/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the rows of a query to a file: CSV (RFC 4180), or JSON where the name ends in .json.
 * Exact values, no units. */
#ifndef NEC_TUI_EXPORT_H
#define NEC_TUI_EXPORT_H

#include "necropsy.h"

/*
 * Steps query to its end into a new file at path, mode 0600; a file that is there already is left
 * alone and is an error. A failed or cancelled export leaves no file. cancel may be set by another
 * thread.
 */
struct nec_error *nec_export(struct nec_query *query, const char *path, const volatile bool *cancel,
			     int64_t *rows_ret);

/* A text into a file that was not there, mode 0600. */
struct nec_error *nec_export_text(const char *text, const char *path);

#endif
