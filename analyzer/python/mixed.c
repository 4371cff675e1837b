/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks of both kinds; see mixed.h. */
#include "python/mixed.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* ---- names
 * ----------------------------------------------------------------------------------------------------
 */

/*
 * C functions of the interpreter that stand between one Python function and the next and say
 * nothing. A name ending in '*' is a prefix. To add one: a line.
 */
static const char *const glue[] = {
	"PyEval_Eval*",
	"PyObject_Call*",
	"PyObject_Vectorcall*",
	"PyVectorcall_*",
	"PyCFunction_Call*",
	"_PyCFunction_*",
	"_PyEval_*",
	"_PyFunction_*",
	"_PyMethodDef_*",
	"_PyObject_*",
	"_PyVectorcall_*",
	"_TAIL_CALL_*",
	"call_function",
	"call_method",
	"call_unbound*",
	"cfunction_call*",
	"cfunction_vectorcall*",
	"do_call*",
	"ext_do_call",
	"fast_function",
	"fast_yield*",
	"function_call",
	"function_code_fastcall",
	"gen_iternext",
	"gen_send*",
	"instancemethod_call",
	"method_call",
	"method_vectorcall*",
	"object_vacall",
	"slot_tp_*",
	"trace_call_function",
	"type_call",
	"vectorcall_*",
	"wrap_call",
	"wrapper_call",
};

/* What a thread begins in, outside of the interpreter. */
static const char *const starts[] = {
	"_start",       "__libc_start*", "libc_start_main*", "main",         "start",
	"start_thread", "clone*",        "__clone*",         "thread_start",
};

static bool name_in(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(list[i]);

		if (list[i][len - 1] == '*' ? !strncmp(name, list[i], len - 1)
					    : !strcmp(name, list[i]))
			return true;
	}
	return false;
}

/* The name of the loop, also of a part that the compiler split off ("NAME.cold", "NAME.isra.0"). */
static bool is_loop_name(const struct nec_target *t, const char *name)
{
	const char *loop = t->layout.traits.strs == NEC_STR_BYTES ? "PyEval_EvalFrameEx"
								  : "_PyEval_EvalFrameDefault";
	size_t len = strlen(loop);

	return name && !strncmp(name, loop, len) && (!name[len] || name[len] == '.');
}

/* ---- a stack
 * ----------------------------------------------------------------------------------------------------
 */

struct nec_error *nec_mixed_init(struct nec_mixed *m, const struct nec_target *t, bool no_native,
				 struct nec_error **why_ret)
{
	*m = (struct nec_mixed){.target = t};
	m->interpreter = nec_image_objfile_at(t->image, t->type_type);
	*why_ret = NULL;
	if (no_native)
		return NULL;
	*why_ret = nec_unwind_create(t->image, &m->unwind);
	if (*why_ret) {
		m->unwind = NULL;
		return NULL;
	}
	NEC_TRY(nec_places_create(t->image, &m->places));
	if (t->quick)
		nec_places_hurry(m->places, m->interpreter);
	return NULL;
}

void nec_mixed_deinit(struct nec_mixed *m)
{
	nec_unwind_destroy(m->unwind);
	nec_places_destroy(m->places);
	nec_native_stack_deinit(&m->native);
	free(m->entries);
}

static uint64_t address(const struct nec_native_frame *frame)
{
	return frame->pc - frame->call;
}

/* The last place of a native frame: the function that the others were put into. */
static struct nec_error *outer_place(struct nec_mixed *m, uint32_t i, struct nec_place *ret)
{
	const struct nec_place *list;
	uint32_t count;

	NEC_TRY(nec_places_find(m->places, address(&m->native.frames[i]), &list, &count));
	*ret = list[count - 1];
	return NULL;
}

static struct nec_error *add_entry(struct nec_mixed *m, uint64_t addr)
{
	if (m->entry_count == m->entry_capacity) {
		uint32_t capacity = m->entry_capacity ? m->entry_capacity * 2 : 64;
		uint64_t *entries = reallocarray(m->entries, capacity, sizeof(*entries));

		if (!entries)
			return &nec_enomem;
		m->entries = entries;
		m->entry_capacity = capacity;
	}
	m->entries[m->entry_count++] = addr;
	return NULL;
}

/* The calls of the loop that the Python frames tell of. */
static struct nec_error *read_entries(struct nec_mixed *m)
{
	struct nec_stack stack = m->python;
	struct nec_stack_frame frame;
	uint64_t low = m->native.frames[0].sp, high = m->native.frames[m->native.count - 1].cfa;

	if (!high)
		high = m->native.frames[m->native.count - 1].sp;
	while (nec_stack_next(&stack, &frame)) {
		if (!frame.entry)
			continue;
		if (frame.entry_addr < low || frame.entry_addr >= high)
			frame.entry_addr = 0;
		m->by_address |= frame.entry_addr != 0;
		NEC_TRY(add_entry(m, frame.entry_addr));
	}
	return NULL;
}

