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
#include "native/malloc.h"
#include "python/heap.h"
#include "python/visit.h"

/* Blocks of several objects that are listed. */
enum { NEC_SEVERAL = 1 << 16 };

/* A part of an object that somebody will ask the owner of: a large one, or one in an arena or heap that is mostly free. */
struct nec_owned {
	uint64_t addr, size, owner;
};

enum { NEC_OWNED_LEAST = 64 << 10 }; /* bytes of a large one */

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
	struct nec_tmparray owned; /* struct nec_owned[] */
	struct nec_tmparray several; /* struct nec_owned[], owner 0: native blocks in shared, NEC_SEVERAL of them at most */
	struct nec_progress *progress;
	uint64_t *missing; /* owned: of each mapping of the image, references that lead where it has no bytes */
	uint64_t marked;
	uint64_t freed_targets; /* exact references into free blocks: dangling in the process itself */
};

struct nec_error *nec_walk_init(struct nec_walk *walk, struct nec_types *types, const struct nec_heap *heap,
				const struct nec_malloc *malloc, const char *tmpdir, struct nec_progress *progress);
void nec_walk_deinit(struct nec_walk *walk);

/* Bytes outside the object that walk->visit, just made, owns alone and that its size does not count. */
int64_t nec_walk_native(const struct nec_walk *walk);

/* Where the variables of a mapped file, or of Python itself, end that mapping number `map` begins
 * with; 0: it has none. path_ret: that file's, NULL: not known. */
uint64_t nec_static_end(const struct nec_target *t, uint32_t map, const char **path_ret);

/* Finds them all. */
struct nec_error *nec_walk_run(struct nec_walk *walk);

#endif
