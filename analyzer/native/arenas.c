/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the arenas of glibc's malloc; see malloc.h for how. */
#include <stdlib.h>

#include "native/arenas.h"

/* Arenas and heaps that are believed: a process of 64 Ki threads has 64 Ki arenas at most, and 2^20
 * heaps are 64 TiB. */
enum { MAX_ARENAS = 1 << 16, MAX_HEAPS = 1 << 20 };

/* Empty bins that lead to the look at what surrounds them. */
enum { SURE_BINS = 4 };

static uint64_t word(const struct nec_malloc *m, uint64_t addr)
{
	return nec_malloc_word(m, addr);
}

static uint32_t int_at(const struct nec_malloc *m, uint64_t addr)
{
	uint32_t v;

	return nec_image_u32(m->image, addr, &v) ? v : 0;
}

/* Both links of an empty bin point at where a chunk would begin whose links they are. */
static bool is_empty_bin(const struct nec_malloc *m, uint64_t addr)
{
	return word(m, addr) == addr - NEC_GLIBC_HEADER &&
	       word(m, addr + 8) == addr - NEC_GLIBC_HEADER;
}

static bool are_bins(const struct nec_malloc *m, uint64_t bins)
{
	unsigned int i, empty = 0;
	uint64_t bin, fd, bk;

	for (i = 0; i < NEC_GLIBC_BINS; i++) {
		bin = bins + i * 16ull;
		fd = word(m, bin);
		bk = word(m, bin + 8);
		if (is_empty_bin(m, bin))
			empty++;
		else if (fd & 15 || bk & 15 || fd < 4096 || bk < 4096 || fd >> 48 || bk >> 48)
			return false;
	}
	return empty >= SURE_BINS;
}

/* The layout by which the malloc_state at addr has bins where they are; NULL: by none. */
static const struct nec_glibc *layout_of(const struct nec_malloc *m, uint64_t addr)
{
	const struct nec_glibc *found = NULL;
	unsigned int i;

	for (i = 0; i < nec_glibc_count; i++) {
		const struct nec_glibc *g = &nec_glibcs[i];
		uint64_t system = word(m, addr + g->system_mem);

		/* Two releases may differ in nothing but where system_mem is: whole pages. */
		if ((found && found->bins != g->bins) || !are_bins(m, addr + g->bins))
			continue;
		if (!found || (system && !(system & 4095)))
			found = g;
		if (system && !(system & 4095))
			break;
	}
	return found;
}

/* The heap_info of the heap that an arena begins in, by its address; 0 when it is none. */
static uint64_t heap_of_arena(const struct nec_malloc *m, uint64_t arena)
{
	uint64_t heap = arena & -NEC_GLIBC_HEAP_MAX;
	unsigned int i;

	for (i = 0; i < sizeof(nec_glibc_heap_infos); i++)
		if (arena - heap == nec_glibc_heap_infos[i] &&
		    word(m, heap + NEC_HEAP_ARENA) == arena)
			return heap;
	return 0;
}

/* Does the ring of arenas that begins behind `next` come to an end at `start`? */
static bool comes_round(const struct nec_malloc *m, const struct nec_glibc *g, uint64_t start)
{
	uint64_t arena = word(m, start + g->next);
	unsigned int n;

	for (n = 0; n < MAX_ARENAS && arena != start; n++) {
		if (!heap_of_arena(m, arena))
			return false;
		arena = word(m, arena + g->next);
	}
	return arena == start;
}

/* The malloc_state whose bins, or some of them, are at addr: its address, 0 for none. */
static uint64_t main_arena_at(const struct nec_malloc *m, uint64_t addr,
			      const struct nec_glibc **glibc_ret)
{
	unsigned int k, i;

	for (k = 0; k < NEC_GLIBC_BINS; k++) {
		uint64_t bins = addr - k * 16ull;

		if (!are_bins(m, bins))
			continue;
		for (i = 0; i < nec_glibc_count; i++) {
			uint64_t start = bins - nec_glibcs[i].bins;

			if (!comes_round(m, &nec_glibcs[i], start))
				continue;
			*glibc_ret = layout_of(m, start);
			if (*glibc_ret)
				return start;
		}
	}
	return 0;
}

static uint64_t scan_for_main_arena(const struct nec_malloc *m, uint64_t start, uint64_t end,
				    const struct nec_glibc **glibc_ret)
{
	uint64_t addr, found, v;

	for (addr = start; addr + 16 <= end; addr += 8) {
		if (!nec_image_u64(m->image, addr, &v)) {
			addr = nec_image_next_page(m->image, addr) - 8;
			continue;
		}
		if (v != addr - NEC_GLIBC_HEADER || !is_empty_bin(m, addr))
			continue;
		found = main_arena_at(m, addr, glibc_ret);
		if (found)
			return found;
		addr += NEC_GLIBC_BINS * 16ull - 8;
	}
	return 0;
}

