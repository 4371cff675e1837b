/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What keeps objects alive from outside the heap: interpreter and thread states, frames that run,
 * variables of Python itself and of every mapped library, native stacks and registers, and blocks
 * of memory that are no object's. Pulled one by one.
 */
#ifndef NEC_PYTHON_ROOTS_H
#define NEC_PYTHON_ROOTS_H

#include "base/ring.h"
#include "base/text.h"
#include "fact.h"
#include "python/rawblocks.h"

struct nec_root {
	uint64_t addr;
	const char *kind;  /* "module", "interpreter", "thread state", "frame", "C global", "value
			      stack", "native stack", "register",  "native memory" */
	const char *label; /* borrowed until the next call */
	uint64_t thread;   /* thread state that it belongs to, 0: none */
	bool counted;      /* the object's count has it for sure */
	uint32_t tid;	   /* or the kernel's number of the thread, 0: none */
	enum nec_root_doubt doubt;
};

enum nec_root_stage {
	NEC_ROOTS_INTERPRETERS,
	NEC_ROOTS_START_UP,
	NEC_ROOTS_THREADS,
	NEC_ROOTS_FRAMES,
	NEC_ROOTS_VALUE_STACKS,
	NEC_ROOTS_DATA,
	NEC_ROOTS_STACKS,
	NEC_ROOTS_REGISTERS,
	NEC_ROOTS_NATIVE,
	NEC_ROOTS_DONE,
};

struct nec_roots {
	struct nec_walk *walk; /* borrowed; complete */
	const struct nec_rawblocks *raw; /* borrowed */
	enum nec_root_stage stage;
	uint32_t index;	       /* interpreter, mapping, segment or thread of the stage */
	uint64_t thread, frame; /* thread state and frame that are being looked at */
	struct nec_ring thread_ring, frame_ring; /* of the lists that these are in */
	uint64_t addr, end;    /* words that are still to be looked at */
	const char *symbol_kind;
	struct nec_text label;
};

void nec_roots_init(struct nec_roots *roots, struct nec_walk *walk,
		    const struct nec_rawblocks *raw);
void nec_roots_deinit(struct nec_roots *roots);

/* The next root; false when there are no more. */
bool nec_roots_next(struct nec_roots *roots, struct nec_root *root);

#endif
