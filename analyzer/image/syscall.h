/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system call that a thread was in when the dump was written, and what kind of waiting that is.
 * The kernel leaves its number in a register of its own (x86-64: orig_rax) or in place (aarch64:
 * x8, believed where the instruction before the pc is svc).
 */
#ifndef NEC_IMAGE_SYSCALL_H
#define NEC_IMAGE_SYSCALL_H

#include "image/image.h"

enum nec_syscall_kind {
	NEC_SYSCALL_NONE, /* in none */
	NEC_SYSCALL_OTHER,
	NEC_SYSCALL_FUTEX, /* args[0] is the address of the word */
	NEC_SYSCALL_SLEEP,
	NEC_SYSCALL_SELECT, /* args[0] is the number of descriptors */
	NEC_SYSCALL_POLL,   /* args[1] is the number of descriptors */
	NEC_SYSCALL_EPOLL,
	NEC_SYSCALL_FD, /* args[0] is the descriptor */
	NEC_SYSCALL_CHILD,
	NEC_SYSCALL_SIGNAL,
};

struct nec_syscall {
	enum nec_syscall_kind kind;
	int64_t number;
	const char *name; /* NULL: none that a thread waits in */
	uint64_t args[6];
};

/* kind is NONE when the thread is in no system call. */
void nec_syscall_read(const struct nec_image *image, const struct nec_image_thread *thread,
		      struct nec_syscall *ret);

#endif
