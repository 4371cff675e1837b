/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects in order of addresses out of pack_out, object and value, read in step; see scan.h. */
#include <stdlib.h>
#include <string.h>

#include "store/leaf.h"
#include "store/pack.h"
#include "store/read.h"
#include "store/scan.h"

/* Tables whose rows are read from the file itself, by leaf.h. */
enum table { FIGURES, VALUES, TABLES };

enum { VALUE_TEXT = 1, VALUE_COLUMNS };

static const char doing[] = "reading objects in order";

struct nec_scan {
	struct nec_db *db; /* its own */
	sqlite3_stmt *pages;
	struct nec_leaf *tables[TABLES];
	bool ended[TABLES];        /* no row is left, or it was not asked for */
	uint64_t row_addr[TABLES]; /* of the row that the table stands at */
	uint64_t to;
	uint32_t count; /* objects in the dump */
	struct nec_pack_page page;
	uint8_t *blob; /* what page points into */
	size_t blob_size;
	bool has_page, done;
	uint32_t index; /* of the current object in page */
	uint64_t addr;
	uint32_t next_id;
	struct nec_edge *edges;
	uint32_t edge_count, edge_capacity;
	bool edges_read;
};

static struct nec_error *scan_error(struct nec_scan *s, int rc)
{
	return rc == SQLITE_OK ? NULL : nec_read_error(s->db, rc, doing);
}

/* The page that begins at or below addr. */
static struct nec_error *first_page(struct nec_scan *s, uint64_t addr, int64_t *key_ret)
{
	sqlite3_stmt *find;
	int rc = sqlite3_prepare_v2(
		s->db->db, "SELECT key FROM pack_out WHERE addr <= ?1 ORDER BY addr DESC LIMIT 1",
		-1, &find, NULL);

