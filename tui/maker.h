/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that the library works out and no query gives: paths, what-if. A view names its maker; the
 * worker runs it beside the interface, as it runs queries.
 */
#ifndef NEC_TUI_MAKER_H
#define NEC_TUI_MAKER_H

#include "base/progress.h"
#include "tui/rows.h"

struct nec_maker {
	const char *const *columns; /* ends with NULL */
	struct nec_error *(*make)(struct nec_db *db, const struct nec_params *params, int max,
				  struct nec_progress *progress, struct nec_rowlist *rows);
	int max; /* of rows, as the maker understands it */
};

/* label, addr, type, retained, value, text of the shortest path to the object `addr`, or of more of
 * them as one tree; text is the whole path where a path ends, else NULL. */
extern const struct nec_maker nec_maker_path, nec_maker_paths;
/* id, type, count, bytes, share of what would go without the references `cut` or the object `drop`,
 * as necropsy whatif calls them; the first row is all of it. */
extern const struct nec_maker nec_maker_whatif;

#endif
