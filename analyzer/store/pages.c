/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unpacked pages behind a small cache, see pages.h. Pages are held by count, so that a walk keeps
 * its page while labels of its rows push others through the cache.
 */
#include <stdlib.h>
#include <string.h>

#include "store/pages.h"

enum {
	CACHE_PAGES = 64,  /* of each direction; at most 130 KiB each */
	TYPE_SLOTS = 1024, /* addresses of types, by id */
};

struct nec_cached_page {
	struct nec_pack_page page;
	uint8_t *blob;    /* what page points into, owned */
	uint64_t used;    /* clock of the last use */
	uint32_t holders; /* the cache is one of them */
};

enum statement { PAGE_OUT, PAGE_IN, PAGE_OF_ADDR, TYPE_ADDR, TYPE_AT, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[PAGE_OUT] = "SELECT key, data FROM pack_out WHERE key <= ?1 ORDER BY key DESC LIMIT 1",
	[PAGE_IN] = "SELECT key, data FROM pack_in WHERE key <= ?1 ORDER BY key DESC LIMIT 1",
	[PAGE_OF_ADDR] = "SELECT key FROM pack_out WHERE addr <= ?1 ORDER BY addr DESC LIMIT 1",
	[TYPE_ADDR] = "SELECT o.addr FROM type t JOIN object o ON o.addr = t.addr WHERE t.id = ?1",
	[TYPE_AT] = "SELECT id FROM type WHERE addr = ?1 ORDER BY id LIMIT 1",
};

struct nec_pages {
	sqlite3 *db; /* borrowed */
	sqlite3_stmt *statements[STATEMENTS];
	struct nec_cached_page *cache[2][CACHE_PAGES]; /* [out] */
	uint64_t clock;
	struct {
		uint32_t type; /* + 1; 0: empty */
		int rc;
		int64_t addr;
	} types[TYPE_SLOTS];
};

struct nec_pages *nec_pages_create(sqlite3 *db)
{
	struct nec_pages *pages = calloc(1, sizeof(*pages));

	if (pages)
		pages->db = db;
	return pages;
}

static void release(struct nec_cached_page *page)
{
	if (!page || --page->holders)
		return;
	nec_pack_page_deinit(&page->page);
	free(page->blob);
	free(page);
}

void nec_pages_destroy(struct nec_pages *pages)
{
	unsigned int i, j;

	if (!pages)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(pages->statements[i]);
	for (i = 0; i < 2; i++)
		for (j = 0; j < CACHE_PAGES; j++)
			release(pages->cache[i][j]);
	free(pages);
}

/* Prepares (once) and binds. The caller resets. */
static int start(struct nec_pages *pages, enum statement which, int64_t value, sqlite3_stmt **ret)
{
	int rc;

	if (!pages->statements[which]) {
		rc = sqlite3_prepare_v3(pages->db, statement_sql[which], -1,
					SQLITE_PREPARE_PERSISTENT, &pages->statements[which], NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	*ret = pages->statements[which];
	return sqlite3_bind_int64(*ret, 1, value);
}

/* One integer, or SQLITE_NOTFOUND. */
static int lookup(struct nec_pages *pages, enum statement which, int64_t value, int64_t *ret)
{
	sqlite3_stmt *s;
	int rc = start(pages, which, value, &s);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_INTEGER) {
		*ret = sqlite3_column_int64(s, 0);
		rc = SQLITE_OK;
	} else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		rc = SQLITE_NOTFOUND;
	}
	sqlite3_reset(s);
	return rc;
}

static bool page_has(const struct nec_cached_page *p, uint32_t id, uint32_t part)
{
	return p->page.part == part && id >= p->page.first && id - p->page.first < p->page.count;
}

