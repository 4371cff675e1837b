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
	const struct nec_walk *walk;     /* borrowed */
	struct nec_addrset *from_static; /* owned: blocks that variables of C code lead to */
	uint64_t count[NEC_USES];
	uint64_t bytes[NEC_USES];
};

/* Where an object may begin in a block: behind a collector's header (24 bytes until 3.7), managed
 * words, the bytes of one or two debug hooks. */
extern const unsigned int nec_block_leads[];
enum { NEC_BLOCK_LEADS = 8 };

/* Does the block hold a dead object that its type keeps, NEC_USE_KEPT? What it points at is gone or
 * others'. */
bool nec_block_is_kept(const struct nec_walk *walk, uint64_t start, uint64_t size);

/* After the walk, which is complete. Nothing is counted yet: the ledger, which comes by every block,
 * does that. */
struct nec_error *nec_blocks_init(struct nec_blocks *blocks, const struct nec_walk *walk,
				  const char *tmpdir);
void nec_blocks_deinit(struct nec_blocks *blocks);

/* So many blocks of one size are used for that. */
static inline void nec_blocks_count(struct nec_blocks *blocks, enum nec_block_use use,
				    uint64_t count, uint64_t size)
{
	blocks->count[use] += count;
	blocks->bytes[use] += count * size;
}

/* A block in use that is no object's, and no part of one. */
void nec_blocks_add(struct nec_blocks *blocks, uint64_t start, uint64_t size);

#endif
