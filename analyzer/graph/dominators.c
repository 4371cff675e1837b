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
 *
 * A group of roots is a vertex without a node. Roots of one group and of nothing else count as what
 * they are, nodes that something refers to.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
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
	const struct nec_root_groups *groups; /* may be NULL */
	uint32_t *idom, *distance;
	struct nec_progress *progress;

	uint32_t group_count;
	struct nec_group_node *members; /* roots of one group alone, by node */
	uint32_t member_count;
	uint32_t *group_vertex;       /* [group_count], ascending */
	struct nec_tmparray grouped;  /* uint64_t[]: bitmap of nodes in members */
	struct nec_tmparray is_group; /* uint64_t[]: bitmap of vertices */
	uint64_t total, done;         /* for progress */
	uint32_t vertex_count;        /* with the virtual root */
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
	struct nec_tmparray *arrays[] = {&w->leaves,   &w->visited, &w->scratch, &w->order,
					 &w->vertices, &w->stack,   &w->grouped, &w->is_group};
	size_t i, words = (size_t)w->g->node_count / 64 + 1;

	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		*arrays[i] = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		NEC_TRY(nec_tmparray_init(arrays[i], tmpdir));
	NEC_TRY(nec_tmparray_resize(&w->leaves, words * sizeof(uint64_t)));
	NEC_TRY(nec_tmparray_resize(&w->grouped, words * sizeof(uint64_t)));
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
	nec_tmparray_deinit(&w->grouped);
	nec_tmparray_deinit(&w->is_group);
	free(w->members);
	free(w->group_vertex);
}

static int compare_members(const void *pa, const void *pb)
{
	const struct nec_group_node *a = pa, *b = pb;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (a->group > b->group) - (a->group < b->group);
}

static int by_group(const void *pa, const void *pb)
{
	const struct nec_group_node *a = pa, *b = pb;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

/* Finds the roots that one group alone has. */
static struct nec_error *find_members(struct work *w)
{
	struct nec_group_node *m;
	uint32_t i, j, n = 0;

	if (!w->groups || !w->groups->count)
		return NULL;
	w->group_count = w->groups->count;
	w->group_vertex = calloc(w->group_count, sizeof(*w->group_vertex));
	w->members = m = calloc((size_t)w->root_count + 1, sizeof(*m));
	if (!m || !w->group_vertex)
		return &nec_enomem;
	for (i = 0; i < w->root_count; i++)
		m[i] = (struct nec_group_node){w->roots[i], w->groups->group[i]};
	qsort(m, w->root_count, sizeof(*m), compare_members);
	for (i = 0; i < w->root_count; i = j) {
		for (j = i + 1; j < w->root_count && m[j].node == m[i].node;)
			j++;
		/* None is the greatest, and the last. */
		if (m[i].group == m[j - 1].group && m[i].group < w->group_count)
			m[n++] = m[i];
	}
	w->member_count = n;
	for (i = 0; i < n; i++)
		nec_bit_set(w->grouped.data, m[i].node);
	return NULL;
}

static bool is_grouped(const struct work *w, uint32_t node)
{
	return nec_bit_get(w->grouped.data, node);
}

/* The vertex of the group that alone has this root. */
static uint32_t vertex_of_root(const struct work *w, uint32_t node)
{
	uint32_t low = 0, high = w->member_count, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (w->members[middle].node <= node)
			low = middle;
		else
			high = middle;
	}
	return w->group_vertex[w->members[low].group];
}

/* The node of v, which dominates node immediately; of a group it is none, and the node is noted. */
static struct nec_error *name_dominator(struct work *w, uint32_t node, uint32_t v)
{
	struct nec_group_node found = {.node = node};
	uint32_t low = 0, high = w->group_count, middle;

