/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds what; see analyze.h. */
#include "analyze.h"

#include <stdlib.h>
#include <string.h>

#include "fact.h"
#include "graph/reach.h"

/* What the stage works with besides the analysis. */
struct work {
	struct nec_analysis *a;
	const struct nec_graph *reverse;
	struct nec_tmparray roots;   /* uint32_t ids of those that count */
	struct nec_tmparray groups;  /* uint32_t of each */
	struct nec_tmparray grouped; /* struct nec_group_node */
	uint64_t *reached;           /* bitmap; NULL: without reference counts there is no doubt */
};

/* Is node i never freed? */
static bool is_permanent(const struct nec_analysis *a, uint32_t i)
{
	return a->flags && a->flags[i] & (NEC_OBJECT_IMMORTAL | NEC_OBJECT_STATIC);
}

/* Is node i held by more than the edges to it and so many roots? What is not known counts as yes.
 */
static bool is_held(const struct work *w, uint32_t i, uint64_t roots)
{
	const struct nec_analysis *a = w->a;
	const uint64_t *start = nec_graph_start(w->reverse);

	return is_permanent(a, i) ||
	       a->refcount[i] == UINT32_MAX ||
	       a->refcount[i] > start[i + 1] - start[i] + roots;
}

static struct nec_error *add_root(struct work *w, uint32_t id, uint32_t group)
{
	NEC_TRY(nec_tmparray_append(&w->groups, &group, sizeof(group)));
	return nec_tmparray_append(&w->roots, &id, sizeof(id));
}

static int compare_ids(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return (a > b) - (a < b);
}

/* How many of count sorted ids are below id. */
static uint32_t below(const uint32_t *ids, uint32_t count, uint64_t id)
{
	uint32_t low = 0, high = count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct nec_error *add_group_root(struct work *w, uint32_t i)
{
	const struct nec_analysis *a = w->a;

	return add_root(w, a->roots[i].id, a->root_group ? a->root_group[i] : NEC_NODE_NONE);
}

static bool is_sure(const struct work *w, uint32_t i)
{
	return !w->a->refcount || w->a->roots[i].doubt == NEC_ROOT_SURE;
}

/*
 * Sure roots first. A word that another thread left on its stack makes no root of what a local
 * variable explains.
 */
static struct nec_error *add_known(struct work *w)
{
	const struct nec_analysis *a = w->a;
	_cleanup_free_ uint32_t *sure = NULL;
	uint32_t count, i, id;

	for (i = 0; i < a->root_count; i++)
		if (is_sure(w, i))
			NEC_TRY(add_group_root(w, i));
	count = (uint32_t)(w->roots.size / sizeof(*sure));
	if (count == a->root_count)
		return NULL;
	sure = malloc(((size_t)count + 1) * sizeof(*sure));
	if (!sure)
		return &nec_enomem;
	if (count)
		memcpy(sure, w->roots.data, (size_t)count * sizeof(*sure));
	qsort(sure, count, sizeof(*sure), compare_ids);
	for (i = 0; i < a->root_count; i++) {
		id = a->roots[i].id;
		if (!is_sure(w, i) &&
		    is_held(w, id, below(sure, count, (uint64_t)id + 1) - below(sure, count, id)))
			NEC_TRY(add_group_root(w, i));
	}
	return NULL;
}

static struct nec_error *add_implied(struct work *w)
{
	uint32_t i;

	for (i = 0; i < w->a->graph->node_count; i++) {
		/* A count that is not known holds nothing, but what is never freed is held. */
		if (nec_bit_get(w->reached, i) || !is_held(w, i, 0) ||
		    (w->a->refcount[i] == UINT32_MAX && !is_permanent(w->a, i)))
			continue;
		NEC_TRY(nec_tmparray_append(&w->a->implied, &i, sizeof(i)));
		NEC_TRY(add_root(w, i, NEC_NODE_NONE));
	}
	return NULL;
}

static struct nec_error *choose_roots(struct work *w)
{
	const struct nec_analysis *a = w->a;
	uint32_t i;

	for (i = 0; i < a->root_count; i++)
		if (a->roots[i].id >= a->graph->node_count)
			return nec_error_create(NEC_ERR_USAGE, "root %u in a graph of %u nodes",
						a->roots[i].id, a->graph->node_count);
	NEC_TRY(add_known(w));
	if (!a->refcount)
		return NULL;
	w->reached = calloc(nec_bit_words(a->graph->node_count), sizeof(*w->reached));
	if (!w->reached)
		return &nec_enomem;
	NEC_TRY(nec_graph_reach(a->graph, w->roots.data,
				(uint32_t)(w->roots.size / sizeof(uint32_t)), a->tmpdir, w->reached,
				a->progress));
	return add_implied(w);
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

static void add_groups(const struct work *w)
{
	const struct nec_group_node *nodes = w->grouped.data;
	size_t count = w->grouped.size / sizeof(*nodes), i;

	for (i = 0; i < count; i++) {
		int64_t *sum = &w->a->group_retained[nodes[i].group];

		if (__builtin_add_overflow(*sum, w->a->retained[nodes[i].node], sum))
			*sum = INT64_MAX;
	}
}

static struct nec_error *fill_columns(struct work *w)
{
	struct nec_analysis *a = w->a;
	struct nec_root_groups groups = {.count = a->root_group ? a->group_count : 0,
					 .nodes_ret = &w->grouped};

	NEC_TRY(nec_tmparray_init(&w->roots, a->tmpdir));
	NEC_TRY(nec_tmparray_init(&w->groups, a->tmpdir));
	NEC_TRY(nec_tmparray_init(&w->grouped, a->tmpdir));
	NEC_TRY(choose_roots(w));
	groups.group = w->groups.data;
	NEC_TRY(nec_graph_group_dominators(a->graph, w->reverse, w->roots.data,
					   (uint32_t)(w->roots.size / sizeof(uint32_t)), &groups,
					   a->tmpdir, a->idom, a->distance, a->progress));
	count_garbage(a);
	NEC_TRY(nec_graph_retained(a->idom, a->distance, a->graph->node_count, a->retained,
				   a->retained, a->tmpdir, &a->reachable_bytes));
	add_groups(w);
	return NULL;
}

static struct nec_error *analyze(struct nec_analysis *a, const struct nec_graph *reverse)
{
	struct work w = {.a = a,
			 .reverse = reverse,
			 .roots = NEC_TMPARRAY_INIT,
			 .groups = NEC_TMPARRAY_INIT,
			 .grouped = NEC_TMPARRAY_INIT};
	struct nec_error *err = fill_columns(&w);

	nec_tmparray_deinit(&w.roots);
	nec_tmparray_deinit(&w.groups);
	nec_tmparray_deinit(&w.grouped);
	free(w.reached);
	return err;
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
		return analyze(a, a->reverse);
	NEC_TRY(nec_graph_reverse(a->graph, a->tmpdir, &made, a->progress));
	err = analyze(a, &made);
	nec_graph_deinit(&made);
	return err;
}

void nec_analysis_deinit(struct nec_analysis *a)
{
	nec_tmparray_deinit(&a->implied);
}
