/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dominators, distances and retained sizes; see graph.h for what they are.
 *
 * Semi-NCA: number the nodes depth-first, find semidominators backwards in that order by evaluating
 * a forest with path compression, then, forwards, climb from each node's parent to the nearest
 * ancestor in the dominator tree that is not below the semidominator. L. Georgiadis, "Linear-Time
 * Algorithms for Dominators and Related Problems", Princeton 2005, chapter 2.3. Two things differ
 * from the book:
 *
 * - The climbs of the second half are quadratic on graphs made for it. Each vertex keeps its depth
 * and a jump pointer (E. Myers, "An applicative random-access stack", 1983), with which a climb
 * costs a logarithm.
 * - Four objects in five are leaves: they refer to nothing, or to roots alone. They get no number;
 * afterwards each is attached to the nearest common dominator of its referrers. Only vertices, the
 * inner nodes that are reached, cost more than the columns.
 *
 * The caller's column idom holds the vertex of each inner node during the work.
 */
#include <assert.h>
#include <string.h>

#include "graph/reach.h"

enum {
	AHEAD = 24,     /* edges; how far ahead memory is asked for */
	STEP = 1 << 18, /* nodes between two calls of nec_progress_step */
};

static const char stage[] = "dominators";

/* Vertex 0 is the virtual root; others are numbers of a depth-first order, so a parent is below its
 * children. */
struct vertex {
	union {
		uint32_t ancestor; /* first half: in the compressed forest */
		uint32_t depth;    /* second half: in the dominator tree; 0: the virtual root */
	};
	union {
		uint32_t label; /* first half: least semidominator between here and ancestor */
		uint32_t jump;  /* second half: an ancestor further up in the dominator tree */
	};
	uint32_t semi;
	uint32_t idom; /* first half: parent in the depth-first tree */
};

/* Where a depth-first search goes on in a node that is not done. */
struct frame {
	uint64_t edge;
	uint32_t node;
};

struct work {
	const struct nec_graph *g, *reverse;
	const uint32_t *roots;
	uint32_t root_count;
	uint32_t *idom, *distance;
	struct nec_progress *progress;

	uint64_t total, done;       /* for progress */
	uint32_t vertex_count;      /* with the virtual root */
	struct nec_tmparray leaves; /* uint64_t[]: bitmap of nodes that lead nowhere but to roots */
	struct nec_tmparray visited; /* uint64_t[]: bitmap */
	struct nec_tmparray scratch; /* uint32_t[vertex_count + 1]: queue, then path */
	struct nec_tmparray order;   /* uint32_t[vertex_count]: node of each vertex */
	struct nec_tmparray vertices;
	struct nec_tmparray stack; /* struct frame[] */
};

/* Sets bit i; was it clear? */
static bool claim(uint64_t *bits, uint32_t i)
{
	if (nec_bit_get(bits, i))
		return false;
	nec_bit_set(bits, i);
	return true;
}

static struct nec_error *step(struct work *w)
{
	if (w->done++ % STEP)
		return NULL;
	return nec_progress_step(w->progress, stage, w->done - 1, w->total);
}

static struct nec_error *work_init(struct work *w, const char *tmpdir)
{
	struct nec_tmparray *arrays[] = {&w->leaves, &w->visited,  &w->scratch,
					 &w->order,  &w->vertices, &w->stack};
	size_t i, words = (size_t)w->g->node_count / 64 + 1;

	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		*arrays[i] = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		NEC_TRY(nec_tmparray_init(arrays[i], tmpdir));
	NEC_TRY(nec_tmparray_resize(&w->leaves, words * sizeof(uint64_t)));
	return nec_tmparray_resize(&w->visited, words * sizeof(uint64_t));
}

static void work_deinit(struct work *w)
{
	nec_tmparray_deinit(&w->leaves);
	nec_tmparray_deinit(&w->visited);
	nec_tmparray_deinit(&w->scratch);
	nec_tmparray_deinit(&w->order);
	nec_tmparray_deinit(&w->vertices);
	nec_tmparray_deinit(&w->stack);
}

/* Has node an edge to another one that is no root? */
static bool is_inner(const struct work *w, const uint64_t *roots, uint32_t node)
{
	const uint64_t *start = nec_graph_start(w->g);
	const uint32_t *to = nec_graph_to(w->g);
	uint64_t e;

	for (e = start[node]; e < start[node + 1]; e++)
		if (!nec_bit_get(roots, to[e]))
			return true;
	return false;
}

