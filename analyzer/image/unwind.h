/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Native stacks: from the registers of a thread outwards, frame by frame, by the unwind tables
 * (.eh_frame through the search table of .eh_frame_hdr) of the ELF files that its code lies in.
 * They are read like all other memory: from the dump, or from the matching file, and where neither
 * has them the stack ends there and says so. Nothing is guessed from frame pointers.
 *
 * libunwind does the steps, on memory and registers that this module gives it. A build without it
 * has no native stacks; an unwinder is for stacks of the machine that it was built for.
 */
#ifndef NEC_IMAGE_UNWIND_H
#define NEC_IMAGE_UNWIND_H

#include "image/image.h"

struct nec_native_frame {
	uint64_t pc;
	uint64_t sp;  /* stack pointer in this frame */
	uint64_t cfa; /* that of its caller; 0: not known */
	bool call;    /* pc is behind a call: the call itself is before it */
};

/* How a stack ended. */
enum nec_unwind_end {
	NEC_UNWIND_COMPLETE, /* at the outermost frame */
	NEC_UNWIND_NO_TABLE, /* in code of `objfile` without unwind table */
	NEC_UNWIND_NO_CODE,  /* at a return address that is no code */
	NEC_UNWIND_FAULT,    /* needed memory at `addr`, which is missing */
	NEC_UNWIND_DAMAGED,  /* at an unwind table that makes no sense */
	NEC_UNWIND_LOOP,     /* the stack went back */
	NEC_UNWIND_LIMIT,    /* at NEC_LIMIT_NATIVE_FRAMES or NEC_LIMIT_UNWIND_* */
};

struct nec_native_stack {
	struct nec_native_frame *frames; /* owned; innermost first */
	uint32_t count, capacity;
	enum nec_unwind_end end;
	uint32_t objfile; /* NO_TABLE: index, UINT32_MAX for code of no file */
	uint64_t addr;    /* where it ended: pc, or the word that is missing */
};

struct nec_unwind;

/* NEC_ERR_UNSUPPORTED: this build, or it and the machine of the dump; the message says which. */
struct nec_error *nec_unwind_create(const struct nec_image *image, struct nec_unwind **unwind_ret);
void nec_unwind_destroy(struct nec_unwind *unwind); /* NULL is fine */

/* Fills stack, which is zeroed or was filled before, with the frames of a thread. Errors: no
 * memory. */
struct nec_error *nec_unwind_stack(struct nec_unwind *unwind, const struct nec_image_thread *thread,
				   struct nec_native_stack *stack);
void nec_native_stack_deinit(struct nec_native_stack *stack);

#endif
