/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal interface: what cli/ sees of tui/.
 *
 * It browses one database, or a result over several with these, on a terminal, by a script of keys, or as plain text. Everything it
 * shows comes from named queries; nothing of it writes to the database.
 */
#ifndef NEC_TUI_TUI_H
#define NEC_TUI_TUI_H

#include <stdbool.h>

#include "necropsy.h"

enum nec_tui_charset { NEC_TUI_CHARSET_AUTO, NEC_TUI_CHARSET_UTF8, NEC_TUI_CHARSET_ASCII };

/* One of several snapshots that are looked at together. */
struct nec_tui_document {
	const char *name; /* as the result calls it: "A", "B", or a number */
	struct nec_db *db;
};

struct nec_tui_options {
	/* What a result (db of nec_tui_run) was made of, ending with a NULL name; NULL: db is a snapshot. */
	const struct nec_tui_document *documents;
	const char *script; /* keys come from this file and nothing is drawn but by :save-display;
			       NULL: the terminal */
	bool plain; /* print the content of the first screen to stdout, uncut and without a frame,
		       and return */
	const char *command; /* done first, as on the : line ("types", "show 0x7f..."); NULL: the
				overview */
	const char *keymap;  /* file of key bindings; NULL: necropsy/keys in $XDG_CONFIG_HOME or
				~/.config, if there */
	bool no_keymap;      /* only the bindings compiled in */
	bool no_color;       /* as NO_COLOR in the environment */
	enum nec_tui_charset charset; /* AUTO: by the locale; setlocale() was called */
	int width, height;            /* of the screen under a script; 0: 80 x 24 */
};

/*
 * Runs until the user leaves. db stays the caller's, who asks nothing of it meanwhile. Errors: the
 * script or keymap cannot be read or says nonsense (NEC_ERR_USAGE), the terminal cannot do it
 * (NEC_ERR_UNSUPPORTED).
 */
struct nec_error *nec_tui_run(struct nec_db *db, const struct nec_tui_options *options);

/*
 * nec_load on the terminal: its stages are shown while it works; Esc, q or Ctrl-C leaves it
 * (NEC_ERR_CANCELLED). options->progress is there and its report is used by this function.
 */
struct nec_error *nec_tui_load(const char *dump, const struct nec_load_options *options,
			       char **path_ret, bool *loaded_ret);

#endif
