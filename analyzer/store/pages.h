/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packed references of one open database: addresses to ids and back, references and referrers
 * of an id. Keeps a few unpacked pages. Functions return SQLite's result codes; SQLITE_CORRUPT is a
 * damaged page, SQLITE_NOTFOUND a thing that is not there. Not for several threads at once, as the
 * connection itself.
 */
#ifndef NEC_STORE_PAGES_H
#define NEC_STORE_PAGES_H

#include "store/pack.h"
#include "store/sqlite.h"

struct nec_pages;

/* Statements are prepared at the first use. NULL: out of memory. */
struct nec_pages *nec_pages_create(sqlite3 *db);
void nec_pages_destroy(struct nec_pages *pages);

int nec_pages_id(struct nec_pages *pages, int64_t addr, uint32_t *id_ret);
/* The id of the first object at addr or above it, the number of objects when there is none. */
int nec_pages_id_from(struct nec_pages *pages, int64_t addr, uint32_t *id_ret);
int nec_pages_addr(struct nec_pages *pages, uint32_t id, int64_t *addr_ret);
int nec_pages_object(struct nec_pages *pages, uint32_t id, int64_t *addr_ret, uint32_t *type_ret);

/* The address of a type, where that is an object itself; SQLITE_NOTFOUND where not. */
int nec_pages_type_addr(struct nec_pages *pages, uint32_t type, int64_t *addr_ret);
/* The type whose type object lies at addr. */
int nec_pages_type_at(struct nec_pages *pages, int64_t addr, uint32_t *type_ret);

/* A walk through the edges of one object, across parts. Zeroed: no walk; end it before the pages
 * go. */
struct nec_pages_walk {
	struct nec_pages *pages;
	struct nec_cached_page *page; /* held */
	struct nec_pack_iter it;
	uint32_t id;
	uint32_t part;
	bool out;
};

/* Begins with the outgoing references (out) or the referrers of id; SQLITE_NOTFOUND: no such
 * object. */
int nec_pages_walk(struct nec_pages *pages, bool out, uint32_t id, struct nec_pages_walk *walk);
/* SQLITE_ROW, SQLITE_DONE or an error. The first for an outgoing, the second for a referrer walk.
 */
int nec_pages_walk_ref(struct nec_pages_walk *walk, struct nec_packed_ref *ret);
int nec_pages_walk_source(struct nec_pages_walk *walk, uint32_t *src_ret);
void nec_pages_walk_end(struct nec_pages_walk *walk);

#endif
