/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen as a whole: a title, the panes under each other, a status line or the prompt. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tui/app.h"

/* Lines of a pane below which it is no use. */
#define PANE_MIN 2
/* A query that runs this long is worth a sign. */
#define SPINNER_SECONDS 0.15

static int least(const struct nec_pane *pane, const struct nec_screen_pane *def)
{
	int wanted = nec_pane_wanted(pane), cap = def->lines;

	if (cap)
		return wanted < cap ? wanted : cap;
	return wanted < PANE_MIN ? wanted : PANE_MIN;
}

/*
 * Gives each pane its lines: fixed ones what they want, the others by weight and not more than they
 * want; the pane with the keys counts twice. Where not even the least fits, that pane has all.
 */
static void share_lines(struct nec_place *place, int room)
{
	int lines[NEC_PANES_MAX], need = 0;

	for (int i = 0; i < place->pane_count; i++) {
		lines[i] = least(&place->panes[i], &place->defs[i]);
		need += lines[i];
	}
	if (need > room) {
		for (int i = 0; i < place->pane_count; i++)
			place->panes[i].height = i == place->focus ? room : 0;
		return;
	}
	for (int left = room - need; left > 0;) {
		int best = -1;
		double best_part = 0;

		/* the next line goes to whoever has the least for its weight */
		for (int i = 0; i < place->pane_count; i++) {
			int weight = place->defs[i].weight * (i == place->focus ? 2 : 1);
			double part = weight ? (double)lines[i] / weight : 0;

			if (!weight || lines[i] >= nec_pane_wanted(&place->panes[i]))
				continue;
			if (best < 0 || part < best_part) {
				best = i;
				best_part = part;
			}
		}
		if (best < 0)
			break;
		lines[best]++;
		left--;
	}
	for (int i = 0; i < place->pane_count; i++)
		place->panes[i].height = lines[i];
}

void nec_app_layout(struct nec_app *app)
{
	share_lines(nec_app_place(app), app->screen.height > 2 ? app->screen.height - 2 : 1);
}

/* "types > objects builtins.dict > object 0x7f..." */
static void put_places(const struct nec_app *app, struct nec_text *out)
{
	const char *arrow = app->screen.ascii ? " > " : " \xe2\x80\xba ";
	int from = app->place_count > 4 ? app->place_count - 4 : 0;

	for (int i = from; i < app->place_count; i++) {
		const struct nec_place *place = app->places[i];
		const struct nec_value *value =
			place->def->param ? nec_params_find(&place->params, place->def->param)
					  : NULL;

		nec_text_puts(out, i > from ? arrow : "");
		/* "B: object 0x7f...": said where it begins to be about another snapshot */
		if (app->documents[place->document].name &&
		    (i == from || place->document != app->places[i - 1]->document))
			nec_text_printf(out, "%s: ", app->documents[place->document].name);
		nec_text_puts(out, place->def->title);
		if (!value || place->def->hidden)
			continue;
		nec_text_putc(out, ' ');
		nec_value_text_put(out, value, NEC_COL_ADDRESS, NULL);
	}
}

static void draw_title(struct nec_app *app)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_screen *screen = &app->screen;
	const struct nec_app_document *document = &app->documents[nec_app_place(app)->document];
	_cleanup_(nec_text_deinit) struct nec_text name = {0};
	const char *source = document->source ? strrchr(document->source, '/') : NULL;
	int right, width;

	source = source ? source + 1 : document->source ? document->source : "";
	if (document->name) {
		nec_text_printf(&name, "%s: %s", document->name, source);
		source = nec_text_str(&name);
	}
	nec_screen_fill(screen, 0, 0, screen->width, NEC_STYLE_TITLE);
	put_places(app, &text);
	right = nec_screen_width(screen, source, strlen(source));
	width = nec_screen_width(screen, nec_text_str(&text), text.len);
	if (width + right + 4 <= screen->width)
		nec_screen_puts(screen, screen->width - right - 1, 0, right, NEC_STYLE_TITLE,
				source);
	/* where it does not fit, the end is what matters: the screen that is shown */
	if (width > screen->width - 2) {
		const char *s = nec_text_str(&text);
		size_t len = text.len;

		while (width > screen->width - 5 && len > 0) {
			do {
				s++;
				len--;
			} while (len > 0 && (*s & 0xc0) == 0x80);
			width = nec_screen_width(screen, s, len);
		}
		nec_screen_puts(screen, 1, 0, 3, NEC_STYLE_TITLE, "...");
		nec_screen_put(screen, 4, 0, screen->width - 5, NEC_STYLE_TITLE, s, len);
		return;
	}
	nec_screen_puts(screen, 1, 0, screen->width - 2, NEC_STYLE_TITLE, nec_text_str(&text));
}

