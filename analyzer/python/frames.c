/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python frames as memory; see frames.h. Layouts: Include/internal/pycore_frame.h, Objects/frameobject.c, Objects/genobject.c. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/ring.h"
#include "python/frames.h"
#include "python/str.h"
#include "python/visitors.h"

/* Locals and stack of a frame: the compiler's limits are far below. */
enum { MAX_SLOTS = 1 << 20 };

/* _frameowner, FRAME_OWNED_BY_THREAD: neither a generator's, nor a frame object's, nor the
 * interpreter's own. */
enum { OWNED_BY_THREAD = 0 };

char *nec_code_local_name(const struct nec_target *t, uint64_t code, uint64_t i)
{
	static const enum nec_field old[] = {NEC_F_CODE_VARNAMES, NEC_F_CODE_CELLVARS, NEC_F_CODE_FREEVARS};
	uint64_t tuple, n;
	size_t k;

	if (nec_has(t, NEC_F_CODE_LOCALSPLUSNAMES)) {
		tuple = nec_field(t, code, NEC_F_CODE_LOCALSPLUSNAMES);
		if (i >= (uint64_t)nec_ob_size(t, tuple))
			return NULL;
		return nec_str_dup(t, nec_word(t, tuple + nec_off(t, NEC_F_TUPLE_ITEM) + i * 8), NEC_LIMIT_NAME);
	}
	for (k = 0; k < 3; k++) {
		tuple = nec_field(t, code, old[k]);
		n = k ? (uint64_t)nec_ob_size(t, tuple) : (uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_NLOCALS);
		if (i < n)
			return nec_str_dup(t, nec_word(t, tuple + nec_off(t, NEC_F_TUPLE_ITEM) + i * 8),
					   NEC_LIMIT_NAME);
		i -= n;
	}
	return NULL;
}

uint64_t nec_thread_frame(const struct nec_target *t, uint64_t thread)
{
	uint64_t cframe;

	if (nec_has(t, NEC_F_THREAD_CURRENT_FRAME))
		return nec_field(t, thread, NEC_F_THREAD_CURRENT_FRAME);
	if (nec_has(t, NEC_F_CFRAME_CURRENT_FRAME)) { /* 3.10 has a cframe, too, without it */
		cframe = nec_field(t, thread, NEC_F_THREAD_CFRAME);
		return nec_field(t, cframe, NEC_F_CFRAME_CURRENT_FRAME);
	}
	return nec_field(t, thread, NEC_F_THREAD_FRAME);
}

uint64_t nec_stackref(const struct nec_target *t, uint64_t word)
{
	if (!t->layout.traits.tagged_stack)
		return word;
	return (word & 3) == 3 ? 0 : word & ~UINT64_C(3);
}

uint64_t nec_iframe_code(const struct nec_target *t, uint64_t iframe)
{
	return nec_stackref(t, nec_field(t, iframe, NEC_F_IFRAME_CODE));
}

uint64_t nec_iframe_slots(const struct nec_target *t, uint64_t iframe, uint64_t *locals_ret)
{
	uint64_t code = nec_iframe_code(t, iframe), locals, n, sp;
	uint64_t stack = (uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_STACKSIZE);

	locals = (uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_NLOCALSPLUS);
	/* Of something that is no code; a count that is above all bounds would keep us here. */
	if (locals > MAX_SLOTS || stack > MAX_SLOTS ||
	    !nec_image_view(t->image, iframe + nec_off(t, NEC_F_IFRAME_LOCALSPLUS), locals * 8))
		locals = stack = 0;
	if (locals_ret)
		*locals_ret = locals;
	if (nec_has(t, NEC_F_IFRAME_STACKPOINTER)) {
		sp = nec_field(t, iframe, NEC_F_IFRAME_STACKPOINTER);
		n = (sp - iframe - nec_off(t, NEC_F_IFRAME_LOCALSPLUS)) / 8;
	} else {
		n = (uint64_t)(int64_t)nec_field32(t, iframe, NEC_F_IFRAME_STACKTOP);
	}
	/* A running frame has its top in a register: its locals are there all the same. */
	return n >= locals && n <= locals + stack ? n : locals;
}

static void emit_local(struct nec_visit *visit, uint64_t code, uint64_t i, uint64_t locals,
		       uint64_t dst, enum nec_ref_kind kind)
{
	_cleanup_free_ char *name = NULL;
	uint32_t label;

	if (!dst)
		return;
	name = i < locals ? nec_code_local_name(visit->target, code, i) : NULL;
	label = name ? nec_types_label(visit->types, "local '%s'", name)
		     : nec_types_label(visit->types, "stack[%llu]", (unsigned long long)(i - locals));
	nec_emit(visit, dst, kind, NEC_LABEL_STRING, label);
}

bool nec_stackref_owns(const struct nec_target *t, uint64_t word)
{
	return !t->layout.traits.tagged_stack || !(word & 3);
}

