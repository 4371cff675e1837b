/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heap of glibc's malloc; see malloc.h. */
#include <stdlib.h>
#include <string.h>

#include "native/arenas.h"

enum {
	CHAIN = 8,          /* chunks that must follow where the walk goes on after damage */
	MAX_LIST = 1 << 20, /* chunks of one tcache or fast bin list: more is a loop */
	MAX_TCACHE_COUNT = 1 << 15,
	PAGE = 4096,
	LINKS = 48, /* sizeof(struct malloc_chunk): what a free chunk keeps of its first page */
	SPARSE_LEAST = 1 << 20, /* free bytes that make a heap worth asking about */
};

static uint64_t word(const struct nec_malloc *m, uint64_t addr)
{
	return nec_malloc_word(m, addr);
}

/* ---- chunks of a heap
 * -------------------------------------------------------------------------------------------- */

/* Where the chunks of a heap that are no top end. */
static uint64_t top_of(const struct nec_malloc *m, const struct nec_malloc_heap *h)
{
	uint64_t top = m->arenas[h->arena].top;

	return top >= h->first && top < h->chunks_end ? top : h->chunks_end;
}

/* The size of the chunk at addr, whose heap's chunks end at `end`; 0 when it cannot be one. */
static uint64_t chunk_size(const struct nec_malloc *m, uint64_t addr, uint64_t end)
{
	uint64_t size;

	if (end - addr < 16 || !nec_image_u64(m->image, addr + 8, &size) ||
	    size & NEC_GLIBC_MMAPPED)
		return 0;
	size &= ~(uint64_t)NEC_GLIBC_FLAGS;
	return size >= NEC_GLIBC_LEAST && !(size & 15) && size <= end - addr ? size : 0;
}

/* Do chunks follow one another from addr on? */
static bool is_chain(const struct nec_malloc *m, uint64_t addr, uint64_t end)
{
	unsigned int n;
	uint64_t size;

	for (n = 0; n < CHAIN && addr < end; n++) {
		size = chunk_size(m, addr, end);
		if (!size)
			return end - addr <= 32 && n; /* the marks at the end of a heap */
		addr += size;
	}
	return true;
}

/* The next place from where a chain of chunks leads on; `end` when there is none. */
static uint64_t find_chain(const struct nec_malloc *m, uint64_t addr, uint64_t end)
{
	uint64_t v;

	for (addr += 16; addr < end; addr += 16) {
		if (!nec_image_u64(m->image, addr + 8, &v)) {
			addr = (addr | (PAGE - 1)) - 15;
			continue;
		}
		if (v >= NEC_GLIBC_LEAST && v <= NEC_GLIBC_HEAP_MAX * 1024 &&
		    is_chain(m, addr, end))
			return addr;
	}
	return end;
}

/* Marks at the end of a heap, or of a piece of the main one behind which somebody else called sbrk:
 * 16 and 16, or 16 and 0. */
static uint64_t marks_size(const struct nec_malloc *m, uint64_t addr, uint64_t end)
{
	uint64_t a = word(m, addr + 8), b = word(m, addr + 24);

	if (end - addr < 16 || (a & ~(uint64_t)NEC_GLIBC_FLAGS) != 16)
		return end - addr == 16 && !(a & ~(uint64_t)NEC_GLIBC_FLAGS) ? 16 : 0;
	if (end - addr < 32)
		return 16;
	return (b & ~(uint64_t)NEC_GLIBC_FLAGS) <= 16 ? 32 : 0;
}

static enum nec_chunk_state state_of(const struct nec_malloc *m, const struct nec_malloc_heap *h,
				     uint64_t addr, uint64_t size)
{
	uint64_t next = addr + size, flags;

	if (m->idle && nec_addrset_has(m->idle, addr))
		return nec_addrset_has(m->idle, addr + 8) ? NEC_CHUNK_TCACHE : NEC_CHUNK_FREE;
	if (m->idle && nec_addrset_has(m->idle, addr + 8))
		return NEC_CHUNK_FAST;
	if (next + 16 > h->chunks_end)
		return NEC_CHUNK_USED;
	flags = word(m, next + 8);
	return flags & NEC_GLIBC_PREV_INUSE || word(m, next) != size ? NEC_CHUNK_USED
								     : NEC_CHUNK_FREE;
}