/* Of the keys of a command the one that is written shortest, without its brackets. */
static void put_shortest(struct nec_text *out, const char *keys)
{
	const char *best = keys;
	size_t best_len = SIZE_MAX, len;

	for (; *keys; keys += len + (keys[len] == ' ')) {
		len = strcspn(keys, " ");
		if (len < best_len) {
			best = keys;
			best_len = len;
		}
	}
	if (best_len > 2 && best[0] == '<') {
		best++;
		best_len -= 2;
	}
	nec_text_add(out, best, best_len);
}

/* What one can do here, by the keys that do it. */
static void put_hints(struct nec_app *app, struct nec_text *out)
{
	static const struct {
		const char *command, *word;
	} hints[] = {
		{"enter", "open"},          {"back", "back"},  {"filter", "filter"},
		{"sort", "sort"},           {"pane", "pane"},  {"paths", "paths"},
		{"retainers", "retainers"}, {"mark", "mark"},  {"command", "command"},
		{"help", "help"},           {"quit", "leave"},
	};
	struct nec_pane *pane = nec_app_pane(app);
	int64_t addr;

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		_cleanup_(nec_text_deinit) struct nec_text keys = {0};
		const char *command = hints[i].command;
		bool object = strcmp(command, "retainers") == 0 || strcmp(command, "mark") == 0 ||
			      strcmp(command, "paths") == 0;

		if ((object && !nec_app_object(app, &addr)) ||
		    (strcmp(command, "sort") == 0 && pane->sort < 0) ||
		    (strcmp(command, "filter") == 0 && !pane->view->filter) ||
		    (strcmp(command, "pane") == 0 && nec_app_place(app)->pane_count < 2) ||
		    (strcmp(command, "back") == 0 && app->place_count < 2))
			continue;
		nec_keymap_keys(&app->keymap, command, &keys);
		if (!keys.len)
			continue;
		nec_text_puts(out, out->len ? "  " : "");
		put_shortest(out, nec_text_str(&keys));
		nec_text_printf(out, " %s", hints[i].word);
	}
}

static void put_position(struct nec_app *app, struct nec_text *out)
{
	struct nec_pane *pane = nec_app_pane(app);
	double seconds;

	if (!app->terminal->settles && nec_worker_busy(app->worker, &seconds) &&
	    seconds > SPINNER_SECONDS) {
		static const char *const turns[] = {"|", "/", "-", "\\"};

		nec_text_printf(out, "%s %.0f s, Esc ends it  ", turns[(int)(seconds * 10) % 4],
				seconds);
	}
	if (pane->rows.count > 0 && pane->first >= 0 && !pane->view->child)
		nec_text_count(out, pane->first + (int64_t)pane->cursor + 1);
	if (pane->total >= 0 && pane->rows.count > 0 && !pane->view->child) {
		nec_text_puts(out, pane->first >= 0 ? " of " : "of ");
		nec_text_count(out, pane->total);
		nec_text_puts(out, pane->cut ? " or more" : "");
	}
}

static void draw_status(struct nec_app *app)
{
	_cleanup_(nec_text_deinit) struct nec_text left = {0}, right = {0};
	struct nec_screen *screen = &app->screen;
	struct nec_pane *pane = nec_app_pane(app);
	enum nec_style style = NEC_STYLE_STATUS;
	int y = screen->height - 1, room;

	if (app->prompt.active && !app->message) {
		nec_prompt_draw(&app->prompt, screen, y);
		return;
	}
	put_position(app, &right);
	if (app->message) {
		nec_text_puts(&left, app->message);
		style = app->message_is_error ? NEC_STYLE_ERROR : NEC_STYLE_PROMPT;
	} else if (pane->message) {
		nec_text_puts(&left, pane->message);
	} else if (pane->filter) {
		nec_text_printf(&left, "filter: %s", pane->filter);
	} else {
		put_hints(app, &left);
	}
	nec_screen_fill(screen, 0, y, screen->width, style);
	room = screen->width - 1 - nec_screen_width(screen, nec_text_str(&right), right.len);
	if (room < screen->width / 3)
		room = screen->width - 1;
	else
		nec_screen_puts_right(screen, 0, y, screen->width - 1, style, nec_text_str(&right));
	nec_screen_put(screen, 1, y, room - 2, style, nec_text_str(&left), left.len);
}

static bool marked(void *arg, int64_t addr)
{
	const struct nec_app *app = arg;

	for (int i = 0; i < app->mark_count; i++)
		if (app->marks[i].addr == addr)
			return true;
	return false;
}

void nec_app_draw(struct nec_app *app)
{
	struct nec_place *place = nec_app_place(app);
	struct nec_screen *screen = &app->screen;
	int y = 1;

	nec_screen_clear(screen);
	nec_app_layout(app);
	for (int i = 0; i < place->pane_count; i++) {
		struct nec_pane *pane = &place->panes[i];

		if (pane->height <= 0)
			continue;
		nec_pane_draw(pane, screen, 0, y, screen->width, pane->height, i == place->focus,
			      marked, app);
		y += pane->height;
	}
	draw_title(app);
	if (screen->height > 1)
		draw_status(app);
}
