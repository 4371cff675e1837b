/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds CPython in an image: PyType_Type and the version, then the interpreters. Each search is a
 * row of a table of named strategies, tried in order; the names of those that worked go into the
 * database.
 *
 * Nothing is believed before it was probed: type(type) is type, its name reads "type" where the
 * text is there, its base is `object`, which has none, and the sizes that both give for themselves
 * are those of the layout.
 */
#include <ctype.h>
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

/* ---- the version
 * ---------------------------------------------------------------------------------------------- */

/* "3.11" in "libpython3.11.so.1.0", "/usr/lib/python3.11/lib-dynload/...": one vote for it. */
static bool version_in_path(const char *path, unsigned int *major, unsigned int *minor)
{
	const char *p = path;

	while ((p = strstr(p, "python"))) {
		p += 6;
		if (isdigit((unsigned char)*p) && sscanf(p, "%u.%u", major, minor) == 2)
			return true;
	}
	return false;
}

/* Mappings of the file that holds addr vote first, then all others. */
static void vote(const struct nec_target *t, unsigned int votes[2][64])
{
	uint32_t count, i;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);

	memset(votes, 0, 2 * 64 * sizeof(votes[0][0]));
	for (i = 0; i < count; i++) {
		unsigned int major, minor;

		if (!maps[i].path || !version_in_path(maps[i].path, &major, &minor) || major < 2 ||
		    major > 3 || minor >= 64)
			continue;
		votes[major - 2][minor] +=
			own && own->path && !strcmp(own->path, maps[i].path) ? 100000 : 1;
	}
}

/*
 * Takes the table for t->type_type: the version with most votes whose probes hold, else the one
 * whose probes hold best. What _Py_DebugOffsets say of the version counts more than any path.
 */
static struct nec_error *settle_version(struct nec_target *t,
					const struct nec_debug_offsets *offsets)
{
	const struct nec_layout_version *v, *best = NULL;
	unsigned int votes[2][64], best_votes = 0, i;
	int best_score = -1, score;
	char there_are[NEC_LAYOUT_VERSIONS];

	vote(t, votes);
	if (offsets->addr && offsets->minor < 64)
		votes[offsets->major - 2][offsets->minor] += 1000000;
	for (i = 0; (v = nec_layout_at(i)); i++) {
		unsigned int own = votes[v->major - 2][v->minor];

		NEC_TRY(nec_layout_init(&t->layout, v->major, v->minor, v->abi));
		score = nec_probe_types(t);
		nec_layout_deinit(&t->layout);
		if (score >= 0 &&
		    (!best || own > best_votes || (own == best_votes && score > best_score))) {
			best_votes = own;
			best_score = score;
			best = v;
		}
	}
	if (!best) {
		nec_layout_versions(there_are, sizeof(there_are));
		return nec_error_create(
			NEC_ERR_UNSUPPORTED, "CPython%s that no layout fits (there are %s)",
			word_at(t->image, t->type_type + OBJECT_TYPE, t->type_type)
				? " of a version"
				: " with trace-refs (two links before each object), of a version",
			there_are);
	}
	t->major = best->major;
	t->minor = best->minor;
	return nec_layout_init(&t->layout, best->major, best->minor, best->abi);
}

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

/* ---- interpreters
 * ---------------------------------------------------------------------------------------------- */

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
}

static bool is_dict(const struct nec_target *t, uint64_t obj)
{
	enum { DICT_SUBCLASS = 1 << 29 }; /* Py_TPFLAGS_DICT_SUBCLASS */
	uint64_t type = obj ? nec_type_of(t, obj) : 0;

	/* A bit alone is set in many a word. */
	return type && nec_type_of(t, type) == t->type_type &&
	       nec_field(t, type, NEC_F_TYPE_FLAGS) & DICT_SUBCLASS;
}

/* Is addr what pthread_self() was in a thread of the process? That is its thread pointer (glibc,
 * musl). */
