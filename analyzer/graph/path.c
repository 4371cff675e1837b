/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths from the roots to a node; see path.h. */
#include <stdlib.h>
#include <string.h>

#include "graph/path.h"

enum { STEP = 1 << 12 };

static const char stage[] = "looking for paths";

/* A node that was come upon, on a way to the node in question. */
struct visit {
	uint32_t node;
	uint32_t steps; /* edges to where the search began */
	uint32_t next;  /* the visit one edge nearer to there */
	uint32_t skip;  /* referrers that were looked at already */
};

/* One search. The heap orders visits by length of the path they may become, then by steps, most
 * first. */
struct search {
	const struct nec_path_query *query;
	uint64_t looked; /* referrers so far, over all searches of the query */
	bool exhausted;

	uint32_t *seen; /* [node_count] fewest steps it was come upon with + 1; 0: not yet */
	struct visit *visits;
	uint32_t visit_count, visit_capacity;
	struct heap_item {
		uint64_t key;
		uint32_t visit;
	} * heap;
	uint32_t heap_count, heap_capacity;

	/* Holders that no path may have next to where the search begins. */
	const uint32_t *used;
	uint32_t used_count;

	/* The visit at work. */
	uint32_t at, position, length;
	/* An edge in question: from src to the node at work. */
	uint32_t src;
	bool allowed;
};

static struct nec_error *grow(void **items, uint32_t *capacity, uint32_t count, size_t size)
{
	size_t want = *capacity ? (size_t)*capacity * 2 : 64;
	void *p;

	if (count < *capacity)
		return NULL;
	if (want >= UINT32_MAX)
		return nec_error_create(NEC_ERR_LIMIT, "a search of more than %u nodes", *capacity);
	p = reallocarray(*items, want, size);
	if (!p)
		return &nec_enomem;
	*items = p;
	*capacity = (uint32_t)want;
	return NULL;
}

static struct nec_error *heap_push(struct search *s, uint32_t length, uint32_t visit)
{
	uint64_t key = (uint64_t)length << 32 | (UINT32_MAX - s->visits[visit].steps);
	uint32_t i, up;

	NEC_TRY(grow((void **)&s->heap, &s->heap_capacity, s->heap_count, sizeof(*s->heap)));
	for (i = s->heap_count++; i; i = up) {
		up = (i - 1) / 2;
		if (s->heap[up].key <= key)
			break;
		s->heap[i] = s->heap[up];
	}
	s->heap[i] = (struct heap_item){.key = key, .visit = visit};
	return NULL;
}

static struct heap_item heap_pop(struct search *s)
{
	struct heap_item top = s->heap[0], last = s->heap[--s->heap_count];
	uint32_t i = 0, down;

	while ((down = 2 * i + 1) < s->heap_count) {
		if (down + 1 < s->heap_count && s->heap[down + 1].key < s->heap[down].key)
			down++;
		if (last.key <= s->heap[down].key)
			break;
		s->heap[i] = s->heap[down];
		i = down;
	}
	s->heap[i] = last;
	return top;
}

static struct nec_error *push(struct search *s, const struct visit *visit, uint32_t length)
{
	NEC_TRY(grow((void **)&s->visits, &s->visit_capacity, s->visit_count, sizeof(*s->visits)));
	s->visits[s->visit_count] = *visit;
	s->seen[visit->node] = visit->steps + 1;
	return heap_push(s, length, s->visit_count++);
}

static struct nec_error *judge(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct search *s = arg;

	if (edge->dst != s->visits[s->at].node || !s->query->allow(s->query->arg, edge))
		return NULL;
	s->allowed = true;
	*stop = true;
	return NULL;
}

/* May the edge from src to the node at work be used? */
static struct nec_error *allowed(struct search *s, uint32_t src, bool *ret)
{
	s->allowed = !s->query->allow;
	if (!s->allowed)
		NEC_TRY(s->query->neighbours->references(s->query->neighbours, src, judge, s));
	*ret = s->allowed;
	return NULL;
}

static bool is_used(const struct search *s, uint32_t src)
{
	uint32_t i;

	for (i = 0; i < s->used_count; i++)
		if (s->used[i] == src)
			return true;
	return false;
}

