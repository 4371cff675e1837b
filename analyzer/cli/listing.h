/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that print the rows of one named query of a dump with objects. */
#ifndef NEC_CLI_LISTING_H
#define NEC_CLI_LISTING_H

#include "cli/command.h"
#include "cli/table.h"

struct nec_listing {
	const char *query;
	const struct nec_column *columns; /* the query's first columns, in that order */
	int column_count;
	int64_t limit;       /* rows for a person, unless --limit says otherwise */
	const char *nothing; /* what a person reads when there are no rows */
};

/* Opens the dump of the first operand and prints. */
struct nec_error *nec_listing_run(struct nec_cli *cli, FILE *out,
				  const struct nec_listing *listing);

#endif
