/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exceptions; see exception.h. Include/cpython/pystate.h, Python/traceback.c. */
#include "python/exception.h"

#include <string.h>

#include "python/frames.h"
#include "python/linetable.h"

/* Generators that run one another, and entries of a traceback: both are calls. */
enum { MAX_ITEMS = 100000, MAX_ENTRIES = 1000 };

static bool is_exception(struct nec_types *types, uint64_t obj)
{
	const struct nec_type *type = obj ? nec_object_type(types, obj) : NULL;

	/* 2.7: also an instance of a class of the old kind. */
	return type && (type->flags & NEC_TYPE_EXC_SUBCLASS || !strcmp(type->tp_name, "instance"));
}

/* The value of the innermost block that deals with one, 0 for none. */
static uint64_t handled(struct nec_types *types, uint64_t state)
{
	const struct nec_target *t = types->target;
	uint64_t item = nec_field(t, state, NEC_F_THREAD_EXC_INFO), value;
	unsigned int n;

	if (!nec_has(t, NEC_F_THREAD_EXC_INFO))
		return nec_field(t, state, NEC_F_THREAD_EXC_VALUE);
	for (n = 0; item && n < MAX_ITEMS; n++) {
		value = nec_field(t, item, NEC_F_EXCITEM_VALUE);
		if (is_exception(types, value))
			return value;
		item = nec_field(t, item, NEC_F_EXCITEM_PREVIOUS);
	}
	return 0;
}

void nec_exception_find(struct nec_types *types, uint64_t state, struct nec_exception *ret)
{
	const struct nec_target *t = types->target;

	*ret = (struct nec_exception){.value = nec_field(t, state, NEC_F_THREAD_CUR_EXC)};
	if (!is_exception(types, ret->value))
		ret->value = handled(types, state);
	if (!is_exception(types, ret->value)) {
		ret->value = 0;
		return;
	}
	/* Before exceptions knew theirs. */
	if (nec_has(t, NEC_F_EXCEPTION_TRACEBACK))
		ret->traceback = nec_field(t, ret->value, NEC_F_EXCEPTION_TRACEBACK);
	else
		ret->traceback = nec_field(t, state, NEC_F_THREAD_EXC_TRACEBACK);
}

bool nec_exception_next(const struct nec_target *t, struct nec_exception *e, uint64_t *code_ret,
			int32_t *line_ret)
{
	uint64_t tb = e->traceback, frame;
	struct nec_position pos;

	if (!tb || e->count >= MAX_ENTRIES)
		return false;
	frame = nec_field(t, tb, NEC_F_TRACEBACK_FRAME);
	if (t->layout.traits.frames == NEC_FRAME_OBJECTS)
		*code_ret = nec_field(t, frame, NEC_F_FRAME_CODE);
	else
		*code_ret = nec_iframe_code(t, nec_field(t, frame, NEC_F_FRAME_FRAME));
	*line_ret = nec_field32(t, tb, NEC_F_TRACEBACK_LINENO);
	if (*line_ret <= 0) { /* 3.12 on: not asked for yet */
		nec_code_position(t, *code_ret, nec_field32(t, tb, NEC_F_TRACEBACK_LASTI), &pos);
		*line_ret = pos.line;
	}
	e->traceback = nec_field(t, tb, NEC_F_TRACEBACK_NEXT);
	e->count++;
	return frame != 0;
}
