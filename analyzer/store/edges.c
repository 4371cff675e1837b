/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges of a database for walks over the graph; see edges.h. */
#include <stdlib.h>
#include <string.h>

#include "store/edges.h"
#include "store/label.h"
#include "store/pages.h"
#include "store/read.h"

enum statement { DISTANCE, INSTANCES, ALL_PAGES, OBJECT_COUNT, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[DISTANCE] = "SELECT distance FROM object WHERE addr = ?1",
	[INSTANCES] = ("SELECT data FROM pack_instance"
		       " WHERE key >= ?1 << 24 AND key < (?1 + 1) << 24 ORDER BY key"),
	[ALL_PAGES] = "SELECT key, data FROM pack_out ORDER BY key",
	[OBJECT_COUNT] = "SELECT (key >> 24) + count FROM pack_out ORDER BY key DESC LIMIT 1",
};

static const char doing[] = "reading references";

struct nec_edges {
	struct nec_neighbours base; /* first: what nec_edges_neighbours gives away */
	struct nec_db *db;
	struct nec_pages *pages;
	struct nec_labels *labels;
	sqlite3_stmt *distance;
	/* Object of each type, UINT32_MAX: none; [type_count]. */
	uint32_t *type_object;
	uint32_t type_count;
};

/* A result code of pages.h as an error; NULL for SQLITE_OK. */
static struct nec_error *edges_error(struct nec_edges *e, int rc)
{
	return rc == SQLITE_OK ? NULL : nec_read_error(e->db, rc, doing);
}

