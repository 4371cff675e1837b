/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tui/command_files.h"

static struct nec_error *run_up(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), -1);
	return NULL;
}

static struct nec_error *run_down(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), 1);
	return NULL;
}

/* Lines of the pane without its titles. */
static int64_t page_lines(struct nec_app *app)
{
	struct nec_pane *pane = nec_app_pane(app);
	int64_t lines = pane->height - nec_pane_has_titles(pane);

	return lines > 1 ? lines : 1;
}

static struct nec_error *run_page_up(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), -page_lines(app));
	return NULL;
}

static struct nec_error *run_page_down(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), page_lines(app));
	return NULL;
}

static struct nec_error *run_half_up(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), -(page_lines(app) + 1) / 2);
	return NULL;
}

static struct nec_error *run_half_down(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_move(nec_app_pane(app), (page_lines(app) + 1) / 2);
	return NULL;
}

static struct nec_error *run_top(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_home(nec_app_pane(app), app->worker);
	return NULL;
}

static struct nec_error *run_bottom(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_pane_end(nec_app_pane(app), app->worker);
	return NULL;
}

static struct nec_error *run_pane(struct nec_app *app, const char *argument)
{
	struct nec_place *place = nec_app_place(app);

	(void)argument;
	place->focus = (place->focus + 1) % place->pane_count;
	return NULL;
}

static struct nec_error *run_pane_back(struct nec_app *app, const char *argument)
{
	struct nec_place *place = nec_app_place(app);

	(void)argument;
	place->focus = (place->focus + place->pane_count - 1) % place->pane_count;
	return NULL;
}

static struct nec_error *run_enter(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	const struct nec_view *view = pane->view;
	const struct nec_row *row = nec_pane_row(pane);
	const struct nec_value *command = nec_pane_value(pane, row, "command");
	_cleanup_(nec_params_deinit) struct nec_params params = {0};

	(void)argument;
	if (!row)
		return NULL;
	if (row->state == NEC_ROW_MORE) {
		nec_pane_unfold(pane, app->worker);
		return NULL;
	}
	if (command && command->s && !view->fill)
		return nec_tui_command_run(app, command->s);
	if (!view->enter)
		return NULL;
	for (int i = 0; i < 3 && view->enter_with[i].param; i++) {
		const struct nec_value *value =
			nec_pane_value(pane, row, view->enter_with[i].column);

		if (!value || value->type == NEC_COLUMN_NULL) {
			nec_app_say(app, "there is nothing behind this line");
			return NULL;
		}
		NEC_TRY(nec_params_set(&params, view->enter_with[i].param, value));
	}
	app->wanted = app->wanted < 0 ? nec_app_document_of(app, pane, row) : app->wanted;
	return nec_app_open(app, nec_screen_find(view->enter), &params);
}

/* The same in another snapshot: the screen with what it is about, or what is behind a line of a
 * result. */
static struct nec_error *run_in(struct nec_app *app, const char *argument)
{
	struct nec_place *place = nec_app_place(app);
	_cleanup_(nec_params_deinit) struct nec_params params = {0};
	int document = nec_app_document(app, argument);

	if (document < 0) {
		nec_app_say(app,
			    app->document_count > 1 ? "no snapshot is called '%s'"
						    : "there is one snapshot only, and no '%s'",
			    argument);
		return NULL;
	}
	app->wanted = document;
	if (app->documents[place->document].sheet) {
		struct nec_error *err = run_enter(app, "");

		app->wanted = -1; /* nothing may be behind the line */
		return err;
	}
	NEC_TRY(nec_params_copy(&params, &place->params));
	return nec_app_open(app, place->def, &params);
}

static struct nec_error *run_fold(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	const struct nec_row *row = nec_pane_row(pane);

	(void)argument;
	if (row && row->state == NEC_ROW_OPEN)
		nec_pane_fold(pane);
	else
		nec_pane_unfold(pane, app->worker);
	return NULL;
}

static struct nec_error *run_right(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	const struct nec_row *row = nec_pane_row(pane);

	if (nec_pane_unfold(pane, app->worker))
		return NULL;
	if (row && row->state == NEC_ROW_OPEN) {
		nec_pane_move(pane, 1);
		return NULL;
	}
	return run_enter(app, argument);
}

static struct nec_error *run_back(struct nec_app *app, const char *argument)
{
	(void)argument;
	nec_app_back(app);
	return NULL;
}

