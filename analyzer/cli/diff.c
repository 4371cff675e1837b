/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy diff: what changed between two snapshots, and sets of objects over several. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"

enum { SECTION_ROWS = 12, TABLE_ROWS = 40 };

static const struct nec_column class_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},
	{"name", "type", NEC_CELL_TEXT, true},
	{"count_a", NULL, NEC_CELL_COUNT, false},
	{"count_b", "objects", NEC_CELL_COUNT, false},
	{"count", "change", NEC_CELL_CHANGE, false},
	{"bytes_a", NULL, NEC_CELL_SIZE, false},
	{"bytes_b", "size", NEC_CELL_SIZE, false},
	{"bytes", "change", NEC_CELL_GROWTH, false},
	{"added", "added", NEC_CELL_COUNT, false},
	{"added_bytes", NULL, NEC_CELL_SIZE, false},
	{"gone", "gone", NEC_CELL_COUNT, false},
	{"gone_bytes", NULL, NEC_CELL_SIZE, false},
	{"grown", "grown", NEC_CELL_COUNT, false},
	{"grown_bytes", NULL, NEC_CELL_GROWTH, false},
	{"holder", NULL, NEC_CELL_ADDR, false},
	{"path", "most of them are held by", NEC_CELL_TEXT, true},
};

static const struct nec_column module_columns[] = {
	{"module", "module", NEC_CELL_TEXT, true},     {"count_a", NULL, NEC_CELL_COUNT, false},
	{"count_b", "objects", NEC_CELL_COUNT, false}, {"count", "change", NEC_CELL_CHANGE, false},
	{"bytes_a", NULL, NEC_CELL_SIZE, false},       {"bytes_b", "size", NEC_CELL_SIZE, false},
	{"bytes", "change", NEC_CELL_GROWTH, false},   {"added", "added", NEC_CELL_COUNT, false},
	{"added_bytes", NULL, NEC_CELL_SIZE, false},   {"gone", "gone", NEC_CELL_COUNT, false},
	{"gone_bytes", NULL, NEC_CELL_SIZE, false},    {"grown", "grown", NEC_CELL_COUNT, false},
	{"grown_bytes", NULL, NEC_CELL_GROWTH, false},
};

static const struct nec_column holder_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},
	{"addr", "address", NEC_CELL_ADDR, false},
	{"class", "type", NEC_CELL_TEXT, true},
	{"path", "path", NEC_CELL_TEXT, true},
	{"retained_a", NULL, NEC_CELL_SIZE, false},
	{"retained_b", "retained", NEC_CELL_SIZE, false},
	{"change", "change", NEC_CELL_GROWTH, false},
	{"remains", "by itself", NEC_CELL_GROWTH, false},
	{"born", NULL, NEC_CELL_INT, false},
};

static const struct nec_column container_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},
	{"addr", "address", NEC_CELL_ADDR, false},
	{"class", "type", NEC_CELL_TEXT, true},
	{"path", "path", NEC_CELL_TEXT, true},
	{"length_a", "length", NEC_CELL_COUNT, false},
	{"length_b", "now", NEC_CELL_COUNT, false},
	{"length", NULL, NEC_CELL_CHANGE, false},
	{"size_a", NULL, NEC_CELL_SIZE, false},
	{"size_b", NULL, NEC_CELL_SIZE, false},
	{"change", "holds", NEC_CELL_GROWTH, false},
	{"added", "came in", NEC_CELL_TEXT, true},
	{"first", NULL, NEC_CELL_ADDR, false},
};

static const struct nec_column frontier_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},
	{"addr", "address", NEC_CELL_ADDR, false},
	{"class", "held by", NEC_CELL_TEXT, true},
	{"path", "path", NEC_CELL_TEXT, true},
	{"count", "born", NEC_CELL_COUNT, false},
	{"bytes", "size", NEC_CELL_SIZE, false},
	{"added", "most of it", NEC_CELL_TEXT, true},
};

static const struct nec_column thread_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},       {"tid", "tid", NEC_CELL_INT, false},
	{"name", "thread", NEC_CELL_TEXT, true}, {"change", "", NEC_CELL_TEXT, false},
	{"state", "state", NEC_CELL_TEXT, true}, {"at_a", "was in", NEC_CELL_TEXT, true},
	{"at_b", "is in", NEC_CELL_TEXT, true},
};

