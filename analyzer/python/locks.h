/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lock objects: which one a blocked thread waits for, who has it, and circles of threads that wait
 * for one another.
 *
 * An RLock knows its owner. A plain Lock does not: the thread that entered it by a `with` statement
 * has its bound __exit__ on the value stack of the frame with that statement.
 */
#ifndef NEC_PYTHON_LOCKS_H
#define NEC_PYTHON_LOCKS_H

#include "python/threads.h"

/* The lock object whose word thread i waits at, 0 when its frames know none. */
uint64_t nec_locks_awaited(struct nec_threads *threads, uint32_t i, uint64_t word);

/* For each thread that waits for a lock: who has it. */
void nec_locks_find_holders(struct nec_threads *threads);

/* Warns of each circle. */
void nec_locks_find_deadlocks(struct nec_threads *threads);

#endif
