/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots; see roots.h. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/roots.h"
#include "python/str.h"

/* _frameowner, FRAME_OWNED_BY_FRAME_OBJECT: those above are the interpreter's own. */
enum { OWNER_LAST = 2 };

void nec_roots_init(struct nec_roots *roots, struct nec_walk *walk, const struct nec_rawblocks *raw)
{
	*roots = (struct nec_roots){.walk = walk, .raw = raw};
}

void nec_roots_deinit(struct nec_roots *roots)
{
	nec_text_deinit(&roots->label);
}

static bool is_object(const struct nec_roots *r, uint64_t addr)
{
	return nec_addrset_has(r->walk->objects, addr);
}

/* The next word of [addr, end) that is the address of an object. */
static bool next_word(struct nec_roots *r, uint64_t *where_ret, uint64_t *obj_ret)
{
	uint64_t v;

	for (; r->addr + 8 <= r->end; r->addr += 8) {
		if (!nec_image_u64(r->walk->target->image, r->addr, &v)) {
			r->addr = nec_image_next_page(r->walk->target->image, r->addr) - 8;
			continue;
		}
		if (!is_object(r, v))
			continue;
		*where_ret = r->addr;
		*obj_ret = v;
		r->addr += 8;
		return true;
	}
	return false;
}

static void next_stage(struct nec_roots *r)
{
	r->stage++;
	r->index = 0;
	r->thread = r->frame = 0;
	r->thread_ring = r->frame_ring = (struct nec_ring){0};
	r->addr = r->end = 0;
}

/* What is not said here is sure. */
static const enum nec_root_doubt doubts[NEC_ROOTS_DONE] = {
	[NEC_ROOTS_START_UP] = NEC_ROOT_DOUBTFUL, [NEC_ROOTS_THREADS] = NEC_ROOT_DOUBTFUL,
	[NEC_ROOTS_VALUE_STACKS] = NEC_ROOT_STALE, [NEC_ROOTS_DATA] = NEC_ROOT_DOUBTFUL,
	[NEC_ROOTS_STACKS] = NEC_ROOT_STALE,	   [NEC_ROOTS_REGISTERS] = NEC_ROOT_STALE,
	[NEC_ROOTS_NATIVE] = NEC_ROOT_DOUBTFUL,
};

static bool give(struct nec_roots *r, struct nec_root *root, uint64_t addr, const char *kind)
{
	*root = (struct nec_root){
		.addr = addr,
		.kind = kind,
		.label = nec_text_str(&r->label),
		.doubt = doubts[r->stage],
	};
	return true;
}

static bool give_of_interpreter(struct nec_roots *r, struct nec_root *root, uint64_t addr, enum nec_root_doubt doubt)
{
	give(r, root, addr, "interpreter");
	root->doubt = doubt;
	return true;
}

/* tid: of a native thread; 0: it is r->thread's. */
static bool give_of_thread(struct nec_roots *r, struct nec_root *root, uint64_t addr, const char *kind, uint32_t tid)
{
	give(r, root, addr, kind);
	root->thread = tid ? 0 : r->thread;
	root->tid = tid;
	return true;
}

/*
 * Members that own nothing: a free list has dead objects, and behind its end those that were taken out of it and are alive again;
 * callable_cache is borrowed (pycore_interp.h).
 */
static bool is_lent(const char *member)
{
	return strstr(member, "free_list") || strstr(member, "freelist") || strstr(member, "callable_cache");
}

/*
 * Adds " member" or " member+0x8" for a word of a struct of the interpreter's own, size bytes large here; " +0x358" where the table has
 * no struct of that size. Sure is what has a name.
 */
static enum nec_root_doubt label_member(struct nec_roots *r, const char *state, uint64_t size, uint64_t off)
{
	const struct nec_ctype *type = nec_layout_ctype(&r->walk->target->layout, state);
	uint32_t n = type && type->size >= 0 && (uint64_t)type->size == size ? type->count : 0;

	while (n && (uint64_t)type->members[n - 1].off > off)
		n--;
	if (n)
		off -= (uint64_t)type->members[n - 1].off;
	nec_text_printf(&r->label, n ? " %s" : " ", n ? type->members[n - 1].name : "");
	if (!off && n)
		return is_lent(type->members[n - 1].name) ? NEC_ROOT_DOUBTFUL : NEC_ROOT_SURE;
	nec_text_printf(&r->label, "+0x%llx", (unsigned long long)off);
	return NEC_ROOT_DOUBTFUL;
}

