/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy browse: the interactive browser, by hand, by a script of keys, or as plain text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
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

/* Two snapshots are compared, more of them are a series: the result is browsed, and the snapshots
 * behind it. */
struct several {
	struct nec_db **list;
	struct nec_tui_document *documents; /* ends with a NULL name */
	char (*names)[24];
	int count;
};

static void close_several(struct several *s)
{
	while (s->count)
		nec_db_close(s->list[--s->count]);
	free(s->list);
	free(s->documents);
	free(s->names);
}

static struct nec_error *open_several(struct nec_cli *cli, struct several *s)
{
	size_t count = (size_t)cli->operand_count;

	s->list = calloc(count, sizeof(*s->list));
	s->documents = calloc(count + 1, sizeof(*s->documents));
	s->names = calloc(count, sizeof(*s->names));
	if (!s->list || !s->documents || !s->names)
		return &nec_enomem;
	for (size_t i = 0; i < count; i++) {
		NEC_TRY(nec_cli_open_snapshot(cli, cli->operands[i], &s->list[i]));
		s->count++;
		if (count == 2)
			snprintf(s->names[i], sizeof(s->names[i]), "%c", 'A' + (int)i);
		else
			snprintf(s->names[i], sizeof(s->names[i]), "%zu", i + 1);
		s->documents[i] = (struct nec_tui_document){s->names[i], s->list[i]};
	}
	return NULL;
}

static struct nec_error *compute(struct nec_cli *cli, const struct several *s)
{
	const struct nec_diff_options diff = {.progress = nec_session_progress()};
	struct nec_trend_options trend = {.progress = nec_session_progress()};
	const char *limit = nec_cli_text(cli, "limit");
	struct nec_db *result;
	double bytes = 0;

	if (limit && (!nec_bytes_parse(limit, &bytes, NULL, NULL) || bytes >= 0x1p62))
		return nec_error_create(NEC_ERR_USAGE,
					"--limit takes a size as 4GiB or 4GB, not '%s'", limit);
	trend.limit = (int64_t)bytes;
	if (s->count == 2)
		NEC_TRY(nec_diff(s->list[0], s->list[1], &diff, &result));
	else
		NEC_TRY(nec_trend(s->list, (size_t)s->count, &trend, &result));
	nec_cli_use(cli, result);
	return NULL;
}

static struct nec_error *run_several(struct nec_cli *cli, struct nec_tui_options *options)
{
	struct several several = {0};
	struct nec_error *err = open_several(cli, &several);

	if (!err)
		err = compute(cli, &several);
	options->documents = several.documents;
	if (!err)
		err = nec_tui_run(cli->db, options);
	close_several(&several);
	return err;
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
	if (cli->operand_count > 1)
		return run_several(cli, &options);
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
	{"limit", 0, NEC_OPTION_TEXT, "SIZE", "of memory, for a series: 4GiB, 4GB"},
	{"no-color", 0, NEC_OPTION_FLAG, NULL, "no colours, as with NO_COLOR set"},
	{0},
};

const struct nec_command nec_command_browse = {
	.name = "browse",
	.operands = "DUMP...",
	.summary = "look around in it (what happens on a terminal)",
	.help = "Opens the browser; ? in it lists its keys. Of two dumps it shows what changed (A\n"
		"and B go to a line's object in either), of more the series over time.\n"
		"\n"
		"With --plain the content of the\n"
		"screen is printed as text, for a screen reader or a pipe. With --script FILE\n"
		"each line of FILE is keys (j, <Enter>, /text<Enter>) or a :command, such as\n"
		":save-display FILE, and nothing is drawn.",
	.sets = NEC_OPTIONS_LOAD,
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
