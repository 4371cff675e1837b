/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects of a database from the first to the last address, each with as much of it as was
 * asked for: what a merge of two databases reads. The tables are in that order already, so
 * nothing is sorted and one page of each is in memory at a time.
 *
 * A scan has a connection of its own, so that several may run on threads of their own.
 */
#ifndef NEC_STORE_SCAN_H
#define NEC_STORE_SCAN_H

#include "base/error.h"
#include "neighbours.h"
#include "necropsy.h"

enum {
	NEC_SCAN_FIGURES = 1, /* of the table object */
	NEC_SCAN_VALUES = 2,
};

struct nec_scan;

struct nec_scan_object {
	uint32_t id; /* dense, as in edges.h */
	uint32_t type;
	uint64_t addr;
};

/* Bytes; retained -1: not known; idom 0: none. */
struct nec_scan_figures {
	int64_t size; /* with native bytes */
	int64_t retained;
	uint64_t idom;
	uint32_t flags;
};

/* Objects with from <= addr < to. db is borrowed for its name alone. NEC_ERR_NOTFOUND: the dump has
 * no objects. */
struct nec_error *nec_scan_open(struct nec_db *db, unsigned int what, uint64_t from, uint64_t to,
				struct nec_scan **scan_ret);
void nec_scan_close(struct nec_scan *scan); /* NULL is fine */

static inline void nec_scan_closep(struct nec_scan **scanp)
{
	nec_scan_close(*scanp);
}

/* The next object; *more_ret false behind the last. */
struct nec_error *nec_scan_next(struct nec_scan *scan, struct nec_scan_object *object_ret,
				bool *more_ret);

/* Of the current object. Its references (not the one to its type); borrowed until the next call. */
struct nec_error *nec_scan_edges(struct nec_scan *scan, const struct nec_edge **edges_ret,
				 uint32_t *count_ret);
/* All unknown when the table has no row for it, which is damage that nobody needs to die of. */
struct nec_error *nec_scan_figures(struct nec_scan *scan, struct nec_scan_figures *ret);
/* Are the rows that the current objects of two scans have in a table (NEC_SCAN_*) the same, byte
 * for byte? Then so is what they say, which need not be unpacked to know that. */
struct nec_error *nec_scan_alike(struct nec_scan *a, struct nec_scan *b, unsigned int what,
				 bool *alike_ret);
/* NULL: no value is kept. Borrowed until the next call. */
struct nec_error *nec_scan_value(struct nec_scan *scan, const char **text_ret, size_t *size_ret);

/* The number of objects, and the address in their middle, where a scan is cut in two. */
struct nec_error *nec_scan_extent(struct nec_db *db, uint32_t *count_ret, uint64_t *middle_ret);

/* The number alone; 0 where the dump has none. What cannot be read is found out when it is. */
uint32_t nec_scan_count(struct nec_db *db);

#endif
