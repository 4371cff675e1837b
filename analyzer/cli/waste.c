/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy waste: memory that a program could do without, by what it is. */
#include "cli/command.h"
#include "cli/listing.h"

static const struct nec_column value_columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"addr", "one of them", NEC_CELL_ADDR, false},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "to win", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

static const struct nec_column keys_columns[] = {
	{"addr", "one of them", NEC_CELL_ADDR, false},
	{"count", "dicts", NEC_CELL_COUNT, false},
	{"bytes", "to win", NEC_CELL_SIZE, false},
	{"value", "value", NEC_CELL_TEXT, true},
};

static const struct nec_column empty_columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},     {"addr", "address", NEC_CELL_ADDR, false},
	{"items", "items", NEC_CELL_COUNT, false}, {"size", "size", NEC_CELL_SIZE, false},
	{"bytes", "to win", NEC_CELL_SIZE, false},
};

static const struct nec_column slots_columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"items", "attributes", NEC_CELL_COUNT, false},
	{"bytes", "to win", NEC_CELL_SIZE, false},
};

static const struct nec_column array_columns[] = {
	{"type", "of", NEC_CELL_TEXT, true},
	{"addr", "address", NEC_CELL_ADDR, false},
	{"items", "items", NEC_CELL_COUNT, false},
	{"bytes", "to win", NEC_CELL_SIZE, false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* To add one: its query in store/sql, its columns, a line here, and an option of the same name
 * below. The first is what is listed without an option. */
static const struct {
	const char *option;
	struct nec_listing listing;
} kinds[] = {
	{"values",
	 {"waste", value_columns, COUNT(value_columns), 40, "no value is there more than once"}},
	{"keys",
	 {"waste_keys", keys_columns, COUNT(keys_columns), 40,
	  "no ten dicts have the same keys, each in a table of its own"}},
	{"empty",
	 {"waste_empty", empty_columns, COUNT(empty_columns), 40,
	  "no container of 1 KiB and more is mostly empty"}},
	{"slots",
	 {"waste_slots", slots_columns, COUNT(slots_columns), 40,
	  "no class of 100 instances and more has a dict in each"}},
	{"arrays",
	 {"waste_arrays", array_columns, COUNT(array_columns), 40,
	  "no list of 100 numbers and more has them for itself"}},
};

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	const struct nec_listing *listing = &kinds[0].listing;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (nec_cli_has(cli, kinds[i].option))
			listing = &kinds[i].listing;
	return nec_listing_run(cli, out, listing);
}

static const struct nec_option options[] = {
	{"values", 0, NEC_OPTION_FLAG, NULL, "values that are there more than once (the default)"},
	{"keys", 0, NEC_OPTION_FLAG, NULL, "dicts that have the same keys, and could share them"},
	{"empty", 0, NEC_OPTION_FLAG, NULL, "lists, dicts and sets that are mostly empty"},
	{"slots", 0, NEC_OPTION_FLAG, NULL, "classes whose instances would fit __slots__"},
	{"arrays", 0, NEC_OPTION_FLAG, NULL, "lists of numbers that could be arrays"},
	{0},
};

const struct nec_command nec_command_waste = {
	.name = "waste",
	.operands = "DUMP",
	.summary = "memory that the program could do without",
	.help = "Lists strings, bytes, numbers and tuples of these that are there more than\n"
		"once, and the bytes that all but one of each take. Strings of more than\n"
		"16 MiB are not compared.\n"
		"\n"
		"With an option, in place of that: dicts that have the same keys in the same\n"
		"order, as records have that were read from JSON, each in a table of its own:\n"
		"instances of a class share theirs; containers with room for four times what\n"
		"they hold; classes of which each instance has a __dict__; lists of numbers.\n"
		"Each has the bytes that there are to win.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
