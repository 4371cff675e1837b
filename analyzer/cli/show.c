/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy show: one object. */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/json.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/table.h"

enum { SHOW_LABEL_WIDTH = 12 };

static void put_row(FILE *out, const char *label, const struct nec_text *text)
{
	int width = nec_table_terminal_width(out);

	fprintf(out, "  %-*s", SHOW_LABEL_WIDTH, label);
	nec_print_fitting(out, nec_text_str(text), text->len,
			  width ? width - SHOW_LABEL_WIDTH - 2 : 0);
	putc('\n', out);
}

static bool is_null(const struct nec_query *query, int column)
{
	return nec_query_column_type(query, column) == NEC_COLUMN_NULL;
}

static void escape_column(struct nec_text *text, const struct nec_query *query, int column)
{
	size_t size;
	const char *data = nec_query_text(query, column, &size);

	nec_text_escape(text, data, size);
}

struct nec_error *nec_object_print_head(struct nec_query *object, FILE *out)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int width = nec_table_terminal_width(out);

	escape_column(&text, object, NEC_OBJECT_TYPE);
	nec_text_printf(&text, " at 0x%llx\n",
			(unsigned long long)nec_query_int(object, NEC_OBJECT_ADDR));
	fputs(nec_text_str(&text), out);
	if (!is_null(object, NEC_OBJECT_VALUE)) {
		nec_text_clear(&text);
		escape_column(&text, object, NEC_OBJECT_VALUE);
		fputs("  ", out);
		nec_print_fitting(out, nec_text_str(&text), text.len, width ? width - 2 : 0);
		putc('\n', out);
	}
	return text.failed ? &nec_enomem : NULL;
}

static const struct {
	const char *label;
	int column;
	enum nec_cell kind;
} facts[] = {
	{"size", NEC_OBJECT_SIZE, NEC_CELL_SIZE},
	{"native", NEC_OBJECT_NATIVE, NEC_CELL_SIZE},
	{"retained", NEC_OBJECT_RETAINED, NEC_CELL_SIZE},
	{"refcount", NEC_OBJECT_REFCOUNT, NEC_CELL_COUNT},
};

static void put_fact(struct nec_text *text, const struct nec_query *object, int column,
		     enum nec_cell kind)
{
	int64_t value = nec_query_int(object, column);

	if (kind != NEC_CELL_SIZE) {
		nec_text_count(text, value);
		return;
	}
	nec_text_size(text, value);
	if (value >= 1024) {
		nec_text_puts(text, " (");
		nec_text_count(text, value);
		nec_text_puts(text, " bytes)");
	}
}

/* Who holds it, as far as the columns of `object` say. */
static void put_holder(FILE *out, const struct nec_query *object, struct nec_text *text)
{
	nec_text_clear(text);
	if (!is_null(object, NEC_OBJECT_IDOM)) {
		escape_column(text, object, NEC_OBJECT_IDOM_TYPE);
		nec_text_printf(text, " at 0x%llx",
				(unsigned long long)nec_query_int(object, NEC_OBJECT_IDOM));
		if (!is_null(object, NEC_OBJECT_IDOM_VALUE)) {
			nec_text_puts(text, " ");
			escape_column(text, object, NEC_OBJECT_IDOM_VALUE);
		}
		put_row(out, "held by", text);
	} else if (!is_null(object, NEC_OBJECT_DISTANCE)) {
		nec_text_puts(text, nec_query_int(object, NEC_OBJECT_DISTANCE)
					    ? "no single object"
					    : "nothing: it is garbage that was not collected yet");
		put_row(out, "held by", text);
	}
	if (!is_null(object, NEC_OBJECT_ROOTS)) {
		nec_text_clear(text);
		escape_column(text, object, NEC_OBJECT_ROOTS);
		put_row(out, "root", text);
	}
}

/* The shortest path from a root, as a row; nothing where there is none. */
static struct nec_error *put_path(struct nec_cli *cli, FILE *out, uint64_t addr,
				  struct nec_text *text)
{
	const struct nec_path_options options = {.max_paths = 1,
						 .progress = nec_session_progress()};
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;

