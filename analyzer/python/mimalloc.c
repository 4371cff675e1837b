/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mimalloc as CPython brings it along; see mimalloc.h. */
#include <stdlib.h>
#include <string.h>

#include "python/mimalloc.h"

#define SEGMENT_ALIGN (UINT64_C(1) << 25) /* MI_SEGMENT_ALIGN */

enum {
	HUGE = 1,               /* MI_SEGMENT_HUGE: one page that is one block */
	MAX_SEGMENTS = 1 << 14, /* 512 GiB, and more in blocks with segments of their own */
	MAX_HUGE = 1 << 26,     /* slices: 4 TiB */
	MAX_HEAPS = 1 << 16,
	FLAGS = 3, /* mi_delayed_t in the lowest bits of a page's list of other threads */
};

static uint64_t slice_at(const struct nec_mimalloc *mi, uint64_t segment, uint32_t i)
{
	return segment + nec_off(mi->target, NEC_F_MISEG_SLICES) +
	       (uint64_t)i * nec_off(mi->target, NEC_SIZEOF_MIPAGE);
}

static uint32_t int_at(const struct nec_mimalloc *mi, uint64_t addr, enum nec_field field)
{
	return (uint32_t)nec_field32(mi->target, addr, field);
}

/* Bytes of a block of the page that is described at `slice`; 0: it is none. */
static uint64_t block_size(const struct nec_mimalloc *mi, uint64_t slice)
{
	/* Until 2.1 a number of 32 bits, which is 1 in slices within a page. */
	uint64_t size = nec_has(mi->target, NEC_F_MIPAGE_SIZE)
				? nec_field(mi->target, slice, NEC_F_MIPAGE_SIZE)
				: int_at(mi, slice, NEC_F_MIPAGE_XSIZE);

	return size >= 8 && !(size & 7) ? size : 0;
}

/* ---- segments */

/*
 * Does a segment begin at addr, in memory that ends at `end`? Its size, and how many slices are
 * described; 0 for none. One in which nothing is used was given back: its head is what is left.
 */
static uint64_t check_segment(const struct nec_mimalloc *mi, uint64_t addr, uint64_t end,
			      uint32_t *entries_ret)
{
	const struct nec_target *t = mi->target;
	uint64_t slices = nec_field(t, addr, NEC_F_MISEG_COUNT),
		 info = nec_field(t, addr, NEC_F_MISEG_INFO),
		 entries = nec_field(t, addr, NEC_F_MISEG_ENTRIES);
	bool huge = int_at(mi, addr, NEC_F_MISEG_KIND) == HUGE;
	uint64_t i, count;

	if (!nec_field(t, addr, NEC_F_MISEG_USED) || int_at(mi, addr, NEC_F_MISEG_KIND) > HUGE ||
	    !info || info >= entries || entries > NEC_MI_SLICES || entries > slices ||
	    slices > (huge ? MAX_HUGE : NEC_MI_SLICES) || slices * NEC_MI_SLICE > end - addr)
		return 0;
	for (i = 0; i < entries; i += count) {
		uint64_t slice = slice_at(mi, addr, (uint32_t)i);

		count = int_at(mi, slice, NEC_F_MIPAGE_COUNT);
		if (!count || int_at(mi, slice, NEC_F_MIPAGE_OFFSET) || count > slices - i ||
		    (!i && count != info))
			return 0;
	}
	*entries_ret = (uint32_t)entries;
	return slices * NEC_MI_SLICE;
}

static struct nec_error *add_segment(struct nec_mimalloc *mi, uint64_t start, uint64_t size)
{
	struct nec_mi_segment *s;

	s = realloc(mi->segments, (mi->segment_count + 1) * sizeof(*s));
	if (!s)
		return &nec_enomem;
	mi->segments = s;
	s += mi->segment_count++;
	*s = (struct nec_mi_segment){.start = start, .end = start + size};
	s->head_end = start + nec_field(mi->target, start, NEC_F_MISEG_INFO) * NEC_MI_SLICE;
	return NULL;
}

