/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtual tables over arrays, and the statements that empty them into object and value; see bulk.h.
 */
#include <stdlib.h>
#include <string.h>

#include "store/bulk.h"

struct nec_bulk {
	struct nec_store *store;
	sqlite3_stmt *insert_values, *insert_late, *insert_objects;
	/* What the tables read, while a statement runs. */
	const uint8_t *values, *values_end;
	const struct nec_late *late; /* NULL: values are read in their own order */
	uint64_t late_count;
	const struct nec_object_columns *objects;
};

struct table {
	sqlite3_vtab base;
	struct nec_bulk *bulk;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct nec_bulk *bulk;
	uint64_t row;
	bool eof;
	/* values */
	const uint8_t *value; /* the record */
	/* objects */
	uint64_t large; /* first entry of columns->large that is not below row */
};

static int connect(sqlite3 *db, void *aux, sqlite3_vtab **ret, const char *declaration)
{
	struct table *t;
	int rc = sqlite3_declare_vtab(db, declaration);

	if (rc != SQLITE_OK)
		return rc;
	t = calloc(1, sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	t->bulk = aux;
	*ret = &t->base;
	return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	(void)base;
	info->estimatedCost = 1e6;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->bulk = ((struct table *)base)->bulk;
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->eof;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct cursor *)base)->row;
	return SQLITE_OK;
}

/* Every so many rows: how far, and is it still wanted? */
static int tick(struct cursor *c)
{
	struct nec_store *store = c->bulk->store;

	if (c->row & 0x3fff)
		return SQLITE_OK;
	atomic_store_explicit(&store->rows_done, c->row, memory_order_relaxed);
	return atomic_load_explicit(&store->abort, memory_order_relaxed) ? SQLITE_INTERRUPT
									 : SQLITE_OK;
}

/* ---- values ---- */

static int values_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			  sqlite3_vtab **ret, char **message)
{
	(void)argc, (void)argv, (void)message;
	return connect(db, aux, ret, "CREATE TABLE x(addr INTEGER, text TEXT)");
}

static void values_seek(struct cursor *c)
{
	const struct nec_bulk *b = c->bulk;

	if (b->late) {
		c->eof = c->row >= b->late_count;
		if (!c->eof)
			c->value = b->values + b->late[c->row].off;
	} else {
		c->eof = c->value >= b->values_end;
	}
}

static int values_filter(sqlite3_vtab_cursor *base, int how, const char *unused, int argc,
			 sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;

	(void)how, (void)unused, (void)argc, (void)argv;
	c->row = 0;
	c->value = c->bulk->values;
	values_seek(c);
	return SQLITE_OK;
}

static uint32_t value_length(const struct cursor *c)
{
	uint32_t len;

	memcpy(&len, c->value + 8, 4);
	return len;
}

static int values_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->row++;
	c->value += 12 + value_length(c);
	values_seek(c);
	return tick(c);
}

static int values_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int which)
{
	struct cursor *c = (struct cursor *)base;
	int64_t addr;

	if (which == 0) {
		memcpy(&addr, c->value, 8);
		sqlite3_result_int64(context, addr);
	} else {
		sqlite3_result_text(context, (const char *)c->value + 12, (int)value_length(c),
				    SQLITE_STATIC);
	}
	return SQLITE_OK;
}

static const sqlite3_module values_module = {
	.xConnect = values_connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = values_filter,
	.xNext = values_next,
	.xEof = eof,
	.xColumn = values_column,
	.xRowid = rowid,
};

/* ---- objects ---- */

enum object_column {
	OBJECT_ADDR,
	OBJECT_TYPE,
	OBJECT_SIZE,
	OBJECT_NATIVE,
	OBJECT_REFCOUNT,
	OBJECT_REFERRERS,
	OBJECT_IDOM,
	OBJECT_RETAINED,
	OBJECT_DISTANCE,
	OBJECT_FLAGS,
};

static int objects_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			   sqlite3_vtab **ret, char **message)
{
	(void)argc, (void)argv, (void)message;
	return connect(
		db, aux, ret,
		"CREATE TABLE x(addr, type, size, native, refcount, referrers, idom, retained, "
		"distance, flags)");
}

/* Steps to the first large value of this row or a later one. */
static void objects_seek(struct cursor *c)
{
	const struct nec_object_columns *o = c->bulk->objects;

	while (c->large < o->large_count && o->large[c->large].id < c->row)
		c->large++;
	c->eof = c->row >= o->count;
}

static int objects_filter(sqlite3_vtab_cursor *base, int how, const char *unused, int argc,
			  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;

	(void)how, (void)unused, (void)argc, (void)argv;
	c->row = 0;
	c->large = 0;
	objects_seek(c);
	return SQLITE_OK;
}

static int objects_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->row++;
	objects_seek(c);
	return tick(c);
}

