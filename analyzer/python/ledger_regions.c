/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known to lie in the mappings; see ledger.h. */
#include <stdlib.h>

#include "python/ledger_private.h"

enum {
	PAGE = 4096,
	RED_ZONE = 128,           /* x86-64 ABI: in use below the stack pointer */
	THREAD_STRUCT = 0x900,    /* struct pthread, which glibc puts at the thread pointer and the
				     stack below */
	THREAD_LEAST = 0x700,     /* what every release's has */
	THREAD_WITHIN = 2 * PAGE, /* of the end of a stack */
	LEAST_STACK = 4 * PAGE,   /* PTHREAD_STACK_MIN */
	MAX_CHUNKS = 1 << 16,     /* of one thread's data stack */
	MAX_THREADS = 1 << 20,
	MMAP_DATA = 16, /* mmap.mmap: data and size follow the head of the object */
	MMAP_SIZE = 24,
};

static struct nec_error *add(struct nec_ledger *l, enum nec_region_kind kind, uint64_t start,
			     uint64_t end, uint64_t of)
{
	struct nec_region r = {start, end, of};

	return start < end ? nec_tmparray_append(&l->regions[kind], &r, sizeof(r)) : NULL;
}

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static struct nec_error *add_allocators(struct nec_ledger *l)
{
	uint32_t i;

	for (i = 0; i < l->heap->arena_count; i++) {
		uint64_t start = l->heap->arenas[i].start;

		NEC_TRY(add(l, NEC_REGION_ARENA, start, start + l->target->layout.traits.arena_size,
			    i));
	}
	for (i = 0; i < l->heap->mi.segment_count; i++)
		NEC_TRY(add(l, NEC_REGION_SEGMENT, l->heap->mi.segments[i].start,
			    l->heap->mi.segments[i].end, i));
	for (i = 0; i < l->malloc->heap_count; i++)
		NEC_TRY(add(l, NEC_REGION_HEAP, l->malloc->heaps[i].start, l->malloc->heaps[i].end,
			    i));
	for (i = 0; i < l->malloc->mapped_count; i++)
		NEC_TRY(add(l, NEC_REGION_MAPPED, l->malloc->mapped[i].start,
			    l->malloc->mapped[i].end, i));
	return NULL;
}

/*
 * Nothing but zeros where a thread's stack is in use: gdb writes a mapping as zeros when it cannot
 * read one page of it, such as the guards of glibc 2.42's stacks, which have no mapping of their
 * own.
 */
static bool is_lost(const struct nec_target *t, const struct nec_image_thread *thread)
{
	const uint8_t *p;
	uint64_t page = thread->sp & ~(uint64_t)(PAGE - 1);
	unsigned int i;

	p = nec_image_view(t->image, page, PAGE);
	for (i = 0; p && i < PAGE; i++)
		if (p[i])
			return false;
	return p && !nec_word(t, thread->fs_base);
}

/* The mapping that holds a stack pointer; glibc puts the thread pointer at the end of a thread's.
 */
static struct nec_error *add_stacks(struct nec_ledger *l)
{
	const struct nec_image_thread *threads;
	const struct nec_mapping *map;
	uint32_t count, i;
	uint64_t end;

	threads = nec_image_threads(l->target->image, &count);
	for (i = 0; i < count; i++) {
		map = nec_image_mapping_at(l->target->image, threads[i].sp);
		if (!map || map->path || !(map->perms & NEC_PERM_W))
			continue;
		if (is_lost(l->target, &threads[i])) {
			NEC_TRY(add(l, NEC_REGION_LOST, map->start, map->end, 0));
			continue;
		}
		end = map->end;
		if (threads[i].fs_base > threads[i].sp && threads[i].fs_base < map->end &&
		    page_up(threads[i].fs_base + THREAD_STRUCT) < end)
			end = page_up(threads[i].fs_base + THREAD_STRUCT);
		NEC_TRY(add(l, NEC_REGION_STACK, map->start, end, threads[i].sp - RED_ZONE));
		map = nec_image_mapping_at(l->target->image, threads[i].fs_base);
		if (map && !map->path && map->end - map->start <= 1 << 20)
			NEC_TRY(add(l, NEC_REGION_TLS, map->start, map->end, 0));
	}
	return NULL;
}

/*
 * The block that glibc keeps of a stack whose struct pthread is at addr (nptl/descr.h): where it
 * begins and how long it is are two words of that struct, and it ends with the page behind it.
 */
static bool stack_block(const struct nec_target *t, uint64_t addr, uint64_t *start_ret,
			uint64_t *end_ret)
{
	uint64_t start, size, off;

	for (off = 0; off + 16 <= THREAD_STRUCT; off += 8) {
		start = nec_word(t, addr + off);
		size = nec_word(t, addr + off + 8);
		if (!start || (start | size) & (PAGE - 1) || start >= addr ||
		    start + size != page_up(addr + THREAD_LEAST))
			continue;
		*start_ret = start;
		*end_ret = start + size;
		return true;
	}
	return false;
}

/*
 * Stacks that no thread is on: of threads that ended, which glibc keeps for the next ones, and in a
 * dump that was cut off of those whose registers are gone. At the upper end lies a struct pthread,
 * which begins with its own address, twice (x86-64). Neighbours may be one mapping.
 */
static struct nec_error *add_kept_stacks(struct nec_ledger *l)
{
	const struct nec_mapping *maps;
	uint64_t addr, start, end, top;
	uint32_t count, i;

