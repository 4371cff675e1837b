/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/find.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct nec_error *nec_parse_addr(const char *text, uint64_t *addr_ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text, *p = digits;
	char *end;

	for (; isxdigit((unsigned char)*p); p++)
		hex = hex || !isdigit((unsigned char)*p);
	errno = 0;
	*addr_ret = strtoull(digits, &end, hex ? 16 : 10);
	if (p == digits || *p || errno)
		return nec_error_create(NEC_ERR_USAGE,
					"'%s' is no address: 0x7f12... or a decimal number", text);
	return NULL;
}

/* "0x10 inside the builtins.dict at 0x7f..", "in the heap", ...: what is at addr, for want of an
 * object. */
static struct nec_error *not_found(struct nec_db *db, uint64_t addr)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(db, "object_around", &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	if (row)
		return nec_error_create(
			NEC_ERR_NOTFOUND,
			"no object begins at 0x%llx; it is %lld bytes inside the %s at 0x%llx",
			(unsigned long long)addr,
			(long long)((int64_t)addr - nec_query_int(query, 0)),
			nec_query_text(query, 1, NULL),
			(unsigned long long)nec_query_int(query, 0));
	nec_query_close(nec_take(query));
	NEC_TRY(nec_query_named(db, "mapping_at", &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return nec_error_create(NEC_ERR_NOTFOUND,
					"no object at 0x%llx; the process had nothing there",
					(unsigned long long)addr);
	return nec_error_create(NEC_ERR_NOTFOUND, "no object at 0x%llx; it is in %s (%s)",
				(unsigned long long)addr, nec_query_text(query, 0, NULL),
				nec_query_text(query, 1, NULL));
}

struct nec_error *nec_find_object(struct nec_db *db, const char *text, uint64_t *addr_ret,
				  struct nec_query **query_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_parse_addr(text, addr_ret));
	NEC_TRY(nec_query_named(db, "object", &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)*addr_ret));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return not_found(db, *addr_ret);
	*query_ret = nec_take(query);
	return NULL;
}

struct nec_error *nec_bind_type(struct nec_query *query, const char *text)
{
	uint64_t addr = 0;

	/* Digits or 0x: no name begins so. A name may well look like bare hexadecimal ("decade").
	 */
	if (isdigit((unsigned char)text[0]))
		NEC_TRY(nec_parse_addr(text, &addr));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	return nec_query_bind_text(query, ":name", text);
}