/* What begins at addr of a heap; never nothing. */
static struct nec_chunk stretch_at(const struct nec_malloc *m, const struct nec_malloc_heap *h,
				   uint64_t addr)
{
	uint64_t top = top_of(m, h), size;
	struct nec_chunk c = {.start = addr};

	if (addr < h->first) {
		c.state = NEC_CHUNK_OVERHEAD;
		c.size = h->first - addr;
	} else if (addr >= h->chunks_end) {
		c.state = NEC_CHUNK_RESERVE;
		c.size = h->end - addr;
	} else if (addr == top) {
		c.state = NEC_CHUNK_TOP;
		c.size = h->chunks_end - addr;
	} else if ((size = chunk_size(m, addr, top))) {
		c.state = state_of(m, h, addr, size);
		c.size = size;
	} else if ((size = marks_size(m, addr, top))) {
		c.state = NEC_CHUNK_OVERHEAD;
		c.size = size;
	} else {
		c.state = nec_image_u64(m->image, addr + 8, &size) ? NEC_CHUNK_DAMAGED
								   : NEC_CHUNK_MISSING;
		c.size = find_chain(m, addr, top) - addr;
	}
	return c;
}

void nec_chunk_iter_init(struct nec_chunk_iter *it, const struct nec_malloc *m,
			 const struct nec_malloc_heap *heap)
{
	*it = (struct nec_chunk_iter){.malloc = m, .heap = heap, .at = heap->start};
}

bool nec_chunk_iter_next(struct nec_chunk_iter *it, struct nec_chunk *ret)
{
	if (it->at >= it->heap->end)
		return false;
	*ret = stretch_at(it->malloc, it->heap, it->at);
	it->at += ret->size;
	return true;
}

static bool is_chunk(enum nec_chunk_state state)
{
	return state <= NEC_CHUNK_TOP;
}

/* ---- lists of idle chunks
 * ------------------------------------------------------------------------------------------ */

/* Where a link leads: as it stands until 2.31, afterwards with the address that it lies at mixed
 * in. */
static uint64_t follow(const struct nec_malloc *m, uint64_t at)
{
	uint64_t v = word(m, at), plain = v ^ at >> 12;

	return plain == 0 || (!(plain & 15) && nec_image_mapping_at(m->image, plain)) ? plain : v;
}

/* Marks the chunks of a list; offset: from a chunk to what its links point at. */
static void mark_list(struct nec_malloc *m, uint64_t addr, uint64_t offset, bool tcache)
{
	uint64_t chunk;
	unsigned int n;

	for (n = 0; addr; n++) {
		chunk = addr - offset;
		if (n >= MAX_LIST || !nec_addrset_has(m->starts, chunk) ||
		    !nec_addrset_add(m->idle, chunk + 8)) {
			m->bad_lists++;
			return;
		}
		if (tcache)
			nec_addrset_add(m->idle, chunk);
		addr = follow(m, chunk + NEC_GLIBC_HEADER);
	}
}

static uint64_t count_at(const struct nec_malloc *m, const struct nec_glibc_tcache *t,
			 uint64_t addr, unsigned int i)
{
	return word(m, addr + (uint64_t)i * t->count_bytes) &
	       ((UINT64_C(1) << t->count_bytes * 8) - 1);
}

/*
 * Is the memory at addr a tcache? Its lists begin with chunks of their size, and its counts agree:
 * zero where a list is empty, or, where they say how much room there is, nowhere as much as in an
 * empty one.
 */
static bool is_tcache(const struct nec_malloc *m, const struct nec_glibc_tcache *t, uint64_t addr)
{
	uint64_t room = 0, size, entry, n;
	unsigned int i, lists = 0;

	for (i = 0; i < t->bins; i++) {
		entry = word(m, addr + t->entries + i * 8ull);
		n = count_at(m, t, addr, i);
		if (n > MAX_TCACHE_COUNT)
			return false;
		if (!entry) {
			if (!t->counts_room && n)
				return false;
			room = n > room ? n : room;
			continue;
		}
		if (!t->counts_room && !n)
			return false;
		if (entry & 15 || !nec_addrset_has(m->starts, entry - NEC_GLIBC_HEADER))
			return false;
		size = word(m, entry - 8) & ~(uint64_t)NEC_GLIBC_FLAGS;
		if (i < t->small_bins ? size != NEC_GLIBC_LEAST + i * 16ull
				      : size < NEC_GLIBC_LEAST + t->small_bins * 16ull)
			return false;
		lists++;
	}
	for (i = 0; i < t->bins && t->counts_room; i++)
		if (word(m, addr + t->entries + i * 8ull)
			    ? count_at(m, t, addr, i) >= room + (i >= t->small_bins)
			    : 0)
			return false;
	return lists;
}

static void mark_tcache(struct nec_malloc *m, const struct nec_chunk *c)
{
	uint64_t addr = c->start + NEC_GLIBC_HEADER;
	unsigned int i, k;

	for (i = 0; i < nec_glibc_tcache_count; i++) {
		const struct nec_glibc_tcache *t = &nec_glibc_tcaches[i];

		if (c->size != t->chunk_size || !is_tcache(m, t, addr))
			continue;
		for (k = 0; k < t->bins; k++)
			mark_list(m, word(m, addr + t->entries + k * 8ull), NEC_GLIBC_HEADER, true);
	}
}

