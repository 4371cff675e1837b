/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long the graph stage takes: bench_graph [NODES [EDGES [LOCALITY]]], by default 12,000,000
 * nodes and 30,000,000 edges.
 *
 * The graph is shaped like a Python heap: one node in five has outgoing edges, most edges lead near
 * their source in memory (LOCALITY in percent, 90 by default), some anywhere, and some to a few
 * hundred nodes that everybody refers to (types, None). Prints seconds for each part and the peak
 * of private memory and temporary files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "graph/graph.h"

enum { HUBS = 300, INNER_OF = 5, NEAR = 4096 };

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void done(const char *what, double *since)
{
	double t = now();

	printf("%-12s %6.2f s\n", what, t - *since);
	*since = t;
}

static void check(struct nec_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "bench_graph: %s\n", err->message);
	exit(1);
}

static uint32_t target(uint32_t i, uint32_t nodes, unsigned int locality)
{
	uint64_t r = next();

	if (r % 100 < 15)
		return (uint32_t)((r >> 8) % HUBS % nodes);
	if ((r >> 32) % 100 < locality)
		return (uint32_t)((i + 1 + (r >> 8) % NEAR) % nodes);
	return (uint32_t)((r >> 8) % nodes);
}

int main(int argc, char **argv)
{
	uint32_t nodes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 12000000, to[64], i, j, n;
	uint64_t edges = argc > 2 ? strtoull(argv[2], NULL, 0) : 30000000, reached = 0;
	unsigned int locality = argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 0) : 90;
	const char *tmpdir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	uint32_t *idom = malloc(nodes * sizeof(*idom)),
		 *distance = malloc(nodes * sizeof(*distance));
	int64_t *retained = malloc(nodes * sizeof(*retained)), total;
	uint32_t roots[HUBS + 1];
	struct nec_graph g, reverse;
	struct rusage usage;
	double t = now(), whole;

	if (!idom || !distance || !retained || nodes < HUBS)
		return 1;
	check(nec_graph_init(&g, tmpdir, nodes));
	for (i = 0; i < nodes; i++) {
		retained[i] = 56;
		if (i >= HUBS && next() % INNER_OF)
			continue;
		n = (uint32_t)(edges * INNER_OF / nodes);
		n = n / 2 + (uint32_t)(next() % (n + 1));
		for (j = 0; j < n && j < 64; j++)
			to[j] = target(i, nodes, locality);
		check(nec_graph_add(&g, i, to, j));
	}
	check(nec_graph_finish(&g));
	for (i = 0; i <= HUBS; i++)
		roots[i] = i;
	printf("%u nodes, %llu edges\n", nodes, (unsigned long long)g.edge_count);
	done("build", &t);
	whole = t;
	check(nec_graph_reverse(&g, tmpdir, &reverse, NULL));
	done("reverse", &t);
	check(nec_graph_dominators(&g, &reverse, roots, HUBS + 1, tmpdir, idom, distance, NULL));
	done("dominators", &t);
	check(nec_graph_retained(idom, distance, nodes, retained, retained, tmpdir, &total));
	done("retained", &t);
	for (i = 0; i < nodes; i++)
		reached += distance[i] != 0;
	getrusage(RUSAGE_SELF, &usage);
	printf("all three    %6.2f s, %llu reached, %lld bytes, peak RSS %ld KiB\n", t - whole,
	       (unsigned long long)reached, (long long)total, usage.ru_maxrss);
	nec_graph_deinit(&g);
	nec_graph_deinit(&reverse);
	free(idom);
	free(distance);
	free(retained);
	return 0;
}
