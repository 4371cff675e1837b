/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph/ against brute force: take a node away and see what cannot be reached any more. */
#include <stdlib.h>
#include <string.h>

#include "graph/partition.h"
#include "tests/sample_graph.h"

struct result {
	uint32_t idom[MAX_NODES], distance[MAX_NODES];
	int64_t retained[MAX_NODES], total;
};

/* What is reached without node `without`; distances by relaxation. */
static void brute_reach(const struct sample *s, uint32_t without, uint32_t *distance)
{
	uint32_t i, changed = 1;

	memset(distance, 0, MAX_NODES * sizeof(*distance));
	for (i = 0; i < s->root_count; i++)
		if (s->roots[i] != without)
			distance[s->roots[i]] = 1;
	while (changed) {
		changed = 0;
		for (i = 0; i < s->edge_count; i++) {
			uint32_t from = distance[s->src[i]], *to = &distance[s->dst[i]];

			if (!from || s->dst[i] == without || (*to && *to <= from + 1))
				continue;
			*to = from + 1;
			changed = 1;
		}
	}
}

/* dominates[a][b]: is b lost without a? */
static void brute_dominators(const struct sample *s, struct result *r)
{
	static uint32_t without[MAX_NODES][MAX_NODES];
	uint32_t a, b;

	brute_reach(s, NEC_NODE_NONE, r->distance);
	r->total = 0;
	for (a = 0; a < s->node_count; a++)
		brute_reach(s, a, without[a]);
	for (b = 0; b < s->node_count; b++) {
		uint32_t best = NEC_NODE_NONE, best_depth = 0;

		if (r->distance[b])
			r->total += s->own[b];
		for (a = 0; r->distance[b] && a < s->node_count; a++) {
			uint32_t c, depth = 1;

			if (a == b || !r->distance[a] || without[a][b])
				continue;
			/* The nearest dominator is the one with most dominators of its own. */
			for (c = 0; c < s->node_count; c++)
				depth += r->distance[c] && !without[c][a];
			if (depth > best_depth) {
				best = a;
				best_depth = depth;
			}
		}
		r->idom[b] = best;
	}
	for (a = 0; a < s->node_count; a++) {
		r->retained[a] = s->own[a];
		for (b = 0; r->distance[a] && b < s->node_count; b++)
			if (b != a && r->distance[b] && !without[a][b])
				r->retained[a] += s->own[b];
	}
}

static void check_reverse(const struct nec_graph *g, const struct nec_graph *r)
{
	const uint64_t *gs = nec_graph_start(g), *rs = nec_graph_start(r);
	uint32_t i, j;
	uint64_t e, n, m;

	ck_assert_uint_eq(rs[0], 0);
	ck_assert_uint_eq(rs[g->node_count], g->edge_count);
	for (i = 0; i < g->node_count; i++) {
		for (e = rs[i]; e + 1 < rs[i + 1]; e++)
			ck_assert_uint_le(nec_graph_to(r)[e], nec_graph_to(r)[e + 1]);
		for (j = 0; j < g->node_count; j++) {
			for (n = 0, e = gs[i]; e < gs[i + 1]; e++)
				n += nec_graph_to(g)[e] == j;
			for (m = 0, e = rs[j]; e < rs[j + 1]; e++)
				m += nec_graph_to(r)[e] == i;
			ck_assert_uint_eq(n, m);
		}
	}
}

static void compute(const struct sample *s, struct result *r)
{
	struct nec_graph g, reverse;

	make_graph(s, &g);
	ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
	check_reverse(&g, &reverse);
	memset(r, 0x5a, sizeof(*r));
	ck_assert_no_error(nec_graph_dominators(&g, &reverse, s->roots, s->root_count, "/tmp",
						r->idom, r->distance, NULL));
	ck_assert_no_error(nec_graph_retained(r->idom, r->distance, s->node_count, s->own,
					      r->retained, "/tmp", &r->total));
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
}

enum { SLICES = 3, GRAPHS_OF_A_SLICE = 300 };

START_TEST(test_dominators_of_random_graphs_against_removal)
{
	struct sample s;
	struct result got, want;
	uint32_t round, i;

	for (round = 0; round < GRAPHS_OF_A_SLICE; round++) {
		seed = (uint32_t)_i * GRAPHS_OF_A_SLICE + round;
		make_sample(&s);
		compute(&s, &got);
		brute_dominators(&s, &want);
		for (i = 0; i < s.node_count; i++) {
			ck_assert_msg(got.distance[i] == want.distance[i], "seed %d/%u node %u", _i,
				      round, i);
			ck_assert_msg(got.idom[i] == want.idom[i], "seed %d/%u node %u: %u not %u",
				      _i, round, i, got.idom[i], want.idom[i]);
			ck_assert_int_eq(got.retained[i], want.retained[i]);
		}
		ck_assert_int_eq(got.total, want.total);
	}
}
END_TEST

