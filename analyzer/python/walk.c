/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every object of the process; see walk.h. */
#include <stdlib.h>
#include <string.h>

#include "python/blocks.h"
#include "python/dict.h"
#include "python/remnant.h"
#include "python/walk.h"

struct nec_error *nec_walk_init(struct nec_walk *walk, struct nec_types *types, const struct nec_heap *heap,
				const struct nec_malloc *malloc, const char *tmpdir, struct nec_progress *progress)
{
	const struct nec_segment *segments;
	uint32_t count, i;

	*walk = (struct nec_walk){.target = types->target,
				  .types = types,
				  .heap = heap,
				  .progress = progress,
				  .stack = NEC_TMPARRAY_INIT,
				  .owned = NEC_TMPARRAY_INIT,
				  .several = NEC_TMPARRAY_INIT};
	nec_visit_init(&walk->visit, types);
	walk->visit.heap = heap;
	walk->visit.malloc = malloc;
	walk->objects = nec_addrset_create();
	walk->parts = nec_addrset_create();
	walk->visit.parts_known = walk->parts;
	walk->shared = nec_addrset_create();
	walk->found_in_blocks = nec_addrset_create();
	if (!walk->objects || !walk->parts || !walk->shared || !walk->found_in_blocks)
		return &nec_enomem;
	NEC_TRY(nec_tmparray_init(&walk->stack, tmpdir));
	NEC_TRY(nec_tmparray_init(&walk->owned, tmpdir));
	NEC_TRY(nec_tmparray_init(&walk->several, tmpdir));
	nec_image_mappings(types->target->image, &count);
	walk->missing = calloc((size_t)count + 1, sizeof(*walk->missing));
	if (!walk->missing)
		return &nec_enomem;
	segments = nec_image_segments(types->target->image, &count);
	for (i = 0; i < count; i++) {
		if (segments[i].origin == NEC_ORIGIN_NONE)
			continue;
		NEC_TRY(nec_addrset_cover(walk->objects, segments[i].start, segments[i].end));
		if (segments[i].perms & NEC_PERM_W) {
			NEC_TRY(nec_addrset_cover(walk->parts, segments[i].start, segments[i].end));
			NEC_TRY(nec_addrset_cover(walk->shared, segments[i].start,
						  segments[i].end));
		}
	}
	/* Of a dump that was cut off they are looked for everywhere. */
	for (i = 0; i < count && nec_image_completeness(types->target->image)->truncated; i++)
		if (segments[i].origin == NEC_ORIGIN_DUMP && segments[i].perms & NEC_PERM_W)
			NEC_TRY(nec_addrset_cover(walk->found_in_blocks, segments[i].start,
						  segments[i].end));
	for (i = 0; i < heap->arena_count; i++) {
		uint64_t start = heap->arenas[i].start,
			 end = start + types->target->layout.traits.arena_size;

		NEC_TRY(nec_addrset_cover(walk->found_in_blocks, start, end));
	}
	for (i = 0; i < heap->mi.segment_count; i++)
		NEC_TRY(nec_addrset_cover(walk->found_in_blocks, heap->mi.segments[i].start,
					  nec_mi_covered(&heap->mi.segments[i])));
	return NULL;
}

void nec_walk_deinit(struct nec_walk *walk)
{
	nec_addrset_destroy(walk->objects);
	nec_addrset_destroy(walk->parts);
	nec_addrset_destroy(walk->shared);
	nec_addrset_destroy(walk->found_in_blocks);
	free(walk->missing);
	nec_visit_deinit(&walk->visit);
	nec_tmparray_deinit(&walk->stack);
	nec_tmparray_deinit(&walk->owned);
	nec_tmparray_deinit(&walk->several);
	*walk = (struct nec_walk){.stack = NEC_TMPARRAY_INIT, .owned = NEC_TMPARRAY_INIT, .several = NEC_TMPARRAY_INIT};
}

static struct nec_error *push(struct nec_walk *walk, uint64_t addr)
{
	walk->marked++;
	return nec_tmparray_append(&walk->stack, &addr, sizeof(addr));
}

/* Follows a reference that a described type has. */
static struct nec_error *mark(struct nec_walk *walk, uint64_t addr)
{
	uint64_t start, size;

