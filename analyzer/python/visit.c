/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Visiting one object; see visit.h. */
#include <stdlib.h>
#include <string.h>

#include "native/malloc.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/greenlet.h"
#include "python/heap.h"
#include "python/str.h"
#include "python/visit.h"

void nec_visit_init(struct nec_visit *visit, struct nec_types *types)
{
	*visit = (struct nec_visit){.target = types->target, .types = types};
}

void nec_visit_deinit(struct nec_visit *visit)
{
	free(visit->refs);
	free(visit->parts);
	*visit = (struct nec_visit){0};
}

bool nec_visit_grow_refs(struct nec_visit *visit)
{
	uint32_t capacity = visit->ref_capacity ? visit->ref_capacity * 2 : 256;
	struct nec_ref *refs;

	if (visit->failed || capacity < visit->ref_capacity)
		return false;
	refs = realloc(visit->refs, (size_t)capacity * sizeof(*refs));
	if (!refs) {
		visit->failed = true;
		return false;
	}
	visit->refs = refs;
	visit->ref_capacity = capacity;
	return true;
}

void nec_emit_part(struct nec_visit *visit, uint64_t addr, uint64_t size, bool in_size)
{
	if (!addr)
		return;
	if (visit->part_count == visit->part_capacity) {
		uint32_t capacity = visit->part_capacity ? visit->part_capacity * 2 : 16;
		struct nec_part *parts = realloc(visit->parts, capacity * sizeof(*parts));

		if (!parts) {
			visit->failed = true;
			return;
		}
		visit->parts = parts;
		visit->part_capacity = capacity;
	}
	visit->parts[visit->part_count++] = (struct nec_part){.addr = addr, .size = size, .in_size = in_size};
}

void nec_emit_field(struct nec_visit *visit, uint64_t addr, enum nec_field field, const char *label)
{
	uint64_t dst = nec_field(visit->target, addr, field);

	if (dst)
		nec_emit(visit, dst, NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, "%s", label));
}

/*
 * As much of an array as there can be: to the end of its block, and all that are in no block
 * together not more than the process had some times over, for objects are visited in several
 * passes. Damaged lengths would make each of many objects refer to all that is behind it.
 */
static uint64_t believable(struct nec_visit *visit, uint64_t addr, uint64_t count)
{
	uint64_t mapped = nec_image_completeness(visit->target->image)->mapped, start, size;

	if (count > mapped / 8)
		return 0;
	if (visit->heap && nec_heap_block(visit->heap, addr, &start, &size) == NEC_BLOCK_USED)
		return count > (start + size - addr) / 8 ? (start + size - addr) / 8 : count;
	visit->long_words += count;
	return visit->long_words / 8 > mapped / 8 ? 0 : count;
}

void nec_emit_array(struct nec_visit *visit, uint64_t addr, uint64_t count)
{
	uint64_t i, dst, told = count;
	const uint8_t *p;

	count = believable(visit, addr, count);
	if (count != told)
		visit->faults++;
	if (!count)
		return;
	p = count < UINT64_C(1) << 40 ? nec_image_view(visit->target->image, addr, count * 8) : NULL;
	if (!p) {
		visit->faults++;
		/* What is there of it, word by word: the rest was cut off or left out. */
		for (i = 0; i < count && nec_image_u64(visit->target->image, addr + i * 8, &dst); i++)
			nec_emit(visit, dst, NEC_REF_STRONG, NEC_LABEL_INDEX, i);
		return;
	}
	for (i = 0; i < count; i++) {
		memcpy(&dst, p + i * 8, 8);
		nec_emit(visit, dst, NEC_REF_STRONG, NEC_LABEL_INDEX, i);
	}
}

/* pymalloc's debug hooks put a size, an id and seven guard bytes before what they hand out: Objects/obmalloc.c. */
enum { DEBUG_HOOK_SIZE = 16 };

/* Bytes that an instance takes at least: some types allocate less than tp_basicsize. */
static uint64_t smallest(const struct nec_target *t, const struct nec_type *type)
{
	if (type->flags & NEC_TYPE_STR_SUBCLASS && nec_has(t, NEC_SIZEOF_STR_ASCII)) /* compact: PEP 393 */
		return nec_off(t, NEC_SIZEOF_STR_ASCII);
	if (nec_type_is(type, "datetime.datetime")) /* without tzinfo */
		return nec_off(t, NEC_F_DATETIME_TZINFO);
	if (nec_type_is(type, "datetime.time"))
		return nec_off(t, NEC_F_TIME_TZINFO);
	return (uint64_t)type->basicsize;
}