/* The native frames that are calls of the loop, by their name. */
static struct nec_error *count_loops(struct nec_mixed *m)
{
	struct nec_place place;
	uint32_t i, loops = 0;

	for (i = 0; i < m->native.count; i++) {
		NEC_TRY(outer_place(m, i, &place));
		if (!is_loop_name(m->target, place.function))
			continue;
		loops++;
		m->last_loop = i;
	}
	if (m->native.end == NEC_UNWIND_COMPLETE && loops > m->entry_count)
		m->unbegun = loops - m->entry_count;
	return NULL;
}

/* Where an entry on the stack belongs, by its address. */
static void find_last_loop(struct nec_mixed *m)
{
	uint64_t last = 0;
	uint32_t i;

	for (i = 0; i < m->entry_count; i++)
		if (m->entries[i])
			last = m->entries[i];
	for (i = 0; i < m->native.count; i++)
		if (m->native.frames[i].sp <= last && last < m->native.frames[i].cfa)
			m->last_loop = i;
}

struct nec_error *nec_mixed_start(struct nec_mixed *m, uint64_t state,
				  const struct nec_image_thread *thread)
{
	nec_stack_init(&m->python, m->target, state);
	m->native.count = 0;
	m->entry_count = m->entry = m->unbegun = m->at = m->place = m->due = 0;
	m->by_address = m->loop = m->settled = false;
	m->last_loop = UINT32_MAX;
	if (!m->unwind || !thread)
		return NULL;
	NEC_TRY(nec_unwind_stack(m->unwind, thread, &m->native));
	if (!m->native.count)
		return NULL;
	NEC_TRY(read_entries(m));
	if (!m->by_address)
		return count_loops(m);
	find_last_loop(m);
	return NULL;
}

/* How many calls of the loop native frame `at` ends, and whether it is one. */
static struct nec_error *settle(struct nec_mixed *m)
{
	const struct nec_native_frame *frame = &m->native.frames[m->at];
	struct nec_place place;
	uint32_t i;

	m->due = 0;
	m->loop = false;
	m->settled = true;
	if (m->by_address) {
		for (i = m->entry; frame->cfa && i < m->entry_count; i++) {
			/* One that is not on this stack goes with the next that is. */
			if (m->entries[i] >= frame->cfa)
				break;
			if (m->entries[i])
				m->due = i + 1 - m->entry;
		}
		m->loop = m->due > 0;
		return NULL;
	}
	NEC_TRY(outer_place(m, m->at, &place));
	m->loop = is_loop_name(m->target, place.function);
	if (!m->loop)
		return NULL;
	if (m->unbegun > 0)
		m->unbegun--;
	else
		m->due = 1;
	return NULL;
}

static enum nec_mixed_kind kind_of(const struct nec_mixed *m, const struct nec_place *place)
{
	bool begun = m->entry > 0 || m->loop,
	     outer = m->last_loop != UINT32_MAX && m->at > m->last_loop;
	const char *name = place->function;
	bool own = place->objfile == m->interpreter;

	if (m->loop)
		return NEC_MIXED_INTERPRETER;
	if (outer && (own || (name && name_in(name, starts, sizeof(starts) / sizeof(*starts)))))
		return NEC_MIXED_INTERPRETER;
	if (!own)
		return NEC_MIXED_NATIVE;
	if (name && name_in(name, glue, sizeof(glue) / sizeof(*glue)))
		return NEC_MIXED_INTERPRETER;
	/* Between Python functions the interface of the interpreter is a way and no goal. */
	if (begun && (!name || !strncmp(name, "Py", 2) || !strncmp(name, "_Py", 3)))
		return NEC_MIXED_INTERPRETER;
	return NEC_MIXED_NATIVE;
}

/* The next place of native frame `at`. */
static struct nec_error *give_native(struct nec_mixed *m, struct nec_mixed_frame *ret)
{
	const struct nec_native_frame *frame = &m->native.frames[m->at];
	const struct nec_place *list;
	uint32_t count;

	NEC_TRY(nec_places_find(m->places, address(frame), &list, &count));
	ret->place = list[m->place++];
	ret->pc = frame->pc;
	ret->kind = kind_of(m, &ret->place);
	if (m->place >= count) {
		m->place = 0;
		m->at++;
		m->settled = false;
	}
	return NULL;
}

struct nec_error *nec_mixed_next(struct nec_mixed *m, struct nec_mixed_frame *ret, bool *more_ret)
{
	*more_ret = true;
	if (m->at < m->native.count && !m->settled)
		NEC_TRY(settle(m));
	if (m->due || m->at >= m->native.count) {
		ret->kind = NEC_MIXED_PYTHON;
		if (nec_stack_next(&m->python, &ret->python)) {
			if (ret->python.entry) {
				m->entry++;
				m->due -= m->due > 0;
			}
			return NULL;
		}
		m->due = 0;
		if (m->at >= m->native.count) {
			*more_ret = false;
			return NULL;
		}
	}
	return give_native(m, ret);
}