	maps = nec_image_mappings(l->target->image, &count);
	for (i = 0; i < count; i++) {
		if (maps[i].path || (maps[i].perms & (NEC_PERM_W | NEC_PERM_X)) != NEC_PERM_W)
			continue;
		for (end = maps[i].end; end >= maps[i].start + LEAST_STACK; end = start) {
			start = top = 0;
			for (addr = end - 64; addr >= end - THREAD_WITHIN && !top; addr -= 64)
				if (nec_word(l->target, addr) == addr &&
				    nec_word(l->target, addr + 16) == addr &&
				    stack_block(l->target, addr, &start, &top) && top != end)
					top = 0;
			if (!top)
				break;
			start = start < maps[i].start ? maps[i].start : start;
			NEC_TRY(add(l, NEC_REGION_KEPT, start, end, 0));
		}
	}
	return NULL;
}

/* States of interpreters and threads, and the chunks that frames lie in (3.11 on). */
static struct nec_error *add_runtime(struct nec_ledger *l)
{
	const struct nec_target *t = l->target;
	uint64_t thread, chunk, size;
	uint32_t i, n, k;

	for (i = 0; i < t->interpreter_count; i++) {
		NEC_TRY(nec_tmparray_append(&l->runtime, &t->interpreters[i], 8));
		thread = nec_first_thread(t, i);
		for (n = 0; thread && n < MAX_THREADS;
		     n++, thread = nec_field(t, thread, NEC_F_THREAD_NEXT)) {
			NEC_TRY(nec_tmparray_append(&l->runtime, &thread, 8));
			chunk = nec_field(t, thread, NEC_F_THREAD_DATASTACK_CHUNK);
			for (k = 0; chunk && k < MAX_CHUNKS; k++) {
				size = nec_field(t, chunk, NEC_F_STACKCHUNK_SIZE);
				if (size & (PAGE - 1) || size > UINT64_C(1) << 40)
					break;
				NEC_TRY(add(l, NEC_REGION_FRAMES, chunk, chunk + size, thread));
				chunk = nec_field(t, chunk, NEC_F_STACKCHUNK_PREVIOUS);
			}
		}
	}
	for (i = 0; i < l->heap->table_count; i++)
		NEC_TRY(nec_tmparray_append(&l->runtime, &l->heap->tables[i], 8));
	return NULL;
}

/* Large buffers that are no chunks of malloc, and what mmap objects map without a file. */
static struct nec_error *add_data(struct nec_ledger *l)
{
	const struct nec_owned *owned = l->walk->owned.data;
	uint64_t count = l->walk->owned.size / sizeof(*owned), i;

	for (i = 0; i < count; i++) {
		if (owned[i].size < NEC_OWNED_LEAST || owned[i].size > UINT64_C(1) << 47 ||
		    nec_heap_arena(l->heap, owned[i].addr) ||
		    nec_mimalloc_segment(&l->heap->mi, owned[i].addr) ||
		    nec_malloc_heap(l->malloc, owned[i].addr) ||
		    nec_malloc_mapped(l->malloc, owned[i].addr))
			continue;
		NEC_TRY(add(l, NEC_REGION_DATA, owned[i].addr, owned[i].addr + owned[i].size,
			    owned[i].owner));
	}
	return NULL;
}

/* The zeroed data of a library is memory without a path behind its last page of the file. */
static struct nec_error *add_zeroed(struct nec_ledger *l)
{
	const struct nec_mapping *maps;
	const struct nec_objfile *files;
	uint32_t count, file_count, i, k = 0;

	maps = nec_image_mappings(l->target->image, &count);
	files = nec_image_objfiles(l->target->image, &file_count);
	for (i = 0; i < count; i++) {
		while (k < file_count && files[k].end <= maps[i].start)
			k++;
		if (k == file_count)
			break;
		if (maps[i].path || !(maps[i].perms & NEC_PERM_W) ||
		    files[k].start >= maps[i].start)
			continue;
		NEC_TRY(add(l, NEC_REGION_ZEROED, maps[i].start,
			    files[k].end < maps[i].end ? files[k].end : maps[i].end, k));
	}
	return NULL;
}

static int by_start(const void *pa, const void *pb)
{
	const struct nec_region *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static int by_addr(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

/* In order; of two that lie over one another the second loses what the first has. */
static void settle(struct nec_tmparray *array)
{
	struct nec_region *r = array->data;
	uint64_t count = array->size / sizeof(*r), i, n = 0;

	if (count)
		qsort(r, count, sizeof(*r), by_start);
	for (i = 0; i < count; i++) {
		if (n && r[i].start < r[n - 1].end)
			r[i].start = r[n - 1].end;
		if (r[i].start < r[i].end)
			r[n++] = r[i];
	}
	array->size = n * sizeof(*r);
}

struct nec_error *nec_ledger_find_regions(struct nec_ledger *l, const char *tmpdir)
{
	unsigned int kind;

	for (kind = 0; kind < NEC_REGION_KINDS; kind++)
		NEC_TRY(nec_tmparray_init(&l->regions[kind], tmpdir));
	NEC_TRY(nec_tmparray_init(&l->runtime, tmpdir));
	NEC_TRY(add_allocators(l));
	NEC_TRY(add_stacks(l));
	NEC_TRY(add_kept_stacks(l));
	NEC_TRY(add_runtime(l));
	NEC_TRY(add_data(l));
	NEC_TRY(add_zeroed(l));
	for (kind = 0; kind < NEC_REGION_KINDS; kind++)
		settle(&l->regions[kind]);
	if (l->runtime.size)
		qsort(l->runtime.data, l->runtime.size / 8, 8, by_addr);
	return NULL;
}
