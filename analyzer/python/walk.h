/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every object of the process: what is reachable from types, modules, interpreters, thread states and the collector's lists, to closure,
 * and then each pymalloc block in use that begins with an object nothing led to.
 *
 * A depth-first marking over a ranked bitmap; the stack is an array in a temporary file. The collector's lists need no heads: the
 * neighbours of each tracked object are followed.
 */
#ifndef NEC_PYTHON_WALK_H
#define NEC_PYTHON_WALK_H

#include "base/addrset.h"
#include "base/progress.h"
#include "base/tmparray.h"
#include "python/heap.h"
#include "python/visit.h"

struct nec_walk {
	const struct nec_target *target; /* borrowed */
	struct nec_types *types;	 /* borrowed */
	const struct nec_heap *heap;	 /* borrowed */
	struct nec_addrset *objects;	 /* owned: their addresses, indexed after nec_walk_run */
	struct nec_addrset *parts;	 /* owned: blocks that belong to an object */
	struct nec_addrset *shared;	 /* owned: those that belong to several */
	struct nec_addrset *found_in_blocks; /* owned: objects that nothing led to */
	struct nec_visit visit;
	struct nec_tmparray stack;
	struct nec_progress *progress;
	uint64_t marked;
	/* Blocks of pymalloc in use, by what they are. */
	uint64_t object_blocks, part_blocks, unexplained_blocks;
	uint64_t object_block_bytes, part_block_bytes, unexplained_block_bytes;
	uint64_t freed_targets; /* exact references into free blocks: dangling in the process itself */
};

struct nec_error *nec_walk_init(struct nec_walk *walk, struct nec_types *types, const struct nec_heap *heap,
				const char *tmpdir, struct nec_progress *progress);
void nec_walk_deinit(struct nec_walk *walk);

/* Bytes outside the object that walk->visit, just made, owns alone and that its size does not count. */
int64_t nec_walk_native(const struct nec_walk *walk);

/* Finds them all. */
struct nec_error *nec_walk_run(struct nec_walk *walk);

#endif
