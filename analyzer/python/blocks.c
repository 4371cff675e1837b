/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the blocks of pymalloc are; see blocks.h. */
#include "python/blocks.h"

const unsigned int nec_block_leads[NEC_BLOCK_LEADS] = {0, 16, 24, 32, 40, 48};

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
			addr = (addr | 4095) - 7;
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

static enum nec_block_use use_of(const struct nec_walk *walk, const struct nec_addrset *from_static,
				 uint64_t start, uint64_t size)
{
	unsigned int i;

	if (nec_addrset_has(walk->parts, start))
		return NEC_USE_PART;
	for (i = 0; i < NEC_BLOCK_LEADS && nec_block_leads[i] < size; i++)
		if (nec_addrset_has(walk->objects, start + nec_block_leads[i]))
			return NEC_USE_OBJECT;
	if (nec_block_is_kept(walk, start, size))
		return NEC_USE_KEPT;
	return nec_addrset_has(from_static, start) ? NEC_USE_STATIC : NEC_USE_UNEXPLAINED;
}

static struct nec_error *count(struct reach *r, struct nec_blocks *ret)
{
	const struct nec_walk *walk = r->walk;
	struct nec_block_iter it;
	uint64_t start, size;
	uint32_t i;

	for (i = 0; i < walk->heap->arena_count; i++) {
		start = walk->heap->arenas[i].start;
		NEC_TRY(nec_addrset_cover(r->blocks, start,
					  start + walk->target->layout.traits.arena_size));
	}
	for (i = 0; i < walk->heap->mi.segment_count; i++)
		NEC_TRY(nec_addrset_cover(r->blocks, walk->heap->mi.segments[i].start,
					  walk->heap->mi.segments[i].end));
	NEC_TRY(reach_static(r));
	nec_block_iter_init(&it, walk->heap);
	while (nec_block_iter_next(&it, &start, &size)) {
		enum nec_block_use use = use_of(walk, r->blocks, start, size);

		ret->count[use]++;
		ret->bytes[use] += size;
	}
	return NULL;
}

struct nec_error *nec_blocks_count(const struct nec_walk *walk, const char *tmpdir,
				   struct nec_blocks *ret)
{
	struct reach r = {.walk = walk, .blocks = nec_addrset_create(), .stack = NEC_TMPARRAY_INIT};
	struct nec_error *err;

	*ret = (struct nec_blocks){0};
	if (!r.blocks)
		return &nec_enomem;
	err = nec_tmparray_init(&r.stack, tmpdir);
	if (!err)
		err = count(&r, ret);
	nec_tmparray_deinit(&r.stack);
	nec_addrset_destroy(r.blocks);
	return err;
}
