/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the blocks are that pymalloc has handed out: every one of them, once. What is left over is
 * what the walk does not know, and is always reported.
 */
#ifndef NEC_PYTHON_BLOCKS_H
#define NEC_PYTHON_BLOCKS_H

#include "python/walk.h"

enum nec_block_use {
	NEC_USE_OBJECT,
	NEC_USE_PART,   /* of an object: a table, an array of items */
	NEC_USE_KEPT,   /* a dead object that its type keeps for the next one: PyFrame_Type's
			   free_list, co_zombieframe */
	NEC_USE_STATIC, /* variables of C code point at it, or at one that points at it */
	NEC_USE_UNEXPLAINED,
	NEC_USES,
};

struct nec_blocks {
	uint64_t count[NEC_USES];
	uint64_t bytes[NEC_USES];
};

/* Where an object may begin in a block: behind a collector's header, managed words, the debug
 * hook's bytes. */
extern const unsigned int nec_block_leads[];
enum { NEC_BLOCK_LEADS = 6 };

/* Does the block hold a dead object that its type keeps, NEC_USE_KEPT? What it points at is gone or
 * others'. */
bool nec_block_is_kept(const struct nec_walk *walk, uint64_t start, uint64_t size);

/* After the walk, which is complete. */
struct nec_error *nec_blocks_count(const struct nec_walk *walk, const char *tmpdir,
				   struct nec_blocks *ret);

#endif