static const struct nec_column object_columns[] = {
	{"id", NULL, NEC_CELL_INT, false},
	{"side", "in", NEC_CELL_TEXT, false},
	{"addr", "address", NEC_CELL_ADDR, false},
	{"class", "type", NEC_CELL_TEXT, true},
	{"change", NULL, NEC_CELL_TEXT, false},
	{"verdict", "verdict", NEC_CELL_TEXT, false},
	{"confidence", "sure", NEC_CELL_REAL, false},
	{"size", "size", NEC_CELL_SIZE, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

static const struct nec_column verdict_columns[] = {
	{"name", "verdict", NEC_CELL_TEXT, false},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"confidence", "sure", NEC_CELL_REAL, false},
};

#define COLUMNS(c) c, sizeof(c) / sizeof(*(c))

/* To add a way to look at it: a query, its columns and a row. */
static const struct table {
	const char *name;  /* for --by, and in JSON */
	const char *title; /* for a person */
	const char *query;
	const struct nec_column *columns;
	int column_count;
	const char *sort, *key;
	bool in_report; /* shown when nothing is asked for */
} tables[] = {
	{"containers", "Containers that grew", "diff_containers", COLUMNS(container_columns), NULL,
	 "id", true},
	{"holders", "What holds more than before", "diff_holders", COLUMNS(holder_columns), NULL,
	 "id", true},
	{"types", "Types", "diff_classes", COLUMNS(class_columns), "bytes", "id", true},
	{"modules", "Modules", "diff_modules", COLUMNS(module_columns), "bytes", "module", false},
	{"frontier", "What was born, by the nearest object that was there before", "diff_frontier",
	 COLUMNS(frontier_columns), NULL, "id", true},
	{"threads", "Threads", "diff_threads", COLUMNS(thread_columns), NULL, "id", true},
	{"objects", "Objects", "diff_objects", COLUMNS(object_columns), NULL, "id", false},
	{"verdicts", "Identity", "diff_verdicts", COLUMNS(verdict_columns), "count", "name", false},
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static struct nec_error *open_table(struct nec_cli *cli, const struct table *table, bool count,
				    struct nec_query **query_ret)
{
	const struct nec_page page = {
		.sort = table->sort,
		.key = table->key,
		.descending = table->sort,
		.limit = -1,
		.count = count,
	};

	return nec_query_page(cli->db, table->query, &page, query_ret);
}

static struct nec_error *print_table(struct nec_cli *cli, FILE *out, const struct table *table,
				     int64_t limit, int indent)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL, *count = NULL;
	bool row;

	NEC_TRY(open_table(cli, table, false, &query));
	NEC_TRY(nec_table_rows(out, cli->output, table->columns, table->column_count, 0, indent,
			       query, limit, NULL, NULL));
	NEC_TRY(open_table(cli, table, true, &count));
	NEC_TRY(nec_query_step(count, &row));
	return nec_table_print_rest(out, cli->output, indent,
				    row && limit ? nec_query_int(count, 0) - limit : 0);
}

static struct nec_error *print_warnings(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(cli->db, "diff_warnings", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		cli->status = NEC_STATUS_WARNINGS;
		if (out)
			fprintf(out, "Note: %s\n", nec_query_text(query, 0, NULL));
	}
}

static void put_change(struct nec_text *t, int64_t bytes)
{
	nec_text_puts(t, bytes > 0 ? "+" : "");
	nec_text_size(t, bytes);
}

static struct nec_error *print_summary(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_text_deinit) struct nec_text t = {0};
	static const char *const keys[] = {"source", "captured_at"};
	bool row;

	for (int side = 0; side < 2; side++) {
		_cleanup_free_ char *source = NULL, *time = NULL, *shown = NULL;
		char key[32];

		snprintf(key, sizeof(key), "%s_%c", keys[0], 'a' + side);
		source = nec_db_meta(cli->db, key);
		snprintf(key, sizeof(key), "%s_%c", keys[1], 'a' + side);
		time = nec_db_meta(cli->db, key);
		shown = nec_escape(source ? source : cli->operands[side]);
		nec_text_printf(&t, "%c  %s%s%s\n", 'A' + side, shown ? shown : "",
				time ? "  " : "", time ? time : "");
	}
	NEC_TRY(nec_query_named(cli->db, "diff_summary", &query));
	NEC_TRY(nec_query_step(query, &row));
	nec_text_puts(&t, "\nObjects  ");
	nec_text_count(&t, nec_query_int(query, 0));
	nec_text_puts(&t, " → ");
	nec_text_count(&t, nec_query_int(query, 1));
	nec_text_puts(&t, ", ");
	nec_text_size(&t, nec_query_int(query, 2));
	nec_text_puts(&t, " → ");
	nec_text_size(&t, nec_query_int(query, 3));
	nec_text_puts(&t, " (");
	put_change(&t, nec_query_int(query, 3) - nec_query_int(query, 2));
	nec_text_puts(&t, ")\n");
	if (nec_query_column_type(query, 4) != NEC_COLUMN_NULL) {
		static const char *const names[] = {"added", "gone", "grown"};

		for (int i = 0; i < 3; i++) {
			nec_text_printf(&t, "%s%s ", i ? ", " : "         ", names[i]);
			nec_text_count(&t, nec_query_int(query, 4 + 2 * i));
			nec_text_puts(&t, " of ");
			nec_text_size(&t, nec_query_int(query, 5 + 2 * i));
		}
		nec_text_puts(&t, "\n");
	}
	if (t.failed)
		return &nec_enomem;
	fputs(t.data, out);
	return NULL;
}