/*
 * Instances of heap types are always allocated: malloc aligns to 16 bytes, and what lies in the data of a mapped file was written in C, words of a
 * struct that look like an object. Not asked where mimalloc allocates.
 */
static bool not_allocated(const struct nec_target *t, const struct nec_type *type, uint64_t addr)
{
	const struct nec_mapping *map;

	if (!(type->flags & NEC_TYPE_HEAPTYPE) || t->layout.traits.free_threaded)
		return false;
	if ((addr - nec_object_presize(t, type, addr)) & 15 || (addr >= t->data_start && addr < t->data_end))
		return true;
	map = nec_image_mapping_at(t->image, addr);
	return map && map->path && map->objfile != UINT32_MAX;
}

/* Is the length that a string, bytes or tuple gives for itself one that its memory has? Static data is full of what looks like a head. */
static bool has_its_length(const struct nec_target *t, const struct nec_type *type, uint64_t addr)
{
	struct nec_str str;
	int64_t n;

	if (type->flags & NEC_TYPE_STR_SUBCLASS)
		return nec_str_read(t, addr, &str);
	if (!(type->flags & (NEC_TYPE_BYTES_SUBCLASS | NEC_TYPE_TUPLE_SUBCLASS)))
		return true;
	n = nec_ob_size(t, addr);
	return n >= 0 && n < INT64_C(1) << 40 &&
	       nec_image_view(t->image, addr, (uint64_t)type->basicsize + (uint64_t)(n * type->itemsize));
}

/* More references than this, and a word that is the address of something: a table of types looks
 * like the head of an object. */
enum { LEAST_ADDRESS = 1 << 22 };

/* What static objects begin with in 3.11, _PyObject_IMMORTAL_REFCNT of Include/object.h; it goes up and down with use. */
#define STATIC_COUNT	  UINT64_C(999999999)
#define STATIC_COUNT_SPAN (UINT64_C(1) << 24)

static bool counts_by_address(const struct nec_target *t, uint64_t addr)
{
	uint64_t word = nec_field(t, addr, NEC_F_OBJECT_REFCNT);
	bool immortal;

	nec_object_refcount(t, addr, &immortal);
	/* A heap may lie where the counts of static objects are as addresses. */
	if (immortal || word - STATIC_COUNT + STATIC_COUNT_SPAN <= 2 * STATIC_COUNT_SPAN)
		return false;
	return word >= LEAST_ADDRESS && nec_image_mapping_at(t->image, word);
}

/* What the collector counts in its header until 3.7: references while it runs, else -2 (not tracked) to -4. */
static int64_t gc_refs(const struct nec_target *t, uint64_t head)
{
	return (int64_t)nec_field(t, head, NEC_F_GC_REFS) >> (t->layout.traits.strs == NEC_STR_BYTES ? 0 : 1);
}

enum { GC_UNTRACKED = -2, GC_TENTATIVELY_UNREACHABLE = -4 };
#define MAX_GC_REFS (INT64_C(1) << 40) /* as many references need 8 TiB */

/*
 * Is what lies before it a collector's header? Since 3.8 that of an object that is not tracked is zero but for a flag, that of a
 * tracked one leads to its neighbour. The end of a short string's block has what was there before, and a pointer to its characters may look like
 * one to an instance.
 */
static bool has_gc_head(const struct nec_target *t, const struct nec_type *type, uint64_t addr)
{
	uint64_t head = addr - nec_off(t, NEC_SIZEOF_GC_HEAD), mask = t->layout.traits.gc_mask;
	uint64_t next = nec_field(t, head, NEC_F_GC_NEXT);

	if (!type->gc)
		return true;
	if (nec_has(t, NEC_F_GC_REFS))
		return gc_refs(t, head) >= 0 ? gc_refs(t, head) < MAX_GC_REFS
					     : gc_refs(t, head) <= GC_UNTRACKED && gc_refs(t, head) >= GC_TENTATIVELY_UNREACHABLE;
	if (!next)
		return !(nec_field(t, head, NEC_F_GC_PREV) & ~mask);
	next &= ~mask;
	return next && !(next & 7) && nec_image_mapping_at(t->image, next);
}

/*
 * The mapping that the kernel put the arguments and AT_RANDOM into: nobody allocates there. What looks like an object is the rest of a call,
 * and what points at it often another one, as the stacks that greenlets keep aside are.
 */
