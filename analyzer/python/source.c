/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPython as a source of facts: the walk has been done when the first one is asked for; each stage of the stream is one function that
 * gives its next fact, or says that it has no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/blocks.h"
#include "python/layouts/layouts.h"
#include "python/ledger.h"
#include "python/meta.h"
#include "python/python.h"
#include "python/rawblocks.h"
#include "python/roots.h"
#include "python/tasks.h"
#include "python/threads.h"
#include "python/value.h"
#include "python/walk.h"

struct python_source {
	struct nec_source source;
	const struct nec_image *image;
	bool no_values, no_native;
	struct nec_progress *progress;
	struct nec_target target;
	struct nec_types types;
	struct nec_heap heap;
	struct nec_malloc malloc;
	struct nec_ledger ledger;
	struct nec_walk walk;
	struct nec_blocks blocks;
	struct nec_rawblocks raw;
	struct nec_roots roots;
	struct nec_threads threads;
	struct nec_tasks tasks;
	unsigned int stage;
	struct nec_python_meta meta;
	uint32_t index;		/* of the row that the stage gives next */
	uint64_t addr;		/* of the object that the stage gives next */
	uint32_t strings;	/* labels that were given so far */
	struct nec_values values;
	bool value_due;		/* the object's value follows it */
	uint64_t object;	/* whose value that is */
	uint64_t static_end;    /* of the variables in mapping `index`; objects alone */
	struct nec_text text;
	char name[160];
	char disagrees[96];
	bool refs_ready;	/* visit holds those of `object` */
};

/* ---- stages: each gives its next fact, or false -------------------------------------------------------------- */

static bool give_meta(struct python_source *s, struct nec_fact *f)
{
	if (s->index >= s->meta.count)
		return false;
	f->kind = NEC_FACT_META;
	f->meta.key = s->meta.rows[s->index].key;
	f->meta.value = s->meta.rows[s->index++].value;
	return true;
}

static bool give_image_warnings(struct python_source *s, struct nec_fact *f)
{
	uint32_t count;
	const char *const *warnings = nec_image_warnings(s->image, &count);

	if (s->index >= count)
		return false;
	f->kind = NEC_FACT_WARNING;
	f->warning.stage = "image";
	f->warning.message = warnings[s->index++];
	f->warning.addr = 0;
	return true;
}

/* What was odd about Python itself. */
static bool give_warnings(struct python_source *s, struct nec_fact *f)
{
	const struct nec_walk *w = &s->walk;
	const char *message = NULL;

	while (!message && s->index < 6) {
		nec_text_clear(&s->text);
		switch (s->index++) {
		case 0:
			if (!s->target.interpreter_count)
				message = "no interpreter state was found: threads and modules are missing";
			break;
		case 1:
			if (!s->heap.arena_count && s->target.layout.traits.arena_size && !s->heap.mi.segment_count &&
			    strcmp(nec_python_allocator(&s->ledger), "malloc") != 0)
				message = "no pymalloc arenas were found: blocks in use are not accounted for";
			break;
		case 2:
			if (s->heap.damaged)
				nec_text_printf(&s->text, "%llu pymalloc pools are damaged", (unsigned long long)s->heap.damaged);
			break;
		case 3:
			if (w->visit.faults)
				nec_text_printf(&s->text, "%llu objects have parts that the dump does not have",
						(unsigned long long)w->visit.faults);
			break;
		case 4:
			if (w->freed_targets)
				nec_text_printf(&s->text, "%llu references lead into freed blocks",
						(unsigned long long)w->freed_targets);
			break;
		case 5:
			nec_text_puts(&s->text, s->target.warning);
			break;
		}
		if (s->text.len)
			message = nec_text_str(&s->text);
	}
	if (!message)
		return false;
	f->kind = NEC_FACT_WARNING;
	f->warning.stage = "python";
	f->warning.message = message;
	f->warning.addr = 0;
	return true;
}

