/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds CPython in an image: PyType_Type, then the version (version.c) and the interpreters (interpreters.c). Each search is a
 * row of a table of named strategies, tried in order; the names of those that worked go into the
 * database.
 *
 * Nothing is believed before it was probed: type(type) is type, its name reads "type" where the
 * text is there, its base is `object`, which has none, and the sizes that both give for themselves
 * are those of the layout.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/debugoffsets.h"
#include "python/dict.h"
#include "python/layouts/layouts.h"
#include "python/settle.h"
#include "python/str.h"
#include "python/target.h"
#include "python/version.h"

enum { MAX_CANDIDATES = 64 };

/* ob_type in the head of an object: release builds, and those whose head is longer by two words
 * (trace-refs, no GIL). */
enum { OBJECT_TYPE = 8, LONG_OBJECT_TYPE = 24 };

/* A copy of CPython that the image may hold: more than one where a launcher embeds a library. */
struct candidate {
	uint64_t type_type;
	const char *strategy;
};

struct search {
	const struct nec_image *image;
	struct candidate found[MAX_CANDIDATES];
	unsigned int count;
};

static void add_candidate(struct search *s, uint64_t addr, const char *strategy)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->found[i].type_type == addr)
			return;
	if (s->count < MAX_CANDIDATES)
		s->found[s->count++] = (struct candidate){addr, strategy};
}

static bool word_at(const struct nec_image *image, uint64_t addr, uint64_t value)
{
	uint64_t v;

	return nec_image_u64(image, addr, &v) && v == value;
}

/* Does addr look like a type whose type it is itself? off: of ob_type (debug builds begin with two
 * links). */
static bool is_its_own_type(const struct nec_image *image, uint64_t addr, uint64_t off)
{
	uint64_t v, base, name;
	const char *text;

	if (!word_at(image, addr + off, addr) || !nec_image_u64(image, addr + off + 24, &v) ||
	    v < 400 || v > 4096)
		return false; /* tp_basicsize: sizeof PyHeapTypeObject */
	if (!nec_image_u64(image, addr + off + 32, &v) || v != 40)
		return false; /* tp_itemsize: sizeof PyMemberDef */
	if (!nec_image_u64(image, addr + off + 248, &base) ||
	    (base && !word_at(image, base + off, addr)) ||
	    (!base && nec_image_segment_at(image, addr)->origin != NEC_ORIGIN_INITIAL))
		return false; /* tp_base, whose type it is; set when Python starts */
	if (!nec_image_u64(image, addr + off + 16, &name))
		return false;
	text = nec_image_cstr(image, name, 16);
	return !text || !strcmp(text, "type");
}

static void by_symbol(struct search *s)
{
	uint32_t count, i;
	uint64_t addr, size;

	nec_image_objfiles(s->image, &count);
	for (i = 0; i < count; i++) {
		struct nec_error *err = nec_image_symbol(s->image, i, "PyType_Type", &addr, &size);

		if (!err && (is_its_own_type(s->image, addr, OBJECT_TYPE) ||
			     is_its_own_type(s->image, addr, LONG_OBJECT_TYPE)))
			add_candidate(s, addr, "symbol PyType_Type");
		nec_error_destroy(err);
	}
}

/* A word that points at its own object is PyType_Type: it lies in writable memory of a mapped file.
 */
static void by_memory(struct search *s)
{
	uint32_t count, i;
	const struct nec_segment *segments = nec_image_segments(s->image, &count);

	for (i = 0; i < count && s->count < MAX_CANDIDATES; i++) {
		const struct nec_segment *seg = &segments[i];
		uint64_t addr;

		if (seg->origin == NEC_ORIGIN_NONE || !(seg->perms & NEC_PERM_W))
			continue;
		for (addr = seg->start; addr + 512 <= seg->end; addr += 8) {
			uint64_t v;

			memcpy(&v, seg->data + (addr - seg->start) + 8, 8);
			if (v != addr && v != addr - 16)
				continue;
			if (v == addr && is_its_own_type(s->image, addr, OBJECT_TYPE))
				add_candidate(s, addr, "memory: a type that is its own type");
			else if (v == addr - 16 &&
				 is_its_own_type(s->image, addr - 16, LONG_OBJECT_TYPE))
				add_candidate(s, addr - 16, "memory: a type that is its own type");
		}
	}
}

/* To add one: a row, in the order in which they are to be tried. */
static const struct {
	const char *name;
	void (*find)(struct search *s);
} type_strategies[] = {
	{"symbol", by_symbol},
	{"memory", by_memory},
};

