/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small random graphs of all shapes, as a list of edges and in rows; the same for the same seed. */
#ifndef NEC_TESTS_SAMPLE_GRAPH_H
#define NEC_TESTS_SAMPLE_GRAPH_H

#include <string.h>

#include "graph/graph.h"
#include "tests/unit.h"

enum { MAX_NODES = 40, MAX_EDGES = 160, MAX_ROOTS = 6 };

struct sample {
	uint32_t node_count, edge_count, root_count;
	uint32_t src[MAX_EDGES], dst[MAX_EDGES], roots[MAX_ROOTS];
	int64_t own[MAX_NODES];
};

static uint32_t seed;

static inline uint32_t below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

/* Edges of all shapes, in order of their source: loops, duplicates, chains, islands. */
static inline void make_sample(struct sample *s)
{
	uint32_t i, j, span, edges, shape = below(4);

	memset(s, 0, sizeof(*s));
	s->node_count = 1 + below(MAX_NODES);
	s->root_count = below(MAX_ROOTS + 1);
	for (i = 0; i < s->root_count; i++)
		s->roots[i] = below(s->node_count);
	for (i = 0; i < s->node_count; i++) {
		s->own[i] = below(1000);
		edges = below(shape == 0 ? 2 : shape == 1 ? 6 : 4);
		if (shape == 3 && below(5))
			edges = 0;
		for (j = 0; j < edges && s->edge_count < MAX_EDGES; j++) {
			span = shape == 2 ? 5 : s->node_count;
			s->src[s->edge_count] = i;
			s->dst[s->edge_count++] = (i + below(span)) % s->node_count;
		}
	}
}

static inline void make_graph(const struct sample *s, struct nec_graph *g)
{
	uint32_t e, n;

	ck_assert_no_error(nec_graph_init(g, "/tmp", s->node_count));
	for (e = 0; e < s->edge_count; e += n) {
		for (n = 1; e + n < s->edge_count && s->src[e + n] == s->src[e];)
			n++;
		ck_assert_no_error(nec_graph_add(g, s->src[e], s->dst + e, n));
	}
	ck_assert_no_error(nec_graph_finish(g));
}

#endif