/* A 32-bit column with exceptions; NULL where neither knows. */
static void result_column(struct cursor *c, sqlite3_context *context, const uint32_t *column,
			  uint32_t which)
{
	const struct nec_object_columns *o = c->bulk->objects;
	uint64_t i;

	if (!column)
		return;
	if (column[c->row] != UINT32_MAX) {
		sqlite3_result_int64(context, column[c->row]);
		return;
	}
	for (i = c->large; i < o->large_count && o->large[i].id == c->row; i++)
		if (o->large[i].column == which)
			sqlite3_result_int64(context, o->large[i].value);
}

static int objects_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int which)
{
	struct cursor *c = (struct cursor *)base;
	const struct nec_object_columns *o = c->bulk->objects;
	uint64_t row = c->row;

	switch ((enum object_column)which) {
	case OBJECT_ADDR:
		sqlite3_result_int64(context, (int64_t)o->addr[row]);
		break;
	case OBJECT_TYPE:
		sqlite3_result_int64(context, o->type[row]);
		break;
	case OBJECT_SIZE:
		result_column(c, context, o->size, NEC_LARGE_SIZE);
		break;
	case OBJECT_NATIVE:
		result_column(c, context, o->native, NEC_LARGE_NATIVE);
		break;
	case OBJECT_REFCOUNT:
		result_column(c, context, o->refcount, NEC_LARGE_REFCOUNT);
		break;
	case OBJECT_REFERRERS:
		sqlite3_result_int64(
			context, (int64_t)(o->referrer_start[row + 1] - o->referrer_start[row]));
		break;
	case OBJECT_IDOM:
		if (o->idom && o->idom[row] < o->count)
			sqlite3_result_int64(context, (int64_t)o->addr[o->idom[row]]);
		break;
	case OBJECT_RETAINED:
		if (o->retained)
			sqlite3_result_int64(context, o->retained[row]);
		break;
	case OBJECT_DISTANCE:
		if (o->distance)
			sqlite3_result_int64(context, o->distance[row]);
		break;
	case OBJECT_FLAGS:
		sqlite3_result_int64(context, o->flags[row]);
		break;
	}
	return SQLITE_OK;
}

static const sqlite3_module objects_module = {
	.xConnect = objects_connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = objects_filter,
	.xNext = objects_next,
	.xEof = eof,
	.xColumn = objects_column,
	.xRowid = rowid,
};

/* ---- statements ---- */

struct nec_error *nec_bulk_create(struct nec_store *store, struct nec_bulk **ret)
{
	struct nec_bulk *bulk = calloc(1, sizeof(*bulk));
	const struct {
		const char *sql;
		sqlite3_stmt **statement;
	} statements[] = {
		{"INSERT INTO value SELECT addr, text FROM necropsy_values", &bulk->insert_values},
		{"INSERT OR IGNORE INTO value SELECT addr, text FROM necropsy_values",
		 &bulk->insert_late},
		{"INSERT INTO object SELECT * FROM necropsy_objects", &bulk->insert_objects},
	};
	unsigned int i;
	int rc;

	if (!bulk)
		return &nec_enomem;
	bulk->store = store;
	rc = sqlite3_create_module(store->db, "necropsy_values", &values_module, bulk);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_module(store->db, "necropsy_objects", &objects_module, bulk);
	for (i = 0; rc == SQLITE_OK && i < sizeof(statements) / sizeof(statements[0]); i++)
		rc = sqlite3_prepare_v3(store->db, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
					statements[i].statement, NULL);
	if (rc != SQLITE_OK) {
		nec_bulk_destroy(bulk);
		return nec_writer_error(store->db, rc, "preparing bulk inserts");
	}
	*ret = bulk;
	return NULL;
}

void nec_bulk_destroy(struct nec_bulk *bulk)
{
	if (!bulk)
		return;
	sqlite3_finalize(bulk->insert_values);
	sqlite3_finalize(bulk->insert_late);
	sqlite3_finalize(bulk->insert_objects);
	free(bulk);
}

static struct nec_error *run(struct nec_bulk *bulk, sqlite3_stmt *statement, const char *doing)
{
	int rc = sqlite3_step(statement);

	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? NULL : nec_writer_error(bulk->store->db, rc, doing);
}

struct nec_error *nec_bulk_values(struct nec_bulk *bulk, const struct nec_block *block)
{
	bulk->values = block->data;
	bulk->values_end = block->data + block->size;
	bulk->late = NULL;
	return run(bulk, bulk->insert_values, "inserting values");
}

struct nec_error *nec_bulk_late_values(struct nec_bulk *bulk, const uint8_t *data,
				       const struct nec_late *index, uint64_t count)
{
	bulk->values = data;
	bulk->late = index;
	bulk->late_count = count;
	return run(bulk, bulk->insert_late, "inserting values");
}

struct nec_error *nec_bulk_objects(struct nec_bulk *bulk, const struct nec_object_columns *columns)
{
	bulk->objects = columns;
	return run(bulk, bulk->insert_objects, "inserting objects");
}
