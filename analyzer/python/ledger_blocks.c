/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arenas and heaps, block by block and chunk by chunk; see ledger.h. */
#include <stdlib.h>

#include "python/dict.h"
#include "python/ledger_private.h"

/*
 * Where in a block an object may begin, in words: behind a collector's header, managed words, and
 * what pymalloc's debug hooks put before. As bits, for the words of a set of addresses.
 */
enum { LEAD_BITS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6, LEADS = 7 };

/* The bits of set from addr on; a block does not lie in two regions of it. */
static uint64_t bits_at(const struct nec_addrset_region *region, uint64_t addr)
{
	unsigned int word = nec_addrset_word_(addr), shift = addr >> 3 & 63;
	uint64_t bits = region->bits[word] >> shift;

	if (shift && word + 1 < NEC_ADDRSET_WORDS)
		bits |= region->bits[word + 1] << (64 - shift);
	return bits;
}

/* The object in the block or chunk whose memory begins at addr; 0 when there is none. */
static uint64_t object_at(const struct nec_addrset_region *objects, uint64_t addr, uint64_t size)
{
	uint64_t bits;

	if (!objects)
		return 0;
	bits = bits_at(objects, addr) & LEAD_BITS;
	if (size < LEADS * 8)
		bits &= (UINT64_C(1) << size / 8) - 1;
	return bits ? addr + 8 * (unsigned int)__builtin_ctzll(bits) : 0;
}

/* ---- room that containers do not use
 * ------------------------------------------------------------------------------- */

static struct nec_ledger_type *data_of(struct nec_ledger *l, const struct nec_type *type)
{
	struct nec_ledger_type *data;
	uint32_t i;

	for (i = 0; i < l->data_count; i++)
		if (l->data[i].type == type)
			return &l->data[i];
	data = realloc(l->data, (i + 1) * sizeof(*data));
	if (!data)
		return NULL;
	l->data = data;
	l->data_count++;
	l->data[i] = (struct nec_ledger_type){.type = type};
	return &l->data[i];
}

static void take_slack(struct nec_ledger *l, enum nec_ledger_category category,
		       const struct nec_type *type, uint64_t table, uint64_t bytes)
{
	const struct nec_malloc_mapped *mapped;
	struct nec_ledger_type *data;
	struct nec_chunk chunk;
	uint64_t start, size;

	if (nec_heap_block(l->heap, table, &start, &size) == NEC_BLOCK_USED) {
		if (bytes > start + size - table)
			return;
		if (nec_heap_arena(l->heap, table))
			l->slack_pymalloc += bytes;
		else if (size < NEC_OWNED_LEAST)
			l->slack_mimalloc += bytes;
		else if ((data = data_of(l, type)))
			data->slack += bytes;
		else
			return;
	} else if (nec_malloc_chunk(l->malloc, table, &chunk)) {
		if (chunk.state != NEC_CHUNK_USED || bytes > chunk.size)
			return;
		l->slack_malloc += bytes;
	} else {
		mapped = nec_malloc_mapped(l->malloc, table);
		data = mapped && bytes <= mapped->end - table ? data_of(l, type) : NULL;
		if (!data)
			return;
		data->slack += bytes;
	}
	nec_ledger_add(&l->sums[category], bytes);
}

