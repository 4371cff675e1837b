/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All rows of a large table from front to back, read from the pages of the file itself: a tenth of
 * the time that stepping a statement over them takes, which is what decides how long it takes to
 * compare two databases.
 *
 * Table b-trees of SQLite, https://sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1. For
 * tables whose rows fit into a page (object, value) and whose key is the rowid. A database is
 * complete before anybody reads it and never changed after. It may be damaged or made by somebody
 * else: every number is checked.
 */
#ifndef NEC_STORE_LEAF_H
#define NEC_STORE_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nec_db;
struct nec_leaf;

/* Columns of the table object, in the order of schema.sql. */
enum nec_object_column {
	NEC_OBJECT_ADDR,
	NEC_OBJECT_TYPE,
	NEC_OBJECT_SIZE,
	NEC_OBJECT_NATIVE_SIZE,
	NEC_OBJECT_REFCOUNT,
	NEC_OBJECT_REFERRERS,
	NEC_OBJECT_IDOM,
	NEC_OBJECT_RETAINED,
	NEC_OBJECT_DISTANCE,
	NEC_OBJECT_ROW_FLAGS,
	NEC_OBJECT_COLUMNS
};

enum { NEC_LEAF_COLUMNS = 16 };

/* A column of a row; text and blobs borrow from the page. */
struct nec_leaf_cell {
	enum { NEC_LEAF_NULL, NEC_LEAF_INT, NEC_LEAF_REAL, NEC_LEAF_TEXT, NEC_LEAF_BLOB } type;
	int64_t i;           /* INT */
	const uint8_t *data; /* TEXT, BLOB */
	size_t size;
};

/* Rows of table (a literal) with a rowid of at least from. */
struct nec_error *nec_leaf_open(struct nec_db *db, const char *table, int64_t from,
				struct nec_leaf **leaf_ret);
void nec_leaf_close(struct nec_leaf *leaf); /* NULL is fine */

/* The next row; *more_ret false behind the last. */
struct nec_error *nec_leaf_next(struct nec_leaf *leaf, int64_t *rowid_ret, bool *more_ret);

/* The first count columns of the current row, the rowid's own among them (it is NULL); those that
 * the record does not have are NULL. */
struct nec_error *nec_leaf_cells(struct nec_leaf *leaf, unsigned int count,
				 struct nec_leaf_cell cells[NEC_LEAF_COLUMNS]);

/* Do the current rows of two tables say the same in column first and those behind it? Compares
 * bytes; false for a damaged record. */
bool nec_leaf_alike(const struct nec_leaf *a, const struct nec_leaf *b, unsigned int first);

#endif
