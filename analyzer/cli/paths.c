/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy paths: who holds an object, from the roots down. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/json.h"
#include "cli/lists.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column line_columns[] = {
	{"path", "path", NEC_CELL_INT, false},       {"length", "length", NEC_CELL_COUNT, false},
	{"root_kind", "root", NEC_CELL_TEXT, false}, {"root_label", "label", NEC_CELL_TEXT, true},
	{"text", "path", NEC_CELL_TEXT, true},
};

static const struct nec_column step_columns[] = {
	{"path", "path", NEC_CELL_INT, false},          {"step", "step", NEC_CELL_INT, false},
	{"label", "label", NEC_CELL_TEXT, true},        {"addr", "address", NEC_CELL_ADDR, false},
	{"type", "type", NEC_CELL_TEXT, true},          {"size", "size", NEC_CELL_SIZE, false},
	{"retained", "retained", NEC_CELL_SIZE, false}, {"value", "value", NEC_CELL_TEXT, true},
};

enum {
	LINE_COLUMNS = sizeof(line_columns) / sizeof(line_columns[0]),
	STEP_COLUMNS = sizeof(step_columns) / sizeof(step_columns[0]),
};

static void put_text(struct nec_table *table, const char *text)
{
	if (text)
		nec_table_text(table, text, strlen(text));
	else
		nec_table_null(table);
}

/* The steps of a line from its beginning; to be freed, NULL when out of memory. */
static uint32_t *steps_of(const struct nec_paths *paths, const struct nec_path_line *line)
{
	uint32_t *order = calloc((size_t)line->length + 1, sizeof(*order)), at = line->last, i;

	for (i = line->length; order && i-- > 0; at = paths->steps[at].parent)
		order[i] = at;
	return order;
}

static struct nec_error *table_of_steps(const struct nec_paths *paths, uint32_t which,
					struct nec_table *table)
{
	const struct nec_path_line *line = &paths->lines[which];
	_cleanup_free_ uint32_t *order = steps_of(paths, line);
	uint32_t i;

	if (!order)
		return &nec_enomem;
	for (i = 0; i < line->length; i++) {
		const struct nec_path_step *step = &paths->steps[order[i]];

		nec_table_int(table, (int64_t)which + 1);
		nec_table_int(table, (int64_t)i + 1);
		put_text(table, step->label);
		nec_table_int(table, (int64_t)step->addr);
		put_text(table, step->type);
		nec_table_int(table, step->size);
		if (step->retained < 0)
			nec_table_null(table);
		else
			nec_table_int(table, step->retained);
		put_text(table, step->value);
		nec_table_end_row(table);
	}
	return NULL;
}

static struct nec_error *print_steps(const struct nec_cli *cli, FILE *out,
				     const struct nec_paths *paths, int indent)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	uint32_t i;

	NEC_TRY(nec_table_create(out, cli->output, step_columns, STEP_COLUMNS, 0, indent, &table));
	for (i = 0; i < paths->line_count; i++)
		NEC_TRY(table_of_steps(paths, i, table));
	return nec_table_finish(table, NULL);
}

static struct nec_error *print_json(const struct nec_cli *cli, FILE *out, uint64_t addr,
				    const struct nec_paths *paths)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	struct nec_json json;
	uint32_t i;

	nec_json_begin(&json, out);
	nec_json_addr(&json, "addr", addr);
	nec_json_member(&json, "paths");
	NEC_TRY(nec_table_create(out, NEC_OUTPUT_JSON, line_columns, LINE_COLUMNS, 0, 2, &table));
	for (i = 0; i < paths->line_count; i++) {
		const struct nec_path_line *line = &paths->lines[i];

		nec_table_int(table, (int64_t)i + 1);
		nec_table_int(table, line->length);
		put_text(table, line->root_kind);
		put_text(table, line->root_label);
		put_text(table, line->text);
		nec_table_end_row(table);
	}
	NEC_TRY(nec_table_finish(table, NULL));
	nec_json_member(&json, "steps");
	NEC_TRY(print_steps(cli, out, paths, 2));
	return nec_json_end(&json);
}

