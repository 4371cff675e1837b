/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/pane.h"

#include <stdlib.h>
#include <string.h>

/* Tags of jobs, and bits of `asked`. */
enum {
	ASK_FORWARD = 1,
	ASK_BACKWARD = 2,
	ASK_COUNT = 4, /* its owner is &pane->total, so that it can make way for a page */
	ASK_CHILD = 8,
	ASK_SEEK = 16,
};

/* A page that takes this long brings as many times the rows: one that is sorted anew costs the same
 * whatever it brings. */
#define SLOW_SECONDS 0.3
#define SLOW_PAGES   10

/* Rows that are kept when a list is scrolled on and on. */
#define WINDOW_MAX 4000
/* Rows below one row of a tree that come at a time. */
#define CHILD_PAGE     100
#define SQL_ROWS_MAX   10000
#define TREE_DEPTH_MAX 10000

/* A column with the value of the row's object. */
static bool folds(const struct nec_column *column)
{
	return column->kind == NEC_COL_VALUE && strcmp(column->name, "value") == 0;
}

static void place_columns(struct nec_pane *pane)
{
	for (int i = 0; i < NEC_COLUMNS_MAX; i++) {
		pane->index[i] = -1;
		for (int j = 0; pane->columns[i].name && pane->names && pane->names[j]; j++)
			if (strcmp(pane->names[j], pane->columns[i].name) == 0)
				pane->index[i] = j;
		if (!pane->columns[i].name)
			break;
		/* what the page says of an object is more than what the load wrote down */
		for (int j = 0; folds(&pane->columns[i]) && pane->names && pane->names[j]; j++)
			if (strcmp(pane->names[j], "nec_preview") == 0)
				pane->index[i] = j;
	}
}

struct nec_error *nec_pane_init(struct nec_pane *pane, const struct nec_view *view,
				const struct nec_params *params)
{
	*pane = (struct nec_pane){.view = view, .sort = -1, .descending = view->descending};
	pane->first = pane->total = -1;
	for (int i = 0; view->columns && view->columns[i].name && i < NEC_COLUMNS_MAX; i++) {
		pane->columns[i] = view->columns[i];
		if (view->sort && strcmp(view->sort, view->columns[i].name) == 0)
			pane->sort = i;
	}
	return nec_params_copy(&pane->params, params);
}

static void free_names(struct nec_pane *pane)
{
	for (char **name = pane->names; name && *name; name++)
		free(*name);
	free(pane->names);
	pane->names = NULL;
}

static void forget_rows(struct nec_pane *pane)
{
	nec_rowlist_deinit(&pane->rows);
	pane->cursor = pane->top = 0;
	pane->at_begin = pane->at_end = pane->cut = pane->stopped = false;
	pane->first = -1;
	pane->message = NULL;
	free(pane->anchor);
	pane->anchor = NULL;
	nec_error_destroy(pane->error);
	pane->error = NULL;
}

static void cancel(struct nec_pane *pane, struct nec_worker *worker)
{
	nec_worker_cancel(worker, pane);
	nec_worker_cancel(worker, &pane->total);
	pane->asked = 0;
}

void nec_pane_deinit(struct nec_pane *pane, struct nec_worker *worker)
{
	cancel(pane, worker);
	forget_rows(pane);
	free_names(pane);
	free(pane->filter);
	nec_params_deinit(&pane->params);
}

void nec_pane_reload(struct nec_pane *pane, struct nec_worker *worker)
{
	cancel(pane, worker);
	forget_rows(pane);
	pane->total = -1;
}

void nec_pane_stop(struct nec_pane *pane, struct nec_worker *worker)
{
	if (!pane->asked)
		return;
	cancel(pane, worker);
	for (size_t i = 0; i < pane->rows.count; i++)
		if (pane->rows.at[i]->state == NEC_ROW_OPENING)
			pane->rows.at[i]->state = NEC_ROW_FOLDED;
	pane->stopped = true;
}

