/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where every byte of the process is; see ledger.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/ledger_private.h"

/* To add a category: its constant and a line here. In the order that a person reads them in. */
static const struct {
	const char *area, *name;
} categories[NEC_LEDGER_CATEGORIES] = {
	[NEC_LEDGER_OBJECTS_PYMALLOC] = {"objects", "objects in pymalloc"},
	[NEC_LEDGER_TABLES_PYMALLOC] = {"objects", "their tables in pymalloc"},
	[NEC_LEDGER_OBJECTS_MIMALLOC] = {"objects", "objects in mimalloc"},
	[NEC_LEDGER_TABLES_MIMALLOC] = {"objects", "their tables in mimalloc"},
	[NEC_LEDGER_OBJECTS_MALLOC] = {"objects", "objects in malloc"},
	[NEC_LEDGER_TABLES_MALLOC] = {"objects", "their tables and buffers in malloc"},
	[NEC_LEDGER_OBJECTS_OTHER] = {"objects", "objects in other memory"},
	[NEC_LEDGER_SLACK_LIST] = {"over-allocation", "room in lists"},
	[NEC_LEDGER_SLACK_DICT] = {"over-allocation", "room in dicts"},
	[NEC_LEDGER_SLACK_SET] = {"over-allocation", "room in sets"},
	[NEC_LEDGER_FRAMES] = {"interpreter", "stacks of Python frames"},
	[NEC_LEDGER_RUNTIME] = {"interpreter", "states, tables of arenas"},
	[NEC_LEDGER_SYNTAX] = {"interpreter", "syntax trees"},
	[NEC_LEDGER_RAW] = {"pymalloc", "raw blocks in use, of no object"},
	[NEC_LEDGER_FREE_POOLS] = {"pymalloc", "free pools"},
	[NEC_LEDGER_POOL_HEADERS] = {"pymalloc", "headers of pools"},
	[NEC_LEDGER_POOL_ENDS] = {"pymalloc", "ends of pools too small for a block"},
	[NEC_LEDGER_ARENA_ALIGNMENT] = {"pymalloc", "alignment of arenas"},
	[NEC_LEDGER_POOLS_DAMAGED] = {"pymalloc", "damaged pools"},
	[NEC_LEDGER_MI_RAW] = {"mimalloc", "raw blocks in use, of no object"},
	[NEC_LEDGER_MI_FREE_PAGES] = {"mimalloc", "free pages of segments"},
	[NEC_LEDGER_MI_NEVER] = {"mimalloc", "rooms of pages that were never used"},
	[NEC_LEDGER_MI_ENDS] = {"mimalloc", "ends of pages too small for a block"},
	[NEC_LEDGER_MI_HEADS] = {"mimalloc", "heads of segments"},
	[NEC_LEDGER_MI_RESERVED] = {"mimalloc", "reserved for segments to come"},
	[NEC_LEDGER_MALLOC_USED] = {"malloc", "in use, of no object"},
	[NEC_LEDGER_MAPPED_USED] = {"malloc", "mapped chunks of no object"},
	[NEC_LEDGER_MALLOC_FREE] = {"malloc", "free, in bins of arenas"},
	[NEC_LEDGER_MALLOC_FAST] = {"malloc", "free, in fast bins"},
	[NEC_LEDGER_MALLOC_TCACHE] = {"malloc", "free, in caches of threads"},
	[NEC_LEDGER_MALLOC_TOP] = {"malloc", "free, tops of arenas"},
	[NEC_LEDGER_MALLOC_OVERHEAD] = {"malloc", "heads of heaps"},
	[NEC_LEDGER_MALLOC_RESERVE] = {"malloc", "given back, still mapped"},
	[NEC_LEDGER_MALLOC_DAMAGED] = {"malloc", "damaged"},
	[NEC_LEDGER_MALLOC_MISSING] = {"malloc", "not in the dump"},
	[NEC_LEDGER_STACK_USED] = {"stacks", "in use"},
	[NEC_LEDGER_STACK_LEFT] = {"stacks", "left by deeper calls"},
	[NEC_LEDGER_STACK_UNTOUCHED] = {"stacks", "untouched"},
	[NEC_LEDGER_STACK_KEPT] = {"stacks", "of no thread any more, kept for the next"},
	[NEC_LEDGER_TLS] = {"stacks", "data of the loader and the main thread"},
	[NEC_LEDGER_FILE_CODE] = {"files", "code, shared with whoever runs it"},
	[NEC_LEDGER_FILE_READ] = {"files", "read-only, shared with whoever maps it"},
	[NEC_LEDGER_FILE_DATA] = {"files", "data of libraries, private"},
	[NEC_LEDGER_FILE_ZEROED] = {"files", "zeroed data of libraries, private"},
	[NEC_LEDGER_FILE_WRITABLE] = {"files", "other files, writable"},
	[NEC_LEDGER_SHARED] = {"shared memory", "shared memory"},
	[NEC_LEDGER_CODE] = {"code", "code made at run time"},
	[NEC_LEDGER_NO_ACCESS] = {"reserved", "guards and reserves without access"},
	[NEC_LEDGER_KERNEL] = {"kernel", "of the kernel"},
	[NEC_LEDGER_CUT] = {"not in the dump", "not in the dump"},
	[NEC_LEDGER_UNKNOWN] = {"unknown", "unknown"},
};

