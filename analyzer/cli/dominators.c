/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy dominators: objects that keep most alive. */
#include "cli/command.h"
#include "cli/listing.h"

static const struct nec_column columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false}, {"type", "type", NEC_CELL_TEXT, true},
	{"size", "size", NEC_CELL_SIZE, false},    {"retained", "retained", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const struct nec_listing listing = {
		.query = "dominators",
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.limit = 40,
		.nothing = "no objects",
	};

	return nec_listing_run(cli, out, &listing);
}

const struct nec_command nec_command_dominators = {
	.name = "dominators",
	.operands = "DUMP",
	.summary = "objects that keep most alive",
	.help = "Lists the objects with the largest retained size: what would go with each of\n"
		"them, because everything that leads to it leads through that object. Objects\n"
		"that are retained by others of the list are in it as well; paths says by whom.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