static bool is_pthread(const struct nec_image *image, uint64_t addr)
{
	uint32_t count, i;
	const struct nec_image_thread *threads = nec_image_threads(image, &count);

	for (i = 0; addr && i < count && threads[i].fs_base != addr; i++)
		;
	return addr && i < count;
}

/*
 * The same where the dump has lost which threads there were: an address in memory that is written to, aligned as glibc aligns its struct
 * pthread. Much else is, so that the rest must tell.
 */
static bool may_be_pthread(const struct nec_image *image, uint64_t addr)
{
	const struct nec_mapping *map;
	uint32_t count;

	nec_image_threads(image, &count);
	if (count)
		return is_pthread(image, addr);
	map = addr & 63 ? NULL : nec_image_mapping_at(image, addr);
	return map && map->perms & NEC_PERM_W;
}

/* A dict with that name in it. */
static bool has_name(const struct nec_target *t, uint64_t obj, const char *name)
{
	return is_dict(t, obj) && nec_dict_find(t, obj, name);
}

/* A dict, or what may be one in memory that was cut off. */
static bool is_dict_or_cut(const struct nec_target *t, uint64_t obj)
{
	const struct nec_mapping *map;

	if (!obj || obj & 7)
		return false;
	if (nec_image_view(t->image, obj, 8))
		return is_dict(t, obj);
	map = nec_image_mapping_at(t->image, obj);
	return map && map->perms & NEC_PERM_W;
}

/* Does a thread state of the list run Python code? Its frame is an object until 3.10. */
static bool has_frame(const struct nec_target *t, uint64_t thread)
{
	enum { MOST = 256 };

	for (int n = 0; thread && !(thread & 7) && n < MOST; n++) {
		uint64_t frame = nec_field(t, thread, NEC_F_THREAD_FRAME);
		const char *name = NULL;

		if (frame && !(frame & 7))
			name = nec_image_cstr(
				t->image, nec_field(t, nec_type_of(t, frame), NEC_F_TYPE_NAME), 16);
		if (name && !strcmp(name, "frame"))
			return true;
		thread = nec_field(t, thread, NEC_F_THREAD_NEXT);
	}
	return false;
}

/* The namespaces of an interpreter are old, and may all be behind the cut: is there one at addr by what else it has? */
static bool is_rest_of_interpreter(const struct nec_target *t, uint64_t addr, uint64_t thread)
{
	uint64_t ident = nec_field(t, thread, NEC_F_THREAD_IDENT);

	return nec_image_completeness(t->image)->truncated &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_MODULES)) &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT)) &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS)) &&
	       (is_pthread(t->image, ident) ||
		(may_be_pthread(t->image, ident) && nec_has(t, NEC_F_THREAD_FRAME) && has_frame(t, thread)));
}

/* Is one of the namespaces of the interpreter at addr what it is? */
static bool has_namespaces(const struct nec_target *t, uint64_t addr)
{
	return has_name(t, nec_field(t, addr, NEC_F_INTERP_MODULES), "sys") ||
	       has_name(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT), "modules") ||
	       has_name(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS), "len");
}

/*
 * Is there an interpreter at addr? Its first thread state points back at it; so do neighbours in
 * many a list, the rings of pymalloc's pools among them, so that one of its namespaces must be what
 * it is. Of one that is being torn down, or that was cut off, a dict is enough, if the thread is
 * one of the process.
 */
static bool is_interpreter(const struct nec_target *t, uint64_t addr)
{
	uint64_t thread;

	if (addr & 7 || !nec_image_view(t->image, addr, nec_off(t, NEC_F_INTERP_THREADS_HEAD) + 8))
		return false;
	thread = nec_field(t, addr, NEC_F_INTERP_THREADS_HEAD);
	if (!thread || thread & 7 || nec_field(t, thread, NEC_F_THREAD_INTERP) != addr)
		return false;
	if (has_namespaces(t, addr))
		return true;
	if (is_rest_of_interpreter(t, addr, thread))
		return true;
	return (is_dict(t, nec_field(t, addr, NEC_F_INTERP_MODULES)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS))) &&
	       (nec_image_completeness(t->image)->truncated ||
		is_pthread(t->image, nec_field(t, thread, NEC_F_THREAD_IDENT)));
}