static struct nec_error *find_segments(struct nec_mimalloc *mi)
{
	const struct nec_mapping *maps;
	uint64_t addr, size, cookie = 0;
	uint32_t count, i, entries;

	maps = nec_image_mappings(mi->target->image, &count);
	for (i = 0; i < count; i++) {
		if (maps[i].path || !(maps[i].perms & NEC_PERM_W))
			continue;
		addr = (maps[i].start + SEGMENT_ALIGN - 1) & -SEGMENT_ALIGN;
		for (; addr && addr < maps[i].end && mi->segment_count < MAX_SEGMENTS;
		     addr += size) {
			uint64_t own = nec_field(mi->target, addr, NEC_F_MISEG_COOKIE) ^ addr;

			size = check_segment(mi, addr, maps[i].end, &entries);
			if (size && (!mi->segment_count || own == cookie)) {
				cookie = own;
				NEC_TRY(add_segment(mi, addr, size));
				NEC_TRY(nec_addrset_cover(
					mi->free_blocks, addr,
					nec_mi_covered(&mi->segments[mi->segment_count - 1])));
			}
			size = size > SEGMENT_ALIGN ? (size + SEGMENT_ALIGN - 1) & -SEGMENT_ALIGN
						    : SEGMENT_ALIGN;
		}
	}
	return NULL;
}

/* ---- pages */

/* Where the first block is: blocks of small sizes do not begin with the slice. */
static uint64_t first_block(const struct nec_mimalloc *mi, uint64_t slice, uint64_t start,
			    uint64_t size)
{
	if (nec_has(mi->target, NEC_F_MIPAGE_START))
		return nec_field(mi->target, slice, NEC_F_MIPAGE_START);
	/* _mi_segment_page_start_from_slice() */
	return start + (size <= 64 ? 3 * size : size <= 512 ? size : 0);
}

static struct nec_error *add_page(struct nec_mimalloc *mi, const struct nec_mi_page *page)
{
	if (mi->page_count == mi->page_capacity) {
		uint32_t capacity = mi->page_capacity ? mi->page_capacity * 2 : 256;
		struct nec_mi_page *pages = realloc(mi->pages, capacity * sizeof(*pages));

		if (!pages)
			return &nec_enomem;
		mi->pages = pages;
		mi->page_capacity = capacity;
	}
	mi->pages[mi->page_count++] = *page;
	return NULL;
}

/* The page that slice i of a segment begins, `count` slices long; its size 0: it is none. */
static struct nec_mi_page read_page(const struct nec_mimalloc *mi, const struct nec_mi_segment *s,
				    uint32_t i, uint64_t count)
{
	uint64_t slice = slice_at(mi, s->start, i), start = s->start + i * NEC_MI_SLICE;
	struct nec_mi_page p = {
		.start = start,
		.end = start + count * NEC_MI_SLICE,
		.size = block_size(mi, slice),
		.capacity = int_at(mi, slice, NEC_F_MIPAGE_CAPACITY) & 0xffff,
		.reserved = int_at(mi, slice, NEC_F_MIPAGE_RESERVED) & 0xffff,
	};

	if (!p.size)
		return p;
	p.first = first_block(mi, slice, start, p.size);
	/* A block too large for the field is as large as what it lies in. */
	if (p.reserved == 1 && p.first < p.end && p.size > p.end - p.first)
		p.size = p.end - p.first;
	if (p.first < start || p.first & 7 || p.first >= p.end || !p.reserved ||
	    p.capacity > p.reserved || p.size > (p.end - p.first) / p.reserved)
		p.size = 0;
	return p;
}

static struct nec_error *read_segment(struct nec_mimalloc *mi, struct nec_mi_segment *s)
{
	uint32_t i = 0, entries;
	uint64_t count;

