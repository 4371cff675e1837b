/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A terminal that is a file: a line that starts with ':' is a command, '#' a comment, any other
 * line is keys as in a keymap (j<Enter>/text<Enter>). Nothing is drawn; :save-display FILE keeps
 * what would have been.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/terminal.h"

/* A script is written by hand, or generated for a test. */
#define SCRIPT_BYTES_MAX (16 << 20)

struct script {
	struct nec_terminal terminal;
	const char *path; /* borrowed of the options */
	struct nec_text text;
	char *at, *next; /* rest of this line; the next one */
	bool keys;       /* of this line some were read */
	int line;
};

static void next_line(struct script *script)
{
	char *end;

	script->at = script->next;
	script->keys = false;
	script->line++;
	end = strchr(script->at, '\n');
	script->next = end ? end + 1 : script->at + strlen(script->at);
	if (end)
		*end = '\0';
}

static struct nec_error *script_read(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				     struct nec_event *event)
{
	struct script *script = (struct script *)terminal;
	size_t used = 0;

	(void)timeout_ms;
	(void)wake_fd;
	*event = (struct nec_event){.kind = NEC_EVENT_NONE};
	while (!*script->at) {
		if (!*script->next) {
			event->kind = NEC_EVENT_CLOSED;
			return NULL;
		}
		next_line(script);
		if (*script->at == '#')
			script->at += strlen(script->at);
	}
	if (*script->at == ':' && !script->keys) {
		event->kind = NEC_EVENT_COMMAND;
		event->command = script->at;
		script->at += strlen(script->at);
		return NULL;
	}
	event->kind = NEC_EVENT_KEY;
	event->key = nec_key_parse(script->at, &used);
	if (!event->key)
		return nec_error_create(NEC_ERR_USAGE, "%s:%d: '%s' does not begin with a key",
					script->path, script->line, script->at);
	script->at += used;
	script->keys = true;
	return NULL;
}

static void script_draw(struct nec_terminal *terminal, const struct nec_screen *screen)
{
	(void)terminal;
	(void)screen;
}

static void script_close(struct nec_terminal *terminal)
{
	struct script *script = (struct script *)terminal;

	nec_text_deinit(&script->text);
	free(script);
}

static struct nec_error *load(struct script *script, const char *path)
{
	_cleanup_fclose_ FILE *file = NULL;
	FILE *from = strcmp(path, "-") == 0 ? stdin : (file = fopen(path, "re"));
	char buffer[4096];
	size_t n;

	if (!from)
		return nec_error_os(errno, "%s", path);
	while ((n = fread(buffer, 1, sizeof(buffer), from)) > 0 && !script->text.cut)
		nec_text_add(&script->text, buffer, n);
	if (ferror(from))
		return nec_error_os(errno, "%s", path);
	nec_text_putc(&script->text, '\n');
	if (script->text.failed)
		return &nec_enomem;
	if (script->text.cut)
		return nec_error_create(NEC_ERR_LIMIT, "%s: a script of more than 16 MiB", path);
	script->next = script->text.data;
	script->at = script->next + strlen(script->next);
	return NULL;
}

struct nec_error *nec_script_open(const char *path, bool ascii, int width, int height,
				  struct nec_terminal **terminal_ret)
{
	struct script *script = calloc(1, sizeof(*script));
	struct nec_error *err;

	if (!script)
		return &nec_enomem;
	script->terminal = (struct nec_terminal){
		.read = script_read,
		.draw = script_draw,
		.close = script_close,
		.settles = true,
		.width = width,
		.height = height,
		.ascii = ascii,
	};
	script->path = path;
	script->text.limit = SCRIPT_BYTES_MAX;
	err = load(script, path);
	if (err) {
		script_close(&script->terminal);
		return err;
	}
	*terminal_ret = &script->terminal;
	return NULL;
}
