/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths and reachability on random graphs against the simplest search there is; the analysis stage
 * on small heaps. */
#include <stdlib.h>

#include "analyze.h"
#include "fact.h"
#include "graph/path.h"
#include "graph/reach.h"
#include "tests/sample_graph.h"

/* What the callbacks look at. */
struct scene {
	struct sample s;
	bool cut[MAX_NODES][MAX_NODES];
};

static bool is_root(void *arg, uint32_t id)
{
	const struct scene *scene = arg;
	uint32_t i;

	for (i = 0; i < scene->s.root_count; i++)
		if (scene->s.roots[i] == id)
			return true;
	return false;
}

static bool allow(void *arg, const struct nec_edge *edge)
{
	const struct scene *scene = arg;

	return !scene->cut[edge->src][edge->dst];
}

static bool has_edge(const struct scene *scene, uint32_t src, uint32_t dst)
{
	uint32_t i;

	for (i = 0; i < scene->s.edge_count; i++)
		if (scene->s.src[i] == src && scene->s.dst[i] == dst)
			return !scene->cut[src][dst];
	return false;
}

/* Distances over edges that are not cut and without passing a node. */
static void brute_distances(const struct scene *scene, uint32_t without, uint32_t *distance)
{
	uint32_t i, changed = 1;

	memset(distance, 0, MAX_NODES * sizeof(*distance));
	for (i = 0; i < scene->s.root_count; i++)
		if (scene->s.roots[i] != without)
			distance[scene->s.roots[i]] = 1;
	while (changed) {
		changed = 0;
		for (i = 0; i < scene->s.edge_count; i++) {
			uint32_t src = scene->s.src[i], dst = scene->s.dst[i];

			if (!distance[src] || dst == without || scene->cut[src][dst] ||
			    (distance[dst] && distance[dst] <= distance[src] + 1))
				continue;
			distance[dst] = distance[src] + 1;
			changed = 1;
		}
	}
}

static void check_path(const struct scene *scene, const struct nec_path *path, uint32_t node)
{
	bool crossed[MAX_NODES] = {false};
	uint32_t i;

	ck_assert(is_root((void *)scene, path->ids[0]));
	ck_assert_uint_eq(path->ids[path->count - 1], node);
	for (i = 0; i < path->count; i++) {
		ck_assert(!crossed[path->ids[i]]);
		crossed[path->ids[i]] = true;
		ck_assert(!i || has_edge(scene, path->ids[i - 1], path->ids[i]));
	}
}

/* Do paths that end with the same holder come after all other holders were named? */
static void check_set(const struct scene *scene, const struct nec_path_set *set, uint32_t node,
		      uint32_t max_paths)
{
	uint32_t without[MAX_NODES], holders = 0, named = 0, last = 0, i, j;
	bool held[MAX_NODES] = {false};

	brute_distances(scene, node, without);
	for (i = 0; i < scene->s.node_count; i++)
		holders += i != node && without[i] && has_edge(scene, i, node);
	for (i = 0; i < set->count; i++) {
		const struct nec_path *path = &set->paths[i];

		check_path(scene, path, node);
		for (j = 0; j < i; j++)
			ck_assert(path->count != set->paths[j].count ||
				  memcmp(path->ids, set->paths[j].ids,
					 path->count * sizeof(*path->ids)));
		if (path->count < 2 || held[path->ids[path->count - 2]])
			continue;
		held[path->ids[path->count - 2]] = true;
		named++;
		ck_assert_uint_eq(path->count - 1, without[path->ids[path->count - 2]]);
		ck_assert_uint_ge(path->count, last);
		last = path->count;
	}
	if (!is_root((void *)scene, node))
		ck_assert_uint_eq(named, holders < max_paths ? holders : max_paths);
}