/*
 * Marks the roots in visited and the leaves; returns how many nodes are none. Roots have no
 * dominator whoever refers to them, so a node whose edges all lead to roots, as those of a str to
 * its type, is a leaf as well.
 */
static uint32_t find_leaves(struct work *w)
{
	uint64_t *leaves = w->leaves.data, *visited = w->visited.data;
	uint32_t i, inner = 0;

	for (i = 0; i < w->root_count; i++)
		nec_bit_set(visited, w->roots[i]);
	for (i = 0; i < w->g->node_count; i++) {
		if (is_inner(w, visited, i))
			inner++;
		else
			nec_bit_set(leaves, i);
	}
	return inner;
}

/* Breadth first: distance of every node; counts the vertices. */
static struct nec_error *find_distances(struct work *w)
{
	const uint64_t *start = nec_graph_start(w->g), *leaves = w->leaves.data;
	const uint32_t *to = nec_graph_to(w->g);
	uint32_t *queue = w->scratch.data, head = 0, tail = 0, i, node, next;
	uint64_t *visited = w->visited.data, e;

	memset(w->distance, 0, (size_t)w->g->node_count * sizeof(*w->distance));
	for (i = 0; i < w->root_count; i++) {
		if (w->distance[w->roots[i]])
			continue;
		w->distance[w->roots[i]] = 1;
		if (!nec_bit_get(leaves, w->roots[i]))
			queue[tail++] = w->roots[i];
	}
	while (head < tail) {
		NEC_TRY(step(w));
		if (head + 8 < tail)
			__builtin_prefetch(&start[queue[head + 8]]);
		if (head + 4 < tail)
			__builtin_prefetch(&to[start[queue[head + 4]]]);
		node = queue[head++];
		for (e = start[node]; e < start[node + 1]; e++) {
			next = to[e];
			if (!claim(visited, next))
				continue;
			w->distance[next] = w->distance[node] + 1;
			if (!nec_bit_get(leaves, next))
				queue[tail++] = next;
		}
	}
	w->vertex_count = tail + 1;
	return NULL;
}

static struct nec_error *push(struct work *w, uint32_t node)
{
	struct frame frame = {.edge = nec_graph_start(w->g)[node], .node = node};

	return nec_tmparray_append(&w->stack, &frame, sizeof(frame));
}

/* Gives node the next number. */
static void number(struct work *w, uint32_t node, uint32_t parent, uint32_t *count)
{
	struct vertex *x = w->vertices.data;
	uint32_t v = (*count)++;

	assert(v < w->vertex_count);
	((uint32_t *)w->order.data)[v] = node;
	w->idom[node] = v;
	x[v] = (struct vertex){.ancestor = parent, .label = v, .semi = parent, .idom = parent};
}

/* Depth first, over inner nodes alone: visited starts as a copy of leaves. */
static struct nec_error *number_vertices(struct work *w)
{
	const uint64_t *start = nec_graph_start(w->g);
	const uint32_t *to = nec_graph_to(w->g);
	uint64_t *visited = w->visited.data;
	uint32_t i, next, count = 1;
	struct frame *top;

	memcpy(visited, w->leaves.data, w->leaves.size);
	for (i = 0; i < w->root_count; i++) {
		if (!claim(visited, w->roots[i]))
			continue;
		number(w, w->roots[i], 0, &count);
		NEC_TRY(push(w, w->roots[i]));
		while (w->stack.size) {
			top = (struct frame *)((char *)w->stack.data + w->stack.size) - 1;
			while (top->edge < start[top->node + 1] &&
			       nec_bit_get(visited, to[top->edge]))
				top->edge++;
			if (top->edge == start[top->node + 1]) {
				w->stack.size -= sizeof(*top);
				continue;
			}
			next = to[top->edge++];
			claim(visited, next);
			number(w, next, w->idom[top->node], &count);
			NEC_TRY(push(w, next));
			NEC_TRY(step(w));
		}
	}
	assert(count == w->vertex_count);
	return NULL;
}

/* The least semidominator on the way from v up to, and without, the root of its tree among vertices
 * >= linked. */
