/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks of the C library's malloc in what is left of a dump that was cut off. What leads to them
 * in a whole one (main_arena, modules, the interpreter) lies behind the cut, in the static data of
 * libraries.
 *
 * A chunk gives the place of the next one: its size is in the word before the block, and the next
 * one's says that it is in use (glibc, malloc/malloc.c). Where no chunk can begin the walk goes on
 * 16 bytes further. So any memory is walked, and whatever is in a block must be looked at with
 * suspicion.
 */
#ifndef NEC_PYTHON_REMNANT_H
#define NEC_PYTHON_REMNANT_H

#include "python/heap.h"

struct nec_remnant_iter {
	const struct nec_heap *heap;
	uint32_t segment; /* of the image */
	uint64_t at;      /* where the next chunk may begin; 0: at the segment's start */
};

void nec_remnant_iter_init(struct nec_remnant_iter *it, const struct nec_heap *heap);

/* The next block in use outside of pymalloc's arenas; false at the end. */
bool nec_remnant_iter_next(struct nec_remnant_iter *it, uint64_t *start_ret, uint64_t *size_ret);

/*
 * Until 2.7 int and float allocate their instances themselves, a block full of them at a time:
 * where the first one lies in a block of malloc of `size` bytes, how large each is, and how many
 * there is room for; 0: that is none of theirs.
 */
uint32_t nec_remnant_atoms(const struct nec_target *target, uint64_t size, uint32_t *first_ret,
			   uint32_t *size_ret);

#endif