/* ---- the build
 * ---------------------------------------------------------------------------------------------- */

/* Does sys say that it is a build with Py_DEBUG? By its flags; where it has none (2.7), by a function that others have not. */
static bool is_debug(const struct nec_target *t, uint64_t sys)
{
	uint64_t flags = nec_dict_find(t, sys, "abiflags");
	_cleanup_free_ char *text = flags ? nec_str_dup(t, flags, 8) : NULL;

	return text ? strchr(text, 'd') != NULL : nec_dict_find(t, sys, "gettotalrefcount") != 0;
}

/* A build with Py_DEBUG has a table of its own, which is taken instead of that of the release. */
static struct nec_error *settle_abi(struct nec_target *t)
{
	uint64_t sys =
		t->interpreter_count ? nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT) : 0;
	const char *abi = !strcmp(t->layout.abi, "r") ? "dr" : "d";

	if (strchr(t->layout.abi, 'd') || !nec_layout_find(t->major, t->minor, abi) ||
	    !is_debug(t, sys))
		return NULL;
	nec_layout_deinit(&t->layout);
	return nec_layout_init(&t->layout, t->major, t->minor, abi);
}

/* A PyPy process has its own marks; 32-bit cores never come this far. */
static bool looks_like_pypy(const struct nec_image *image)
{
	uint32_t count, i;
	const struct nec_mapping *maps = nec_image_mappings(image, &count);

	for (i = 0; i < count; i++)
		if (maps[i].path &&
		    (strstr(maps[i].path, "libpypy") || strstr(maps[i].path, "/pypy")))
			return true;
	return false;
}

/*
 * A build without GIL has another head of objects, no lists of the collector and another allocator.
 * _Py_DebugOffsets say so; without them the counters of an immortal object do, where a trace-refs
 * build has links.
 */
static bool is_free_threaded(const struct nec_target *t, const struct nec_debug_offsets *offsets)
{
	uint32_t local;

	if (offsets->addr)
		return offsets->free_threaded;
	return !word_at(t->image, t->type_type + OBJECT_TYPE, t->type_type) &&
	       word_at(t->image, t->type_type, 0) &&
	       nec_image_u32(t->image, t->type_type + 12, &local) && local == UINT32_MAX;
}

/* `object`: the base of `type`; where what the dump had of it was cut off, by its symbol. */
static uint64_t find_object_type(const struct nec_target *t)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint64_t off = word_at(t->image, t->type_type + OBJECT_TYPE, t->type_type)
			       ? OBJECT_TYPE
			       : LONG_OBJECT_TYPE;
	uint64_t base = nec_word(t, t->type_type + off + 248), size;
	struct nec_error *err;

	if (base)
		return base;
	err = nec_image_symbol(t->image, own ? own->objfile : UINT32_MAX, "PyBaseObject_Type",
			       &base, &size);
	if (!err)
		return base;
	nec_error_destroy(err);
	return 0;
}

/* Static data of an executable or library: CPython's own with .bss is about a MiB, with all modules
 * built in a few. */
enum { NEAR = 64 << 20 };

/*
 * The static data of the file that holds PyType_Type: its writable mappings, and .bss behind them.
 * Where the dump does not say which file that was (a gcore that was cut loses its notes) all
 * writable memory up to the first gap around the type.
 */
static void find_static_data(struct nec_target *t)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint32_t count, i, k;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);

	if (!own)
		return;
	t->data_start = own->start;
	t->data_end = own->end;
	for (i = 0; i < count; i++) {
		if (&maps[i] == own || maps[i].start + NEAR < own->start ||
		    maps[i].start > own->start + NEAR)
			continue;
		if (own->path && maps[i].path && !strcmp(maps[i].path, own->path) &&
		    maps[i].perms & NEC_PERM_W) {
			t->data_start =
				maps[i].start < t->data_start ? maps[i].start : t->data_start;
			t->data_end = maps[i].end > t->data_end ? maps[i].end : t->data_end;
		}
	}
	/* Mappings are sorted: walk outwards from the type's own, and from the end of what is of
	 * the same file. */
	for (i = 0; i < count && &maps[i] != own; i++)
		;
	for (k = i + 1; k < count && maps[k].start < t->data_end; k++)
		;
	for (; k < count && maps[k].start == t->data_end && !maps[k].path &&
	       maps[k].perms & NEC_PERM_W && t->data_end - t->data_start < NEAR;
	     k++)
		t->data_end = maps[k].end;
	for (k = i; !own->path && k-- > 0 && maps[k].end == t->data_start && !maps[k].path &&
		    maps[k].perms & NEC_PERM_W;)
		t->data_start = maps[k].start;
	/* A mapping may be as long as a program header says. */
	if (t->type_type - t->data_start > NEAR)
		t->data_start = t->type_type - NEAR;
	if (t->data_end - t->type_type > NEAR)
		t->data_end = t->type_type + NEAR;
}