/* kind: of references that the frame owns. */
static void visit_iframe(struct nec_visit *visit, uint64_t iframe, enum nec_ref_kind kind)
{
	const struct nec_target *t = visit->target;
	uint64_t code = nec_iframe_code(t, iframe), func = nec_field(t, iframe, NEC_F_IFRAME_FUNC),
		 n, locals, i, word;

	n = nec_iframe_slots(t, iframe, &locals);
	nec_emit(visit, code,
		 nec_stackref_owns(t, nec_field(t, iframe, NEC_F_IFRAME_CODE)) ? kind
									       : NEC_REF_BORROWED,
		 NEC_LABEL_STRING, nec_types_label(visit->types, ".f_code"));
	nec_emit(visit, nec_stackref(t, func), nec_stackref_owns(t, func) ? kind : NEC_REF_BORROWED,
		 NEC_LABEL_STRING, nec_types_label(visit->types, ".f_func"));
	nec_emit(visit, nec_field(t, iframe, NEC_F_IFRAME_FRAME_OBJ), kind, NEC_LABEL_STRING,
		 nec_types_label(visit->types, ".frame_obj"));
	nec_emit(visit, nec_field(t, iframe, NEC_F_IFRAME_LOCALS), kind, NEC_LABEL_STRING,
		 nec_types_label(visit->types, ".f_locals"));
	for (i = 0; i < n; i++) {
		word = nec_word(t, iframe + nec_off(t, NEC_F_IFRAME_LOCALSPLUS) + i * 8);
		emit_local(visit, code, i, locals, nec_stackref(t, word),
			   nec_stackref_owns(t, word) ? kind : NEC_REF_BORROWED);
	}
}

/* 2.7 to 3.10: locals, cells and free variables, then the value stack up to f_stacktop. */
static void visit_old_frame(struct nec_visit *visit, uint64_t obj)
{
	const struct nec_target *t = visit->target;
	uint64_t start = obj + nec_off(t, NEC_F_FRAME_LOCALSPLUS), code = nec_field(t, obj, NEC_F_FRAME_CODE);
	uint64_t bottom = nec_field(t, obj, NEC_F_FRAME_VALUESTACK), locals = (bottom - start) / 8, n, i;

	if (bottom < start || locals > MAX_SLOTS)
		return;
	n = locals;
	if (nec_has(t, NEC_F_FRAME_STACKDEPTH)) {
		int32_t depth = nec_field32(t, obj, NEC_F_FRAME_STACKDEPTH);

		n += depth > 0 && depth < MAX_SLOTS ? (uint64_t)depth : 0;
	} else {
		uint64_t top = nec_field(t, obj, NEC_F_FRAME_STACKTOP);

		n += top > bottom && top - bottom < MAX_SLOTS ? (top - bottom) / 8 : 0;
	}
	for (i = 0; i < n; i++)
		emit_local(visit, code, i, locals, nec_word(t, start + i * 8), NEC_REF_STRONG);
}

/* A frame object shows the frame of a call that still runs, or of a generator, and has nothing of
 * it then. */
static void visit_frame_of(struct nec_visit *visit, uint64_t obj, uint64_t iframe)
{
	visit_iframe(visit, iframe,
		     iframe == obj + nec_off(visit->target, NEC_F_FRAME_DATA) ? NEC_REF_STRONG
									      : NEC_REF_BORROWED);
}

void nec_visit_frame(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	if (t->layout.traits.frames == NEC_FRAME_OBJECTS)
		visit_old_frame(visit, obj);
	else
		visit_frame_of(visit, obj, nec_field(t, obj, NEC_F_FRAME_FRAME));
}

void nec_visit_frames(struct nec_visit *visit, uint64_t iframe)
{
	const struct nec_target *t = visit->target;
	struct nec_ring ring = {0};

	for (; iframe && !nec_ring_closed(&ring, iframe) && ring.steps < NEC_LIMIT_FRAMES;
	     iframe = nec_field(t, iframe, NEC_F_IFRAME_PREVIOUS))
		if (!nec_has(t, NEC_F_IFRAME_OWNER) ||
		    nec_field8(t, iframe, NEC_F_IFRAME_OWNER) == OWNED_BY_THREAD)
			visit_iframe(visit, iframe, NEC_REF_CONSERVATIVE);
}

void nec_visit_generator(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	if (t->layout.traits.frames == NEC_FRAME_OBJECTS)
		return; /* gi_frame is a member */
	if ((int8_t)nec_field8(t, obj, NEC_F_GEN_FRAME_STATE) < t->layout.traits.frame_cleared)
		visit_iframe(visit, obj + nec_off(t, NEC_F_GEN_IFRAME), NEC_REF_STRONG);
	else if (!nec_has(t, NEC_F_GEN_CODE)) /* from 3.12 on the frame's code is kept to the end */
		nec_emit(visit, nec_iframe_code(t, obj + nec_off(t, NEC_F_GEN_IFRAME)), NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, ".gi_code"));
}

int64_t nec_size_frame(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t code, words;

	if (t->layout.traits.frames == NEC_FRAME_OBJECTS) {
		uint64_t start = obj + nec_off(t, NEC_F_FRAME_LOCALSPLUS);

		code = nec_field(t, obj, NEC_F_FRAME_CODE);
		words = (nec_field(t, obj, NEC_F_FRAME_VALUESTACK) - start) / 8 +
			(uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_STACKSIZE);
		return type->basicsize + nec_size_words(words) -
		       8; /* the struct has one slot itself */
	}
	code = nec_iframe_code(t, nec_field(t, obj, NEC_F_FRAME_FRAME));
	words = (uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_NLOCALSPLUS) +
		(uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_STACKSIZE);
	return (int64_t)(nec_off(t, NEC_F_FRAME_DATA) + nec_off(t, NEC_F_IFRAME_LOCALSPLUS) + words * 8);
}

int64_t nec_size_generator(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t code, words;

	if (t->layout.traits.frames == NEC_FRAME_OBJECTS)
		return type->basicsize;
	code = nec_iframe_code(t, obj + nec_off(t, NEC_F_GEN_IFRAME));
	words = (uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_NLOCALSPLUS) +
		(uint64_t)(uint32_t)nec_field32(t, code, NEC_F_CODE_STACKSIZE);
	return (int64_t)(nec_off(t, NEC_F_GEN_IFRAME) + nec_off(t, NEC_F_IFRAME_LOCALSPLUS) + words * 8);
}
