/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exception that a thread is in the middle of, and where it was raised: its traceback, the
 * outermost call first. */
#ifndef NEC_PYTHON_EXCEPTION_H
#define NEC_PYTHON_EXCEPTION_H

#include "python/types.h"

struct nec_exception {
	uint64_t value;     /* the exception object; 0: none */
	uint64_t traceback; /* the next traceback object; 0: no more */
	uint32_t count;     /* of those that were given */
};

/*
 * Of a thread state: what is being raised in C, else what the innermost except or finally block
 * deals with, also one in a generator that it runs (3.7 on).
 */
void nec_exception_find(struct nec_types *types, uint64_t state, struct nec_exception *ret);

/* The next entry of the traceback: the code that ran and the line in it. False behind the last. */
bool nec_exception_next(const struct nec_target *t, struct nec_exception *e, uint64_t *code_ret,
			int32_t *line_ret);

#endif