enum { GROUPS = 3 };

/* Bytes that are lost when the roots of a group are none, but for those that others have too. */
static int64_t brute_group(const struct sample *s, const uint32_t *group, uint32_t which)
{
	uint32_t all[MAX_NODES], rest[MAX_NODES], i;
	struct sample without = *s;
	int64_t lost = 0;

	without.root_count = 0;
	for (i = 0; i < s->root_count; i++)
		if (group[i] != which)
			without.roots[without.root_count++] = s->roots[i];
	brute_reach(s, NEC_NODE_NONE, all);
	brute_reach(&without, NEC_NODE_NONE, rest);
	for (i = 0; i < s->node_count; i++)
		lost += all[i] && !rest[i] ? s->own[i] : 0;
	return lost;
}

START_TEST(test_what_groups_of_roots_retain)
{
	uint32_t group[MAX_ROOTS], round, i;
	struct nec_tmparray nodes = NEC_TMPARRAY_INIT;
	const struct nec_root_groups groups = {group, GROUPS, &nodes};
	const struct nec_group_node *found;
	struct nec_graph g, reverse;
	struct result want, got;
	struct sample s;

	ck_assert_no_error(nec_tmparray_init(&nodes, "/tmp"));
	for (round = 0; round < GRAPHS_OF_A_SLICE; round++) {
		int64_t sums[GROUPS] = {0};

		seed = (uint32_t)_i * GRAPHS_OF_A_SLICE + round;
		make_sample(&s);
		compute(&s, &want);
		for (i = 0; i < s.root_count; i++) {
			group[i] = below(GROUPS + 1);
			if (group[i] == GROUPS)
				group[i] = NEC_NODE_NONE;
		}
		make_graph(&s, &g);
		ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
		nodes.size = 0;
		ck_assert_no_error(nec_graph_group_dominators(&g, &reverse, s.roots, s.root_count,
							      &groups, "/tmp", got.idom,
							      got.distance, NULL));
		ck_assert_mem_eq(got.distance, want.distance, s.node_count * sizeof(uint32_t));
		ck_assert_no_error(nec_graph_retained(got.idom, got.distance, s.node_count, s.own,
						      got.retained, "/tmp", &got.total));
		found = nodes.data;
		for (i = 0; i < nodes.size / sizeof(*found); i++) {
			ck_assert_uint_eq(got.idom[found[i].node], NEC_NODE_NONE);
			sums[found[i].group] += got.retained[found[i].node];
		}
		for (i = 0; i < GROUPS; i++)
			ck_assert_msg(sums[i] == brute_group(&s, group, i), "seed %d/%u group %u",
				      _i, round, i);
		nec_graph_deinit(&g);
		nec_graph_deinit(&reverse);
	}
	nec_tmparray_deinit(&nodes);
}
END_TEST

enum { CLASSES = 6, SETS = 3 };

/* What a set retains, by the book: members that no other member is above. */
static int64_t brute_set(const struct sample *s, const struct result *r, const uint32_t *class_of,
			 const uint32_t *set, uint32_t which)
{
	uint32_t i, up;
	int64_t sum = 0;

	for (i = 0; i < s->node_count; i++) {
		if (class_of[i] >= CLASSES || set[class_of[i]] != which)
			continue;
		for (up = r->idom[i]; up != NEC_NODE_NONE; up = r->idom[up])
			if (class_of[up] < CLASSES && set[class_of[up]] == which)
				break;
		if (up == NEC_NODE_NONE)
			sum += r->retained[i];
	}
	return sum;
}

START_TEST(test_what_sets_retain_is_counted_once)
{
	static const uint32_t itself[CLASSES] = {0, 1, 2, 3, 4, 5};
	/* The last class is in no set. */
	static const uint32_t sets[CLASSES] = {0, 1, 0, 2, 2, SETS};
	uint32_t class_of[MAX_NODES], round, i;
	struct result r;
	struct sample s;

	for (round = 0; round < GRAPHS_OF_A_SLICE; round++) {
		int64_t by_class[CLASSES] = {0}, by_set[SETS] = {0};
		const struct nec_partition partitions[] = {
			{.count = CLASSES, .retained = by_class},
			{sets, SETS, by_set},
		};

		seed = (uint32_t)_i * GRAPHS_OF_A_SLICE + round;
		make_sample(&s);
		compute(&s, &r);
		for (i = 0; i < s.node_count; i++)
			class_of[i] = below(CLASSES + 1);
		ck_assert_no_error(nec_graph_partition(r.idom, r.retained, s.node_count, class_of,
						       CLASSES, partitions, 2, "/tmp"));
		for (i = 0; i < CLASSES; i++)
			ck_assert_int_eq(by_class[i], brute_set(&s, &r, class_of, itself, i));
		for (i = 0; i < SETS; i++)
			ck_assert_int_eq(by_set[i], brute_set(&s, &r, class_of, sets, i));
	}
}
END_TEST

