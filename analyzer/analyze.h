/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The third stage of a load: who holds what. Takes ids and edges as intake made them and fills the
 * columns idom, retained and distance; knows neither the dump nor the database.
 *
 * What no root reaches is looked at once more, as CPython's own collector would: an object whose
 * count is higher than the references that were found is held by something nobody saw (native
 * memory, a leaked reference), and becomes a root by implication. What is left after that is
 * garbage: cycles that wait for the collector.
 */
#ifndef NEC_ANALYZE_H
#define NEC_ANALYZE_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/tmparray.h"
#include "fact.h"
#include "graph/graph.h"

/*
 * With reference counts there is no need to guess what a doubtful root owns: it counts where the references that were found do not
 * explain the object's count.
 */
struct nec_analysis_root {
	uint32_t id;
	uint32_t doubt; /* enum nec_root_doubt */
};

struct nec_analysis {
	/* What the caller fills in; everything is borrowed until nec_analyze returns. */
	const struct nec_graph *graph; /* strong, type and conservative references: no weak ones */
	const struct nec_graph *reverse; /* of graph; NULL: it is made and freed again */
	const char *tmpdir;
	const struct nec_analysis_root *roots; /* of ROOT facts; duplicates are fine */
	uint32_t root_count;
	const uint32_t *root_group; /* of each root, a thread; NEC_NODE_NONE: of none; NULL: all */
	uint32_t group_count;
	const uint32_t *refcount; /* UINT32_MAX: unknown or too large to matter; NULL: all roots
				     count, none is implied */
	const uint8_t *flags;     /* NEC_OBJECT_*: may be NULL */
	struct nec_progress *progress; /* may be NULL */

	/* In and out, [graph->node_count]: own bytes (size + native) before, retained bytes after.
	 */
	int64_t *retained;

	/* Out, the caller's arrays of [graph->node_count]; see nec_graph_dominators for what they
	 * hold. */
	uint32_t *idom;
	uint32_t *distance; /* 0: garbage */

	/* Out: what each group of roots retains, the caller's array of group_count, zeroed. */
	int64_t *group_retained;

	/* Out: objects and bytes by what they are. bytes are own bytes. */
	uint64_t reachable_count, garbage_count;
	int64_t reachable_bytes, garbage_bytes;

	/* Out: uint32_t ids of the roots by implication, ascending; nec_analysis_deinit frees it.
	 */
	struct nec_tmparray implied;
};

/* Runs the stage. On failure the columns are undefined; nec_analysis_deinit is due all the same. */
struct nec_error *nec_analyze(struct nec_analysis *analysis);

void nec_analysis_deinit(struct nec_analysis *analysis);

#endif
