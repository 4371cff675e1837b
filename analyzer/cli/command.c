/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of commands, and everything that is read off it: which one was meant, its options, help,
 * usage errors.
 *
 * getopt_long does the scanning; its table is put together from the option sets and the command's
 * own list. Options may stand before the command too, so the first operand is looked for with the
 * options of all commands first.
 */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

const struct nec_command *const nec_commands[] = {
	&nec_command_report,
#ifdef HAVE_TUI
	&nec_command_browse,
#endif
	&nec_command_capture,
	&nec_command_diff,
	&nec_command_dominators,
	&nec_command_dot,
	&nec_command_garbage,
	&nec_command_find,
	&nec_command_layout,
	&nec_command_load,
	&nec_command_objects,
	&nec_command_paths,
	&nec_command_refcounts,
	&nec_command_refs,
	&nec_command_show,
	&nec_command_sql,
	&nec_command_tasks,
	&nec_command_threads,
	&nec_command_trend,
	&nec_command_types,
	&nec_command_memory,
	&nec_command_waste,
	&nec_command_whatif,
	NULL,
};

static const struct nec_option options_common[] = {
	{"help", 'h', NEC_OPTION_FLAG, NULL, "print this help"},
	{"version", 'V', NEC_OPTION_FLAG, NULL, "print the version"},
	{0},
};

static const struct nec_option options_json[] = {
	{"json", 0, NEC_OPTION_FLAG, NULL, "print JSON: exact numbers, sizes in bytes"},
	{0},
};

static const struct nec_option options_csv[] = {
	{"csv", 0, NEC_OPTION_FLAG, NULL, "print CSV"},
	{0},
};

static const struct nec_option options_limit[] = {
	{"limit", 'n', NEC_OPTION_NUMBER, "N", "print at most N rows (0: all)"},
	{0},
};

static const struct nec_option options_load[] = {
	{"output", 'o', NEC_OPTION_TEXT, "DB", "the database to make"},
	{"sysroot", 0, NEC_OPTION_TEXT, "DIR", "stands for / of the machine that died"},
	{"exe", 0, NEC_OPTION_TEXT, "FILE", "the executable, where it is not in its place"},
	{"lib-path", 0, NEC_OPTION_LIST, "DIR", "look for libraries in DIR (repeatable)"},
	{"no-values", 0, NEC_OPTION_FLAG, NULL, "keep no contents of objects in the database"},
	{"force", 'f', NEC_OPTION_FLAG, NULL, "load again, over an existing database"},
	{0},
};

static const struct {
	unsigned int set;
	const struct nec_option *options;
} option_sets[] = {
	{NEC_OPTIONS_JSON, options_json},
	{NEC_OPTIONS_CSV, options_csv},
	{NEC_OPTIONS_LIMIT, options_limit},
	{NEC_OPTIONS_LOAD, options_load},
	{~0u, options_common},
};

enum { OPTIONS_MAX = 96 };

/* The options of a command (NULL: of every command, each name once) in one list. */
struct option_list {
	const struct nec_option *options[OPTIONS_MAX];
	int count;
};

static void option_list_add(struct option_list *list, const struct nec_option *options)
{
	for (; options && options->name; options++) {
		int i;

		for (i = 0; i < list->count; i++)
			if (!strcmp(list->options[i]->name, options->name))
				break;
		if (i == list->count && list->count < OPTIONS_MAX)
			list->options[list->count++] = options;
	}
}

static void option_list_init(struct option_list *list, const struct nec_command *command)
{
	list->count = 0;
	if (command) {
		option_list_add(list, command->options);
	} else {
		for (size_t i = 0; nec_commands[i]; i++)
			option_list_add(list, nec_commands[i]->options);
	}
	for (size_t i = 0; i < sizeof(option_sets) / sizeof(option_sets[0]); i++)
		if (!command || option_sets[i].set & command->sets || option_sets[i].set == ~0u)
			option_list_add(list, option_sets[i].options);
}

#ifdef HAVE_TUI
static bool option_list_has(const struct option_list *list, const char *name)
{
	for (int i = 0; i < list->count; i++)
		if (!strcmp(list->options[i]->name, name))
			return true;
	return false;
}
#endif

const struct nec_command *nec_command_named(const char *name)
{
	for (size_t i = 0; nec_commands[i]; i++)
		if (!strcmp(nec_commands[i]->name, name))
			return nec_commands[i];
	return NULL;
}

/* Help. */

static void print_options(const struct nec_option *options)
{
	for (; options && options->name; options++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", options->letter ? '-' : ' ',
			 options->letter ? options->letter : ' ', options->letter ? ", " : "  ",
			 options->name, options->placeholder ? " " : "",
			 options->placeholder ? options->placeholder : "");
		printf("  %-22s %s\n", left, options->help);
	}
}

