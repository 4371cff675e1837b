/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspended coroutines; see suspended.h. */
#include "python/suspended.h"

#include <string.h>

#include "base/limits.h"
#include "python/frames.h"

enum { CO_ITERABLE_COROUTINE = 0x100 };

/*
 * The name of the type of an object of C; "" for none. Types without a module are the
 * interpreter's own: Cython has a "generator", too.
 */
static const char *type_name(const struct nec_target *t, uint64_t obj)
{
	uint64_t type = obj & 7 ? 0 : nec_type_of(t, obj);
	const char *name =
		type ? nec_image_cstr(t->image, nec_field(t, type, NEC_F_TYPE_NAME), 64) : NULL;

	if (!name ||
	    (!strchr(name, '.') && t->data_end && (type < t->data_start || type >= t->data_end)))
		return "";
	return name;
}

static bool is_generator(const char *type)
{
	return !strcmp(type, "coroutine") || !strcmp(type, "generator") ||
	       !strcmp(type, "async_generator");
}

/* Objects that only pass on to another one, which is their first member. To add one: a line. */
static bool passes_on(const char *type)
{
	static const char *const wrappers[] = {
		"coroutine_wrapper", "async_generator_asend", "async_generator_athrow",
		"anext_awaitable",   "_asyncio.FutureIter",
	};

	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (!strcmp(type, wrappers[i]))
			return true;
	return false;
}

/* The top of the value stack of a frame that is not being executed, 0 for none. */
static uint64_t top(const struct nec_target *t, const struct nec_stack_frame *frame)
{
	uint64_t bottom, at, n, locals;
	int32_t depth;

	if (t->layout.traits.frames == NEC_FRAME_INTERPRETER) {
		n = nec_iframe_slots(t, frame->addr, &locals);
		return n > locals ? nec_stackref(t, nec_word(t, frame->slots + (n - 1) * 8)) : 0;
	}
	bottom = nec_field(t, frame->addr, NEC_F_FRAME_VALUESTACK);
	if (nec_has(t, NEC_F_FRAME_STACKDEPTH)) {
		depth = nec_field32(t, frame->addr, NEC_F_FRAME_STACKDEPTH);
		return depth > 0 ? nec_word(t, bottom + ((uint64_t)depth - 1) * 8) : 0;
	}
	at = nec_field(t, frame->addr, NEC_F_FRAME_STACKTOP);
	return at > bottom ? nec_word(t, at - 8) : 0;
}

enum nec_suspended_state nec_suspended_frame(const struct nec_target *t, uint64_t obj,
					     struct nec_stack_frame *ret)
{
	int8_t state;
	bool running;

	if (!is_generator(type_name(t, obj)))
		return NEC_SUSPENDED_ENDED;
	if (t->layout.traits.frames == NEC_FRAME_INTERPRETER) {
		state = (int8_t)nec_field8(t, obj, NEC_F_GEN_FRAME_STATE);
		if (state >= t->layout.traits.frame_cleared ||
		    !nec_stack_frame_read(t, obj + nec_off(t, NEC_F_GEN_IFRAME), ret))
			return NEC_SUSPENDED_ENDED;
		if (state == t->layout.traits.frame_created)
			return NEC_SUSPENDED_CREATED;
		return state == t->layout.traits.frame_executing ? NEC_SUSPENDED_RUNNING
								 : NEC_SUSPENDED;
	}
	if (!nec_stack_frame_read(t, nec_field(t, obj, NEC_F_GEN_FRAME), ret))
		return NEC_SUSPENDED_ENDED;
	if (ret->lasti < 0)
		return NEC_SUSPENDED_CREATED;
	/* While it runs its top is in a register, and nowhere else (3.10: the depth is -1). */
	if (nec_has(t, NEC_F_FRAME_STACKDEPTH))
		running = nec_field32(t, ret->addr, NEC_F_FRAME_STACKDEPTH) < 0;
	else
		running = !nec_field(t, ret->addr, NEC_F_FRAME_STACKTOP);
	return running ? NEC_SUSPENDED_RUNNING : NEC_SUSPENDED;
}

void nec_suspended_init(struct nec_suspended *s, const struct nec_target *t, uint64_t obj)
{
	*s = (struct nec_suspended){.target = t, .next = obj};
}

bool nec_suspended_next(struct nec_suspended *s, struct nec_stack_frame *ret, uint64_t *obj_ret)
{
	const struct nec_target *t = s->target;
	enum nec_suspended_state state;
	unsigned int hops;

	for (hops = 0; hops < 8 && passes_on(type_name(t, s->next)); hops++)
		s->next = nec_word(t, s->next + nec_off(t, NEC_SIZEOF_OBJECT));
	state = nec_suspended_frame(t, s->next, ret);
	if (s->count >= NEC_LIMIT_AWAITS || state == NEC_SUSPENDED_ENDED)
		return false;
	*obj_ret = s->next;
	s->count++;
	s->next = 0;
	if (!strcmp(type_name(t, *obj_ret), "generator") &&
	    !(nec_field32(t, ret->code, NEC_F_CODE_FLAGS) & CO_ITERABLE_COROUTINE))
		return true;
	if (state != NEC_SUSPENDED_CREATED)
		s->next = top(t, ret);
	return true;
}
