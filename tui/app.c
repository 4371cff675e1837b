/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/command.h"
#include "tui/export.h"

/* While something runs, the spinner turns this often. */
#define TICK_MS 100

void nec_app_say(struct nec_app *app, const char *fmt, ...)
{
	va_list args;

	free(app->message);
	app->message = NULL;
	app->message_is_error = false;
	va_start(args, fmt);
	if (vasprintf(&app->message, fmt, args) < 0)
		app->message = NULL;
	va_end(args);
}

void nec_app_complain(struct nec_app *app, struct nec_error *err)
{
	if (!err)
		return;
	nec_app_say(app, "%s", err->message);
	app->message_is_error = true;
	if (app->terminal->settles && !app->error)
		app->error = err; /* a script that goes wrong ends with the error */
	else
		nec_error_destroy(err);
}

struct nec_place *nec_app_place(struct nec_app *app)
{
	return app->places[app->place_count - 1];
}

struct nec_pane *nec_app_pane(struct nec_app *app)
{
	struct nec_place *place = nec_app_place(app);

	return &place->panes[place->focus];
}

bool nec_app_object(struct nec_app *app, int64_t *addr_ret)
{
	struct nec_place *place = nec_app_place(app);
	struct nec_pane *pane = nec_app_pane(app);
	const struct nec_value *value =
		nec_pane_value(pane, nec_pane_row(pane), pane->view->object);

	if (!pane->view->object)
		value = nec_params_find(&place->params, "addr");
	if (!value || value->type != NEC_COLUMN_INT)
		return false;
	*addr_ret = value->i;
	return true;
}

/* ---- the stack of screens ---- */

static void place_destroy(struct nec_app *app, struct nec_place *place)
{
	for (int i = 0; i < place->pane_count; i++)
		nec_pane_deinit(&place->panes[i], app->worker);
	nec_params_deinit(&place->params);
	free(place);
}

static struct nec_error *fill(struct nec_app *app, struct nec_pane *pane)
{
	_cleanup_(nec_rowlist_deinit) struct nec_rowlist rows = {0};

	NEC_TRY(pane->view->fill(app, &rows));
	return nec_pane_fill(pane, &rows);
}

static struct nec_error *place_init(struct nec_app *app, struct nec_place *place,
				    const struct nec_screen_def *def,
				    const struct nec_params *params)
{
	bool without = def->without[0].view && !nec_params_find(params, def->param);
	const struct nec_app_document *document = &app->documents[place->document];

	place->def = def;
	place->defs = without ? def->without : def->panes;
	place->focus = without ? 0 : def->focus;
	NEC_TRY(nec_params_copy(&place->params, params));
	for (int i = 0; i < (without ? 1 : NEC_PANES_MAX) && place->defs[i].view; i++) {
		const struct nec_view *view = nec_view_find(place->defs[i].view);
		struct nec_pane *pane = &place->panes[i];

		place->pane_count++;
		NEC_TRY(nec_pane_init(pane, view, params));
		pane->db = document->db;
		if (view->kind && document->kinds && !strstr(document->kinds, view->kind))
			pane->absent = view->kind;
		if (view->fill)
			NEC_TRY(fill(app, pane));
	}
	return NULL;
}

int nec_app_document(const struct nec_app *app, const char *name)
{
	for (int i = 0; i < app->document_count; i++)
		if (app->documents[i].name && strcmp(app->documents[i].name, name) == 0)
			return i;
	return -1;
}

int nec_app_document_of(const struct nec_app *app, const struct nec_pane *pane,
			const struct nec_row *row)
{
	const struct nec_value *value = nec_pane_value(pane, row, pane->view->document);

	if (!pane->view->document || !value)
		return -1;
	if (value->type == NEC_COLUMN_TEXT)
		return nec_app_document(app, value->s);
	/* The number of an argument, from 0; the result stands before them. */
	return value->type == NEC_COLUMN_INT && value->i >= 0 && value->i < app->document_count - 1
		       ? (int)value->i + 1
		       : -1;
}

/* Screens whose rows are the program's own, and the user's SQL, are about whatever is shown. */
static bool goes_anywhere(const struct nec_screen_def *def)
{
	return nec_view_find(def->panes[0].view)->fill || strcmp(def->name, "sql") == 0;
}

/*
 * Which document a screen is about, and which screen it is there: a result has screens of its own
 * in place of some. Without a word on it a result is left for the newest snapshot. -1: no document
 * has such a thing.
 */
