/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * necropsy layout: the table of a version of CPython, as analyzer/python/layouts/ has one for each.
 *
 * The head of the table is written here, since only the command line knows how the table came to
 * be; the rows come from nec_layout_table.
 */
#include "cli/command.h"

#include <string.h>

#include "base/text.h"

/* "3.14" or, with the flags of an ABI, "3.14d". abi_ret points into text. */
static struct nec_error *parse_version(const char *text, unsigned int *major_ret,
				       unsigned int *minor_ret, const char **abi_ret)
{
	int end = 0;

	if (sscanf(text, "%2u.%3u%n", major_ret, minor_ret, &end) != 2 || !*major_ret ||
	    strspn(text + end, "abcdefghijklmnopqrstuvwxyz") != strlen(text + end))
		return nec_error_create(NEC_ERR_USAGE,
					"layout: --against takes a version like 3.14, not '%s'; "
					"see necropsy layout --help",
					text);
	*abi_ret = text + end;
	return NULL;
}

/* Text inside of a comment: no end of it, nothing but printable characters. */
static void put_comment(struct nec_text *out, const char *text)
{
	for (; *text; text++) {
		bool ends = text[0] == '*' && text[1] == '/';

		nec_text_printf(out, "%c", ends || (unsigned char)*text < ' ' ? ' ' : *text);
	}
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_free_ char *table = NULL;
	_cleanup_(nec_text_deinit) struct nec_text head = {0};
	const char *against = nec_cli_text(cli, "against");
	const char *build = nec_cli_text(cli, "build");
	const char *abi = "";
	unsigned int major = 0, minor = 0;

	if (against)
		NEC_TRY(parse_version(against, &major, &minor, &abi));
	/* The operands are the end of argv, which NULL ends. */
	NEC_TRY(nec_layout_table((const char *const *)cli->operands, major, minor, abi,
				 nec_cli_has(cli, "links"), nec_cli_has(cli, "headers"), &table));
	nec_text_puts(&head, "/* SPDX-License-Identifier: GPL-3.0-or-later */\n/* ");
	put_comment(&head, build ? build : cli->operands[0]);
	nec_text_puts(&head, ", written by 'necropsy layout'");
	if (against)
		nec_text_printf(&head, " --against %s%s", against,
				nec_cli_has(cli, "links") ? " --links" : "");
	nec_text_puts(&head, ". */\n");
	if (head.failed)
		return &nec_enomem;
	fputs(nec_text_str(&head), out);
	fputs(table, out);
	return NULL;
}

static const struct nec_option options[] = {
	{"against", 0, NEC_OPTION_TEXT, "X.Y", "leave out what is the same in this version"},
	{"build", 0, NEC_OPTION_TEXT, "TEXT", "which build it is, for the head of the table"},
	{"links", 0, NEC_OPTION_FLAG, NULL, "objects begin with two links, in X.Y they do not"},
	{"headers", 0, NEC_OPTION_FLAG, NULL, "FILE has what headers declare: nothing of the rest"},
	{0},
};

const struct nec_command nec_command_layout = {
	.name = "layout",
	.operands = "FILE...",
	.summary = "the table of struct offsets of a CPython build",
	.help = "Prints where the fields of CPython's structs lie, from the debug information of\n"
		"FILE: the interpreter or its libpython, then its extension modules, in which\n"
		"types are looked for in that order. A module without debug information is passed\n"
		"over, the first file must have it. For those who add a version to necropsy; how\n"
		"is in docs/layouts.md.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
