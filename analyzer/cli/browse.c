/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy browse: the interactive browser, by hand, by a script of keys, or as plain text. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/session.h"
#include "tui/tui.h"

static struct nec_error *parse_size(const char *text, struct nec_tui_options *options)
{
	char end;

	if (!text || (sscanf(text, "%4dx%4d%c", &options->width, &options->height, &end) == 2 &&
		      options->width > 0 && options->height > 0))
		return NULL;
	return nec_error_create(NEC_ERR_USAGE, "--size takes COLUMNSxLINES, not '%s'", text);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	struct nec_tui_options options = {
		.script = nec_cli_text(cli, "script"),
		.plain = nec_cli_has(cli, "plain"),
		.command = nec_cli_text(cli, "screen"),
		.keymap = nec_cli_text(cli, "keys"),
		.no_keymap = nec_cli_has(cli, "script"),
		.no_color = nec_cli_has(cli, "no-color"),
		.charset = nec_cli_has(cli, "ascii") ? NEC_TUI_CHARSET_ASCII : NEC_TUI_CHARSET_AUTO,
	};

	NEC_TRY(parse_size(nec_cli_text(cli, "size"), &options));
	if (!options.script && !options.plain) {
		if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
			return nec_error_create(NEC_ERR_USAGE,
						"standard input or output is no terminal: --plain "
						"prints, --script FILE reads keys of a file");
		cli->load = nec_tui_load;
	}
	fflush(out);
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	return nec_tui_run(cli->db, &options);
}

static const struct nec_option options[] = {
	{"screen", 0, NEC_OPTION_TEXT, "COMMAND", "begin there: types, 'show 0x7f...', ..."},
	{"plain", 0, NEC_OPTION_FLAG, NULL, "print the screen's content and leave"},
	{"script", 0, NEC_OPTION_TEXT, "FILE", "take keys and :commands from FILE"},
	{"size", 0, NEC_OPTION_TEXT, "WxH", "size of the screen under --script (80x24)"},
	{"keys", 0, NEC_OPTION_TEXT, "FILE", "key bindings (~/.config/necropsy/keys)"},
	{"ascii", 0, NEC_OPTION_FLAG, NULL, "draw with ASCII characters alone"},
	{"no-color", 0, NEC_OPTION_FLAG, NULL, "no colours, as with NO_COLOR set"},
	{0},
};

const struct nec_command nec_command_browse = {
	.name = "browse",
	.operands = "DUMP",
	.summary = "look around in it (what happens on a terminal)",
	.help = "Opens the browser; ? in it lists its keys. With --plain the content of the\n"
		"screen is printed as text, for a screen reader or a pipe. With --script FILE\n"
		"each line of FILE is keys (j, <Enter>, /text<Enter>) or a :command, such as\n"
		":save-display FILE, and nothing is drawn.",
	.sets = NEC_OPTIONS_LOAD,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