static bool on_first_stack(const struct nec_target *t, uint64_t addr)
{
	const struct nec_mapping *m = nec_image_mapping_at(t->image, nec_image_process(t->image)->at_random);

	return m && addr >= m->start && addr < m->end;
}

const struct nec_type *nec_object_candidate(struct nec_types *types, const struct nec_heap *heap, uint64_t addr)
{
	const struct nec_type *type = nec_object_plausible(types, addr);
	uint64_t start, size, lead;

	if (!type || !heap)
		return type;
	if (counts_by_address(types->target, addr))
		return NULL;
	switch (nec_heap_block(heap, addr, &start, &size)) {
	case NEC_BLOCK_OUTSIDE:
		return not_allocated(types->target, type, addr) || on_first_stack(types->target, addr) ||
				       !has_its_length(types->target, type, addr)
			       ? NULL
			       : type;
	case NEC_BLOCK_USED:
		lead = nec_object_presize(types->target, type, addr);
		if ((addr - start != lead && addr - start != lead + DEBUG_HOOK_SIZE) ||
		    !has_gc_head(types->target, type, addr))
			return NULL;
		return smallest(types->target, type) <= start + size - addr ? type : NULL;
	default:
		return NULL;
	}
}

/* A chunk of malloc larger than this is data rather than a struct: what it points at is not followed. */
enum { MAX_NATIVE_BLOCK = 1 << 20 };

/* Blocks that one word leads to. */
enum { NATIVE_BLOCKS_OF_OBJECT = 64 };

/*
 * Bytes of the block that begins at addr, by the debug hooks of Python's allocators (default in a debug build, PYTHONMALLOC=debug elsewhere):
 * before it lie its size, big-endian, a letter for the allocator and seven forbidden bytes (Objects/obmalloc.c). 0 when there are none.
 */
static uint64_t hooked_block(const struct nec_image *image, uint64_t addr)
{
	const uint8_t *p = nec_image_view(image, addr - 16, 16);
	uint64_t size = 0;
	unsigned int i;

	if (!p || !memchr("rmo", p[8], 3) || (p[9] != 0xfb && p[9] != 0xfd)) /* until 3.7, from 3.8 on */
		return 0;
	for (i = 10; i < 16; i++)
		if (p[i] != p[9])
			return 0;
	for (i = 0; i < 8; i++)
		size = size << 8 | p[i];
	return size <= MAX_NATIVE_BLOCK ? size : 0;
}

/* Where the heap of malloc was not found: the size is in the word before a block, and the chunk behind it says that it is in use. */
static uint64_t likely_chunk(const struct nec_image *image, uint64_t addr)
{
	const struct nec_mapping *map;
	uint64_t size, next;

	map = nec_image_mapping_at(image, addr);
	if (!map || map->path || !(map->perms & NEC_PERM_W) || !nec_image_u64(image, addr - 8, &size))
		return 0;
	size &= ~7ull;
	if (size < 32 || size & 15 || size > MAX_NATIVE_BLOCK || !nec_image_u64(image, addr - 8 + size, &next))
		return 0;
	return next & 1 && (next & ~7ull) >= 32 && (next & ~7ull) < UINT64_C(1) << 40 ? size - 8 : 0;
}

/* Bytes of the native block that begins at addr, of pymalloc or malloc; 0 when there is none. */
static uint64_t native_block(const struct nec_visit *visit, uint64_t addr)
{
	const struct nec_malloc_mapped *mapped;
	struct nec_chunk chunk;
	uint64_t start, size;

	switch (nec_heap_block(visit->heap, addr, &start, &size)) {
	case NEC_BLOCK_USED:
		return start == addr ? size : addr - start == 16 ? hooked_block(visit->target->image, addr) : 0;
	case NEC_BLOCK_OUTSIDE:
		break;
	default:
		return 0;
	}
	if (addr & 15 || addr < 4096)
		return 0;
	size = hooked_block(visit->target->image, addr);
	if (size)
		return size;
	if (!visit->malloc || !visit->malloc->arena_count)
		return likely_chunk(visit->target->image, addr);
	mapped = nec_malloc_mapped(visit->malloc, addr);
	if (mapped)
		return mapped->start + 16 == addr ? mapped->end - addr : 0;
	if (!nec_malloc_chunk(visit->malloc, addr, &chunk) || chunk.state != NEC_CHUNK_USED || chunk.start + 16 != addr)
		return 0;
	return chunk.size - 8;
}