static struct nec_error *has_rows(struct nec_cli *cli, const struct table *table, bool *ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	NEC_TRY(open_table(cli, table, false, &query));
	return nec_query_step(query, ret);
}

static struct nec_error *print_report(struct nec_cli *cli, FILE *out)
{
	int64_t limit = nec_cli_limit(cli, SECTION_ROWS);
	bool any;

	NEC_TRY(print_summary(cli, out));
	NEC_TRY(print_warnings(cli, out));
	for (int i = 0; i < TABLES; i++) {
		NEC_TRY(has_rows(cli, &tables[i], &any));
		if (!tables[i].in_report || !any)
			continue;
		fprintf(out, "\n%s\n", tables[i].title);
		NEC_TRY(print_table(cli, out, &tables[i], limit, 2));
	}
	return NULL;
}

static struct nec_error *print_json(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *meta = NULL, *warnings = NULL;
	struct nec_json json;
	bool row;

	nec_json_begin(&json, out);
	nec_json_open(&json, "meta");
	NEC_TRY(nec_query_named(cli->db, "meta", &meta));
	for (;;) {
		NEC_TRY(nec_query_step(meta, &row));
		if (!row)
			break;
		nec_json_text(&json, nec_query_text(meta, 0, NULL), nec_query_text(meta, 1, NULL));
	}
	nec_json_close(&json);
	nec_json_list(&json, "warnings");
	NEC_TRY(nec_query_named(cli->db, "diff_warnings", &warnings));
	for (;;) {
		NEC_TRY(nec_query_step(warnings, &row));
		if (!row)
			break;
		nec_json_item_text(&json, nec_query_text(warnings, 0, NULL));
	}
	nec_json_list_close(&json);
	for (int i = 0; i < TABLES; i++) {
		if (!strcmp(tables[i].name, "objects") && !nec_cli_has(cli, "all"))
			continue;
		nec_json_member(&json, tables[i].name);
		NEC_TRY(print_table(cli, out, &tables[i], nec_cli_limit(cli, 0), 2));
	}
	return nec_json_end(&json);
}

static const struct table *find_table(const char *name)
{
	for (int i = 0; i < TABLES; i++)
		if (!strcmp(tables[i].name, name))
			return &tables[i];
	return NULL;
}

/* ---- sets ---- */

struct set {
	struct nec_db **list; /* NULL-terminated, owned */
	int count;
};

static void close_set(struct set *set)
{
	while (set->count)
		nec_db_close(set->list[--set->count]);
	free(set->list);
}

static struct nec_error *add_to_set(struct nec_cli *cli, struct set *set, const char *path)
{
	struct nec_db **list = reallocarray(set->list, (size_t)set->count + 2, sizeof(*list));
	struct nec_db *db;

	if (!list)
		return &nec_enomem;
	set->list = list;
	list[set->count] = list[set->count + 1] = NULL;
	NEC_TRY(nec_cli_open_snapshot(cli, path, &db));
	list[set->count++] = db;
	return NULL;
}

/* --alive-in A,B and --alive-in A --alive-in B are the same; a file with a comma in its name is
 * one. */
static struct nec_error *read_set(struct nec_cli *cli, const char *option, struct set *set)
{
	for (int i = 0; i < cli->value_count; i++) {
		_cleanup_free_ char *text = NULL;
		char *rest, *path;

		if (strcmp(cli->values[i].option->name, option) != 0)
			continue;
		if (access(cli->values[i].text, F_OK) == 0) {
			NEC_TRY(add_to_set(cli, set, cli->values[i].text));
			continue;
		}
		text = strdup(cli->values[i].text);
		if (!text)
			return &nec_enomem;
		for (path = strtok_r(text, ",", &rest); path; path = strtok_r(NULL, ",", &rest))
			NEC_TRY(add_to_set(cli, set, path));
	}
	return NULL;
}