/* In the static data of the files that were mapped; where the dump does not say which these are, in
 * small mappings. */
static uint64_t find_main_arena(const struct nec_malloc *m, const struct nec_glibc **glibc_ret)
{
	enum { SMALL = 1 << 20 };
	const struct nec_mapping *maps;
	uint64_t found = 0;
	uint32_t count, i;
	bool files = false;

	maps = nec_image_mappings(m->image, &count);
	for (i = 0; i < count && !found; i++) {
		if (maps[i].objfile == UINT32_MAX)
			continue;
		files = true;
		if (maps[i].perms & NEC_PERM_W)
			found = scan_for_main_arena(m, maps[i].start, maps[i].end, glibc_ret);
	}
	for (i = 0; i < count && !found && !files; i++)
		if (maps[i].perms & NEC_PERM_W && maps[i].end - maps[i].start <= SMALL)
			found = scan_for_main_arena(m, maps[i].start, maps[i].end, glibc_ret);
	return found;
}

/* ---- what was found
 * -------------------------------------------------------------------------------------------- */

static struct nec_error *add_arena(struct nec_malloc *m, uint64_t addr, bool is_main)
{
	const struct nec_glibc *g = m->glibc;
	struct nec_malloc_arena *a;

	a = realloc(m->arenas, (m->arena_count + 1) * sizeof(*a));
	if (!a)
		return &nec_enomem;
	m->arenas = a;
	a += m->arena_count++;
	*a = (struct nec_malloc_arena){.addr = addr, .is_main = is_main};
	a->top = word(m, addr + g->bins - 16);
	a->system_mem = word(m, addr + g->system_mem);
	a->max_system_mem = word(m, addr + g->system_mem + 8);
	/* An arena that was never asked has its top in its own bins. */
	if (a->top & 15 || a->top == addr + g->bins - 16)
		a->top = 0;
	a->top_size = a->top ? word(m, a->top + 8) & ~(uint64_t)NEC_GLIBC_FLAGS : 0;
	return NULL;
}

static struct nec_error *add_heap(struct nec_malloc *m, uint64_t start, uint64_t first,
				  uint64_t chunks_end, uint64_t end)
{
	struct nec_malloc_heap *h;

	if (m->heap_count >= MAX_HEAPS)
		return NULL;
	h = realloc(m->heaps, (m->heap_count + 1) * sizeof(*h));
	if (!h)
		return &nec_enomem;
	m->heaps = h;
	h[m->heap_count++] = (struct nec_malloc_heap){.start = start,
						      .first = first,
						      .chunks_end = chunks_end,
						      .end = end,
						      .arena = m->arena_count - 1};
	return NULL;
}

/* Where chunks begin behind the heads of a heap. */
static uint64_t first_chunk(const struct nec_malloc *m, uint64_t heap, uint64_t arena)
{
	if ((arena & -NEC_GLIBC_HEAP_MAX) == heap)
		return (arena + m->glibc->size + 15) & ~15ull;
	/* Of the release that the arena's own heap shows. */
	return heap + (arena & (NEC_GLIBC_HEAP_MAX - 1));
}

/* The heaps of an arena other than the main one, from the newest back. */
static struct nec_error *add_heaps(struct nec_malloc *m, uint64_t arena)
{
	uint64_t heap = m->arenas[m->arena_count - 1].top & -NEC_GLIBC_HEAP_MAX, size, mapped;
	unsigned int n;

	if (!heap || word(m, heap + NEC_HEAP_ARENA) != arena)
		heap = arena & -NEC_GLIBC_HEAP_MAX;
	for (n = 0; n < MAX_HEAPS && heap && word(m, heap + NEC_HEAP_ARENA) == arena; n++) {
		size = word(m, heap + NEC_HEAP_SIZE);
		mapped = word(m, heap + NEC_HEAP_MPROTECT);
		if (size & 4095 || size > NEC_GLIBC_HEAP_MAX || size < 4096)
			break;
		if (mapped < size || mapped & 4095 || mapped > NEC_GLIBC_HEAP_MAX)
			mapped = size;
		NEC_TRY(add_heap(m, heap, first_chunk(m, heap, arena), heap + size, heap + mapped));
		/* Newer heaps may lie anywhere; a ring ends at the heap that has the arena. */
		if ((arena & -NEC_GLIBC_HEAP_MAX) == heap)
			break;
		heap = word(m, heap + NEC_HEAP_PREV);
		if (heap & (NEC_GLIBC_HEAP_MAX - 1))
			break;
	}
	return NULL;
}

