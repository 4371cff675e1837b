/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy sql: the user's own question. */
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ struct nec_column *columns = NULL;
	bool more = false;
	int count;

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_query_sql(cli->db, cli->operands[1], &query));
	count = nec_query_column_count(query);
	columns = calloc((size_t)count + 1, sizeof(*columns));
	if (!columns)
		return &nec_enomem;
	for (int i = 0; i < count; i++)
		columns[i] = (struct nec_column){
			.name = nec_query_column_name(query, i),
			.title = nec_query_column_name(query, i),
			.kind = NEC_CELL_ANY,
			.flex = true,
		};
	NEC_TRY(nec_table_rows(out, cli->output, columns, count, 0, 0, query, nec_cli_limit(cli, 0),
			       NULL, &more));
	if (more)
		nec_session_say("there are more rows than --limit %lld", (long long)cli->limit);
	cli->status = NEC_STATUS_DONE; /* how good the dump is, the query can ask */
	return NULL;
}

const struct nec_command nec_command_sql = {
	.name = "sql",
	.operands = "DUMP QUERY",
	.summary = "ask the database in SQL",
	.help = "Runs QUERY, one statement that only reads, and prints its rows as a table, as\n"
		"CSV or as JSON. The tables are those of docs/schema.md: object, type, value,\n"
		"reference, root, thread, frame, local, mapping, memory, meta, warning ...\n"
		"\n"
		"  necropsy sql core 'select sum(size) from object where distance = 0'\n"
		"\n"
		"Blobs are printed in hexadecimal.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