static struct nec_error *run_left(struct nec_app *app, const char *argument)
{
	(void)argument;
	if (!nec_pane_fold(nec_app_pane(app)))
		nec_app_back(app);
	return NULL;
}

static struct nec_error *run_filter(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);

	if (!pane->view->filter || !pane->view->query) {
		nec_app_say(app, "this list cannot be filtered");
		return NULL;
	}
	if (*argument) {
		NEC_TRY(nec_pane_filter(pane, app->worker, argument));
		free(app->search);
		app->search = strdup(argument);
		return NULL;
	}
	nec_prompt_open(&app->prompt, '/', "");
	return nec_pane_filter(pane, app->worker, NULL);
}

static struct nec_error *seek(struct nec_app *app, bool backward)
{
	if (!app->search) {
		nec_app_say(app, "nothing to look for yet: / asks for it");
		return NULL;
	}
	return nec_pane_seek(nec_app_pane(app), app->worker, app->search, backward);
}

static struct nec_error *run_next(struct nec_app *app, const char *argument)
{
	(void)argument;
	return seek(app, false);
}

static struct nec_error *run_previous(struct nec_app *app, const char *argument)
{
	(void)argument;
	return seek(app, true);
}

/* Numbers are wanted largest first, texts from A to Z. */
static bool largest_first(const struct nec_column *column)
{
	return nec_column_styles[column->kind].right;
}

static struct nec_error *run_sort(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	int from = pane->sort, count = 0;

	while (pane->columns[count].name)
		count++;
	for (int i = 1; i <= count && pane->view->query; i++) {
		int at = (from + i) % count;
		const struct nec_column *column = &pane->columns[at];

		if (!column->sortable || (*argument ? strcmp(argument, column->name) != 0 &&
							      strcmp(argument, column->title) != 0
						    : pane->column_width[at] == 0))
			continue;
		nec_pane_sort(pane, app->worker, at, largest_first(column));
		return NULL;
	}
	if (*argument)
		return nec_error_create(NEC_ERR_USAGE, "cannot sort by '%s'", argument);
	nec_app_say(app, "this list has its own order");
	return NULL;
}

static struct nec_error *run_reverse(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);

	(void)argument;
	if (pane->sort >= 0)
		nec_pane_sort(pane, app->worker, pane->sort, !pane->descending);
	return NULL;
}

/* A number that names an end of the reference on the line: of the row, or what the screen is about.
 */
static bool end_of_edge(const struct nec_pane *pane, const char *name, int64_t *ret)
{
	const struct nec_value *value =
		name ? nec_pane_value(pane, nec_pane_row(pane), name) : NULL;

	if (name && !value)
		value = nec_params_find(&pane->params, name);
	if (!value || value->type != NEC_COLUMN_INT)
		return false;
	*ret = value->i;
	return true;
}

/* "--drop X", "--cut X" and "--weak X", as on the command line. */
static bool put_whatif(const char *argument, struct nec_text *line)
{
	static const struct {
		const char *option, *command;
	} options[] = {{"--drop ", "drop"}, {"--cut ", "cut"}, {"--weak ", "cut"}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t len = strlen(options[i].option);

		if (strncmp(argument, options[i].option, len) != 0)
			continue;
		nec_text_printf(line, "%s %s", options[i].command, argument + len);
		return true;
	}
	return false;
}

/* Without the reference that the line is about, else without its object. */
static struct nec_error *run_whatif(struct nec_app *app, const char *argument)
{
	const struct nec_pane *pane = nec_app_pane(app);
	_cleanup_(nec_text_deinit) struct nec_text line = {0};
	int64_t src, dst, addr;

	if (*argument && !put_whatif(argument, &line))
		return nec_error_create(NEC_ERR_USAGE,
					"whatif --drop OBJECT, or --cut REFERENCE, not '%s'",
					argument);
	if (*argument)
		return nec_tui_command_run(app, nec_text_str(&line));
	if (end_of_edge(pane, pane->view->edge.src, &src) &&
	    end_of_edge(pane, pane->view->edge.dst, &dst))
		nec_text_printf(&line, "cut 0x%" PRIx64 "->0x%" PRIx64, (uint64_t)src,
				(uint64_t)dst);
	else if (nec_app_object(app, &addr))
		nec_text_printf(&line, "drop 0x%" PRIx64, (uint64_t)addr);
	if (!line.len) {
		nec_app_say(app, "no object is on this line");
		return NULL;
	}
	return nec_tui_command_run(app, nec_text_str(&line));
}

