/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual table reference: packed pages as rows (src, dst, kind, label), see reference.sql for
 * its columns.
 *
 * Three ways to read it. By src: the object's own list, then the reference to its type, which is
 * not stored but follows from the type column. By dst: its referrers, and each referrer's list for
 * the references that lead here (which is where kind and label are), then the instances if it is a
 * type. Neither: all objects in turn. An equality or inequality on kind is used as well, so that
 * asking who holds a type does not read all of its instances.
 */
#include <stdlib.h>
#include <string.h>

#include "store/label.h"
#include "store/reference.h"
#include "store/vtab.h"

enum column {
	COLUMN_SRC,
	COLUMN_DST,
	COLUMN_KIND,
	COLUMN_LABEL,
	COLUMN_LABEL_KIND,
	COLUMN_LABEL_VALUE
};

/* idxNum: which arguments xFilter gets, in this order. */
enum { BY_SRC = 1, BY_DST = 2, BY_KIND = 4, BY_NOT_KIND = 8 };

static const char *const kind_names[] = {
	[NEC_REF_STRONG] = "strong",     [NEC_REF_WEAK] = "weak",
	[NEC_REF_TYPE] = "type",         [NEC_REF_CONSERVATIVE] = "conservative",
	[NEC_REF_BORROWED] = "borrowed",
};

enum { KINDS = sizeof(kind_names) / sizeof(kind_names[0]), ALL_KINDS = (1 << KINDS) - 1 };

struct table {
	struct nec_vtab head;
	struct nec_labels *labels;
};

struct cursor {
	struct nec_vtab_cursor head;
	unsigned int kinds; /* bits of the kinds that are asked for */
	bool by_dst;        /* walk the referrers of dst_id */
	bool all;           /* go on with the next src when one is done */
	bool match_dst;     /* only references to dst_id */
	uint32_t dst_id;
	int64_t dst_addr;
	struct nec_pages_walk referrers; /* of dst_id */
	struct nec_pages_walk refs;      /* of src_id */
	uint32_t src_id;
	int64_t src_addr;
	uint32_t src_type;
	sqlite3_stmt *instances; /* of the type that dst_id is, at the end of its referrers */
	/* The row. */
	struct nec_packed_ref ref;
	int64_t row_dst;
	bool has_dst; /* row_dst is known; otherwise it is that of ref.dst */
};

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
		   char **message)
{
	struct nec_vtab *head;
	struct table *t;
	int rc;

	(void)aux, (void)argc, (void)argv, (void)message;
	rc = nec_vtab_create(db, "reference", sizeof(*t), &head);
	if (rc != SQLITE_OK)
		return rc;
	t = (struct table *)head;
	t->labels = nec_labels_create(db, head->pages);
	if (!t->labels) {
		nec_vtab_destroy(head);
		return SQLITE_NOMEM;
	}
	*ret = &head->base;
	return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
	struct table *t = (struct table *)base;

	nec_labels_destroy(t->labels);
	nec_vtab_destroy(&t->head);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	int found[4] = {-1, -1, -1, -1}, i;
	bool unusable = false;

	(void)base;
	for (i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn, op = info->aConstraint[i].op, which;

		if (column == COLUMN_SRC && op == SQLITE_INDEX_CONSTRAINT_EQ)
			which = 0;
		else if (column == COLUMN_DST && op == SQLITE_INDEX_CONSTRAINT_EQ)
			which = 1;
		else if (column == COLUMN_KIND && op == SQLITE_INDEX_CONSTRAINT_EQ)
			which = 2;
		else if (column == COLUMN_KIND && op == SQLITE_INDEX_CONSTRAINT_NE)
			which = 3;
		else
			continue;
		if (info->aConstraint[i].usable)
			found[which] = i;
		else if (which < 2)
			unusable = true;
	}
	nec_vtab_arguments(info, found, 4);
	if (info->idxNum & BY_SRC) {
		info->estimatedCost = 20;
		info->estimatedRows = info->idxNum & BY_DST ? 1 : 8;
	} else if (info->idxNum & BY_DST) {
		info->estimatedCost = 200;
		info->estimatedRows = 16;
	} else {
		/* Never the inner table of a join that could have been the other way round. */
		info->estimatedCost = unusable ? 1e12 : 1e9;
		info->estimatedRows = 100000000;
	}
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	(void)base;
	return nec_vtab_open(sizeof(struct cursor), ret);
}