static void print_help(void)
{
	printf("usage: necropsy [COMMAND] DUMP [ARGUMENT...] [OPTION...]\n"
	       "\n"
	       "A post-mortem for CPython: what was in a dead process, and who held it.\n"
	       "DUMP is a core, a heap snapshot, or a database that was made of one. A dump is\n"
	       "loaded once; its database lies beside it, or in $XDG_CACHE_HOME/necropsy.\n"
	       "Without a command: %s%s.\n"
	       "\ncommands:\n",
	       nec_commands[1] == &nec_command_load ? "" : "browse on a terminal, else ",
	       nec_commands[0]->name);
	for (size_t i = 0; nec_commands[i]; i++) {
		char left[48];

		snprintf(left, sizeof(left), "%s %s", nec_commands[i]->name,
			 nec_commands[i]->operands);
		printf("  %-22s %s\n", left, nec_commands[i]->summary);
	}
	printf("\noptions of most commands (necropsy COMMAND --help has them all):\n");
	for (size_t i = 0; i < sizeof(option_sets) / sizeof(option_sets[0]); i++)
		print_options(option_sets[i].options);
	printf("\nexit status: 0 done, 1 done with warnings worth reading, 2 could not\n");
}

static void print_command_help(const struct nec_command *command)
{
	printf("usage: necropsy %s %s [OPTION...]\n\n%s\n\noptions:\n", command->name,
	       command->operands, command->help);
	print_options(command->options);
	for (size_t i = 0; i < sizeof(option_sets) / sizeof(option_sets[0]); i++)
		if (option_sets[i].set & command->sets || option_sets[i].set == ~0u)
			print_options(option_sets[i].options);
}

/* Scanning. */

struct scanner {
	struct option_list list;
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 3];
};

/* mode: "+" to stop at the first operand, "" to let getopt put operands last. */
static void scanner_init(struct scanner *s, const struct nec_command *command, const char *mode)
{
	char *p = s->shorts;

	option_list_init(&s->list, command);
	p = stpcpy(p, mode);
	*p++ = ':'; /* messages are ours */
	for (int i = 0; i < s->list.count; i++) {
		const struct nec_option *o = s->list.options[i];

		s->longs[i] = (struct option){
			.name = o->name,
			.has_arg = o->kind == NEC_OPTION_FLAG ? no_argument : required_argument,
			.val = 256 + i,
		};
		if (o->letter) {
			*p++ = o->letter;
			if (o->kind != NEC_OPTION_FLAG)
				*p++ = ':';
		}
	}
	*p = '\0';
	s->longs[s->list.count] = (struct option){0};
	optind = 0; /* start afresh, as glibc has it */
	opterr = 0;
}

/* The option that getopt_long found, NULL for one that is not there or lacks its value. */
static const struct nec_option *scanner_option(const struct scanner *s, int c)
{
	if (c >= 256)
		return s->list.options[c - 256];
	for (int i = 0; i < s->list.count; i++)
		if (c == s->list.options[i]->letter && c != '?' && c != ':')
			return s->list.options[i];
	return NULL;
}

/* Index in argv of the first operand, argc when there is none. */
static int first_operand(int argc, char **argv)
{
	struct scanner s;

	scanner_init(&s, NULL, "+");
	while (getopt_long(argc, argv, s.shorts, s.longs, NULL) != -1)
		;
	return optind;
}

/*
 * What is done without a command: on a terminal one looks around, unless an option is given that
 * only the report has; an option that only the browser has decides for it anywhere.
 */
static const struct nec_command *default_command(int argc, char **argv)
{
	const struct nec_command *command = nec_commands[0];
#ifdef HAVE_TUI
	struct option_list browse, report;
	struct scanner s;
	int c;

	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		command = &nec_command_browse;
	option_list_init(&browse, &nec_command_browse);
	option_list_init(&report, nec_commands[0]);
	scanner_init(&s, NULL, "-");
	while ((c = getopt_long(argc, argv, s.shorts, s.longs, NULL)) != -1) {
		const struct nec_option *option = c == 1 ? NULL : scanner_option(&s, c);

		if (!option)
			continue;
		if (!option_list_has(&report, option->name))
			command = &nec_command_browse;
		else if (!option_list_has(&browse, option->name))
			command = nec_commands[0];
	}
#else
	(void)argc, (void)argv;
#endif
	return command;
}

static struct nec_error *usage_error(const struct nec_command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static struct nec_error *usage_error(const struct nec_command *command, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&what, fmt, ap);
	va_end(ap);
	if (r < 0) {
		what = NULL;
		return &nec_enomem;
	}
	if (!command)
		return nec_error_create(NEC_ERR_USAGE, "%s; see necropsy --help", what);
	return nec_error_create(NEC_ERR_USAGE, "%s: %s; see necropsy %s --help", command->name,
				what, command->name);
}

/* Where getopt says '?' or ':': which argument it was. */
static struct nec_error *bad_option(const struct nec_command *command, int c, char **argv)
{
	const char *arg = argv[optind - 1];