const struct nec_row *nec_pane_row(const struct nec_pane *pane)
{
	return pane->cursor < pane->rows.count ? pane->rows.at[pane->cursor] : NULL;
}

const struct nec_value *nec_pane_value(const struct nec_pane *pane, const struct nec_row *row,
				       const char *column)
{
	for (int i = 0;
	     column && row && row->state != NEC_ROW_MORE && pane->names && pane->names[i]; i++)
		if (i < row->count && strcmp(pane->names[i], column) == 0)
			return &row->values[i];
	return NULL;
}

/* ---- asking ---- */

static struct nec_error *set_position(struct nec_pane *pane, struct nec_job *job,
				      const struct nec_row *row)
{
	const struct nec_value *key = nec_pane_value(pane, row, pane->view->key);
	const struct nec_value *sort = nec_pane_value(pane, row, job->page.sort);

	if (!key)
		return NULL;
	/* texts are borrowed of a copy that lives as long as the job */
	job->page.positioned = true;
	job->page.key_value = (struct nec_page_value){key->type, key->i, key->r, key->s};
	if (sort)
		job->page.sort_value =
			(struct nec_page_value){sort->type, sort->i, sort->r, sort->s};
	if (job->page.key_value.s) {
		NEC_TRY(nec_params_set(&job->borrowed, "key", key));
		job->page.key_value.s = nec_params_find(&job->borrowed, "key")->s;
	}
	if (job->page.sort_value.s) {
		NEC_TRY(nec_params_set(&job->borrowed, "sort", sort));
		job->page.sort_value.s = nec_params_find(&job->borrowed, "sort")->s;
	}
	return NULL;
}

static void job_destroyp(struct nec_job **job)
{
	nec_job_destroy(*job);
}

static struct nec_error *page_job(struct nec_pane *pane, const char *filter,
				  struct nec_job **job_ret)
{
	const struct nec_view *view = pane->view;
	_cleanup_(job_destroyp) struct nec_job *job = nec_job_create(NEC_JOB_PAGE);

	if (!job)
		return &nec_enomem;
	job->owner = pane;
	job->db = pane->db;
	job->name = view->query;
	job->page.key = view->key;
	job->page.sort = pane->sort >= 0 ? pane->columns[pane->sort].name : NULL;
	job->page.descending = pane->sort >= 0 && pane->descending;
	job->page.limit = pane->height > 10 ? 2 * pane->height : 20;
	if (pane->slow)
		job->page.limit *= SLOW_PAGES;
	for (int i = 0; view->object && pane->columns[i].name; i++)
		if (folds(&pane->columns[i]))
			job->page.preview = view->object;
	NEC_TRY(nec_params_copy(&job->params, &pane->params));
	if (filter && view->filter) {
		job->filter = strdup(filter);
		if (!job->filter)
			return &nec_enomem;
		job->page.filter = job->filter;
		job->page.filter_columns = view->filter;
	}
	*job_ret = nec_take(job);
	return NULL;
}

static void submit(struct nec_pane *pane, struct nec_worker *worker, struct nec_job *job, int tag)
{
	if (tag != ASK_COUNT && pane->asked & ASK_COUNT) {
		nec_worker_cancel(worker, &pane->total);
		pane->asked &= (uint8_t)~ASK_COUNT;
	}
	job->tag = tag;
	pane->asked |= (uint8_t)tag;
	nec_worker_submit(worker, job);
}

static const struct nec_row *last_of_list(const struct nec_pane *pane)
{
	for (size_t i = pane->rows.count; i-- > 0;)
		if (pane->rows.at[i]->depth == 0)
			return pane->rows.at[i];
	return NULL;
}

static struct nec_error *ask_page(struct nec_pane *pane, struct nec_worker *worker, int tag)
{
	_cleanup_(job_destroyp) struct nec_job *job = NULL;
	const struct nec_row *row;

