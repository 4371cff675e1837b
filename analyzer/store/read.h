/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the reader (read.c, query.c, page.c), which implements nec_db_* and nec_query_* of
 * necropsy.h.
 *
 * A database may come from anybody: it is opened read-only and defensive, no view, trigger or
 * function of it runs with more rights than the user's own SQL, and that may do nothing but read.
 */
#ifndef NEC_STORE_READ_H
#define NEC_STORE_READ_H

#include "base/error.h"
#include "necropsy.h"
#include "store/sqlite.h"

struct nec_db {
	sqlite3 *db;
	char *path;
};

struct nec_query {
	sqlite3_stmt *statement;
	struct nec_db *db; /* borrowed */
};

/* What SQLite said, as an error; SQLITE_INTERRUPT is NEC_ERR_CANCELLED. */
struct nec_error *nec_read_error(struct nec_db *db, int rc, const char *doing);

/* nec_db_open for one thread at a time: without the locks, which cost a third of reading rows. */
struct nec_error *nec_read_open_alone(const char *path, struct nec_db **db_ret);

/* From here on the database is only read, and nothing of it runs with more rights than the user's SQL. */
struct nec_error *nec_read_secure(struct nec_db *db);

/* Prepares sql, which is one statement that reads; doing is for the message. */
struct nec_error *nec_read_prepare(struct nec_db *db, const char *sql, const char *doing,
				   struct nec_query **query_ret);

#endif
