/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/prompt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void set(struct nec_prompt *prompt, const char *text)
{
	prompt->len = strnlen(text, sizeof(prompt->text) - 1);
	memcpy(prompt->text, text, prompt->len);
	prompt->text[prompt->len] = '\0';
	prompt->at = prompt->len;
}

void nec_prompt_open(struct nec_prompt *prompt, char sign, const char *text)
{
	prompt->active = true;
	prompt->sign = sign;
	prompt->history_at = prompt->history_count;
	set(prompt, text);
}

static size_t before(const struct nec_prompt *prompt)
{
	size_t at = prompt->at;

	while (at > 0 && (prompt->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t after(const struct nec_prompt *prompt)
{
	size_t at = prompt->at;

	if (at < prompt->len)
		at++;
	while (at < prompt->len && (prompt->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void erase(struct nec_prompt *prompt, size_t from, size_t to)
{
	memmove(prompt->text + from, prompt->text + to, prompt->len - to + 1);
	prompt->len -= to - from;
	prompt->at = from;
}

static bool insert(struct nec_prompt *prompt, const char *s, size_t len)
{
	if (prompt->len + len >= sizeof(prompt->text))
		return false;
	memmove(prompt->text + prompt->at + len, prompt->text + prompt->at,
		prompt->len - prompt->at + 1);
	memcpy(prompt->text + prompt->at, s, len);
	prompt->len += len;
	prompt->at += len;
	return true;
}

static enum nec_prompt_result recall(struct nec_prompt *prompt, int step)
{
	int at = prompt->history_at + step;

	if (prompt->sign != ':' || at < 0 || at > prompt->history_count)
		return NEC_PROMPT_GOES_ON;
	prompt->history_at = at;
	set(prompt, at == prompt->history_count ? "" : prompt->history[at]);
	return NEC_PROMPT_CHANGED;
}

static enum nec_prompt_result type(struct nec_prompt *prompt, uint32_t key)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (key < 32 || key >= NEC_KEY_FIRST || (key >= 0x7f && key < 0xa0))
		return NEC_PROMPT_GOES_ON;
	nec_text_put_codepoint(&text, key);
	return insert(prompt, nec_text_str(&text), text.len) ? NEC_PROMPT_CHANGED
							     : NEC_PROMPT_GOES_ON;
}

enum nec_prompt_result nec_prompt_key(struct nec_prompt *prompt, uint32_t key)
{
	size_t from = prompt->at;

	switch (key) {
	case NEC_KEY_ENTER:
		prompt->active = false;
		return NEC_PROMPT_DONE;
	case NEC_KEY_ESC:
	case 'c' & 0x1f:
		prompt->active = false;
		return NEC_PROMPT_LEFT;
	case NEC_KEY_TAB:
		return NEC_PROMPT_COMPLETE;
	case NEC_KEY_BACKSPACE:
		if (prompt->len == 0) {
			prompt->active = false;
			return NEC_PROMPT_LEFT;
		}
		erase(prompt, before(prompt), prompt->at);
		return NEC_PROMPT_CHANGED;
	case NEC_KEY_DELETE:
		erase(prompt, prompt->at, after(prompt));
		return NEC_PROMPT_CHANGED;
	case 'u' & 0x1f:
		erase(prompt, 0, prompt->at);
		return NEC_PROMPT_CHANGED;
	case 'w' & 0x1f:
		while (from > 0 && prompt->text[from - 1] == ' ')
			from--;
		while (from > 0 && prompt->text[from - 1] != ' ')
			from--;
		erase(prompt, from, prompt->at);
		return NEC_PROMPT_CHANGED;
	case NEC_KEY_LEFT:
		prompt->at = before(prompt);
		return NEC_PROMPT_GOES_ON;
	case NEC_KEY_RIGHT:
		prompt->at = after(prompt);
		return NEC_PROMPT_GOES_ON;
	case NEC_KEY_HOME:
	case 'a' & 0x1f:
		prompt->at = 0;
		return NEC_PROMPT_GOES_ON;
	case NEC_KEY_END:
	case 'e' & 0x1f:
		prompt->at = prompt->len;
		return NEC_PROMPT_GOES_ON;
	case NEC_KEY_UP:
		return recall(prompt, -1);
	case NEC_KEY_DOWN:
		return recall(prompt, 1);
	default:
		return type(prompt, key);
	}
}

void nec_prompt_keep(struct nec_prompt *prompt)
{
	int n = prompt->history_count;
	char *copy;

	if (prompt->len == 0 || (n > 0 && strcmp(prompt->history[n - 1], prompt->text) == 0))
		return;
	copy = strdup(prompt->text);
	if (!copy)
		return;
	if (n == NEC_HISTORY_MAX) {
		free(prompt->history[0]);
		memmove(prompt->history, prompt->history + 1, (size_t)(n - 1) * sizeof(char *));
		n--;
	}
	prompt->history[n] = copy;
	prompt->history_count = n + 1;
}

void nec_prompt_draw(const struct nec_prompt *prompt, struct nec_screen *screen, int y)
{
	char sign[2] = {prompt->sign, '\0'};
	int x = nec_screen_width(screen, prompt->text, prompt->at);
	const char *shown = prompt->text;
	size_t len = prompt->len;

	nec_screen_fill(screen, 0, y, screen->width, NEC_STYLE_PROMPT);
	nec_screen_puts(screen, 0, y, 1, NEC_STYLE_PROMPT, sign);
	/* a long line shows its end up to the cursor */
	while (x > screen->width - 3 && len > 0) {
		do {
			shown++;
			len--;
		} while (len > 0 && (*shown & 0xc0) == 0x80);
		x = nec_screen_width(screen, shown, prompt->at - (size_t)(shown - prompt->text));
	}
	nec_screen_put(screen, 1, y, screen->width - 1, NEC_STYLE_PROMPT, shown, len);
	screen->cursor_x = 1 + x < screen->width ? 1 + x : screen->width - 1;
	screen->cursor_y = y;
}

void nec_prompt_deinit(struct nec_prompt *prompt)
{
	for (int i = 0; i < prompt->history_count; i++)
		free(prompt->history[i]);
	prompt->history_count = 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_.-", c);
}

int nec_prompt_complete(struct nec_prompt *prompt, const char *words, struct nec_text *list)
{
	size_t from = prompt->at, typed, common = 0;
	const char *first = NULL;
	int count = 0;

	while (from > 0 && is_word(prompt->text[from - 1]))
		from--;
	typed = prompt->at - from;
	for (size_t len; *words; words += len + (words[len] == '\n')) {
		len = strcspn(words, "\n");
		if (len < typed || strncasecmp(words, prompt->text + from, typed) != 0)
			continue;
		if (!first) {
			first = words;
			common = len;
		}
		for (size_t i = 0; i < common; i++)
			if (i >= len || words[i] != first[i])
				common = i;
		nec_text_puts(list, count ? " " : "");
		nec_text_add(list, words, len);
		count++;
	}
	if (count > 0 && common > typed) {
		erase(prompt, from, prompt->at);
		insert(prompt, first, common);
	}
	if (count == 1)
		insert(prompt, " ", 1);
	return count;
}
