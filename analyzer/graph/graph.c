/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reference graph in compressed rows: building it and turning it round; see graph.h. */
#include <assert.h>

#include "graph/graph.h"

enum {
	/* How far ahead of the edge at work memory is asked for: hides a miss of some 100 ns. */
	AHEAD = 32,
	STEP = 1 << 20, /* nodes between two calls of nec_progress_step */
};

static const char stage[] = "turning references round";

/* Gives all rows up to and including that of node a start. */
static struct nec_error *begin_row(struct nec_graph *g, uint64_t node)
{
	uint64_t row = g->start_array.size / sizeof(uint64_t), *start;

	NEC_TRY(nec_tmparray_resize(&g->start_array, (node + 1) * sizeof(uint64_t)));
	start = g->start_array.data;
	for (; row <= node; row++)
		start[row] = g->edge_count;
	return NULL;
}

struct nec_error *nec_graph_init(struct nec_graph *g, const char *tmpdir, uint32_t node_count)
{
	struct nec_error *err;

	*g = (struct nec_graph){
		.node_count = node_count,
		.start_array = NEC_TMPARRAY_INIT,
		.to_array = NEC_TMPARRAY_INIT,
	};
	assert(node_count != NEC_NODE_NONE);
	err = nec_tmparray_init(&g->start_array, tmpdir);
	if (!err)
		err = nec_tmparray_init(&g->to_array, tmpdir);
	if (!err)
		err = nec_tmparray_reserve(&g->start_array,
					   ((size_t)node_count + 1) * sizeof(uint64_t));
	if (err)
		nec_graph_deinit(g);
	return err;
}

struct nec_error *nec_graph_add(struct nec_graph *g, uint32_t src, const uint32_t *to,
				uint32_t count)
{
	uint32_t i;

	assert(src < g->node_count);
	assert(g->start_array.size <= ((uint64_t)src + 1) * sizeof(uint64_t));
	for (i = 0; i < count; i++)
		if (to[i] >= g->node_count)
			return nec_error_create(NEC_ERR_USAGE,
						"edge %u -> %u in a graph of %u nodes", src, to[i],
						g->node_count);
	NEC_TRY(begin_row(g, src));
	NEC_TRY(nec_tmparray_append(&g->to_array, to, (size_t)count * sizeof(*to)));
	g->edge_count += count;
	return NULL;
}

struct nec_error *nec_graph_finish(struct nec_graph *g)
{
	return begin_row(g, g->node_count);
}

void nec_graph_deinit(struct nec_graph *g)
{
	nec_tmparray_deinit(&g->start_array);
	nec_tmparray_deinit(&g->to_array);
	g->node_count = 0;
	g->edge_count = 0;
}

/* start[i + 1] = edges that arrive at node i. */
static void count_arrivals(const struct nec_graph *g, uint64_t *start)
{
	const uint32_t *to = nec_graph_to(g);
	uint64_t e, n = g->edge_count;

	for (e = 0; e < n; e++) {
		if (e + AHEAD < n)
			__builtin_prefetch(&start[to[e + AHEAD] + 1], 1);
		start[to[e] + 1]++;
	}
}

/* Writes src to the next free place of each node it points at; start[i + 1] is that place. */
static void fill_row(const struct nec_graph *g, uint32_t src, uint64_t *start, uint32_t *from)
{
	const uint32_t *to = nec_graph_to(g);
	uint64_t e, n = g->edge_count, end = nec_graph_start(g)[src + 1];

	for (e = nec_graph_start(g)[src]; e < end; e++) {
		if (e + AHEAD < n) {
			__builtin_prefetch(&start[to[e + AHEAD] + 1], 1);
			__builtin_prefetch(&from[start[to[e + AHEAD / 2] + 1]], 1);
		}
		from[start[to[e] + 1]++] = src;
	}
}

static struct nec_error *reverse_into(const struct nec_graph *g, struct nec_graph *r,
				      struct nec_progress *progress)
{
	uint64_t *start, sum = 0, arrivals;
	uint32_t i;

	NEC_TRY(nec_tmparray_resize(&r->start_array,
				    ((size_t)g->node_count + 1) * sizeof(uint64_t)));
	NEC_TRY(nec_tmparray_resize(&r->to_array, g->edge_count * sizeof(uint32_t)));
	r->edge_count = g->edge_count;
	start = r->start_array.data;
	NEC_TRY(nec_progress_step(progress, stage, 0, g->node_count));
	count_arrivals(g, start);
	/* start[i + 1] becomes where row i begins; filling moves it on to where row i ends, as it
	 * has to be. */
	for (i = 0; i < g->node_count; i++) {
		arrivals = start[i + 1];
		start[i + 1] = sum;
		sum += arrivals;
	}
	for (i = 0; i < g->node_count; i++) {
		if (i % STEP == 0)
			NEC_TRY(nec_progress_step(progress, stage, i, g->node_count));
		fill_row(g, i, start, r->to_array.data);
	}
	return NULL;
}

struct nec_error *nec_graph_reverse(const struct nec_graph *g, const char *tmpdir,
				    struct nec_graph *reverse_ret, struct nec_progress *progress)
{
	struct nec_error *err;

	NEC_TRY(nec_graph_init(reverse_ret, tmpdir, g->node_count));
	err = reverse_into(g, reverse_ret, progress);
	if (err)
		nec_graph_deinit(reverse_ret);
	return err;
}
