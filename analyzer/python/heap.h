/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pymalloc as the process left it: arenas, pools, and which blocks of them are in use. Layout and invariants: Objects/obmalloc.c.
 *
 * The table of arenas is found through the runtime (3.12 on) or by looking for it: an array of arena_object whose every entry is
 * consistent, pointed to from the runtime's static data, and in interpreters with allocators of their own from their state. So it
 * needs no symbol. Blocks of raw malloc are not its business.
 */
#ifndef NEC_PYTHON_HEAP_H
#define NEC_PYTHON_HEAP_H

#include "base/addrset.h"
#include "native/malloc.h"
#include "python/mimalloc.h"
#include "python/target.h"

struct nec_arena {
	uint64_t start;	       /* first address */
	uint64_t first_pool;   /* aligned */
	uint64_t pools_end;    /* behind the last pool that was ever used */
	uint32_t pools_total;
	uint32_t pools_free;
	uint64_t table_entry;  /* address of its arena_object */
	uint32_t pool_index;   /* of its first pool, in nec_heap.pools */
	uint64_t bytes_used;   /* in blocks that are in use */
	uint64_t bytes_free;   /* in the others of pools in use */
	uint32_t blocks_used, blocks_free;
	bool missing;	       /* the dump does not have all of its pools that were used */
	bool guessed;	       /* known by its pools alone: the table was cut off */
	bool sparse;	       /* so little of it is used that somebody will ask by whom */
};

/* One pool. */
struct nec_pool {
	uint16_t size; /* of its blocks, bytes; 0: the pool is free, or damaged */
	uint16_t end;  /* behind the last block that was ever handed out, bytes from the pool's start */
};

/* One size class. */
struct nec_size_class {
	uint64_t pools;
	uint64_t blocks_used;
	uint64_t blocks_free;
};

enum { NEC_SIZE_CLASSES = 64, NEC_HEAP_TABLES = 64 };

struct nec_heap {
	const struct nec_target *target; /* borrowed */
	struct nec_arena *arenas; /* owned, by address */
	uint64_t *arena_starts;	  /* owned: start of each, which are searched */
	uint32_t arena_count;
	struct nec_pool *pools; /* owned */
	struct nec_addrset *free_blocks; /* owned: blocks on the free lists of pools in use */
	struct nec_size_class classes[NEC_SIZE_CLASSES]; /* by size / 8 - 1, so that old alignments fit */
	uint64_t blocks_used, bytes_used;
	uint64_t pools_used;
	uint32_t table_count;
	uint64_t tables[NEC_HEAP_TABLES]; /* addresses of the arrays of arena_object */
	uint32_t sparse_count; /* arenas that are sparse */
	struct nec_mimalloc mi; /* that took pymalloc's place; no segments where it did not */
	uint64_t damaged; /* pools whose free list or header makes no sense */
};

struct nec_error *nec_heap_init(struct nec_heap *heap, const struct nec_target *target,
				const struct nec_malloc *malloc);
void nec_heap_deinit(struct nec_heap *heap);

/* The arena that holds addr, NULL for none. */
const struct nec_arena *nec_heap_arena(const struct nec_heap *heap, uint64_t addr);

/* The pool of the arena that begins at addr; NULL: it was never used. */
const struct nec_pool *nec_heap_pool(const struct nec_heap *heap, const struct nec_arena *arena, uint64_t addr);

enum nec_block_state {
	NEC_BLOCK_OUTSIDE, /* not in an arena or segment */
	NEC_BLOCK_USED,
	NEC_BLOCK_FREE,	   /* on a free list, not handed out yet, or of a free pool */
	NEC_BLOCK_NONE,	   /* a header, or behind the last block */
};

/* The block that holds addr: its start and size (0 when there is none). */
enum nec_block_state nec_heap_block(const struct nec_heap *heap, uint64_t addr, uint64_t *start_ret,
				    uint64_t *size_ret);

/* A walk over all blocks in use, by address. */
struct nec_block_iter {
	const struct nec_heap *heap;
	uint32_t arena, page; /* page: of mimalloc */
	uint64_t pool, next, end, size;
};

void nec_block_iter_init(struct nec_block_iter *it, const struct nec_heap *heap);
bool nec_block_iter_next(struct nec_block_iter *it, uint64_t *start_ret, uint64_t *size_ret);

#endif
