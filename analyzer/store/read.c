/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a database that nobody vouches for; see read.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/read.h"
#include "store/preview.h"
#include "store/reference.h"
#include "store/schema.h"

enum { HEADER_SIZE = 100, HEADER_USER_VERSION = 60, HEADER_APPLICATION_ID = 68 };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The header of an SQLite file (https://sqlite.org/fileformat2.html, 1.3), without opening it as
 * one. */
static struct nec_error *read_header(const char *path, uint8_t header[HEADER_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return nec_error_os(errno, "%s", path);
	n = read(fd, header, HEADER_SIZE);
	if (n < 0)
		return nec_error_os(errno, "%s", path);
	if (n < HEADER_SIZE || memcmp(header, "SQLite format 3", 16) != 0)
		return nec_error_create(NEC_ERR_FORMAT, "%s: not a database", path);
	if (be32(header + HEADER_APPLICATION_ID) != NEC_APPLICATION_ID)
		return nec_error_create(NEC_ERR_FORMAT, "%s: a database of another program", path);
	return NULL;
}

bool nec_is_database(const char *path)
{
	uint8_t header[HEADER_SIZE];
	_cleanup_(nec_error_destroyp) struct nec_error *err = read_header(path, header);

	return !err;
}

struct nec_error *nec_read_error(struct nec_db *db, int rc, const char *doing)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return &nec_enomem;
	case SQLITE_INTERRUPT:
		return nec_error_create(NEC_ERR_CANCELLED, "%s: interrupted", doing);
	case SQLITE_NOTADB:
		return nec_error_create(NEC_ERR_FORMAT, "%s: not a database", db->path);
	case SQLITE_CORRUPT:
		return nec_error_create(NEC_ERR_STORE, "%s: %s: the database is damaged", db->path,
					doing);
	case SQLITE_AUTH:
		return nec_error_create(NEC_ERR_USAGE,
					"%s: a database is only read, never changed: %s", doing,
					sqlite3_errmsg(db->db));
	case SQLITE_ERROR:
		return nec_error_create(NEC_ERR_USAGE, "%s: %s", doing, sqlite3_errmsg(db->db));
	}
	return nec_error_create(NEC_ERR_STORE, "%s: %s: %s", db->path, doing,
				sqlite3_errmsg(db->db));
}

/* Pragmas that only tell. */
static bool harmless_pragma(const char *name)
{
	static const char *const names[] = {
		"application_id", "collation_list",  "compile_options", "database_list",
		"encoding",       "function_list",   "index_info",      "index_list",
		"index_xinfo",    "integrity_check", "module_list",     "page_count",
		"page_size",      "pragma_list",     "quick_check",     "table_info",
		"table_list",     "table_xinfo",     "user_version",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sqlite3_stricmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Reading is allowed and nothing else: no ATTACH, no temporary tables, no pragma that sets
 * something. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *c,
		     const char *d)
{
	(void)arg, (void)b, (void)c, (void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		/* Harmless while extensions are off, which is the default; said twice. */
		return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		return a && harmless_pragma(a) ? SQLITE_OK : SQLITE_DENY;
	}
	return SQLITE_DENY;
}

struct nec_error *nec_read_secure(struct nec_db *db)
{
	int rc;

	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(db->db, 2000);
	rc = sqlite3_exec(db->db,
			  "PRAGMA query_only = ON; PRAGMA cell_size_check = ON;"
			  "PRAGMA cache_size = -32768; PRAGMA temp_store = FILE;",
			  NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = nec_instance_register(db->db);
	if (rc == SQLITE_OK)
		rc = nec_reference_register(db->db);
	if (rc == SQLITE_OK)
		rc = nec_preview_register(db->db);
	/* Connecting a virtual table is a CREATE TABLE to the authorizer: once, before it is asked.
	 */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->db,
				  "SELECT 1 FROM reference LIMIT 0; SELECT 1 FROM instance LIMIT 0;"
				  "SELECT 1 FROM pragma_table_info('meta') LIMIT 0",
				  NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_set_authorizer(db->db, authorize, NULL);
	return rc == SQLITE_OK ? NULL : nec_read_error(db, rc, "opening");
}

/* SQLite takes file names that begin with "file:" for URIs in some builds. */
static char *plain_name(const char *path)
{
	char *name;

	if (asprintf(&name, "%s%s", *path == '/' ? "" : "./", path) < 0)
		return NULL;
	return name;
}

static struct nec_error *open_db(struct nec_db *db, int mutex)
{
	uint8_t header[HEADER_SIZE];
	_cleanup_free_ char *name = plain_name(db->path);
	int rc;

	if (!name)
		return &nec_enomem;
	NEC_TRY(read_header(db->path, header));
	if (be32(header + HEADER_USER_VERSION) != NEC_SCHEMA_VERSION)
		return nec_error_create(
			NEC_ERR_UNSUPPORTED,
			"%s: schema version %u, this program reads %d: load the dump again",
			db->path, be32(header + HEADER_USER_VERSION), NEC_SCHEMA_VERSION);
	rc = sqlite3_open_v2(name, &db->db, SQLITE_OPEN_READONLY | mutex, NULL);
	if (rc != SQLITE_OK)
		return nec_read_error(db, rc, "opening");
	return nec_read_secure(db);
}

static struct nec_error *open_path(const char *path, int mutex, struct nec_db **db_ret)
{
	struct nec_db *db = calloc(1, sizeof(*db));
	struct nec_error *err;

	if (!db)
		return &nec_enomem;
	db->path = strdup(path);
	err = db->path ? open_db(db, mutex) : &nec_enomem;
	if (err) {
		nec_db_close(db);
		return err;
	}
	*db_ret = db;
	return NULL;
}

struct nec_error *nec_db_open(const char *path, struct nec_db **db_ret)
{
	return open_path(path, SQLITE_OPEN_FULLMUTEX, db_ret);
}

struct nec_error *nec_read_open_alone(const char *path, struct nec_db **db_ret)
{
	return open_path(path, SQLITE_OPEN_NOMUTEX, db_ret);
}

void nec_db_close(struct nec_db *db)
{
	if (!db)
		return;
	sqlite3_close(db->db);
	free(db->path);
	free(db);
}

void nec_db_interrupt(struct nec_db *db)
{
	sqlite3_interrupt(db->db);
}

char *nec_db_meta(struct nec_db *db, const char *key)
{
	sqlite3_stmt *s;
	const char *text;
	char *value = NULL;

	if (sqlite3_prepare_v2(db->db, "SELECT value FROM meta WHERE key = ?1", -1, &s, NULL) !=
	    SQLITE_OK)
		return NULL;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(s, 0);
		value = text ? strdup(text) : NULL;
	}
	sqlite3_finalize(s);
	return value;
}