static int choose_document(struct nec_app *app, const struct nec_screen_def **def)
{
	int here = app->place_count ? nec_app_place(app)->document : 0, wanted = app->wanted;
	const char *sheet = app->documents[0].sheet;

	app->wanted = -1;
	if ((*def)->sheet)
		return sheet && strcmp(sheet, (*def)->sheet) == 0 ? 0 : -1;
	if (wanted >= 0 && !app->documents[wanted].sheet)
		return wanted;
	if (!app->documents[here].sheet || goes_anywhere(*def))
		return here;
	for (const struct nec_screen_def *d = nec_screens; d->name; d++) {
		if (!d->sheet || strcmp(d->sheet, sheet) != 0 || !d->instead ||
		    strcmp(d->instead, (*def)->name) != 0)
			continue;
		*def = d;
		return here;
	}
	return app->document_count - 1;
}

struct nec_error *nec_app_open(struct nec_app *app, const struct nec_screen_def *def,
			       const struct nec_params *params)
{
	int document = choose_document(app, &def);
	struct nec_place *place;
	struct nec_error *err;

	if (document < 0) {
		nec_app_say(app, "%s needs several snapshots: necropsy A B", def->name);
		return NULL;
	}

	if (app->place_count > 0) {
		place = nec_app_place(app);
		if (place->def == def && place->document == document &&
		    nec_params_equal(&place->params, params) && !place->panes[0].view->fill)
			return NULL;
		/* what the screen below still waits for is asked again when one comes back */
		for (int i = 0; i < place->pane_count; i++) {
			nec_pane_stop(&place->panes[i], app->worker);
			place->panes[i].stopped = false;
		}
	}
	place = calloc(1, sizeof(*place));
	if (!place)
		return &nec_enomem;
	place->document = document;
	err = place_init(app, place, def, params);
	if (err) {
		place_destroy(app, place);
		return err;
	}
	if (app->place_count == NEC_PLACES_MAX) {
		/* the first one, the overview, stays */
		place_destroy(app, app->places[1]);
		memmove(app->places + 1, app->places + 2,
			(NEC_PLACES_MAX - 2) * sizeof(app->places[0]));
		app->place_count--;
	}
	app->places[app->place_count++] = place;
	return NULL;
}

void nec_app_back(struct nec_app *app)
{
	if (app->place_count == 1) {
		nec_app_say(app, "this is the first screen: q leaves");
		return;
	}
	place_destroy(app, app->places[--app->place_count]);
}

/* ---- queries ---- */

/* Panes that follow the line of another. */
static struct nec_error *follow(struct nec_app *app, struct nec_place *place, int i)
{
	const struct nec_screen_pane *def = &place->defs[i];
	struct nec_pane *pane = &place->panes[i], *master;
	_cleanup_(nec_params_deinit) struct nec_params params = {0};
	const struct nec_row *row;

	master = &place->panes[def->master - 1];
	row = nec_pane_row(master);
	for (int j = 0; row && j < 3 && def->with[j].param; j++) {
		const struct nec_value *value = nec_pane_value(master, row, def->with[j].column);

		if (value)
			NEC_TRY(nec_params_set(&params, def->with[j].param, value));
	}
	if (nec_params_equal(&params, &pane->params))
		return NULL;
	nec_params_deinit(&pane->params);
	NEC_TRY(nec_params_copy(&pane->params, &params));
	nec_pane_reload(pane, app->worker);
	return NULL;
}

static struct nec_error *ask(struct nec_app *app)
{
	struct nec_place *place = nec_app_place(app);
	bool busy;

	for (int i = 0; i < place->pane_count; i++) {
		if (place->defs[i].master)
			NEC_TRY(follow(app, place, i));
		if (!place->defs[i].master || place->panes[i].params.count > 0)
			NEC_TRY(nec_pane_ask(&place->panes[i], app->worker, false));
	}
	busy = nec_worker_busy(app->worker, NULL);
	if (!busy)
		return nec_pane_ask(nec_app_pane(app), app->worker, true);
	return NULL;
}

static void say_written(struct nec_app *app, const struct nec_job *job)
{
	if (job->kind == NEC_JOB_DRAW && nec_export_is_svg(job->path))
		nec_app_say(app, "the picture is in %s", job->path);
	else if (job->kind == NEC_JOB_DRAW)
		nec_app_say(app, "the graph is in %s: dot -Tsvg makes a picture of it", job->path);
	else
		nec_app_say(app, "%" PRId64 " rows are in %s", job->exported, job->path);
}

