/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy dominators: objects that keep most alive, or what holds such objects. */
#include <string.h>

#include "cli/command.h"
#include "cli/listing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct nec_column columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false}, {"type", "type", NEC_CELL_TEXT, true},
	{"size", "size", NEC_CELL_SIZE, false},    {"retained", "retained", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

static const struct nec_column local_columns[] = {
	{"thread", "thread", NEC_CELL_TEXT, true},      {"depth", "frame", NEC_CELL_COUNT, false},
	{"function", "function", NEC_CELL_TEXT, true},  {"name", "local", NEC_CELL_TEXT, true},
	{"addr", "address", NEC_CELL_ADDR, false},      {"type", "type", NEC_CELL_TEXT, true},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

static const struct nec_column root_columns[] = {
	{"kind", "kind", NEC_CELL_TEXT, true},          {"label", "root", NEC_CELL_TEXT, true},
	{"addr", "address", NEC_CELL_ADDR, false},      {"type", "type", NEC_CELL_TEXT, true},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

static const struct nec_column kind_columns[] = {
	{"kind", "kind", NEC_CELL_TEXT, true},
	{"objects", "objects", NEC_CELL_COUNT, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

static const struct nec_column task_columns[] = {
	{"kind", "kind", NEC_CELL_TEXT, true},          {"name", "task", NEC_CELL_TEXT, true},
	{"state", "state", NEC_CELL_TEXT, true},        {"addr", "address", NEC_CELL_ADDR, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

static const struct nec_column thread_columns[] = {
	{"name", "thread", NEC_CELL_TEXT, true},        {"tid", "tid", NEC_CELL_INT, false},
	{"state", "state", NEC_CELL_TEXT, true},        {"frames", "frames", NEC_CELL_COUNT, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

/* What the rows are. The first is what is listed without --by. To add one: a row, and its query. */
static const struct rows {
	const char *by;
	struct nec_listing listing;
} kinds[] = {
	{"object", {"dominators", columns, COUNT(columns), 40, "no objects"}},
	{"root", {"dominators_by_root", root_columns, COUNT(root_columns), 40, "no roots"}},
	{"kind", {"dominators_by_kind", kind_columns, COUNT(kind_columns), 40, "no roots"}},
	{"thread",
	 {"dominators_by_thread", thread_columns, COUNT(thread_columns), 40, "no threads"}},
	{"local",
	 {"dominators_by_local", local_columns, COUNT(local_columns), 40, "no local variables"}},
	{"task", {"dominators_by_task", task_columns, COUNT(task_columns), 40, "no tasks"}},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	const char *by = nec_cli_text(cli, "by");
	size_t i = 0;

	while (by && i < COUNT(kinds) && strcmp(kinds[i].by, by))
		i++;
	if (i == COUNT(kinds))
		return nec_error_create(
			NEC_ERR_USAGE,
			"dominators: --by object, root, kind, thread, local or task, not '%s'", by);
	return nec_listing_run(cli, out, &kinds[i].listing);
}

static const struct nec_option options[] = {
	{"by", 0, NEC_OPTION_TEXT, "WHAT", "object (default), root, kind, thread, local or task"},
	{0},
};

const struct nec_command nec_command_dominators = {
	.name = "dominators",
	.operands = "DUMP",
	.summary = "objects that keep most alive",
	.help = "Lists the objects with the largest retained size: what would go with each of\n"
		"them, because everything that leads to it leads through that object. Objects\n"
		"that are retained by others of the list are in it as well; paths says by whom.\n"
		"\n"
		"--by asks for that of what holds them: each root, all roots of a kind, threads\n"
		"(their frames and state), local variables of their frames, tasks of asyncio and\n"
		"greenlets. Types, modules and packages are sums of types --by.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
