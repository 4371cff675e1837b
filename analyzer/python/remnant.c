/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left of a heap; see remnant.h. */
#include "python/remnant.h"

enum {
	LEAST_CHUNK = 32,
	IN_USE = 1, /* PREV_INUSE, of the chunk behind */
	FLAGS = 7,
	ATOM_BLOCK = 1000, /* BLOCK_SIZE of Objects/intobject.c and floatobject.c */
};

#define MOST_CHUNK (UINT64_C(1) << 40)

void nec_remnant_iter_init(struct nec_remnant_iter *it, const struct nec_heap *heap)
{
	*it = (struct nec_remnant_iter){.heap = heap};
}

/* Memory of the dump itself that no file was mapped to. */
static bool may_be_heap(const struct nec_image *image, const struct nec_segment *s)
{
	return s->origin == NEC_ORIGIN_DUMP &&
	       (s->perms & (NEC_PERM_W | NEC_PERM_X)) == NEC_PERM_W &&
	       nec_image_objfile_at(image, s->start) == UINT32_MAX;
}

/* The size of the chunk at addr, which is in use as far as can be seen; 0: there is none. */
static uint64_t chunk_at(const struct nec_image *image, uint64_t addr, uint64_t *next_ret)
{
	uint64_t size, next;

	*next_ret = addr + 16;
	if (!nec_image_u64(image, addr + 8, &size))
		return 0;
	size &= ~(uint64_t)FLAGS;
	if (size < LEAST_CHUNK || size & 15 || size > MOST_CHUNK)
		return 0;
	/* What reaches over the cut is believed: a large table. */
	if (!nec_image_u64(image, addr + size + 8, &next))
		return nec_image_mapping_at(image, addr + size - 1) ==
				       nec_image_mapping_at(image, addr)
			       ? size
			       : 0;
	if ((next & ~(uint64_t)FLAGS) < 16 || (next & ~(uint64_t)FLAGS) > MOST_CHUNK || next & 8)
		return 0;
	*next_ret = addr + size;
	return next & IN_USE ? size : 0;
}

bool nec_remnant_iter_next(struct nec_remnant_iter *it, uint64_t *start_ret, uint64_t *size_ret)
{
	const struct nec_image *image = it->heap->target->image;
	uint32_t count;
	const struct nec_segment *segments = nec_image_segments(image, &count);

	for (; it->segment < count; it->segment++, it->at = 0) {
		const struct nec_segment *s = &segments[it->segment];

		if (!it->at)
			it->at = may_be_heap(image, s) ? (s->start + 15) & ~UINT64_C(15) : s->end;
		while (it->at + 16 < s->end) {
			uint64_t addr = it->at, size = chunk_at(image, addr, &it->at), start, n;

			if (!size ||
			    nec_heap_block(it->heap, addr + 16, &start, &n) != NEC_BLOCK_OUTSIDE)
				continue;
			*start_ret = addr + 16;
			*size_ret = size - 8;
			return true;
		}
	}
	return false;
}

uint32_t nec_remnant_atoms(const struct nec_target *target, uint64_t size, uint32_t *first_ret,
			   uint32_t *size_ret)
{
	uint32_t atom = (uint32_t)nec_off(target, NEC_SIZEOF_OBJECT) + 8;

	/* Behind the link to the next block, and in a debug build the hook's bytes. */
	*first_ret = strchr(target->layout.abi, 'd') ? 8 + 16 : 8;
	*size_ret = atom;
	if (target->layout.traits.strs != NEC_STR_BYTES || size < ATOM_BLOCK - atom ||
	    size > ATOM_BLOCK + 48)
		return 0;
	return (ATOM_BLOCK - 8) / atom;
}