START_TEST(test_paths_are_shortest_and_name_every_holder_first)
{
	struct nec_graph_neighbours neighbours;
	uint32_t distance[MAX_NODES], want[MAX_NODES], round, i;
	struct nec_graph g, reverse;
	struct nec_path_set set;
	struct scene scene;

	for (round = 0; round < 700; round++) {
		seed = (uint32_t)_i * 700 + round;
		make_sample(&scene.s);
		memset(scene.cut, 0, sizeof(scene.cut));
		for (i = 0; i < scene.s.edge_count && round % 2; i++)
			scene.cut[scene.s.src[i]][scene.s.dst[i]] = !below(4);
		make_graph(&scene.s, &g);
		ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
		ck_assert_no_error(nec_graph_distances(&g, scene.s.roots, scene.s.root_count,
						       "/tmp", distance, NULL));
		nec_graph_neighbours_init(&neighbours, &g, &reverse, distance);
		brute_distances(&scene, NEC_NODE_NONE, want);
		for (i = 0; i < scene.s.node_count; i++) {
			struct nec_path_query query = {
				.neighbours = &neighbours.base,
				.node = i,
				.max_paths = 1 + below(6),
				.is_root = is_root,
				.allow = round % 4 ? allow : NULL,
				.arg = &scene,
				.unguided = round % 3 == 0,
			};

			ck_assert_no_error(nec_path_find(&query, &set));
			ck_assert(!set.exhausted);
			ck_assert_uint_eq(set.count > 0, want[i] > 0);
			if (set.count) {
				ck_assert_uint_eq(set.paths[0].count, want[i]);
				check_set(&scene, &set, i, query.max_paths);
			}
			nec_path_set_deinit(&set);
		}
		nec_graph_deinit(&g);
		nec_graph_deinit(&reverse);
	}
}
END_TEST

START_TEST(test_reach_agrees_with_distances_and_stops_at_marked_nodes)
{
	uint32_t want[MAX_NODES], round, without, i;
	uint64_t reached[1];
	struct nec_graph g;
	struct scene scene;

	ck_assert_uint_ge(64, MAX_NODES);
	memset(scene.cut, 0, sizeof(scene.cut));
	for (round = 0; round < 1000; round++) {
		seed = round;
		make_sample(&scene.s);
		make_graph(&scene.s, &g);
		without = round % 2 ? below(scene.s.node_count) : NEC_NODE_NONE;
		reached[0] = round % 2 ? UINT64_C(1) << without : 0;
		ck_assert_no_error(nec_graph_reach(&g, scene.s.roots, scene.s.root_count, "/tmp",
						   reached, NULL));
		brute_distances(&scene, without, want);
		for (i = 0; i < scene.s.node_count; i++)
			if (i != without)
				ck_assert_uint_eq(nec_bit_get(reached, i), want[i] > 0);
		nec_graph_deinit(&g);
	}
}
END_TEST

/* One root, one edge to each of N nodes, and one edge from each of them to the last node. */
START_TEST(test_a_hub_is_read_no_further_than_needed)
{
	enum { N = 100000 };
	uint32_t *to = calloc(N, sizeof(*to)), *distance = calloc(N + 2, sizeof(*distance)), i;
	struct scene scene = {.s = {.root_count = 1}};
	struct nec_graph_neighbours neighbours;
	struct nec_graph g, reverse;
	struct nec_path_set set;
	struct nec_path_query query = {
		.neighbours = &neighbours.base,
		.node = N + 1,
		.max_paths = 3,
		.is_root = is_root,
		.arg = &scene,
		.budget = 50,
	};

	ck_assert_no_error(nec_graph_init(&g, "/tmp", N + 2));
	for (i = 0; i < N; i++)
		to[i] = i + 1;
	ck_assert_no_error(nec_graph_add(&g, 0, to, N));
	to[0] = N + 1;
	for (i = 1; i <= N; i++)
		ck_assert_no_error(nec_graph_add(&g, i, to, 1));
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_no_error(nec_graph_reverse(&g, "/tmp", &reverse, NULL));
	ck_assert_no_error(nec_graph_distances(&g, scene.s.roots, 1, "/tmp", distance, NULL));
	nec_graph_neighbours_init(&neighbours, &g, &reverse, distance);
	ck_assert_no_error(nec_path_find(&query, &set));
	ck_assert_uint_eq(set.count, 3);
	ck_assert_uint_eq(set.paths[0].count, 3);
	ck_assert(!set.exhausted);
	nec_path_set_deinit(&set);
	query.unguided = true;
	ck_assert_no_error(nec_path_find(&query, &set));
	ck_assert(set.exhausted);
	nec_path_set_deinit(&set);
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
	free(to);
	free(distance);
}
END_TEST

