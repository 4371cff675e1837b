/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy garbage: objects that nothing reaches, by type. */
#include "cli/command.h"
#include "cli/listing.h"

static const struct nec_column columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const struct nec_listing listing = {
		.query = "garbage",
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.limit = 40,
		.nothing = "no garbage: every object is reached from a root",
	};

	return nec_listing_run(cli, out, &listing);
}

const struct nec_command nec_command_garbage = {
	.name = "garbage",
	.operands = "DUMP",
	.summary = "objects that nothing reaches, by type",
	.help = "Lists by type what no root reaches any more: cycles that wait for the\n"
		"collector. An object whose reference count is higher than the references that\n"
		"were found is held by something that was not seen, and is no garbage.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
