/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy objects: the objects of a type. */
#include <string.h>

#include "base/sum.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false},
	{"type", NULL, NEC_CELL_TEXT, true},
	{"size", "size", NEC_CELL_SIZE, false},
	{"native", "native", NEC_CELL_SIZE, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
	{"refcount", "refcount", NEC_CELL_COUNT, false},
	{"referrers", "referrers", NEC_CELL_COUNT, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]), TYPE = 1, VALUE = COLUMN_COUNT - 1 };

/* What the user may mean by TYPE. */
struct matches {
	int types;
	int64_t objects;      /* of all of them */
	struct nec_text list; /* a line a type */
};

static void matches_deinit(struct matches *matches)
{
	nec_text_deinit(&matches->list);
}

static struct nec_error *find_types(struct nec_cli *cli, struct matches *matches)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	const char *type = cli->operands[1];
	bool row;

	NEC_TRY(nec_query_named(cli->db, "types_named", &query));
	NEC_TRY(nec_bind_type(query, type));
	for (;; matches->types++) {
		const char *name;
		size_t size;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		name = nec_query_text(query, 1, &size);
		matches->objects = nec_sum(matches->objects, nec_query_int(query, 3));
		nec_text_puts(&matches->list, "  ");
		nec_text_escape(&matches->list, name, size);
		nec_text_printf(&matches->list, " at 0x%llx, ",
				(unsigned long long)nec_query_int(query, 2));
		nec_text_count(&matches->list, nec_query_int(query, 3));
		nec_text_puts(&matches->list, " objects\n");
	}
	if (matches->types)
		return matches->list.failed ? &nec_enomem : NULL;
	NEC_TRY(nec_cli_no_objects(cli));
	return nec_error_create(NEC_ERR_NOTFOUND,
				"no type is called '%s'; to look for one: necropsy types %s TEXT",
				type, cli->operands[0]);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(matches_deinit) struct matches matches = {0};
	struct nec_column shown[COLUMN_COUNT + 1];
	struct nec_page page = {.key = "addr", .limit = -1};
	int64_t limit = nec_cli_limit(cli, 20);
	int count = COLUMN_COUNT;

	NEC_TRY(nec_table_sort(cli, columns, COLUMN_COUNT, "size", &page));
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(find_types(cli, &matches));
	memcpy(shown, columns, sizeof(columns));
	if (matches.types > 1 && cli->output == NEC_OUTPUT_TEXT) {
		fprintf(out, "%d types are called so:\n%s\n", matches.types,
			nec_text_str(&matches.list));
		shown[TYPE].title = "type";
	}
	/* For a person what is in it, too; the page adds it at the end. */
	if (cli->output == NEC_OUTPUT_TEXT) {
		page.preview = "addr";
		shown[count++] = (struct nec_column){"nec_preview", "value", NEC_CELL_TEXT, true};
		shown[VALUE].title = NULL;
	}
	if (limit)
		page.limit = limit;
	NEC_TRY(nec_query_page(cli->db, "objects_of_types", &page, &query));
	NEC_TRY(nec_bind_type(query, cli->operands[1]));
	NEC_TRY(nec_table_rows(out, cli->output, shown, count, 0, 0, query, limit, NULL, NULL));
	return nec_table_print_rest(out, cli->output, 0, limit ? matches.objects - limit : 0);
}

static const struct nec_option options[] = {
	{"sort", 's', NEC_OPTION_TEXT, "COLUMN",
	 "by size (default), native, retained, refcount, ..."},
	{0},
};

const struct nec_command nec_command_objects = {
	.name = "objects",
	.operands = "DUMP TYPE",
	.summary = "the objects of a type",
	.help = "Lists the objects of TYPE, the largest first. TYPE is a full name\n"
		"(builtins.dict), a short one (dict, which may be several types), or the\n"
		"address of the type.\n"
		"\n"
		"retained is what would go if the object went, itself included.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
