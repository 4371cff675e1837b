/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each thread was doing, in words: who has the GIL and who waits for it, which lock a thread
 * waits for and who has that, in which system call it is.
 *
 * A thread that waits is in the futex call, and the address of the word it waits at tells for what:
 * it lies in the GIL's struct, or is the word of a lock object that the thread's innermost frames
 * know.
 */
#ifndef NEC_PYTHON_WAITS_H
#define NEC_PYTHON_WAITS_H

#include "python/threads.h"

/* Fills in what nec_thread has of it, and warns of deadlocks. Errors: no memory. */
struct nec_error *nec_waits_find(struct nec_threads *threads);

#endif
