/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pymalloc as the process left it; see heap.h. */
#include <stdlib.h>
#include <string.h>

#include "python/heap.h"

/* Arenas of 256 KiB in 64 GiB: more is damage. */
enum { MAX_ARENAS = 1 << 18 };

/* Pools in use have a size class below this many bytes: SMALL_REQUEST_THRESHOLD. */
enum { MAX_BLOCK = 512 };

/* Of an arena that is sparse, one byte in so many is in use. */
enum { SPARSE = 4 };

static uint64_t pool_size(const struct nec_heap *heap)
{
	return heap->target->layout.traits.pool_size;
}

/* Is the arena_object at addr consistent? *used_ret: does it have an arena? */
static bool check_arena(const struct nec_target *t, uint64_t addr, bool *used_ret)
{
	const struct nec_traits *traits = &t->layout.traits;
	uint64_t start, pool, total_pools = traits->arena_size / traits->pool_size;
	uint32_t nfree, ntotal;

	if (!nec_image_view(t->image, addr, nec_off(t, NEC_SIZEOF_ARENA)))
		return false;
	start = nec_field(t, addr, NEC_F_ARENA_ADDRESS);
	*used_ret = start;
	if (!start)
		return true; /* its other fields are stale, or were never written */
	pool = nec_field(t, addr, NEC_F_ARENA_POOL_ADDRESS);
	nfree = (uint32_t)nec_field32(t, addr, NEC_F_ARENA_NFREEPOOLS);
	ntotal = (uint32_t)nec_field32(t, addr, NEC_F_ARENA_NTOTALPOOLS);
	return !(start & 0xfff) && pool > start - 1 && pool <= start + traits->arena_size &&
	       !(pool & (traits->pool_size - 1)) && (ntotal == total_pools || ntotal == total_pools - 1) &&
	       nfree <= ntotal && start >> 47 == 0;
}

/* The number of entries of a table of arenas at addr, those in use in *used_ret; 0 when it is none. */
static uint32_t table_length(const struct nec_target *t, uint64_t addr, uint32_t *used_ret)
{
	uint64_t entry = nec_off(t, NEC_SIZEOF_ARENA);
	uint32_t n = 0, used = 0, last_used = 0;
	bool is_used;

	for (; n < MAX_ARENAS && check_arena(t, addr + n * entry, &is_used); n++) {
		if (is_used) {
			used++;
			last_used = n + 1;
		} else if (n - last_used >= (used ? 4096 : 64)) {
			break; /* far behind the last one: zeros of something else */
		}
	}
	*used_ret = used;
	return used ? last_used : 0;
}

/* A pool header that belongs to entry `index` of the table: what makes a table of arenas one beyond doubt. */
static bool has_own_pool(const struct nec_target *t, uint64_t table, uint32_t count)
{
	const struct nec_traits *traits = &t->layout.traits;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint64_t entry = table + i * nec_off(t, NEC_SIZEOF_ARENA), start, pool, end;

		start = nec_field(t, entry, NEC_F_ARENA_ADDRESS);
		end = nec_field(t, entry, NEC_F_ARENA_POOL_ADDRESS);
		pool = (start + traits->pool_size - 1) & ~(uint64_t)(traits->pool_size - 1);
		if (start && pool < end && (uint32_t)nec_field32(t, pool, NEC_F_POOL_ARENAINDEX) == i)
			return true;
	}
	return false;
}

/* The table of arenas that a word of [start, end) points to, the one with the most arenas; 0: none. */
static uint64_t find_table(const struct nec_target *t, uint64_t start, uint64_t end, uint32_t *length_ret)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint64_t addr, v, best = 0;
	uint32_t used, length, best_used = 0;
	/* Where no file is known the heap may follow on .bss (qemu-user), and count as static data. */
	bool known = own && own->path;

	for (addr = start; addr + 8 <= end; addr += 8) {
		if (!nec_image_u64(t->image, addr, &v)) {
			addr = nec_image_next_page(t->image, addr) - 8;
			continue;
		}
		if (v < 4096 || v & 7 || (known && v >= t->data_start && v < t->data_end) || !nec_word(t, v))
			continue;
		length = table_length(t, v, &used);
		if (used > best_used && has_own_pool(t, v, length)) {
			best = v;
			best_used = used;
			*length_ret = length;
		}
	}
	return best;
}

