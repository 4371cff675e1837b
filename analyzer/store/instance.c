/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual table instance: packed lists of ids as rows (type, addr), see instance.sql. Rows of a
 * type ascend, so a lower bound on addr is turned into an id once and ORDER BY addr costs nothing.
 */
#include <stdlib.h>

#include "store/reference.h"
#include "store/vtab.h"

enum column { COLUMN_TYPE, COLUMN_ADDR };

/* idxNum: which arguments xFilter gets, in this order. */
enum { BY_TYPE = 1, BY_ADDR = 2, FROM_ADDR = 4 };

struct cursor {
	struct nec_vtab_cursor head;
	sqlite3_stmt *lists; /* rows of pack_instance */
	struct nec_pack_instances_iter it;
	bool open;     /* it has a list */
	uint32_t from; /* ids below are left out */
	uint32_t type;
	int64_t addr;
};

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
		   char **message)
{
	struct nec_vtab *t;
	int rc;

	(void)aux, (void)argc, (void)argv, (void)message;
	rc = nec_vtab_create(db, "instance", sizeof(*t), &t);
	if (rc == SQLITE_OK)
		*ret = &t->base;
	return rc;
}

static int disconnect(sqlite3_vtab *base)
{
	nec_vtab_destroy((struct nec_vtab *)base);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	int found[3] = {-1, -1, -1}, i;

	(void)base;
	for (i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn, op = info->aConstraint[i].op;

		if (!info->aConstraint[i].usable)
			continue;
		if (column == COLUMN_TYPE && op == SQLITE_INDEX_CONSTRAINT_EQ)
			found[0] = i;
		else if (column == COLUMN_ADDR && op == SQLITE_INDEX_CONSTRAINT_EQ)
			found[1] = i;
		else if (column == COLUMN_ADDR &&
			 (op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE))
			found[2] = i;
	}
	nec_vtab_arguments(info, found, 3);
	if (info->idxNum & BY_ADDR) {
		info->estimatedCost = 10;
		info->estimatedRows = 1;
	} else if (info->idxNum & BY_TYPE) {
		info->estimatedCost = info->idxNum & FROM_ADDR ? 5000 : 10000;
		info->estimatedRows = info->idxNum & FROM_ADDR ? 5000 : 10000;
		info->orderByConsumed = info->nOrderBy == 1 && !info->aOrderBy[0].desc &&
					info->aOrderBy[0].iColumn == COLUMN_ADDR;
	} else {
		info->estimatedCost = 1e8;
		info->estimatedRows = 10000000;
	}
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	(void)base;
	return nec_vtab_open(sizeof(struct cursor), ret);
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	sqlite3_finalize(c->lists);
	free(c);
	return SQLITE_OK;
}

static inline struct nec_vtab *table_of(struct cursor *c)
{
	return (struct nec_vtab *)c->head.base.pVtab;
}

/* The next page of ids: SQLITE_ROW, SQLITE_DONE or an error. */
static int next_list(struct cursor *c)
{
	const void *data;
	uint64_t key;
	int rc;

	if (!c->lists)
		return SQLITE_DONE;
	rc = sqlite3_step(c->lists);
	if (rc != SQLITE_ROW)
		return rc;
	key = (uint64_t)sqlite3_column_int64(c->lists, 0);
	data = sqlite3_column_blob(c->lists, 1);
	if (key >> 56 || !data ||
	    !nec_pack_instances_open(&c->it, data, (size_t)sqlite3_column_bytes(c->lists, 1)))
		return SQLITE_CORRUPT;
	c->type = (uint32_t)(key >> NEC_PACK_PART_BITS);
	c->open = true;
	return SQLITE_ROW;
}

static int next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	uint32_t id = 0;
	int rc;

	c->head.rowid++;
	for (;;) {
		if (c->open) {
			enum nec_pack_result result;

			do {
				result = nec_pack_next_instance(&c->it, &id);
			} while (result == NEC_PACK_ROW && id < c->from);
			if (result == NEC_PACK_DAMAGED)
				return SQLITE_CORRUPT;
			if (result == NEC_PACK_ROW) {
				rc = nec_pages_addr(table_of(c)->pages, id, &c->addr);
				return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
			}
			c->open = false;
		}
		rc = next_list(c);
		if (rc != SQLITE_ROW) {
			c->head.eof = true;
			return rc == SQLITE_DONE ? SQLITE_OK : rc;
		}
	}
}

/* One object by its address. */
static int filter_addr(struct cursor *c, sqlite3_value *value)
{
	struct nec_pages *pages = table_of(c)->pages;
	uint32_t id;
	int rc;

	if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER)
		return SQLITE_NOTFOUND;
	rc = nec_pages_id(pages, sqlite3_value_int64(value), &id);
	return rc == SQLITE_OK ? nec_pages_object(pages, id, &c->addr, &c->type) : rc;
}

static int filter_lists(struct cursor *c, int how, sqlite3_value **argv)
{
	int64_t low = 0, high = INT64_MAX;
	int rc;

	if (how & BY_TYPE) {
		int64_t type = sqlite3_value_int64(*argv);

		if (sqlite3_value_numeric_type(*argv++) != SQLITE_INTEGER || type < 0 ||
		    type >= NEC_PACK_NONE)
			return SQLITE_NOTFOUND;
		low = type << NEC_PACK_PART_BITS;
		high = (type + 1) << NEC_PACK_PART_BITS;
	}
	if (how & FROM_ADDR && sqlite3_value_numeric_type(*argv) == SQLITE_INTEGER) {
		rc = nec_pages_id_from(table_of(c)->pages, sqlite3_value_int64(*argv), &c->from);
		if (rc != SQLITE_OK)
			return rc;
	}
	rc = sqlite3_prepare_v2(table_of(c)->db,
				"SELECT key, data FROM pack_instance WHERE key >= ?1 AND key < ?2 "
				"ORDER BY key",
				-1, &c->lists, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(c->lists, 1, low);
	sqlite3_bind_int64(c->lists, 2, high);
	return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int how, const char *unused, int argc,
		  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	(void)unused, (void)argc;
	sqlite3_finalize(c->lists);
	*c = (struct cursor){.head.base = c->head.base};
	if (how & BY_ADDR) {
		/* SQLite compares the type itself. */
		rc = filter_addr(c, argv[how & BY_TYPE ? 1 : 0]);
		c->head.eof = rc == SQLITE_NOTFOUND;
		return c->head.eof ? SQLITE_OK : rc;
	}
	rc = filter_lists(c, how, argv);
	if (rc == SQLITE_NOTFOUND) {
		c->head.eof = true;
		return SQLITE_OK;
	}
	return rc == SQLITE_OK ? next(base) : rc;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int which)
{
	struct cursor *c = (struct cursor *)base;

	sqlite3_result_int64(context, which == COLUMN_TYPE ? (int64_t)c->type : c->addr);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 0,
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = nec_vtab_eof,
	.xColumn = column,
	.xRowid = nec_vtab_rowid,
};

int nec_instance_register(sqlite3 *db)
{
	return sqlite3_create_module(db, "instance", &module, NULL);
}