/* The interpreter that the list of the runtime at addr begins with, 0 for none. */
static uint64_t head_of(const struct nec_target *t, uint64_t addr)
{
	uint64_t head = nec_field(t, addr, NEC_F_RUNTIME_INTERP_HEAD);

	/* The head may be a sub-interpreter that no thread runs just now. */
	return is_interpreter(t, head) ||
			       is_interpreter(t, nec_field(t, addr, NEC_F_RUNTIME_INTERP_MAIN))
		       ? head
		       : 0;
}

/* The variable _PyRuntime, by its symbol or, in a stripped file, by its section. */
static bool find_runtime(const struct nec_target *t, uint64_t *addr_ret, uint64_t *size_ret)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint32_t objfile = own ? own->objfile : UINT32_MAX;
	struct nec_error *err;

	err = nec_image_symbol(t->image, objfile, "_PyRuntime", addr_ret, size_ret);
	if (err) {
		nec_error_destroy(err);
		err = nec_image_section(t->image, objfile, ".PyRuntime", addr_ret, size_ret);
	}
	nec_error_destroy(err);
	return !err;
}

static uint64_t interpreter_by_runtime(struct nec_target *t)
{
	uint64_t size;

	if (!nec_has(t, NEC_F_RUNTIME_INTERP_HEAD) || !find_runtime(t, &t->runtime, &size))
		return 0;
	return head_of(t, t->runtime);
}

/* 3.13 on: the runtime begins with a cookie, for whoever looks from outside. */
static uint64_t interpreter_by_cookie(struct nec_target *t)
{
	struct nec_debug_offsets offsets;

	if (!nec_has(t, NEC_F_SAYS_COOKIE) ||
	    !nec_debug_offsets_find(t->image, t->data_start, t->data_end, &offsets))
		return 0;
	t->runtime = offsets.addr;
	return head_of(t, offsets.addr);
}

/* Static data holds a pointer to an interpreter, or (3.12 on) the main one itself. */
static uint64_t interpreter_by_memory(struct nec_target *t)
{
	uint64_t addr, v;

	for (addr = t->data_start; addr + 8 <= t->data_end; addr += 8) {
		if (!nec_image_u64(t->image, addr, &v)) {
			addr = (addr | 4095) - 7;
			continue;
		}
		if (v > 4096 && is_interpreter(t, v)) {
			/* interpreters.head, and right behind it .main: the head comes first. */
			if (nec_has(t, NEC_F_RUNTIME_INTERP_HEAD) && !t->runtime)
				t->runtime = addr - nec_off(t, NEC_F_RUNTIME_INTERP_HEAD);
			return v;
		}
	}
	return 0;
}

/* The same in all writable memory: a dump that was cut off has lost the static data. Until 3.10
 * interpreters come from malloc. */
static uint64_t interpreter_by_heap(struct nec_target *t)
{
	uint64_t head = nec_off(t, NEC_F_INTERP_THREADS_HEAD),
		 back = nec_off(t, NEC_F_THREAD_INTERP);
	uint32_t count, i;
	const struct nec_segment *segments = nec_image_segments(t->image, &count);
	uint32_t threads;

	nec_image_threads(t->image, &threads);
	if (!nec_image_completeness(t->image)->truncated)
		return 0;
	for (i = 0; i < count; i++) {
		uint64_t addr, end = segments[i].end;

		if (segments[i].origin != NEC_ORIGIN_DUMP || !(segments[i].perms & NEC_PERM_W))
			continue;
		for (addr = segments[i].start; addr + head + 8 <= end; addr += 8) {
			uint64_t thread;

			memcpy(&thread, segments[i].data + (addr - segments[i].start) + head, 8);
			if (thread > 4096 && !(thread & 7) &&
			    word_at(t->image, thread + back, addr) &&
			    may_be_pthread(t->image, nec_field(t, thread, NEC_F_THREAD_IDENT)) &&
			    is_interpreter(t, addr) &&
			    (threads || has_namespaces(t, addr) ||
			     is_rest_of_interpreter(t, addr, thread)))
				return addr;
		}
	}
	return 0;
}