/* A referrer of the node at work. */
static struct nec_error *consider(void *arg, uint32_t src, bool *stop)
{
	struct search *s = arg;
	const struct nec_path_query *q = s->query;
	struct visit visit = {.node = src, .steps = s->visits[s->at].steps + 1, .next = s->at};
	uint32_t distance = 1;
	bool ok;

	if (s->position++ < s->visits[s->at].skip)
		return NULL;
	if (s->looked++ % STEP == 0)
		NEC_TRY(nec_progress_step(q->progress, stage, s->looked, 0));
	if (q->budget && s->looked > q->budget) {
		s->exhausted = *stop = true;
		return NULL;
	}
	if (src >= q->neighbours->node_count || (s->seen[src] && s->seen[src] <= visit.steps + 1))
		return NULL;
	if (visit.steps == 1 && is_used(s, src))
		return NULL;
	if (!q->unguided)
		NEC_TRY(q->neighbours->distance(q->neighbours, src, &distance));
	if (!distance)
		return NULL;
	NEC_TRY(allowed(s, src, &ok));
	if (!ok)
		return NULL;
	NEC_TRY(push(s, &visit, visit.steps + distance));
	if (visit.steps + distance > s->length)
		return NULL;
	/* No referrer can be better: the others only count if this one leads nowhere. */
	s->visits[s->at].skip = s->position;
	*stop = true;
	return heap_push(s, s->length, s->at);
}

/* The shortest path to start; *found_ret is its first visit, NEC_NODE_NONE when there is none. */
static struct nec_error *search_from(struct search *s, uint32_t start, uint32_t *found_ret)
{
	const struct nec_path_query *q = s->query;
	struct visit first = {.node = start, .next = NEC_NODE_NONE};
	uint32_t distance = 1;
	struct heap_item top;

	*found_ret = NEC_NODE_NONE;
	s->visit_count = s->heap_count = 0;
	if (!q->unguided)
		NEC_TRY(q->neighbours->distance(q->neighbours, start, &distance));
	if (!distance)
		return NULL;
	NEC_TRY(push(s, &first, distance));
	while (s->heap_count && !s->exhausted) {
		top = heap_pop(s);
		s->at = top.visit;
		s->length = (uint32_t)(top.key >> 32);
		s->position = 0;
		first = s->visits[s->at];
		/* Somebody came upon it with fewer steps since. */
		if (s->seen[first.node] < first.steps + 1)
			continue;
		if (q->is_root(q->arg, first.node) && !(first.steps == 0 && s->used_count)) {
			*found_ret = s->at;
			return NULL;
		}
		NEC_TRY(q->neighbours->referrers(q->neighbours, first.node, consider, s));
	}
	return NULL;
}

/* Adds the path of the visit, and then the rest of ids. */
static struct nec_error *add_path(const struct search *s, uint32_t visit, const uint32_t *rest,
				  uint32_t rest_count, struct nec_path_set *set)
{
	uint32_t count = s->visits[visit].steps + 1, i, *ids;
	struct nec_path *paths;

	ids = reallocarray(NULL, (size_t)count + rest_count, sizeof(*ids));
	paths = reallocarray(set->paths, (size_t)set->count + 1, sizeof(*paths));
	if (paths)
		set->paths = paths;
	if (!ids || !paths) {
		free(ids);
		return &nec_enomem;
	}
	for (i = 0; i < count; i++, visit = s->visits[visit].next)
		ids[i] = s->visits[visit].node;
	if (rest_count)
		memcpy(ids + count, rest, (size_t)rest_count * sizeof(*ids));
	set->paths[set->count++] = (struct nec_path){.ids = ids, .count = count + rest_count};
	return NULL;
}

/* Fresh marks: the nodes of rest, which a path must not cross again, are seen at once. */
static struct nec_error *forget(struct search *s, const uint32_t *rest, uint32_t rest_count)
{
	uint32_t i;

	free(s->seen);
	s->seen = calloc(s->query->neighbours->node_count, sizeof(*s->seen));
	if (!s->seen)
		return &nec_enomem;
	for (i = 0; i < rest_count; i++)
		s->seen[rest[i]] = 1;
	return NULL;
}