static void answer(struct nec_app *app, struct nec_job *job)
{
	if (job->owner == app) {
		if (job->error)
			nec_app_complain(app, nec_take(job->error));
		else
			say_written(app, job);
	}
	for (int i = 0; i < app->place_count; i++)
		for (int j = 0; j < app->places[i]->pane_count; j++)
			if (nec_pane_owns(&app->places[i]->panes[j], job))
				nec_app_complain(app,
						 nec_pane_answer(&app->places[i]->panes[j], job));
	nec_job_destroy(job);
}

struct nec_error *nec_app_settle(struct nec_app *app)
{
	do {
		struct nec_job *job;

		while ((job = nec_worker_take(app->worker, -1)))
			answer(app, job);
		nec_app_layout(app);
		NEC_TRY(ask(app));
	} while (nec_worker_busy(app->worker, NULL));
	return NULL;
}

/* ---- events ---- */

static void complete(struct nec_app *app)
{
	_cleanup_(nec_text_deinit) struct nec_text words = {0}, list = {0};

	if (app->prompt.sign != ':')
		return;
	nec_tui_command_words(app, &words);
	if (nec_prompt_complete(&app->prompt, nec_text_str(&words), &list) > 1)
		nec_app_say(app, "%s", nec_text_str(&list));
}

static struct nec_error *prompt_key(struct nec_app *app, uint32_t key)
{
	struct nec_pane *pane = nec_app_pane(app);
	enum nec_prompt_result result = nec_prompt_key(&app->prompt, key);

	if (result == NEC_PROMPT_COMPLETE) {
		complete(app);
		return NULL;
	}
	if (app->prompt.sign == '/') {
		if (result == NEC_PROMPT_CHANGED)
			return nec_pane_filter(pane, app->worker, app->prompt.text);
		if (result == NEC_PROMPT_LEFT)
			return nec_pane_filter(pane, app->worker, NULL);
		if (result == NEC_PROMPT_DONE && app->prompt.len > 0) {
			free(app->search);
			app->search = strdup(app->prompt.text);
		}
		return NULL;
	}
	if (result != NEC_PROMPT_DONE)
		return NULL;
	nec_prompt_keep(&app->prompt);
	return nec_tui_command_run(app, app->prompt.text);
}

static bool waits(struct nec_app *app)
{
	return nec_pane_waits(nec_app_pane(app)) && nec_worker_busy(app->worker, NULL);
}

/* again: a key that was typed ahead. */
static struct nec_error *handle_key(struct nec_app *app, uint32_t key, bool again)
{
	const char *command;

	free(app->message);
	app->message = NULL;
	if (app->prompt.active)
		return prompt_key(app, key);
	command = nec_keymap_find(&app->keymap, nec_app_place(app)->def->name, key);
	if (!command)
		return NULL;
	if (waits(app) && nec_tui_command_on_line(command)) {
		if (app->ahead_count < NEC_AHEAD_MAX)
			app->ahead[app->ahead_count++] = key;
		return NULL;
	}
	/* what is not about a line goes before, and what was typed for it is forgotten */
	if (!again)
		app->ahead_count = 0;
	return nec_tui_command_run(app, command);
}

static struct nec_error *click_titles(struct nec_app *app, struct nec_pane *pane, int x)
{
	for (int i = 0; pane->columns[i].name; i++) {
		const struct nec_column *column = &pane->columns[i];

		if (!column->sortable || x < pane->column_x[i] ||
		    x >= pane->column_x[i] + pane->column_width[i])
			continue;
		nec_pane_sort(pane, app->worker, i,
			      i == pane->sort ? !pane->descending
					      : nec_column_styles[column->kind].right);
		break;
	}
	return NULL;
}

static struct nec_error *handle_mouse(struct nec_app *app, const struct nec_event *event)
{
	struct nec_place *place = nec_app_place(app);

	if (app->prompt.active)
		return NULL;
	if (event->mouse == NEC_MOUSE_BACK) {
		nec_app_back(app);
		return NULL;
	}
	for (int i = 0; i < place->pane_count; i++) {
		struct nec_pane *pane = &place->panes[i];
		int titles = nec_pane_has_titles(pane) && pane->height > 1;
		int line = event->y - pane->y;

		if (line < 0 || line >= pane->height)
			continue;
		place->focus = i;
		if (event->mouse == NEC_MOUSE_UP || event->mouse == NEC_MOUSE_DOWN) {
			nec_pane_move(pane, event->mouse == NEC_MOUSE_UP ? -3 : 3);
			return NULL;
		}
		if (line < titles)
			return click_titles(app, pane, event->x);
		if (pane->top + (size_t)(line - titles) >= pane->rows.count)
			return NULL;
		pane->cursor = pane->top + (size_t)(line - titles);
		return event->mouse == NEC_MOUSE_DOUBLE ? nec_tui_command_run(app, "enter") : NULL;
	}
	return NULL;
}

