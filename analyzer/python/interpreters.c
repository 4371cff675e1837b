/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the interpreters of a CPython whose version is known: by the runtime's symbol, by its
 * cookie, by what static data points at; in a dump that was cut off by what is left of the heap.
 * Each search is a row of a table of named strategies, tried in order.
 */
#include <stdio.h>
#include <string.h>

#include "python/debugoffsets.h"
#include "python/dict.h"
#include "python/target.h"

/* Keys of what may be namespaces, and thread states: a process has some 100,000. What was made up to
 * look like an interpreter at each word ends here. */
enum { MOST_STEPS = 1 << 24 };

/* Takes n of the steps that are left; false when there are not so many. */
static bool may_step(struct nec_target *t, uint64_t n)
{
	bool ret = n < t->steps;

	t->steps = ret ? t->steps - (uint32_t)n : 0;
	return ret;
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
 * The same where the dump has lost which threads there were: an address in memory that is written
 * to, aligned as glibc aligns its struct pthread. Much else is, so that the rest must tell.
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
static bool has_name(struct nec_target *t, uint64_t obj, const char *name)
{
	struct nec_dict dict;

	return is_dict(t, obj) && nec_dict_read(t, obj, &dict) && may_step(t, dict.keys.count) &&
	       nec_dict_find(t, obj, name);
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
static bool has_frame(struct nec_target *t, uint64_t thread)
{
	enum { MOST = 256 };

	for (int n = 0; thread && !(thread & 7) && n < MOST && may_step(t, 1); n++) {
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

/* The first thread state of an interpreter at addr, which points back at it; 0: there is none. */
static uint64_t first_thread(const struct nec_target *t, uint64_t addr)
{
	uint64_t thread;

	if (addr & 7 || !nec_image_view(t->image, addr, nec_off(t, NEC_F_INTERP_THREADS_HEAD) + 8))
		return 0;
	thread = nec_field(t, addr, NEC_F_INTERP_THREADS_HEAD);
	return !(thread & 7) && nec_field(t, thread, NEC_F_THREAD_INTERP) == addr ? thread : 0;
}

/* The namespaces of an interpreter are old, and may all be behind the cut. */
static bool may_have_namespaces(const struct nec_target *t, uint64_t addr)
{
	return nec_image_completeness(t->image)->truncated &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_MODULES)) &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT)) &&
	       is_dict_or_cut(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS));
}

/* Then it is one by what else it has. */
static bool is_rest_of_interpreter(struct nec_target *t, uint64_t addr, uint64_t thread)
{
	uint64_t ident = nec_field(t, thread, NEC_F_THREAD_IDENT);

	return may_have_namespaces(t, addr) &&
	       (is_pthread(t->image, ident) ||
		(may_be_pthread(t->image, ident) && nec_has(t, NEC_F_THREAD_FRAME) &&
		 has_frame(t, thread)));
}

/* Is one of the namespaces of the interpreter at addr what it is? */
static bool has_namespaces(struct nec_target *t, uint64_t addr)
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
static bool is_interpreter(struct nec_target *t, uint64_t addr)
{
	uint64_t thread = first_thread(t, addr);

	if (!thread)
		return false;
	if (has_namespaces(t, addr) || is_rest_of_interpreter(t, addr, thread))
		return true;
	return (is_dict(t, nec_field(t, addr, NEC_F_INTERP_MODULES)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS))) &&
	       (nec_image_completeness(t->image)->truncated ||
		is_pthread(t->image, nec_field(t, thread, NEC_F_THREAD_IDENT)));
}

/* The interpreter that the list of the runtime at addr begins with, 0 for none. */
static uint64_t head_of(struct nec_target *t, uint64_t addr)
{
	uint64_t head = nec_field(t, addr, NEC_F_RUNTIME_INTERP_HEAD);

	/* The head may be a sub-interpreter that no thread runs just now. What the runtime itself
	 * points at needs less proof. */
	return is_interpreter(t, head) ||
			       is_interpreter(t, nec_field(t, addr, NEC_F_RUNTIME_INTERP_MAIN)) ||
			       (first_thread(t, head) && may_have_namespaces(t, head))
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
			addr = nec_image_next_page(t->image, addr) - 8;
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
			if (thread > 4096 && !(thread & 7) && nec_word(t, thread + back) == addr &&
			    may_be_pthread(t->image, nec_field(t, thread, NEC_F_THREAD_IDENT)) &&
			    is_interpreter(t, addr) &&
			    (threads || has_namespaces(t, addr) ||
			     is_rest_of_interpreter(t, addr, thread)))
				return addr;
		}
	}
	return 0;
}

/* Where the main interpreter lies since 3.11: in static data, of which _PyRuntime is the part where
 * its symbol is known. */
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
	MOST_TID = 1 << 22,   /* PID_MAX_LIMIT of Linux */
	MOST_STACK = 1 << 24, /* a chunk of frames; 16 KiB unless one is larger */
};

/*
 * Is there the state of a thread at addr? Much refers to static data: where the dump has lost which
 * threads there were, number and stack of frames must be what such are.
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
	if (!threads && (!tid || tid > MOST_TID || !chunk || chunk & 4095 || top <= chunk ||
			 top - chunk > MOST_STACK))
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
	t->steps = MOST_STEPS;
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
