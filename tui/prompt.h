/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of input at the bottom of the screen, with a history and completion. */
#ifndef NEC_TUI_PROMPT_H
#define NEC_TUI_PROMPT_H

#include "tui/keys.h"
#include "tui/screen.h"

#define NEC_HISTORY_MAX  200
#define NEC_PROMPT_BYTES 4000

struct nec_prompt {
	bool active;
	char sign; /* ':' or '/' */
	char text[NEC_PROMPT_BYTES];
	size_t len, at;                 /* at: of the text cursor, bytes */
	char *history[NEC_HISTORY_MAX]; /* of ':'; owned */
	int history_count, history_at;
};

enum nec_prompt_result {
	NEC_PROMPT_GOES_ON,
	NEC_PROMPT_CHANGED,
	NEC_PROMPT_DONE,
	NEC_PROMPT_LEFT,
	NEC_PROMPT_COMPLETE, /* Tab: whoever knows the words completes */
};

void nec_prompt_open(struct nec_prompt *prompt, char sign, const char *text);
enum nec_prompt_result nec_prompt_key(struct nec_prompt *prompt, uint32_t key);
/* Remembers the line. */
void nec_prompt_keep(struct nec_prompt *prompt);
void nec_prompt_draw(const struct nec_prompt *prompt, struct nec_screen *screen, int y);
void nec_prompt_deinit(struct nec_prompt *prompt);

/*
 * Completes the word before the cursor by the lines of `words` ("a\nb\n"), the longest common
 * beginning; returns how many there are and adds them to `list`.
 */
int nec_prompt_complete(struct nec_prompt *prompt, const char *words, struct nec_text *list);

#endif
