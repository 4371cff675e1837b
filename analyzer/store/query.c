/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries: named ones of store/sql, and the user's own. See necropsy.h and read.h. */
#include <stdlib.h>
#include <string.h>

#include "store/read.h"
#include "store/sqltext.h"

struct nec_error *nec_read_prepare(struct nec_db *db, const char *sql, const char *doing,
				   struct nec_query **query_ret)
{
	struct nec_query *q = calloc(1, sizeof(*q));
	struct nec_error *err;
	const char *tail;
	int rc;

	if (!q)
		return &nec_enomem;
	q->db = db;
	rc = sqlite3_prepare_v2(db->db, sql, -1, &q->statement, &tail);
	if (rc != SQLITE_OK)
		err = nec_read_error(db, rc, doing);
	else if (!q->statement)
		err = nec_error_create(NEC_ERR_USAGE, "%s: no statement", doing);
	else if (!sqlite3_stmt_readonly(q->statement))
		err = nec_error_create(NEC_ERR_USAGE, "%s: a database is only read, never changed",
				       doing);
	else {
		sqlite3_stmt *second = NULL;

		/* A comment or a semicolon may follow; anything that prepares, or fails to, is too
		 * much. */
		rc = sqlite3_prepare_v2(db->db, tail, -1, &second, NULL);
		err = rc == SQLITE_OK && !second
			      ? NULL
			      : nec_error_create(NEC_ERR_USAGE, "%s: more than one statement",
						 doing);
		sqlite3_finalize(second);
	}
	if (err) {
		nec_query_close(q);
		return err;
	}
	*query_ret = q;
	return NULL;
}

struct nec_error *nec_query_named(struct nec_db *db, const char *name, struct nec_query **query_ret)
{
	const char *sql = nec_sqltext_find(name);

	if (!sql)
		return nec_error_create(NEC_ERR_NOTFOUND, "no query of the name %s", name);
	return nec_read_prepare(db, sql, name, query_ret);
}

struct nec_error *nec_query_sql(struct nec_db *db, const char *sql, struct nec_query **query_ret)
{
	return nec_read_prepare(db, sql, "query", query_ret);
}

void nec_query_close(struct nec_query *query)
{
	if (!query)
		return;
	sqlite3_finalize(query->statement);
	free(query);
}

static struct nec_error *bound(struct nec_query *query, const char *param, int rc)
{
	return rc == SQLITE_OK ? NULL : nec_read_error(query->db, rc, param);
}

/* A parameter that the query does not have is a mistake of the caller's. */
static struct nec_error *find_parameter(struct nec_query *query, const char *param, int *index_ret)
{
	*index_ret = sqlite3_bind_parameter_index(query->statement, param);
	if (!*index_ret)
		return nec_error_create(NEC_ERR_USAGE, "query has no parameter %s", param);
	return NULL;
}

struct nec_error *nec_query_bind_int(struct nec_query *query, const char *param, int64_t value)
{
	int index;

	NEC_TRY(find_parameter(query, param, &index));
	return bound(query, param, sqlite3_bind_int64(query->statement, index, value));
}

struct nec_error *nec_query_bind_real(struct nec_query *query, const char *param, double value)
{
	int index;

	NEC_TRY(find_parameter(query, param, &index));
	return bound(query, param, sqlite3_bind_double(query->statement, index, value));
}

struct nec_error *nec_query_bind_text(struct nec_query *query, const char *param, const char *value)
{
	int index;

	NEC_TRY(find_parameter(query, param, &index));
	return bound(query, param,
		     sqlite3_bind_text(query->statement, index, value, -1, SQLITE_TRANSIENT));
}

void nec_query_reset(struct nec_query *query)
{
	/* An error of the last step was returned by it. */
	sqlite3_reset(query->statement);
}

struct nec_error *nec_query_step(struct nec_query *query, bool *row_ret)
{
	int rc = sqlite3_step(query->statement);

	*row_ret = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return NULL;
	return nec_read_error(query->db, rc, "query");
}

int nec_query_column_count(const struct nec_query *query)
{
	return sqlite3_column_count(query->statement);
}

const char *nec_query_column_name(const struct nec_query *query, int column)
{
	const char *name = sqlite3_column_name(query->statement, column);

	return name ? name : "";
}

enum nec_column_type nec_query_column_type(const struct nec_query *query, int column)
{
	switch (sqlite3_column_type(query->statement, column)) {
	case SQLITE_INTEGER:
		return NEC_COLUMN_INT;
	case SQLITE_FLOAT:
		return NEC_COLUMN_REAL;
	case SQLITE_TEXT:
		return NEC_COLUMN_TEXT;
	case SQLITE_BLOB:
		return NEC_COLUMN_BLOB;
	}
	return NEC_COLUMN_NULL;
}

int64_t nec_query_int(const struct nec_query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

double nec_query_real(const struct nec_query *query, int column)
{
	return sqlite3_column_double(query->statement, column);
}

const char *nec_query_text(const struct nec_query *query, int column, size_t *size_ret)
{
	const void *p;

	if (sqlite3_column_type(query->statement, column) == SQLITE_BLOB)
		p = sqlite3_column_blob(query->statement, column);
	else
		p = sqlite3_column_text(query->statement, column);
	if (size_ret)
		*size_ret = p ? (size_t)sqlite3_column_bytes(query->statement, column) : 0;
	return p ? p : "";
}