	NEC_TRY(page_job(pane, pane->filter, &job));
	job->page.backward = tag == ASK_BACKWARD;
	if (tag == ASK_FORWARD && pane->anchor) {
		job->page.inclusive = true;
		row = pane->anchor;
	} else {
		row = pane->rows.count == 0 ? NULL
		      : tag == ASK_FORWARD  ? last_of_list(pane)
					    : pane->rows.at[0];
	}
	if (row)
		NEC_TRY(set_position(pane, job, row));
	submit(pane, worker, nec_take(job), tag);
	return NULL;
}

static struct nec_error *ask_maker(struct nec_pane *pane, struct nec_worker *worker)
{
	_cleanup_(job_destroyp) struct nec_job *job = nec_job_create(NEC_JOB_MADE);

	if (!job)
		return &nec_enomem;
	job->owner = pane;
	job->db = pane->db;
	job->maker = pane->view->maker;
	NEC_TRY(nec_params_copy(&job->params, &pane->params));
	submit(pane, worker, nec_take(job), ASK_FORWARD);
	return NULL;
}

static struct nec_error *ask_sql(struct nec_pane *pane, struct nec_worker *worker)
{
	const struct nec_value *sql = nec_params_find(&pane->params, "sql");
	_cleanup_(job_destroyp) struct nec_job *job = nec_job_create(NEC_JOB_SQL);

	if (!job || !(job->sql = strdup(sql ? sql->s : "")))
		return &nec_enomem;
	job->owner = pane;
	job->db = pane->db;
	job->row_max = SQL_ROWS_MAX;
	submit(pane, worker, nec_take(job), ASK_FORWARD);
	return NULL;
}

static struct nec_error *ask_count(struct nec_pane *pane, struct nec_worker *worker)
{
	_cleanup_(job_destroyp) struct nec_job *job = NULL;

	NEC_TRY(page_job(pane, pane->filter, &job));
	job->owner = &pane->total;
	job->page.count = true;
	submit(pane, worker, nec_take(job), ASK_COUNT);
	return NULL;
}

void nec_pane_scroll(struct nec_pane *pane)
{
	int titles = nec_pane_has_titles(pane) && pane->height > 1;
	size_t lines = pane->height > titles ? (size_t)(pane->height - titles) : 0;

	if (pane->top > pane->cursor)
		pane->top = pane->cursor;
	if (lines > 0 && pane->cursor >= pane->top + lines)
		pane->top = pane->cursor - lines + 1;
	/* no blank lines below while there is something above */
	if (pane->at_end && pane->top + lines > pane->rows.count)
		pane->top = pane->rows.count > lines ? pane->rows.count - lines : 0;
}

struct nec_error *nec_pane_ask(struct nec_pane *pane, struct nec_worker *worker, bool idle)
{
	size_t height = pane->height > 0 ? (size_t)pane->height : 1;

	if (pane->view->fill || pane->stopped || pane->error)
		return NULL;
	nec_pane_scroll(pane);
	if (!pane->view->query) {
		if (pane->at_end || pane->asked)
			return NULL;
		return pane->view->maker ? ask_maker(pane, worker) : ask_sql(pane, worker);
	}
	if (!pane->at_end && !(pane->asked & ASK_FORWARD) &&
	    (pane->cursor + height >= pane->rows.count ||
	     pane->top + 2 * height > pane->rows.count))
		NEC_TRY(ask_page(pane, worker, ASK_FORWARD));
	if (!pane->at_begin && pane->rows.count > 0 && !(pane->asked & ASK_BACKWARD) &&
	    pane->top < height)
		NEC_TRY(ask_page(pane, worker, ASK_BACKWARD));
	if (idle && pane->total == -1 && pane->rows.count > 0 && !pane->asked)
		NEC_TRY(ask_count(pane, worker));
	return NULL;
}