static bool interpreters(struct nec_roots *r, struct nec_root *root)
{
	static const struct {
		enum nec_field field;
		const char *label;
	} known[] = {
		{NEC_F_INTERP_MODULES, "sys.modules"},
		{NEC_F_INTERP_SYSDICT, "sys"},
		{NEC_F_INTERP_BUILTINS, "builtins"},
		{NEC_F_INTERP_INTERNED, "interned strings"},
	};
	const struct nec_target *t = r->walk->target;
	enum nec_root_doubt doubt;
	uint64_t where, obj;
	size_t i;

	for (;;) {
		if (r->addr < r->end && next_word(r, &where, &obj)) {
			uint64_t off = where - t->interpreters[r->index - 1];

			nec_text_clear(&r->label);
			for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
				if (nec_has(t, known[i].field) && nec_off(t, known[i].field) == off)
					nec_text_puts(&r->label, known[i].label);
			doubt = NEC_ROOT_SURE;
			if (!r->label.len) {
				nec_text_printf(&r->label, "interpreter %u", r->index - 1);
				doubt = label_member(r, "interpreter state", nec_off(t, NEC_SIZEOF_INTERP), off);
			}
			return give_of_interpreter(r, root, obj, doubt);
		}
		if (r->index >= t->interpreter_count)
			return false;
		r->addr = t->interpreters[r->index++];
		r->end = r->addr + nec_off(t, NEC_SIZEOF_INTERP);
	}
}

/*
 * _warnings is in sys.modules only where it was imported. It is made soon after builtins, so it is
 * looked for near that in the collector's list.
 */
static uint64_t warnings_module(const struct nec_roots *r, uint64_t builtins)
{
	enum { NEIGHBOURS = 1 << 14 };
	const struct nec_target *t = r->walk->target;
	uint64_t mask = ~(uint64_t)t->layout.traits.gc_mask, head = nec_off(t, NEC_SIZEOF_GC_HEAD),
		 obj = builtins, type;
	int i;

	type = nec_type_of(t, builtins);
	for (i = 0; i < NEIGHBOURS && is_object(r, obj); i++) {
		if (nec_type_of(t, obj) == type &&
		    nec_str_equals(t, nec_field(t, obj, NEC_F_MODULE_NAME), "_warnings"))
			return obj;
		obj = (nec_field(t, obj - head, NEC_F_GC_NEXT) & mask) + head;
	}
	return 0;
}

/*
 * What 3.6 to 3.8 make when they start and never give back: the references that _PySys_BeginInit,
 * _PyBuiltin_Init and _PyWarnings_Init return (Python/pylifecycle.c), and one to the name of the
 * main module.
 */
static bool start_up(struct nec_roots *r, struct nec_root *root)
{
	static const char *const kept[] = {"sys", "builtins", "_warnings", "__main__"};
	const struct nec_target *t = r->walk->target;
	uint64_t obj, modules;

	if (t->layout.traits.heap_type_refs || t->layout.traits.strs != NEC_STR_FLEXIBLE ||
	    !t->interpreter_count)
		return false;
	for (; r->index < sizeof(kept) / sizeof(kept[0]); r->index++) {
		modules = nec_field(t, t->interpreters[0], NEC_F_INTERP_MODULES);
		if (r->index < 2)
			obj = nec_dict_find(t, modules, kept[r->index]);
		else if (r->index == 2)
			obj = warnings_module(r, nec_dict_find(t, modules, "builtins"));
		else
			obj = t->interned_count ? nec_dict_find(t, t->interned[0], kept[r->index])
						: 0;
		if (!obj || !is_object(r, obj))
			continue;
		nec_text_clear(&r->label);
		nec_text_printf(&r->label, "start-up: %s", kept[r->index++]);
		return give(r, root, obj, "interpreter");
	}
	return false;
}

