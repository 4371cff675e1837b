/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The notes of a core; see notes.h. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/corenote.h"
#include "capture/cgroup.h"
#include "capture/notes.h"

enum {
	REGSET_SIZE = 64 << 10, /* the largest, x86's extended state, is 11 KiB with AMX */
	AUXV_SIZE = 4096,
};

/* To add one: NT_* of elf.h, and whose name the note bears. PRSTATUS is made apart. */
static const struct {
	unsigned int type;
	const char *name;
} regsets[] = {
	{NT_PRFPREG, "CORE"},
	{NT_X86_XSTATE, "LINUX"},
	{NT_ARM_TLS, "LINUX"},
	{NT_ARM_PAC_MASK, "LINUX"},
};

/* What /proc/PID/stat says, in its order from the state on. */
struct stat_line {
	char name[16];
	char state;
	int ppid, pgrp, sid;
	unsigned long flags, utime, stime, cutime, cstime;
	long nice;
};

static void add_note(struct nec_text *notes, const char *name, unsigned int type, const void *data,
		     size_t size)
{
	static const char zeros[4];
	Elf64_Nhdr head = {.n_namesz = (Elf64_Word)strlen(name) + 1,
			   .n_descsz = (Elf64_Word)size,
			   .n_type = type};

	nec_text_add(notes, (const char *)&head, sizeof(head));
	nec_text_add(notes, name, head.n_namesz);
	nec_text_add(notes, zeros, -head.n_namesz & 3);
	nec_text_add(notes, data, size);
	nec_text_add(notes, zeros, -size & 3);
}

static void read_stat(const struct nec_target *t, struct stat_line *s)
{
	char text[1024];
	size_t n = nec_target_proc(t, "stat", text, sizeof(text) - 1);
	char *open, *close;

	*s = (struct stat_line){.state = 'R'};
	text[n] = 0;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open)
		return;
	*close = 0;
	snprintf(s->name, sizeof(s->name), "%s", open + 1);
	sscanf(close + 1, " %c %d %d %d %*d %*d %lu %*u %*u %*u %*u %lu %lu %lu %lu %*d %ld",
	       &s->state, &s->ppid, &s->pgrp, &s->sid, &s->flags, &s->utime, &s->stime, &s->cutime,
	       &s->cstime, &s->nice);
}

static void add_prstatus(const struct nec_target *t, const struct nec_thread_state *thread,
			 const struct stat_line *stat, struct nec_text *notes)
{
	struct elf_prstatus status = {0};
	struct iovec iov = {.iov_base = &status.pr_reg, .iov_len = sizeof(status.pr_reg)};
	long hz = sysconf(_SC_CLK_TCK);

	ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov);
	status.pr_info.si_signo = status.pr_cursig = (short)thread->signal;
	status.pr_pid = thread->tid;
	status.pr_ppid = stat->ppid;
	status.pr_pgrp = stat->pgrp;
	status.pr_sid = stat->sid;
	if (thread->tid == t->pid && hz > 0) {
		status.pr_utime.tv_sec = (long)stat->utime / hz;
		status.pr_stime.tv_sec = (long)stat->stime / hz;
		status.pr_cutime.tv_sec = (long)stat->cutime / hz;
		status.pr_cstime.tv_sec = (long)stat->cstime / hz;
	}
	status.pr_fpvalid = 1;
	add_note(notes, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static void add_regsets(const struct nec_thread_state *thread, struct nec_text *notes)
{
	static uint8_t buf[REGSET_SIZE];
	size_t i;

	for (i = 0; i < sizeof(regsets) / sizeof(*regsets); i++) {
		struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};

		if (!ptrace(PTRACE_GETREGSET, thread->tid, (void *)(uintptr_t)regsets[i].type,
			    &iov))
			add_note(notes, regsets[i].name, regsets[i].type, buf, iov.iov_len);
	}
}

static void add_prpsinfo(const struct nec_target *t, const struct stat_line *stat,
			 struct nec_text *notes)
{
	struct elf_prpsinfo info = {.pr_sname = stat->state,
				    .pr_pid = t->pid,
				    .pr_ppid = stat->ppid,
				    .pr_pgrp = stat->pgrp,
				    .pr_sid = stat->sid,
				    .pr_flag = stat->flags,
				    .pr_nice = (char)stat->nice};
	static const char states[] = "RSDTZW";
	const char *found = strchr(states, stat->state);
	char uids[4096], *at;
	size_t n, i;