struct nec_error *nec_pane_seek(struct nec_pane *pane, struct nec_worker *worker, const char *text,
				bool backward)
{
	_cleanup_(job_destroyp) struct nec_job *job = NULL;

	if (!pane->view->query || !pane->view->filter || pane->rows.count == 0)
		return NULL;
	NEC_TRY(page_job(pane, text, &job));
	job->page.limit = 1;
	job->page.backward = backward;
	NEC_TRY(set_position(pane, job, pane->rows.at[pane->cursor]));
	nec_worker_cancel(worker, pane);
	pane->asked &= ASK_COUNT;
	pane->stopped = false;
	submit(pane, worker, nec_take(job), ASK_SEEK);
	return NULL;
}

bool nec_pane_unfold(struct nec_pane *pane, struct nec_worker *worker)
{
	const struct nec_view *view = pane->view;
	size_t at = pane->cursor;
	const struct nec_row *parent;
	struct nec_row *row;
	_cleanup_(job_destroyp) struct nec_job *job = NULL;
	struct nec_error *err;

	if (!view->child || at >= pane->rows.count || pane->asked & ASK_CHILD)
		return false;
	row = pane->rows.at[at];
	if (row->state != NEC_ROW_FOLDED && row->state != NEC_ROW_MORE)
		return false;
	parent = row;
	for (size_t i = at; row->state == NEC_ROW_MORE && i-- > 0;) {
		parent = pane->rows.at[i];
		if (parent->depth + 1 == row->depth)
			break;
	}
	err = page_job(pane, NULL, &job);
	if (!err && row->state == NEC_ROW_MORE && pane->rows.at[at - 1] != parent) {
		size_t before = at - 1;

		while (before > 0 && pane->rows.at[before]->depth != row->depth)
			before--;
		err = set_position(pane, job, pane->rows.at[before]);
	}
	for (int i = 0; !err && i < 2 && view->child_with[i].param; i++) {
		const struct nec_value *value =
			nec_pane_value(pane, parent, view->child_with[i].column);

		if (value)
			err = nec_params_set(&job->params, view->child_with[i].param, value);
	}
	if (err) {
		nec_error_destroy(pane->error);
		pane->error = err;
		return true;
	}
	job->name = view->child;
	job->page.limit = CHILD_PAGE + 1; /* one more says that there are more */
	row->state = row->state == NEC_ROW_MORE ? NEC_ROW_MORE : NEC_ROW_OPENING;
	pane->child_of = row;
	pane->stopped = false;
	submit(pane, worker, nec_take(job), ASK_CHILD);
	return true;
}

bool nec_pane_fold(struct nec_pane *pane)
{
	size_t at = pane->cursor, end;
	struct nec_row *row;

	if (!pane->view->child || at >= pane->rows.count || pane->asked & ASK_CHILD)
		return false;
	row = pane->rows.at[at];
	if (row->state != NEC_ROW_OPEN) {
		/* to the row above that this one is below of */
		uint16_t depth = row->depth;

		if (depth == 0)
			return false;
		while (pane->cursor > 0 && pane->rows.at[pane->cursor]->depth >= depth)
			pane->cursor--;
		return true;
	}
	for (end = at + 1; end < pane->rows.count && pane->rows.at[end]->depth > row->depth;)
		end++;
	nec_rowlist_drop(&pane->rows, at + 1, end - at - 1);
	row->state = NEC_ROW_FOLDED;
	return true;
}

/* ---- answers ---- */

bool nec_pane_owns(const struct nec_pane *pane, const struct nec_job *job)
{
	return job->owner == pane || job->owner == &pane->total;
}

bool nec_pane_waits(const struct nec_pane *pane)
{
	if (pane->stopped || pane->error)
		return false;
	return pane->asked & (ASK_CHILD | ASK_SEEK) || (pane->rows.count == 0 && !pane->at_end);
}

/* Which rows of a tree can be unfolded: those whose query does not say that they are leaves. */
static void set_states(struct nec_pane *pane, struct nec_rowlist *rows, uint16_t depth)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct nec_row *row = rows->at[i];
		const struct nec_value *leaf;

		row->depth = depth;
		if (!pane->view->child)
			continue;
		leaf = nec_pane_value(pane, row, "leaf");
		row->state =
			(leaf && leaf->type == NEC_COLUMN_INT && leaf->i) || depth >= TREE_DEPTH_MAX
				? NEC_ROW_LEAF
				: NEC_ROW_FOLDED;
	}
}