/* What a mapping is, by its name, or by what lies in it. */
static const char *mapping_kind(const struct python_source *s, const struct nec_mapping *m)
{
	const struct nec_process *p = nec_image_process(s->image);
	const struct nec_image_thread *threads;
	uint32_t count, i;

	if (p->at_sysinfo_ehdr >= m->start && p->at_sysinfo_ehdr < m->end)
		return "vdso";
	if (m->path)
		return m->objfile != UINT32_MAX ? "elf file" : "file";
	threads = nec_image_threads(s->image, &count);
	for (i = 0; i < count; i++)
		if (threads[i].sp >= m->start && threads[i].sp < m->end)
			return "stack";
	if (m->start >= s->target.data_start && m->end <= s->target.data_end)
		return "bss";
	for (i = 0; i < s->heap.arena_count; i++)
		if (s->heap.arenas[i].start >= m->start && s->heap.arenas[i].start < m->end)
			return "pymalloc";
	for (i = 0; i < s->heap.mi.segment_count; i++)
		if (s->heap.mi.segments[i].start >= m->start && s->heap.mi.segments[i].start < m->end)
			return "mimalloc";
	for (i = 0; i < s->malloc.heap_count; i++)
		if (s->malloc.heaps[i].start >= m->start && s->malloc.heaps[i].start < m->end)
			return "malloc";
	if (nec_malloc_mapped(&s->malloc, m->start))
		return "malloc";
	return "anonymous";
}

static bool give_mappings(struct python_source *s, struct nec_fact *f)
{
	uint32_t count;
	const struct nec_mapping *maps = nec_image_mappings(s->image, &count);

	if (s->index >= count)
		return false;
	f->kind = NEC_FACT_MAPPING;
	f->mapping.start = maps[s->index].start;
	f->mapping.end = maps[s->index].end;
	f->mapping.dumped = maps[s->index].dumped;
	f->mapping.missing = maps[s->index].end - maps[s->index].start - maps[s->index].readable;
	f->mapping.into = s->walk.missing[s->index];
	f->mapping.perms = maps[s->index].perms;
	f->mapping.path = maps[s->index].path;
	f->mapping.kind = mapping_kind(s, &maps[s->index]);
	s->index++;
	return true;
}

static bool give_layout(struct python_source *s, struct nec_fact *f)
{
	const struct nec_layout *l = &s->target.layout;

	for (; s->index < NEC_FIELD_COUNT; s->index++) {
		nec_layout_disagreement(l, s->index, s->disagrees, sizeof(s->disagrees));
		if (l->off[s->index] != NEC_NO_FIELD || *s->disagrees)
			break;
	}
	if (s->index >= NEC_FIELD_COUNT)
		return false;
	nec_field_name(s->index, s->name, sizeof(s->name));
	f->kind = NEC_FACT_LAYOUT;
	f->layout.field = s->name;
	f->layout.offset = l->off[s->index] == NEC_NO_FIELD ? NEC_UNKNOWN : l->off[s->index];
	f->layout.source = nec_field_source_name(l->source[s->index]);
	f->layout.disagrees = *s->disagrees ? s->disagrees : NULL;
	s->index++;
	return true;
}

static bool give_space(struct python_source *s, struct nec_fact *f)
{
	for (; s->index < NEC_SIZE_CLASSES; s->index++) {
		const struct nec_size_class *c = &s->heap.classes[s->index];

		if (!c->pools)
			continue;
		f->kind = NEC_FACT_SPACE;
		f->space.kind = "pymalloc size class";
		f->space.size = (int64_t)(s->index + 1) * 8;
		f->space.count = (int64_t)c->pools;
		f->space.used = (int64_t)c->blocks_used;
		f->space.bytes = (int64_t)(c->blocks_free * (s->index + 1) * 8);
		s->index++;
		return true;
	}
	return false;
}

static bool give_mi_space(struct python_source *s, struct nec_fact *f)
{
	const struct nec_mi_class *c = &s->heap.mi.classes[s->index];

	if (s->index++ >= s->heap.mi.class_count)
		return false;
	f->kind = NEC_FACT_SPACE;
	f->space.kind = "mimalloc size class";
	f->space.size = (int64_t)c->size;
	f->space.count = (int64_t)c->pages;
	f->space.used = (int64_t)c->used;
	f->space.bytes = (int64_t)(c->free * c->size);
	return true;
}

/* The largest groups of chunks that no object has. */
static bool give_unowned(struct python_source *s, struct nec_fact *f)
{
	enum { MAX_GROUPS = 200 };
	const struct nec_unowned *group = &s->ledger.unowned[s->index];

	if (s->index >= MAX_GROUPS || s->index >= s->ledger.unowned_count)
		return false;
	s->index++;
	nec_text_clear(&s->text);
	nec_text_puts(&s->text, "malloc, of no object: begins with ");
	nec_ledger_unowned_text(&s->ledger, group, &s->text);
	f->kind = NEC_FACT_SPACE;
	f->space.kind = nec_text_str(&s->text);
	f->space.size = (int64_t)group->size;
	f->space.count = f->space.used = (int64_t)group->sum.count;
	f->space.bytes = (int64_t)group->sum.bytes;
	return true;
}

