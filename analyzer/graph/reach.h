/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the roots reach, and how far away it is: breadth first over a graph in arrays. */
#ifndef NEC_GRAPH_REACH_H
#define NEC_GRAPH_REACH_H

#include <stdbool.h>

#include "graph/graph.h"

/* Bit i of a bitmap of uint64_t. */
static inline bool nec_bit_get(const uint64_t *bits, uint64_t i)
{
	return bits[i >> 6] >> (i & 63) & 1;
}

static inline void nec_bit_set(uint64_t *bits, uint64_t i)
{
	bits[i >> 6] |= UINT64_C(1) << (i & 63);
}

/* uint64_t words of a bitmap of count bits, never 0. */
static inline uint64_t nec_bit_words(uint64_t count)
{
	return count / 64 + 1;
}

/*
 * Marks in reached (a zeroed bitmap of node_count bits, where a bit that is set already is a node
 * that nothing may pass) what the roots reach. Roots outside of the graph are an error.
 */
struct nec_error *nec_graph_reach(const struct nec_graph *g, const uint32_t *roots,
				  uint32_t root_count, const char *tmpdir, uint64_t *reached,
				  struct nec_progress *progress);

/* distance[i] as nec_graph_dominators has it. */
struct nec_error *nec_graph_distances(const struct nec_graph *g, const uint32_t *roots,
				      uint32_t root_count, const char *tmpdir, uint32_t *distance,
				      struct nec_progress *progress);

#endif