/*
 * 0 is a root and holds 1. 2 <-> 3 is a cycle of garbage that holds 4, with a word on a stack that
 * is left over. 5 is held from nowhere that was seen, and holds 6. 7 is immortal, and nothing holds
 * it. Variables of C point at 1, whose count is explained, at 8, which nothing else reaches, and at
 * 9, whose count is higher than 0 explains.
 */
START_TEST(test_counts_say_which_roots_are_true)
{
	static const struct nec_analysis_root roots[] = {
		{0, NEC_ROOT_SURE},     {1, NEC_ROOT_DOUBTFUL}, {2, NEC_ROOT_DOUBTFUL},
		{8, NEC_ROOT_DOUBTFUL}, {9, NEC_ROOT_DOUBTFUL},
	};
	static const uint32_t edges[][3] = {{0, 1, 9}, {2, 3, 3}, {3, 2, 4}, {5, 6, 6}, {8, 8, 8}};
	static const uint32_t refcount[] = {1, 1, 1, 2, 1, 2, 2, 1, 2, 2};
	static const uint8_t flags[] = {0, 0, 0, 0, 0, 0, 0, NEC_OBJECT_IMMORTAL, 0, 0};
	static const uint32_t want_distance[] = {1, 2, 0, 0, 0, 1, 2, 1, 0, 1};
	int64_t retained[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
	uint32_t idom[10], distance[10], i;
	struct nec_graph g;
	struct nec_analysis analysis = {
		.graph = &g,
		.tmpdir = "/tmp",
		.roots = roots,
		.root_count = sizeof(roots) / sizeof(roots[0]),
		.refcount = refcount,
		.flags = flags,
		.retained = retained,
		.idom = idom,
		.distance = distance,
	};

	ck_assert_no_error(nec_graph_init(&g, "/tmp", 10));
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		ck_assert_no_error(nec_graph_add(&g, edges[i][0], edges[i] + 1, 2));
	ck_assert_no_error(nec_graph_finish(&g));
	ck_assert_no_error(nec_analyze(&analysis));
	ck_assert_uint_eq(analysis.implied.size, 2 * sizeof(uint32_t));
	ck_assert_uint_eq(((const uint32_t *)analysis.implied.data)[0], 5);
	ck_assert_uint_eq(((const uint32_t *)analysis.implied.data)[1], 7);
	for (i = 0; i < 10; i++)
		ck_assert_msg(distance[i] == want_distance[i], "node %u: %u", i, distance[i]);
	ck_assert_int_eq(retained[0], 1 + 2);
	ck_assert_int_eq(retained[5], 32 + 64);
	ck_assert_int_eq(analysis.garbage_bytes, 4 + 8 + 16 + 256);
	ck_assert_uint_eq(analysis.garbage_count, 4);
	ck_assert_uint_eq(analysis.reachable_count, 6);
	ck_assert_int_eq(analysis.reachable_bytes, 1023 - 4 - 8 - 16 - 256);
	nec_analysis_deinit(&analysis);
	/* Without counts every root is one. */
	analysis.refcount = NULL;
	ck_assert_no_error(nec_analyze(&analysis));
	ck_assert_uint_eq(analysis.implied.size, 0);
	ck_assert_uint_eq(distance[2], 1);
	ck_assert_uint_eq(distance[5], 0);
	nec_analysis_deinit(&analysis);
	nec_graph_deinit(&g);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("path");
	TCase *tcase = tcase_create("path");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_paths_are_shortest_and_name_every_holder_first, 0, 3);
	tcase_add_test(tcase, test_reach_agrees_with_distances_and_stops_at_marked_nodes);
	tcase_add_test(tcase, test_a_hub_is_read_no_further_than_needed);
	tcase_add_test(tcase, test_counts_say_which_roots_are_true);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