static bool give_memory(struct python_source *s, struct nec_fact *f)
{
	struct nec_ledger_row row;

	if (!nec_ledger_next(&s->ledger, &row))
		return false;
	f->kind = NEC_FACT_MEMORY;
	f->memory.area = row.area;
	f->memory.category = row.category;
	f->memory.bytes = (int64_t)row.bytes;
	f->memory.count = (int64_t)row.count;
	return true;
}

static void fill_arena(const struct python_source *s, const struct nec_arena *a, struct nec_fact *f)
{
	const struct nec_traits *traits = &s->target.layout.traits;
	uint64_t pools = (uint64_t)a->pools_free * traits->pool_size;

	f->arena.kind = "pymalloc";
	f->arena.start = a->start;
	f->arena.bytes = (int64_t)traits->arena_size;
	f->arena.used = a->missing ? NEC_UNKNOWN : (int64_t)a->bytes_used;
	f->arena.used_count = a->blocks_used;
	f->arena.free = (int64_t)a->bytes_free;
	f->arena.free_count = a->blocks_free;
	f->arena.whole = (int64_t)pools;
	f->arena.release = a->blocks_used || a->missing ? 0 : (int64_t)traits->arena_size;
}

static void fill_segment(const struct nec_mi_segment *segment, struct nec_fact *f)
{
	f->arena.kind = "mimalloc";
	f->arena.start = segment->start;
	f->arena.bytes = (int64_t)(segment->end - segment->start);
	f->arena.used = (int64_t)segment->used;
	f->arena.used_count = (int64_t)segment->used_count;
	f->arena.free = (int64_t)segment->idle;
	f->arena.free_count = (int64_t)segment->idle_count;
	f->arena.whole = (int64_t)segment->spare;
}

static void fill_heap(const struct python_source *s, const struct nec_malloc_heap *h, struct nec_fact *f)
{
	const struct nec_chunk_sum *sums = h->sums;

	f->arena.kind = "malloc";
	f->arena.number = s->malloc.arenas[h->arena].is_main ? 0 : h->arena + !s->malloc.arenas[0].is_main;
	f->arena.start = h->start;
	f->arena.bytes = (int64_t)(h->end - h->start);
	f->arena.used = (int64_t)sums[NEC_CHUNK_USED].bytes;
	f->arena.used_count = (int64_t)sums[NEC_CHUNK_USED].count;
	f->arena.free = (int64_t)sums[NEC_CHUNK_FREE].bytes;
	f->arena.free_count = (int64_t)sums[NEC_CHUNK_FREE].count;
	f->arena.cached = (int64_t)(sums[NEC_CHUNK_FAST].bytes + sums[NEC_CHUNK_TCACHE].bytes);
	f->arena.cached_count = (int64_t)(sums[NEC_CHUNK_FAST].count + sums[NEC_CHUNK_TCACHE].count);
	f->arena.whole = (int64_t)sums[NEC_CHUNK_TOP].bytes;
	f->arena.release = (int64_t)h->release;
	f->arena.last = h->last.size ? h->last.start + 16 : 0;
}

/* Arenas of pymalloc, segments of mimalloc, then heaps of malloc. */
static bool give_arenas(struct python_source *s, struct nec_fact *f)
{
	uint32_t i = s->index++, segments = s->heap.mi.segment_count;

	if (i >= s->heap.arena_count + segments + s->malloc.heap_count)
		return false;
	memset(&f->arena, 0, sizeof(f->arena));
	f->kind = NEC_FACT_ARENA;
	if (i < s->heap.arena_count)
		fill_arena(s, &s->heap.arenas[i], f);
	else if (i < s->heap.arena_count + segments)
		fill_segment(&s->heap.mi.segments[i - s->heap.arena_count], f);
	else
		fill_heap(s, &s->malloc.heaps[i - s->heap.arena_count - segments], f);
	return true;
}

static bool give_parts(struct python_source *s, struct nec_fact *f)
{
	const struct nec_owned *owned = s->walk.several.data;
	uint32_t several = (uint32_t)(s->walk.several.size / sizeof(*owned));

	/* Those of several first: the row that comes first counts. */
	if (s->index >= several + s->walk.owned.size / sizeof(*owned))
		return false;
	if (s->index >= several)
		owned = (const struct nec_owned *)s->walk.owned.data - several;
	owned += s->index++;
	f->kind = NEC_FACT_PART;
	f->part.addr = owned->addr;
	f->part.bytes = (int64_t)owned->size;
	f->part.owner = owned->owner;
	return true;
}

