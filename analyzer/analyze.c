/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds what; see analyze.h. */
#include "analyze.h"

#include <stdlib.h>

#include "fact.h"
#include "graph/reach.h"

/* Is node i held by more than the edges to it? */
static bool is_held(const struct nec_analysis *a, const uint64_t *start, uint32_t i)
{
	if (a->flags && a->flags[i] & (NEC_OBJECT_IMMORTAL | NEC_OBJECT_STATIC))
		return true;
	return a->refcount[i] != UINT32_MAX && a->refcount[i] > start[i + 1] - start[i];
}

static struct nec_error *find_implied(struct nec_analysis *a, const struct nec_graph *reverse,
				      const uint64_t *reached)
{
	uint32_t i;

	for (i = 0; i < a->graph->node_count; i++)
		if (!nec_bit_get(reached, i) && is_held(a, nec_graph_start(reverse), i))
			NEC_TRY(nec_tmparray_append(&a->implied, &i, sizeof(i)));
	return NULL;
}

static struct nec_error *add_implied(struct nec_analysis *a, const struct nec_graph *reverse)
{
	_cleanup_free_ uint64_t *reached = NULL;

	if (!a->refcount)
		return NULL;
	reached = calloc(nec_bit_words(a->graph->node_count), sizeof(*reached));
	if (!reached)
		return &nec_enomem;
	NEC_TRY(nec_graph_reach(a->graph, a->roots, a->root_count, a->tmpdir, reached,
				a->progress));
	return find_implied(a, reverse, reached);
}

/* Counts objects and own bytes; before retained is computed in place. */
static void count_garbage(struct nec_analysis *a)
{
	uint32_t i;

	for (i = 0; i < a->graph->node_count; i++) {
		if (a->distance[i])
			continue;
		a->garbage_count++;
		if (__builtin_add_overflow(a->garbage_bytes, a->retained[i], &a->garbage_bytes))
			a->garbage_bytes = INT64_MAX;
	}
	a->reachable_count = a->graph->node_count - a->garbage_count;
}

static struct nec_error *fill_columns(struct nec_analysis *a, const struct nec_graph *reverse)
{
	uint32_t implied, i;
	_cleanup_free_ uint32_t *roots = NULL;

	NEC_TRY(add_implied(a, reverse));
	implied = (uint32_t)(a->implied.size / sizeof(uint32_t));
	roots = reallocarray(NULL, (size_t)a->root_count + implied + 1, sizeof(*roots));
	if (!roots)
		return &nec_enomem;
	for (i = 0; i < a->root_count; i++)
		roots[i] = a->roots[i];
	for (i = 0; i < implied; i++)
		roots[a->root_count + i] = ((const uint32_t *)a->implied.data)[i];
	NEC_TRY(nec_graph_dominators(a->graph, reverse, roots, a->root_count + implied, a->tmpdir,
				     a->idom, a->distance, a->progress));
	count_garbage(a);
	return nec_graph_retained(a->idom, a->distance, a->graph->node_count, a->retained,
				  a->retained, a->tmpdir, &a->reachable_bytes);
}

struct nec_error *nec_analyze(struct nec_analysis *a)
{
	struct nec_graph made;
	struct nec_error *err;

	a->implied = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	a->reachable_count = a->garbage_count = 0;
	a->reachable_bytes = a->garbage_bytes = 0;
	NEC_TRY(nec_tmparray_init(&a->implied, a->tmpdir));
	if (a->reverse)
		return fill_columns(a, a->reverse);
	NEC_TRY(nec_graph_reverse(a->graph, a->tmpdir, &made, a->progress));
	err = fill_columns(a, &made);
	nec_graph_deinit(&made);
	return err;
}

void nec_analysis_deinit(struct nec_analysis *a)
{
	nec_tmparray_deinit(&a->implied);
}
