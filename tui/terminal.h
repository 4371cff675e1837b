/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the interface needs of a terminal: events in, a screen out. Behind it are curses (curses.c),
 * a script of keys (script.c), or a test.
 */
#ifndef NEC_TUI_TERMINAL_H
#define NEC_TUI_TERMINAL_H

#include <stdint.h>

#include "tui/keys.h"
#include "tui/screen.h"

enum nec_event_kind {
	NEC_EVENT_NONE, /* time is up, or the worker has something */
	NEC_EVENT_KEY,
	NEC_EVENT_MOUSE,
	NEC_EVENT_RESIZE,  /* to x columns, y lines */
	NEC_EVENT_COMMAND, /* a line for the command line, as if typed there */
	NEC_EVENT_CLOSED,  /* no more input: leave */
};

enum nec_mouse { NEC_MOUSE_CLICK, NEC_MOUSE_DOUBLE, NEC_MOUSE_BACK, NEC_MOUSE_UP, NEC_MOUSE_DOWN };

struct nec_event {
	enum nec_event_kind kind;
	uint32_t key; /* keys.h */
	enum nec_mouse mouse;
	int x, y;
	const char *command; /* borrowed until the next event */
};

struct nec_terminal {
	/* Waits for an event for at most timeout_ms (-1: as long as it takes), or until wake_fd is
	 * readable. */
	struct nec_error *(*read)(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				  struct nec_event *event);
	void (*draw)(struct nec_terminal *terminal, const struct nec_screen *screen);
	/* To the clipboard; NULL: there is none. */
	void (*copy)(struct nec_terminal *terminal, const char *text);
	/* Draws all anew: something else wrote on the terminal. NULL: cannot happen. */
	void (*redraw)(struct nec_terminal *terminal);
	void (*close)(struct nec_terminal *terminal);
	bool settles; /* an event is read only when all queries are answered: scripts and tests */
	int patience_ms;   /* to wait for answers before an old screen is drawn once more */
	int width, height; /* at first */
	bool ascii;
};

/* NEC_ERR_UNSUPPORTED where the terminal cannot be used. */
struct nec_error *nec_curses_open(bool ascii, bool color, struct nec_terminal **terminal_ret);
/* Reads the whole script first. */
struct nec_error *nec_script_open(const char *path, bool ascii, int width, int height,
				  struct nec_terminal **terminal_ret);

#endif