/* What was odd about malloc's heap. */
static void note_malloc(const struct nec_malloc *m, uint32_t i, struct nec_text *text)
{
	switch (i) {
	case 0:
		if (m->corrupt_count > NEC_MALLOC_CORRUPT)
			nec_text_printf(text, "%llu more chunks of malloc are damaged",
					(unsigned long long)(m->corrupt_count - NEC_MALLOC_CORRUPT));
		break;
	case 1:
		if (m->bad_lists)
			nec_text_printf(text, "%llu lists of free chunks of malloc lead to what is no chunk",
					(unsigned long long)m->bad_lists);
		break;
	case 2:
		if (m->other)
			nec_text_printf(text, "the process had %s, which is not supported: what it allocated is not told apart",
					m->other);
		else if (!m->arena_count)
			nec_text_puts(text, "no arena of glibc's malloc was found: what it allocated is not told apart");
		break;
	}
}

/* Damaged chunks one by one, with their neighbours, then what there is once. */
static bool give_malloc_warnings(struct python_source *s, struct nec_fact *f)
{
	enum { NOTES = 3 };
	const struct nec_malloc *m = &s->malloc;
	uint32_t chunks = m->corrupt_count < NEC_MALLOC_CORRUPT ? (uint32_t)m->corrupt_count : NEC_MALLOC_CORRUPT;
	uint64_t addr = 0;

	nec_text_clear(&s->text);
	while (!s->text.len && s->index < chunks + NOTES) {
		uint32_t i = s->index++;

		if (i >= chunks) {
			note_malloc(m, i - chunks, &s->text);
			continue;
		}
		addr = m->corrupt[i].addr;
		nec_text_printf(&s->text, "the chunk of malloc at 0x%llx is damaged: its size word says 0x%llx; ",
				(unsigned long long)addr, (unsigned long long)m->corrupt[i].word);
		if (m->corrupt[i].before)
			nec_text_printf(&s->text, "the one before it is at 0x%llx, ",
					(unsigned long long)m->corrupt[i].before);
		nec_text_printf(&s->text, "chunks go on at 0x%llx", (unsigned long long)m->corrupt[i].after);
	}
	if (!s->text.len)
		return false;
	f->kind = NEC_FACT_WARNING;
	f->warning.stage = "malloc";
	f->warning.addr = addr;
	f->warning.message = nec_text_str(&s->text);
	return true;
}

static bool give_strings(struct python_source *s, struct nec_fact *f)
{
	if (s->strings >= s->types.labels.count)
		return false;
	f->kind = NEC_FACT_STRING;
	f->string.id = s->strings;
	f->string.text = nec_strtab_get(&s->types.labels, s->strings++);
	return true;
}

static bool give_types(struct python_source *s, struct nec_fact *f)
{
	const struct nec_type *type;

	if (s->index >= s->types.count)
		return false;
	type = s->types.by_id[s->index++];
	f->kind = NEC_FACT_TYPE;
	f->type.id = type->id;
	f->type.addr = type->addr;
	f->type.name = type->name;
	f->type.module = type->module;
	f->type.basicsize = type->basicsize;
	f->type.itemsize = type->itemsize;
	f->type.flags = type->flags;
	f->type.base = type->base ? type->base->addr : 0;
	/* Instances that C makes own their type or not, by version (PyObject_New) and by habit
	 * (numpy); those of a class statement do. */
	f->type.lends = !type->python_made;
	f->type.visitor = type->tier;
	return true;
}

static bool give_extents(struct python_source *s, struct nec_fact *f)
{
	uint32_t count;
	const struct nec_segment *segments = nec_image_segments(s->image, &count);

	while (s->index < count && segments[s->index].origin == NEC_ORIGIN_NONE)
		s->index++;
	if (s->index >= count)
		return false;
	f->kind = NEC_FACT_EXTENT;
	f->extent.start = segments[s->index].start;
	f->extent.end = segments[s->index++].end;
	return true;
}

/* Is the object a variable of a mapped file, or of its .bss? Objects come in order of addresses,
 * and so do mappings. */