/* "label -> type at 0x7f.., 12 KiB retained", escaped. */
static void add_step(struct nec_text *text, const struct nec_path_step *step)
{
	if (*step->label) {
		nec_text_escape(text, step->label, strlen(step->label));
		nec_text_puts(text, " -> ");
	}
	nec_text_escape(text, step->type, strlen(step->type));
	nec_text_printf(text, " at 0x%llx", (unsigned long long)step->addr);
	if (step->retained >= 0) {
		nec_text_puts(text, ", retains ");
		nec_text_size(text, step->retained);
	}
	if (step->value) {
		nec_text_puts(text, "  ");
		nec_text_escape(text, step->value, strlen(step->value));
	}
}

static void print_line(FILE *out, struct nec_text *text, int indent, int width)
{
	fprintf(out, "%*s", indent, "");
	nec_print_fitting(out, nec_text_str(text), text->len,
			  width > indent ? width - indent : width);
	fputc('\n', out);
}

static void add_root(struct nec_text *text, const struct nec_path_line *line)
{
	if (!line->root_kind)
		return;
	nec_text_puts(text, "root: ");
	nec_text_escape(text, line->root_kind, strlen(line->root_kind));
	if (line->root_label) {
		nec_text_puts(text, ", ");
		nec_text_escape(text, line->root_label, strlen(line->root_label));
	}
}

static struct nec_error *print_path(FILE *out, const struct nec_paths *paths, uint32_t which,
				    int width)
{
	const struct nec_path_line *line = &paths->lines[which];
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	_cleanup_free_ uint32_t *order = steps_of(paths, line);
	uint32_t i;

	if (!order)
		return &nec_enomem;
	nec_text_escape(&text, line->text, strlen(line->text));
	fprintf(out, "\n%u. %s\n", which + 1, nec_text_str(&text));
	nec_text_clear(&text);
	add_root(&text, line);
	if (text.len)
		print_line(out, &text, 3, width);
	for (i = 0; i < line->length; i++) {
		nec_text_clear(&text);
		add_step(&text, &paths->steps[order[i]]);
		print_line(out, &text, 5, width);
	}
	return text.failed ? &nec_enomem : NULL;
}

/* Steps stand in the order of the paths, parents first: a step's depth is one more than its
 * parent's. */
static struct nec_error *print_tree(FILE *out, const struct nec_paths *paths, int width)
{
	_cleanup_free_ uint32_t *depth = calloc((size_t)paths->step_count + 1, sizeof(*depth));
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	uint32_t i, top, *next;
	_cleanup_free_ uint32_t *stack = NULL, *sibling = NULL, *child = NULL;

	stack = calloc((size_t)paths->step_count + 1, sizeof(*stack));
	sibling = calloc((size_t)paths->step_count + 1, sizeof(*sibling));
	child = calloc((size_t)paths->step_count + 1, sizeof(*child));
	if (!depth || !stack || !sibling || !child)
		return &nec_enomem;
	/* Lists of children in order, numbers + 1; child[step_count] are those that paths begin
	 * with. */
	for (i = paths->step_count; i-- > 0;) {
		uint32_t parent = paths->steps[i].parent;

		next = &child[parent == UINT32_MAX ? paths->step_count : parent];
		sibling[i] = *next;
		*next = i + 1;
	}
	fputc('\n', out);
	top = 0;
	if (child[paths->step_count])
		stack[top++] = child[paths->step_count] - 1;
	while (top) {
		const struct nec_path_step *step;

		i = stack[--top];
		step = &paths->steps[i];
		depth[i] = step->parent == UINT32_MAX ? 0 : depth[step->parent] + 1;
		if (sibling[i])
			stack[top++] = sibling[i] - 1;
		if (child[i])
			stack[top++] = child[i] - 1;
		nec_text_clear(&text);
		if (step->paths > 1)
			nec_text_printf(&text, "(%u) ", step->paths);
		add_step(&text, step);
		print_line(out, &text, 2 + 2 * (int)(depth[i] < 1000 ? depth[i] : 1000), width);
	}
	return text.failed ? &nec_enomem : NULL;
}