static void reset(struct cursor *c)
{
	nec_pages_walk_end(&c->referrers);
	nec_pages_walk_end(&c->refs);
	sqlite3_finalize(c->instances);
	c->instances = NULL;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	reset(c);
	free(c);
	return SQLITE_OK;
}

static inline struct table *table_of(struct cursor *c)
{
	return (struct table *)c->head.base.pVtab;
}

/* Begins the list of an object. */
static int start_src(struct cursor *c, uint32_t id)
{
	int rc = nec_pages_object(table_of(c)->head.pages, id, &c->src_addr, &c->src_type);

	if (rc != SQLITE_OK)
		return rc;
	c->src_id = id;
	return nec_pages_walk(table_of(c)->head.pages, true, id, &c->refs);
}

/* The reference to its type, once, at the end of a list. SQLITE_NOTFOUND: none is asked for. */
static int type_row(struct cursor *c)
{
	int rc;

	nec_pages_walk_end(&c->refs);
	if (c->by_dst || !(c->kinds & 1 << NEC_REF_TYPE))
		return SQLITE_NOTFOUND;
	rc = nec_pages_type_addr(table_of(c)->head.pages, c->src_type, &c->row_dst);
	if (rc != SQLITE_OK)
		return rc;
	if (c->match_dst && c->row_dst != c->dst_addr)
		return SQLITE_NOTFOUND;
	c->ref = (struct nec_packed_ref){.kind = NEC_REF_TYPE};
	c->has_dst = true;
	return SQLITE_ROW;
}

/* The next row of the current source: SQLITE_ROW, SQLITE_DONE when it has no more, or an error. */
static int next_of_src(struct cursor *c)
{
	int rc;

	c->has_dst = false;
	if (!c->refs.page)
		return SQLITE_DONE;
	while ((rc = nec_pages_walk_ref(&c->refs, &c->ref)) == SQLITE_ROW)
		if ((!c->match_dst || c->ref.dst == c->dst_id) && c->kinds & 1u << c->ref.kind)
			return SQLITE_ROW;
	if (rc == SQLITE_DONE)
		rc = type_row(c);
	return rc == SQLITE_NOTFOUND ? SQLITE_DONE : rc;
}

/* The rows behind those of the referrers: instances of the type that dst is. */
static int next_instance(struct cursor *c)
{
	struct table *t = table_of(c);
	uint32_t type;
	int rc;

	if (!c->instances) {
		if (!(c->kinds & 1 << NEC_REF_TYPE))
			return SQLITE_DONE;
		rc = nec_pages_type_at(t->head.pages, c->dst_addr, &type);
		if (rc != SQLITE_OK)
			return rc == SQLITE_NOTFOUND ? SQLITE_DONE : rc;
		rc = sqlite3_prepare_v2(t->head.db, "SELECT addr FROM instance WHERE type = ?1", -1,
					&c->instances, NULL);
		if (rc != SQLITE_OK)
			return rc;
		sqlite3_bind_int64(c->instances, 1, type);
	}
	rc = sqlite3_step(c->instances);
	if (rc != SQLITE_ROW)
		return rc;
	c->src_addr = sqlite3_column_int64(c->instances, 0);
	c->row_dst = c->dst_addr;
	c->has_dst = true;
	c->ref = (struct nec_packed_ref){.kind = NEC_REF_TYPE};
	return SQLITE_ROW;
}

static int next_of_dst(struct cursor *c)
{
	uint32_t src;
	int rc;

	for (;;) {
		rc = next_of_src(c);
		if (rc != SQLITE_DONE)
			return rc;
		if (!c->referrers.page)
			return next_instance(c);
		rc = nec_pages_walk_source(&c->referrers, &src);
		if (rc == SQLITE_ROW)
			rc = start_src(c, src);
		else if (rc == SQLITE_DONE)
			nec_pages_walk_end(&c->referrers);
		if (rc == SQLITE_NOTFOUND)
			rc = SQLITE_CORRUPT;
		if (rc != SQLITE_OK && rc != SQLITE_DONE)
			return rc;
	}
}

static int next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	c->head.rowid++;
	if (c->by_dst) {
		rc = next_of_dst(c);
	} else {
		while ((rc = next_of_src(c)) == SQLITE_DONE && c->all) {
			rc = start_src(c, c->src_id + 1);
			if (rc == SQLITE_NOTFOUND)
				rc = SQLITE_DONE;
			if (rc != SQLITE_OK)
				break;
		}
	}
	c->head.eof = rc == SQLITE_DONE;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static unsigned int kind_bits(sqlite3_value *value)
{
	const char *name = (const char *)sqlite3_value_text(value);
	unsigned int i, bits = 0;

	for (i = 0; i < KINDS; i++)
		if (name && strcmp(name, kind_names[i]) == 0)
			bits |= 1u << i;
	return bits;
}