static void count_slack(struct nec_ledger *l, uint64_t obj)
{
	const struct nec_target *t = l->target;
	const struct nec_type *type = nec_types_get(l->types, nec_type_of(t, obj));
	uint64_t table, n, used;
	struct nec_dict dict;

	if (!type)
		return;
	if (type->flags & NEC_TYPE_LIST_SUBCLASS) {
		n = nec_field(t, obj, NEC_F_LIST_ALLOCATED);
		used = (uint64_t)nec_ob_size(t, obj);
		if (n > used && n < UINT64_C(1) << 40)
			take_slack(l, NEC_LEDGER_SLACK_LIST, type,
				   nec_field(t, obj, NEC_F_LIST_ITEM), (n - used) * 8);
	} else if (type->flags & NEC_TYPE_DICT_SUBCLASS) {
		if (!nec_dict_read(t, obj, &dict) || dict.values || dict.keys.unused <= 0 ||
		    (nec_has(t, NEC_F_KEYS_REFCNT) && dict.keys.refcount != 1))
			return;
		take_slack(l, NEC_LEDGER_SLACK_DICT, type, dict.keys.addr,
			   (uint64_t)dict.keys.unused * dict.keys.stride);
	} else if (type->visitor && type->visitor->visit == l->set_visitor->visit) {
		table = nec_field(t, obj, NEC_F_SET_TABLE);
		n = nec_field(t, obj, NEC_F_SET_MASK) + 1;
		used = nec_field(t, obj, NEC_F_SET_USED);
		if (n > used && n < UINT64_C(1) << 40)
			take_slack(l, NEC_LEDGER_SLACK_SET, type, table,
				   (n - used) * nec_off(t, NEC_SIZEOF_SET_ENTRY));
	}
}

static void add_many(struct nec_ledger_sum *sum, uint64_t count, uint64_t size)
{
	sum->count += count;
	sum->bytes += count * size;
}

/* ---- pymalloc
 * --------------------------------------------------------------------------------------------------------
 */

static void count_pool(struct nec_ledger *l, uint64_t addr, uint64_t size, uint64_t end)
{
	uint64_t block = addr + nec_off(l->target, NEC_SIZEOF_POOL), obj;
	const struct nec_addrset_region *objects = nec_addrset_region(l->walk->objects, addr);
	const struct nec_addrset_region *parts = nec_addrset_region(l->walk->parts, addr);
	const struct nec_addrset_region *idle = nec_addrset_region(l->heap->free_blocks, addr);
	uint64_t n_objects = 0, n_tables = 0, n_raw = 0, n_free, room;

	room = l->target->layout.traits.pool_size - nec_off(l->target, NEC_SIZEOF_POOL);
	for (; block < end; block += size) {
		if (idle && bits_at(idle, block) & 1)
			continue;
		if (parts && bits_at(parts, block) & 1) {
			n_tables++;
			continue;
		}
		obj = object_at(objects, block, size);
		if (!obj) {
			n_raw++;
			nec_blocks_add(l->blocks, block, size);
			continue;
		}
		n_objects++;
		if (size >= l->least_container)
			count_slack(l, obj);
	}
	nec_blocks_count(l->blocks, NEC_USE_OBJECT, n_objects, size);
	nec_blocks_count(l->blocks, NEC_USE_PART, n_tables, size);
	n_free = room / size - n_objects - n_tables - n_raw;
	add_many(&l->sums[NEC_LEDGER_OBJECTS_PYMALLOC], n_objects, size);
	add_many(&l->sums[NEC_LEDGER_TABLES_PYMALLOC], n_tables, size);
	add_many(&l->sums[NEC_LEDGER_RAW], n_raw, size);
	add_many(&l->free_blocks[size / 8 - 1], n_free, size);
	nec_ledger_add(&l->sums[NEC_LEDGER_POOL_HEADERS], nec_off(l->target, NEC_SIZEOF_POOL));
	if (room % size)
		nec_ledger_add(&l->sums[NEC_LEDGER_POOL_ENDS], room % size);
}

struct nec_error *nec_ledger_arena(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				   uint64_t end)
{
	const struct nec_arena *a = &l->heap->arenas[r->of];
	uint64_t size = l->target->layout.traits.pool_size, addr, arena_end, left = end - start;
	enum nec_ledger_category category;
	const struct nec_pool *pool;