/* Do so many chunks follow one another from start on, or all up to the top? */
static bool leads_on(const struct nec_malloc *m, uint64_t start, uint64_t top, unsigned int chunks)
{
	uint64_t at = start, size;

	for (; chunks && at < top; chunks--) {
		size = word(m, at + 8) & ~(uint64_t)NEC_GLIBC_FLAGS;
		if (size < NEC_GLIBC_LEAST || size & 15 || size > top - at)
			return false;
		at += size;
	}
	return at <= top;
}

/*
 * The main arena's memory ends with its top, and begins where sbrk did at first, or, where that is
 * not known, with the mapping that the top is in; bss may share that.
 */
static struct nec_error *add_main_heap(struct nec_malloc *m, uint64_t sbrk_base)
{
	const struct nec_malloc_arena *a = &m->arenas[m->arena_count - 1];
	const struct nec_mapping *map = a->top ? nec_image_mapping_at(m->image, a->top) : NULL;
	/* Fewer where the heap is damaged. */
	static const unsigned int chains[] = {64, 2};
	size_t i;
	uint64_t start, end = a->top + a->top_size;

	if (!map || a->top_size < 16 || end < a->top || end > map->end)
		return NULL;
	start = (sbrk_base + 15) & ~15ull;
	if (sbrk_base && start < end && nec_image_mapping_at(m->image, start))
		return add_heap(m, sbrk_base, start, end, end);
	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		for (start = map->start; start < a->top; start += 4096)
			if (leads_on(m, start, a->top, chains[i]))
				return add_heap(m, start, start, end, end);
	return add_heap(m, a->top, a->top, end, end);
}

/* ---- malloc_par
 * --------------------------------------------------------------------------------------------------
 */

static bool is_par(const struct nec_malloc *m, uint64_t addr, const struct nec_glibc_par *p,
		   uint64_t top)
{
	uint64_t base = word(m, addr + p->sbrk_base), mem = word(m, addr + p->mmapped_mem), test;
	uint32_t n = int_at(m, addr + p->n_mmaps);

	test = word(m, addr + p->arena_test);
	return base >= 4096 && base <= top && int_at(m, addr + p->no_dyn_threshold) <= 1 &&
	       !(mem & 15) && mem <= word(m, addr + p->max_mmapped_mem) &&
	       n <= int_at(m, addr + p->max_n_mmaps) && (!n || mem) &&
	       n <= int_at(m, addr + p->n_mmaps_max) && test && test <= 4096 &&
	       nec_image_mapping_at(m->image, base) && leads_on(m, (base + 15) & ~15ull, top, 2);
}

/* Looks through the mapping of main_arena. Returns sbrk_base, 0 when it was not found. */
static uint64_t read_par(struct nec_malloc *m, uint64_t main_arena)
{
	const struct nec_mapping *map = nec_image_mapping_at(m->image, main_arena);
	uint64_t addr, top = m->arenas[0].top;
	unsigned int i;

	for (addr = map ? map->start : 0; map && top && addr + 8 <= map->end; addr += 8) {
		for (i = 0; i < nec_glibc_par_count; i++) {
			const struct nec_glibc_par *p = &nec_glibc_pars[i];

			if (word(m, addr + p->sbrk_base) < 4096 || !is_par(m, addr, p, top))
				continue;
			m->said_mapped = int_at(m, addr + p->n_mmaps);
			m->said_mapped_bytes = (int64_t)word(m, addr + p->mmapped_mem);
			m->trim_threshold = word(m, addr + p->trim_threshold);
			m->mmap_threshold = word(m, addr + p->mmap_threshold);
			m->arena_max = word(m, addr + p->arena_max);
			return word(m, addr + p->sbrk_base);
		}
	}
	return 0;
}

/* ---- all of it
 * ---------------------------------------------------------------------------------------------------
 */

/* Heads of heaps, for when nothing leads to them. */
static struct nec_error *scan_for_heaps(struct nec_malloc *m)
{
	const struct nec_mapping *maps;
	uint64_t addr, arena;
	uint32_t count, i, k;

