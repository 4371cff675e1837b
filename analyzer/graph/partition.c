/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retained sizes of sets of nodes; see partition.h. */
#include "graph/partition.h"

#include <stdbool.h>
#include <stdlib.h>

#include "graph/graph.h"

/* Where the walk goes on in a node that is not done. */
struct frame {
	uint32_t node, next;
};

struct work {
	const uint32_t *idom, *class_of;
	const int64_t *retained;
	uint32_t node_count, class_count;
	const struct nec_partition *partitions;
	uint32_t partition_count;
	uint32_t **open;              /* [partition_count]: members of each set above */
	struct nec_tmparray start;    /* uint32_t[node_count + 1] in children */
	struct nec_tmparray children; /* uint32_t[], of each node ascending */
	struct nec_tmparray stack;    /* struct frame[] */
};

/* Children by counting, prefix sums and filling, as a graph is turned round. */
static struct nec_error *find_children(struct work *w)
{
	uint32_t *start, *children, i, sum = 0, count;

	NEC_TRY(nec_tmparray_resize(&w->start, ((size_t)w->node_count + 2) * sizeof(*start)));
	/* One further on: filling moves each start to where the next one's is. */
	start = (uint32_t *)w->start.data + 1;
	for (i = 0; i < w->node_count; i++)
		if (w->idom[i] != NEC_NODE_NONE)
			start[w->idom[i]]++;
	for (i = 0; i < w->node_count; i++) {
		count = start[i];
		start[i] = sum;
		sum += count;
	}
	NEC_TRY(nec_tmparray_resize(&w->children, (size_t)sum * sizeof(*children)));
	children = w->children.data;
	for (i = 0; i < w->node_count; i++)
		if (w->idom[i] != NEC_NODE_NONE)
			children[start[w->idom[i]]++] = i;
	return NULL;
}

static bool is_leaf(const struct work *w, uint32_t node)
{
	const uint32_t *start = w->start.data;

	return start[node] == start[node + 1];
}

/* The set of node in a partition; false: none. */
static bool set_of(const struct work *w, uint32_t p, uint32_t node, uint32_t *ret)
{
	uint32_t class = w->class_of[node];

	if (class >= w->class_count)
		return false;
	*ret = w->partitions[p].set ? w->partitions[p].set[class] : class;
	return *ret < w->partitions[p].count;
}

static void add(const struct work *w, uint32_t node)
{
	uint32_t p, set;
	int64_t *sum;

	for (p = 0; p < w->partition_count; p++) {
		if (!set_of(w, p, node, &set) || w->open[p][set])
			continue;
		sum = &w->partitions[p].retained[set];
		if (__builtin_add_overflow(*sum, w->retained[node], sum))
			*sum = INT64_MAX;
	}
}

/* Counts node in or out as one that is above. */
static void count(const struct work *w, uint32_t node, uint32_t by)
{
	uint32_t p, set;

	for (p = 0; p < w->partition_count; p++)
		if (set_of(w, p, node, &set))
			w->open[p][set] += by;
}

/* Adds node, and goes into it unless it is a leaf. */
static struct nec_error *visit(struct work *w, uint32_t node)
{
	struct frame frame = {.node = node, .next = ((const uint32_t *)w->start.data)[node]};

	add(w, node);
	if (is_leaf(w, node))
		return NULL;
	count(w, node, 1);
	return nec_tmparray_append(&w->stack, &frame, sizeof(frame));
}

static struct nec_error *walk(struct work *w)
{
	const uint32_t *start = w->start.data, *children = w->children.data;
	struct frame *top;
	uint32_t i;

	for (i = 0; i < w->node_count; i++) {
		if (w->idom[i] != NEC_NODE_NONE)
			continue;
		NEC_TRY(visit(w, i));
		while (w->stack.size) {
			top = (struct frame *)((char *)w->stack.data + w->stack.size) - 1;
			if (top->next < start[top->node + 1]) {
				NEC_TRY(visit(w, children[top->next++]));
				continue;
			}
			count(w, top->node, (uint32_t)-1);
			w->stack.size -= sizeof(*top);
		}
	}
	return NULL;
}

static struct nec_error *run(struct work *w, const char *tmpdir)
{
	uint32_t p;

	NEC_TRY(nec_tmparray_init(&w->start, tmpdir));
	NEC_TRY(nec_tmparray_init(&w->children, tmpdir));
	NEC_TRY(nec_tmparray_init(&w->stack, tmpdir));
	for (p = 0; p < w->partition_count; p++) {
		w->open[p] = calloc((size_t)w->partitions[p].count + 1, sizeof(**w->open));
		if (!w->open[p])
			return &nec_enomem;
	}
	NEC_TRY(find_children(w));
	return walk(w);
}

struct nec_error *nec_graph_partition(const uint32_t *idom, const int64_t *retained,
				      uint32_t node_count, const uint32_t *class_of,
				      uint32_t class_count, const struct nec_partition *partitions,
				      uint32_t partition_count, const char *tmpdir)
{
	struct work w = {
		.idom = idom,
		.class_of = class_of,
		.retained = retained,
		.node_count = node_count,
		.class_count = class_count,
		.partitions = partitions,
		.partition_count = partition_count,
		.open = calloc((size_t)partition_count + 1, sizeof(*w.open)),
		.start = NEC_TMPARRAY_INIT,
		.children = NEC_TMPARRAY_INIT,
		.stack = NEC_TMPARRAY_INIT,
	};
	struct nec_error *err = w.open ? run(&w, tmpdir) : &nec_enomem;
	uint32_t p;

	for (p = 0; w.open && p < partition_count; p++)
		free(w.open[p]);
	free(w.open);
	nec_tmparray_deinit(&w.start);
	nec_tmparray_deinit(&w.children);
	nec_tmparray_deinit(&w.stack);
	return err;
}
