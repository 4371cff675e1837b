/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy find: where a text is, and who holds what it is in. */
#include <regex.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false}, {"type", "type", NEC_CELL_TEXT, true},
	{"label", "label", NEC_CELL_TEXT, true},   {"value", "value", NEC_CELL_TEXT, true},
	{"path", "path", NEC_CELL_TEXT, true},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

/* Where to look. The first is what is meant without --in. To add one: a row and its query. */
static const struct {
	const char *name, *query;
	bool label; /* what matched is not the value, so it has a column */
} places[] = {
	{"values", "find_values", false},
	{"attributes", "find_attributes", true},
	{"types", "find_types", true},
};

static struct nec_error *find_place(const char *name, size_t *ret)
{
	for (*ret = 0; *ret < sizeof(places) / sizeof(places[0]); ++*ret)
		if (!name || !strcmp(name, places[*ret].name))
			return NULL;
	return nec_error_create(NEC_ERR_USAGE, "--in takes values, attributes or types, not '%s'",
				name);
}

/* The shortest path from a root as a cell; empty where there is none. */
static struct nec_error *put_path(struct nec_cli *cli, struct nec_table *table, uint64_t addr)
{
	const struct nec_path_options options = {.max_paths = 1,
						 .progress = nec_session_progress()};
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;
	struct nec_error *err = nec_paths_find(cli->db, addr, &options, &paths);

	if (err && err->code == NEC_ERR_NOTFOUND) { /* a type that is no object of the dump */
		nec_error_destroy(err);
		nec_table_null(table);
		return NULL;
	}
	if (err)
		return err;
	if (paths->line_count)
		nec_table_text(table, paths->lines[0].text, strlen(paths->lines[0].text));
	else
		nec_table_null(table);
	return NULL;
}

static struct nec_error *put_match(struct nec_cli *cli, struct nec_table *table,
				   const struct nec_query *query, bool label)
{
	nec_table_cell(table, query, 0);
	nec_table_cell(table, query, 1);
	if (label)
		nec_table_cell(table, query, 2);
	else
		nec_table_null(table);
	nec_table_cell(table, query, 3);
	if (nec_query_column_type(query, 0) == NEC_COLUMN_NULL)
		nec_table_null(table);
	else
		NEC_TRY(put_path(cli, table, (uint64_t)nec_query_int(query, 0)));
	nec_table_end_row(table);
	return NULL;
}

/* regex NULL: what the query finds matches. */
static struct nec_error *print_matches(struct nec_cli *cli, FILE *out, struct nec_query *query,
				       bool label, const regex_t *regex)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	int64_t limit = nec_cli_limit(cli, 20), shown = 0, rest = 0;
	bool row;

	NEC_TRY(nec_table_create(out, cli->output, columns, COLUMN_COUNT, 0, 0, &table));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (regex && regexec(regex, nec_query_text(query, 2, NULL), 0, NULL, 0) != 0)
			continue;
		if (limit && shown == limit) {
			rest++;
			continue;
		}
		shown++;
		NEC_TRY(put_match(cli, table, query, label));
	}
	NEC_TRY(nec_table_finish(table, NULL));
	if (!shown && cli->output == NEC_OUTPUT_TEXT)
		nec_session_say("nothing matches '%s'", cli->operands[1]);
	return nec_table_print_rest(out, cli->output, 0, rest);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool is_regex = nec_cli_has(cli, "regex");
	struct nec_error *err;
	regex_t regex;
	char message[256];
	size_t place;
	int r;

	NEC_TRY(find_place(nec_cli_text(cli, "in"), &place));
	if (is_regex) {
		r = regcomp(&regex, cli->operands[1], REG_EXTENDED | REG_NOSUB);
		if (r) {
			regerror(r, &regex, message, sizeof(message));
			return nec_error_create(NEC_ERR_USAGE, "'%s' is no regular expression: %s",
						cli->operands[1], message);
		}
	}
	err = nec_cli_open(cli, cli->operands[0]);
	if (!err)
		err = nec_query_named(cli->db, places[place].query, &query);
	if (!err)
		err = nec_query_bind_text(query, ":text", is_regex ? "" : cli->operands[1]);
	if (!err)
		err = print_matches(cli, out, query, places[place].label, is_regex ? &regex : NULL);
	if (is_regex)
		regfree(&regex);
	return err;
}

static const struct nec_option options[] = {
	{"in", 0, NEC_OPTION_TEXT, "PLACE", "values (default), attributes, or types"},
	{"regex", 'E', NEC_OPTION_FLAG, NULL, "TEXT is an extended regular expression"},
	{0},
};

const struct nec_command nec_command_find = {
	.name = "find",
	.operands = "DUMP TEXT",
	.summary = "where a text is, and who holds it",
	.help = "Lists the objects whose value contains TEXT, each with the shortest path from a\n"
		"root to it. Upper and lower case ASCII letters are the same, unless TEXT is a\n"
		"regular expression.\n"
		"\n"
		"--in attributes looks at what references are called, .name and ['key'], and\n"
		"lists the objects that have them; --in types looks at the names of types.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