/* Where the main interpreter lies since 3.11: in static data, of which _PyRuntime is the part where its symbol is known. */
struct extent {
	uint64_t start, end;
};

static struct extent find_statics(const struct nec_target *t)
{
	uint64_t start, size;

	return find_runtime(t, &start, &size) ? (struct extent){start, start + size}
					      : (struct extent){t->data_start, t->data_end};
}

enum {
	MOST_TID = 1 << 22,  /* PID_MAX_LIMIT of Linux */
	MOST_STACK = 1 << 24, /* a chunk of frames; 16 KiB unless one is larger */
};

/*
 * Is there the state of a thread at addr? Much refers to static data: where the dump has lost which threads there were, number and stack of
 * frames must be what such are.
 */
static bool is_lost_thread(const struct nec_target *t, uint64_t addr, const struct extent *statics)
{
	uint64_t own = nec_field(t, addr, NEC_F_THREAD_INTERP),
		 next = nec_field(t, addr, NEC_F_THREAD_NEXT), tid, chunk, top;
	uint32_t threads;

	if (own < statics->start || own >= statics->end || own & 7 || next & 7 ||
	    !may_be_pthread(t->image, nec_field(t, addr, NEC_F_THREAD_IDENT)))
		return false;
	nec_image_threads(t->image, &threads);
	tid = nec_field(t, addr, NEC_F_THREAD_NATIVE_ID);
	chunk = nec_field(t, addr, NEC_F_THREAD_DATASTACK_CHUNK);
	top = nec_field(t, addr, NEC_F_THREAD_DATASTACK_TOP);
	if (!threads && (!tid || tid > MOST_TID || !chunk || chunk & 4095 || top <= chunk || top - chunk > MOST_STACK))
		return false;
	return !next || !nec_image_view(t->image, next, 8) ||
	       nec_field(t, next, NEC_F_THREAD_INTERP) == own ||
	       (next >= t->data_start && next < t->data_end);
}

enum { MOST_STATES = 256 };

/* The interpreter that most of these threads are of; these alone are left. */
static uint64_t most_common_owner(const struct nec_target *t, uint64_t *states, uint32_t *n)
{
	uint64_t owner = 0, own;
	uint32_t i, k, count, most = 0, left = 0;

	for (i = 0; i < *n; i++) {
		own = nec_field(t, states[i], NEC_F_THREAD_INTERP);
		for (count = 0, k = i; k < *n; k++)
			count += nec_field(t, states[k], NEC_F_THREAD_INTERP) == own;
		if (count <= most)
			continue;
		most = count;
		owner = own;
	}
	for (i = 0; i < *n; i++)
		if (nec_field(t, states[i], NEC_F_THREAD_INTERP) == owner)
			states[left++] = states[i];
	*n = left;
	return owner;
}

/*
 * Since 3.11 the main interpreter and its first thread state are static data. The other threads'
 * states are from malloc, each with its thread's pthread_t: they lead to the interpreter, and to
 * one another.
 */
