/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A result of several tables as a database that lives as long as its handle: what is computed from
 * several snapshots (a difference, a trend) is put here row by row, and then asked like any other
 * database, by named queries. It lies in memory while it is small and in an unnamed file of
 * SQLite's own when it is not.
 */
#ifndef NEC_STORE_SHEET_H
#define NEC_STORE_SHEET_H

#include <stdint.h>

#include "base/error.h"
#include "necropsy.h"

struct nec_sheet;

/* schema: an SQL file of this directory by name ("difference"). */
struct nec_error *nec_sheet_create(const char *schema, struct nec_sheet **sheet_ret);
void nec_sheet_destroy(struct nec_sheet *sheet); /* NULL is fine */

static inline void nec_sheet_destroyp(struct nec_sheet **sheetp)
{
	nec_sheet_destroy(*sheetp);
}

/*
 * Adds a row. A letter of kinds for each column: t text (NULL is NULL), i int64_t, k int64_t that
 * is NULL when it is NEC_SHEET_NULL, a uint64_t address (0 is NULL), r double (NaN is NULL), n NULL
 * without an argument. table is a literal.
 */
struct nec_error *nec_sheet_put(struct nec_sheet *sheet, const char *table, const char *kinds, ...);

#define NEC_SHEET_NULL INT64_MIN

/* Runs an SQL file of this directory over the rows that are there: sums that are easier said in
 * SQL. */
struct nec_error *nec_sheet_run(struct nec_sheet *sheet, const char *script);

/* Consumes sheet: no row is added any more. db_ret is closed by nec_db_close, and gone then. */
struct nec_error *nec_sheet_finish(struct nec_sheet *sheet, struct nec_db **db_ret);

#endif
