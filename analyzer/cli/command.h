/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command of the program is: a name, operands, options and a function, all of it data, from
 * which --help, the help of the command and usage errors come.
 *
 * To add one: a file that defines `const struct nec_command nec_command_NAME`, and its line in
 * command.c.
 */
#ifndef NEC_CLI_COMMAND_H
#define NEC_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "necropsy.h"

enum nec_option_kind {
	NEC_OPTION_FLAG,   /* given or not */
	NEC_OPTION_TEXT,   /* --name TEXT; the last one counts */
	NEC_OPTION_LIST,   /* --name TEXT, repeatable */
	NEC_OPTION_NUMBER, /* --name N, a decimal number from 0 up */
};

struct nec_option {
	const char *name; /* without dashes; NULL ends a list */
	char letter;      /* 0: none */
	enum nec_option_kind kind;
	const char *placeholder; /* of its value in help; NULL for a flag */
	const char *help;        /* one line, from a small letter, without a full stop */
};

/* Options that several commands have; each set is a list in command.c. */
enum {
	NEC_OPTIONS_LOAD = 1,  /* how a dump is loaded */
	NEC_OPTIONS_JSON = 2,  /* --json */
	NEC_OPTIONS_CSV = 4,   /* --csv */
	NEC_OPTIONS_LIMIT = 8, /* --limit */
};

enum nec_output { NEC_OUTPUT_TEXT, NEC_OUTPUT_JSON, NEC_OUTPUT_CSV };

enum nec_status {
	NEC_STATUS_DONE = 0,
	NEC_STATUS_WARNINGS = 1, /* done, and something is worth reading */
	NEC_STATUS_FAILED = 2,
};

/* The value of one option that was given; a repeatable one has several. */
struct nec_option_value {
	const struct nec_option *option;
	const char *text; /* NULL for a flag */
	int64_t number;   /* of a NEC_OPTION_NUMBER */
};

/* One run of the program: what was typed, and what every command needs. */
struct nec_cli {
	const struct nec_command *command;
	char **operands;
	int operand_count;
	struct nec_option_value *values; /* owned; in the order they were given */
	int value_count;
	enum nec_output output;
	int64_t limit; /* of rows; -1: as the command likes */
	enum nec_status status;
	struct nec_db *db; /* owned, once nec_cli_open was called */
	char *db_path;     /* owned: the database behind db */
	/* How a dump is loaded; NULL: by nec_load. */
	struct nec_error *(*load)(const char *dump, const struct nec_load_options *options,
				  char **path_ret, bool *loaded_ret);
};

struct nec_command {
	const char *name;
	const char *operands; /* as in a usage line: "DUMP TYPE" */
	const char *summary;  /* one line for --help, from a small letter, without a full stop */
	const char *help; /* paragraphs for --help of the command; lines of at most 79 characters */
	unsigned int sets;                /* NEC_OPTIONS_* */
	const struct nec_option *options; /* its own; may be NULL */
	int min_operands, max_operands;   /* max -1: any number */
	/* An error makes the exit status 2; otherwise it is cli->status. Prints to out. */
	struct nec_error *(*run)(struct nec_cli *cli, FILE *out);
};

/* All commands, in the order of --help; NULL ends the list. The first one is what `necropsy DUMP`
 * does, unless it is on a terminal. */
extern const struct nec_command *const nec_commands[];

/* NULL when there is none of that name. */
const struct nec_command *nec_command_named(const char *name);

/*
 * Reads argv (argv[0] is the program) into cli, the command included; operands come first in argv
 * then. --help and
 * --version are printed here and set *done_ret. NEC_ERR_USAGE says what is wrong and how to get
 * help.
 */
struct nec_error *nec_cli_parse(struct nec_cli *cli, int argc, char **argv, bool *done_ret);

/* Was the option given? */
bool nec_cli_has(const struct nec_cli *cli, const char *option);
/* The value that counts, NULL when it was not given. */
const struct nec_option_value *nec_cli_value(const struct nec_cli *cli, const char *option);
const char *nec_cli_text(const struct nec_cli *cli, const char *option);

/* How many rows a command shows: --limit N (0: all), else what it likes. Machine output is
 * unlimited by itself. */
int64_t nec_cli_limit(const struct nec_cli *cli, int64_t likes);

extern const struct nec_command nec_command_browse, nec_command_capture, nec_command_diff, nec_command_dominators,
	nec_command_dot, nec_command_find, nec_command_garbage, nec_command_layout,
	nec_command_load, nec_command_memory, nec_command_objects, nec_command_paths, nec_command_refcounts,
	nec_command_refs, nec_command_report, nec_command_show, nec_command_sql,
	nec_command_tasks, nec_command_threads, nec_command_trend, nec_command_types, nec_command_waste, nec_command_whatif;

#endif
