/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reference graph in compressed rows: ids and edges, no Python, no SQLite.
 *
 * Node ids are dense 32-bit numbers; the edges of node i are to[start[i]] .. to[start[i + 1] - 1]. Arrays live in temporary
 * files (base/tmparray.h), so a graph larger than memory is slow and not fatal. Nothing here recurses.
 */
#ifndef NEC_GRAPH_GRAPH_H
#define NEC_GRAPH_GRAPH_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/tmparray.h"

#define NEC_NODE_NONE UINT32_MAX

struct nec_graph {
	uint32_t node_count;
	uint64_t edge_count;
	struct nec_tmparray start_array; /* uint64_t[node_count + 1] */
	struct nec_tmparray to_array;	 /* uint32_t[edge_count] */
};

static inline const uint64_t *nec_graph_start(const struct nec_graph *g)
{
	return g->start_array.data;
}

static inline const uint32_t *nec_graph_to(const struct nec_graph *g)
{
	return g->to_array.data;
}

/* An empty graph, growing in order of the source node: add every node's edges, ascending, then finish. */
struct nec_error *nec_graph_init(struct nec_graph *g, const char *tmpdir, uint32_t node_count);
/* Edges of node src; calls come in ascending order of src, nodes without edges may be left out,
 * and the same src again adds to its edges. */
struct nec_error *nec_graph_add(struct nec_graph *g, uint32_t src, const uint32_t *to, uint32_t count);
struct nec_error *nec_graph_finish(struct nec_graph *g);
void nec_graph_deinit(struct nec_graph *g);

/* The same edges the other way round; sources of a node ascend. By counting, prefix sums and filling. */
struct nec_error *nec_graph_reverse(const struct nec_graph *g, const char *tmpdir,
				    struct nec_graph *reverse_ret, struct nec_progress *progress);

/*
 * Immediate dominators and distances of all nodes from a virtual root above `roots` (duplicates are fine).
 * idom[i]: the immediate dominator; NEC_NODE_NONE when it is the virtual root itself or i is not reachable.
 * distance[i]: edges on a shortest path, 1 for a root; 0 when i is not reachable. Arrays of node_count, the
 * caller's. Leaves (nodes without outgoing edges, but for edges to roots) stay out of the computation and are attached afterwards to the
 * nearest common dominator of their referrers. Algorithm: semi-NCA (Georgiadis 2005) over a depth-first order.
 */
struct nec_error *nec_graph_dominators(const struct nec_graph *g, const struct nec_graph *reverse,
				       const uint32_t *roots, uint32_t root_count, const char *tmpdir,
				       uint32_t *idom, uint32_t *distance,
				       struct nec_progress *progress);

/*
 * Roots that belong together, as those of a thread: each group is a node of its own between the virtual root and its
 * roots. Columns are as without groups, and nodes_ret gets the nodes that a group dominates immediately.
 */
struct nec_root_groups {
	const uint32_t *group; /* of each root; NEC_NODE_NONE: none */
	uint32_t count;
	struct nec_tmparray *nodes_ret; /* struct nec_group_node[], an initialized array */
};

struct nec_group_node {
	uint32_t node, group;
};

/* nec_graph_dominators with groups, which may be NULL. */
struct nec_error *nec_graph_group_dominators(const struct nec_graph *g,
					     const struct nec_graph *reverse, const uint32_t *roots,
					     uint32_t root_count,
					     const struct nec_root_groups *groups,
					     const char *tmpdir, uint32_t *idom, uint32_t *distance,
					     struct nec_progress *progress);

/*
 * retained[i] = own[i] + the retained sizes of all nodes that i dominates immediately; retained and own may be the same
 * array. What is not reachable retains itself alone. total_ret: the sum over what is reachable.
 */
struct nec_error *nec_graph_retained(const uint32_t *idom, const uint32_t *distance,
				     uint32_t node_count, const int64_t *own, int64_t *retained,
				     const char *tmpdir, int64_t *total_ret);

#endif