static struct nec_error *handle(struct nec_app *app, const struct nec_event *event)
{
	switch (event->kind) {
	case NEC_EVENT_KEY:
		return handle_key(app, event->key, false);
	case NEC_EVENT_MOUSE:
		return handle_mouse(app, event);
	case NEC_EVENT_RESIZE:
		return nec_screen_resize(&app->screen, event->x, event->y);
	case NEC_EVENT_COMMAND:
		return nec_tui_command_run(app, event->command);
	case NEC_EVENT_CLOSED:
		app->leave = true;
		return NULL;
	case NEC_EVENT_NONE:
		return NULL;
	}
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What was asked for is usually there at once: draw with it. All panes together are waited for that
 * long, so that a key is answered whatever they take. */
static struct nec_error *wait_a_little(struct nec_app *app)
{
	int64_t until = now_ms() + app->terminal->patience_ms, left;
	struct nec_job *job;

	nec_app_layout(app);
	NEC_TRY(ask(app));
	do {
		left = until - now_ms();
		job = nec_worker_take(app->worker, left > 0 ? (int)left : 0);
		if (job) {
			answer(app, job);
			NEC_TRY(ask(app));
		}
	} while (job);
	return NULL;
}

/* The next key that was typed ahead, when its line is there. */
static bool next_ahead(struct nec_app *app, uint32_t *key_ret)
{
	if (!app->ahead_count || waits(app))
		return false;
	*key_ret = app->ahead[0];
	app->ahead_count--;
	memmove(app->ahead, app->ahead + 1, (size_t)app->ahead_count * sizeof(app->ahead[0]));
	return true;
}

struct nec_error *nec_app_run(struct nec_app *app)
{
	while (!app->leave && !app->error) {
		struct nec_event event;
		uint32_t key;

		if (app->terminal->settles) {
			NEC_TRY(nec_app_settle(app));
		} else {
			NEC_TRY(wait_a_little(app));
			nec_app_draw(app);
			app->terminal->draw(app->terminal, &app->screen);
		}
		if (next_ahead(app, &key)) {
			nec_app_complain(app, handle_key(app, key, true));
			continue;
		}
		NEC_TRY(app->terminal->read(app->terminal,
					    nec_worker_busy(app->worker, NULL) ? TICK_MS : -1,
					    nec_worker_fd(app->worker), &event));
		nec_app_complain(app, handle(app, &event));
	}
	/* an export that a script began is finished, whatever the script does next */
	if (app->terminal->settles && !app->error)
		NEC_TRY(nec_app_settle(app));
	return nec_take(app->error);
}

/* ---- lists that come from no query ---- */

struct nec_error *nec_app_fill_marks(struct nec_app *app, struct nec_rowlist *rows)
{
	for (int i = 0; i < app->mark_count; i++) {
		const char *texts[2] = {NULL, app->marks[i].place};
		struct nec_row *row;

		NEC_TRY(nec_row_texts(2, texts, &row));
		row->values[0] = nec_value_int(app->marks[i].addr);
		NEC_TRY(nec_rowlist_add(rows, row));
	}
	return NULL;
}

static struct nec_error *add_help(struct nec_app *app, struct nec_rowlist *rows, const char *name,
				  const char *usage, const char *help)
{
	_cleanup_(nec_text_deinit) struct nec_text keys = {0}, command = {0};
	const char *texts[3];
	struct nec_row *row;

	nec_keymap_keys(&app->keymap, name, &keys);
	nec_text_printf(&command, "%s%s%s", name, usage ? " " : "", usage ? usage : "");
	texts[0] = nec_text_str(&keys);
	texts[1] = nec_text_str(&command);
	texts[2] = help;
	NEC_TRY(nec_row_texts(3, texts, &row));
	return nec_rowlist_add(rows, row);
}

struct nec_error *nec_app_fill_help(struct nec_app *app, struct nec_rowlist *rows)
{
	for (const struct nec_tui_command *command = nec_tui_commands; command->name; command++)
		if (command->help)
			NEC_TRY(add_help(app, rows, command->name, command->usage, command->help));
	for (const struct nec_screen_def *def = nec_screens; def->name; def++)
		if (!def->hidden)
			NEC_TRY(add_help(app, rows, def->name, def->usage, def->help));
	return NULL;
}

/* ---- from start to end ---- */

static struct nec_error *load_keymap(struct nec_app *app, const struct nec_tui_options *options)
{
	_cleanup_(nec_text_deinit) struct nec_text path = {0};
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	NEC_TRY(nec_keymap_parse(&app->keymap, nec_keys_default, "default keys",
				 nec_tui_command_known));
	if (options->keymap)
		return nec_keymap_load(&app->keymap, options->keymap, nec_tui_command_known);
	if (options->no_keymap || (!home && !config))
		return NULL;
	nec_text_printf(&path, "%s%s/necropsy/keys", config && *config ? config : home,
			config && *config ? "" : "/.config");
	if (access(nec_text_str(&path), F_OK) != 0)
		return NULL;
	return nec_keymap_load(&app->keymap, nec_text_str(&path), nec_tui_command_known);
}

/* Names of types, tables and columns, for Tab; a database that cannot say them is used without. */
static void load_words(struct nec_app *app)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_text_deinit) struct nec_text words = {.limit = 1 << 20};
	struct nec_db *db = app->documents[app->document_count - 1].db;
	struct nec_error *err = nec_query_named(db, "view_words", &query);
	bool more = true;

	while (!err && !words.cut) {
		err = nec_query_step(query, &more);
		if (err || !more)
			break;
		nec_text_printf(&words, "%s\n", nec_query_text(query, 0, NULL));
	}
	nec_error_destroy(err);
	if (words.len && !words.failed)
		app->words = nec_take(words.data);
}