static struct nec_error *run_mark(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_mark *mark = &app->marks[app->mark_count];
	int64_t addr;

	(void)argument;
	if (!nec_app_object(app, &addr)) {
		nec_app_say(app, "no object is on this line");
		return NULL;
	}
	for (int i = 0; i < app->mark_count; i++) {
		if (app->marks[i].addr != addr)
			continue;
		free(app->marks[i].place);
		memmove(&app->marks[i], &app->marks[i + 1],
			(size_t)(app->mark_count - i - 1) * sizeof(*mark));
		app->mark_count--;
		nec_app_say(app, "0x%" PRIx64 " is not marked any more", (uint64_t)addr);
		return NULL;
	}
	if (app->mark_count == NEC_MARKS_MAX) {
		nec_app_say(app, "%d objects are marked already", NEC_MARKS_MAX);
		return NULL;
	}
	for (int i = 0; pane->columns[i].name; i++) {
		const struct nec_row *row = nec_pane_row(pane);
		enum nec_column_kind kind = pane->columns[i].kind;

		if (!row || pane->index[i] < 0 ||
		    (kind != NEC_COL_TYPE && kind != NEC_COL_VALUE && kind != NEC_COL_LABEL))
			continue;
		nec_text_puts(&text, text.len ? "  " : "");
		nec_value_text_put(&text, &row->values[pane->index[i]], kind, NULL);
	}
	mark->addr = addr;
	mark->place = strdup(nec_text_str(&text));
	if (!mark->place)
		return &nec_enomem;
	app->mark_count++;
	nec_app_say(app, "0x%" PRIx64 " is marked: ' returns to it, = compares with it",
		    (uint64_t)addr);
	return NULL;
}

static struct nec_error *run_marked(struct nec_app *app, const char *argument)
{
	_cleanup_(nec_params_deinit) struct nec_params params = {0};
	struct nec_value addr;

	(void)argument;
	if (app->mark_count != 1)
		return nec_app_open(app, nec_screen_find("marks"), &params);
	addr = nec_value_int(app->marks[0].addr);
	NEC_TRY(nec_params_set(&params, "addr", &addr));
	return nec_app_open(app, nec_screen_find("show"), &params);
}

static struct nec_error *run_compare(struct nec_app *app, const char *argument)
{
	_cleanup_(nec_params_deinit) struct nec_params params = {0};
	struct nec_value left, right;
	int64_t addr;

	(void)argument;
	if (app->mark_count == 0 || !nec_app_object(app, &addr)) {
		nec_app_say(app, "mark one object (m), go to another, then compare");
		return NULL;
	}
	left = nec_value_int(app->marks[app->mark_count - 1].addr);
	right = nec_value_int(addr);
	NEC_TRY(nec_params_set(&params, "left", &left));
	NEC_TRY(nec_params_set(&params, "right", &right));
	return nec_app_open(app, nec_screen_find("compare"), &params);
}

/* The path itself where the pane shows one, else the address of the object. */
static struct nec_error *run_copy(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int64_t addr;

	(void)argument;
	/* the path that ends on this line, or below it */
	for (size_t i = pane->cursor; pane->view->maker && i < pane->rows.count && !text.len; i++) {
		const struct nec_value *path = nec_pane_value(pane, pane->rows.at[i], "text");

		if (path && path->s)
			nec_text_escape(&text, path->s, path->len);
	}
	if (!text.len && nec_app_object(app, &addr))
		nec_text_printf(&text, "0x%" PRIx64, (uint64_t)addr);
	else if (!text.len && nec_pane_row(pane) && pane->index[0] >= 0)
		nec_value_text_put(&text, &nec_pane_row(pane)->values[pane->index[0]],
				   pane->columns[0].kind, NULL);
	if (!text.len)
		return NULL;
	if (app->terminal->copy)
		app->terminal->copy(app->terminal, nec_text_str(&text));
	nec_app_say(app, "copied: %s", nec_text_str(&text));
	return NULL;
}

static struct nec_error *run_command(struct nec_app *app, const char *argument)
{
	nec_prompt_open(&app->prompt, ':', argument);
	return NULL;
}

static struct nec_error *run_redraw(struct nec_app *app, const char *argument)
{
	(void)argument;
	if (app->terminal->redraw)
		app->terminal->redraw(app->terminal);
	return NULL;
}