/* Steps to the next thread state of any interpreter. */
static bool next_thread(struct nec_roots *r)
{
	const struct nec_target *t = r->walk->target;

	if (r->thread)
		r->thread = nec_field(t, r->thread, NEC_F_THREAD_NEXT);
	if (r->thread && nec_ring_closed(&r->thread_ring, r->thread))
		r->thread = 0;
	while (!r->thread && r->index < t->interpreter_count) {
		r->thread = nec_first_thread(t, r->index++);
		r->thread_ring = (struct nec_ring){0};
	}
	return r->thread;
}

/* Steps to a frame of the thread; a list that is a ring ends. */
static void go_to_frame(struct nec_roots *r, uint64_t frame)
{
	r->frame = frame && !nec_ring_closed(&r->frame_ring, frame) ? frame : 0;
}

static void first_frame(struct nec_roots *r)
{
	r->frame_ring = (struct nec_ring){0};
	go_to_frame(r, nec_thread_frame(r->walk->target, r->thread));
}

static bool threads(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_target *t = r->walk->target;
	uint64_t where, obj;

	for (;;) {
		if (r->addr < r->end && next_word(r, &where, &obj)) {
			nec_text_clear(&r->label);
			nec_text_printf(&r->label, "thread state 0x%llx", (unsigned long long)r->thread);
			label_member(r, "thread state", nec_off(t, NEC_SIZEOF_THREAD), where - r->thread);
			return give_of_thread(r, root, obj, "thread state", 0);
		}
		if (!next_thread(r))
			return false;
		r->addr = r->thread;
		r->end = r->addr + nec_off(t, NEC_SIZEOF_THREAD);
	}
}

static void label_frame(struct nec_roots *r, uint64_t code, const char *what)
{
	const struct nec_target *t = r->walk->target;
	uint64_t qualname = nec_field(t, code, NEC_F_CODE_QUALNAME);
	_cleanup_free_ char *name = nec_str_dup(t, qualname ? qualname : nec_field(t, code, NEC_F_CODE_NAME), NEC_LIMIT_NAME);
	_cleanup_free_ char *file = nec_str_dup(t, nec_field(t, code, NEC_F_CODE_FILENAME), NEC_LIMIT_NAME);

	nec_text_clear(&r->label);
	nec_text_printf(&r->label, "%s in %s (%s)", what, name ? name : "?", file ? file : "?");
}

/* Frames of threads: those of 3.11 on lie outside the heap, what they hold is a root; older ones are objects. */
static bool frames(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_target *t = r->walk->target;
	bool objects = t->layout.traits.frames == NEC_FRAME_OBJECTS;

	for (;;) {
		uint64_t n, locals, slot, obj, code;
		char what[NEC_LIMIT_NAME];
		bool owned;

		if (!r->frame) {
			if (!next_thread(r))
				return false;
			first_frame(r);
			r->addr = r->end = 0;
			if (!r->frame)
				continue;
		}
		if (objects) {
			obj = r->frame;
			r->frame = 0; /* the others hang on f_back */
			label_frame(r, nec_field(t, obj, NEC_F_FRAME_CODE), "frame");
			if (is_object(r, obj))
				return give_of_thread(r, root, obj, "frame", 0);
			continue;
		}
		code = nec_iframe_code(t, r->frame);
		n = is_object(r, code) ? nec_iframe_slots(t, r->frame, &locals) : 0;
		/* A generator's frame is the generator's, though it runs. */
		owned = !nec_has(t, NEC_F_IFRAME_OWNER) ||
			!nec_field8(t, r->frame, NEC_F_IFRAME_OWNER);
		/* Slots, then function, code, f_locals and frame object: r->addr counts them. */
		while (r->addr < n + 4) {
			uint64_t i = r->addr++, word;
			_cleanup_free_ char *name = NULL;

			/* A frame of the interpreter's own has code; the rest nobody wrote (_PyEval_EvalFrameDefault). */
			if (i != n + 1 && nec_has(t, NEC_F_IFRAME_OWNER) && nec_field8(t, r->frame, NEC_F_IFRAME_OWNER) > OWNER_LAST)
				continue;
			if (i < n) {
				word = nec_word(t, r->frame + nec_off(t, NEC_F_IFRAME_LOCALSPLUS) +
							   i * 8);
				name = i < locals ? nec_code_local_name(t, code, i) : NULL;
				snprintf(what, sizeof(what), name ? "local '%s'" : "value stack", name);
			} else if (i == n) {
				word = nec_field(t, r->frame, NEC_F_IFRAME_FUNC);
				snprintf(what, sizeof(what), "function");
			} else if (i == n + 1) {
				word = nec_field(t, r->frame, NEC_F_IFRAME_CODE);
				snprintf(what, sizeof(what), "code");
			} else if (i == n + 2) {
				word = nec_field(t, r->frame, NEC_F_IFRAME_LOCALS);
				snprintf(what, sizeof(what), "f_locals");
			} else {
				word = nec_field(t, r->frame, NEC_F_IFRAME_FRAME_OBJ);
				snprintf(what, sizeof(what), "frame object");
			}
			slot = nec_stackref(t, word);
			if (!is_object(r, slot))
				continue;
			label_frame(r, code, what);
			give_of_thread(r, root, slot, "frame", 0);
			root->counted = owned && nec_stackref_owns(t, word);
			return true;
		}
		r->addr = 0;
		go_to_frame(r, nec_field(t, r->frame, NEC_F_IFRAME_PREVIOUS));
	}
}