static struct nec_error *read_documents(struct nec_app *app, struct nec_db *db,
					const struct nec_tui_options *options)
{
	const struct nec_tui_document *d = options->documents;
	int count = 1;

	while (d && d[count - 1].name)
		count++;
	app->documents = calloc((size_t)count, sizeof(*app->documents));
	if (!app->documents)
		return &nec_enomem;
	app->document_count = count;
	for (int i = 0; i < count; i++) {
		struct nec_app_document *document = &app->documents[i];

		document->db = i ? d[i - 1].db : db;
		document->name = i ? d[i - 1].name : NULL;
		document->source = nec_db_meta(document->db, "source");
		document->kinds = nec_db_meta(document->db, "kinds");
	}
	if (d)
		app->documents[0].sheet =
			app->documents[0].kinds && strstr(app->documents[0].kinds, "trend")
				? "trend"
				: "difference";
	return NULL;
}

static struct nec_error *init(struct nec_app *app, struct nec_db *db,
			      const struct nec_tui_options *options)
{
	_cleanup_(nec_params_deinit) struct nec_params none = {0};

	NEC_TRY(nec_screen_init(&app->screen, app->terminal->width, app->terminal->height,
				app->terminal->ascii));
	NEC_TRY(load_keymap(app, options));
	NEC_TRY(read_documents(app, db, options));
	app->wanted = -1;
	load_words(app);
	NEC_TRY(nec_worker_create(db, &app->worker));
	NEC_TRY(nec_app_open(app, nec_screen_find("overview"), &none));
	return options->command ? nec_tui_command_run(app, options->command) : NULL;
}

struct nec_error *nec_app_create(struct nec_db *db, struct nec_terminal *terminal,
				 const struct nec_tui_options *options, struct nec_app **app_ret)
{
	struct nec_app *app = calloc(1, sizeof(*app));
	struct nec_error *err;

	if (!app) {
		terminal->close(terminal);
		return &nec_enomem;
	}
	app->terminal = terminal;
	err = init(app, db, options);
	if (err) {
		nec_app_destroy(app);
		return err;
	}
	*app_ret = app;
	return NULL;
}

void nec_app_destroy(struct nec_app *app)
{
	if (!app)
		return;
	while (app->place_count > 0)
		place_destroy(app, app->places[--app->place_count]);
	nec_worker_destroy(app->worker);
	for (int i = 0; i < app->mark_count; i++)
		free(app->marks[i].place);
	nec_prompt_deinit(&app->prompt);
	nec_keymap_deinit(&app->keymap);
	nec_screen_deinit(&app->screen);
	nec_error_destroy(app->error);
	free(app->search);
	for (int i = 0; i < app->document_count; i++) {
		free(app->documents[i].source);
		free(app->documents[i].kinds);
	}
	free(app->documents);
	free(app->words);
	free(app->message);
	app->terminal->close(app->terminal);
	free(app);
}