	arena_end = a->start + l->target->layout.traits.arena_size;
	/* One of which a part is somewhere else is none. */
	if (start != a->start || end != arena_end) {
		nec_ledger_add(&l->sums[NEC_LEDGER_POOLS_DAMAGED], end - start);
		return NULL;
	}
	for (addr = a->first_pool; addr + size <= arena_end; addr += size, left -= size) {
		pool = nec_heap_pool(l->heap, a, addr);
		if (pool && pool->size) {
			count_pool(l, addr, pool->size, addr + pool->end);
			continue;
		}
		/* One that counts blocks, and whose header makes no sense. */
		if (pool &&
		    !nec_image_view(l->target->image, addr, nec_off(l->target, NEC_SIZEOF_POOL)))
			category = NEC_LEDGER_CUT;
		else if (pool && nec_field32(l->target, addr, NEC_F_POOL_COUNT))
			category = NEC_LEDGER_POOLS_DAMAGED;
		else
			category = NEC_LEDGER_FREE_POOLS;
		nec_ledger_add(&l->sums[category], size);
	}
	if (left)
		nec_ledger_add(&l->sums[NEC_LEDGER_ARENA_ALIGNMENT], left);
	return NULL;
}

/* ---- malloc
 * ----------------------------------------------------------------------------------------------------------
 */