/* Where the value stack of a running frame lies, whose top is in a register: an empty stretch of
 * one whose top is known. */
static void find_unsaved(struct nec_roots *r, uint64_t *code_ret)
{
	const struct nec_target *t = r->walk->target;
	bool objects = t->layout.traits.frames == NEC_FRAME_OBJECTS;
	uint64_t code, size, n, locals;
	bool saved;

	code = objects ? nec_field(t, r->frame, NEC_F_FRAME_CODE) : nec_iframe_code(t, r->frame);
	size = is_object(r, code) ? (uint32_t)nec_field32(t, code, NEC_F_CODE_STACKSIZE) : 0;
	if (objects) {
		r->addr = nec_field(t, r->frame, NEC_F_FRAME_VALUESTACK);
		saved = nec_has(t, NEC_F_FRAME_STACKDEPTH)
				? nec_field32(t, r->frame, NEC_F_FRAME_STACKDEPTH) >= 0
				: nec_field(t, r->frame, NEC_F_FRAME_STACKTOP);
	} else {
		n = size ? nec_iframe_slots(t, r->frame, &locals) : 0;
		r->addr = r->frame + nec_off(t, NEC_F_IFRAME_LOCALSPLUS) + n * 8;
		saved = !size || n != locals;
	}
	r->end = saved || size > NEC_LIMIT_FRAMES ? r->addr : r->addr + size * 8;
	*code_ret = code;
}

/* Words on value stacks whose tops nobody saved: arguments of a call in C, and what was left there.
 */
static bool value_stacks(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_target *t = r->walk->target;
	bool objects = t->layout.traits.frames == NEC_FRAME_OBJECTS;
	uint64_t where, obj, code;

	for (;;) {
		while (r->addr + 8 <= r->end) {
			where = r->addr;
			obj = nec_stackref(t, nec_word(t, where));
			r->addr += 8;
			if (is_object(r, obj))
				return give_of_thread(r, root, obj, "value stack", 0);
		}
		if (r->frame)
			go_to_frame(r,
				    nec_field(t, r->frame,
					      objects ? NEC_F_FRAME_BACK : NEC_F_IFRAME_PREVIOUS));
		else if (!next_thread(r))
			return false;
		else
			first_frame(r);
		if (!r->frame)
			continue;
		find_unsaved(r, &code);
		if (r->addr < r->end)
			label_frame(r, code, "value stack");
	}
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "static data";
}

/* Is it a word of a known interpreter? Since 3.12 the first lies in _PyRuntime: its words are roots already. */
static bool in_interpreter(const struct nec_target *t, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < t->interpreter_count; i++)
		if (addr - t->interpreters[i] < nec_off(t, NEC_SIZEOF_INTERP))
			return true;
	return false;
}

