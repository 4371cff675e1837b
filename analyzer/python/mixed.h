/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread's Python frames and its native frames as one stack, innermost first.
 *
 * Python frames stand where the C function is that runs them, the interpreter's loop: behind what
 * was called from them and before what called them. Until 3.10 a call of the loop runs one frame,
 * later as many as call one another in Python. From 3.10 on something of each call lies on the C
 * stack and its address tells which native frame that is; before, the loop is known by its name,
 * and where more of them are on the stack than Python frames, the innermost has not begun.
 *
 * The loop and the functions around it, through which it calls itself, are frames of the kind
 * INTERPRETER: of no interest to who asks what a program did.
 */
#ifndef NEC_PYTHON_MIXED_H
#define NEC_PYTHON_MIXED_H

#include "image/places.h"
#include "image/unwind.h"
#include "python/stack.h"

enum nec_mixed_kind { NEC_MIXED_PYTHON, NEC_MIXED_NATIVE, NEC_MIXED_INTERPRETER };

struct nec_mixed_frame {
	enum nec_mixed_kind kind;
	struct nec_stack_frame python; /* PYTHON */
	struct nec_place place;        /* the others; strings borrowed from nec_mixed.places */
	uint64_t pc;
};

struct nec_mixed {
	const struct nec_target *target; /* borrowed */
	struct nec_unwind *unwind;       /* owned; NULL: no native frames */
	struct nec_places *places;       /* owned */
	uint32_t interpreter;            /* objfile of the interpreter */
	/* The stack at hand. */
	struct nec_stack python;
	struct nec_native_stack native;
	uint64_t *entries; /* owned: entry_addr of its calls of the loop, 0: none on this stack */
	uint32_t entry_count, entry_capacity, entry;
	bool by_address;    /* entries say which native frame it is */
	uint32_t unbegun;   /* innermost calls of the loop without a Python frame */
	uint32_t last_loop; /* the outermost native frame that is one, UINT32_MAX: none */
	uint32_t at, place; /* native frame, and which of its places */
	uint32_t due;       /* calls of the loop whose Python frames come now */
	bool loop;          /* native frame `at` is a call of the loop */
	bool settled;       /* due and loop are known */
};

/* Native frames are left out where no_native says so, or the build or the machine cannot: then
 * *why_ret (to be destroyed) says why. Errors: no memory. */
struct nec_error *nec_mixed_init(struct nec_mixed *m, const struct nec_target *t, bool no_native,
				 struct nec_error **why_ret);
void nec_mixed_deinit(struct nec_mixed *m);

/* Begins with the stack of a thread: its thread state (0: no Python thread), and what the dump has
 * of it (NULL: nothing). */
struct nec_error *nec_mixed_start(struct nec_mixed *m, uint64_t state,
				  const struct nec_image_thread *thread);

/* The next frame; *more_ret is false behind the last. */
struct nec_error *nec_mixed_next(struct nec_mixed *m, struct nec_mixed_frame *ret, bool *more_ret);

#endif