	*key_ret = 0;
	if (rc != SQLITE_OK)
		return scan_error(s, rc);
	sqlite3_bind_int64(find, 1, (int64_t)addr);
	rc = sqlite3_step(find);
	if (rc == SQLITE_ROW)
		*key_ret = sqlite3_column_int64(find, 0);
	sqlite3_finalize(find);
	if (*key_ret < 0)
		return scan_error(s, SQLITE_CORRUPT);
	return scan_error(s, rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

static struct nec_error *step_rows(struct nec_scan *s, enum table which)
{
	int64_t rowid;
	bool more;

	NEC_TRY(nec_leaf_next(s->tables[which], &rowid, &more));
	s->ended[which] = !more;
	s->row_addr[which] = more ? (uint64_t)rowid : 0;
	return NULL;
}

static struct nec_error *start(struct nec_scan *s, enum table which, const char *name,
			       uint64_t from)
{
	NEC_TRY(nec_leaf_open(s->db, name, (int64_t)from, &s->tables[which]));
	return step_rows(s, which);
}

static struct nec_error *start_pages(struct nec_scan *s, int64_t key)
{
	NEC_TRY(scan_error(
		s, sqlite3_prepare_v2(s->db->db,
				      "SELECT key, data FROM pack_out WHERE key >= ?1 ORDER BY key",
				      -1, &s->pages, NULL)));
	return scan_error(s, sqlite3_bind_int64(s->pages, 1, key));
}

/* The next row of pack_out as the page; *more_ret false behind the last. */
static struct nec_error *read_page(struct nec_scan *s, bool *more_ret)
{
	sqlite3_stmt *row = s->pages;
	int rc = sqlite3_step(row);
	const void *data;
	bool nomem = false;
	size_t size;

	*more_ret = false;
	if (rc == SQLITE_DONE)
		return NULL;
	if (rc != SQLITE_ROW)
		return scan_error(s, rc);
	data = sqlite3_column_blob(row, 1);
	size = (size_t)sqlite3_column_bytes(row, 1);
	if (!data || size > NEC_PACK_MAX_PAGE)
		return scan_error(s, SQLITE_CORRUPT);
	if (size > s->blob_size) {
		free(s->blob);
		s->blob_size = 0;
		s->blob = malloc(size);
		if (!s->blob)
			return &nec_enomem;
		s->blob_size = size;
	}
	memcpy(s->blob, data, size);
	nec_pack_page_deinit(&s->page);
	s->has_page = nec_pack_page_open_out(&s->page, (uint64_t)sqlite3_column_int64(row, 0),
					     s->blob, size, &nomem);
	if (!s->has_page)
		return nomem ? &nec_enomem : scan_error(s, SQLITE_CORRUPT);
	*more_ret = true;
	return NULL;
}

/* A page with objects, further parts of the last one passed over. */
static struct nec_error *next_page(struct nec_scan *s, bool *more_ret)
{
	do {
		NEC_TRY(read_page(s, more_ret));
	} while (*more_ret && s->page.part);
	/* Ids have to come one after the other: callers size arrays by their count. */
	if (*more_ret && (s->page.first != s->next_id || s->page.count > s->count - s->next_id))
		return scan_error(s, SQLITE_CORRUPT);
	s->index = 0;
	return NULL;
}

static struct nec_error *open_scan(struct nec_scan *s, unsigned int what, uint64_t from)
{
	uint64_t middle;
	int64_t key;
	bool more;

	NEC_TRY(nec_scan_extent(s->db, &s->count, &middle));
	NEC_TRY(first_page(s, from, &key));
	NEC_TRY(start_pages(s, key));
	s->ended[FIGURES] = !(what & NEC_SCAN_FIGURES);
	if (!s->ended[FIGURES])
		NEC_TRY(start(s, FIGURES, "object", from));
	s->ended[VALUES] = !(what & NEC_SCAN_VALUES);
	if (!s->ended[VALUES])
		NEC_TRY(start(s, VALUES, "value", from));
	s->next_id = (uint32_t)(key >> NEC_PACK_PART_BITS);
	if (s->next_id >= s->count)
		return scan_error(s, SQLITE_CORRUPT);
	NEC_TRY(next_page(s, &more));
	s->done = !more;
	while (more && s->page.addr[s->index] < from) {
		s->index++;
		s->next_id++;
		if (s->index < s->page.count)
			continue;
		NEC_TRY(next_page(s, &more));
		s->done = !more;
	}
	return NULL;
}

struct nec_error *nec_scan_open(struct nec_db *db, unsigned int what, uint64_t from, uint64_t to,
				struct nec_scan **scan_ret)
{
	struct nec_scan *s = calloc(1, sizeof(*s));
	struct nec_error *err;

	if (!s)
		return &nec_enomem;
	s->to = to;
	err = nec_read_open_alone(db->path, &s->db);
	if (!err)
		err = open_scan(s, what, from);
	if (err) {
		nec_scan_close(s);
		return err;
	}
	*scan_ret = s;
	return NULL;
}

void nec_scan_close(struct nec_scan *s)
{
	if (!s)
		return;
	for (int i = 0; i < TABLES; i++)
		nec_leaf_close(s->tables[i]);
	sqlite3_finalize(s->pages);
	nec_pack_page_deinit(&s->page);
	nec_db_close(s->db);
	free(s->blob);
	free(s->edges);
	free(s);
}

struct nec_error *nec_scan_next(struct nec_scan *s, struct nec_scan_object *object_ret,
				bool *more_ret)
{
	*more_ret = !s->done;
	if (s->done)
		return NULL;
	if (s->index == s->page.count || s->page.part) {
		NEC_TRY(next_page(s, more_ret));
		s->done = !*more_ret;
		if (s->done)
			return NULL;
	}
	s->addr = s->page.addr[s->index];
	if (s->addr >= s->to) {
		*more_ret = false;
		s->done = true;
		return NULL;
	}
	*object_ret = (struct nec_scan_object){
		.id = s->next_id, .type = s->page.type[s->index], .addr = s->addr};
	s->next_id++;
	s->index++;
	s->edges_read = false;
	return NULL;
}

static struct nec_error *add_edge(struct nec_scan *s, const struct nec_packed_ref *ref)
{
	if (s->edge_count == s->edge_capacity) {
		uint32_t want = s->edge_capacity ? s->edge_capacity * 2 : 256;
		struct nec_edge *p =
			want > s->edge_capacity ? reallocarray(s->edges, want, sizeof(*p)) : NULL;

		if (!p)
			return &nec_enomem;
		s->edges = p;
		s->edge_capacity = want;
	}
	s->edges[s->edge_count++] = (struct nec_edge){
		.src = s->next_id - 1,
		.dst = ref->dst,
		.kind = ref->kind,
		.label_kind = ref->label_kind,
		.label = ref->label,
	};
	return NULL;
}

static struct nec_error *read_part(struct nec_scan *s, uint32_t index)
{
	enum nec_pack_result result;
	struct nec_packed_ref ref;
	struct nec_pack_iter it;

	nec_pack_iter_init(&it, &s->page, index);
	while ((result = nec_pack_next_ref(&it, &ref)) == NEC_PACK_ROW)
		if (ref.dst < s->count)
			NEC_TRY(add_edge(s, &ref));
	return result == NEC_PACK_DONE ? NULL : scan_error(s, SQLITE_CORRUPT);
}

struct nec_error *nec_scan_edges(struct nec_scan *s, const struct nec_edge **edges_ret,
				 uint32_t *count_ret)
{
	bool more;

	if (!s->edges_read) {
		s->edges_read = true;
		s->edge_count = 0;
		NEC_TRY(read_part(s, s->index - 1));
		/* The last object of a page may go on in pages of its own. */
		while (s->page.more && (s->page.part || s->index == s->page.count)) {
			NEC_TRY(read_page(s, &more));
			if (!more || !s->page.part || s->page.first != s->next_id - 1)
				return scan_error(s, SQLITE_CORRUPT);
			NEC_TRY(read_part(s, 0));
		}
	}
	*edges_ret = s->edges;
	*count_ret = s->edge_count;
	return NULL;
}

/* Does the statement stand at the current object? */
static struct nec_error *catch_up(struct nec_scan *s, enum table which, bool *there_ret)
{
	while (!s->ended[which] && s->row_addr[which] < s->addr)
		NEC_TRY(step_rows(s, which));
	*there_ret = !s->ended[which] && s->row_addr[which] == s->addr;
	return NULL;
}

struct nec_error *nec_scan_figures(struct nec_scan *s, struct nec_scan_figures *ret)
{
	struct nec_leaf_cell cells[NEC_LEAF_COLUMNS];
	bool there;

	*ret = (struct nec_scan_figures){.retained = -1};
	NEC_TRY(catch_up(s, FIGURES, &there));
	if (!there)
		return NULL;
	NEC_TRY(nec_leaf_cells(s->tables[FIGURES], NEC_OBJECT_COLUMNS, cells));
	/* Sums of what somebody else wrote may be anything. */
	if (__builtin_add_overflow(cells[NEC_OBJECT_SIZE].i, cells[NEC_OBJECT_NATIVE_SIZE].i,
				   &ret->size))
		ret->size = cells[NEC_OBJECT_SIZE].i;
	if (cells[NEC_OBJECT_RETAINED].type == NEC_LEAF_INT)
		ret->retained = cells[NEC_OBJECT_RETAINED].i;
	ret->idom = (uint64_t)cells[NEC_OBJECT_IDOM].i;
	ret->flags = (uint32_t)cells[NEC_OBJECT_ROW_FLAGS].i;
	return NULL;
}

struct nec_error *nec_scan_alike(struct nec_scan *a, struct nec_scan *b, unsigned int what,
				 bool *alike_ret)
{
	enum table which = what == NEC_SCAN_VALUES ? VALUES : FIGURES;
	bool in_a, in_b;

	NEC_TRY(catch_up(a, which, &in_a));
	NEC_TRY(catch_up(b, which, &in_b));
	*alike_ret = in_a && in_b &&
		     nec_leaf_alike(a->tables[which], b->tables[which],
				    which == FIGURES ? NEC_OBJECT_TYPE + 1 : VALUE_TEXT);
	return NULL;
}

struct nec_error *nec_scan_value(struct nec_scan *s, const char **text_ret, size_t *size_ret)
{
	struct nec_leaf_cell cells[NEC_LEAF_COLUMNS];
	bool there;

	*text_ret = NULL;
	*size_ret = 0;
	NEC_TRY(catch_up(s, VALUES, &there));
	if (!there)
		return NULL;
	NEC_TRY(nec_leaf_cells(s->tables[VALUES], VALUE_COLUMNS, cells));
	if (cells[VALUE_TEXT].type != NEC_LEAF_TEXT)
		return NULL;
	*text_ret = (const char *)cells[VALUE_TEXT].data;
	*size_ret = cells[VALUE_TEXT].size;
	return NULL;
}

struct nec_error *nec_scan_extent(struct nec_db *db, uint32_t *count_ret, uint64_t *middle_ret)
{
	sqlite3_stmt *s;
	int64_t count = 0;
	int rc = sqlite3_prepare_v2(
		db->db, "SELECT (key >> 24) + count FROM pack_out ORDER BY key DESC LIMIT 1", -1,
		&s, NULL);

	if (rc != SQLITE_OK)
		return nec_read_error(db, rc, doing);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		count = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return nec_read_error(db, rc, doing);
	if (count <= 0)
		return nec_error_create(NEC_ERR_NOTFOUND, "this dump has no objects");
	if (count >= UINT32_MAX)
		return nec_read_error(db, SQLITE_CORRUPT, doing);
	*count_ret = (uint32_t)count;
	*middle_ret = 0;
	rc = sqlite3_prepare_v2(
		db->db,
		"SELECT addr FROM pack_out WHERE key >= ?1 AND addr IS NOT NULL ORDER BY key LIMIT 1",
		-1, &s, NULL);
	if (rc != SQLITE_OK)
		return nec_read_error(db, rc, doing);
	sqlite3_bind_int64(s, 1, count / 2 << NEC_PACK_PART_BITS);
	if (sqlite3_step(s) == SQLITE_ROW)
		*middle_ret = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return NULL;
}

uint32_t nec_scan_count(struct nec_db *db)
{
	uint32_t count = 0;
	uint64_t middle;

	nec_error_destroy(nec_scan_extent(db, &count, &middle));
	return count;
}