static struct nec_error *run_stop(struct nec_app *app, const char *argument)
{
	struct nec_place *place = nec_app_place(app);
	struct nec_pane *pane = nec_app_pane(app);
	bool busy = false;

	(void)argument;
	for (int i = 0; i < place->pane_count; i++) {
		busy = busy || place->panes[i].asked;
		nec_pane_stop(&place->panes[i], app->worker);
	}
	nec_worker_cancel(app->worker, app);
	if (!busy && pane->filter)
		return nec_pane_filter(pane, app->worker, NULL);
	return NULL;
}

static struct nec_error *run_quit(struct nec_app *app, const char *argument)
{
	(void)argument;
	app->leave = true;
	return NULL;
}

static struct nec_error *run_refs(struct nec_app *app, const char *argument)
{
	_cleanup_(nec_text_deinit) struct nec_text line = {0};

	nec_text_printf(&line, "show %s", argument);
	return nec_tui_command_run(app, nec_text_str(&line));
}

static struct nec_error *run_diff(struct nec_app *app, const char *argument)
{
	(void)argument;
	return nec_tui_command_run(app, "difference");
}

static struct nec_error *run_report(struct nec_app *app, const char *argument)
{
	(void)argument;
	return nec_tui_command_run(app, "overview");
}

static struct nec_error *run_resize(struct nec_app *app, const char *argument)
{
	int width, height;

	if (sscanf(argument, "%dx%d", &width, &height) != 2)
		return nec_error_create(NEC_ERR_USAGE, "resize COLUMNSxLINES, not '%s'", argument);
	return nec_screen_resize(&app->screen, width, height);
}

const struct nec_tui_command nec_tui_commands[] = {
	{"down", NULL, "to the next line", run_down, true},
	{"up", NULL, "to the line before", run_up, true},
	{"page-down", NULL, "a page on", run_page_down, true},
	{"page-up", NULL, "a page back", run_page_up, true},
	{"half-down", NULL, "half a page on", run_half_down, true},
	{"half-up", NULL, "half a page back", run_half_up, true},
	{"top", NULL, "to the first line", run_top, false},
	{"bottom", NULL, "to the last line", run_bottom, false},
	{"pane", NULL, "to the next pane of the screen", run_pane, false},
	{"pane-back", NULL, "to the pane before", run_pane_back, false},
	{"enter", NULL, "open what the line is about", run_enter, true},
	{"back", NULL, "back to the screen before, on the same line", run_back, false},
	{"right", NULL, "unfold a branch, or open", run_right, true},
	{"left", NULL, "fold a branch, or back", run_left, true},
	{"fold", NULL, "unfold or fold a branch of a tree", run_fold, true},
	{"in", "NAME", "the same in another snapshot: A, B, 1, 2, ...", run_in, false},
	{"filter", "[TEXT]", "only lines with a text, as one types; Esc ends it", run_filter,
	 false},
	{"next", NULL, "to the next line with that text", run_next, true},
	{"previous", NULL, "to the one before", run_previous, true},
	{"sort", "[COLUMN]", "sort by a column; without one, by the next one", run_sort, false},
	{"reverse", NULL, "the other way round", run_reverse, false},
	{"export", "FILE", "write the whole list to FILE, as CSV or .json", nec_tui_run_export,
	 false},
	{"mark", NULL, "mark the object, or take the mark away", run_mark, true},
	{"marked", NULL, "go to the marked object; with several, list them", run_marked, false},
	{"compare", NULL, "the object beside the one marked last", run_compare, true},
	{"copy", NULL, "copy the address, or the path, to the clipboard (OSC 52)", run_copy, true},
	{"whatif", "[--drop OBJECT | --cut REFERENCE]",
	 "what would go without that, or what the line is about", run_whatif, true},
	{"draw", "FILE", "write who holds the object as a graph: .dot, or .svg by Graphviz",
	 nec_tui_run_draw, true},
	{"dot", "FILE", "the same", nec_tui_run_draw, true},
	{"command", NULL, "type a command", run_command, false},
	{"redraw", NULL, "draw the screen anew", run_redraw, false},
	{"stop", NULL, "end what takes long, or the filter", run_stop, false},
	{"refs", "ADDR", "an object with its references, as show", run_refs, false},
	{"report", NULL, "the overview", run_report, false},
	{"diff", NULL, "the difference of two snapshots", run_diff, false},
	{"save-display", "FILE", "write the screen as text", nec_tui_run_save_display, false},
	{"save-picture", "FILE", "write the screen as a picture (SVG)", nec_tui_run_save_picture,
	 false},
	{"resize", "COLUMNSxLINES", NULL, run_resize, false},
	{"quit", NULL, "leave", run_quit, false},
	{.name = NULL},
};