	info.pr_state = (char)(found ? found - states : 0);
	info.pr_zomb = stat->state == 'Z';
	n = nec_target_proc(t, "status", uids, sizeof(uids) - 1);
	uids[n] = 0;
	if ((at = strstr(uids, "\nUid:")))
		info.pr_uid = (unsigned int)strtoul(at + 5, NULL, 10);
	if ((at = strstr(uids, "\nGid:")))
		info.pr_gid = (unsigned int)strtoul(at + 5, NULL, 10);
	memcpy(info.pr_fname, stat->name, sizeof(info.pr_fname));
	n = nec_target_proc(t, "cmdline", info.pr_psargs, sizeof(info.pr_psargs) - 1);
	while (n && !info.pr_psargs[n - 1])
		n--;
	for (i = 0; i < n; i++) {
		if (!info.pr_psargs[i])
			info.pr_psargs[i] = ' ';
	}
	add_note(notes, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

/* Count, page size, three words a mapping, then the names: see fill_files_note() of the kernel. */
static void add_files(const struct nec_target *t, struct nec_text *notes)
{
	_cleanup_(nec_text_deinit) struct nec_text note = {0};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), words[3] = {0, page};
	size_t i;

	for (i = 0; i < t->vma_count; i++)
		words[0] += t->vmas[i].path[0] == '/';
	nec_text_add(&note, (const char *)words, 2 * sizeof(*words));
	for (i = 0; i < t->vma_count; i++) {
		const struct nec_vma *v = &t->vmas[i];

		if (v->path[0] != '/')
			continue;
		words[0] = v->start;
		words[1] = v->end;
		words[2] = v->offset / page;
		nec_text_add(&note, (const char *)words, sizeof(words));
	}
	for (i = 0; i < t->vma_count; i++) {
		if (t->vmas[i].path[0] == '/')
			nec_text_add(&note, t->vmas[i].path, strlen(t->vmas[i].path) + 1);
	}
	notes->failed |= note.failed;
	if (!note.failed)
		add_note(notes, "CORE", NT_FILE, note.data, note.len);
}

static double status_kib(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtod(at + strlen(key), NULL) * 1024 : 0;
}

/*
 * What no core says: when it was taken, how much memory was resident, and what the limits were.
 * Lines of a name and a number; formats/elfcore.c reads them.
 */
static void add_account(const struct nec_target *t, struct nec_text *notes)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	char status[4096], limits[4096], *at;
	struct nec_cgroup_memory cgroup;
	struct timespec now;
	double v;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	nec_text_printf(&text, "time %lld.%06ld\n", (long long)now.tv_sec, now.tv_nsec / 1000);
	n = nec_target_proc(t, "status", status, sizeof(status) - 1);
	status[n] = 0;
	if ((v = status_kib(status, "\nVmRSS:")) > 0)
		nec_text_printf(&text, "rss %.0f\n", v);
	if ((v = status_kib(status, "\nVmSwap:")) > 0)
		nec_text_printf(&text, "swap %.0f\n", v);
	if ((v = status_kib(status, "\nVmSize:")) > 0)
		nec_text_printf(&text, "size %.0f\n", v);
	if (nec_cgroup_memory(t->pid, &cgroup))
		nec_text_printf(&text, "cgroup_limit %.0f\ncgroup %.0f\n", cgroup.limit,
				cgroup.used);
	n = nec_target_proc(t, "limits", limits, sizeof(limits) - 1);
	limits[n] = 0;
	at = strstr(limits, "Max address space");
	if (at && sscanf(at, "Max address space %lf", &v) == 1)
		nec_text_printf(&text, "as_limit %.0f\n", v);
	notes->failed |= text.failed;
	if (!text.failed)
		add_note(notes, NEC_NOTE_OWNER, NEC_NOTE_ACCOUNT, text.data, text.len);
}

void nec_notes_make(const struct nec_target *t, struct nec_text *notes)
{
	siginfo_t siginfo = {0};
	uint8_t auxv[AUXV_SIZE];
	struct stat_line stat;
	size_t i, n;

	read_stat(t, &stat);
	for (i = 0; i < t->thread_count; i++) {
		if (!t->threads[i].stopped)
			continue;
		add_prstatus(t, &t->threads[i], &stat, notes);
		if (!i) {
			add_prpsinfo(t, &stat, notes);
			/* Without a signal on its way it tells of the stop that was asked for. */
			if (t->threads[i].signal)
				ptrace(PTRACE_GETSIGINFO, t->threads[i].tid, 0, &siginfo);
			add_note(notes, "CORE", NT_SIGINFO, &siginfo, sizeof(siginfo));
			n = nec_target_proc(t, "auxv", auxv, sizeof(auxv));
			add_note(notes, "CORE", NT_AUXV, auxv, n);
			add_files(t, notes);
			add_account(t, notes);
		}
		add_regsets(&t->threads[i], notes);
	}
}