/* An SQL answer makes its own columns; those that are addresses of objects by name are shown so. */
static void make_columns(struct nec_pane *pane)
{
	int i;

	if (pane->view->columns)
		return;
	for (i = 0; i < NEC_COLUMNS_MAX && pane->names[i]; i++) {
		const char *name = pane->names[i];
		bool addr = strcmp(name, "addr") == 0 || strcmp(name, "src") == 0 ||
			    strcmp(name, "dst") == 0 || strcmp(name, "idom") == 0;
		bool number = pane->rows.count > 0 &&
			      (pane->rows.at[0]->values[i].type == NEC_COLUMN_INT ||
			       pane->rows.at[0]->values[i].type == NEC_COLUMN_REAL);

		pane->columns[i] = (struct nec_column){
			.name = name,
			.title = name,
			.kind = addr     ? NEC_COL_ADDRESS
				: number ? NEC_COL_COUNT
					 : NEC_COL_TEXT,
			.weight = addr || number ? 0 : 1,
		};
	}
	pane->columns[i] = (struct nec_column){.name = NULL};
}

static void take_names(struct nec_pane *pane, struct nec_job *job)
{
	if (pane->names || !job->columns)
		return;
	pane->names = nec_take(job->columns);
}

static void wrap_rows(struct nec_pane *pane)
{
	int width = pane->width > 12 ? pane->width - 2 : 78;
	const struct nec_value *value =
		pane->rows.count ? nec_pane_value(pane, pane->rows.at[0], pane->view->wrap) : NULL;
	struct nec_rowlist rows = {0};
	const char *s = value && value->s ? value->s : "";

	while (*s) {
		size_t line = strcspn(s, "\n"), n = line;
		char *copy;
		const char *texts[1];
		struct nec_row *row;

		if (n > (size_t)width) {
			for (n = (size_t)width; n > 0 && s[n] != ' ';)
				n--;
			if (n == 0)
				for (n = (size_t)width; n > 0 && (s[n] & 0xc0) == 0x80;)
					n--;
			n = n ? n : line;
		}
		copy = strndup(s, n);
		texts[0] = copy;
		if (copy && !nec_row_texts(1, texts, &row))
			nec_error_destroy(nec_rowlist_add(&rows, row));
		free(copy);
		s += n;
		s += *s == '\n' || *s == ' ';
	}
	nec_rowlist_deinit(&pane->rows);
	pane->rows = rows;
	free_names(pane);
	pane->names = calloc(2, sizeof(char *));
	if (pane->names)
		pane->names[0] = strdup(pane->view->wrap);
}

static void trim(struct nec_pane *pane)
{
	size_t n;

	if (!pane->view->query || pane->view->child || pane->rows.count <= WINDOW_MAX)
		return;
	n = pane->rows.count - WINDOW_MAX;
	if (pane->cursor > pane->rows.count / 2) {
		if (n > pane->top)
			n = pane->top;
		nec_rowlist_drop(&pane->rows, 0, n);
		pane->cursor -= n;
		pane->top -= n;
		pane->first = pane->first >= 0 ? pane->first + (int64_t)n : -1;
		pane->at_begin = false;
	} else {
		nec_rowlist_drop(&pane->rows, pane->rows.count - n, n);
		pane->at_end = false;
	}
}

/* Where one would look first. */
static void set_start(struct nec_pane *pane)
{
	for (size_t i = 0; i < pane->rows.count; i++) {
		const struct nec_value *value =
			nec_pane_value(pane, pane->rows.at[i], pane->view->start);

		if (value && value->i) {
			pane->cursor = i;
			return;
		}
	}
}

static struct nec_error *answer_page(struct nec_pane *pane, struct nec_job *job)
{
	bool last = job->kind != NEC_JOB_PAGE || (int64_t)job->rows.count < job->page.limit;
	size_t n = job->rows.count;