	if (v && !nec_bit_get(w->is_group.data, v)) {
		w->idom[node] = ((const uint32_t *)w->order.data)[v];
		return NULL;
	}
	w->idom[node] = NEC_NODE_NONE;
	if (!v)
		return NULL;
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (w->group_vertex[middle] <= v)
			low = middle;
		else
			high = middle;
	}
	found.group = low;
	return nec_tmparray_append(w->groups->nodes_ret, &found, sizeof(found));
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
		if (!is_grouped(w, w->roots[i]))
			nec_bit_set(visited, w->roots[i]);
	for (i = 0; i < w->g->node_count; i++) {
		if (is_inner(w, visited, i))
			inner++;
		else
			nec_bit_set(leaves, i);
	}
	for (i = 0; i < w->member_count; i++)
		nec_bit_set(visited, w->members[i].node);
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
	w->vertex_count = tail + 1 + w->group_count;
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

/* Numbers what is below a root that has no number. */
static struct nec_error *number_root(struct work *w, uint32_t root, uint32_t parent,
				     uint32_t *count)
{
	const uint64_t *start = nec_graph_start(w->g);
	const uint32_t *to = nec_graph_to(w->g);
	uint64_t *visited = w->visited.data;
	struct frame *top;
	uint32_t next;

	if (!claim(visited, root))
		return NULL;
	number(w, root, parent, count);
	NEC_TRY(push(w, root));
	while (w->stack.size) {
		top = (struct frame *)((char *)w->stack.data + w->stack.size) - 1;
		while (top->edge < start[top->node + 1] && nec_bit_get(visited, to[top->edge]))
			top->edge++;
		if (top->edge == start[top->node + 1]) {
			w->stack.size -= sizeof(*top);
			continue;
		}
		next = to[top->edge++];
		claim(visited, next);
		number(w, next, w->idom[top->node], count);
		NEC_TRY(push(w, next));
		NEC_TRY(step(w));
	}
	return NULL;
}

/* The vertices of groups, each followed by what only its roots led to. */
static struct nec_error *number_groups(struct work *w, uint32_t *count)
{
	struct vertex *x = w->vertices.data;
	uint32_t group, v, i = 0;

	qsort(w->members, w->member_count, sizeof(*w->members), by_group);
	for (group = 0; group < w->group_count; group++) {
		w->group_vertex[group] = v = (*count)++;
		x[v] = (struct vertex){.label = v};
		nec_bit_set(w->is_group.data, v);
		for (; i < w->member_count && w->members[i].group == group; i++)
			NEC_TRY(number_root(w, w->members[i].node, v, count));
	}
	qsort(w->members, w->member_count, sizeof(*w->members), compare_members);
	return NULL;
}

/* Depth first, over inner nodes alone: visited starts as a copy of leaves. */
static struct nec_error *number_vertices(struct work *w)
{
	uint32_t i, count = 1;

	memcpy(w->visited.data, w->leaves.data, w->leaves.size);
	for (i = 0; i < w->root_count; i++)
		if (!is_grouped(w, w->roots[i]))
			NEC_TRY(number_root(w, w->roots[i], 0, &count));
	if (w->group_count)
		NEC_TRY(number_groups(w, &count));
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
	bool root, grouped;
	uint64_t e;

