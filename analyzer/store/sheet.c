/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of a result, see sheet.h: a private database of SQLite without a name. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/read.h"
#include "store/sheet.h"
#include "store/sqltext.h"

enum { TABLES_MAX = 16 };

struct nec_sheet {
	struct nec_db *db;
	struct {
		const char *table; /* borrowed: a literal */
		sqlite3_stmt *insert;
	} tables[TABLES_MAX];
	unsigned int table_count;
};

static struct nec_error *run(struct nec_sheet *sheet, const char *sql)
{
	int rc = sqlite3_exec(sheet->db->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? NULL : nec_read_error(sheet->db, rc, "result");
}

struct nec_error *nec_sheet_create(const char *schema, struct nec_sheet **sheet_ret)
{
	struct nec_sheet *sheet = calloc(1, sizeof(*sheet));
	const char *sql = nec_sqltext_find(schema);
	struct nec_error *err;
	int rc;

	assert(sql);
	if (!sheet)
		return &nec_enomem;
	sheet->db = calloc(1, sizeof(*sheet->db));
	if (sheet->db)
		sheet->db->path = strdup("result");
	if (!sheet->db || !sheet->db->path) {
		nec_sheet_destroy(sheet);
		return &nec_enomem;
	}
	rc = sqlite3_open_v2("", &sheet->db->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
			     NULL);
	err = rc == SQLITE_OK
		      ? run(sheet, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
		      : nec_read_error(sheet->db, rc, "result");
	if (!err)
		err = run(sheet, sql);
	if (err) {
		nec_sheet_destroy(sheet);
		return err;
	}
	*sheet_ret = sheet;
	return NULL;
}

static void finalize(struct nec_sheet *sheet)
{
	while (sheet->table_count)
		sqlite3_finalize(sheet->tables[--sheet->table_count].insert);
}

void nec_sheet_destroy(struct nec_sheet *sheet)
{
	if (!sheet)
		return;
	finalize(sheet);
	nec_db_close(sheet->db);
	free(sheet);
}

static struct nec_error *find_insert(struct nec_sheet *sheet, const char *table, size_t columns,
				     sqlite3_stmt **ret)
{
	_cleanup_(nec_text_deinit) struct nec_text sql = {0};
	unsigned int i;
	int rc;

	for (i = 0; i < sheet->table_count; i++) {
		if (strcmp(sheet->tables[i].table, table) == 0) {
			*ret = sheet->tables[i].insert;
			return NULL;
		}
	}
	assert(sheet->table_count < TABLES_MAX);
	nec_text_printf(&sql, "INSERT INTO %s VALUES(", table);
	while (columns--)
		nec_text_puts(&sql, columns ? "?," : "?)");
	if (sql.failed)
		return &nec_enomem;
	rc = sqlite3_prepare_v2(sheet->db->db, sql.data, -1, ret, NULL);
	if (rc != SQLITE_OK)
		return nec_read_error(sheet->db, rc, table);
	sheet->tables[sheet->table_count].table = table;
	sheet->tables[sheet->table_count++].insert = *ret;
	return NULL;
}

static int bind(sqlite3_stmt *insert, int column, char kind, va_list *args)
{
	const char *text;
	uint64_t addr;
	int64_t number;
	double real;

	switch (kind) {
	case 't':
		text = va_arg(*args, const char *);
		return text ? sqlite3_bind_text(insert, column, text, -1, SQLITE_TRANSIENT)
			    : sqlite3_bind_null(insert, column);
	case 'k':
	case 'i':
		number = va_arg(*args, int64_t);
		return kind == 'k' && number == NEC_SHEET_NULL
			       ? sqlite3_bind_null(insert, column)
			       : sqlite3_bind_int64(insert, column, number);
	case 'a':
		addr = va_arg(*args, uint64_t);
		return addr ? sqlite3_bind_int64(insert, column, (int64_t)addr)
			    : sqlite3_bind_null(insert, column);
	case 'r':
		real = va_arg(*args, double);
		return isfinite(real) ? sqlite3_bind_double(insert, column, real)
				      : sqlite3_bind_null(insert, column);
	}
	assert(kind == 'n');
	return sqlite3_bind_null(insert, column);
}

struct nec_error *nec_sheet_put(struct nec_sheet *sheet, const char *table, const char *kinds, ...)
{
	sqlite3_stmt *insert;
	int i, rc = SQLITE_OK;
	va_list args;

	NEC_TRY(find_insert(sheet, table, strlen(kinds), &insert));
	va_start(args, kinds);
	for (i = 0; kinds[i] && rc == SQLITE_OK; i++)
		rc = bind(insert, i + 1, kinds[i], &args);
	va_end(args);
	if (rc == SQLITE_OK && sqlite3_step(insert) != SQLITE_DONE)
		rc = sqlite3_errcode(sheet->db->db);
	sqlite3_reset(insert);
	return rc == SQLITE_OK ? NULL : nec_read_error(sheet->db, rc, table);
}

struct nec_error *nec_sheet_run(struct nec_sheet *sheet, const char *script)
{
	const char *sql = nec_sqltext_find(script);

	assert(sql);
	return run(sheet, sql);
}

struct nec_error *nec_sheet_finish(struct nec_sheet *sheet, struct nec_db **db_ret)
{
	struct nec_error *err;

	finalize(sheet);
	err = run(sheet, "COMMIT");
	if (!err)
		err = nec_read_secure(sheet->db);
	if (!err)
		*db_ret = nec_take(sheet->db);
	nec_sheet_destroy(sheet);
	return err;
}