static uint32_t eval(struct vertex *x, uint32_t v, uint32_t linked, uint32_t *path)
{
	uint32_t n = 0, above;

	if (x[v].ancestor < linked)
		return x[v].label;
	for (; x[v].ancestor >= linked; v = x[v].ancestor)
		path[n++] = v;
	for (above = v; n; above = v) {
		v = path[--n];
		x[v].ancestor = x[above].ancestor;
		if (x[above].label < x[v].label)
			x[v].label = x[above].label;
	}
	return x[v].label;
}

static struct nec_error *find_semidominators(struct work *w)
{
	const uint64_t *start = nec_graph_start(w->reverse);
	const uint32_t *from = nec_graph_to(w->reverse), *order = w->order.data;
	struct vertex *x = w->vertices.data;
	uint32_t v, node, pred, semi, least;
	uint64_t e;

	for (v = w->vertex_count - 1; v > 0; v--) {
		NEC_TRY(step(w));
		if (v > 8)
			__builtin_prefetch(&start[order[v - 8]]);
		if (v > 4)
			__builtin_prefetch(&from[start[order[v - 4]]]);
		node = order[v];
		semi = w->distance[node] == 1 ? 0 : x[v].semi;
		for (e = start[node]; semi && e < start[node + 1]; e++) {
			pred = from[e];
			if (!w->distance[pred])
				continue;
			least = eval(x, w->idom[pred], v + 1, w->scratch.data);
			if (least < semi)
				semi = least;
		}
		x[v].semi = semi;
		x[v].label = semi;
	}
	return NULL;
}

/* Second half: sets depth and jump of v, whose idom is known. */
static void attach(struct vertex *x, uint32_t v)
{
	uint32_t up = x[v].idom, jump = x[up].jump;

	x[v].depth = x[up].depth + 1;
	x[v].jump = x[up].depth - x[jump].depth == x[jump].depth - x[x[jump].jump].depth
			    ? x[jump].jump
			    : up;
}

static struct nec_error *find_dominators(struct work *w)
{
	struct vertex *x = w->vertices.data;
	uint32_t v, up;

	x[0] = (struct vertex){0};
	for (v = 1; v < w->vertex_count; v++) {
		NEC_TRY(step(w));
		up = x[v].idom;
		while (up > x[v].semi)
			up = x[up].jump > x[v].semi ? x[up].jump : x[up].idom;
		x[v].idom = up;
		attach(x, v);
	}
	return NULL;
}

/* The nearest vertex that dominates a and b. */
static uint32_t common_dominator(const struct vertex *x, uint32_t a, uint32_t b)
{
	uint32_t swap;

	if (x[a].depth < x[b].depth) {
		swap = a;
		a = b;
		b = swap;
	}
	while (x[a].depth > x[b].depth)
		a = x[x[a].jump].depth >= x[b].depth ? x[a].jump : x[a].idom;
	while (a != b) {
		if (x[a].jump != x[b].jump) {
			a = x[a].jump;
			b = x[b].jump;
		} else {
			a = x[a].idom;
			b = x[b].idom;
		}
	}
	return a;
}

/* Attaches the leaves; idom of inner nodes still holds their vertices. */
static struct nec_error *attach_leaves(struct work *w)
{
	const uint64_t *start = nec_graph_start(w->reverse), *leaves = w->leaves.data;
	const uint32_t *from = nec_graph_to(w->reverse), *order = w->order.data;
	const struct vertex *x = w->vertices.data;
	uint32_t i, up, pred;
	uint64_t e;

	for (i = 0; i < w->g->node_count; i++) {
		NEC_TRY(step(w));
		if (!nec_bit_get(leaves, i))
			continue;
		w->idom[i] = NEC_NODE_NONE;
		if (w->distance[i] <= 1)
			continue;
		e = start[i];
		if (e + 1 == start[i + 1]) {
			w->idom[i] = from[e];
			continue;
		}
		up = NEC_NODE_NONE;
		for (; e < start[i + 1] && up; e++) {
			if (e + AHEAD < w->reverse->edge_count)
				__builtin_prefetch(&w->idom[from[e + AHEAD]]);
			pred = from[e];
			if (!w->distance[pred])
				continue;
			up = up == NEC_NODE_NONE ? w->idom[pred]
						 : common_dominator(x, up, w->idom[pred]);
		}
		w->idom[i] = up ? order[up] : NEC_NODE_NONE;
	}
	return NULL;
}

/* Turns the vertices in idom into what the caller asked for; those of inner nodes nobody reached,
 * too. */
