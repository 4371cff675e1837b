/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/tui.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>

#include "tui/app.h"

#define DEFAULT_WIDTH  80
#define DEFAULT_HEIGHT 24
/* Lines of a pane that --plain prints: what a person reads on. */
#define PLAIN_LINES 60

static bool wants_ascii(const struct nec_tui_options *options)
{
	if (options->charset != NEC_TUI_CHARSET_AUTO)
		return options->charset == NEC_TUI_CHARSET_ASCII;
	return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

static bool wants_color(const struct nec_tui_options *options)
{
	const char *no_color = getenv("NO_COLOR");

	return !options->no_color && !(no_color && *no_color);
}

static struct nec_error *print_plain(struct nec_app *app)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_place *place;

	NEC_TRY(nec_app_settle(app));
	place = nec_app_place(app);
	for (int i = 0; i < place->pane_count; i++) {
		nec_text_puts(&text, i ? "\n" : "");
		nec_pane_print(&place->panes[i], &text);
	}
	if (text.failed)
		return &nec_enomem;
	if (fwrite(nec_text_str(&text), 1, text.len, stdout) != text.len || fflush(stdout) != 0)
		return nec_error_os(errno, "standard output");
	return NULL;
}

/* The screen of --plain: nothing is typed, and it is as long as PLAIN_LINES for each pane. */
static struct nec_error *closed_read(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				     struct nec_event *event)
{
	(void)terminal;
	(void)timeout_ms;
	(void)wake_fd;
	*event = (struct nec_event){.kind = NEC_EVENT_CLOSED};
	return NULL;
}

static void closed_close(struct nec_terminal *terminal)
{
	(void)terminal;
}

static struct nec_error *open_terminal(const struct nec_tui_options *options,
				       struct nec_terminal *plain,
				       struct nec_terminal **terminal_ret)
{
	int width = options->width ? options->width : DEFAULT_WIDTH;
	int height = options->height ? options->height : DEFAULT_HEIGHT;

	if (options->script)
		return nec_script_open(options->script, wants_ascii(options), width, height,
				       terminal_ret);
	if (options->plain) {
		*plain = (struct nec_terminal){
			.read = closed_read,
			.close = closed_close,
			.settles = true,
			.width = width,
			.height = PLAIN_LINES * NEC_PANES_MAX,
			.ascii = wants_ascii(options),
		};
		*terminal_ret = plain;
		return NULL;
	}
	return nec_curses_open(wants_ascii(options), wants_color(options), terminal_ret);
}

struct nec_error *nec_tui_run(struct nec_db *db, const struct nec_tui_options *options)
{
	struct nec_terminal *terminal, plain;
	struct nec_error *err;
	struct nec_app *app;

	NEC_TRY(open_terminal(options, &plain, &terminal));
	NEC_TRY(nec_app_create(db, terminal, options, &app));
	err = options->plain && !options->script ? NULL : nec_app_run(app);
	if (!err && options->plain)
		err = print_plain(app);
	nec_app_destroy(app);
	return err;
}