void nec_follow_native(struct nec_visit *visit, uint64_t addr, uint32_t label, unsigned int max_blocks)
{
	uint32_t first = visit->part_count, next;
	uint64_t size, off, word;

	if (!visit->heap || addr & 7 || nec_object_candidate(visit->types, visit->heap, addr))
		return;
	size = native_block(visit, addr);
	if (!size)
		return;
	nec_emit_part(visit, addr, size, false);
	/* Parts from `first` on are the queue. */
	for (next = first; next < visit->part_count; next++) {
		uint64_t block = visit->parts[next].addr, bytes = visit->parts[next].size;

		if (bytes > MAX_NATIVE_BLOCK)
			continue;
		for (off = 0; off + 8 <= bytes; off += 8) {
			uint32_t i;

			if (!nec_image_u64(visit->target->image, block + off, &word) || word < 4096 || word & 7)
				continue;
			if (nec_object_candidate(visit->types, visit->heap, word)) {
				if (label != NEC_LABEL_OPAQUE)
					nec_emit(visit, word, NEC_REF_CONSERVATIVE, NEC_LABEL_STRING, label);
				continue;
			}
			if (visit->part_count - first >= max_blocks)
				continue;
			for (i = first; i < visit->part_count && visit->parts[i].addr != word; i++)
				;
			size = i < visit->part_count ? 0 : native_block(visit, word);
			if (size)
				nec_emit_part(visit, word, size, false);
		}
	}
}

/* Words of [start, end) of obj that are no slot; the walker keeps those that point at objects. */
static void scan(struct nec_visit *visit, uint64_t obj, const struct nec_type *type, uint64_t start, uint64_t end)
{
	uint32_t s = 0;
	uint64_t off, dst;

	for (off = (start + 7) & ~7ull; off + 8 <= end; off += 8) {
		while (s < type->slot_count && type->slots[s].off < off)
			s++;
		if (s < type->slot_count && type->slots[s].off == off)
			continue;
		if (!nec_image_u64(visit->target->image, obj + off, &dst))
			return;
		if (dst & 7 || dst < 4096)
			continue;
		if (type->native_blocks)
			nec_follow_native(visit, dst, NEC_LABEL_OPAQUE, type->native_blocks);
		else if (nec_object_candidate(visit->types, visit->heap, dst))
			nec_emit(visit, dst, NEC_REF_CONSERVATIVE, NEC_LABEL_WORD, off);
		else
			nec_follow_native(visit, dst, visit->types->label_native, NATIVE_BLOCKS_OF_OBJECT);
	}
}

uint64_t nec_dict_at_end(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = nec_ob_size(t, obj);
	uint64_t end;

	if (t->layout.traits.ints == NEC_INT_TAGGED && type->flags & NEC_TYPE_LONG_SUBCLASS)
		size = (int64_t)(nec_field(t, obj, NEC_F_LONG_TAG) >> 3);
	if (size > INT64_C(1) << 40 || size < -(INT64_C(1) << 40))
		return 0;
	end = ((uint64_t)type->basicsize + (uint64_t)nec_items_size(size, type->itemsize) + 7) &
	      ~7ull;
	return nec_word(t, obj + end + (uint64_t)type->dictoffset);
}

static void visit_managed(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t key, value;
	struct nec_dict values;

	nec_emit(visit, nec_managed_dict(t, obj), NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_dict);
	if (!type->inline_values ||
	    !nec_values_read(t, obj, type->addr, (uint64_t)type->basicsize, &values))
		return;
	while (nec_dict_next(&values, &key, &value))
		nec_emit(visit, value, NEC_REF_STRONG, NEC_LABEL_ATTR, key);
	if (!values.embedded)
		nec_emit_part(visit, values.values_addr, values.values_bytes, false);
}