/* Does the memory begin one of the interpreter's own structures, or have one in it? */
static bool is_runtime(const struct nec_ledger *l, uint64_t start, uint64_t end)
{
	const uint64_t *addr = l->runtime.data;
	uint64_t low = 0, high = l->runtime.size / 8, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (addr[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->runtime.size / 8 && addr[low] < end;
}

/* Is it a block of a PyArena (Python/pyarena.c: size, offset, next, memory)? The tree of the main
 * script is there while it runs. */
static bool is_syntax(const struct nec_ledger *l, uint64_t start, uint64_t end)
{
	enum { HEAD = 32 };
	uint64_t size = nec_word(l->target, start);

	return end - start > HEAD && size && size <= end - start - HEAD &&
	       nec_word(l->target, start + 24) == start + HEAD &&
	       nec_word(l->target, start + 8) <= size;
}

/* What a chunk in use, whose memory is [start, end), is used for. */
static enum nec_ledger_category use_of(struct nec_ledger *l, uint64_t start, uint64_t end)
{
	uint64_t obj = 0, lead;

	if (nec_addrset_has(l->walk->parts, start))
		return NEC_LEDGER_TABLES_MALLOC;
	for (lead = 0; lead < LEADS && !obj; lead++)
		if (LEAD_BITS >> lead & 1 && start + 8 * lead < end &&
		    nec_addrset_has(l->walk->objects, start + 8 * lead))
			obj = start + 8 * lead;
	if (obj) {
		count_slack(l, obj);
		return NEC_LEDGER_OBJECTS_MALLOC;
	}
	if (is_runtime(l, start, end))
		return NEC_LEDGER_RUNTIME;
	return is_syntax(l, start, end) ? NEC_LEDGER_SYNTAX : NEC_LEDGER_MALLOC_USED;
}

struct nec_error *nec_ledger_heap(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				  uint64_t end)
{
	static const enum nec_ledger_category categories[NEC_CHUNK_STATES] = {
		[NEC_CHUNK_FREE] = NEC_LEDGER_MALLOC_FREE,
		[NEC_CHUNK_FAST] = NEC_LEDGER_MALLOC_FAST,
		[NEC_CHUNK_TCACHE] = NEC_LEDGER_MALLOC_TCACHE,
		[NEC_CHUNK_TOP] = NEC_LEDGER_MALLOC_TOP,
		[NEC_CHUNK_OVERHEAD] = NEC_LEDGER_MALLOC_OVERHEAD,
		[NEC_CHUNK_RESERVE] = NEC_LEDGER_MALLOC_RESERVE,
		[NEC_CHUNK_DAMAGED] = NEC_LEDGER_MALLOC_DAMAGED,
		[NEC_CHUNK_MISSING] = NEC_LEDGER_MALLOC_MISSING,
	};
	enum nec_ledger_category category;
	struct nec_chunk_iter it;
	struct nec_chunk c;
	uint64_t from, to;

	/* Where arenas of pymalloc lie in chunks the heap comes in pieces: each chunk is in one of
	 * them, or cut. */
	nec_chunk_iter_init(&it, l->malloc, &l->malloc->heaps[r->of]);
	while (nec_chunk_iter_next(&it, &c) && c.start < end) {
		from = c.start > start ? c.start : start;
		to = c.start + c.size < end ? c.start + c.size : end;
		if (from >= to)
			continue;
		category = c.state == NEC_CHUNK_USED ? use_of(l, c.start + 16, c.start + c.size + 8)
						     : categories[c.state];
		nec_ledger_add(&l->sums[category], to - from);
		if (category == NEC_LEDGER_MALLOC_USED)
			nec_ledger_unowned(l, c.start + 16, c.size);
	}
	return NULL;
}

/* ---- large data
 * ------------------------------------------------------------------------------------------------------
 */

static struct nec_error *add_data(struct nec_ledger *l, uint64_t obj, uint64_t bytes)
{
	const struct nec_type *type = nec_types_get(l->types, nec_type_of(l->target, obj));
	struct nec_ledger_type *data;

	if (!type) {
		nec_ledger_add(&l->sums[NEC_LEDGER_UNKNOWN], bytes);
		return NULL;
	}
	data = data_of(l, type);
	if (!data)
		return &nec_enomem;
	nec_ledger_add(&data->sum, bytes);
	return NULL;
}

static int by_part(const void *key, const void *item)
{
	uint64_t addr = *(const uint64_t *)key;
	const struct nec_owned *owned = item;

	return addr < owned->addr ? -1 : addr > owned->addr;
}

/* A chunk with a mapping of its own: of the object that lies in it, or that it is a part of. */
struct nec_error *nec_ledger_mapped(struct nec_ledger *l, const struct nec_region *r,
				    uint64_t start, uint64_t end)
{
	uint64_t addr = r->start + 16, lead;
	const struct nec_owned *owned = NULL;

	for (lead = 0; lead < LEADS; lead++) {
		if (!(LEAD_BITS >> lead & 1) || !nec_addrset_has(l->walk->objects, addr + 8 * lead))
			continue;
		count_slack(l, addr + 8 * lead);
		return add_data(l, addr + 8 * lead, end - start);
	}
	if (l->walk->owned.size)
		owned = bsearch(&addr, l->walk->owned.data, l->walk->owned.size / sizeof(*owned),
				sizeof(*owned), by_part);
	if (owned)
		return add_data(l, owned->owner, end - start);
	nec_ledger_add(
		&l->sums[is_runtime(l, addr, end) ? NEC_LEDGER_RUNTIME : NEC_LEDGER_MAPPED_USED],
		end - start);
	return NULL;
}

/* ---- mimalloc */

/* A block that is as large as a mapping: of the object that it is a part of, or that lies in it. */
static struct nec_error *count_large(struct nec_ledger *l, uint64_t block, uint64_t size,
				     uint64_t obj)
{
	const struct nec_owned *owned = NULL;
	uint64_t owner = obj;

	if (!obj && l->walk->owned.size)
		owned = bsearch(&block, l->walk->owned.data, l->walk->owned.size / sizeof(*owned),
				sizeof(*owned), by_part);
	if (owned)
		owner = owned->owner;
	if (owner)
		return add_data(l, owner, size);
	nec_ledger_add(&l->sums[NEC_LEDGER_MI_RAW], size);
	return NULL;
}

static struct nec_error *count_mi_block(struct nec_ledger *l, uint64_t block, uint64_t size)
{
	uint64_t lead, obj = 0;
	bool part = nec_addrset_has(l->walk->parts, block);

	for (lead = 0; lead < LEADS && !obj && !part; lead++)
		if (LEAD_BITS >> lead & 1 && 8 * lead < size &&
		    nec_addrset_has(l->walk->objects, block + 8 * lead))
			obj = block + 8 * lead;
	if (obj)
		count_slack(l, obj);
	if (part || obj)
		nec_blocks_count(l->blocks, part ? NEC_USE_PART : NEC_USE_OBJECT, 1, size);
	else
		nec_blocks_add(l->blocks, block, size);
	if (size >= NEC_OWNED_LEAST)
		return count_large(l, block, size, obj);
	nec_ledger_add(&l->sums[part  ? NEC_LEDGER_TABLES_MIMALLOC
				: obj ? NEC_LEDGER_OBJECTS_MIMALLOC
				      : NEC_LEDGER_MI_RAW],
		       size);
	return NULL;
}

static struct nec_error *count_mi_page(struct nec_ledger *l, const struct nec_mi_page *p)
{
	uint64_t n, rooms = p->reserved * p->size, rest = p->end - p->start - rooms;

	if (!nec_image_view(l->target->image, p->first, 8)) {
		nec_ledger_add(&l->sums[NEC_LEDGER_CUT], p->end - p->start);
		return NULL;
	}

	for (n = 0; n < p->capacity; n++) {
		uint64_t block = p->first + n * p->size;

		if (nec_mimalloc_used(&l->heap->mi, p, block))
			NEC_TRY(count_mi_block(l, block, p->size));
		else
			nec_ledger_add(&l->mi_free_blocks[p->class], p->size);
	}
	add_many(&l->sums[NEC_LEDGER_MI_NEVER], p->reserved - p->capacity, p->size);
	if (rest)
		nec_ledger_add(&l->sums[NEC_LEDGER_MI_ENDS], rest);
	return NULL;
}

struct nec_error *nec_ledger_segment(struct nec_ledger *l, const struct nec_region *r,
				     uint64_t start, uint64_t end)
{
	const struct nec_mi_segment *s = &l->heap->mi.segments[r->of];
	uint64_t left = s->end - s->head_end;
	uint32_t i;

	/* One of which a part is somewhere else is none. */
	if (start != s->start || end != s->end) {
		nec_ledger_add(&l->sums[NEC_LEDGER_MI_RAW], end - start);
		return NULL;
	}
	nec_ledger_add(&l->sums[NEC_LEDGER_MI_HEADS], s->head_end - s->start);
	for (i = 0; i < s->pages; i++) {
		const struct nec_mi_page *page = &l->heap->mi.pages[s->page_index + i];

		NEC_TRY(count_mi_page(l, page));
		left -= page->end - page->start;
	}
	if (left)
		nec_ledger_add(&l->sums[NEC_LEDGER_MI_FREE_PAGES], left);
	return NULL;
}

struct nec_error *nec_ledger_data(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				  uint64_t end)
{
	return add_data(l, r->of, end - start);
}

uint64_t nec_ledger_objects(struct nec_ledger *l, uint64_t start, uint64_t end)
{
	const struct nec_type *type;
	uint64_t obj, behind = start, bytes = 0, from;
	int64_t size;

	for (obj = nec_addrset_next(l->walk->objects, (start + 7) & ~7ull); obj < end;
	     obj = nec_addrset_next(l->walk->objects, obj + 8)) {
		type = nec_object_type(l->types, obj);
		size = type ? nec_object_size(l->target, obj, type) : 0;
		if (size <= 0)
			continue;
		from = obj - nec_object_presize(l->target, type, obj);
		if (from < behind)
			from = behind;
		behind = (uint64_t)size < end - from ? from + (uint64_t)size : end;
		bytes += behind - from;
		l->sums[NEC_LEDGER_OBJECTS_OTHER].count++;
	}
	l->sums[NEC_LEDGER_OBJECTS_OTHER].bytes += bytes;
	return bytes;
}