/*
 * Two chains of n nodes under one root; a leaf for each position, held by both chains there. Every
 * common dominator is the root, as far away as can be: climbing one by one would take n * n steps.
 */
START_TEST(test_dominators_of_twin_chains_are_not_quadratic)
{
	enum { N = 300000 };
	uint32_t count = 3 * N + 1, i, root = 0, to[3];
	uint32_t *idom = calloc(count, sizeof(*idom)), *distance = calloc(count, sizeof(*distance));
	struct nec_graph g, reverse;

	ck_assert_no_error(nec_graph_init(&g, "/tmp", count));
	to[0] = 1;
	to[1] = N + 1;
	ck_assert_no_error(nec_graph_add(&g, 0, to, 2));
	for (i = 1; i <= 2 * N; i++) {
		uint32_t position = (i - 1) % N;

		to[0] = 2 * N + 1 + position;
		to[1] = i + 1;
		ck_assert_no_error(nec_graph_add(&g, i, to, position == N - 1 ? 1 : 2));
	}
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
	ck_assert_no_error(
		nec_graph_dominators(&g, &reverse, &root, 1, "/tmp", idom, distance, NULL));
	ck_assert_uint_eq(idom[0], NEC_NODE_NONE);
	for (i = 1; i <= 2 * N; i++)
		ck_assert_uint_eq(idom[i], i == N + 1 ? 0 : i - 1);
	for (; i < count; i++) {
		ck_assert_uint_eq(idom[i], 0);
		ck_assert_uint_eq(distance[i], i - 2 * N + 2);
	}
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
	free(idom);
	free(distance);
}
END_TEST

START_TEST(test_sizes_that_overflow_stay_at_the_greatest)
{
	const uint32_t idom[] = {NEC_NODE_NONE, 0, 0}, distance[] = {1, 2, 2};
	int64_t own[] = {1, INT64_MAX, INT64_MAX}, total;

	ck_assert_no_error(nec_graph_retained(idom, distance, 3, own, own, "/tmp", &total));
	ck_assert_int_eq(own[0], INT64_MAX);
	ck_assert_int_eq(total, INT64_MAX);
}
END_TEST

START_TEST(test_edges_and_roots_outside_the_graph_are_refused)
{
	uint32_t to = 3, root = 3, idom[3], distance[3];
	struct nec_graph g, reverse;

	ck_assert_no_error(nec_graph_init(&g, "/tmp", 3));
	ck_assert_error(nec_graph_add(&g, 0, &to, 1), NEC_ERR_USAGE);
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
	ck_assert_error(nec_graph_dominators(&g, &reverse, &root, 1, "/tmp", idom, distance, NULL),
			NEC_ERR_USAGE);
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
}
END_TEST

START_TEST(test_an_empty_graph_has_nothing)
{
	struct nec_graph g, reverse;
	int64_t total = 5;

	ck_assert_no_error(nec_graph_init(&g, "/tmp", 0));
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
	ck_assert_no_error(nec_graph_dominators(&g, &reverse, NULL, 0, "/tmp", NULL, NULL, NULL));
	ck_assert_no_error(nec_graph_retained(NULL, NULL, 0, NULL, NULL, "/tmp", &total));
	ck_assert_int_eq(total, 0);
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
}
END_TEST

START_TEST(test_work_ends_when_it_is_cancelled)
{
	struct nec_progress progress = {.cancel = 1};
	struct nec_graph g, reverse;
	uint32_t to = 1;

	ck_assert_no_error(nec_graph_init(&g, "/tmp", 2));
	ck_assert_no_error(nec_graph_add(&g, 0, &to, 1));
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_error(nec_graph_reverse(&g, "/tmp", &reverse, &progress), NEC_ERR_CANCELLED);
	nec_graph_deinit(&g);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph");
	TCase *tcase = tcase_create("graph");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_dominators_of_random_graphs_against_removal, 0, SLICES);
	tcase_add_loop_test(tcase, test_what_groups_of_roots_retain, 0, SLICES);
	tcase_add_loop_test(tcase, test_what_sets_retain_is_counted_once, 0, SLICES);
	tcase_add_test(tcase, test_dominators_of_twin_chains_are_not_quadratic);
	tcase_add_test(tcase, test_sizes_that_overflow_stay_at_the_greatest);
	tcase_add_test(tcase, test_edges_and_roots_outside_the_graph_are_refused);
	tcase_add_test(tcase, test_an_empty_graph_has_nothing);
	tcase_add_test(tcase, test_work_ends_when_it_is_cancelled);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
