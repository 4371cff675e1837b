/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages of named queries: the query becomes a table in FROM, the position a condition on its
 * columns, so that SQLite can push it down to an index. NULL sorts below everything, as in SQLite's
 * ORDER BY.
 */
#include <string.h>

#include "base/text.h"
#include "store/read.h"
#include "store/sqltext.h"

/* A column's name as SQL writes it. */
static void put_name(struct nec_text *t, const char *name)
{
	nec_text_putc(t, '"');
	for (; *name; name++) {
		if (*name == '"')
			nec_text_putc(t, '"');
		nec_text_putc(t, *name);
	}
	nec_text_putc(t, '"');
}

static void put_filter(struct nec_text *t, const struct nec_page *page)
{
	const char *const *column;

	nec_text_puts(t, "(");
	for (column = page->filter_columns; *column; column++) {
		if (column != page->filter_columns)
			nec_text_puts(t, " OR ");
		nec_text_puts(t, "instr(lower(");
		put_name(t, *column);
		nec_text_puts(t, "), lower(:nec_filter)) > 0");
	}
	nec_text_puts(t, column == page->filter_columns ? "1)" : ")");
}

/* Rows behind the position in the direction that is read, low to high when up. */
static void put_position(struct nec_text *t, const struct nec_page *page, bool up)
{
	const char *op = up ? ">" : "<";
	const char *equal = page->inclusive ? "=" : "";

	if (!page->sort) {
		put_name(t, page->key);
		nec_text_printf(t, " %s%s :nec_key", op, equal);
		return;
	}
	nec_text_puts(t, "(");
	if (page->sort_value.type != NEC_COLUMN_NULL) {
		put_name(t, page->sort);
		nec_text_printf(t, " %s :nec_sort OR ", op);
	}
	/* NULL is below all values: behind it when going down, before it when going up. */
	if (up == (page->sort_value.type == NEC_COLUMN_NULL)) {
		put_name(t, page->sort);
		nec_text_puts(t, up ? " IS NOT NULL OR " : " IS NULL OR ");
	}
	nec_text_puts(t, "(");
	put_name(t, page->sort);
	nec_text_puts(t, page->sort_value.type == NEC_COLUMN_NULL ? " IS NULL AND "
								  : " = :nec_sort AND ");
	put_name(t, page->key);
	nec_text_printf(t, " %s%s :nec_key))", op, equal);
}

static void put_order(struct nec_text *t, const struct nec_page *page)
{
	bool up = page->descending == page->backward;

	nec_text_puts(t, " ORDER BY ");
	if (page->sort) {
		put_name(t, page->sort);
		nec_text_puts(t, up ? " ASC, " : " DESC, ");
	}
	put_name(t, page->key);
	nec_text_puts(t, up ? " ASC" : " DESC");
}

static void put_query(struct nec_text *t, const char *sql, const struct nec_page *page)
{
	bool up = page->descending == page->backward;
	bool folded = page->preview && !page->count;
	const char *joint = " WHERE ";

	/* Of the rows of the page alone, not of all that are sorted to find these. */
	if (folded) {
		nec_text_puts(t, "SELECT *, preview(");
		put_name(t, page->preview);
		nec_text_puts(t, ") AS nec_preview FROM (\n");
	}
	nec_text_puts(t, page->count ? "SELECT count(*) FROM (\n" : "SELECT * FROM (\n");
	nec_text_puts(t, sql);
	nec_text_puts(t, "\n)");
	if (page->filter && page->filter_columns) {
		nec_text_puts(t, joint);
		put_filter(t, page);
		joint = " AND ";
	}
	if (page->count)
		return;
	if (page->positioned) {
		nec_text_puts(t, joint);
		put_position(t, page, up);
	}
	put_order(t, page);
	/* A limit, be it none, also keeps SQLite from making one query of the two. */
	nec_text_printf(t, " LIMIT %lld", page->limit >= 0 ? (long long)page->limit : -1LL);
	if (folded) {
		nec_text_puts(t, "\n)");
		put_order(t, page);
	}
}

static struct nec_error *bind_value(struct nec_query *query, const char *param,
				    const struct nec_page_value *value)
{
	switch (value->type) {
	case NEC_COLUMN_INT:
		return nec_query_bind_int(query, param, value->i);
	case NEC_COLUMN_REAL:
		return nec_query_bind_real(query, param, value->r);
	case NEC_COLUMN_TEXT:
		return nec_query_bind_text(query, param, value->s);
	case NEC_COLUMN_NULL:
	case NEC_COLUMN_BLOB:
		break;
	}
	return NULL;
}

static struct nec_error *bind_page(struct nec_query *query, const struct nec_page *page)
{
	if (page->filter && page->filter_columns && *page->filter_columns)
		NEC_TRY(nec_query_bind_text(query, ":nec_filter", page->filter));
	if (page->count || !page->positioned)
		return NULL;
	if (page->sort)
		NEC_TRY(bind_value(query, ":nec_sort", &page->sort_value));
	return bind_value(query, ":nec_key", &page->key_value);
}

struct nec_error *nec_query_page(struct nec_db *db, const char *name, const struct nec_page *page,
				 struct nec_query **query_ret)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	const char *sql = nec_sqltext_find(name);
	struct nec_query *query;
	struct nec_error *err;

	if (!sql)
		return nec_error_create(NEC_ERR_NOTFOUND, "no query of the name %s", name);
	put_query(&text, sql, page);
	if (text.failed)
		return &nec_enomem;
	NEC_TRY(nec_read_prepare(db, text.data, name, &query));
	err = bind_page(query, page);
	if (err) {
		nec_query_close(query);
		return err;
	}
	*query_ret = query;
	return NULL;
}