static struct nec_error *run_sets(struct nec_cli *cli, FILE *out,
				  const struct nec_diff_options *options)
{
	static const struct nec_column columns[] = {
		{"name", "type", NEC_CELL_TEXT, true},
		{"count", "objects", NEC_CELL_COUNT, false},
		{"bytes", "size", NEC_CELL_SIZE, false},
	};
	static const struct table chosen = {
		"types", "", "diff_chosen", COLUMNS(columns), "bytes", "name", false,
	};
	const char *by = nec_cli_text(cli, "by");
	struct set alive = {0}, born = {0}, gone = {0};
	struct nec_diff_sets sets;
	struct nec_db *result;
	struct nec_error *err;

	if (cli->operand_count)
		return nec_error_create(
			NEC_ERR_USAGE,
			"with --alive-in, --born-after and --gone-in there are no other snapshots");
	if (by && strcmp(by, "types") != 0 && strcmp(by, "objects") != 0)
		return nec_error_create(NEC_ERR_USAGE,
					"sets of objects are shown --by types or objects");
	err = read_set(cli, "alive-in", &alive);
	if (!err)
		err = read_set(cli, "born-after", &born);
	if (!err)
		err = read_set(cli, "gone-in", &gone);
	if (!err && !alive.count)
		err = nec_error_create(NEC_ERR_USAGE,
				       "--alive-in names the snapshots whose objects are meant");
	sets = (struct nec_diff_sets){alive.list, born.list, gone.list};
	if (!err)
		err = nec_diff_select(&sets, options, &result);
	close_set(&alive);
	close_set(&born);
	close_set(&gone);
	if (err)
		return err;
	nec_cli_use(cli, result);
	return print_table(cli, out, by && !strcmp(by, "objects") ? find_table("objects") : &chosen,
			   nec_cli_limit(cli, TABLE_ROWS), 0);
}

/* ---- the command ---- */

static struct nec_error *compare(struct nec_cli *cli, const struct nec_diff_options *options)
{
	struct nec_db *a = NULL, *b = NULL, *diff;
	struct nec_error *err = nec_cli_open_snapshot(cli, cli->operands[0], &a);

	if (!err)
		err = nec_cli_open_snapshot(cli, cli->operands[1], &b);
	if (!err)
		err = nec_diff(a, b, options, &diff);
	nec_db_close(a);
	nec_db_close(b);
	if (!err)
		nec_cli_use(cli, diff);
	return err;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	const struct nec_diff_options options = {
		.all_objects = nec_cli_has(cli, "all"),
		.no_paths = nec_cli_has(cli, "no-paths"),
		.progress = nec_session_progress(),
	};
	const char *by = nec_cli_text(cli, "by");

	if (by && !find_table(by))
		return nec_error_create(
			NEC_ERR_USAGE,
			"--by takes types, modules, holders, containers, frontier, threads, "
			"objects or verdicts, not '%s'",
			by);
	if (nec_cli_has(cli, "alive-in") || nec_cli_has(cli, "born-after") ||
	    nec_cli_has(cli, "gone-in"))
		return run_sets(cli, out, &options);
	if (cli->operand_count != 2)
		return nec_error_create(NEC_ERR_USAGE,
					"two snapshots are compared, the older one first");
	if (cli->output == NEC_OUTPUT_CSV && !by)
		return nec_error_create(NEC_ERR_USAGE,
					"--csv prints one table: say which, --by ...");
	NEC_TRY(compare(cli, &options));
	if (by) {
		NEC_TRY(print_warnings(cli, cli->output == NEC_OUTPUT_TEXT ? out : NULL));
		return print_table(cli, out, find_table(by), nec_cli_limit(cli, TABLE_ROWS), 0);
	}
	return cli->output == NEC_OUTPUT_JSON ? print_json(cli, out) : print_report(cli, out);
}

static const struct nec_option options[] = {
	{"by", 0, NEC_OPTION_TEXT, "WHAT", "one table of the result, see above"},
	{"all", 0, NEC_OPTION_FLAG, NULL, "list every object, not 1000 of a type"},
	{"no-paths", 0, NEC_OPTION_FLAG, NULL, "do not look for how holders are reached"},
	{"alive-in", 0, NEC_OPTION_LIST, "DUMPS", "sets: objects that are in all of these,"},
	{"born-after", 0, NEC_OPTION_LIST, "DUMPS", "and in none of these, which are older,"},
	{"gone-in", 0, NEC_OPTION_LIST, "DUMPS", "and in none of these, which are newer"},
	{0},
};

const struct nec_command nec_command_diff = {
	.name = "diff",
	.operands = "DUMP DUMP",
	.summary = "what changed between two snapshots",
	.help = "Compares two snapshots, the older one first: types, modules, containers with\n"
		"both lengths, what holds more than before, and threads. Snapshots may be of any\n"
		"kind; those that have objects and are of one process are compared object by\n"
		"object. The same object is at the same address, of the same type, with the same\n"
		"value if it cannot change, and still held by what held it.\n"
		"\n"
		"--by WHAT prints one table: containers, holders, types, modules, frontier (what\n"
		"was born, by the nearest object that was there before), threads, objects, or\n"
		"verdicts (how many objects are known to be the same, and how surely).\n"
		"\n"
		"Without operands, sets of objects over any number of snapshots of a process:\n"
		"--born-after A --alive-in B,C is what came after A and is there in B and in C.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 0,
	.max_operands = 2,
	.run = run,
};