	check_segment(mi, s->start, s->end, &entries);
	s->page_index = mi->page_count;
	for (i = 0; i < entries; i += (uint32_t)count) {
		struct nec_mi_page page;

		count = int_at(mi, slice_at(mi, s->start, i), NEC_F_MIPAGE_COUNT);
		if (s->start + i * NEC_MI_SLICE < s->head_end)
			continue;
		page = read_page(mi, s, i, count);
		if (page.size)
			NEC_TRY(add_page(mi, &page));
		else
			s->spare += count * NEC_MI_SLICE;
	}
	s->pages = mi->page_count - s->page_index;
	return NULL;
}

/* ---- lists of free blocks */

/* Links are mixed with two words of their page or heap where the build says so
 * (MI_ENCODE_FREELIST). */
struct links {
	uint64_t null; /* address of the page or heap */
	uint64_t keys[2];
	bool mixed;
};

static uint64_t follow(const struct nec_mimalloc *mi, const struct links *links, uint64_t block)
{
	uint64_t v = nec_word(mi->target, block);
	unsigned int by = links->keys[0] & 63;

	if (!links->mixed)
		return v;
	v -= links->keys[0];
	v = (by ? v >> by | v << (64 - by) : v) ^ links->keys[1];
	return v == links->null ? 0 : v;
}

/* Keys lie before the list of other threads; in a build without them nothing does. */
static struct links links_of_page(const struct nec_mimalloc *mi, uint64_t slice)
{
	const struct nec_target *t = mi->target;
	uint64_t keys = slice + nec_off(t, NEC_F_MIPAGE_KEYS);
	struct links links = {.null = slice};

	links.mixed = nec_has(t, NEC_F_MIPAGE_KEYS) &&
		      nec_off(t, NEC_F_MIPAGE_KEYS) + 16 == nec_off(t, NEC_F_MIPAGE_THREAD_FREE);
	if (links.mixed) {
		links.keys[0] = nec_word(t, keys);
		links.keys[1] = nec_word(t, keys + 8);
	}
	return links;
}

static bool is_block(const struct nec_mi_page *page, uint64_t addr)
{
	return addr >= page->first && (addr - page->first) % page->size == 0 &&
	       (addr - page->first) / page->size < page->capacity;
}

static void mark_list(struct nec_mimalloc *mi, const struct nec_mi_page *page,
		      const struct links *links, uint64_t block)
{
	for (; block; block = follow(mi, links, block)) {
		if (!is_block(page, block) || !nec_addrset_add(mi->free_blocks, block)) {
			mi->damaged++;
			return;
		}
	}
}

/* Blocks that other threads freed and that their heap has not taken back yet. */
static void mark_delayed(struct nec_mimalloc *mi, uint64_t heap, bool mixed)
{
	const struct nec_target *t = mi->target;
	struct links links = {.null = heap, .mixed = mixed};
	uint64_t block, keys = heap + nec_off(t, NEC_F_MIHEAP_KEYS);
	const struct nec_mi_segment *segment;
	const struct nec_mi_page *page;

	links.keys[0] = nec_word(t, keys);
	links.keys[1] = nec_word(t, keys + 8);
	block = nec_field(t, heap, NEC_F_MIHEAP_DELAYED);
	for (; block; block = follow(mi, &links, block)) {
		segment = nec_mimalloc_segment(mi, block);
		page = segment ? nec_mimalloc_page(mi, segment, block) : NULL;
		if (!page || !is_block(page, block) || !nec_addrset_add(mi->free_blocks, block))
			return;
	}
}

static void mark_lists(struct nec_mimalloc *mi)
{
	static const enum nec_field lists[] = {NEC_F_MIPAGE_FREE, NEC_F_MIPAGE_LOCAL_FREE,
					       NEC_F_MIPAGE_THREAD_FREE};
	uint64_t heap = 0, last = 0;
	uint32_t i, k, heaps = 0;
	unsigned int n;

	for (i = 0; i < mi->segment_count; i++) {
		const struct nec_mi_segment *s = &mi->segments[i];

		for (k = 0; k < s->pages; k++) {
			const struct nec_mi_page *page = &mi->pages[s->page_index + k];
			uint64_t slice = slice_at(
				mi, s->start, (uint32_t)((page->start - s->start) / NEC_MI_SLICE));
			struct links links = links_of_page(mi, slice);

			for (n = 0; n < sizeof(lists) / sizeof(lists[0]); n++)
				mark_list(mi, page, &links,
					  nec_field(mi->target, slice, lists[n]) &
						  ~(uint64_t)FLAGS);
			heap = nec_field(mi->target, slice, NEC_F_MIPAGE_HEAP);
			/* Pages of one heap follow one another; a list is marked once whatever
			 * comes. */
			if (heap && heap != last && heaps++ < MAX_HEAPS)
				mark_delayed(mi, heap, links.mixed);
			last = heap;
		}
	}
}