	for (v = w->vertex_count - 1; v > 0; v--) {
		NEC_TRY(step(w));
		if (v > 8)
			__builtin_prefetch(&start[order[v - 8]]);
		if (v > 4)
			__builtin_prefetch(&from[start[order[v - 4]]]);
		if (w->group_count && nec_bit_get(w->is_group.data, v)) {
			x[v].label = 0;
			continue;
		}
		node = order[v];
		root = w->distance[node] == 1;
		grouped = root && is_grouped(w, node);
		semi = root && !grouped ? 0 : x[v].semi;
		if (grouped) {
			least = eval(x, vertex_of_root(w, node), v + 1, w->scratch.data);
			if (least < semi)
				semi = least;
		}
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
	const uint32_t *from = nec_graph_to(w->reverse);
	const struct vertex *x = w->vertices.data;
	uint32_t i, up, pred;
	bool grouped;
	uint64_t e;

	for (i = 0; i < w->g->node_count; i++) {
		NEC_TRY(step(w));
		if (!nec_bit_get(leaves, i))
			continue;
		w->idom[i] = NEC_NODE_NONE;
		grouped = w->distance[i] == 1 && is_grouped(w, i);
		if (w->distance[i] <= 1 && !grouped)
			continue;
		e = start[i];
		if (e + 1 == start[i + 1] && !grouped) {
			w->idom[i] = from[e];
			continue;
		}
		up = grouped ? vertex_of_root(w, i) : NEC_NODE_NONE;
		for (; e < start[i + 1] && up; e++) {
			if (e + AHEAD < w->reverse->edge_count)
				__builtin_prefetch(&w->idom[from[e + AHEAD]]);
			pred = from[e];
			if (!w->distance[pred])
				continue;
			up = up == NEC_NODE_NONE ? w->idom[pred]
						 : common_dominator(x, up, w->idom[pred]);
		}
		NEC_TRY(name_dominator(w, i, up));
	}
	return NULL;
}

/* Turns the vertices in idom into what the caller asked for; those of inner nodes nobody reached,
 * too. */
static struct nec_error *name_dominators(struct work *w)
{
	const uint32_t *order = w->order.data;
	const uint64_t *leaves = w->leaves.data;
	const struct vertex *x = w->vertices.data;
	uint32_t v, i;

	for (v = 1; v < w->vertex_count; v++)
		if (!w->group_count || !nec_bit_get(w->is_group.data, v))
			NEC_TRY(name_dominator(w, order[v], x[v].idom));
	for (i = 0; i < w->g->node_count; i++)
		if (!w->distance[i] && !nec_bit_get(leaves, i))
			w->idom[i] = NEC_NODE_NONE;
	return NULL;
}

static struct nec_error *find_all(struct work *w, const char *tmpdir)
{
	uint32_t inner;

	NEC_TRY(work_init(w, tmpdir));
	NEC_TRY(find_members(w));
	inner = find_leaves(w);
	/* Four rounds over the inner nodes, one over all. */
	w->total = (uint64_t)inner * 4 + w->g->node_count;
	NEC_TRY(nec_tmparray_resize(&w->scratch,
				    ((size_t)inner + 1 + w->group_count) * sizeof(uint32_t)));
	NEC_TRY(find_distances(w));
	NEC_TRY(nec_tmparray_resize(&w->order, (size_t)w->vertex_count * sizeof(uint32_t)));
	NEC_TRY(nec_tmparray_resize(&w->vertices, (size_t)w->vertex_count * sizeof(struct vertex)));
	NEC_TRY(nec_tmparray_resize(&w->is_group,
				    ((size_t)w->vertex_count / 64 + 1) * sizeof(uint64_t)));
	NEC_TRY(number_vertices(w));
	NEC_TRY(find_semidominators(w));
	NEC_TRY(find_dominators(w));
	NEC_TRY(attach_leaves(w));
	return name_dominators(w);
}

struct nec_error *nec_graph_dominators(const struct nec_graph *g, const struct nec_graph *reverse,
				       const uint32_t *roots, uint32_t root_count,
				       const char *tmpdir, uint32_t *idom, uint32_t *distance,
				       struct nec_progress *progress)
{
	return nec_graph_group_dominators(g, reverse, roots, root_count, NULL, tmpdir, idom,
					  distance, progress);
}

struct nec_error *nec_graph_group_dominators(const struct nec_graph *g,
					     const struct nec_graph *reverse, const uint32_t *roots,
					     uint32_t root_count,
					     const struct nec_root_groups *groups,
					     const char *tmpdir, uint32_t *idom, uint32_t *distance,
					     struct nec_progress *progress)
{
	struct work w = {
		.g = g,
		.reverse = reverse,
		.roots = roots,
		.root_count = root_count,
		.groups = groups,
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
			retained[up] = nec_sum(retained[up], retained[v]);
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
				total = nec_sum(total, retained[i]);
		*total_ret = total;
	}
	nec_tmparray_deinit(&pending);
	return err;
}