	if (c == ':')
		return usage_error(command, "option %s needs a value", arg);
	if (optopt && optopt < 256)
		return usage_error(command, "no option -%c", optopt);
	if (optopt)
		return usage_error(command, "option %s takes no value", arg);
	return usage_error(command, "no option %s, or more than one that begins so", arg);
}

static struct nec_error *parse_number(const struct nec_command *command,
				      const struct nec_option *option, const char *text,
				      int64_t *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || *end || v < 0)
		return usage_error(command, "--%s takes a number from 0 up, not '%s'", option->name,
				   text);
	*ret = v;
	return NULL;
}

static struct nec_error *parse_options(struct nec_cli *cli, int argc, char **argv, bool *help_ret,
				       bool *version_ret)
{
	struct scanner s;
	int c;

	scanner_init(&s, cli->command, "");
	cli->values = calloc((size_t)argc + 1, sizeof(*cli->values));
	if (!cli->values)
		return &nec_enomem;
	while ((c = getopt_long(argc, argv, s.shorts, s.longs, NULL)) != -1) {
		const struct nec_option *option = scanner_option(&s, c);
		struct nec_option_value *value = &cli->values[cli->value_count];

		if (!option)
			return bad_option(cli->command, c, argv);
		/* A cluster like -ff gives more values than argc; the last place takes what is
		 * over. */
		if (cli->value_count < argc)
			cli->value_count++;
		*value = (struct nec_option_value){option, optarg, 0};
		if (option->kind == NEC_OPTION_NUMBER)
			NEC_TRY(parse_number(cli->command, option, optarg, &value->number));
	}
	*help_ret = nec_cli_has(cli, "help");
	*version_ret = nec_cli_has(cli, "version");
	return NULL;
}

struct nec_error *nec_cli_parse(struct nec_cli *cli, int argc, char **argv, bool *done_ret)
{
	int at = first_operand(argc, argv);
	bool help, version, named = false;

	*done_ret = false;
	cli->limit = -1;
	if (at < argc && nec_command_named(argv[at])) {
		named = true;
		cli->command = nec_command_named(argv[at]);
		memmove(argv + at, argv + at + 1, (size_t)(argc - at) * sizeof(*argv));
		argc--;
	} else {
		cli->command = default_command(argc, argv);
	}
	NEC_TRY(parse_options(cli, argc, argv, &help, &version));
	if (version) {
		printf("necropsy %s\n", PACKAGE_VERSION);
		*done_ret = true;
		return NULL;
	}
	if (help) {
		if (named)
			print_command_help(cli->command);
		else
			print_help();
		*done_ret = true;
		return NULL;
	}
	if (nec_cli_has(cli, "json") && nec_cli_has(cli, "csv"))
		return usage_error(cli->command, "--json or --csv, not both");
	cli->output = nec_cli_has(cli, "json")  ? NEC_OUTPUT_JSON
		      : nec_cli_has(cli, "csv") ? NEC_OUTPUT_CSV
						: NEC_OUTPUT_TEXT;
	if (nec_cli_value(cli, "limit") &&
	    nec_cli_value(cli, "limit")->option->kind == NEC_OPTION_NUMBER)
		cli->limit = nec_cli_value(cli, "limit")->number;
	cli->operands = argv + optind;
	cli->operand_count = argc - optind;
	if (!named && !cli->operand_count)
		return usage_error(NULL, "a dump is missing");
	/* "necropsy tpyes core" is a slip of the pen; "necropsy core other" has one file too many.
	 */
	if (!named && cli->operand_count > cli->command->max_operands &&
	    access(cli->operands[0], F_OK) != 0)
		return usage_error(NULL, "'%s' is no command", cli->operands[0]);
	if (cli->operand_count < cli->command->min_operands)
		return usage_error(cli->command, "takes %s", cli->command->operands);
	if (cli->command->max_operands >= 0 && cli->operand_count > cli->command->max_operands)
		return usage_error(cli->command, "takes %s; '%s' is too much",
				   cli->command->operands,
				   cli->operands[cli->command->max_operands]);
	return NULL;
}

const struct nec_option_value *nec_cli_value(const struct nec_cli *cli, const char *option)
{
	for (int i = cli->value_count; i-- > 0;)
		if (!strcmp(cli->values[i].option->name, option))
			return &cli->values[i];
	return NULL;
}

bool nec_cli_has(const struct nec_cli *cli, const char *option)
{
	return nec_cli_value(cli, option);
}

const char *nec_cli_text(const struct nec_cli *cli, const char *option)
{
	const struct nec_option_value *value = nec_cli_value(cli, option);

	return value ? value->text : NULL;
}

int64_t nec_cli_limit(const struct nec_cli *cli, int64_t likes)
{
	if (cli->limit >= 0)
		return cli->limit;
	return cli->output == NEC_OUTPUT_TEXT ? likes : 0;
}