/* The page of a row (key, data). */
static int make_page(sqlite3_stmt *row, bool out, struct nec_cached_page **ret)
{
	struct nec_cached_page *p = calloc(1, sizeof(*p));
	size_t size = (size_t)sqlite3_column_bytes(row, 1);
	const void *data = sqlite3_column_blob(row, 1);
	uint64_t key = (uint64_t)sqlite3_column_int64(row, 0);
	bool nomem = false, ok;

	if (!p)
		return SQLITE_NOMEM;
	p->holders = 1;
	if (!data || size > NEC_PACK_MAX_PAGE) {
		release(p);
		return SQLITE_CORRUPT;
	}
	p->blob = malloc(size);
	if (!p->blob) {
		release(p);
		return SQLITE_NOMEM;
	}
	memcpy(p->blob, data, size);
	ok = out ? nec_pack_page_open_out(&p->page, key, p->blob, size, &nomem)
		 : nec_pack_page_open_in(&p->page, key, p->blob, size, &nomem);
	if (!ok) {
		release(p);
		return nomem ? SQLITE_NOMEM : SQLITE_CORRUPT;
	}
	*ret = p;
	return SQLITE_OK;
}

/* The page with that part of id's edges, borrowed until the next call. */
static int get_page(struct nec_pages *pages, bool out, uint32_t id, uint32_t part,
		    struct nec_cached_page **ret)
{
	struct nec_cached_page **cache = pages->cache[out], **slot = &cache[0], *p = NULL;
	sqlite3_stmt *s;
	unsigned int i;
	int rc;

	for (i = 0; i < CACHE_PAGES; i++) {
		if (cache[i] && page_has(cache[i], id, part)) {
			cache[i]->used = ++pages->clock;
			*ret = cache[i];
			return SQLITE_OK;
		}
		if (!cache[i] || (*slot && cache[i]->used < (*slot)->used))
			slot = &cache[i];
	}
	rc = start(pages, out ? PAGE_OUT : PAGE_IN, (int64_t)nec_pack_key(id, part), &s);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		rc = make_page(s, out, &p);
	else if (rc == SQLITE_DONE)
		rc = SQLITE_NOTFOUND;
	sqlite3_reset(s);
	if (rc != SQLITE_OK)
		return rc;
	if (!page_has(p, id, part)) {
		release(p);
		/* A further part that is not there is damage, an id may just be too high. */
		return part ? SQLITE_CORRUPT : SQLITE_NOTFOUND;
	}
	release(*slot);
	*slot = p;
	p->used = ++pages->clock;
	*ret = p;
	return SQLITE_OK;
}

/* The page that addr would be in, and the first object of it that is not below addr (may be behind
 * its last one). */
static int find_addr(struct nec_pages *pages, int64_t addr, struct nec_cached_page **page_ret,
		     uint32_t *index_ret)
{
	struct nec_cached_page *p;
	uint32_t low = 0, high;
	int64_t key;
	int rc = lookup(pages, PAGE_OF_ADDR, addr, &key);

	if (rc != SQLITE_OK)
		return rc;
	if (key < 0 || key >> 56)
		return SQLITE_CORRUPT;
	rc = get_page(pages, true, (uint32_t)(key >> NEC_PACK_PART_BITS), 0, &p);
	if (rc != SQLITE_OK)
		return rc;
	high = p->page.count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->page.addr[middle] < (uint64_t)addr)
			low = middle + 1;
		else
			high = middle;
	}
	*page_ret = p;
	*index_ret = low;
	return SQLITE_OK;
}

int nec_pages_id(struct nec_pages *pages, int64_t addr, uint32_t *id_ret)
{
	struct nec_cached_page *p;
	uint32_t index;
	int rc = find_addr(pages, addr, &p, &index);

	if (rc != SQLITE_OK)
		return rc;
	if (index == p->page.count || p->page.addr[index] != (uint64_t)addr)
		return SQLITE_NOTFOUND;
	*id_ret = p->page.first + index;
	return SQLITE_OK;
}

