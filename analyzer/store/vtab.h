/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the virtual tables of a database have in common: a table over packed pages that is there
 * without being created, and a cursor that is at a row or at the end. Functions return SQLite's
 * result codes.
 */
#ifndef NEC_STORE_VTAB_H
#define NEC_STORE_VTAB_H

#include <stdbool.h>

#include "store/pages.h"

/* The first member of a table. */
struct nec_vtab {
	sqlite3_vtab base;
	sqlite3 *db;
	struct nec_pages *pages; /* owned */
};

/* The first member of a cursor. */
struct nec_vtab_cursor {
	sqlite3_vtab_cursor base;
	bool eof;
	int64_t rowid;
};

/* A table of size bytes, zeroed but for its head; its columns are the SQL text of that name. */
int nec_vtab_create(sqlite3 *db, const char *name, size_t size, struct nec_vtab **ret);
void nec_vtab_destroy(struct nec_vtab *table);

/* A zeroed cursor of size bytes; freed by free(). */
int nec_vtab_open(size_t size, sqlite3_vtab_cursor **ret);

/*
 * found: for each argument that xFilter knows the constraint that it is taken from, -1 for none.
 * Asks for them in this order and says which in idxNum, a bit each.
 */
void nec_vtab_arguments(sqlite3_index_info *info, const int *found, int count);

/* xEof and xRowid. */
int nec_vtab_eof(sqlite3_vtab_cursor *cursor);
int nec_vtab_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret);

#endif
