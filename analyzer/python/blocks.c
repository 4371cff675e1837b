/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the blocks of pymalloc are; see blocks.h. */
#include "python/blocks.h"

const unsigned int nec_block_leads[NEC_BLOCK_LEADS] = {0, 16, 24, 32, 40, 48, 56, 64};

/* The size of the block in use that begins at addr and is nothing yet; 0: there is none. */
static uint64_t unknown_block(const struct nec_walk *walk, uint64_t addr)
{
	uint64_t start, size;

	if (nec_heap_block(walk->heap, addr, &start, &size) != NEC_BLOCK_USED || start != addr ||
	    nec_addrset_has(walk->parts, addr))
		return 0;
	return size;
}

struct reach {
	const struct nec_walk *walk;
	struct nec_addrset *blocks;
	struct nec_tmparray stack; /* uint64_t: starts of blocks */
};

/* Blocks that words of [start, end) point at. */
static struct nec_error *reach_words(struct reach *r, uint64_t start, uint64_t end)
{
	uint64_t addr, v;

	for (addr = (start + 7) & ~7ull; addr + 8 <= end; addr += 8) {
		if (!nec_image_u64(r->walk->target->image, addr, &v)) {
			addr = nec_image_next_page(r->walk->target->image, addr) - 8;
			continue;
		}
		if (v >= 4096 && !(v & 7) && unknown_block(r->walk, v) &&
		    nec_addrset_add(r->blocks, v))
			NEC_TRY(nec_tmparray_append(&r->stack, &v, sizeof(v)));
	}
	return NULL;
}

/* Blocks that lead from the variables of Python and of every library. */
static struct nec_error *reach_static(struct reach *r)
{
	const struct nec_target *t = r->walk->target;
	const struct nec_mapping *maps;
	uint32_t count, i;
	uint64_t block;

	maps = nec_image_mappings(t->image, &count);
	for (i = 0; i < count; i++)
		if (maps[i].path && maps[i].objfile != UINT32_MAX && maps[i].perms & NEC_PERM_W)
			NEC_TRY(reach_words(r, maps[i].start, maps[i].end));
	NEC_TRY(reach_words(r, t->data_start, t->data_end));
	while (r->stack.size) {
		r->stack.size -= sizeof(block);
		block = *(uint64_t *)((char *)r->stack.data + r->stack.size);
		NEC_TRY(reach_words(r, block, block + unknown_block(r->walk, block)));
	}
	return NULL;
}

/* Does a dead object of a known type lie at addr, with room for it? */
static bool is_dead(const struct nec_walk *walk, uint64_t addr, uint64_t room)
{
	const struct nec_target *t = walk->target;
	uint64_t type_addr = nec_field(t, addr, NEC_F_OBJECT_TYPE);
	const struct nec_type *type;

	if (nec_field(t, addr, NEC_F_OBJECT_REFCNT) || !nec_addrset_has(walk->objects, type_addr))
		return false;
	type = nec_types_get(walk->types, type_addr);
	return type && (uint64_t)type->basicsize <= room;
}

bool nec_block_is_kept(const struct nec_walk *walk, uint64_t start, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < NEC_BLOCK_LEADS &&
		    nec_block_leads[i] + nec_off(walk->target, NEC_SIZEOF_OBJECT) <= size;
	     i++)
		if (is_dead(walk, start + nec_block_leads[i], size - nec_block_leads[i]))
			return true;
	return false;
}

void nec_blocks_add(struct nec_blocks *blocks, uint64_t start, uint64_t size)
{
	const struct nec_walk *walk = blocks->walk;
	enum nec_block_use use = NEC_USE_UNEXPLAINED;

	if (nec_block_is_kept(walk, start, size))
		use = NEC_USE_KEPT;
	else if (nec_addrset_has(blocks->from_static, start))
		use = NEC_USE_STATIC;
	nec_blocks_count(blocks, use, 1, size);
}

struct nec_error *nec_blocks_init(struct nec_blocks *blocks, const struct nec_walk *walk,
				  const char *tmpdir)
{
	struct reach r = {.walk = walk, .stack = NEC_TMPARRAY_INIT};
	const struct nec_heap *heap = walk->heap;
	struct nec_error *err;
	uint32_t i;

	*blocks = (struct nec_blocks){.walk = walk, .from_static = nec_addrset_create()};
	r.blocks = blocks->from_static;
	if (!r.blocks)
		return &nec_enomem;
	for (i = 0; i < heap->arena_count; i++)
		NEC_TRY(nec_addrset_cover(r.blocks, heap->arenas[i].start,
					  heap->arenas[i].start +
						  walk->target->layout.traits.arena_size));
	for (i = 0; i < heap->mi.segment_count; i++)
		NEC_TRY(nec_addrset_cover(r.blocks, heap->mi.segments[i].start,
					  nec_mi_covered(&heap->mi.segments[i])));
	err = nec_tmparray_init(&r.stack, tmpdir);
	if (!err)
		err = reach_static(&r);
	nec_tmparray_deinit(&r.stack);
	return err;
}

void nec_blocks_deinit(struct nec_blocks *blocks)
{
	nec_addrset_destroy(blocks->from_static);
	*blocks = (struct nec_blocks){0};
}
