/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands: what keys are bound to and what can be typed after ':'. There are two tables: the one
 * in command.c, of what is done to the list or object at hand, and the screens (screens.c), each of
 * which is a command that opens it. The words are those of the command line of necropsy where it
 * has the same.
 */
#ifndef NEC_TUI_COMMAND_H
#define NEC_TUI_COMMAND_H

#include "tui/app.h"

struct nec_tui_command {
	const char *name;
	const char *usage; /* of the argument; NULL: none */
	const char *help;  /* NULL: for scripts and tests alone */
	struct nec_error *(*run)(struct nec_app *app,
				 const char *argument); /* argument: "" when there is none */
	bool on_line; /* done to the line under the cursor, or moves that */
};

extern const struct nec_tui_command nec_tui_commands[]; /* ends with a NULL name */

/* Runs a line: a command and its argument. */
struct nec_error *nec_tui_command_run(struct nec_app *app, const char *line);
/* Is what a line would do about the line under the cursor? Then it waits for that. */
bool nec_tui_command_on_line(const char *line);
/* Is there such a command (or, when screen, such a screen)? */
bool nec_tui_command_known(const char *word, bool screen);
/* What Tab may complete the ':' line to, a line each. */
void nec_tui_command_words(struct nec_app *app, struct nec_text *out);

#endif