	if (nec_addrset_has(walk->objects, addr) || !nec_object_type(walk->types, addr))
		return NULL;
	if (nec_heap_block(walk->heap, addr, &start, &size) == NEC_BLOCK_FREE) {
		walk->freed_targets++;
		return NULL;
	}
	return nec_addrset_add(walk->objects, addr) ? push(walk, addr) : NULL;
}

/* Follows a word that may point at an object. */
static struct nec_error *mark_candidate(struct nec_walk *walk, uint64_t addr)
{
	if (nec_addrset_has(walk->objects, addr) ||
	    !nec_object_candidate(walk->types, walk->heap, addr))
		return NULL;
	return nec_addrset_add(walk->objects, addr) ? push(walk, addr) : NULL;
}

/* The neighbours of a tracked object in its collector list. */
static struct nec_error *mark_neighbours(struct nec_walk *walk, uint64_t obj)
{
	const struct nec_target *t = walk->target;
	uint64_t size = nec_off(t, NEC_SIZEOF_GC_HEAD), head = obj - size;
	uint64_t mask = ~(uint64_t)t->layout.traits.gc_mask;
	uint64_t next = nec_field(t, head, NEC_F_GC_NEXT) & mask,
		 prev = nec_field(t, head, NEC_F_GC_PREV) & mask;

	if (next)
		NEC_TRY(mark_candidate(walk, next + size));
	return prev ? mark_candidate(walk, prev + size) : NULL;
}

/* Where the block of a part begins: pymalloc's debug hooks put something before what they hand out.
 */
static uint64_t part_start(const struct nec_walk *walk, const struct nec_part *part)
{
	uint64_t start, size;

	return nec_heap_block(walk->heap, part->addr, &start, &size) == NEC_BLOCK_USED ? start
										       : part->addr;
}

static bool is_notable(const struct nec_walk *walk, const struct nec_part *part)
{
	const struct nec_malloc_heap *heap;
	const struct nec_arena *arena;

	if (part->size >= NEC_OWNED_LEAST)
		return true;
	if (!walk->heap->sparse_count && !walk->visit.malloc->sparse_count)
		return false;
	arena = nec_heap_arena(walk->heap, part->addr);
	if (arena)
		return arena->sparse;
	heap = nec_malloc_heap(walk->visit.malloc, part->addr);
	return heap && heap->sparse;
}

static struct nec_error *note_parts(struct nec_walk *walk, uint64_t obj)
{
	uint32_t i;

	for (i = 0; i < walk->visit.part_count; i++) {
		const struct nec_part *part = &walk->visit.parts[i];
		uint64_t start = part_start(walk, part);

		if (!nec_addrset_add(walk->parts, start) && nec_addrset_add(walk->shared, start) && !part->in_size &&
		    walk->several.size / sizeof(struct nec_owned) < NEC_SEVERAL) {
			struct nec_owned several = {part->addr, part->size, 0};

			NEC_TRY(nec_tmparray_append(&walk->several, &several, sizeof(several)));
		}
		if (is_notable(walk, part)) {
			struct nec_owned owned = {part->addr, part->size, obj};

			NEC_TRY(nec_tmparray_append(&walk->owned, &owned, sizeof(owned)));
		}
	}
	return NULL;
}

int64_t nec_walk_native(const struct nec_walk *walk)
{
	int64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < walk->visit.part_count; i++)
		if (!walk->visit.parts[i].in_size &&
		    !nec_addrset_has(walk->shared, part_start(walk, &walk->visit.parts[i])))
			bytes += (int64_t)walk->visit.parts[i].size;
	return bytes;
}

/* References whose objects are fetched while those before them are looked at. */
enum { FETCH = 8 };

/* Asks the cache for the head of an object that is soon looked at. */
static void fetch(const struct nec_walk *walk, uint32_t i)
{
	const struct nec_visit *visit = &walk->visit;

	if (i < visit->ref_count)
		__builtin_prefetch(nec_image_view(walk->target->image, visit->refs[i].dst, 8));
}