int nec_pages_id_from(struct nec_pages *pages, int64_t addr, uint32_t *id_ret)
{
	struct nec_cached_page *p;
	uint32_t index;
	int rc = find_addr(pages, addr, &p, &index);

	/* Below the first page. */
	*id_ret = 0;
	if (rc == SQLITE_OK)
		*id_ret = p->page.first + index;
	return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

int nec_pages_object(struct nec_pages *pages, uint32_t id, int64_t *addr_ret, uint32_t *type_ret)
{
	struct nec_cached_page *p;
	int rc = get_page(pages, true, id, 0, &p);

	if (rc != SQLITE_OK)
		return rc;
	*addr_ret = (int64_t)p->page.addr[id - p->page.first];
	*type_ret = p->page.type[id - p->page.first];
	return SQLITE_OK;
}

int nec_pages_addr(struct nec_pages *pages, uint32_t id, int64_t *addr_ret)
{
	uint32_t type;

	return nec_pages_object(pages, id, addr_ret, &type);
}

int nec_pages_type_addr(struct nec_pages *pages, uint32_t type, int64_t *addr_ret)
{
	unsigned int slot = type & (TYPE_SLOTS - 1);
	int rc;

	if (type == UINT32_MAX)
		return SQLITE_NOTFOUND;
	if (pages->types[slot].type != type + 1) {
		rc = lookup(pages, TYPE_ADDR, type, &pages->types[slot].addr);
		if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
			return rc;
		pages->types[slot].type = type + 1;
		pages->types[slot].rc = rc;
	}
	*addr_ret = pages->types[slot].addr;
	return pages->types[slot].rc;
}

int nec_pages_type_at(struct nec_pages *pages, int64_t addr, uint32_t *type_ret)
{
	int64_t type = 0;
	int rc = lookup(pages, TYPE_AT, addr, &type);

	if (rc == SQLITE_OK && (type < 0 || type >= UINT32_MAX))
		return SQLITE_NOTFOUND;
	if (rc == SQLITE_OK)
		*type_ret = (uint32_t)type;
	return rc;
}

int nec_pages_walk(struct nec_pages *pages, bool out, uint32_t id, struct nec_pages_walk *walk)
{
	struct nec_cached_page *p;
	int rc = get_page(pages, out, id, 0, &p);

	nec_pages_walk_end(walk);
	if (rc != SQLITE_OK)
		return rc;
	p->holders++;
	*walk = (struct nec_pages_walk){.pages = pages, .page = p, .id = id, .out = out};
	nec_pack_iter_init(&walk->it, &p->page, id - p->page.first);
	return SQLITE_OK;
}

/* What an iterator said as a result code; goes to the next part where there is one. */
static int next_part(struct nec_pages_walk *walk, enum nec_pack_result result)
{
	struct nec_cached_page *p;
	int rc;

	if (result == NEC_PACK_ROW)
		return SQLITE_ROW;
	if (result == NEC_PACK_DAMAGED)
		return SQLITE_CORRUPT;
	if (!walk->page->page.more ||
	    walk->id - walk->page->page.first != walk->page->page.count - 1)
		return SQLITE_DONE;
	rc = get_page(walk->pages, walk->out, walk->id, walk->part + 1, &p);
	if (rc != SQLITE_OK)
		return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
	p->holders++;
	release(walk->page);
	walk->page = p;
	walk->part++;
	nec_pack_iter_init(&walk->it, &p->page, 0);
	return SQLITE_OK;
}

int nec_pages_walk_ref(struct nec_pages_walk *walk, struct nec_packed_ref *ret)
{
	int rc;

	do {
		rc = next_part(walk, nec_pack_next_ref(&walk->it, ret));
	} while (rc == SQLITE_OK);
	return rc;
}

int nec_pages_walk_source(struct nec_pages_walk *walk, uint32_t *src_ret)
{
	int rc;

	do {
		rc = next_part(walk, nec_pack_next_source(&walk->it, src_ret));
	} while (rc == SQLITE_OK);
	return rc;
}

void nec_pages_walk_end(struct nec_pages_walk *walk)
{
	release(walk->page);
	*walk = (struct nec_pages_walk){0};
}
