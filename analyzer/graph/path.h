/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths from the roots to a node, shortest first.
 *
 * The search goes backwards from the node, A* with the stored distances as lower bound: where
 * nothing is excluded, it descends straight to the nearest root, and a hub with millions of
 * referrers is read as far as the first one that is as near as can be. Exclusions only make paths
 * longer, so the bound holds. No limit on depth.
 */
#ifndef NEC_GRAPH_PATH_H
#define NEC_GRAPH_PATH_H

#include "graph/graph.h"
#include "neighbours.h"

struct nec_path {
	uint32_t *ids; /* [count], from a root to the node */
	uint32_t count;
};

struct nec_path_set {
	struct nec_path *paths;
	uint32_t count;
	/* The budget ran out before the paths did: there may be more, and, with count 0, there may
	 * be one. */
	bool exhausted;
};

struct nec_path_query {
	struct nec_neighbours *neighbours;
	uint32_t node;
	uint32_t max_paths; /* at least 1 */
	/* May a path begin at this node? */
	bool (*is_root)(void *arg, uint32_t id);
	/* May a path use this edge? NULL: any. */
	bool (*allow)(void *arg, const struct nec_edge *edge);
	void *arg;
	/* Search without lower bounds: for edges that distances know nothing of (weak ones), or
	 * from a node of one's own. */
	bool unguided;
	uint64_t budget; /* referrers to look at in all; 0: no limit */
	struct nec_progress *progress;
};

/*
 * The shortest path, and then those that differ from it as near to the node as possible: first by
 * another holder of the node itself, shortest first, then by another holder of its holder on the
 * first path, and so on.
 */
struct nec_error *nec_path_find(const struct nec_path_query *query, struct nec_path_set *set_ret);
void nec_path_set_deinit(struct nec_path_set *set);

/* Edges in arrays; distance as nec_graph_dominators or nec_graph_distances left it. All borrowed.
 */
struct nec_graph_neighbours {
	struct nec_neighbours base; /* pass its address */
	const struct nec_graph *graph, *reverse;
	const uint32_t *distance;
};

void nec_graph_neighbours_init(struct nec_graph_neighbours *n, const struct nec_graph *graph,
			       const struct nec_graph *reverse, const uint32_t *distance);

#endif