/* ---- sums */

static int by_size(const void *pa, const void *pb)
{
	const struct nec_mi_class *a = pa, *b = pb;

	return a->size < b->size ? -1 : a->size > b->size;
}

/* The class of a size; the last one takes what finds no room. Blocks that have a segment of their
 * own are one class. */
static uint16_t class_of(struct nec_mimalloc *mi, uint64_t size)
{
	uint16_t i;

	size = size > SEGMENT_ALIGN / 2 ? 0 : size;

	for (i = 0; i < mi->class_count && mi->classes[i].size != size; i++)
		;
	if (i < mi->class_count)
		return i;
	if (i == NEC_MI_CLASSES)
		return NEC_MI_CLASSES - 1;
	mi->classes[mi->class_count++].size = size;
	return i;
}

static void sum_up(struct nec_mimalloc *mi)
{
	uint32_t i, k, n, idle;

	for (i = 0; i < mi->page_count; i++)
		class_of(mi, mi->pages[i].size);
	qsort(mi->classes, mi->class_count, sizeof(mi->classes[0]), by_size);
	for (i = 0; i < mi->segment_count; i++) {
		struct nec_mi_segment *s = &mi->segments[i];

		for (k = 0; k < s->pages; k++) {
			struct nec_mi_page *p = &mi->pages[s->page_index + k];

			p->class = class_of(mi, p->size);
			for (n = 0; n < p->capacity; n++)
				p->used +=
					!nec_addrset_has(mi->free_blocks, p->first + n * p->size);
			idle = p->reserved - p->used;
			s->used_count += p->used;
			s->used += p->used * p->size;
			s->idle_count += idle;
			s->idle += idle * p->size;
			mi->classes[p->class].pages++;
			mi->classes[p->class].used += p->used;
			mi->classes[p->class].free += idle;
		}
	}
}

struct nec_error *nec_mimalloc_init(struct nec_mimalloc *mi, const struct nec_target *target)
{
	uint32_t i;

	*mi = (struct nec_mimalloc){.target = target};
	if (!nec_has(target, NEC_F_MISEG_SLICES) || !nec_has(target, NEC_SIZEOF_MIPAGE))
		return NULL;
	mi->free_blocks = nec_addrset_create();
	if (!mi->free_blocks)
		return &nec_enomem;
	NEC_TRY(find_segments(mi));
	for (i = 0; i < mi->segment_count; i++)
		NEC_TRY(read_segment(mi, &mi->segments[i]));
	mark_lists(mi);
	sum_up(mi);
	return NULL;
}

void nec_mimalloc_deinit(struct nec_mimalloc *mi)
{
	free(mi->segments);
	free(mi->pages);
	nec_addrset_destroy(mi->free_blocks);
	*mi = (struct nec_mimalloc){0};
}

const struct nec_mi_segment *nec_mimalloc_segment(const struct nec_mimalloc *mi, uint64_t addr)
{
	uint32_t lo = 0, hi = mi->segment_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (mi->segments[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < mi->segments[lo - 1].end ? &mi->segments[lo - 1] : NULL;
}

const struct nec_mi_page *nec_mimalloc_page(const struct nec_mimalloc *mi,
					    const struct nec_mi_segment *segment, uint64_t addr)
{
	uint32_t lo = segment->page_index, hi = lo + segment->pages, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (mi->pages[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > segment->page_index && addr < mi->pages[lo - 1].end ? &mi->pages[lo - 1] : NULL;
}
