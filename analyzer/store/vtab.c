/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What virtual tables have in common; see vtab.h. */
#include "store/vtab.h"

#include <stdlib.h>

#include "store/sqltext.h"

int nec_vtab_create(sqlite3 *db, const char *name, size_t size, struct nec_vtab **ret)
{
	struct nec_vtab *t;
	int rc = sqlite3_declare_vtab(db, nec_sqltext_find(name));

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	t = calloc(1, size);
	if (!t)
		return SQLITE_NOMEM;
	t->db = db;
	t->pages = nec_pages_create(db);
	if (!t->pages) {
		free(t);
		return SQLITE_NOMEM;
	}
	*ret = t;
	return SQLITE_OK;
}

void nec_vtab_destroy(struct nec_vtab *table)
{
	nec_pages_destroy(table->pages);
	free(table);
}

int nec_vtab_open(size_t size, sqlite3_vtab_cursor **ret)
{
	*ret = calloc(1, size);
	return *ret ? SQLITE_OK : SQLITE_NOMEM;
}

void nec_vtab_arguments(sqlite3_index_info *info, const int *found, int count)
{
	int i, argc = 0;

	for (i = 0; i < count; i++) {
		if (found[i] < 0)
			continue;
		info->idxNum |= 1 << i;
		info->aConstraintUsage[found[i]].argvIndex = ++argc;
	}
}

int nec_vtab_eof(sqlite3_vtab_cursor *cursor)
{
	return ((struct nec_vtab_cursor *)cursor)->eof;
}

int nec_vtab_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret)
{
	*ret = ((struct nec_vtab_cursor *)cursor)->rowid;
	return SQLITE_OK;
}
