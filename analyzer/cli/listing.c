/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that print the rows of one named query; see listing.h. */
#include "cli/listing.h"

#include "cli/session.h"

struct nec_error *nec_listing_run(struct nec_cli *cli, FILE *out, const struct nec_listing *listing)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t limit = nec_cli_limit(cli, listing->limit);
	uint64_t rows = 0;
	bool more = false;

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_cli_no_objects(cli));
	NEC_TRY(nec_query_named(cli->db, listing->query, &query));
	NEC_TRY(nec_table_rows(out, cli->output, listing->columns, listing->column_count, 0, 0,
			       query, limit, &rows, &more));
	if (cli->output != NEC_OUTPUT_TEXT)
		return NULL;
	if (!rows)
		fprintf(out, "%s\n", listing->nothing);
	if (more)
		fprintf(out, "… and more: --limit 0 prints all\n");
	return NULL;
}