void nec_visit_object(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint32_t i;

	visit->ref_count = 0;
	visit->part_count = 0;
	if (type->visitor && type->visitor->visit)
		type->visitor->visit(visit, obj, type);
	if (type->slot_count) {
		const uint8_t *body = nec_image_view(t->image, obj, type->slots[type->slot_count - 1].off + 8u);

		for (i = 0; i < type->slot_count; i++) {
			const struct nec_slot *slot = &type->slots[i];
			uint64_t dst;

			if (body)
				memcpy(&dst, body + slot->off, 8);
			else
				dst = nec_word(t, obj + slot->off);
			nec_emit(visit, dst, slot->kind, NEC_LABEL_STRING, slot->label);
		}
	}
	if (type->scan_end > type->scan_start)
		scan(visit, obj, type, type->scan_start, type->scan_end);
	if (type->scan_items) {
		int64_t n = nec_ob_size(t, obj);

		if (n > 0 && n < INT64_C(1) << 32)
			scan(visit, obj, type, (uint64_t)type->basicsize,
			     (uint64_t)type->basicsize + (uint64_t)(n * type->itemsize));
	}
	if (type->is_greenlet && t->layout.traits.frames == NEC_FRAME_INTERPRETER)
		nec_visit_frames(visit, nec_greenlet_frame(visit->types, obj));
	if (type->managed_dict)
		visit_managed(visit, obj, type);
	else if (type->dictoffset < 0)
		nec_emit(visit, nec_dict_at_end(t, obj, type), NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_dict);
	if (type->managed_weakref)
		nec_emit(visit, nec_word(t, obj - 32), NEC_REF_WEAK, NEC_LABEL_STRING,
			 visit->types->label_weakref);
}

int64_t nec_int_value(const struct nec_target *t, uint64_t obj)
{
	int64_t sign = nec_ob_size(t, obj), digit;

	if (nec_has(t, NEC_F_INT_IVAL))
		return (int64_t)nec_field(t, obj, NEC_F_INT_IVAL);
	digit = nec_field32(t, obj, NEC_F_LONG_DIGITS);
	if (t->layout.traits.ints == NEC_INT_TAGGED) {
		uint64_t tag = nec_field(t, obj, NEC_F_LONG_TAG);

		sign = tag >> 3 ? ((tag & 3) == 2 ? -1 : 1) : 0;
	}
	return sign ? (sign < 0 ? -digit : digit) : 0;
}

bool nec_gc_tracked(const struct nec_target *t, uint64_t obj)
{
	uint64_t head = obj - nec_off(t, NEC_SIZEOF_GC_HEAD);

	if (nec_has(t, NEC_F_GC_REFS) && gc_refs(t, head) == GC_UNTRACKED)
		return false;
	return nec_field(t, head, NEC_F_GC_NEXT);
}

int64_t nec_object_refcount(const struct nec_target *t, uint64_t obj, bool *immortal_ret)
{
	uint64_t word = nec_field(t, obj, NEC_F_OBJECT_REFCNT);
	bool immortal = false;

	/*
	 * The count is the lower half; from this bit on it says "never freed". Above it are zeros, then (3.14 on) flags: anything
	 * else is no count. Include/refcount.h.
	 */
	if (t->layout.traits.immortal && !(word >> 32 & 0xffff)) {
		word &= UINT32_MAX;
		immortal = word >> t->layout.traits.immortal;
	}
	if (immortal_ret)
		*immortal_ret = immortal;
	return (int64_t)word;
}

uint64_t nec_object_presize(const struct nec_target *t, const struct nec_type *type, uint64_t obj)
{
	uint64_t size = 0;

	/* Only types that a class statement or a spec made are collected: type_is_gc, Objects/typeobject.c. */
	if (type->gc && (!type->is_type || nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		size += nec_off(t, NEC_SIZEOF_GC_HEAD);
	if (type->managed_dict || type->managed_weakref)
		size += 16;
	return size;
}

int64_t nec_items_size(int64_t items, int64_t size)
{
	/* More than any process has is damage. */
	const int64_t most = INT64_C(1) << 48;
	int64_t bytes;

	if (__builtin_mul_overflow(items, size, &bytes) || bytes > most || bytes < -most)
		return 0;
	return bytes < 0 ? -bytes : bytes;
}

int64_t nec_object_size(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = type->basicsize;

	if (type->visitor && type->visitor->size) {
		size = type->visitor->size(t, obj, type);
	} else if (type->itemsize) {
		size += nec_items_size(nec_ob_size(t, obj), type->itemsize);
	}
	/* No object is larger than all that the process had: what says so is damaged, and what its
	 * type says is left. */
	if (size < 0 || (uint64_t)size > nec_image_completeness(t->image)->mapped)
		size = type->basicsize;
	size += (int64_t)nec_object_presize(t, type, obj);
	/* A static type has no header, whatever sys.getsizeof says: of each in some versions, of those whose metaclass is not `type` in
	 * others. */
	if (type->is_type && !(nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE) &&
	    (t->layout.traits.presize == NEC_PRESIZE_TYPE ||
	     (t->layout.traits.presize == NEC_PRESIZE_OBJECT && type->addr != t->type_type)))
		size += (int64_t)nec_off(t, NEC_SIZEOF_GC_HEAD);
	return size;
}
