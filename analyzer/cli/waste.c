/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy waste: values that are there more than once. */
#include "cli/command.h"
#include "cli/listing.h"

static const struct nec_column columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const struct nec_listing listing = {
		.query = "waste",
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.limit = 40,
		.nothing = "no value is there more than once",
	};

	return nec_listing_run(cli, out, &listing);
}

const struct nec_command nec_command_waste = {
	.name = "waste",
	.operands = "DUMP",
	.summary = "values that are there more than once",
	.help = "Lists strings, bytes and numbers of the same type, size and value that are there\n"
		"more than once, and the bytes that all but one of each take. Values longer than\n"
		"their preview in the database are left out.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