enum { PAGE = 4096 };

/* ---- kinds of mappings
 * ------------------------------------------------------------------------------------------------
 */

static bool begins_with(const char *path, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (strncmp(path, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

static bool is_shared_memory(const char *path)
{
	static const char *const prefixes[] = {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", NULL};

	return begins_with(path, prefixes);
}

/* vdso, and the pages of data right before it. */
static bool is_kernel(const struct nec_ledger *l, const struct nec_mapping *m)
{
	enum { DATA_PAGES = 16 << 12 };
	static const char *const names[] = {"[vdso", "[vvar", "[vsyscall", "[uprobes", NULL};
	uint64_t vdso = nec_image_process(l->target->image)->at_sysinfo_ehdr;

	if (m->start >> 47 || (m->path && begins_with(m->path, names)))
		return true;
	if (!vdso || m->perms & NEC_PERM_W)
		return false;
	return (m->start <= vdso && vdso < m->end) ||
	       (!m->path && m->end <= vdso && vdso - m->start <= DATA_PAGES);
}

/* Is the page at addr as the kernel gave it, for all the dump says? */
static bool is_untouched(const struct nec_image *image, uint64_t addr)
{
	static const uint8_t zeros[PAGE];
	const uint8_t *p = nec_image_view(image, addr, PAGE);

	return !p || memcmp(p, zeros, PAGE) == 0;
}

/*
 * Memory that nobody may touch, which a dump may say can be read: the guard of a stack, what a heap
 * of malloc may grow into. Of a large one some pages are looked at.
 */
static bool is_guard(const struct nec_ledger *l, const struct nec_mapping *m)
{
	enum { SMALL = 4 << 20, STRIDE = 64 * PAGE };
	uint64_t addr, step = m->end - m->start <= SMALL ? PAGE : STRIDE;
	const struct nec_malloc_heap *heap;

	if (m->path || m->perms & (NEC_PERM_W | NEC_PERM_X))
		return false;
	if (!m->perms)
		return true;
	heap = nec_malloc_heap(l->malloc, m->start - 1);
	if (heap && heap->end == m->start && !l->malloc->arenas[heap->arena].is_main)
		return true;
	if (m->cut)
		return false;
	for (addr = m->start; addr < m->end; addr += step)
		if (!is_untouched(l->target->image, addr))
			return false;
	return true;
}

static enum nec_ledger_category kind_of(const struct nec_ledger *l, const struct nec_mapping *m)
{
	if (is_kernel(l, m))
		return NEC_LEDGER_KERNEL;
	if (m->path && is_shared_memory(m->path))
		return NEC_LEDGER_SHARED;
	if (is_guard(l, m))
		return NEC_LEDGER_NO_ACCESS;
	if (m->path && m->perms & NEC_PERM_W)
		return m->objfile != UINT32_MAX ? NEC_LEDGER_FILE_DATA : NEC_LEDGER_FILE_WRITABLE;
	if (m->path)
		return m->perms & NEC_PERM_X ? NEC_LEDGER_FILE_CODE : NEC_LEDGER_FILE_READ;
	return m->perms & NEC_PERM_X ? NEC_LEDGER_CODE : NEC_LEDGER_UNKNOWN;
}

/* Where the memory of [start, end) begins that the dump should have and has not: only memory of no
 * file, which is not to be found elsewhere. */
static uint64_t cut_at(const struct nec_mapping *m, uint64_t start, uint64_t end)
{
	uint64_t at = m->start + m->readable;

	if (m->path || (!(m->perms & NEC_PERM_W) && !m->cut) || at > end)
		return end;
	return at > start ? at : start;
}

/* ---- stretches
 * --------------------------------------------------------------------------------------------------------
 */

/* In use above the stack pointer; below it what deeper calls touched, as far as pages are not all
 * zeros. */
static struct nec_error *count_stack(struct nec_ledger *l, const struct nec_region *r,
				     uint64_t start, uint64_t end)
{
	enum { GAP = 64 };
	const struct nec_mapping *m = nec_image_mapping_at(l->target->image, start);
	uint64_t cut = m ? cut_at(m, start, end) : end, sp, at, touched;
	unsigned int gap;

	if (cut < end)
		nec_ledger_add(&l->sums[NEC_LEDGER_CUT], end - cut);
	if (cut == start)
		return NULL;
	end = cut;
	sp = touched = r->of < start ? start : r->of > end ? end : r->of;
	at = sp & ~(uint64_t)(PAGE - 1);
	for (gap = 0; at >= start + PAGE && gap < GAP; at -= PAGE) {
		if (is_untouched(l->target->image, at - PAGE)) {
			gap++;
			continue;
		}
		touched = at - PAGE;
		gap = 0;
	}
	if (end > sp)
		nec_ledger_add(&l->sums[NEC_LEDGER_STACK_USED], end - sp);
	if (sp > touched)
		nec_ledger_add(&l->sums[NEC_LEDGER_STACK_LEFT], sp - touched);
	if (touched > start)
		nec_ledger_add(&l->sums[NEC_LEDGER_STACK_UNTOUCHED], touched - start);
	return NULL;
}

static struct nec_error *count_kept(struct nec_ledger *l, const struct nec_region *r,
				    uint64_t start, uint64_t end)
{
	(void)r;
	nec_ledger_add(&l->sums[NEC_LEDGER_STACK_KEPT], end - start);
	return NULL;
}

static struct nec_error *count_lost(struct nec_ledger *l, const struct nec_region *r,
				    uint64_t start, uint64_t end)
{
	(void)r;
	nec_ledger_add(&l->sums[NEC_LEDGER_CUT], end - start);
	return NULL;
}

static struct nec_error *count_frames(struct nec_ledger *l, const struct nec_region *r,
				      uint64_t start, uint64_t end)
{
	(void)r;
	nec_ledger_add(&l->sums[NEC_LEDGER_FRAMES], end - start);
	return NULL;
}

static struct nec_error *count_zeroed(struct nec_ledger *l, const struct nec_region *r,
				      uint64_t start, uint64_t end)
{
	(void)r;
	nec_ledger_add(&l->sums[NEC_LEDGER_FILE_ZEROED], end - start);
	return NULL;
}

static struct nec_error *count_tls(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				   uint64_t end)
{
	(void)r;
	nec_ledger_add(&l->sums[NEC_LEDGER_TLS], end - start);
	return NULL;
}

/* mimalloc asks for much more than a segment at once. */
static bool has_segments(const struct nec_ledger *l, const struct nec_mapping *m)
{
	const struct nec_mimalloc *mi = &l->heap->mi;
	uint32_t i;

	for (i = 0; i < mi->segment_count; i++)
		if (mi->segments[i].start >= m->start && mi->segments[i].start < m->end)
			return true;
	return false;
}

static void count_rest(struct nec_ledger *l, const struct nec_mapping *m, uint64_t start,
		       uint64_t end)
{
	enum nec_ledger_category kind = kind_of(l, m);
	uint64_t cut = end, bytes;

	if (kind == NEC_LEDGER_UNKNOWN || kind == NEC_LEDGER_CODE)
		cut = cut_at(m, start, end);
	if (cut < end)
		nec_ledger_add(&l->sums[NEC_LEDGER_CUT], end - cut);
	bytes = cut - start;
	if (kind == NEC_LEDGER_UNKNOWN && has_segments(l, m))
		kind = NEC_LEDGER_MI_RESERVED;
	if (kind == NEC_LEDGER_UNKNOWN && bytes)
		bytes -= nec_ledger_objects(l, start, cut);
	if (bytes)
		nec_ledger_add(&l->sums[kind], bytes);
}

/* In the order in which they are asked. */
static struct nec_error *(*const counters[NEC_REGION_KINDS])(struct nec_ledger *l,
							     const struct nec_region *r,
							     uint64_t start, uint64_t end) = {
	[NEC_REGION_ARENA] = nec_ledger_arena, [NEC_REGION_SEGMENT] = nec_ledger_segment,
	[NEC_REGION_HEAP] = nec_ledger_heap,   [NEC_REGION_MAPPED] = nec_ledger_mapped,
	[NEC_REGION_FRAMES] = count_frames,    [NEC_REGION_LOST] = count_lost,
	[NEC_REGION_STACK] = count_stack,      [NEC_REGION_KEPT] = count_kept,
	[NEC_REGION_DATA] = nec_ledger_data,   [NEC_REGION_ZEROED] = count_zeroed,
	[NEC_REGION_TLS] = count_tls,
};

/* The regions that the mappings have come to, one of each kind. */
struct sweep {
	struct nec_ledger *ledger;
	uint64_t next[NEC_REGION_KINDS];
};

/* The region of a kind that ends above addr, NULL for none. */
static const struct nec_region *region_at(struct sweep *s, unsigned int kind, uint64_t addr)
{
	const struct nec_tmparray *array = &s->ledger->regions[kind];
	const struct nec_region *r = array->data;
	uint64_t count = array->size / sizeof(*r), *next = &s->next[kind];

	while (*next < count && r[*next].end <= addr)
		++*next;
	return *next < count ? &r[*next] : NULL;
}

static struct nec_error *count_mapping(struct sweep *s, const struct nec_mapping *m)
{
	struct nec_ledger *l = s->ledger;
	const struct nec_region *r, *found;
	uint64_t at = m->start, end;
	unsigned int kind, of = 0;

	if (m->path || !(m->perms & NEC_PERM_W)) {
		count_rest(l, m, m->start, m->end);
		return NULL;
	}
	while (at < m->end) {
		end = m->end;
		found = NULL;
		for (kind = 0; kind < NEC_REGION_KINDS && !found; kind++) {
			r = region_at(s, kind, at);
			if (r && r->start <= at) {
				found = r;
				of = kind;
				end = r->end < end ? r->end : end;
			} else if (r && r->start < end) {
				end = r->start;
			}
		}
		if (found)
			NEC_TRY(counters[of](l, found, at, end));
		else
			count_rest(l, m, at, end);
		at = end;
	}
	return NULL;
}

static int by_part(const void *pa, const void *pb)
{
	const struct nec_owned *a = pa, *b = pb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

/* Takes bytes from a sum as far as it has them; returns what is left. */
static uint64_t take(uint64_t *from, uint64_t bytes)
{
	uint64_t taken = bytes < *from ? bytes : *from;

	*from -= taken;
	return bytes - taken;
}

/*
 * The rooms of containers were counted where their tables lie, too. Where a damaged process has
 * several containers with one table the room is not there so often.
 */
static void take_slack(struct nec_ledger *l)
{
	uint64_t left;
	unsigned int kind;
	uint32_t i;

	left = take(&l->sums[NEC_LEDGER_TABLES_PYMALLOC].bytes, l->slack_pymalloc);
	left = take(&l->sums[NEC_LEDGER_OBJECTS_PYMALLOC].bytes, left);
	left += take(&l->sums[NEC_LEDGER_OBJECTS_MIMALLOC].bytes,
		     take(&l->sums[NEC_LEDGER_TABLES_MIMALLOC].bytes, l->slack_mimalloc));
	left += take(&l->sums[NEC_LEDGER_OBJECTS_MALLOC].bytes,
		     take(&l->sums[NEC_LEDGER_TABLES_MALLOC].bytes, l->slack_malloc));
	for (i = 0; i < l->data_count; i++)
		left += take(&l->data[i].sum.bytes, l->data[i].slack);
	for (kind = NEC_LEDGER_SLACK_LIST; kind <= NEC_LEDGER_SLACK_SET; kind++)
		left = take(&l->sums[kind].bytes, left);
}

struct nec_error *nec_ledger_init(struct nec_ledger *l, const struct nec_walk *walk,
				  struct nec_blocks *blocks, const char *tmpdir)
{
	struct sweep sweep = {.ledger = l};
	const struct nec_mapping *maps;
	unsigned int kind;
	uint32_t count, i;

	*l = (struct nec_ledger){.target = walk->target,
				 .types = walk->types,
				 .heap = walk->heap,
				 .malloc = walk->visit.malloc,
				 .walk = walk,
				 .blocks = blocks,
				 .runtime = NEC_TMPARRAY_INIT};
	for (kind = 0; kind < NEC_REGION_KINDS; kind++)
		l->regions[kind] = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	l->set_visitor = nec_visitor_find(l->target, "set");
	l->least_container = nec_off(l->target, NEC_SIZEOF_OBJECT) + 16;
	if (walk->owned.size)
		qsort(walk->owned.data, walk->owned.size / sizeof(struct nec_owned),
		      sizeof(struct nec_owned), by_part);
	l->unowned = calloc(NEC_UNOWNED_SLOTS, sizeof(*l->unowned));
	if (!l->unowned)
		return &nec_enomem;
	NEC_TRY(nec_ledger_find_regions(l, tmpdir));
	maps = nec_image_mappings(l->target->image, &count);
	for (i = 0; i < count; i++) {
		l->total += maps[i].end - maps[i].start;
		NEC_TRY(count_mapping(&sweep, &maps[i]));
	}
	take_slack(l);
	nec_ledger_sort_unowned(l);
	return NULL;
}

void nec_ledger_deinit(struct nec_ledger *l)
{
	unsigned int kind;

	for (kind = 0; kind < NEC_REGION_KINDS; kind++)
		nec_tmparray_deinit(&l->regions[kind]);
	nec_tmparray_deinit(&l->runtime);
	free(l->data);
	free(l->unowned);
	*l = (struct nec_ledger){0};
}

bool nec_ledger_next(struct nec_ledger *l, struct nec_ledger_row *ret)
{
	uint32_t i;

	for (i = l->given++; i < NEC_LEDGER_CATEGORIES; i = l->given++) {
		*ret = (struct nec_ledger_row){categories[i].area, l->name, l->sums[i].bytes,
					       l->sums[i].count};
		if (strcmp(categories[i].area, categories[i].name) == 0)
			snprintf(l->name, sizeof(l->name), "%s", categories[i].name);
		else
			snprintf(l->name, sizeof(l->name), "%s: %s", categories[i].area,
				 categories[i].name);
		if (ret->bytes)
			return true;
	}
	for (i -= NEC_LEDGER_CATEGORIES; i < NEC_SIZE_CLASSES;
	     i = l->given++ - NEC_LEDGER_CATEGORIES) {
		*ret = (struct nec_ledger_row){"pymalloc", l->name, l->free_blocks[i].bytes,
					       l->free_blocks[i].count};
		snprintf(l->name, sizeof(l->name), "pymalloc: free blocks of %u bytes",
			 (i + 1) * 8);
		if (ret->bytes)
			return true;
	}
	for (i -= NEC_SIZE_CLASSES; i < NEC_MI_CLASSES;
	     i = l->given++ - NEC_LEDGER_CATEGORIES - NEC_SIZE_CLASSES) {
		*ret = (struct nec_ledger_row){"mimalloc", l->name, l->mi_free_blocks[i].bytes,
					       l->mi_free_blocks[i].count};
		snprintf(l->name, sizeof(l->name), "mimalloc: free blocks of %llu bytes",
			 (unsigned long long)l->heap->mi.classes[i].size);
		if (ret->bytes)
			return true;
	}
	i -= NEC_MI_CLASSES;
	if (i >= l->data_count)
		return false;
	*ret = (struct nec_ledger_row){"objects", l->name, l->data[i].sum.bytes,
				       l->data[i].sum.count};
	snprintf(l->name, sizeof(l->name), "objects: data of %s", l->data[i].type->name);
	return true;
}