/* The object at the address that value says; SQLITE_NOTFOUND for anything else. */
static int find_object(struct cursor *c, sqlite3_value *value, int64_t *addr_ret, uint32_t *id_ret)
{
	if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER)
		return SQLITE_NOTFOUND;
	*addr_ret = sqlite3_value_int64(value);
	return nec_pages_id(table_of(c)->head.pages, *addr_ret, id_ret);
}

static int start_filter(struct cursor *c, int how, sqlite3_value **argv)
{
	struct nec_pages *pages = table_of(c)->head.pages;
	int64_t src_addr;
	uint32_t src = 0;
	int rc;

	if (how & BY_SRC) {
		rc = find_object(c, *argv++, &src_addr, &src);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (how & BY_DST) {
		rc = find_object(c, *argv++, &c->dst_addr, &c->dst_id);
		if (rc != SQLITE_OK)
			return rc;
		c->match_dst = true;
	}
	if (how & BY_KIND)
		c->kinds &= kind_bits(*argv++);
	if (how & BY_NOT_KIND)
		c->kinds &= ~kind_bits(*argv++);
	c->by_dst = (how & (BY_SRC | BY_DST)) == BY_DST;
	c->all = !(how & (BY_SRC | BY_DST));
	if (!c->by_dst)
		return start_src(c, src);
	/* Only instances are asked for: no need to see the referrers. */
	if (c->kinds == 0)
		return SQLITE_OK;
	rc = nec_pages_walk(pages, false, c->dst_id, &c->referrers);
	return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int filter(sqlite3_vtab_cursor *base, int how, const char *unused, int argc,
		  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	(void)unused, (void)argc;
	reset(c);
	*c = (struct cursor){.head.base = c->head.base, .kinds = ALL_KINDS};
	rc = start_filter(c, how, argv);
	if (rc == SQLITE_NOTFOUND) {
		c->head.eof = true;
		return SQLITE_OK;
	}
	return rc == SQLITE_OK ? next(base) : rc;
}

/* Ids are not for the public: a key label is shown as the address of the key. */
static int label_value(struct cursor *c, sqlite3_context *context)
{
	int64_t addr;
	int rc = SQLITE_OK;

	if (c->ref.label_kind == NEC_LABEL_KEY || c->ref.label_kind == NEC_LABEL_ATTR) {
		if (c->ref.label >= NEC_PACK_NONE)
			return SQLITE_OK;
		rc = nec_pages_addr(table_of(c)->head.pages, (uint32_t)c->ref.label, &addr);
		if (rc == SQLITE_OK)
			sqlite3_result_int64(context, addr);
		return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
	}
	if (c->ref.label_kind != NEC_LABEL_NONE)
		sqlite3_result_int64(context, (int64_t)c->ref.label);
	return rc;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int which)
{
	struct cursor *c = (struct cursor *)base;
	char *text;
	int rc = SQLITE_OK;

	switch ((enum column)which) {
	case COLUMN_SRC:
		sqlite3_result_int64(context, c->src_addr);
		break;
	case COLUMN_DST:
		if (!c->has_dst) {
			rc = nec_pages_addr(table_of(c)->head.pages, c->ref.dst, &c->row_dst);
			if (rc != SQLITE_OK)
				return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
			c->has_dst = true;
		}
		sqlite3_result_int64(context, c->row_dst);
		break;
	case COLUMN_KIND:
		sqlite3_result_text(context, kind_names[c->ref.kind], -1, SQLITE_STATIC);
		break;
	case COLUMN_LABEL:
		if (c->ref.kind == NEC_REF_TYPE && c->ref.label_kind == NEC_LABEL_NONE) {
			sqlite3_result_text(context, ".__class__", -1, SQLITE_STATIC);
			break;
		}
		rc = nec_labels_text(table_of(c)->labels, &c->ref, &text);
		if (rc == SQLITE_OK)
			sqlite3_result_text(context, text, -1, sqlite3_free);
		break;
	case COLUMN_LABEL_KIND:
		sqlite3_result_int(context, c->ref.label_kind);
		break;
	case COLUMN_LABEL_VALUE:
		rc = label_value(c, context);
		break;
	}
	return rc;
}

/* No xCreate: the table is there without being created, and no file mentions it. */
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

int nec_reference_register(sqlite3 *db)
{
	return sqlite3_create_module(db, "reference", &module, NULL);
}