static bool is_static(struct python_source *s)
{
	const struct nec_mapping *maps;
	const char *path;
	uint32_t count;

	if (s->object >= s->target.data_start && s->object < s->target.data_end)
		return true;
	maps = nec_image_mappings(s->image, &count);
	while (s->index < count && maps[s->index].end <= s->object)
		if (++s->index < count)
			s->static_end = nec_static_end(&s->target, s->index, &path);
	if (s->index == count || maps[s->index].start > s->object)
		return false;
	return s->object < s->static_end ||
	       (maps[s->index].path && maps[s->index].objfile != UINT32_MAX);
}

static bool give_objects(struct python_source *s, struct nec_fact *f)
{
	const struct nec_target *t = &s->target;
	const struct nec_type *type;
	bool immortal;

	if (s->value_due) {
		s->value_due = false;
		type = nec_object_type(&s->types, s->object);
		nec_text_clear(&s->text);
		if (type && nec_values_text(&s->values, s->object, type, &s->text)) {
			f->kind = NEC_FACT_VALUE;
			f->value.addr = s->object;
			f->value.text = nec_text_str(&s->text);
			f->value.len = (uint32_t)s->text.len;
			return true;
		}
	}
	for (;;) {
		s->object = nec_addrset_next(s->walk.objects, s->addr);
		if (s->object == NEC_ADDRSET_NONE)
			return false;
		s->addr = s->object + 8;
		type = nec_object_type(&s->types, s->object);
		if (type)
			break;
	}
	nec_tasks_consider(&s->tasks, s->object, type);
	f->kind = NEC_FACT_OBJECT;
	f->object.addr = s->object;
	f->object.type = type->id;
	f->object.size = nec_object_size(t, s->object, type);
	f->object.native = 0;
	if (type->has_native) {
		nec_visit_object(&s->walk.visit, s->object, type);
		f->object.native = nec_walk_native(&s->walk);
	}
	f->object.content = nec_values_digest(&s->values, s->object, type);
	f->object.refcount = nec_object_refcount(t, s->object, &immortal);
	f->object.flags = immortal ? NEC_OBJECT_IMMORTAL : 0;
	if (type->gc && (!type->is_type || nec_field(t, s->object, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE)) {
		f->object.flags |= NEC_OBJECT_GC;
		if (nec_gc_tracked(t, s->object))
			f->object.flags |= NEC_OBJECT_TRACKED;
	}
	if (nec_addrset_has(s->walk.found_in_blocks, s->object))
		f->object.flags |= NEC_OBJECT_UNREACHED;
	if (is_static(s))
		f->object.flags |= NEC_OBJECT_STATIC;
	if (type->flags & NEC_TYPE_DICT_SUBCLASS && nec_field(t, s->object, NEC_F_DICT_VALUES))
		f->object.flags |= NEC_OBJECT_SHARES;
	s->value_due = !s->no_values && nec_values_has(&s->values, type);
	return true;
}

/* A conservative word is a reference only where the walk found an object; so is anything that leads nowhere else. */
static void keep_objects(struct python_source *s)
{
	struct nec_visit *v = &s->walk.visit;
	uint32_t i, n = 0;

	for (i = 0; i < v->ref_count; i++)
		if (nec_ref_owns(v->refs[i].kind) ||
		    nec_addrset_has(s->walk.objects, v->refs[i].dst))
			v->refs[n++] = v->refs[i];
	v->ref_count = n;
}

static bool give_references(struct python_source *s, struct nec_fact *f)
{
	struct nec_visit *v = &s->walk.visit;

	while (!s->refs_ready) {
		const struct nec_type *type;

		s->object = nec_addrset_next(s->walk.objects, s->addr);
		if (s->object == NEC_ADDRSET_NONE)
			return false;
		s->addr = s->object + 8;
		type = nec_object_type(&s->types, s->object);
		if (!type)
			continue;
		nec_visit_object(v, s->object, type);
		keep_objects(s);
		s->refs_ready = v->ref_count;
	}
	/* A label seen for the first time comes before the reference that has it. */
	if (give_strings(s, f))
		return true;
	s->refs_ready = false;
	f->kind = NEC_FACT_REFERENCES;
	f->references.src = s->object;
	f->references.refs = v->refs;
	f->references.count = v->ref_count;
	return true;
}

static bool give_threads(struct python_source *s, struct nec_fact *f)
{
	return nec_threads_next(&s->threads, f);
}

static bool give_tasks(struct python_source *s, struct nec_fact *f)
{
	if (!s->index++)
		nec_tasks_end(&s->tasks);
	return nec_tasks_next(&s->tasks, f);
}

static bool give_roots(struct python_source *s, struct nec_fact *f)
{
	struct nec_root root;

	if (!s->index++)
		nec_roots_init(&s->roots, &s->walk, &s->raw);
	if (!nec_roots_next(&s->roots, &root))
		return false;
	f->kind = NEC_FACT_ROOT;
	f->root.addr = root.addr;
	f->root.kind = root.kind;
	f->root.label = root.label;
	f->root.thread = root.thread;
	f->root.tid = root.tid;
	f->root.counted = root.counted;
	f->root.doubt = root.doubt;
	return true;
}

static bool (*const stages[])(struct python_source *s, struct nec_fact *f) = {
	give_meta,
	give_image_warnings,
	give_warnings,
	give_mappings,
	give_layout,
	give_space,
	give_mi_space,
	give_unowned,
	give_memory,
	give_arenas,
	give_parts,
	give_malloc_warnings,
	give_strings,
	give_types,
	give_extents,
	give_objects,
	give_threads,
	give_tasks,
	give_roots,
	give_references,
};

static struct nec_error *next(struct nec_source *source, struct nec_fact *f)
{
	struct python_source *s = (struct python_source *)source;

	while (s->stage < sizeof(stages) / sizeof(stages[0])) {
		if (stages[s->stage](s, f))
			return NULL;
		if (s->types.failed || s->walk.visit.failed || s->text.failed || s->threads.failed ||
		    s->tasks.failed || s->tasks.text.failed)
			return &nec_enomem;
		s->stage++;
		s->index = 0;
		s->addr = 0;
	}
	f->kind = NEC_FACT_END;
	return NULL;
}

static void close_source(struct nec_source *source)
{
	struct python_source *s = (struct python_source *)source;

	nec_python_meta_deinit(&s->meta);
	nec_tasks_deinit(&s->tasks);
	nec_threads_deinit(&s->threads);
	nec_roots_deinit(&s->roots);
	nec_rawblocks_deinit(&s->raw);
	nec_ledger_deinit(&s->ledger);
	nec_blocks_deinit(&s->blocks);
	nec_walk_deinit(&s->walk);
	nec_malloc_deinit(&s->malloc);
	nec_heap_deinit(&s->heap);
	nec_types_deinit(&s->types);
	nec_target_deinit(&s->target);
	nec_text_deinit(&s->text);
	nec_values_deinit(&s->values);
	free(s);
}

static struct nec_error *prepare(struct python_source *s, const char *tmpdir)
{
	NEC_TRY(nec_target_init(&s->target, s->image, false));
	NEC_TRY(nec_types_init(&s->types, &s->target));
	NEC_TRY(nec_malloc_init(&s->malloc, s->image));
	NEC_TRY(nec_heap_init(&s->heap, &s->target, &s->malloc));
	NEC_TRY(nec_walk_init(&s->walk, &s->types, &s->heap, &s->malloc, tmpdir, s->progress));
	NEC_TRY(nec_walk_run(&s->walk));
	NEC_TRY(nec_blocks_init(&s->blocks, &s->walk, tmpdir));
	NEC_TRY(nec_ledger_init(&s->ledger, &s->walk, &s->blocks, tmpdir));
	NEC_TRY(nec_rawblocks_init(&s->raw, &s->walk, &s->ledger, tmpdir));
	NEC_TRY(nec_values_init(&s->values, &s->types));
	NEC_TRY(nec_threads_init(&s->threads, &s->types, s->no_native));
	s->threads.no_values = s->no_values;
	nec_tasks_init(&s->tasks, &s->types, &s->threads);
	nec_python_meta_collect(&s->meta, &s->ledger, &s->threads, s->no_values);
	return NULL;
}

struct nec_error *nec_python_open(const struct nec_image *image, const struct nec_load_options *options,
				  const char *tmpdir, struct nec_source **source_ret)
{
	struct python_source *s = calloc(1, sizeof(*s));
	struct nec_error *err;

	if (!s)
		return &nec_enomem;
	s->source = (struct nec_source){.next = next, .close = close_source, .sorted = true};
	s->image = image;
	s->no_values = options && options->no_values;
	s->no_native = options && options->no_native;
	s->progress = options ? options->progress : NULL;
	err = prepare(s, tmpdir);
	if (err) {
		close_source(&s->source);
		return err;
	}
	s->source.expected = s->walk.objects->count;
	*source_ret = &s->source;
	return NULL;
}