static struct nec_error *prepare(struct nec_edges *e, enum statement which, sqlite3_stmt **ret)
{
	return edges_error(e, sqlite3_prepare_v3(e->db->db, statement_sql[which], -1,
						 SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

static void finalizep(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

static struct nec_error *get_distance(struct nec_neighbours *n, uint32_t id, uint32_t *distance_ret)
{
	struct nec_edges *e = (struct nec_edges *)n;
	int64_t addr, distance = 0;
	int rc;

	NEC_TRY(edges_error(e, nec_pages_addr(e->pages, id, &addr)));
	sqlite3_bind_int64(e->distance, 1, addr);
	rc = sqlite3_step(e->distance);
	if (rc == SQLITE_ROW)
		distance = sqlite3_column_int64(e->distance, 0);
	sqlite3_reset(e->distance);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return edges_error(e, rc);
	*distance_ret = distance > 0 && distance < UINT32_MAX / 2 ? (uint32_t)distance : 0;
	return NULL;
}

static void edge_from(struct nec_edge *edge, uint32_t src, const struct nec_packed_ref *ref)
{
	*edge = (struct nec_edge){
		.src = src,
		.dst = ref->dst,
		.kind = ref->kind,
		.label_kind = ref->label_kind,
		.label = ref->label,
	};
}

/* The reference of an object to its type; false when the type is no object. */
static bool type_edge(const struct nec_edges *e, uint32_t src, uint32_t type, struct nec_edge *edge)
{
	if (type >= e->type_count || e->type_object[type] == UINT32_MAX)
		return false;
	*edge = (struct nec_edge){.src = src, .dst = e->type_object[type], .kind = NEC_REF_TYPE};
	return true;
}

static struct nec_error *get_references(struct nec_neighbours *n, uint32_t src, nec_reference_fn fn,
					void *arg)
{
	struct nec_edges *e = (struct nec_edges *)n;
	struct nec_pages_walk walk = {0};
	struct nec_error *err = NULL;
	struct nec_packed_ref ref;
	struct nec_edge edge;
	bool stop = false;
	uint32_t type;
	int64_t addr;
	int rc;

	NEC_TRY(edges_error(e, nec_pages_object(e->pages, src, &addr, &type)));
	NEC_TRY(edges_error(e, nec_pages_walk(e->pages, true, src, &walk)));
	while (!err && !stop && (rc = nec_pages_walk_ref(&walk, &ref)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			err = edges_error(e, rc);
		} else if (ref.dst < n->node_count) {
			edge_from(&edge, src, &ref);
			err = fn(arg, &edge, &stop);
		}
	}
	nec_pages_walk_end(&walk);
	if (!err && !stop && type_edge(e, src, type, &edge))
		err = fn(arg, &edge, &stop);
	return err;
}

/* Those who refer to dst as their type. */
static struct nec_error *get_instances(struct nec_edges *e, uint32_t type, nec_referrer_fn fn,
				       void *arg, bool *stop)
{
	_cleanup_(finalizep) sqlite3_stmt *s = NULL;
	struct nec_pack_instances_iter it;
	enum nec_pack_result result;
	uint32_t id;
	int rc;

	NEC_TRY(prepare(e, INSTANCES, &s));
	sqlite3_bind_int64(s, 1, type);
	while (!*stop && (rc = sqlite3_step(s)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			return edges_error(e, rc);
		if (!nec_pack_instances_open(&it, sqlite3_column_blob(s, 0),
					     (size_t)sqlite3_column_bytes(s, 0)))
			return edges_error(e, SQLITE_CORRUPT);
		while (!*stop && (result = nec_pack_next_instance(&it, &id)) == NEC_PACK_ROW)
			if (id < e->base.node_count)
				NEC_TRY(fn(arg, id, stop));
		if (!*stop && result == NEC_PACK_DAMAGED)
			return edges_error(e, SQLITE_CORRUPT);
	}
	return NULL;
}

static struct nec_error *get_referrers(struct nec_neighbours *n, uint32_t dst, nec_referrer_fn fn,
				       void *arg)
{
	struct nec_edges *e = (struct nec_edges *)n;
	struct nec_pages_walk walk = {0};
	struct nec_error *err = NULL;
	bool stop = false;
	uint32_t src, type;
	int64_t addr;
	int rc;

	rc = nec_pages_walk(e->pages, false, dst, &walk);
	if (rc != SQLITE_NOTFOUND)
		NEC_TRY(edges_error(e, rc));
	while (rc != SQLITE_NOTFOUND && !err && !stop &&
	       (rc = nec_pages_walk_source(&walk, &src)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			err = edges_error(e, rc);
		else if (src < n->node_count)
			err = fn(arg, src, &stop);
	}
	nec_pages_walk_end(&walk);
	if (err || stop)
		return err;
	NEC_TRY(edges_error(e, nec_pages_addr(e->pages, dst, &addr)));
	rc = nec_pages_type_at(e->pages, addr, &type);
	if (rc == SQLITE_NOTFOUND)
		return NULL;
	NEC_TRY(edges_error(e, rc));
	return get_instances(e, type, fn, arg, &stop);
}

static struct nec_error *count_objects(struct nec_edges *e)
{
	_cleanup_(finalizep) sqlite3_stmt *s = NULL;
	int64_t count = 0;
	int rc;

	NEC_TRY(prepare(e, OBJECT_COUNT, &s));
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		count = sqlite3_column_int64(s, 0);
	else if (rc != SQLITE_DONE)
		return edges_error(e, rc);
	if (count <= 0)
		return nec_error_create(NEC_ERR_NOTFOUND, "this dump has no objects");
	if (count >= UINT32_MAX)
		return edges_error(e, SQLITE_CORRUPT);
	e->base.node_count = (uint32_t)count;
	return NULL;
}

/* Where the types lie. Ids of types are dense, so one that is far above their number is damage. */
static struct nec_error *find_types(struct nec_edges *e)
{
	_cleanup_(finalizep) sqlite3_stmt *s = NULL;
	uint32_t id;
	int rc;

	NEC_TRY(edges_error(e, sqlite3_prepare_v2(e->db->db, "SELECT count(*), max(id) FROM type",
						  -1, &s, NULL)));
	if (sqlite3_step(s) != SQLITE_ROW || !sqlite3_column_int64(s, 0))
		return NULL;
	if (sqlite3_column_int64(s, 1) < 0 ||
	    sqlite3_column_int64(s, 1) > sqlite3_column_int64(s, 0) * 64 + 65536)
		return edges_error(e, SQLITE_CORRUPT);
	e->type_count = (uint32_t)sqlite3_column_int64(s, 1) + 1;
	sqlite3_finalize(nec_take(s));
	e->type_object = malloc((size_t)e->type_count * sizeof(*e->type_object));
	if (!e->type_object)
		return &nec_enomem;
	memset(e->type_object, 0xff, (size_t)e->type_count * sizeof(*e->type_object));
	NEC_TRY(edges_error(e, sqlite3_prepare_v2(e->db->db,
						  "SELECT id, addr FROM type"
						  " WHERE addr IS NOT NULL AND id >= 0",
						  -1, &s, NULL)));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		rc = nec_pages_id(e->pages, sqlite3_column_int64(s, 1), &id);
		if (rc == SQLITE_OK && id < e->base.node_count &&
		    sqlite3_column_int64(s, 0) < e->type_count)
			e->type_object[sqlite3_column_int64(s, 0)] = id;
		else if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
			return edges_error(e, rc);
	}
	return rc == SQLITE_DONE ? NULL : edges_error(e, rc);
}

static struct nec_error *open_edges(struct nec_edges *e)
{
	e->pages = nec_pages_create(e->db->db);
	if (e->pages)
		e->labels = nec_labels_create(e->db->db, e->pages);
	if (!e->labels)
		return &nec_enomem;
	NEC_TRY(count_objects(e));
	NEC_TRY(find_types(e));
	return prepare(e, DISTANCE, &e->distance);
}

struct nec_error *nec_edges_open(struct nec_db *db, struct nec_edges **edges_ret)
{
	struct nec_edges *e = calloc(1, sizeof(*e));
	struct nec_error *err;

	if (!e)
		return &nec_enomem;
	e->base.referrers = get_referrers;
	e->base.references = get_references;
	e->base.distance = get_distance;
	e->db = db;
	err = open_edges(e);
	if (err) {
		nec_edges_close(e);
		return err;
	}
	*edges_ret = e;
	return NULL;
}

void nec_edges_close(struct nec_edges *edges)
{
	if (!edges)
		return;
	sqlite3_finalize(edges->distance);
	nec_labels_destroy(edges->labels);
	nec_pages_destroy(edges->pages);
	free(edges->type_object);
	free(edges);
}

uint32_t nec_edges_count(const struct nec_edges *edges)
{
	return edges->base.node_count;
}

struct nec_neighbours *nec_edges_neighbours(struct nec_edges *edges)
{
	return &edges->base;
}

struct nec_error *nec_edges_id(struct nec_edges *e, uint64_t addr, uint32_t *id_ret)
{
	int rc = nec_pages_id(e->pages, (int64_t)addr, id_ret);

	if (rc == SQLITE_NOTFOUND || (rc == SQLITE_OK && *id_ret >= e->base.node_count))
		return nec_error_create(NEC_ERR_NOTFOUND, "no object at 0x%llx",
					(unsigned long long)addr);
	return edges_error(e, rc);
}

struct nec_error *nec_edges_object(struct nec_edges *e, uint32_t id, uint64_t *addr_ret,
				   uint32_t *type_ret)
{
	int64_t addr;

	NEC_TRY(edges_error(e, nec_pages_object(e->pages, id, &addr, type_ret)));
	*addr_ret = (uint64_t)addr;
	return NULL;
}

struct nec_error *nec_edges_label(struct nec_edges *e, const struct nec_edge *edge,
				  struct nec_text *text)
{
	const struct nec_packed_ref ref = {
		.dst = edge->dst,
		.kind = edge->kind,
		.label_kind = edge->label_kind,
		.label = edge->label,
	};
	char *label;

	NEC_TRY(edges_error(e, nec_labels_text(e->labels, &ref, &label)));
	nec_text_puts(text, label);
	sqlite3_free(label);
	return NULL;
}

/* A scan: edges of one object gathered over the parts of a page. */
struct scan {
	struct nec_edges *e;
	nec_edges_fn fn;
	void *arg;
	struct nec_edge *edges;
	uint32_t count, capacity;
	uint32_t id, type;
	uint64_t addr;
	bool pending; /* the last object of a page goes on in the next part */
};

static struct nec_error *scan_add(struct scan *s, const struct nec_edge *edge)
{
	struct nec_edge *p;
	uint32_t want = s->capacity ? s->capacity * 2 : 256;

	if (s->count == s->capacity) {
		if (want < s->capacity)
			return nec_error_create(NEC_ERR_LIMIT, "object 0x%llx: too many references",
						(unsigned long long)s->addr);
		p = reallocarray(s->edges, want, sizeof(*p));
		if (!p)
			return &nec_enomem;
		s->edges = p;
		s->capacity = want;
	}
	s->edges[s->count++] = *edge;
	return NULL;
}

static struct nec_error *scan_object(struct scan *s, const struct nec_pack_page *page,
				     uint32_t index)
{
	enum nec_pack_result result;
	struct nec_packed_ref ref;
	struct nec_pack_iter it;
	struct nec_edge edge;

	nec_pack_iter_init(&it, page, index);
	while ((result = nec_pack_next_ref(&it, &ref)) == NEC_PACK_ROW) {
		if (ref.dst >= s->e->base.node_count)
			continue;
		edge_from(&edge, s->id, &ref);
		NEC_TRY(scan_add(s, &edge));
	}
	return result == NEC_PACK_DONE ? NULL : edges_error(s->e, SQLITE_CORRUPT);
}

static struct nec_error *scan_end(struct scan *s)
{
	struct nec_edge edge;

	if (type_edge(s->e, s->id, s->type, &edge))
		NEC_TRY(scan_add(s, &edge));
	NEC_TRY(s->fn(s->arg, s->id, s->addr, s->type, s->edges, s->count));
	s->count = 0;
	return NULL;
}

/* Ids have to come one after the other: callers size arrays by their count. */
static struct nec_error *scan_page(struct scan *s, const struct nec_pack_page *page)
{
	uint32_t i;

	if (s->pending != (page->part > 0) || (s->pending && page->first != s->id) || !page->count)
		return edges_error(s->e, SQLITE_CORRUPT);
	for (i = 0; i < page->count; i++) {
		if (!s->pending) {
			if (page->first + i != s->id + 1)
				return edges_error(s->e, SQLITE_CORRUPT);
			s->id++;
			s->addr = page->addr[i];
			s->type = page->type[i];
		}
		NEC_TRY(scan_object(s, page, i));
		s->pending = page->more && i + 1 == page->count;
		if (!s->pending)
			NEC_TRY(scan_end(s));
	}
	return NULL;
}

static struct nec_error *scan_row(struct scan *s, sqlite3_stmt *row)
{
	const void *data = sqlite3_column_blob(row, 1);
	size_t size = (size_t)sqlite3_column_bytes(row, 1);
	struct nec_pack_page page;
	struct nec_error *err;
	bool nomem = false;

	if (!data || size > NEC_PACK_MAX_PAGE)
		return edges_error(s->e, SQLITE_CORRUPT);
	if (nec_pack_page_open_out(&page, (uint64_t)sqlite3_column_int64(row, 0), data, size,
				   &nomem))
		err = scan_page(s, &page);
	else
		err = nomem ? &nec_enomem : edges_error(s->e, SQLITE_CORRUPT);
	nec_pack_page_deinit(&page);
	return err;
}

struct nec_error *nec_edges_scan(struct nec_edges *edges, nec_edges_fn fn, void *arg,
				 struct nec_progress *progress)
{
	struct scan s = {.e = edges, .fn = fn, .arg = arg, .id = UINT32_MAX};
	_cleanup_(finalizep) sqlite3_stmt *rows = NULL;
	struct nec_error *err = NULL;
	int rc = SQLITE_DONE;

	NEC_TRY(prepare(edges, ALL_PAGES, &rows));
	while (!err && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		err = scan_row(&s, rows);
		if (!err)
			err = nec_progress_step(progress, doing, (uint64_t)s.id + 1,
						edges->base.node_count);
	}
	if (!err && rc != SQLITE_DONE)
		err = edges_error(edges, rc);
	if (!err && (s.pending || s.id + 1 != edges->base.node_count))
		err = edges_error(edges, SQLITE_CORRUPT);
	free(s.edges);
	return err;
}