/* Variables of mapped files, and .bss behind Python's own. */
static bool data(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_target *t = r->walk->target;
	uint64_t where, obj, start;
	uint32_t count;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);
	enum nec_root_doubt doubt;
	const char *name;

	for (;;) {
		while (r->addr < r->end && next_word(r, &where, &obj)) {
			/* The type of a static object, the links of a list: words of objects are no variables. */
			if (is_object(r, where - nec_off(t, NEC_F_OBJECT_TYPE)))
				continue;
			nec_text_clear(&r->label);
			if (t->runtime && nec_has(t, NEC_SIZEOF_RUNTIME) && where - t->runtime < nec_off(t, NEC_SIZEOF_RUNTIME)) {
				if (in_interpreter(t, where))
					continue;
				nec_text_puts(&r->label, "runtime");
				doubt = label_member(r, "runtime state", nec_off(t, NEC_SIZEOF_RUNTIME), where - t->runtime);
				return give_of_interpreter(r, root, obj, doubt);
			}
			if (!nec_image_symbol_at(t->image, where, &name, &start)) {
				nec_static_end(t, r->index - 1, &name);
				name = base_name(name);
				start = maps[r->index - 1].start;
				/* The largest dict of most processes: as CPython calls it. */
				if (nec_dict_is_interned(t, obj)) {
					name = "interned";
					start = where;
				}
			}
			nec_text_puts(&r->label, name);
			if (where != start)
				nec_text_printf(&r->label, "+0x%llx", (unsigned long long)(where - start));
			return give(r, root, obj, "C global");
		}
		if (r->index >= count)
			return false;
		r->addr = maps[r->index].start;
		r->end = nec_static_end(t, r->index++, &name);
	}
}

/* From each thread's stack pointer to the end of its mapping. */
static bool stacks(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_image *image = r->walk->target->image;
	uint64_t where, obj;
	uint32_t count;
	const struct nec_image_thread *list = nec_image_threads(image, &count);

	for (;;) {
		if (r->addr < r->end && next_word(r, &where, &obj)) {
			nec_text_clear(&r->label);
			nec_text_printf(&r->label, "stack of thread %u", list[r->index - 1].tid);
			return give_of_thread(r, root, obj, "native stack", list[r->index - 1].tid);
		}
		if (r->index >= count)
			return false;
		const struct nec_mapping *m = nec_image_mapping_at(image, list[r->index].sp);

		r->addr = m ? list[r->index].sp & ~7ull : 0;
		r->end = m ? m->end : 0;
		r->index++;
	}
}

static bool registers(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_image *image = r->walk->target->image;
	uint32_t count;
	const struct nec_image_thread *list = nec_image_threads(image, &count);

	for (; r->index < count; r->index++, r->addr = 0) {
		while (r->addr < NEC_REG_MAX) {
			uint64_t v = list[r->index].regs[r->addr++];

			if (!is_object(r, v))
				continue;
			nec_text_clear(&r->label);
			nec_text_printf(&r->label, "register of thread %u", list[r->index].tid);
			return give_of_thread(r, root, v, "register", list[r->index].tid);
		}
	}
	return false;
}

/* Words in blocks of pymalloc and chunks of malloc that belong to no object. */
static bool native(struct nec_roots *r, struct nec_root *root)
{
	const struct nec_rawblock *block;
	uint64_t where, obj;

	for (;;) {
		if (r->addr < r->end && next_word(r, &where, &obj)) {
			block = nec_rawblocks_get(r->raw, r->index - 1);
			nec_text_clear(&r->label);
			nec_rawblock_name(r->raw, block, &r->label);
			nec_text_printf(&r->label, "+0x%llx",
					(unsigned long long)(where - block->start));
			return give(r, root, obj, "native memory");
		}
		block = nec_rawblocks_get(r->raw, r->index++);
		if (!block)
			return false;
		r->addr = block->start;
		r->end = block->start + block->size;
	}
}

bool nec_roots_next(struct nec_roots *r, struct nec_root *root)
{
	static bool (*const stages[])(struct nec_roots * r, struct nec_root * root) = {
		[NEC_ROOTS_INTERPRETERS] = interpreters,
		[NEC_ROOTS_START_UP] = start_up,
		[NEC_ROOTS_THREADS] = threads,
		[NEC_ROOTS_FRAMES] = frames,
		[NEC_ROOTS_VALUE_STACKS] = value_stacks,
		[NEC_ROOTS_DATA] = data,
		[NEC_ROOTS_STACKS] = stacks,
		[NEC_ROOTS_REGISTERS] = registers,
		[NEC_ROOTS_NATIVE] = native,
	};

	while (r->stage < NEC_ROOTS_DONE) {
		if (stages[r->stage](r, root))
			return true;
		next_stage(r);
	}
	return false;
}
