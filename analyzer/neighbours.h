/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Edges of objects one at a time, wherever they are kept: the seam between graph/, which walks, and
 * who has the edges (arrays in memory, or the packed pages of a database). Ids are dense from 0.
 */
#ifndef NEC_NEIGHBOURS_H
#define NEC_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* One reference; kind, label_kind and label are those of fact.h with ids for addresses (see struct
 * nec_packed_ref). */
struct nec_edge {
	uint32_t src, dst;
	uint8_t kind;       /* enum nec_ref_kind */
	uint8_t label_kind; /* enum nec_label_kind */
	uint64_t label;
};

/* Called for each neighbour in turn; sets *stop (false before) when it has seen enough. May start
 * other walks. */
typedef struct nec_error *(*nec_referrer_fn)(void *arg, uint32_t src, bool *stop);
typedef struct nec_error *(*nec_reference_fn)(void *arg, const struct nec_edge *edge, bool *stop);

struct nec_neighbours {
	uint32_t node_count;
	/* Referrers of dst: every node with an edge to it; may name one twice. Each walk has the
	 * same order. */
	struct nec_error *(*referrers)(struct nec_neighbours *n, uint32_t dst, nec_referrer_fn fn,
				       void *arg);
	/* Edges of src, weak ones included. */
	struct nec_error *(*references)(struct nec_neighbours *n, uint32_t src, nec_reference_fn fn,
					void *arg);
	/*
	 * A lower bound of the edges from above the roots to id: 1 for a root, never more than that
	 * of a referrer that retains it plus 1; 0 when nothing reaches it.
	 */
	struct nec_error *(*distance)(struct nec_neighbours *n, uint32_t id,
				      uint32_t *distance_ret);
};

#endif