	maps = nec_image_mappings(m->image, &count);
	for (i = 0; i < count; i++) {
		if (maps[i].path || !(maps[i].perms & NEC_PERM_W))
			continue;
		addr = (maps[i].start + NEC_GLIBC_HEAP_MAX - 1) & -NEC_GLIBC_HEAP_MAX;
		for (; addr && addr < maps[i].end && m->arena_count < MAX_ARENAS;
		     addr += NEC_GLIBC_HEAP_MAX) {
			if (!nec_image_segment_at(m->image, addr)) {
				uint64_t next = nec_image_next_page(m->image, addr);

				addr = (next - 1) & -NEC_GLIBC_HEAP_MAX;
				continue;
			}
			arena = word(m, addr + NEC_HEAP_ARENA);
			for (k = 0; k < m->arena_count && m->arenas[k].addr != arena; k++)
				;
			if (k < m->arena_count || (arena & -NEC_GLIBC_HEAP_MAX) != addr ||
			    !heap_of_arena(m, arena))
				continue;
			if (!m->glibc)
				m->glibc = layout_of(m, arena);
			if (!m->glibc || !are_bins(m, arena + m->glibc->bins))
				continue;
			NEC_TRY(add_arena(m, arena, false));
			NEC_TRY(add_heaps(m, arena));
		}
	}
	return NULL;
}

/* Where the chain of chunks from addr on ends: the first address that none begins at. */
static uint64_t chain_end(const struct nec_malloc *m, uint64_t addr, uint64_t end,
			  uint64_t *last_ret, uint64_t *count_ret)
{
	uint64_t size;

	for (*count_ret = 0; end - addr >= NEC_GLIBC_LEAST; ++*count_ret, addr += size) {
		size = word(m, addr + 8);
		if (size & (NEC_GLIBC_MMAPPED | NEC_GLIBC_NON_MAIN))
			break;
		size &= ~(uint64_t)NEC_GLIBC_FLAGS;
		if (size < NEC_GLIBC_LEAST || size & 15 || size > end - addr)
			break;
		*last_ret = addr;
	}
	return addr;
}

/*
 * The heap of a main arena that is gone, as in a dump that was cut off: a mapping that is chunks
 * from its first byte to its last, the top; or up to where the dump ends.
 */
static struct nec_error *scan_for_main_heap(struct nec_malloc *m)
{
	enum { LEAST_CHUNKS = 64 };
	const struct nec_mapping *maps;
	uint64_t end, last = 0, chunks;
	struct nec_malloc_arena *a;
	uint32_t count, i;

	maps = nec_image_mappings(m->image, &count);
	for (i = 0; i < count; i++) {
		if (maps[i].path || (maps[i].perms & (NEC_PERM_W | NEC_PERM_X)) != NEC_PERM_W ||
		    !maps[i].dumped)
			continue;
		end = chain_end(m, maps[i].start, maps[i].end, &last, &chunks);
		if (chunks < LEAST_CHUNKS ||
		    (end != maps[i].end && end < maps[i].start + maps[i].dumped))
			continue;
		a = realloc(m->arenas, (m->arena_count + 1) * sizeof(*a));
		if (!a)
			return &nec_enomem;
		m->arenas = a;
		a += m->arena_count++;
		*a = (struct nec_malloc_arena){.is_main = true};
		if (end == maps[i].end && word(m, last + 8) & NEC_GLIBC_PREV_INUSE) {
			a->top = last;
			a->top_size = end - last;
		}
		return add_heap(m, maps[i].start, maps[i].start, maps[i].end, maps[i].end);
	}
	return NULL;
}

static int by_start(const void *pa, const void *pb)
{
	const struct nec_malloc_heap *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* In order of addresses, none over another. */
static void sort_heaps(struct nec_malloc *m)
{
	uint32_t i, n = 0;

	if (m->heap_count)
		qsort(m->heaps, m->heap_count, sizeof(*m->heaps), by_start);
	for (i = 0; i < m->heap_count; i++) {
		struct nec_malloc_heap *h = &m->heaps[i];

		if (n && h->start < m->heaps[n - 1].end)
			continue;
		m->heaps[n++] = *h;
	}
	m->heap_count = n;
}

struct nec_error *nec_arenas_find(struct nec_malloc *m)
{
	uint64_t main_arena = find_main_arena(m, &m->glibc), arena;
	unsigned int n;

	if (main_arena) {
		NEC_TRY(add_arena(m, main_arena, true));
		NEC_TRY(add_main_heap(m, read_par(m, main_arena)));
		arena = word(m, main_arena + m->glibc->next);
		for (n = 0; n < MAX_ARENAS && arena != main_arena && heap_of_arena(m, arena); n++) {
			NEC_TRY(add_arena(m, arena, false));
			NEC_TRY(add_heaps(m, arena));
			arena = word(m, arena + m->glibc->next);
		}
	} else {
		NEC_TRY(scan_for_heaps(m));
		NEC_TRY(scan_for_main_heap(m));
	}
	sort_heaps(m);
	return NULL;
}