static void name_dominators(struct work *w)
{
	const uint32_t *order = w->order.data;
	const uint64_t *leaves = w->leaves.data;
	const struct vertex *x = w->vertices.data;
	uint32_t v, i;

	for (v = 1; v < w->vertex_count; v++)
		w->idom[order[v]] = x[v].idom ? order[x[v].idom] : NEC_NODE_NONE;
	for (i = 0; i < w->g->node_count; i++)
		if (!w->distance[i] && !nec_bit_get(leaves, i))
			w->idom[i] = NEC_NODE_NONE;
}

static struct nec_error *find_all(struct work *w, const char *tmpdir)
{
	uint32_t inner;

	NEC_TRY(work_init(w, tmpdir));
	inner = find_leaves(w);
	/* Four rounds over the inner nodes, one over all. */
	w->total = (uint64_t)inner * 4 + w->g->node_count;
	NEC_TRY(nec_tmparray_resize(&w->scratch, ((size_t)inner + 1) * sizeof(uint32_t)));
	NEC_TRY(find_distances(w));
	NEC_TRY(nec_tmparray_resize(&w->order, (size_t)w->vertex_count * sizeof(uint32_t)));
	NEC_TRY(nec_tmparray_resize(&w->vertices, (size_t)w->vertex_count * sizeof(struct vertex)));
	NEC_TRY(number_vertices(w));
	NEC_TRY(find_semidominators(w));
	NEC_TRY(find_dominators(w));
	NEC_TRY(attach_leaves(w));
	name_dominators(w);
	return NULL;
}

struct nec_error *nec_graph_dominators(const struct nec_graph *g, const struct nec_graph *reverse,
				       const uint32_t *roots, uint32_t root_count,
				       const char *tmpdir, uint32_t *idom, uint32_t *distance,
				       struct nec_progress *progress)
{
	struct work w = {
		.g = g,
		.reverse = reverse,
		.roots = roots,
		.root_count = root_count,
		.idom = idom,
		.distance = distance,
		.progress = progress,
	};
	struct nec_error *err;
	uint32_t i;

	assert(g->node_count == reverse->node_count && g->edge_count == reverse->edge_count);
	for (i = 0; i < root_count; i++)
		if (roots[i] >= g->node_count)
			return nec_error_create(NEC_ERR_USAGE, "root %u in a graph of %u nodes",
						roots[i], g->node_count);
	if (!g->node_count)
		return NULL;
	err = find_all(&w, tmpdir);
	work_deinit(&w);
	return err;
}

/* Sizes of a damaged dump may add up to anything: the sum stays at the greatest number there is. */
static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

/*
 * The tree of idom is eaten from its ends: a node without children left is added to its parent,
 * which may have been the last it waited for. pending[i]: children of i that are not added yet;
 * `gone` once i itself is.
 */
static void sum_tree(const uint32_t *idom, uint32_t node_count, uint32_t *pending,
		     int64_t *retained)
{
	const uint32_t gone = UINT32_MAX;
	uint32_t i, v, up;

	for (i = 0; i < node_count; i++)
		if (idom[i] != NEC_NODE_NONE)
			pending[idom[i]]++;
	for (i = 0; i < node_count; i++) {
		for (v = i; !pending[v]; v = up) {
			pending[v] = gone;
			up = idom[v];
			if (up == NEC_NODE_NONE)
				break;
			retained[up] = add(retained[up], retained[v]);
			pending[up]--;
		}
	}
}

struct nec_error *nec_graph_retained(const uint32_t *idom, const uint32_t *distance,
				     uint32_t node_count, const int64_t *own, int64_t *retained,
				     const char *tmpdir, int64_t *total_ret)
{
	struct nec_tmparray pending;
	struct nec_error *err;
	int64_t total = 0;
	uint32_t i;

	NEC_TRY(nec_tmparray_init(&pending, tmpdir));
	err = nec_tmparray_resize(&pending, (size_t)node_count * sizeof(uint32_t));
	if (!err) {
		if (own != retained && node_count)
			memcpy(retained, own, (size_t)node_count * sizeof(*own));
		sum_tree(idom, node_count, pending.data, retained);
		for (i = 0; i < node_count; i++)
			if (distance[i] && idom[i] == NEC_NODE_NONE)
				total = add(total, retained[i]);
		*total_ret = total;
	}
	nec_tmparray_deinit(&pending);
	return err;
}
