/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interface as a whole: a stack of screens, the prompt, marks, and the loop that reads events
 * and draws. What a key does is a command (command.c); this module has what commands do it with.
 */
#ifndef NEC_TUI_APP_H
#define NEC_TUI_APP_H

#include "tui/keys.h"
#include "tui/pane.h"
#include "tui/prompt.h"
#include "tui/terminal.h"
#include "tui/tui.h"

/* Screens one can go back through; the oldest is let go of. */
#define NEC_PLACES_MAX 100
#define NEC_MARKS_MAX  64
/* Keys that are typed ahead of the rows they are for. */
#define NEC_AHEAD_MAX 32

/* One screen that was opened. */
struct nec_place {
	const struct nec_screen_def *def;
	struct nec_params params;
	struct nec_pane panes[NEC_PANES_MAX];
	int document;                       /* what it is about: index in app */
	const struct nec_screen_pane *defs; /* of panes */
	int pane_count, focus;
};

struct nec_mark {
	int64_t addr;
	char *place; /* what was known of it; owned */
};

/* A database that is looked at: a snapshot, or a result over several of them (the first one then).
 */
struct nec_app_document {
	struct nec_db *db; /* borrowed; the worker's alone while the app runs */
	const char *name;  /* "A"; borrowed; NULL: it is the only one */
	const char *sheet; /* a result: "difference", "trend"; NULL: a snapshot */
	char *source;      /* name of the dump; owned, may be NULL */
	char *kinds;       /* what it has, of meta; owned, may be NULL */
};

struct nec_app {
	struct nec_app_document *documents; /* owned */
	int document_count;
	int wanted; /* document that the next screen is to be about; -1: as it is */
	struct nec_worker *worker;
	struct nec_terminal *terminal;
	struct nec_screen screen;
	struct nec_keymap keymap;
	struct nec_place *places[NEC_PLACES_MAX]; /* owned; the last is shown */
	int place_count;
	struct nec_prompt prompt;
	struct nec_mark marks[NEC_MARKS_MAX];
	int mark_count;
	char *search;  /* what n looks for; owned; NULL: nothing yet */
	char *words;   /* names of tables and columns for completion, a line each; owned */
	char *message; /* for the status line until the next key; owned */
	bool message_is_error;
	uint32_t ahead[NEC_AHEAD_MAX]; /* keys for lines that are still being asked for */
	int ahead_count;
	bool leave;
	struct nec_error *error; /* ends a script; owned */
};

/* Consumes terminal, also on failure. */
struct nec_error *nec_app_create(struct nec_db *db, struct nec_terminal *terminal,
				 const struct nec_tui_options *options, struct nec_app **app_ret);
void nec_app_destroy(struct nec_app *app);
/* Until the user leaves or the terminal has no more. */
struct nec_error *nec_app_run(struct nec_app *app);
/* Waits for everything that was asked for. */
struct nec_error *nec_app_settle(struct nec_app *app);
/* Gives the panes of the screen their lines; part of drawing. */
void nec_app_layout(struct nec_app *app);
void nec_app_draw(struct nec_app *app);

/* The screen that is shown, its pane with the keys, and the object that its line is about (false:
 * none). */
struct nec_place *nec_app_place(struct nec_app *app);
struct nec_pane *nec_app_pane(struct nec_app *app);
bool nec_app_object(struct nec_app *app, int64_t *addr_ret);

/* Opens a screen on top of the others; value of its parameter, NULL: none. */
struct nec_error *nec_app_open(struct nec_app *app, const struct nec_screen_def *def,
			       const struct nec_params *params);
void nec_app_back(struct nec_app *app);

/* The document of a name or number (of a snapshot, from 1); -1: there is none. */
int nec_app_document(const struct nec_app *app, const char *name);
/* The one that a row of a result is about; -1: it does not say. */
int nec_app_document_of(const struct nec_app *app, const struct nec_pane *pane,
			const struct nec_row *row);

/* Says something on the status line. */
void nec_app_say(struct nec_app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with an error, which is consumed. */
void nec_app_complain(struct nec_app *app, struct nec_error *err);

struct nec_error *nec_app_fill_marks(struct nec_app *app, struct nec_rowlist *rows);
struct nec_error *nec_app_fill_help(struct nec_app *app, struct nec_rowlist *rows);

#endif