static const struct nec_tui_command *find_command(const char *name)
{
	const struct nec_tui_command *command = nec_tui_commands;

	while (command->name && strcmp(command->name, name) != 0)
		command++;
	return command->name ? command : NULL;
}

bool nec_tui_command_known(const char *word, bool screen)
{
	const struct nec_screen_def *def = nec_screen_find(word);

	if (screen)
		return def;
	return (def && !def->hidden) || find_command(word);
}

bool nec_tui_command_on_line(const char *line)
{
	const struct nec_tui_command *command;
	const struct nec_screen_def *def;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " "), line);
	def = nec_screen_find(word);
	if (def)
		return nec_screen_wants_address(def) && !strchr(line, ' ');
	command = find_command(word);
	return command && command->on_line;
}

static struct nec_error *parse_address(const char *text, struct nec_value *value)
{
	char *end;
	unsigned long long addr;

	errno = 0;
	addr = strtoull(text, &end, 0);
	if (errno || end == text || *end || addr > INT64_MAX)
		return nec_error_create(NEC_ERR_USAGE, "'%s' is no address", text);
	*value = nec_value_int((int64_t)addr);
	return NULL;
}

static struct nec_error *open_screen(struct nec_app *app, const struct nec_screen_def *def,
				     const char *argument)
{
	_cleanup_(nec_params_deinit) struct nec_params params = {0};
	struct nec_value value = nec_value_text(argument);

	if (def->param && !*argument && nec_screen_wants_address(def)) {
		int64_t addr;

		if (!nec_app_object(app, &addr)) {
			nec_app_say(app, "no object is on this line");
			return NULL;
		}
		value = nec_value_int(addr);
	} else if (def->param && !*argument && !def->without[0].view) {
		char line[64];

		snprintf(line, sizeof(line), "%s ", def->name);
		nec_prompt_open(&app->prompt, ':', line);
		return NULL;
	} else if (def->param && nec_screen_wants_address(def)) {
		NEC_TRY(parse_address(argument, &value));
	}
	if (!def->param && *argument)
		return nec_error_create(NEC_ERR_USAGE, "%s takes no argument", def->name);
	if (def->param && (*argument || value.type == NEC_COLUMN_INT))
		NEC_TRY(nec_params_set(&params, def->param, &value));
	return nec_app_open(app, def, &params);
}

struct nec_error *nec_tui_command_run(struct nec_app *app, const char *line)
{
	const struct nec_screen_def *def;
	const struct nec_tui_command *command;
	const char *argument;
	char word[64];
	size_t len;

	while (*line == ' ' || *line == ':')
		line++;
	len = strcspn(line, " ");
	if (len == 0)
		return NULL;
	if (len >= sizeof(word))
		return nec_error_create(NEC_ERR_USAGE, "no command is called '%s'", line);
	memcpy(word, line, len);
	word[len] = '\0';
	for (argument = line + len; *argument == ' ';)
		argument++;
	def = nec_screen_find(word);
	if (def && !def->hidden)
		return open_screen(app, def, argument);
	command = find_command(word);
	if (!command)
		return nec_error_create(NEC_ERR_USAGE, "no command is called '%s': ? lists them",
					word);
	if (!command->usage && *argument)
		return nec_error_create(NEC_ERR_USAGE, "%s takes no argument", word);
	return command->run(app, argument);
}

void nec_tui_command_words(struct nec_app *app, struct nec_text *out)
{
	bool sql = strncmp(app->prompt.text, "sql ", 4) == 0;

	if (app->words && strchr(app->prompt.text, ' '))
		nec_text_puts(out, app->words);
	if (sql || strchr(app->prompt.text, ' '))
		return;
	for (const struct nec_screen_def *def = nec_screens; def->name; def++)
		if (!def->hidden)
			nec_text_printf(out, "%s\n", def->name);
	for (const struct nec_tui_command *command = nec_tui_commands; command->name; command++)
		if (command->help)
			nec_text_printf(out, "%s\n", command->name);
}
