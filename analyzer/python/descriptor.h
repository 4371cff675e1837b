/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file descriptor is that a thread waits at, where the variables of its functions tell. */
#ifndef NEC_PYTHON_DESCRIPTOR_H
#define NEC_PYTHON_DESCRIPTOR_H

#include "python/threads.h"

/*
 * Adds ", a TCP socket" or ", the file '/var/log/x'": from the socket or FileIO with that descriptor among the variables of the innermost
 * functions and what these keep in attributes such as _sock and raw. Nothing when there is none. The other end of a socket is known to
 * the kernel alone.
 */
void nec_descriptor_describe(struct nec_threads *threads, const struct nec_thread *thread, int32_t fd, struct nec_text *out);

#endif
