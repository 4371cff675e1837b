/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Python stack of a thread or a generator, frame by frame from the innermost, and the variables
 * of a frame. Frames that the interpreter pushes for itself (entry frames of 3.12 on) are not
 * shown. A chain that loops ends at the frame where that is noticed (R. P. Brent, An improved Monte
 * Carlo factorization algorithm, 1980).
 *
 * From 3.12 on the chain leads over the C stack wherever C called Python, and a dump may be without
 * C stacks (gcore writes zeros for what it could not read). It goes on then with the frame below on
 * the thread's data stack, where frames lie one behind the other; frames of generators are not
 * there, and are missing.
 */
#ifndef NEC_PYTHON_STACK_H
#define NEC_PYTHON_STACK_H

#include "python/target.h"

struct nec_stack {
	const struct nec_target *target; /* borrowed */
	uint64_t next;                   /* the frame that comes next */
	uint64_t mark;                   /* a frame met before: meeting it again is a loop */
	uint64_t count, mark_at;
	uint64_t thread; /* thread state, 0: the stack of a generator */
	uint64_t last;   /* the lowest frame met on its data stack, 0: none */
	uint64_t cframe; /* 3.10 and 3.11: what the C call at hand keeps on its stack */
	bool pieced;     /* went on with the data stack */
	bool looped;
	bool damaged; /* ended at something that is no frame */
};

/* A frame. */
struct nec_stack_frame {
	uint64_t addr; /* of the frame object (until 3.10) or the interpreter frame */
	uint64_t code;
	int64_t lasti;            /* byte of the code that is being run; below 0: not begun */
	uint64_t slots;           /* address of its variables, then of its value stack */
	uint64_t slot_count;      /* variables */
	uint64_t stack_count;     /* words that its value stack may have */
	uint64_t globals, locals; /* dicts; locals 0 where they are in slots */
	int32_t traced_line;      /* set by a tracing debugger, 0: none */
	/* The outermost frame that a C call of the interpreter's loop runs; then an address in the
	 * stack frame of that call, 0 where this version keeps nothing there. */
	bool entry;
	uint64_t entry_addr;
};

/* Of a thread state. */
void nec_stack_init(struct nec_stack *stack, const struct nec_target *t, uint64_t thread);
bool nec_stack_next(struct nec_stack *stack, struct nec_stack_frame *ret);

/* Of what is suspended and no thread: from the frame at `frame` (0: none). */
void nec_stack_init_at(struct nec_stack *stack, const struct nec_target *t, uint64_t frame);

/* Reads the frame at addr; false when it is none, or one of the interpreter's own. */
bool nec_stack_frame_read(const struct nec_target *t, uint64_t addr, struct nec_stack_frame *ret);

/* Variable i of a frame: its value, 0 when it is unbound; looks into cells. */
uint64_t nec_stack_variable(const struct nec_target *t, const struct nec_stack_frame *frame,
			    uint64_t i);

/* Word i of the value stack of a frame, 0 behind its end. What lies above the top of the stack is
 * left from before. */
uint64_t nec_stack_word(const struct nec_target *t, const struct nec_stack_frame *frame,
			uint64_t i);

#endif