	if (job->kind != NEC_JOB_MADE)
		set_states(pane, &job->rows, 0);
	if (job->tag == ASK_FORWARD) {
		if (!job->page.positioned) {
			pane->at_begin = true;
			pane->first = 0;
		}
		free(pane->anchor);
		pane->anchor = NULL;
		NEC_TRY(nec_rowlist_append(&pane->rows, &job->rows));
		pane->at_end = last;
		pane->cut = job->cut;
		if (!job->page.positioned && pane->view->start)
			set_start(pane);
	} else {
		bool from_end = !job->page.positioned;

		NEC_TRY(nec_rowlist_prepend_reversed(&pane->rows, &job->rows));
		pane->cursor =
			from_end ? pane->rows.count - (pane->rows.count > 0) : pane->cursor + n;
		pane->top = from_end ? 0 : pane->top + n;
		pane->first = pane->first >= (int64_t)n ? pane->first - (int64_t)n : -1;
		pane->at_begin = last;
		pane->at_end = pane->at_end || from_end;
		if (last)
			pane->first = 0;
	}
	if (pane->view->wrap && pane->rows.count > 0)
		wrap_rows(pane);
	if (pane->at_begin && pane->at_end && !pane->view->child)
		pane->total = (int64_t)pane->rows.count;
	trim(pane);
	return NULL;
}

static struct nec_error *answer_child(struct nec_pane *pane, struct nec_job *job)
{
	size_t at = 0;
	bool more = job->rows.count > CHILD_PAGE;
	struct nec_row *parent;
	uint16_t depth;

	while (at < pane->rows.count && pane->rows.at[at] != pane->child_of)
		at++;
	if (at == pane->rows.count)
		return NULL;
	parent = pane->rows.at[at];
	depth = parent->state == NEC_ROW_MORE ? parent->depth : (uint16_t)(parent->depth + 1);
	if (more)
		nec_rowlist_drop(&job->rows, CHILD_PAGE, 1);
	set_states(pane, &job->rows, depth);
	if (parent->state == NEC_ROW_MORE) {
		nec_rowlist_drop(&pane->rows, at, 1);
	} else {
		parent->state = job->rows.count ? NEC_ROW_OPEN : NEC_ROW_LEAF;
		at++;
	}
	if (more) {
		struct nec_row *row;

		NEC_TRY(nec_row_texts(0, NULL, &row));
		row->depth = depth;
		row->state = NEC_ROW_MORE;
		NEC_TRY(nec_rowlist_add(&job->rows, row));
	}
	return nec_rowlist_insert(&pane->rows, at, &job->rows);
}

static bool same_value(const struct nec_value *a, const struct nec_value *b)
{
	return a && b && a->type == b->type && a->i == b->i && !a->s == !b->s &&
	       (!a->s || strcmp(a->s, b->s) == 0);
}

static void answer_seek(struct nec_pane *pane, struct nec_job *job)
{
	const struct nec_value *key;
	struct nec_row *row;

	if (job->rows.count == 0) {
		pane->message = "no further match";
		return;
	}
	key = nec_pane_value(pane, job->rows.at[0], pane->view->key);
	for (size_t i = 0; i < pane->rows.count; i++) {
		const struct nec_row *have = pane->rows.at[i];

		if (have->depth == 0 &&
		    same_value(nec_pane_value(pane, have, pane->view->key), key)) {
			pane->cursor = i;
			return;
		}
	}
	row = job->rows.at[0];
	job->rows.count = 0;
	forget_rows(pane);
	pane->anchor = row;
}

struct nec_error *nec_pane_answer(struct nec_pane *pane, struct nec_job *job)
{
	struct nec_error *err = NULL;

