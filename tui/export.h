/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the rows of a query to a file: CSV (RFC 4180), or JSON where the name ends in .json.
 * Exact values, no units. And graphs, as they are or drawn. */
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

/* Is it to be a picture, by its name? */
static inline bool nec_export_is_svg(const char *path)
{
	const char *dot = __builtin_strrchr(path, '.');

	return dot && __builtin_strcmp(dot, ".svg") == 0;
}

/* A graph, drawn by dot of Graphviz; NEC_ERR_OS where there is none. */
struct nec_error *nec_export_svg(const char *text, const char *path, const volatile bool *cancel);

#endif
