/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_whatif: what would go if references were not there. All references but those are loaded, the
 * roots are followed once, and what was reached in the dump and is not any more is added up by
 * type.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "graph/reach.h"
#include "necropsy.h"
#include "owned.h"
#include "pattern.h"
#include "whole.h"

struct question {
	struct nec_db *db;
	const struct nec_whatif_options *options;
	struct nec_edges *edges;
	struct nec_patterns cut, weak, drop;
	struct nec_pattern *cap;
	struct nec_patterns without; /* cut, weak and cap in one list; items borrowed */
	struct nec_owned *owned;
	uint64_t *reached;
	struct nec_whatif *result;
	struct {
		uint64_t count;
		int64_t bytes;
	} * sums; /* by type */
	uint32_t sum_count;
};

static struct nec_error *read_patterns(struct question *q)
{
	uint32_t i;

	NEC_TRY(nec_patterns_init(&q->cut, q->db, q->edges, q->options->cut));
	NEC_TRY(nec_patterns_init(&q->weak, q->db, q->edges, q->options->weaken));
	NEC_TRY(nec_patterns_init(&q->drop, q->db, q->edges, q->options->drop));
	for (i = 0; i < q->weak.count; i++)
		NEC_TRY(nec_pattern_weaken(q->weak.items[i]));
	q->without.items =
		calloc((size_t)q->cut.count + q->weak.count + 2, sizeof(*q->without.items));
	if (!q->without.items)
		return &nec_enomem;
	for (i = 0; i < q->cut.count; i++)
		q->without.items[q->without.count++] = q->cut.items[i];
	for (i = 0; i < q->weak.count; i++)
		q->without.items[q->without.count++] = q->weak.items[i];
	if (!q->options->cap)
		return NULL;
	NEC_TRY(nec_pattern_create_cap(q->db, q->edges, q->options->cap, &q->cap));
	q->without.items[q->without.count++] = q->cap;
	return NULL;
}

/* Objects that are dropped count as reached, so that nobody passes them. */
static struct nec_error *mark_dropped(struct question *q, bool mark)
{
	const uint32_t *objects;
	uint32_t i, j, count;

	for (i = 0; i < q->drop.count; i++) {
		objects = nec_pattern_objects(q->drop.items[i], &count);
		if (!count)
			return nec_error_create(NEC_ERR_USAGE, "'%s' names references, not objects",
						q->options->drop[i]);
		for (j = 0; j < count; j++) {
			if (mark)
				nec_bit_set(q->reached, objects[j]);
			else
				q->reached[objects[j] >> 6] &= ~(UINT64_C(1) << (objects[j] & 63));
		}
	}
	return NULL;
}

/* Adds what was reached in the dump, and is not any more. */
static void add_lost(struct question *q, const struct nec_whole *whole, const int64_t *bytes)
{
	const uint32_t *types = whole->types.data;
	uint32_t id;

	for (id = 0; id < whole->graph.node_count; id++) {
		if (id % 64 == 0 && q->reached[id / 64] == UINT64_MAX) {
			id += 63;
			continue;
		}
		if (nec_bit_get(q->reached, id) || bytes[id] < 0)
			continue;
		q->result->count++;
		q->result->bytes = nec_sum(q->result->bytes, bytes[id]);
		if (types[id] < q->sum_count) {
			q->sums[types[id]].count++;
			q->sums[types[id]].bytes = nec_sum(q->sums[types[id]].bytes, bytes[id]);
		}
	}
}

static int compare_types(const void *a, const void *b)
{
	const struct nec_whatif_type *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static struct nec_error *name_types(struct question *q)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_whatif *r = q->result;
	uint32_t i, count = 0;
	int64_t id;
	bool row;

	for (i = 0; i < q->sum_count; i++)
		count += q->sums[i].count > 0;
	r->types = calloc((size_t)count + 1, sizeof(*r->types));
	if (!r->types)
		return &nec_enomem;
	NEC_TRY(nec_query_named(q->db, "type_names", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row || r->type_count == count)
			break;
		id = nec_query_int(query, 0);
		if (id < 0 || id >= q->sum_count || !q->sums[id].count)
			continue;
		r->types[r->type_count] = (struct nec_whatif_type){
			.name = strdup(nec_query_text(query, 1, NULL)),
			.count = q->sums[id].count,
			.bytes = q->sums[id].bytes,
		};
		if (!r->types[r->type_count].name)
			return &nec_enomem;
		r->type_count++;
	}
	qsort(r->types, r->type_count, sizeof(*r->types), compare_types);
	return NULL;
}

static struct nec_error *count_types(struct question *q, const struct nec_whole *whole)
{
	const uint32_t *types = whole->types.data;
	uint32_t i;

	for (i = 0; i < whole->graph.node_count; i++)
		if (types[i] != UINT32_MAX && types[i] >= q->sum_count)
			q->sum_count = types[i] + 1;
	q->sums = calloc((size_t)q->sum_count + 1, sizeof(*q->sums));
	return q->sums ? NULL : &nec_enomem;
}

static struct nec_error *follow(struct question *q, const struct nec_whole *whole)
{
	const int64_t *bytes;

	q->result->cut = whole->cut_count;
	q->reached = calloc(nec_bit_words(whole->graph.node_count), sizeof(*q->reached));
	if (!q->reached)
		return &nec_enomem;
	NEC_TRY(mark_dropped(q, true));
	NEC_TRY(nec_graph_reach(&whole->graph, whole->roots.data, whole->root_count, nec_tmpdir(),
				q->reached, q->options->progress));
	NEC_TRY(mark_dropped(q, false));
	NEC_TRY(count_types(q, whole));
	NEC_TRY(nec_owned_wait(q->owned, &bytes));
	add_lost(q, whole, bytes);
	return name_types(q);
}

static struct nec_error *answer(struct question *q)
{
	struct nec_whole_options options = {
		.without = &q->without,
		.not_roots = q->options->not_roots,
		.progress = q->options->progress,
	};
	struct nec_whole whole;
	struct nec_error *err;

	NEC_TRY(nec_edges_open(q->db, &q->edges));
	NEC_TRY(read_patterns(q));
	NEC_TRY(nec_owned_start(q->db, nec_edges_count(q->edges), &q->owned));
	NEC_TRY(nec_whole_load(q->db, q->edges, &options, &whole));
	err = follow(q, &whole);
	nec_whole_deinit(&whole);
	return err;
}

struct nec_error *nec_whatif(struct nec_db *db, const struct nec_whatif_options *options,
			     struct nec_whatif **whatif_ret)
{
	_cleanup_(nec_whatif_destroyp) struct nec_whatif *result = calloc(1, sizeof(*result));
	struct question q = {.db = db, .options = options, .result = result};
	struct nec_error *err;

	if (!result)
		return &nec_enomem;
	err = answer(&q);
	nec_patterns_deinit(&q.cut);
	nec_patterns_deinit(&q.weak);
	nec_patterns_deinit(&q.drop);
	nec_pattern_destroy(q.cap);
	free(q.without.items);
	free(q.reached);
	free(q.sums);
	nec_owned_destroy(q.owned);
	nec_edges_close(q.edges);
	if (!err)
		*whatif_ret = nec_take(result);
	return err;
}

void nec_whatif_destroy(struct nec_whatif *whatif)
{
	uint32_t i;

	if (!whatif)
		return;
	for (i = 0; i < whatif->type_count; i++)
		free(whatif->types[i].name);
	free(whatif->types);
	free(whatif);
}