	NEC_TRY(nec_paths_find(cli->db, addr, &options, &paths));
	if (!paths->line_count)
		return NULL;
	nec_text_clear(text);
	nec_text_escape(text, paths->lines[0].text, strlen(paths->lines[0].text));
	put_row(out, "path", text);
	return NULL;
}

static struct nec_error *show_text(struct nec_cli *cli, FILE *out, uint64_t addr,
				   struct nec_query *object)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int64_t limit = nec_cli_limit(cli, 20);
	struct nec_ref_counts counts;

	NEC_TRY(nec_refs_count(cli->db, addr, &counts));
	NEC_TRY(nec_object_print_head(object, out));
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (is_null(object, facts[i].column))
			continue;
		nec_text_clear(&text);
		put_fact(&text, object, facts[i].column, facts[i].kind);
		put_row(out, facts[i].label, &text);
	}
	nec_text_clear(&text);
	nec_text_count(&text, counts.referrers);
	nec_text_puts(&text,
		      counts.referrers == 1 ? " reference leads here" : " references lead here");
	put_row(out, "referrers", &text);
	put_holder(out, object, &text);
	NEC_TRY(put_path(cli, out, addr, &text));
	if (counts.items) {
		putc('\n', out);
		NEC_TRY(nec_refs_print(cli, out, "items", addr, limit, 2));
		NEC_TRY(nec_table_print_rest(out, cli->output, 2,
					     limit ? counts.items - limit : 0));
	}
	if (counts.referrers) {
		fprintf(out, "\nwho holds it: necropsy paths %s 0x%llx\n", cli->operands[0],
			(unsigned long long)addr);
	}
	return text.failed ? &nec_enomem : NULL;
}

static struct nec_error *show_json(struct nec_cli *cli, FILE *out, uint64_t addr,
				   struct nec_query *object)
{
	static const struct {
		const char *name;
		int column;
		bool addr;
	} members[] = {
		{"addr", NEC_OBJECT_ADDR, true},
		{"type", NEC_OBJECT_TYPE, false},
		{"type_addr", NEC_OBJECT_TYPE_ADDR, true},
		{"size", NEC_OBJECT_SIZE, false},
		{"native", NEC_OBJECT_NATIVE, false},
		{"refcount", NEC_OBJECT_REFCOUNT, false},
		{"referrers", NEC_OBJECT_REFERRERS, false},
		{"retained", NEC_OBJECT_RETAINED, false},
		{"distance", NEC_OBJECT_DISTANCE, false},
		{"idom", NEC_OBJECT_IDOM, true},
		{"root", NEC_OBJECT_ROOTS, false},
		{"value", NEC_OBJECT_VALUE, false},
	};
	struct nec_json json;

	nec_json_begin(&json, out);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *name = members[i].name;
		int column = members[i].column;

		if (is_null(object, column))
			nec_json_null(&json, name);
		else if (members[i].addr)
			nec_json_addr(&json, name, (uint64_t)nec_query_int(object, column));
		else if (nec_query_column_type(object, column) == NEC_COLUMN_INT)
			nec_json_int(&json, name, nec_query_int(object, column));
		else
			nec_json_text(&json, name, nec_query_text(object, column, NULL));
	}
	nec_json_member(&json, "items");
	NEC_TRY(nec_refs_print(cli, out, "items", addr, nec_cli_limit(cli, 0), 2));
	return nec_json_end(&json);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *object = NULL;
	uint64_t addr;

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_find_object(cli->db, cli->operands[1], &addr, &object));
	if (cli->output == NEC_OUTPUT_JSON)
		return show_json(cli, out, addr, object);
	return show_text(cli, out, addr, object);
}

const struct nec_command nec_command_show = {
	.name = "show",
	.operands = "DUMP ADDR",
	.summary = "one object: size, value, fields or items",
	.help = "Prints the object at ADDR: its type, size, reference count, value, and what it\n"
		"contains, each item by its label: .name, ['key'], [3].\n"
		"\n"
		"size is what sys.getsizeof said of it in that process, native is memory from\n"
		"malloc that it alone owns besides, retained is what would go if it went. held\n"
		"by is the one object that every path from the roots to it leads through.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_LIMIT,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
