/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy types: what kinds of object there are, and the memory they hold. */
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"name", "type", NEC_CELL_TEXT, true},
	{"count", "count", NEC_CELL_COUNT, false},
	{"bytes", "size", NEC_CELL_SIZE, false},
	{"native", "native", NEC_CELL_SIZE, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
	{"addr", "type object", NEC_CELL_ADDR, false},
	{"id", NULL, NEC_CELL_INT, false},
	{"total", NULL, NEC_CELL_SIZE, false},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const char *const filter_columns[] = {"name", NULL};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_page page = {.key = "id", .limit = -1};
	uint64_t rows;
	bool more;

	NEC_TRY(nec_table_sort(cli, columns, COLUMN_COUNT, "total", &page));
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	if (cli->operand_count > 1) {
		page.filter_columns = filter_columns;
		page.filter = cli->operands[1];
	}
	NEC_TRY(nec_query_page(cli->db, "types", &page, &query));
	NEC_TRY(nec_table_rows(out, cli->output, columns, COLUMN_COUNT, 0, 0, query,
			       nec_cli_limit(cli, 40), &rows, &more));
	if (more && cli->output == NEC_OUTPUT_TEXT)
		fputs("… and more: --limit 0 prints all\n", out);
	if (!rows && cli->operand_count > 1)
		return nec_error_create(NEC_ERR_NOTFOUND, "no type with '%s' in its name",
					cli->operands[1]);
	return rows ? NULL : nec_cli_no_objects(cli);
}

static const struct nec_option options[] = {
	{"sort", 's', NEC_OPTION_TEXT, "COLUMN",
	 "by total (default: size and native), count, bytes, ..."},
	{0},
};

const struct nec_command nec_command_types = {
	.name = "types",
	.operands = "DUMP [TEXT]",
	.summary = "types by the memory of their objects",
	.help = "Lists the types (with TEXT: those with it in their name) with the number of\n"
		"their objects and their memory: size is what sys.getsizeof said of them in\n"
		"that process, native is memory from malloc that they alone own besides,\n"
		"retained is what would go with all of them.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
