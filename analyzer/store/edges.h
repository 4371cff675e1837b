/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packed references of an open database for those who walk a graph: ids and addresses,
 * neighbours of an id (neighbours.h), and all edges from front to back. The reference of an object
 * to its type is among them.
 */
#ifndef NEC_STORE_EDGES_H
#define NEC_STORE_EDGES_H

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "neighbours.h"
#include "necropsy.h"

struct nec_edges;

/* db is borrowed. NEC_ERR_NOTFOUND: the dump has no objects. */
struct nec_error *nec_edges_open(struct nec_db *db, struct nec_edges **edges_ret);
void nec_edges_close(struct nec_edges *edges); /* NULL is fine */

static inline void nec_edges_closep(struct nec_edges **edgesp)
{
	nec_edges_close(*edgesp);
}

uint32_t nec_edges_count(const struct nec_edges *edges); /* of objects */

/* NEC_ERR_NOTFOUND when there is no object at addr. */
struct nec_error *nec_edges_id(struct nec_edges *edges, uint64_t addr, uint32_t *id_ret);
struct nec_error *nec_edges_object(struct nec_edges *edges, uint32_t id, uint64_t *addr_ret,
				   uint32_t *type_ret);

/* Adds what the edge is called: .name ['key'] [3] +0x18, or nothing. */
struct nec_error *nec_edges_label(struct nec_edges *edges, const struct nec_edge *edge,
				  struct nec_text *text);

/* Borrowed until edges is closed. */
struct nec_neighbours *nec_edges_neighbours(struct nec_edges *edges);

/* An object with all its edges, borrowed until the next one. */
typedef struct nec_error *(*nec_edges_fn)(void *arg, uint32_t id, uint64_t addr, uint32_t type,
					  const struct nec_edge *edges, uint32_t count);

/* All objects in order. */
struct nec_error *nec_edges_scan(struct nec_edges *edges, nec_edges_fn fn, void *arg,
				 struct nec_progress *progress);

#endif
