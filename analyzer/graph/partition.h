/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retained sizes of sets of nodes: of all instances of a class, of all classes of a module.
 *
 * A set retains what its members do, nothing counted twice: a member that another one dominates is
 * in what that one retains. One depth-first walk over the dominator tree, with a counter for each
 * set of how many members are above, adds up any number of partitions at once. What two members
 * hold together and neither alone is in no sum.
 */
#ifndef NEC_GRAPH_PARTITION_H
#define NEC_GRAPH_PARTITION_H

#include <stdint.h>

#include "base/error.h"

struct nec_partition {
	const uint32_t *set; /* by class; NULL: each class is a set of its own */
	uint32_t count;      /* of sets; a number that is not below is in none */
	int64_t *retained;   /* [count], zeroed by the caller; bytes afterwards */
};

/*
 * idom and retained as nec_graph_dominators and nec_graph_retained made them. class_of[i] is that
 * of node i; one that is not below class_count is in no set.
 */
struct nec_error *nec_graph_partition(const uint32_t *idom, const int64_t *retained,
				      uint32_t node_count, const uint32_t *class_of,
				      uint32_t class_count, const struct nec_partition *partitions,
				      uint32_t partition_count, const char *tmpdir);

#endif
