/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQL files of this directory (schema.sql, sql/NAME.sql) as C strings, in a table made when the
 * program is built. To add one: write the file and list it as one of SQL_FILES in Makefile.am. What two
 * queries have in common is a query of its own, and they include it (sqltext.awk).
 */
#ifndef NEC_STORE_SQLTEXT_H
#define NEC_STORE_SQLTEXT_H

#include <stddef.h>
#include <string.h>

struct nec_sqltext {
	const char *name; /* of the file, without directory and .sql; NULL ends the table */
	const char *text;
};

extern const struct nec_sqltext nec_sqltexts[];

/* The text of that name, NULL when there is no such file. */
static inline const char *nec_sqltext_find(const char *name)
{
	const struct nec_sqltext *t = nec_sqltexts;

	while (t->name && strcmp(t->name, name) != 0)
		t++;
	return t->text;
}

#endif