/* Paths that leave the first one at its node number pos. */
static struct nec_error *find_others(struct search *s, uint32_t pos, uint32_t *used,
				     struct nec_path_set *set)
{
	const struct nec_path first = set->paths[0];
	const uint32_t *rest = first.ids + pos + 1;
	uint32_t rest_count = first.count - pos - 1, found;

	used[0] = first.ids[pos - 1];
	s->used = used;
	s->used_count = 1;
	while (set->count < s->query->max_paths) {
		NEC_TRY(forget(s, rest, rest_count));
		NEC_TRY(search_from(s, first.ids[pos], &found));
		if (found == NEC_NODE_NONE)
			return NULL;
		NEC_TRY(add_path(s, found, rest, rest_count, set));
		used[s->used_count++] =
			set->paths[set->count - 1]
				.ids[set->paths[set->count - 1].count - rest_count - 2];
	}
	return NULL;
}

static struct nec_error *find_all(struct search *s, struct nec_path_set *set)
{
	_cleanup_free_ uint32_t *used = calloc((size_t)s->query->max_paths + 1, sizeof(*used));
	uint32_t found, pos;

	if (!used)
		return &nec_enomem;
	NEC_TRY(forget(s, NULL, 0));
	NEC_TRY(search_from(s, s->query->node, &found));
	if (found == NEC_NODE_NONE)
		return NULL;
	NEC_TRY(add_path(s, found, NULL, 0, set));
	for (pos = set->paths[0].count - 1; pos && set->count < s->query->max_paths; pos--)
		NEC_TRY(find_others(s, pos, used, set));
	return NULL;
}

struct nec_error *nec_path_find(const struct nec_path_query *query, struct nec_path_set *set_ret)
{
	struct search s = {.query = query};
	struct nec_error *err;

	*set_ret = (struct nec_path_set){0};
	if (query->node >= query->neighbours->node_count)
		return nec_error_create(NEC_ERR_USAGE, "node %u of %u", query->node,
					query->neighbours->node_count);
	err = find_all(&s, set_ret);
	set_ret->exhausted = s.exhausted;
	free(s.seen);
	free(s.visits);
	free(s.heap);
	if (err)
		nec_path_set_deinit(set_ret);
	return err;
}

void nec_path_set_deinit(struct nec_path_set *set)
{
	uint32_t i;

	for (i = 0; i < set->count; i++)
		free(set->paths[i].ids);
	free(set->paths);
	*set = (struct nec_path_set){0};
}

static struct nec_error *graph_referrers(struct nec_neighbours *base, uint32_t dst,
					 nec_referrer_fn fn, void *arg)
{
	struct nec_graph_neighbours *n = (struct nec_graph_neighbours *)base;
	const uint64_t *start = nec_graph_start(n->reverse);
	bool stop = false;
	uint64_t e;

	for (e = start[dst]; e < start[dst + 1] && !stop; e++)
		NEC_TRY(fn(arg, nec_graph_to(n->reverse)[e], &stop));
	return NULL;
}

static struct nec_error *graph_references(struct nec_neighbours *base, uint32_t src,
					  nec_reference_fn fn, void *arg)
{
	struct nec_graph_neighbours *n = (struct nec_graph_neighbours *)base;
	const uint64_t *start = nec_graph_start(n->graph);
	struct nec_edge edge = {.src = src};
	bool stop = false;
	uint64_t e;

	for (e = start[src]; e < start[src + 1] && !stop; e++) {
		edge.dst = nec_graph_to(n->graph)[e];
		NEC_TRY(fn(arg, &edge, &stop));
	}
	return NULL;
}

static struct nec_error *graph_distance(struct nec_neighbours *base, uint32_t id,
					uint32_t *distance_ret)
{
	*distance_ret = ((struct nec_graph_neighbours *)base)->distance[id];
	return NULL;
}

void nec_graph_neighbours_init(struct nec_graph_neighbours *n, const struct nec_graph *graph,
			       const struct nec_graph *reverse, const uint32_t *distance)
{
	*n = (struct nec_graph_neighbours){
		.base =
			{
				.node_count = graph->node_count,
				.referrers = graph_referrers,
				.references = graph_references,
				.distance = graph_distance,
			},
		.graph = graph,
		.reverse = reverse,
		.distance = distance,
	};
}