static struct nec_error *print_text(const struct nec_cli *cli, FILE *out, struct nec_query *object,
				    const struct nec_paths *paths)
{
	int width = nec_table_terminal_width(out);
	uint32_t i;

	NEC_TRY(nec_object_print_head(object, out));
	if (!paths->line_count && nec_query_int(object, NEC_OBJECT_DISTANCE) == 0)
		fprintf(out, "\nno path: nothing reaches it, it is garbage\n");
	else if (!paths->line_count)
		fprintf(out, "\nno path but for what was left out\n");
	if (nec_cli_has(cli, "tree"))
		return print_tree(out, paths, width);
	for (i = 0; i < paths->line_count; i++)
		NEC_TRY(print_path(out, paths, i, width));
	return NULL;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_free_ const char **not_edges = nec_cli_list(cli, "not");
	_cleanup_free_ const char **not_types = nec_cli_list(cli, "not-type");
	_cleanup_free_ const char **not_roots = nec_cli_list(cli, "not-root");
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;
	_cleanup_(nec_query_closep) struct nec_query *object = NULL;
	struct nec_path_options options = {
		.not_edges = not_edges,
		.not_types = not_types,
		.not_roots = nec_cli_has(cli, "not-root") ? not_roots : NULL,
		.weak = nec_cli_has(cli, "weak"),
		.progress = nec_session_progress(),
	};
	int64_t count = nec_cli_limit(cli, 5);
	uint64_t addr;

	if (!not_edges || !not_types || !not_roots)
		return &nec_enomem;
	if (cli->limit < 0)
		count = 5;
	options.max_paths = count > 0 && count < 100000 ? (uint32_t)count : 100000;
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_find_object(cli->db, cli->operands[1], &addr, &object));
	if (nec_cli_text(cli, "from"))
		NEC_TRY(nec_parse_addr(nec_cli_text(cli, "from"), &options.from));
	NEC_TRY(nec_paths_find(cli->db, addr, &options, &paths));
	switch (cli->output) {
	case NEC_OUTPUT_JSON:
		return print_json(cli, out, addr, paths);
	case NEC_OUTPUT_CSV:
		return print_steps(cli, out, paths, 0);
	case NEC_OUTPUT_TEXT:
		break;
	}
	return print_text(cli, out, object, paths);
}

static const struct nec_option options[] = {
	{"not", 0, NEC_OPTION_LIST, "REFERENCE", "no path over this reference (repeatable)"},
	{"not-type", 0, NEC_OPTION_LIST, "TYPE", "no path across its instances (repeatable)"},
	{"not-root", 0, NEC_OPTION_LIST, "KIND", "no path from this kind of root (repeatable)"},
	{"from", 0, NEC_OPTION_TEXT, "ADDR", "paths from this object, not from the roots"},
	{"weak", 0, NEC_OPTION_FLAG, NULL, "paths over weak references, too"},
	{"tree", 0, NEC_OPTION_FLAG, NULL, "all paths in one tree"},
	{0},
};

const struct nec_command nec_command_paths = {
	.name = "paths",
	.operands = "DUMP ADDR",
	.summary = "who holds an object: shortest paths from the roots",
	.help = "Prints the shortest path from a root to the object at ADDR, and then others\n"
		"that differ as near to the object as can be: every holder of the object\n"
		"first, then the holders of its holder. --limit says how many (5).\n"
		"\n"
		"A REFERENCE is .name, ['key'] or [3], whoever has it; 0x7f...name or\n"
		"module.Class.name, what an object or a class has; module.Class().name, what\n"
		"each instance has; or X->Y, all from one address or class to another, * is\n"
		"any. Paths from modules and frames come first, then those from C globals,\n"
		"thread states and native memory; words on native stacks and in registers\n"
		"count where there is no other root, unless --not-root is given.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
