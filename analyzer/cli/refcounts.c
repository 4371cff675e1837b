/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy refcounts: objects whose reference counts are not what was found. */
#include "cli/command.h"
#include "cli/listing.h"

static const struct nec_column columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false},       {"type", "type", NEC_CELL_TEXT, true},
	{"refcount", "refcount", NEC_CELL_COUNT, false}, {"found", "found", NEC_CELL_COUNT, false},
	{"roots", "roots", NEC_CELL_COUNT, false},       {"more", "more", NEC_CELL_COUNT, false},
	{"retained", "retained", NEC_CELL_SIZE, false},  {"value", "value", NEC_CELL_TEXT, true},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const struct nec_listing listing = {
		.query = "refcounts",
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.limit = 40,
		.nothing =
			"every reference count is explained by references and roots that were found",
	};

	return nec_listing_run(cli, out, &listing);
}

const struct nec_command nec_command_refcounts = {
	.name = "refcounts",
	.operands = "DUMP",
	.summary = "objects whose counts are not what was found",
	.help = "Compares the reference count of each object with the references and the roots\n"
		"that were found. What has more is held by native code, or leaked by a DECREF\n"
		"that is missing; the largest by retained size come first. Before these comes\n"
		"what has less than own it (`more' is negative): somebody gave back a reference\n"
		"that was not his, and the object will be freed while others use it. Immortal\n"
		"and static objects are left out: their counts say nothing. What is borrowed, as\n"
		"the table of interned strings has all of them, owns nothing. A word that was\n"
		"left on a stack explains one reference too many.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
