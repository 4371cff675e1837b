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

/* How many types there are in the page. */
static struct nec_error *count_types(struct nec_db *db, const struct nec_page *page,
				     int64_t *count_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_page count = *page;
	bool row;

	count.count = true;
	NEC_TRY(nec_query_page(db, "types", &count, &query));
	NEC_TRY(nec_query_step(query, &row));
	*count_ret = row ? nec_query_int(query, 0) : 0;
	return NULL;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const char *const filter_columns[] = {"name", NULL};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_page page = {.key = "id", .limit = -1};
	int64_t limit = nec_cli_limit(cli, 40), count;

	NEC_TRY(nec_table_sort(cli, columns, COLUMN_COUNT, "total", &page));
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_cli_no_objects(cli));
	if (cli->operand_count > 1) {
		page.filter_columns = filter_columns;
		page.filter = cli->operands[1];
	}
	NEC_TRY(count_types(cli->db, &page, &count));
	if (!count)
		return nec_error_create(NEC_ERR_NOTFOUND, "no type with '%s' in its name",
					page.filter ? page.filter : "");
	NEC_TRY(nec_query_page(cli->db, "types", &page, &query));
	NEC_TRY(nec_table_rows(out, cli->output, columns, COLUMN_COUNT, 0, 0, query, limit, NULL,
			       NULL));
	return nec_table_print_rest(out, cli->output, 0, limit ? count - limit : 0);
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
