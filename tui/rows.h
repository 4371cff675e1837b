/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of an answer, kept after the query went on: a block of memory each, so that a window over a
 * long list can grow at either end and let go of what is far away. And named parameters of a query,
 * which are values of rows as well.
 */
#ifndef NEC_TUI_ROWS_H
#define NEC_TUI_ROWS_H

#include "necropsy.h"

struct nec_value {
	enum nec_column_type type;
	int64_t i;
	double r;
	const char *s; /* TEXT and BLOB: NUL-terminated, of the row */
	size_t len;
};

/* What a row of a tree is; a row of a list is a leaf. */
enum nec_row_state { NEC_ROW_LEAF, NEC_ROW_FOLDED, NEC_ROW_OPENING, NEC_ROW_OPEN, NEC_ROW_MORE };

struct nec_row {
	int count;
	uint16_t depth;
	uint8_t state; /* enum nec_row_state; MORE stands for the children that are not fetched yet
			*/
	struct nec_value values[];
};

/* Text of a cell that is kept; a preview is a few hundred bytes, what somebody selects by SQL may
 * be a page of references. */
#define NEC_ROW_TEXT_MAX 4096

/* The row that query stands on. To be freed with free(). */
struct nec_error *nec_row_copy(const struct nec_query *query, struct nec_row **row_ret);
/* A row of texts, for lists that come from no query; strings are copied, NULL is a NULL. */
struct nec_error *nec_row_texts(int count, const char *const *texts, struct nec_row **row_ret);

struct nec_rowlist {
	struct nec_row **at; /* owned */
	size_t count, capacity;
};

/* Consumes row, also on failure. */
struct nec_error *nec_rowlist_add(struct nec_rowlist *rows, struct nec_row *row);
void nec_rowlist_deinit(struct nec_rowlist *rows);
/* Adds other's rows at the end, at an index, or before all in reversed order; empties other. */
struct nec_error *nec_rowlist_append(struct nec_rowlist *rows, struct nec_rowlist *other);
struct nec_error *nec_rowlist_insert(struct nec_rowlist *rows, size_t at,
				     struct nec_rowlist *other);
struct nec_error *nec_rowlist_prepend_reversed(struct nec_rowlist *rows, struct nec_rowlist *other);
/* Lets go of n rows. */
void nec_rowlist_drop(struct nec_rowlist *rows, size_t at, size_t n);

#define NEC_PARAMS_MAX 4

struct nec_params {
	int count;
	struct nec_param {
		const char *name;       /* borrowed, of a table: "addr" */
		struct nec_value value; /* s is owned */
	} at[NEC_PARAMS_MAX];
};

struct nec_error *nec_params_set(struct nec_params *params, const char *name,
				 const struct nec_value *value);
struct nec_error *nec_params_copy(struct nec_params *params, const struct nec_params *from);
const struct nec_value *nec_params_find(const struct nec_params *params, const char *name);
bool nec_params_equal(const struct nec_params *a, const struct nec_params *b);
void nec_params_deinit(struct nec_params *params);

static inline struct nec_value nec_value_int(int64_t i)
{
	return (struct nec_value){.type = NEC_COLUMN_INT, .i = i};
}

/* Borrows s. */
static inline struct nec_value nec_value_text(const char *s)
{
	return (struct nec_value){.type = NEC_COLUMN_TEXT, .s = s, .len = __builtin_strlen(s)};
}

#endif