static void mark_idle(struct nec_malloc *m)
{
	struct nec_chunk_iter it;
	struct nec_chunk c;
	uint32_t i, k;

	for (i = 0; m->glibc && m->glibc->fastbins && i < m->arena_count; i++)
		for (k = 0; k < NEC_GLIBC_FASTBINS; k++)
			mark_list(m,
				  m->arenas[i].addr ? word(m, m->arenas[i].addr +
								      m->glibc->fastbins + k * 8ull)
						    : 0,
				  0, false);
	for (i = 0; i < m->heap_count; i++) {
		nec_chunk_iter_init(&it, m, &m->heaps[i]);
		while (nec_chunk_iter_next(&it, &c))
			if (c.state == NEC_CHUNK_USED)
				mark_tcache(m, &c);
	}
}

/* ---- the walk
 * ------------------------------------------------------------------------------------------------------
 */

static void note_corrupt(struct nec_malloc *m, const struct nec_chunk *c, uint64_t before)
{
	struct nec_malloc_corrupt *to;

	if (m->corrupt_count++ >= NEC_MALLOC_CORRUPT)
		return;
	to = &m->corrupt[m->corrupt_count - 1];
	to->addr = c->start;
	to->before = before;
	to->after = c->start + c->size;
	to->word = word(m, c->start + 8);
}

/* Notes where chunks begin, and what is no chunk. */
static void note_starts(struct nec_malloc *m, const struct nec_malloc_heap *h)
{
	struct nec_chunk_iter it;
	struct nec_chunk c;
	uint64_t before = 0;

	nec_chunk_iter_init(&it, m, h);
	while (nec_chunk_iter_next(&it, &c)) {
		if (is_chunk(c.state))
			nec_addrset_add(m->starts, c.start);
		else if (c.state == NEC_CHUNK_DAMAGED)
			note_corrupt(m, &c, before);
		before = c.start;
	}
}

static void add(struct nec_chunk_sum *sum, uint64_t bytes)
{
	sum->count++;
	sum->bytes += bytes;
}

/* Whole pages behind the links of a free chunk: those that mtrim gives back. Of the tops, systrim
 * does with the main one's. */
static uint64_t whole_pages(const struct nec_chunk *c)
{
	uint64_t start = (c->start + LINKS + PAGE - 1) & ~(uint64_t)(PAGE - 1),
		 end = (c->start + c->size) & ~(uint64_t)(PAGE - 1);

	return end > start ? end - start : 0;
}

static void sum_up(struct nec_malloc *m, struct nec_malloc_heap *h)
{
	struct nec_malloc_arena *a = &m->arenas[h->arena];
	struct nec_chunk_iter it;
	struct nec_chunk c;
	uint64_t idle;

	nec_chunk_iter_init(&it, m, h);
	while (nec_chunk_iter_next(&it, &c)) {
		add(&h->sums[c.state], c.size);
		add(&a->sums[c.state], c.size);
		if (c.state == NEC_CHUNK_USED)
			h->last = c;
		else if (c.state == NEC_CHUNK_FREE)
			h->release += whole_pages(&c);
		else if (c.state == NEC_CHUNK_TOP && a->is_main && c.size > NEC_GLIBC_LEAST)
			h->release += (c.size - NEC_GLIBC_LEAST - 1) & ~(uint64_t)(PAGE - 1);
	}
	idle = h->sums[NEC_CHUNK_FREE].bytes + h->sums[NEC_CHUNK_FAST].bytes +
	       h->sums[NEC_CHUNK_TCACHE].bytes;
	h->sparse = idle >= SPARSE_LEAST && idle > h->sums[NEC_CHUNK_USED].bytes;
	m->sparse_count += h->sparse;
}

/* ---- chunks with a mapping of their own
 * ------------------------------------------------------------------------------ */

/*
 * The bytes of the mapped chunk that begins at the page addr; 0 when there is none. Its size is
 * that of its mapping, or (2.43) of that without the head.
 */
static uint64_t mapped_size(const struct nec_malloc *m, uint64_t addr, uint64_t end)
{
	const uint8_t *p = nec_image_view(m->image, addr, 16);
	uint64_t prev, size;

	if (!p)
		return 0;
	memcpy(&prev, p, 8);
	memcpy(&size, p + 8, 8);
	if (prev || (size & NEC_GLIBC_FLAGS) != NEC_GLIBC_MMAPPED)
		return 0;
	size &= ~(uint64_t)NEC_GLIBC_FLAGS;
	if (size + 16 > size && !((size + 16) & (PAGE - 1)))
		size += 16;
	return size && !(size & (PAGE - 1)) && size <= end - addr ? size : 0;
}

