/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys and what they do. A keymap is text, a line a binding: KEY COMMAND [ARGUMENT...]. "[SCREEN]"
 * begins bindings for one screen alone, "[all]" ends that; '#' begins a comment. A key is a
 * character, or <Enter>, <Esc>, <F1>, <C-r>, ...; the command "none" takes a binding away. The
 * bindings compiled in are such a text, nec_keys_default.
 */
#ifndef NEC_TUI_KEYS_H
#define NEC_TUI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* A key is a code point, or one of these. Control characters stand for themselves: <C-r> is 18. */
enum {
	NEC_KEY_FIRST = 0x110000,
	NEC_KEY_UP = NEC_KEY_FIRST,
	NEC_KEY_DOWN,
	NEC_KEY_LEFT,
	NEC_KEY_RIGHT,
	NEC_KEY_HOME,
	NEC_KEY_END,
	NEC_KEY_PAGE_UP,
	NEC_KEY_PAGE_DOWN,
	NEC_KEY_INSERT,
	NEC_KEY_DELETE,
	NEC_KEY_SHIFT_TAB,
	NEC_KEY_F0,
	NEC_KEY_F12 = NEC_KEY_F0 + 12,
	NEC_KEY_TAB = 9,
	NEC_KEY_ENTER = 13,
	NEC_KEY_ESC = 27,
	NEC_KEY_SPACE = 32,
	NEC_KEY_BACKSPACE = 127,
};

/* The key at the start of s; its length in *used_ret. 0: none (an unknown <Name>, or not UTF-8). */
uint32_t nec_key_parse(const char *s, size_t *used_ret);
/* As one would write it in a keymap. */
void nec_key_name(struct nec_text *out, uint32_t key);

struct nec_binding {
	char *screen; /* owned; NULL: all */
	uint32_t key;
	char *command; /* owned */
};

struct nec_keymap {
	struct nec_binding *at; /* later ones go before earlier ones */
	size_t count, capacity;
};

extern const char nec_keys_default[];

/* Adds the bindings of a text. `known` says whether a command (its first word) or screen is there.
 */
struct nec_error *nec_keymap_parse(struct nec_keymap *map, const char *text, const char *origin,
				   bool (*known)(const char *word, bool screen));
struct nec_error *nec_keymap_load(struct nec_keymap *map, const char *path,
				  bool (*known)(const char *word, bool screen));
void nec_keymap_deinit(struct nec_keymap *map);

/* The command of a key on a screen; NULL: none. Borrowed. */
const char *nec_keymap_find(const struct nec_keymap *map, const char *screen, uint32_t key);
/* Adds the names of the keys that do a command anywhere, "j <Down>". */
void nec_keymap_keys(const struct nec_keymap *map, const char *command, struct nec_text *out);

#endif
