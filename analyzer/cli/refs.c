/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy refs: what an object refers to, and what refers to it. */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/json.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"label", "label", NEC_CELL_TEXT, true},   {"kind", "kind", NEC_CELL_TEXT, false},
	{"addr", "address", NEC_CELL_ADDR, false}, {"type", "type", NEC_CELL_TEXT, true},
	{"size", "size", NEC_CELL_SIZE, false},    {"retained", "retained", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

struct nec_error *nec_refs_print(struct nec_cli *cli, FILE *out, const char *query_name,
				 uint64_t addr, int64_t limit, int indent)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	NEC_TRY(nec_query_named(cli->db, query_name, &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	return nec_table_rows(out, cli->output, columns, COLUMN_COUNT, 0, indent, query, limit,
			      NULL, NULL);
}

static struct nec_error *print_side(struct nec_cli *cli, FILE *out, const char *title,
				    const char *query_name, uint64_t addr, int64_t count)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int64_t limit = nec_cli_limit(cli, 20);

	nec_text_count(&text, count);
	fprintf(out, "\n%s: %s\n", title, nec_text_str(&text));
	if (text.failed)
		return &nec_enomem;
	if (!count)
		return NULL;
	NEC_TRY(nec_refs_print(cli, out, query_name, addr, limit, 2));
	return nec_table_print_rest(out, cli->output, 2, limit ? count - limit : 0);
}

struct nec_error *nec_refs_count(struct nec_db *db, uint64_t addr,
				 struct nec_ref_counts *counts_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(db, "reference_counts", &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	*counts_ret = (struct nec_ref_counts){
		.referents = nec_query_int(query, 0),
		.items = nec_query_int(query, 1),
		.referrers = nec_query_int(query, 2),
	};
	return NULL;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *object = NULL;
	struct nec_ref_counts counts;
	uint64_t addr;

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_find_object(cli->db, cli->operands[1], &addr, &object));
	if (cli->output == NEC_OUTPUT_JSON) {
		struct nec_json json;

		nec_json_begin(&json, out);
		nec_json_addr(&json, "addr", addr);
		nec_json_text(&json, "type", nec_query_text(object, NEC_OBJECT_TYPE, NULL));
		nec_json_member(&json, "referents");
		NEC_TRY(nec_refs_print(cli, out, "referents", addr, nec_cli_limit(cli, 0), 2));
		nec_json_member(&json, "referrers");
		NEC_TRY(nec_refs_print(cli, out, "referrers", addr, nec_cli_limit(cli, 0), 2));
		return nec_json_end(&json);
	}
	NEC_TRY(nec_object_print_head(object, out));
	NEC_TRY(nec_refs_count(cli->db, addr, &counts));
	NEC_TRY(print_side(cli, out, "refers to", "referents", addr, counts.referents));
	return print_side(cli, out, "referred to by", "referrers", addr, counts.referrers);
}

const struct nec_command nec_command_refs = {
	.name = "refs",
	.operands = "DUMP ADDR",
	.summary = "what an object refers to, and what refers to it",
	.help = "Lists the references of the object at ADDR in both directions, each with what\n"
		"it is called in the object that has it: .name, ['key'], [3].\n"
		"\n"
		"kind: strong (owns a reference), weak, borrowed (owns none, as weak), type (of\n"
		"an object to its type), conservative (a word that points exactly at an object,\n"
		"in an object of a type nobody described).",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_LIMIT,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