static uint64_t interpreter_by_threads(struct nec_target *t)
{
	uint64_t states[MOST_STATES], ident = nec_off(t, NEC_F_THREAD_IDENT), interp;
	uint32_t count, i, k, n = 0;
	const struct nec_segment *segments = nec_image_segments(t->image, &count);
	struct extent statics;

	if (!nec_image_completeness(t->image)->truncated ||
	    t->layout.traits.frames != NEC_FRAME_INTERPRETER)
		return 0;
	statics = find_statics(t);
	for (i = 0; i < count; i++) {
		uint64_t addr, v;

		if (segments[i].origin != NEC_ORIGIN_DUMP || !(segments[i].perms & NEC_PERM_W))
			continue;
		for (addr = segments[i].start; addr + 8 <= segments[i].end && n < MOST_STATES;
		     addr += 8) {
			memcpy(&v, segments[i].data + (addr - segments[i].start), 8);
			if (v >= 4096 && !(v & 63) && is_lost_thread(t, addr - ident, &statics))
				states[n++] = addr - ident;
		}
	}
	interp = most_common_owner(t, states, &n);
	/* The newest is the one that is behind no other. */
	for (i = 0; i < n; i++) {
		for (k = 0; k < n && nec_field(t, states[k], NEC_F_THREAD_NEXT) != states[i]; k++)
			;
		if (k == n)
			t->lost_threads = states[i];
	}
	return interp;
}

static const struct {
	const char *name;
	uint64_t (*find)(struct nec_target *t);
} interpreter_strategies[] = {
	{"_PyRuntime", interpreter_by_runtime},
	{"memory: the cookie of _PyRuntime", interpreter_by_cookie},
	{"memory: a thread state that points back", interpreter_by_memory},
	{"what is left of the heap: states of threads", interpreter_by_threads},
	{"what is left of the heap: a thread state that points back", interpreter_by_heap},
};

/* The main interpreter is the last of the list, and the one whose id is 0. */
static void sort_interpreters(struct nec_target *t)
{
	uint32_t i;

	for (i = 0; i + 1 < t->interpreter_count; i++) {
		uint64_t last = t->interpreters[t->interpreter_count - 1];

		if (nec_field(t, t->interpreters[0], NEC_F_INTERP_ID) == 0)
			return;
		memmove(t->interpreters + 1, t->interpreters,
			(t->interpreter_count - 1) * sizeof(uint64_t));
		t->interpreters[0] = last;
	}
}

void nec_target_find_interpreters(struct nec_target *t)
{
	uint64_t interp = 0;
	size_t i;

	t->interpreter_count = 0;
	t->lost_threads = 0;
	for (i = 0;
	     !interp && i < sizeof(interpreter_strategies) / sizeof(interpreter_strategies[0]);
	     i++) {
		interp = interpreter_strategies[i].find(t);
		t->interpreter_strategy = interp ? interpreter_strategies[i].name : NULL;
	}
	for (; interp && t->interpreter_count < NEC_TARGET_INTERPRETERS;
	     interp = nec_field(t, interp, NEC_F_INTERP_NEXT)) {
		uint32_t k;

		for (k = 0; k < t->interpreter_count && t->interpreters[k] != interp; k++)
			;
		if (k < t->interpreter_count)
			break;
		/* That of lost threads may be behind the cut. */
		if (!t->lost_threads &&
		    !nec_image_view(t->image, interp, nec_off(t, NEC_F_INTERP_THREADS_HEAD) + 8))
			break;
		t->interpreters[t->interpreter_count++] = interp;
	}
	sort_interpreters(t);
}

/* sys.version up to the first blank: "3.11.2". */
static void read_version(struct nec_target *t)
{
	uint64_t sysdict, version;
	char *text, *blank;

	snprintf(t->version, sizeof(t->version), "%u.%u", t->major, t->minor);
	if (!t->interpreter_count)
		return;
	sysdict = nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT);
	version = nec_dict_find(t, sysdict, "version");
	text = nec_str_dup(t, version, 60);
	if (!text)
		return;
	blank = strchr(text, ' ');
	if (blank)
		*blank = 0;
	if (isdigit((unsigned char)*text))
		snprintf(t->version, sizeof(t->version), "%s", text);
	free(text);
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
	NEC_TRY(settle_version(t, &offsets));
	nec_target_find_interpreters(t);
	NEC_TRY(settle_abi(t));
	NEC_TRY(nec_settle_layout(t));
	read_version(t);
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
