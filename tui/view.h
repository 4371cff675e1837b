/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is shown, as data: a view is a query, its columns, and where Enter goes; a screen is one to
 * four views under each other. The tables are in views_*.c, by what they are about, and in
 * screens.c. To add a screen: a query in analyzer/store/sql/, a row in a table of views and a row
 * in nec_screens; a key, if it gets one, is a line of the keymap (keys.c). Help, completion and the
 * command line follow from the tables.
 */
#ifndef NEC_TUI_VIEW_H
#define NEC_TUI_VIEW_H

#include "base/text.h"
#include "tui/maker.h"
#include "tui/rows.h"
#include "tui/style.h"

enum nec_column_kind {
	NEC_COL_TEXT, /* flexible texts */
	NEC_COL_LABEL,
	NEC_COL_TYPE,
	NEC_COL_VALUE,
	NEC_COL_ADDRESS,
	NEC_COL_COUNT,
	NEC_COL_SIZE,   /* bytes, shown in binary units */
	NEC_COL_SHARE,  /* basis points of a whole, shown as a bar and percents */
	NEC_COL_CHANGE, /* a count with its sign */
	NEC_COL_GROWTH, /* bytes with their sign */
	NEC_COL_ANY,    /* by the row's column "unit": bytes, count, addr, or NULL for text */
	NEC_COL_COURSE, /* digits from 0 to 7, shown as a curve; '.' is a gap */
	NEC_COL_KINDS,
};

struct nec_column {
	const char *name;  /* in the query; NULL ends a list */
	const char *title; /* NULL in all columns: the view has no line of titles */
	uint8_t kind;      /* enum nec_column_kind */
	uint8_t width;     /* columns; 0: as its kind says. The least for a flexible one */
	uint8_t weight;    /* its part of the room that is left; 0: not flexible */
	uint8_t yields;    /* where there is no room the highest goes first; 0: never goes */
	bool sortable;
	bool tree; /* indented, with the sign for folded and open */
	bool tail; /* of a text that does not fit the end is shown: of a path it says more */
};

/* From a row to parameters of a screen or query. */
struct nec_with {
	const char *param, *column;
};

struct nec_app;

struct nec_view {
	const char *name;
	const char *query; /* named; NULL: fill */
	/* Rows that are the program's own: help, marks, history. */
	struct nec_error *(*fill)(struct nec_app *app, struct nec_rowlist *rows);
	const struct nec_column *columns; /* NULL: the answer's own (SQL) */
	const char *key;                  /* unique column */
	const char *sort;                 /* at first; NULL: by key */
	bool descending;
	const char *start; /* column: the first row in which it is not 0 has the cursor at first */
	const char *const *filter; /* columns that / looks into; NULL-terminated */
	const char *document; /* column that names the snapshot its object is in; NULL: as it is */
	const char *object;   /* column with the address of what a row is about; NULL: none */

	const char *child; /* a tree: query of the rows below one, with its own parameters */
	struct nec_with child_with[2];

	const char *enter; /* screen that Enter opens; NULL: none, or the row's column "command" */
	struct nec_with enter_with[3];

	struct { /* columns or parameters that name the reference a row is about; NULL: none */
		const char *src, *dst;
	} edge;
	const struct nec_maker *maker; /* not of a query: who works the rows out; NULL: nobody */
	const char *wrap;              /* column whose text is broken into lines, a row each */

	const char *kind;  /* what a snapshot must have for this ("objects"), as in meta's kinds */
	const char *empty; /* said when there are no rows although there could be */
};

struct nec_screen_pane {
	const char *view;
	uint8_t lines;  /* at most, with its titles; 0: flexible */
	uint8_t weight; /* flexible: its part of what is left */
	uint8_t master; /* 1 + index of the pane whose line decides on this one's parameters; 0:
			   none */
	struct nec_with with[3];
};

#define NEC_PANES_MAX 5

struct nec_screen_def {
	const char *name;  /* the command that opens it */
	const char *title; /* shown on top, followed by the parameter */
	const char *help;
	const char *param;   /* what it is about; NULL: nothing */
	const char *sheet;   /* the result that it is about: difference, trend; NULL: a snapshot */
	const char *instead; /* the screen of snapshots whose place it takes there; NULL: none */
	const char *usage; /* of the parameter: ADDR (then it is an object's address), TEXT, [TYPE],
			      ... */
	bool hidden;       /* no command opens it */
	uint8_t focus;     /* pane that has the keys at first */
	struct nec_screen_pane without[1]; /* instead of panes, when there is no parameter */
	struct nec_screen_pane panes[NEC_PANES_MAX];
};

/* The tables; each ends with a NULL name. */
extern const struct nec_view nec_views_about[], nec_views_heap[], nec_views_memory[],
	nec_views_threads[], nec_views_time[];
extern const struct nec_screen_def nec_screens[];

const struct nec_view *nec_view_find(const char *name);
const struct nec_screen_def *nec_screen_find(const char *name);
static inline bool nec_screen_wants_address(const struct nec_screen_def *def)
{
	return def->usage && __builtin_strcmp(def->usage, "ADDR") == 0;
}

/* How a kind of column is shown. */
struct nec_column_style {
	uint8_t width;
	bool right;
	enum nec_style style;
};

extern const struct nec_column_style nec_column_styles[NEC_COL_KINDS];

/* A value as text, bars apart. `unit` is for NEC_COL_ANY, may be NULL. */
void nec_value_text_put(struct nec_text *out, const struct nec_value *value,
			enum nec_column_kind kind, const char *unit);

#endif
