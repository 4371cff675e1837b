/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One view at work: a window of rows over a list that may have millions, a cursor in it, a filter
 * and an order. The window grows at either end by pages that are asked for when the cursor comes
 * near it, and lets go of what is far away. A tree is a window as well; rows below a row are put in
 * after it.
 */
#ifndef NEC_TUI_PANE_H
#define NEC_TUI_PANE_H

#include "tui/screen.h"
#include "tui/view.h"
#include "tui/worker.h"

#define NEC_COLUMNS_MAX 16

struct nec_pane {
	const struct nec_view *view;
	struct nec_db *db; /* that its queries ask, borrowed; NULL: the worker's */
	struct nec_params params;
	char *filter; /* owned; NULL: none */

	struct nec_column columns[NEC_COLUMNS_MAX + 1]; /* of the view, or made of an SQL answer */
	int index[NEC_COLUMNS_MAX];                     /* of each in a row; -1: not there */
	char **names; /* of the rows' values; NULL-terminated; NULL while no answer came */
	int sort;     /* in columns; -1: by key */
	bool descending;

	struct nec_rowlist rows;
	size_t cursor, top;    /* in rows */
	bool at_begin, at_end; /* rows has the first, the last of the list */
	int64_t first;         /* number of rows.at[0] in the list; -1: not known */
	int64_t total;         /* of the list; -1: not known */
	bool cut;              /* SQL: the list is longer than what is kept */
	uint8_t asked;         /* jobs under way, see pane.c */
	bool slow;             /* a page takes long, so more rows come at a time */
	bool stopped;          /* by the user: nothing more is asked for until something changes */
	struct nec_error *error; /* owned */
	const char *absent;  /* what the snapshot has none of, so that there can be no rows; NULL */
	const char *message; /* static text for the status line: "no further match" */
	const struct nec_row
		*child_of;      /* row whose children were asked for; compared, never followed */
	struct nec_row *anchor; /* owned: where a window is to begin; NULL: at the start */

	int x, y, width, height; /* where it was drawn; lines include the titles */
	int column_x[NEC_COLUMNS_MAX], column_width[NEC_COLUMNS_MAX]; /* 0 wide: not shown */
};

struct nec_error *nec_pane_init(struct nec_pane *pane, const struct nec_view *view,
				const struct nec_params *params);
void nec_pane_deinit(struct nec_pane *pane, struct nec_worker *worker);

/* Starts over, at the first row. */
void nec_pane_reload(struct nec_pane *pane, struct nec_worker *worker);
/* Moves the window so that the cursor is in view. */
void nec_pane_scroll(struct nec_pane *pane);
/* Asks for what the visible part needs; `idle`: also for what only the status line wants. */
struct nec_error *nec_pane_ask(struct nec_pane *pane, struct nec_worker *worker, bool idle);
/* Takes what an answer has; the job stays the caller's. */
struct nec_error *nec_pane_answer(struct nec_pane *pane, struct nec_job *job);
/* Is what a key would act on still being asked for? */
bool nec_pane_waits(const struct nec_pane *pane);
/* Is this job one of the pane's? */
bool nec_pane_owns(const struct nec_pane *pane, const struct nec_job *job);
/* The user's Esc. */
void nec_pane_stop(struct nec_pane *pane, struct nec_worker *worker);

struct nec_error *nec_pane_filter(struct nec_pane *pane, struct nec_worker *worker,
				  const char *filter);
/* Rows of a view without a query, the list's all; empties rows. */
struct nec_error *nec_pane_fill(struct nec_pane *pane, struct nec_rowlist *rows);
/* To the next row (or the one before) that has the text. */
struct nec_error *nec_pane_seek(struct nec_pane *pane, struct nec_worker *worker, const char *text,
				bool backward);
void nec_pane_sort(struct nec_pane *pane, struct nec_worker *worker, int column, bool descending);
void nec_pane_move(struct nec_pane *pane, int64_t delta);
void nec_pane_home(struct nec_pane *pane, struct nec_worker *worker);
void nec_pane_end(struct nec_pane *pane, struct nec_worker *worker);
/* A tree: unfolds the row under the cursor, or folds it; false: there is nothing to do so. */
bool nec_pane_unfold(struct nec_pane *pane, struct nec_worker *worker);
bool nec_pane_fold(struct nec_pane *pane);

/* The row under the cursor, NULL when there is none; borrowed. */
const struct nec_row *nec_pane_row(const struct nec_pane *pane);
/* A value of a row by the name of its column, NULL when there is no such column. */
const struct nec_value *nec_pane_value(const struct nec_pane *pane, const struct nec_row *row,
				       const char *column);
/* Lines that it could fill, with its titles; more than it has while it does not know. */
int nec_pane_wanted(const struct nec_pane *pane);
bool nec_pane_has_titles(const struct nec_pane *pane);

/* Draws it at a place; marked: is this object marked? */
void nec_pane_draw(struct nec_pane *pane, struct nec_screen *screen, int x, int y, int width,
		   int height, bool focused, bool (*marked)(void *arg, int64_t addr), void *arg);
/* Its rows as lines of text, nothing cut: for --plain. */
void nec_pane_print(const struct nec_pane *pane, struct nec_text *out);

#endif