static struct nec_error *add_mapped(struct nec_malloc *m, uint64_t start, uint64_t size)
{
	if (m->mapped_count == m->mapped_capacity) {
		uint32_t capacity = m->mapped_capacity ? m->mapped_capacity * 2 : 64;
		struct nec_malloc_mapped *mapped = realloc(m->mapped, capacity * sizeof(*mapped));

		if (!mapped)
			return &nec_enomem;
		m->mapped = mapped;
		m->mapped_capacity = capacity;
	}
	m->mapped[m->mapped_count++] = (struct nec_malloc_mapped){start, start + size};
	m->mapped_bytes += size;
	return NULL;
}

static struct nec_error *find_mapped(struct nec_malloc *m)
{
	const struct nec_malloc_heap *h;
	const struct nec_mapping *maps;
	uint64_t addr, size;
	uint32_t count, i;

	maps = nec_image_mappings(m->image, &count);
	for (i = 0; i < count; i++) {
		if (maps[i].path || (maps[i].perms & (NEC_PERM_W | NEC_PERM_X)) != NEC_PERM_W ||
		    maps[i].start & (PAGE - 1))
			continue;
		for (addr = maps[i].start; addr < maps[i].end; addr += size) {
			size = PAGE;
			h = nec_malloc_heap(m, addr);
			if (h) {
				size = h->end - addr;
				size = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
				continue;
			}
			size = mapped_size(m, addr, maps[i].end);
			if (size)
				NEC_TRY(add_mapped(m, addr, size));
			else
				size = nec_image_next_page(m->image, addr) - addr;
		}
	}
	return NULL;
}

/* ---- all of it
 * -------------------------------------------------------------------------------------------------------
 */

/* To add an allocator: what the names of its files have in them. */
static const struct {
	const char *part, *name;
} others[] = {
	{"ld-musl", "musl"},         {"libc.musl", "musl"},       {"libjemalloc", "jemalloc"},
	{"libtcmalloc", "tcmalloc"}, {"libmimalloc", "mimalloc"},
};

static const char *other_allocator(const struct nec_image *image)
{
	const struct nec_objfile *files;
	uint32_t count, i;
	unsigned int k;

	files = nec_image_objfiles(image, &count);
	for (i = 0; i < count; i++)
		for (k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			if (files[i].path && strstr(files[i].path, others[k].part))
				return others[k].name;
	return NULL;
}

struct nec_error *nec_malloc_init(struct nec_malloc *m, const struct nec_image *image)
{
	uint32_t i;

	*m = (struct nec_malloc){.image = image, .said_mapped = -1, .said_mapped_bytes = -1};
	m->other = other_allocator(image);
	m->starts = nec_addrset_create();
	m->idle = nec_addrset_create();
	if (!m->starts || !m->idle)
		return &nec_enomem;
	NEC_TRY(nec_arenas_find(m));
	for (i = 0; i < m->heap_count; i++) {
		NEC_TRY(nec_addrset_cover(m->starts, m->heaps[i].start, m->heaps[i].chunks_end));
		NEC_TRY(nec_addrset_cover(m->idle, m->heaps[i].start, m->heaps[i].chunks_end));
		note_starts(m, &m->heaps[i]);
	}
	NEC_TRY(nec_addrset_index(m->starts));
	mark_idle(m);
	for (i = 0; i < m->heap_count; i++)
		sum_up(m, &m->heaps[i]);
	return m->arena_count ? find_mapped(m) : NULL;
}

void nec_malloc_deinit(struct nec_malloc *m)
{
	free(m->arenas);
	free(m->heaps);
	free(m->mapped);
	nec_addrset_destroy(m->starts);
	nec_addrset_destroy(m->idle);
	*m = (struct nec_malloc){0};
}

const struct nec_malloc_heap *nec_malloc_heap(const struct nec_malloc *m, uint64_t addr)
{
	uint32_t lo = 0, hi = m->heap_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->heaps[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < m->heaps[lo - 1].end ? &m->heaps[lo - 1] : NULL;
}

const struct nec_malloc_mapped *nec_malloc_mapped(const struct nec_malloc *m, uint64_t addr)
{
	uint32_t lo = 0, hi = m->mapped_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->mapped[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < m->mapped[lo - 1].end ? &m->mapped[lo - 1] : NULL;
}

bool nec_malloc_chunk(const struct nec_malloc *m, uint64_t addr, struct nec_chunk *ret)
{
	const struct nec_malloc_heap *h = nec_malloc_heap(m, addr);
	uint64_t start;

	if (!h || addr < h->first || addr >= h->chunks_end)
		return false;
	start = nec_addrset_prev(m->starts, addr & ~7ull);
	if (start == NEC_ADDRSET_NONE || start < h->first)
		return false;
	*ret = stretch_at(m, h, start);
	return addr - start < ret->size;
}
