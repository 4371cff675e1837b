/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls; see syscall.h. Numbers: arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h. */
#include <elf.h>

#include "image/syscall.h"

/* To add one: a row. Number on x86-64, on aarch64; -1 where there is none. */
static const struct {
	int16_t x86_64, aarch64;
	uint8_t kind;
	const char *name;
} calls[] = {
	{0, 63, NEC_SYSCALL_FD, "read"},
	{1, 64, NEC_SYSCALL_FD, "write"},
	{3, 57, NEC_SYSCALL_FD, "close"},
	{7, -1, NEC_SYSCALL_POLL, "poll"},
	{17, 67, NEC_SYSCALL_FD, "pread64"},
	{18, 68, NEC_SYSCALL_FD, "pwrite64"},
	{19, 65, NEC_SYSCALL_FD, "readv"},
	{20, 66, NEC_SYSCALL_FD, "writev"},
	{23, -1, NEC_SYSCALL_SELECT, "select"},
	{34, -1, NEC_SYSCALL_SIGNAL, "pause"},
	{35, 101, NEC_SYSCALL_SLEEP, "nanosleep"},
	{42, 203, NEC_SYSCALL_FD, "connect"},
	{43, 202, NEC_SYSCALL_FD, "accept"},
	{44, 206, NEC_SYSCALL_FD, "sendto"},
	{45, 207, NEC_SYSCALL_FD, "recvfrom"},
	{46, 211, NEC_SYSCALL_FD, "sendmsg"},
	{47, 212, NEC_SYSCALL_FD, "recvmsg"},
	{61, 260, NEC_SYSCALL_CHILD, "wait4"},
	{65, 193, NEC_SYSCALL_OTHER, "semop"},
	{72, 25, NEC_SYSCALL_FD, "fcntl"},
	{73, 32, NEC_SYSCALL_FD, "flock"},
	{74, 82, NEC_SYSCALL_FD, "fsync"},
	{75, 83, NEC_SYSCALL_FD, "fdatasync"},
	{128, 137, NEC_SYSCALL_SIGNAL, "rt_sigtimedwait"},
	{130, 133, NEC_SYSCALL_SIGNAL, "rt_sigsuspend"},
	{202, 98, NEC_SYSCALL_FUTEX, "futex"},
	{230, 115, NEC_SYSCALL_SLEEP, "clock_nanosleep"},
	{232, -1, NEC_SYSCALL_EPOLL, "epoll_wait"},
	{247, 95, NEC_SYSCALL_CHILD, "waitid"},
	{257, 56, NEC_SYSCALL_OTHER, "openat"},
	{270, 72, NEC_SYSCALL_SELECT, "pselect6"},
	{271, 73, NEC_SYSCALL_POLL, "ppoll"},
	{281, 22, NEC_SYSCALL_EPOLL, "epoll_pwait"},
	{288, 242, NEC_SYSCALL_FD, "accept4"},
	{299, 243, NEC_SYSCALL_FD, "recvmmsg"},
	{307, 269, NEC_SYSCALL_FD, "sendmmsg"},
	{318, 278, NEC_SYSCALL_OTHER, "getrandom"},
	{426, 426, NEC_SYSCALL_FD, "io_uring_enter"},
	{441, 441, NEC_SYSCALL_EPOLL, "epoll_pwait2"},
};

/* Arguments 0 to 5, in DWARF numbers. */
static const uint8_t x86_64_args[] = {5, 4, 1, 10, 8, 9}, aarch64_args[] = {0, 1, 2, 3, 4, 5};

static bool in_syscall(const struct nec_image *image, const struct nec_image_thread *thread,
		       bool x86)
{
	enum { SVC = 0xd4000001 };
	uint32_t insn;

	if (x86)
		return thread->syscall_word >= 0;
	return nec_image_u32(image, thread->pc - 4, &insn) && insn == SVC;
}

void nec_syscall_read(const struct nec_image *image, const struct nec_image_thread *thread,
		      struct nec_syscall *ret)
{
	bool x86 = nec_image_process(image)->machine == EM_X86_64;
	size_t i;

	*ret = (struct nec_syscall){.kind = NEC_SYSCALL_NONE, .number = -1};
	if (!in_syscall(image, thread, x86))
		return;
	ret->number = thread->syscall_word;
	ret->kind = NEC_SYSCALL_OTHER;
	for (i = 0; i < 6; i++)
		ret->args[i] = thread->regs[x86 ? x86_64_args[i] : aarch64_args[i]];
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((x86 ? calls[i].x86_64 : calls[i].aarch64) != ret->number)
			continue;
		ret->kind = calls[i].kind;
		ret->name = calls[i].name;
	}
}