/* Counts a reference that leads to memory that is nowhere: what a file began with is not what became of it. */
static void note_missing(struct nec_walk *walk, uint64_t dst)
{
	const struct nec_image *image = walk->target->image;
	const struct nec_segment *s = nec_image_segment_at(image, dst);
	const struct nec_mapping *map, *maps;
	uint32_t count;

	if ((s && s->origin != NEC_ORIGIN_INITIAL) || nec_addrset_has(walk->objects, dst))
		return;
	maps = nec_image_mappings(image, &count);
	map = nec_image_mapping_at(image, dst);
	if (map)
		walk->missing[map - maps]++;
}

static struct nec_error *visit_one(struct nec_walk *walk, uint64_t obj)
{
	const struct nec_type *type = nec_object_type(walk->types, obj);
	struct nec_visit *visit = &walk->visit;
	uint32_t i;

	if (!type)
		return NULL;
	nec_visit_object(visit, obj, type);
	if (visit->failed || walk->types->failed)
		return &nec_enomem;
	NEC_TRY(mark(walk, type->addr));
	for (i = 0; i < FETCH; i++)
		fetch(walk, i);
	for (i = 0; i < visit->ref_count; i++) {
		fetch(walk, i + FETCH);
		if (!nec_ref_owns(visit->refs[i].kind)) {
			NEC_TRY(mark_candidate(walk, visit->refs[i].dst));
		} else {
			NEC_TRY(mark(walk, visit->refs[i].dst));
			note_missing(walk, visit->refs[i].dst);
		}
	}
	NEC_TRY(note_parts(walk, obj));
	if (type->gc && !walk->target->layout.traits.free_threaded &&
	    (!type->is_type || nec_field(walk->target, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		NEC_TRY(mark_neighbours(walk, obj));
	return NULL;
}

static struct nec_error *close_over(struct nec_walk *walk)
{
	uint64_t n = 0, obj;

	while (walk->stack.size) {
		walk->stack.size -= sizeof(obj);
		memcpy(&obj, (char *)walk->stack.data + walk->stack.size, sizeof(obj));
		NEC_TRY(visit_one(walk, obj));
		if (!(++n & 0x3fff))
			NEC_TRY(nec_progress_step(walk->progress, "finding objects", walk->marked,
						  0));
	}
	return NULL;
}

uint64_t nec_static_end(const struct nec_target *t, uint32_t map, const char **path_ret)
{
	const struct nec_mapping *maps;
	const struct nec_objfile *files;
	uint32_t count, file_count, i;

	maps = nec_image_mappings(t->image, &count);
	if (map >= count || !(maps[map].perms & NEC_PERM_W))
		return 0;
	if ((maps[map].path && maps[map].objfile != UINT32_MAX) ||
	    (maps[map].start >= t->data_start && maps[map].end <= t->data_end)) {
		*path_ret = maps[map].path;
		return maps[map].end;
	}
	/* Data that begins as zeros lies behind the last page of the file. */
	files = nec_image_objfiles(t->image, &file_count);
	for (i = 0; i < file_count && !maps[map].path; i++) {
		if (files[i].start >= maps[map].start || files[i].end <= maps[map].start)
			continue;
		*path_ret = files[i].path;
		return files[i].end < maps[map].end ? files[i].end : maps[map].end;
	}
	return 0;
}

/* All words of [start, end) that point at objects. */
static struct nec_error *mark_words(struct nec_walk *walk, uint64_t start, uint64_t end)
{
	uint64_t addr, v;

	for (addr = (start + 7) & ~7ull; addr + 8 <= end; addr += 8) {
		if (!nec_image_u64(walk->target->image, addr, &v)) {
			addr = nec_image_next_page(walk->target->image, addr) - 8;
			continue;
		}
		if (v >= 4096 && !(v & 7))
			NEC_TRY(mark_candidate(walk, v));
	}
	return NULL;
}

static struct nec_error *mark_roots(struct nec_walk *walk)
{
	const struct nec_target *t = walk->target;
	const struct nec_mapping *maps;
	const char *path;
	uint32_t i, count;

	NEC_TRY(mark(walk, t->type_type));
	NEC_TRY(mark(walk, t->object_type));
	for (i = 0; i < t->interpreter_count; i++) {
		uint64_t interp = t->interpreters[i], thread, n = 0;

		NEC_TRY(mark_words(walk, interp, interp + nec_off(t, NEC_SIZEOF_INTERP)));
		for (thread = nec_first_thread(t, i);
		     thread && n < 1 << 20; thread = nec_field(t, thread, NEC_F_THREAD_NEXT), n++)
			NEC_TRY(mark_words(walk, thread, thread + nec_off(t, NEC_SIZEOF_THREAD)));
	}
	/* Static data of Python itself and of every mapped library: variables that hold objects,
	 * static objects. */
	maps = nec_image_mappings(t->image, &count);
	for (i = 0; i < count; i++)
		NEC_TRY(mark_words(walk, maps[i].start, nec_static_end(t, i, &path)));
	return mark_words(walk, t->data_start, t->data_end);
}

/* What the debug hooks of the allocators put before what they hand out: the size, an id and bytes that nobody may touch (obmalloc.c). */
enum { HOOK_BYTES = 16, FORBIDDEN = 0xfd, FORBIDDEN_OLD = 0xfb };

static bool has_hook(const struct nec_walk *walk, uint64_t start)
{
	uint64_t word = nec_word(walk->target, start + 8), touched = UINT64_C(0x0101010101010101);
	uint8_t id = (uint8_t)word;

	word >>= 8;
	return (id == 'o' || id == 'm' || id == 'r') && (word == touched * FORBIDDEN >> 8 || word == touched * FORBIDDEN_OLD >> 8);
}

/* Does a block that begins `lead` bytes before it have just what lies before such an object? What a
 * tuple left behind, its size and its first item, looks like an object of the class that this item is.
 * What pymalloc takes from malloc because it is large has the bytes of two hooks. */
static bool fits_block(const struct nec_walk *walk, uint64_t addr, uint64_t lead)
{
	const struct nec_type *type = nec_object_type(walk->types, addr);
	uint64_t presize = type ? nec_object_presize(walk->target, type, addr) : 0, hooks;

	if (!type || lead < presize || lead > presize + 2 * HOOK_BYTES)
		return false;
	for (hooks = lead - presize; hooks >= HOOK_BYTES; hooks -= HOOK_BYTES)
		if (!has_hook(walk, addr - presize - hooks))
			return false;
	return !hooks;
}

/* Where an object would begin in a block of pymalloc that starts at `start`: the first place that
 * has one. */
static uint64_t object_in_block(struct nec_walk *walk, uint64_t start, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < NEC_BLOCK_LEADS && nec_block_leads[i] < size; i++)
		if (nec_addrset_has(walk->objects, start + nec_block_leads[i]))
			return start + nec_block_leads[i];
	/* A dead object that its type keeps: what lies in it is no object, though it may look like one. */
	if (nec_block_is_kept(walk, start, size))
		return 0;
	for (i = 0; i < NEC_BLOCK_LEADS; i++) {
		uint64_t addr = start + nec_block_leads[i];

		if (nec_block_leads[i] + nec_off(walk->target, NEC_SIZEOF_OBJECT) > size)
			break;
		if (nec_object_candidate(walk->types, walk->heap, addr) &&
		    fits_block(walk, addr, nec_block_leads[i]))
			return addr;
	}
	return 0;
}

static struct nec_error *mark_found(struct nec_walk *walk, uint64_t obj)
{
	nec_addrset_add(walk->found_in_blocks, obj);
	nec_addrset_add(walk->objects, obj);
	NEC_TRY(push(walk, obj));
	return close_over(walk);
}

/*
 * A block that begins with a number, and behind it with what an object left there, looks like that
 * object with so many references. That none of dozens would be found is less likely.
 */
static bool is_crowded(const struct nec_walk *walk, uint64_t obj)
{
	enum { MOST_LOST = 32 };
	bool immortal;

	return nec_object_refcount(walk->target, obj, &immortal) > MOST_LOST && !immortal;
}

/* Blocks in use that nothing led to: objects that only native code holds, or nobody does any more.
 */
static struct nec_error *mark_blocks(struct nec_walk *walk)
{
	struct nec_block_iter it;
	uint64_t start, size, obj;

	nec_block_iter_init(&it, walk->heap);
	while (nec_block_iter_next(&it, &start, &size)) {
		if (nec_addrset_has(walk->parts, start))
			continue;
		obj = object_in_block(walk, start, size);
		if (obj && !nec_addrset_has(walk->objects, obj) && !is_crowded(walk, obj))
			NEC_TRY(mark_found(walk, obj));
	}
	return NULL;
}

/* The int or float of Python 2 that lies at addr among others of its kind. */
static bool is_atom(struct nec_walk *walk, uint64_t addr)
{
	const struct nec_type *type = nec_object_plausible(walk->types, addr);

	return type && !type->python_made && !type->gc && !type->itemsize &&
	       (!strcmp(type->tp_name, "int") || !strcmp(type->tp_name, "float"));
}

/* Static objects are never freed: since 3.11 their count says so. */
enum { STATIC_REFCOUNT = 900000000 };

/*
 * Static objects in a dump that was cut off: what refers to them is behind the cut. In static data
 * much looks like an object, so that only what counts as immortal is one, and types.
 */
static struct nec_error *mark_static(struct nec_walk *walk)
{
	const struct nec_target *t = walk->target;
	uint64_t addr, v;

	for (addr = (t->data_start + 7) & ~UINT64_C(7); addr + 16 <= t->data_end; addr += 8) {
		const struct nec_segment *s = nec_image_segment_at(t->image, addr);
		const struct nec_type *type;
		bool immortal;

		if (!s || s->origin != NEC_ORIGIN_DUMP) {
			addr = nec_image_next_page(t->image, addr) - 8;
			continue;
		}
		memcpy(&v, s->data + (addr - s->start), 8);
		if (!v || nec_addrset_has(walk->objects, addr))
			continue;
		type = nec_object_candidate(walk->types, walk->heap, addr);
		if (type &&
		    (nec_object_refcount(t, addr, &immortal) >= STATIC_REFCOUNT || immortal ||
		     (type->is_type && nec_types_get(walk->types, addr))))
			NEC_TRY(mark_found(walk, addr));
	}
	return NULL;
}

/* Does an object of its type fit into what is left of its block? */
static bool fits(const struct nec_walk *walk, uint64_t obj, uint64_t end)
{
	const struct nec_type *type = nec_object_type(walk->types, obj);

	/* A str has no field of its type behind its characters. */
	return type && end - obj >= nec_off(walk->target, NEC_SIZEOF_OBJECT) &&
	       (type->flags & NEC_TYPE_STR_SUBCLASS || (uint64_t)type->basicsize <= end - obj);
}

/* Blocks of malloc in a dump that was cut off: what led to them may have been behind the cut. */
static struct nec_error *mark_remnant(struct nec_walk *walk)
{
	struct nec_remnant_iter it;
	uint64_t start, size, obj, n = 0;
	uint32_t first, atom, atoms, i;

	nec_remnant_iter_init(&it, walk->heap);
	while (nec_remnant_iter_next(&it, &start, &size)) {
		if (!(++n & 0xffff))
			NEC_TRY(nec_progress_step(walk->progress, "finding objects", walk->marked,
						  0));
		atoms = nec_remnant_atoms(walk->target, size, &first, &atom);
		for (i = 0; i < atoms; i++) {
			obj = start + first + (uint64_t)atom * i;
			if (!nec_addrset_has(walk->objects, obj) && is_atom(walk, obj))
				NEC_TRY(mark_found(walk, obj));
		}
		if (nec_addrset_has(walk->parts, start))
			continue;
		obj = object_in_block(walk, start, size);
		if (obj && !nec_addrset_has(walk->objects, obj) && fits(walk, obj, start + size))
			NEC_TRY(mark_found(walk, obj));
	}
	return NULL;
}

struct nec_error *nec_walk_run(struct nec_walk *walk)
{
	NEC_TRY(mark_roots(walk));
	NEC_TRY(close_over(walk));
	NEC_TRY(mark_blocks(walk));
	if (nec_image_completeness(walk->target->image)->truncated) {
		NEC_TRY(mark_static(walk));
		NEC_TRY(mark_remnant(walk));
	}
	return nec_addrset_index(walk->objects);
}
