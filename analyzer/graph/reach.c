/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reachability; see reach.h. */
#include <string.h>

#include "graph/reach.h"

enum { STEP = 1 << 18 };

static const char stage[] = "following references";

struct walk {
	const struct nec_graph *g;
	uint64_t *reached;         /* bitmap */
	uint32_t *distance;        /* may be NULL */
	struct nec_tmparray queue; /* uint32_t[]: nodes with edges that wait for their turn */
	struct nec_progress *progress;
};

/* A node that was reached over an edge from one at that distance. */
static struct nec_error *arrive(struct walk *w, uint32_t node, uint32_t distance)
{
	const uint64_t *start = nec_graph_start(w->g);

	nec_bit_set(w->reached, node);
	if (w->distance)
		w->distance[node] = distance + 1;
	if (start[node] == start[node + 1])
		return NULL;
	return nec_tmparray_append(&w->queue, &node, sizeof(node));
}

static struct nec_error *follow(struct walk *w)
{
	const uint64_t *start = nec_graph_start(w->g);
	const uint32_t *to = nec_graph_to(w->g), *queue;
	uint32_t node, distance;
	uint64_t e, head;

	for (head = 0; head < w->queue.size / sizeof(uint32_t); head++) {
		if (head % STEP == 0)
			NEC_TRY(nec_progress_step(w->progress, stage, head, w->g->node_count));
		queue = w->queue.data;
		if ((head + 9) * sizeof(uint32_t) <= w->queue.size) {
			__builtin_prefetch(&start[queue[head + 8]]);
			__builtin_prefetch(&to[start[queue[head + 4]]]);
		}
		node = queue[head];
		distance = w->distance ? w->distance[node] : 0;
		for (e = start[node]; e < start[node + 1]; e++)
			if (!nec_bit_get(w->reached, to[e]))
				NEC_TRY(arrive(w, to[e], distance));
	}
	return NULL;
}

static struct nec_error *walk(struct walk *w, const uint32_t *roots, uint32_t root_count,
			      const char *tmpdir)
{
	struct nec_error *err;
	uint32_t i;

	for (i = 0; i < root_count; i++)
		if (roots[i] >= w->g->node_count)
			return nec_error_create(NEC_ERR_USAGE, "root %u in a graph of %u nodes",
						roots[i], w->g->node_count);
	NEC_TRY(nec_tmparray_init(&w->queue, tmpdir));
	err = NULL;
	for (i = 0; i < root_count && !err; i++)
		if (!nec_bit_get(w->reached, roots[i]))
			err = arrive(w, roots[i], 0);
	if (!err)
		err = follow(w);
	nec_tmparray_deinit(&w->queue);
	return err;
}

struct nec_error *nec_graph_reach(const struct nec_graph *g, const uint32_t *roots,
				  uint32_t root_count, const char *tmpdir, uint64_t *reached,
				  struct nec_progress *progress)
{
	struct walk w = {
		.g = g, .reached = reached, .queue = NEC_TMPARRAY_INIT, .progress = progress};

	return walk(&w, roots, root_count, tmpdir);
}

struct nec_error *nec_graph_distances(const struct nec_graph *g, const uint32_t *roots,
				      uint32_t root_count, const char *tmpdir, uint32_t *distance,
				      struct nec_progress *progress)
{
	struct walk w = {
		.g = g, .distance = distance, .queue = NEC_TMPARRAY_INIT, .progress = progress};
	struct nec_tmparray reached;
	struct nec_error *err;

	if (!g->node_count)
		return NULL;
	NEC_TRY(nec_tmparray_init(&reached, tmpdir));
	err = nec_tmparray_resize(&reached, nec_bit_words(g->node_count) * sizeof(uint64_t));
	if (!err) {
		memset(distance, 0, (size_t)g->node_count * sizeof(*distance));
		w.reached = reached.data;
		err = walk(&w, roots, root_count, tmpdir);
	}
	nec_tmparray_deinit(&reached);
	return err;
}
