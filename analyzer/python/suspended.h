/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a coroutine or generator is suspended at: its own frame, that of what it awaits, and so on
 * to the innermost, which waits for something that is no coroutine: a future, mostly.
 *
 * The object that is awaited is the top of the value stack of the frame (Objects/genobject.c,
 * _PyGen_yf). That a generator is in `yield from` only its instructions tell, so of generators only
 * those are followed that types.coroutine made.
 */
#ifndef NEC_PYTHON_SUSPENDED_H
#define NEC_PYTHON_SUSPENDED_H

#include "python/stack.h"
#include "python/types.h"

struct nec_suspended {
	const struct nec_target *target; /* borrowed */
	uint64_t next;  /* the object whose frame comes next; behind the last: what is awaited there
			 */
	uint32_t count; /* frames so far */
};

/* Begins with a coroutine, a generator or an asynchronous generator. */
void nec_suspended_init(struct nec_suspended *s, const struct nec_target *t, uint64_t obj);

/* The next frame inwards, and the object whose frame it is. False behind the innermost: then
 * s->next is what that waits for, 0 for nothing. */
bool nec_suspended_next(struct nec_suspended *s, struct nec_stack_frame *ret, uint64_t *obj_ret);

enum nec_suspended_state {
	NEC_SUSPENDED_ENDED, /* or no coroutine or generator at all */
	NEC_SUSPENDED_CREATED,
	NEC_SUSPENDED,
	NEC_SUSPENDED_RUNNING,
};

/* The frame of a coroutine or generator, unless it has ended. */
enum nec_suspended_state nec_suspended_frame(const struct nec_target *t, uint64_t obj,
					     struct nec_stack_frame *ret);

#endif