	pane->asked &= (uint8_t)~job->tag;
	if (job->error) {
		if (job->tag == ASK_COUNT)
			pane->total = -2;
		nec_error_destroy(pane->error);
		pane->error = nec_take(job->error);
		return NULL;
	}
	take_names(pane, job);
	if (job->tag == ASK_FORWARD || job->tag == ASK_BACKWARD)
		pane->slow = job->seconds > SLOW_SECONDS;
	switch (job->tag) {
	case ASK_COUNT:
		pane->total = job->rows.count ? job->rows.at[0]->values[0].i : -2;
		break;
	case ASK_CHILD:
		err = answer_child(pane, job);
		break;
	case ASK_SEEK:
		answer_seek(pane, job);
		break;
	default:
		err = answer_page(pane, job);
		make_columns(pane);
	}
	place_columns(pane);
	if (pane->at_end && !pane->at_begin && pane->total >= 0 && !pane->view->child)
		pane->first = pane->total - (int64_t)pane->rows.count;
	return err;
}

/* ---- hands ---- */

struct nec_error *nec_pane_filter(struct nec_pane *pane, struct nec_worker *worker,
				  const char *filter)
{
	char *copy = NULL;
	struct nec_row *row = NULL;

	if (filter && *filter && !(copy = strdup(filter)))
		return &nec_enomem;
	/* leaving a filter stays on the row that it found */
	if (!copy && pane->filter && pane->rows.count > 0 && pane->view->query &&
	    pane->rows.at[pane->cursor]->depth == 0) {
		row = pane->rows.at[pane->cursor];
		memmove(pane->rows.at + pane->cursor, pane->rows.at + pane->cursor + 1,
			(pane->rows.count - pane->cursor - 1) * sizeof(struct nec_row *));
		pane->rows.count--;
	}
	free(pane->filter);
	pane->filter = copy;
	nec_pane_reload(pane, worker);
	pane->anchor = row;
	return NULL;
}

struct nec_error *nec_pane_fill(struct nec_pane *pane, struct nec_rowlist *rows)
{
	int count = 0;

	nec_rowlist_deinit(&pane->rows);
	free_names(pane);
	while (pane->columns[count].name)
		count++;
	pane->names = calloc((size_t)count + 1, sizeof(char *));
	if (!pane->names)
		return &nec_enomem;
	for (int i = 0; i < count; i++)
		if (!(pane->names[i] = strdup(pane->columns[i].name)))
			return &nec_enomem;
	place_columns(pane);
	pane->rows = *rows;
	*rows = (struct nec_rowlist){0};
	pane->at_begin = pane->at_end = true;
	pane->first = 0;
	pane->total = (int64_t)pane->rows.count;
	if (pane->cursor >= pane->rows.count)
		pane->cursor = pane->rows.count - (pane->rows.count > 0);
	return NULL;
}

void nec_pane_sort(struct nec_pane *pane, struct nec_worker *worker, int column, bool descending)
{
	if (!pane->view->query)
		return;
	pane->sort = column;
	pane->descending = descending;
	nec_pane_reload(pane, worker);
}

void nec_pane_move(struct nec_pane *pane, int64_t delta)
{
	int64_t to = (int64_t)pane->cursor + delta;
	int64_t last = (int64_t)pane->rows.count - 1;

	pane->message = NULL;
	if (delta)
		pane->stopped = false;
	to = to > last ? last : to;
	pane->cursor = to < 0 ? 0 : (size_t)to;
}

void nec_pane_home(struct nec_pane *pane, struct nec_worker *worker)
{
	int64_t total = pane->total;

	pane->message = NULL;
	if (!pane->at_begin && pane->rows.count > 0) {
		nec_pane_reload(pane, worker);
		pane->total = total;
	}
	pane->cursor = pane->top = 0;
}

void nec_pane_end(struct nec_pane *pane, struct nec_worker *worker)
{
	int64_t total = pane->total;
	struct nec_error *err;

	pane->message = NULL;
	if (!pane->at_end && pane->view->query) {
		nec_pane_reload(pane, worker);
		pane->total = total;
		err = ask_page(pane, worker, ASK_BACKWARD);
		pane->at_end = !err; /* the end comes with it */
		pane->error = err;
		return;
	}
	pane->cursor = pane->rows.count - (pane->rows.count > 0);
}