static int by_start(const void *a, const void *b)
{
	const struct nec_arena *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static struct nec_error *add_table(struct nec_heap *heap, uint64_t table, uint32_t length)
{
	const struct nec_target *t = heap->target;
	uint64_t mask = pool_size(heap) - 1;
	struct nec_arena *arenas;
	uint32_t i;

	if (heap->table_count < NEC_HEAP_TABLES)
		heap->tables[heap->table_count++] = table;
	arenas = realloc(heap->arenas, (heap->arena_count + length + 1) * sizeof(*arenas));
	if (!arenas)
		return &nec_enomem;
	heap->arenas = arenas;
	for (i = 0; i < length; i++) {
		uint64_t entry = table + i * nec_off(t, NEC_SIZEOF_ARENA);
		struct nec_arena *a = &arenas[heap->arena_count];

		*a = (struct nec_arena){.start = nec_field(t, entry, NEC_F_ARENA_ADDRESS)};
		if (!a->start)
			continue;
		a->first_pool = (a->start + mask) & ~mask;
		a->pools_end = nec_field(t, entry, NEC_F_ARENA_POOL_ADDRESS);
		a->pools_total = (uint32_t)nec_field32(t, entry, NEC_F_ARENA_NTOTALPOOLS);
		a->pools_free = (uint32_t)nec_field32(t, entry, NEC_F_ARENA_NFREEPOOLS);
		a->table_entry = entry;
		heap->arena_count++;
	}
	return NULL;
}

/* Size of the blocks of the pool at addr; 0 when the pool is free or damaged. */
static uint32_t block_size(const struct nec_heap *heap, uint64_t pool)
{
	const struct nec_target *t = heap->target;
	uint64_t size;

	if (!nec_field32(t, pool, NEC_F_POOL_COUNT))
		return 0;
	/* maxnextoffset = POOL_SIZE - size: holds whatever the alignment is. */
	size = pool_size(heap) - (uint32_t)nec_field32(t, pool, NEC_F_POOL_MAXNEXTOFFSET);
	return size && size <= MAX_BLOCK && !(size & 7) ? (uint32_t)size : 0;
}

/* Where the blocks of a pool that were handed out at least once end, from its start. */
static uint32_t blocks_end(const struct nec_heap *heap, uint64_t pool, uint32_t size)
{
	uint64_t next = (uint32_t)nec_field32(heap->target, pool, NEC_F_POOL_NEXTOFFSET);
	uint64_t first = nec_off(heap->target, NEC_SIZEOF_POOL);

	if (next < first)
		next = first;
	if (next > pool_size(heap))
		next = pool_size(heap);
	return (uint32_t)(first + (next - first) / size * size);
}

static void read_pool(struct nec_heap *heap, struct nec_arena *arena, uint64_t pool, struct nec_pool *ret)
{
	const struct nec_target *t = heap->target;
	uint32_t size = block_size(heap, pool);
	uint64_t first = pool + nec_off(t, NEC_SIZEOF_POOL), end, block, n = 0, blocks;
	struct nec_size_class *class;

	*ret = (struct nec_pool){0};
	if (!size) {
		arena->missing |= !nec_image_view(t->image, pool, nec_off(t, NEC_SIZEOF_POOL));
		heap->damaged += nec_field32(t, pool, NEC_F_POOL_COUNT) != 0;
		return;
	}
	ret->size = (uint16_t)size;
	ret->end = (uint16_t)blocks_end(heap, pool, size);
	end = pool + ret->end;
	blocks = (end - first) / size;
	for (block = nec_field(t, pool, NEC_F_POOL_FREEBLOCK); block; block = nec_word(t, block)) {
		if (block < first || block >= end || (block - first) % size ||
		    !nec_addrset_add(heap->free_blocks, block)) {
			heap->damaged++;
			break;
		}
		n++;
	}
	class = &heap->classes[size / 8 - 1];
	class->pools++;
	class->blocks_used += blocks - n;
	class->blocks_free += (pool_size(heap) - nec_off(t, NEC_SIZEOF_POOL)) / size - (blocks - n);
	heap->pools_used++;
	heap->blocks_used += blocks - n;
	heap->bytes_used += (blocks - n) * size;
	arena->blocks_used += (uint32_t)(blocks - n);
	arena->bytes_used += (blocks - n) * size;
	n = (pool_size(heap) - nec_off(t, NEC_SIZEOF_POOL)) / size - (blocks - n);
	arena->blocks_free += (uint32_t)n;
	arena->bytes_free += n * size;
}

/* Pools of an arena that were used at least once. */
static uint32_t used_pools(const struct nec_heap *heap, const struct nec_arena *a)
{
	return a->pools_end > a->first_pool ? (uint32_t)((a->pools_end - a->first_pool) / pool_size(heap)) : 0;
}

static struct nec_error *read_pools(struct nec_heap *heap)
{
	uint32_t count = 0, i, n;

	for (i = 0; i < heap->arena_count; i++) {
		heap->arenas[i].pool_index = count;
		count += used_pools(heap, &heap->arenas[i]);
	}
	heap->pools = malloc(((size_t)count + 1) * sizeof(*heap->pools));
	heap->arena_starts = malloc(((size_t)heap->arena_count + 1) * sizeof(*heap->arena_starts));
	if (!heap->pools || !heap->arena_starts)
		return &nec_enomem;
	for (i = 0; i < heap->arena_count; i++) {
		struct nec_arena *a = &heap->arenas[i];

		heap->arena_starts[i] = a->start;
		NEC_TRY(nec_addrset_cover(heap->free_blocks, a->start, a->start + heap->target->layout.traits.arena_size));
		for (n = 0; n < used_pools(heap, a); n++)
			read_pool(heap, a, a->first_pool + n * pool_size(heap), &heap->pools[a->pool_index + n]);
		a->sparse = !a->missing && !a->guessed && a->bytes_used < heap->target->layout.traits.arena_size / SPARSE;
		heap->sparse_count += a->sparse;
	}
	return NULL;
}

static struct nec_error *add_table_in(struct nec_heap *heap, uint64_t start, uint64_t end, bool *found_ret)
{
	uint32_t length = 0, i;
	uint64_t table = find_table(heap->target, start, end, &length);

	*found_ret = table;
	for (i = 0; i < heap->table_count; i++)
		if (heap->tables[i] == table)
			return NULL;
	return table && i < NEC_HEAP_TABLES ? add_table(heap, table, length) : NULL;
}

/* An interpreter with an allocator of its own has its table in its state (3.12), or in a block that a word of it points to. */
static struct nec_error *add_tables_of(struct nec_heap *heap, const struct nec_malloc *malloc, uint64_t interp)
{
	enum { LEAST_STATE = 64 << 10, HEAD = 4096 };
	uint64_t end = interp + nec_off(heap->target, NEC_SIZEOF_INTERP), addr, v, start;
	const struct nec_malloc_mapped *mapped;
	struct nec_chunk chunk;
	bool found;

	NEC_TRY(add_table_in(heap, interp, end, &found));
	for (addr = interp; addr + 8 <= end && !found; addr += 8) {
		v = nec_word(heap->target, addr);
		if (v < 4096 || v & 15)
			continue;
		mapped = nec_malloc_mapped(malloc, v);
		if (mapped)
			start = mapped->start;
		else if (nec_malloc_chunk(malloc, v, &chunk) && chunk.size >= LEAST_STATE)
			start = chunk.start;
		else
			continue;
		/* Debug hooks put 16 bytes before it. */
		if (v - start == 16 || v - start == 32)
			NEC_TRY(add_table_in(heap, v, v + HEAD, &found));
	}
	return NULL;
}

const struct nec_pool *nec_heap_pool(const struct nec_heap *heap, const struct nec_arena *arena, uint64_t addr)
{
	uint64_t n = (addr - arena->first_pool) / pool_size(heap);

	return addr >= arena->first_pool && n < used_pools(heap, arena) ? &heap->pools[arena->pool_index + n] : NULL;
}

/*
 * Tables of arenas wherever they lie in what is left of a dump that was cut off: the variable that points to them was behind the cut. Entry 0
 * of a table is told from the others by the number that its pools have of it.
 */
static struct nec_error *add_lost_tables(struct nec_heap *heap)
{
	const struct nec_target *t = heap->target;
	uint32_t count, i, used, length;
	const struct nec_segment *segments = nec_image_segments(t->image, &count);

	for (i = 0; i < count; i++) {
		uint64_t addr = segments[i].start, v;

		if (segments[i].origin != NEC_ORIGIN_DUMP || !(segments[i].perms & NEC_PERM_W))
			continue;
		while (addr + nec_off(t, NEC_SIZEOF_ARENA) <= segments[i].end) {
			memcpy(&v, segments[i].data + (addr - segments[i].start), 8);
			length = v > 4096 && !(v & 0xfff) ? table_length(t, addr, &used) : 0;
			if (length && has_own_pool(t, addr, length) && heap->table_count < NEC_HEAP_TABLES) {
				NEC_TRY(add_table(heap, addr, length));
				addr += length * nec_off(t, NEC_SIZEOF_ARENA);
			} else {
				addr += 8;
			}
		}
	}
	return NULL;
}

/*
 * Is there the header of a pool in use at addr? Its counters, its size class and its free list agree. An entry of the table of arenas
 * would be better; this one is asked where that was cut off.
 */
static bool is_pool(const struct nec_heap *heap, uint64_t addr)
{
	const struct nec_target *t = heap->target;
	uint64_t first = nec_off(t, NEC_SIZEOF_POOL), free_block, next, most, alignment;
	uint32_t count = (uint32_t)nec_field32(t, addr, NEC_F_POOL_COUNT), size = block_size(heap, addr);

	if (!count || !size)
		return false;
	next = (uint32_t)nec_field32(t, addr, NEC_F_POOL_NEXTOFFSET);
	most = (uint32_t)nec_field32(t, addr, NEC_F_POOL_MAXNEXTOFFSET);
	free_block = nec_field(t, addr, NEC_F_POOL_FREEBLOCK);
	alignment = size / ((uint64_t)(uint32_t)nec_field32(t, addr, NEC_F_POOL_SZIDX) + 1);
	return count <= (pool_size(heap) - first) / size && next >= first + size && next <= most + size &&
	       !((next - first) % size) && (alignment == 8 || alignment == 16) && !(size % alignment) &&
	       (!free_block || (free_block >= addr + first && free_block < addr + pool_size(heap) &&
				!((free_block - addr - first) % size)));
}

static struct nec_error *add_lost_pool(struct nec_heap *heap, uint64_t addr, uint32_t *last_ret)
{
	uint32_t index = (uint32_t)nec_field32(heap->target, addr, NEC_F_POOL_ARENAINDEX);
	struct nec_arena *a = heap->arena_count ? &heap->arenas[heap->arena_count - 1] : NULL;

	if (!a || !a->guessed || index != *last_ret || addr - a->start >= heap->target->layout.traits.arena_size) {
		a = realloc(heap->arenas, (heap->arena_count + 1) * sizeof(*a));
		if (!a)
			return &nec_enomem;
		heap->arenas = a;
		a += heap->arena_count++;
		*a = (struct nec_arena){.start = addr, .first_pool = addr, .guessed = true};
		*last_ret = index;
	}
	a->pools_end = addr + pool_size(heap);
	a->pools_total = (uint32_t)((a->pools_end - a->start) / pool_size(heap));
	return NULL;
}

/* Pools that no table of arenas has: that was behind the cut, or the dump's part of it is. They are known by their headers. */
static struct nec_error *add_lost_pools(struct nec_heap *heap)
{
	const struct nec_target *t = heap->target;
	uint64_t mask = pool_size(heap) - 1, size = t->layout.traits.arena_size;
	uint32_t count, i, k, known = heap->arena_count, last = 0;
	const struct nec_segment *segments = nec_image_segments(t->image, &count);

	for (i = 0; i < count; i++) {
		uint64_t addr = (segments[i].start + mask) & ~mask;

		if (segments[i].origin != NEC_ORIGIN_DUMP || !(segments[i].perms & NEC_PERM_W) ||
		    nec_image_objfile_at(t->image, segments[i].start) != UINT32_MAX)
			continue;
		for (; addr + mask < segments[i].end; addr += pool_size(heap)) {
			if (!is_pool(heap, addr))
				continue;
			for (k = 0; k < known && addr - heap->arenas[k].start >= size; k++)
				;
			if (k == known)
				NEC_TRY(add_lost_pool(heap, addr, &last));
		}
	}
	return NULL;
}

struct nec_error *nec_heap_init(struct nec_heap *heap, const struct nec_target *target, const struct nec_malloc *malloc)
{
	uint32_t i;
	bool found;

	*heap = (struct nec_heap){.target = target};
	heap->free_blocks = nec_addrset_create();
	if (!heap->free_blocks)
		return &nec_enomem;
	NEC_TRY(nec_mimalloc_init(&heap->mi, target));
	if (!nec_has(target, NEC_F_ARENA_ADDRESS) || !target->layout.traits.arena_size)
		return NULL;
	NEC_TRY(add_table_in(heap, target->data_start, target->data_end, &found));
	for (i = 0; i < target->interpreter_count; i++)
		if (target->interpreters[i] - target->data_start >= target->data_end - target->data_start)
			NEC_TRY(add_tables_of(heap, malloc, target->interpreters[i]));
	if (!heap->arena_count && nec_image_completeness(target->image)->truncated)
		NEC_TRY(add_lost_tables(heap));
	if (nec_image_completeness(target->image)->truncated)
		NEC_TRY(add_lost_pools(heap));
	if (!heap->arena_count)
		return NULL;
	qsort(heap->arenas, heap->arena_count, sizeof(*heap->arenas), by_start);
	return read_pools(heap);
}

void nec_heap_deinit(struct nec_heap *heap)
{
	free(heap->arenas);
	free(heap->arena_starts);
	free(heap->pools);
	nec_addrset_destroy(heap->free_blocks);
	nec_mimalloc_deinit(&heap->mi);
	*heap = (struct nec_heap){0};
}

const struct nec_arena *nec_heap_arena(const struct nec_heap *heap, uint64_t addr)
{
	uint32_t lo = 0, hi = heap->arena_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (heap->arena_starts[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr - heap->arena_starts[lo - 1] >= heap->target->layout.traits.arena_size)
		return NULL;
	return &heap->arenas[lo - 1];
}

/* The pool that begins at addr, of those of an arena that were used. */
static const struct nec_pool *pool_at(const struct nec_heap *heap, const struct nec_arena *a, uint64_t addr)
{
	return &heap->pools[a->pool_index + ((addr - a->first_pool) >> __builtin_ctzll(pool_size(heap)))];
}

static enum nec_block_state block_of_mimalloc(const struct nec_mimalloc *mi, uint64_t addr,
					      uint64_t *start_ret, uint64_t *size_ret)
{
	const struct nec_mi_segment *segment = nec_mimalloc_segment(mi, addr);
	const struct nec_mi_page *page;
	uint64_t start;

	if (!segment)
		return NEC_BLOCK_OUTSIDE;
	page = nec_mimalloc_page(mi, segment, addr);
	if (!page)
		return addr < segment->head_end ? NEC_BLOCK_NONE : NEC_BLOCK_FREE;
	if (addr < page->first)
		return NEC_BLOCK_NONE;
	start = page->first + (addr - page->first) / page->size * page->size;
	if (start >= page->first + page->reserved * page->size)
		return NEC_BLOCK_NONE;
	*start_ret = start;
	*size_ret = page->size;
	return nec_mimalloc_used(mi, page, start) ? NEC_BLOCK_USED : NEC_BLOCK_FREE;
}

enum nec_block_state nec_heap_block(const struct nec_heap *heap, uint64_t addr, uint64_t *start_ret,
				    uint64_t *size_ret)
{
	const struct nec_arena *a = nec_heap_arena(heap, addr);
	uint32_t first = (uint32_t)nec_off(heap->target, NEC_SIZEOF_POOL), off, start;
	const struct nec_pool *p;
	uint64_t pool;

	*start_ret = *size_ret = 0;
	if (!a)
		return heap->mi.segment_count
			       ? block_of_mimalloc(&heap->mi, addr, start_ret, size_ret)
			       : NEC_BLOCK_OUTSIDE;
	pool = addr & ~(pool_size(heap) - 1);
	off = (uint32_t)(addr - pool);
	if (pool < a->first_pool || off < first)
		return NEC_BLOCK_NONE;
	if (pool >= a->pools_end)
		return NEC_BLOCK_FREE;
	p = pool_at(heap, a, pool);
	if (!p->size)
		return NEC_BLOCK_FREE;
	start = first + (off - first) / p->size * p->size;
	*start_ret = pool + start;
	*size_ret = p->size;
	if (start + p->size > pool_size(heap))
		return NEC_BLOCK_NONE;
	if (start >= p->end || nec_addrset_has(heap->free_blocks, *start_ret))
		return NEC_BLOCK_FREE;
	return NEC_BLOCK_USED;
}

void nec_block_iter_init(struct nec_block_iter *it, const struct nec_heap *heap)
{
	*it = (struct nec_block_iter){.heap = heap};
	if (heap->arena_count)
		it->pool = heap->arenas[0].first_pool;
}

/* The next page of mimalloc, once there is no arena any more; false when there is none either. */
static bool next_page(struct nec_block_iter *it)
{
	const struct nec_mi_page *page;

	if (it->page >= it->heap->mi.page_count)
		return false;
	page = &it->heap->mi.pages[it->page++];
	it->next = page->first;
	it->size = page->size;
	it->end = page->first + page->capacity * page->size;
	return true;
}

bool nec_block_iter_next(struct nec_block_iter *it, uint64_t *start_ret, uint64_t *size_ret)
{
	const struct nec_heap *heap = it->heap;
	const struct nec_addrset *idle;
	const struct nec_pool *p;

	for (;;) {
		idle = it->arena < heap->arena_count ? heap->free_blocks : heap->mi.free_blocks;
		while (it->next < it->end) {
			uint64_t block = it->next;

			it->next += it->size;
			if (nec_addrset_has(idle, block))
				continue;
			*start_ret = block;
			*size_ret = it->size;
			return true;
		}
		if (it->arena >= heap->arena_count) {
			if (!next_page(it))
				return false;
			continue;
		}
		if (it->pool + pool_size(heap) > heap->arenas[it->arena].pools_end) {
			it->arena++;
			if (it->arena < heap->arena_count)
				it->pool = heap->arenas[it->arena].first_pool;
			continue;
		}
		p = pool_at(heap, &heap->arenas[it->arena], it->pool);
		it->size = p->size;
		if (p->size) {
			it->next = it->pool + nec_off(heap->target, NEC_SIZEOF_POOL);
			it->end = it->pool + p->end;
		}
		it->pool += pool_size(heap);
	}
}
