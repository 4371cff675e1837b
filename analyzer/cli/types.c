/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy types: what kinds of object there are, and the memory they hold. */
#include <string.h>

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

static const struct nec_column group_columns[] = {
	{"name", "name", NEC_CELL_TEXT, true},      {"types", "types", NEC_CELL_COUNT, false},
	{"count", "count", NEC_CELL_COUNT, false},  {"bytes", "size", NEC_CELL_SIZE, false},
	{"native", "native", NEC_CELL_SIZE, false}, {"retained", "retained", NEC_CELL_SIZE, false},
	{"total", NULL, NEC_CELL_SIZE, false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the rows are. The first is what is listed without --by. */
static const struct rows {
	const char *by, *query, *key;
	const struct nec_column *columns;
	int column_count;
} kinds[] = {
	{"type", "types", "id", columns, COUNT(columns)},
	{"module", "types_by_module", "name", group_columns, COUNT(group_columns)},
	{"package", "types_by_package", "name", group_columns, COUNT(group_columns)},
};

/* How many rows there are in the page. */
static struct nec_error *count_rows(struct nec_db *db, const char *name,
				    const struct nec_page *page, int64_t *count_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_page count = *page;
	bool row;

	count.count = true;
	NEC_TRY(nec_query_page(db, name, &count, &query));
	NEC_TRY(nec_query_step(query, &row));
	*count_ret = row ? nec_query_int(query, 0) : 0;
	return NULL;
}

static struct nec_error *find_kind(const char *by, const struct rows **ret)
{
	size_t i;

	for (i = 0; i < COUNT(kinds); i++) {
		if (strcmp(kinds[i].by, by))
			continue;
		*ret = &kinds[i];
		return NULL;
	}
	return nec_error_create(NEC_ERR_USAGE, "types: --by type, module or package, not '%s'", by);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	const char *by = nec_cli_text(cli, "by");
	const struct rows *rows = kinds;
	static const char *const filter_columns[] = {"name", NULL};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_page page = {.limit = -1};
	int64_t limit = nec_cli_limit(cli, 40), count;

	if (by)
		NEC_TRY(find_kind(by, &rows));
	page.key = rows->key;
	NEC_TRY(nec_table_sort(cli, rows->columns, rows->column_count, "total", &page));
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_cli_no_objects(cli));
	if (cli->operand_count > 1) {
		page.filter_columns = filter_columns;
		page.filter = cli->operands[1];
	}
	NEC_TRY(count_rows(cli->db, rows->query, &page, &count));
	if (!count)
		return nec_error_create(NEC_ERR_NOTFOUND, "no %s with '%s' in its name", rows->by,
					page.filter ? page.filter : "");
	NEC_TRY(nec_query_page(cli->db, rows->query, &page, &query));
	NEC_TRY(nec_table_rows(out, cli->output, rows->columns, rows->column_count, 0, 0, query,
			       limit, NULL, NULL));
	return nec_table_print_rest(out, cli->output, 0, limit ? count - limit : 0);
}

static const struct nec_option options[] = {
	{"sort", 's', NEC_OPTION_TEXT, "COLUMN",
	 "by total (default), count, bytes, retained, ..."},
	{"by", 0, NEC_OPTION_TEXT, "WHAT", "type (default), module or package"},
	{0},
};

const struct nec_command nec_command_types = {
	.name = "types",
	.operands = "DUMP [TEXT]",
	.summary = "types by the memory of their objects",
	.help = "Lists the types (with TEXT: those with it in their name) with the number of\n"
		"their objects and their memory: size is what sys.getsizeof said of them in\n"
		"that process, native is memory from malloc that they alone own besides,\n"
		"retained is what they keep alive, nothing counted twice: of an instance that\n"
		"another one keeps alive, that one's has it. --by module and --by package sum\n"
		"the types up, and say what all of them together keep alive.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