static struct nec_error *settle_candidate(struct nec_target *t)
{
	struct nec_debug_offsets offsets = {.addr = 0};

	t->object_type = find_object_type(t);
	find_static_data(t);
	nec_debug_offsets_find(t->image, t->data_start, t->data_end, &offsets);
	if (is_free_threaded(t, &offsets)) {
		if (!offsets.addr)
			return nec_error_create(
				NEC_ERR_UNSUPPORTED,
				"this is CPython without GIL (free-threaded): its heap is not read");
		return nec_error_create(
			NEC_ERR_UNSUPPORTED,
			"this is CPython %u.%u.%u without GIL (%u.%ut, free-threaded): its heap is not read",
			offsets.major, offsets.minor, offsets.micro, offsets.major, offsets.minor);
	}
	NEC_TRY(nec_version_settle(t, &offsets));
	nec_target_find_interpreters(t);
	NEC_TRY(settle_abi(t));
	NEC_TRY(nec_settle_layout(t));
	nec_version_read(t);
	return NULL;
}

static struct nec_error *try_candidate(struct nec_target *t, const struct nec_image *image, bool quick,
				       const struct candidate *candidate)
{
	struct nec_target fresh = {.image = image, .type_type = candidate->type_type, .quick = quick};
	struct nec_error *err = settle_candidate(&fresh);

	if (err) {
		nec_target_deinit(&fresh);
		return err;
	}
	snprintf(fresh.strategy, sizeof(fresh.strategy), "%s%s%s", candidate->strategy,
		 fresh.interpreter_strategy ? "; " : "",
		 fresh.interpreter_strategy ? fresh.interpreter_strategy : "");
	*t = fresh;
	return NULL;
}

/* Of a dump that was cut off: what it lacks. The kernel writes the notes first, gcore the static
 * data of libraries and the notes last. */
static struct nec_error *no_python(const struct nec_image *image)
{
	const struct nec_completeness *c = nec_image_completeness(image);
	uint32_t count, i, named = 0;
	const struct nec_mapping *maps = nec_image_mappings(image, &count);

	if (!c->truncated)
		return nec_error_create(NEC_ERR_NOTFOUND,
					"no CPython in it: no type that is its own type");
	for (i = 0; i < count; i++)
		named += maps[i].path && *maps[i].path == '/';
	return nec_error_create(
		NEC_ERR_NOTFOUND,
		"no CPython in what is left of it: it was cut off at %llu of %llu bytes, and the types of Python, static data that any object needs to be known, lie behind that%s",
		(unsigned long long)c->file_size, (unsigned long long)c->expected_size,
		named ? ""
		      : "; so do the notes that name the mapped files, which could stand in for them: --exe FILE, --lib-path DIR");
}

static struct nec_error *find_target(struct nec_target *t, const struct nec_image *image, bool quick)
{
	struct search s = {.image = image};
	struct nec_error *err = NULL;
	struct nec_target first = {0};
	bool have_first = false;
	size_t i;

	for (i = 0; !s.count && i < sizeof(type_strategies) / sizeof(type_strategies[0]); i++)
		type_strategies[i].find(&s);
	if (!s.count) {
		if (looks_like_pypy(image))
			return nec_error_create(NEC_ERR_UNSUPPORTED,
						"this is PyPy, not CPython: its heap is not read");
		return no_python(image);
	}
	/* Of several copies the one that runs: a launcher's own library has no interpreter. */
	for (i = 0; i < s.count; i++) {
		nec_error_destroy(err);
		err = try_candidate(t, image, quick, &s.found[i]);
		if (err)
			continue;
		if (t->interpreter_count)
			break;
		if (!have_first) {
			first = *t;
			have_first = true;
		} else {
			nec_target_deinit(t);
		}
	}
	if (i < s.count) {
		if (have_first)
			nec_target_deinit(&first);
		return NULL;
	}
	if (!have_first)
		return err;
	nec_error_destroy(err);
	*t = first;
	return NULL;
}

struct nec_error *nec_target_init(struct nec_target *t, const struct nec_image *image, bool quick)
{
	NEC_TRY(find_target(t, image, quick));
	nec_dict_find_interned(t);
	return NULL;
}

void nec_target_deinit(struct nec_target *t)
{
	nec_layout_deinit(&t->layout);
}
