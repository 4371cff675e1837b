/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A living process that is to be captured; see target.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "capture/target.h"

enum {
	PROC_PATH = 64,
	STOP_SECONDS =
		10, /* a thread in uninterruptible sleep stops when its device answers, or never */
	PAGEMAP_BATCH = 512,
};

double nec_capture_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

size_t nec_target_proc(const struct nec_target *target, const char *name, void *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[PROC_PATH + NAME_MAX];
	size_t done = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", target->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && done < size && (n = read(fd, (char *)buf + done, size - done)) > 0)
		done += (size_t)n;
	return done;
}

bool nec_target_lives(const struct nec_target *target)
{
	char stat[512];
	size_t n = nec_target_proc(target, "stat", stat, sizeof(stat) - 1);
	const char *paren;

	stat[n] = 0;
	paren = strrchr(stat, ')');
	return paren && paren[1] == ' ' && paren[2] != 'Z' && paren[2] != 'X';
}

bool nec_target_has_memory(const struct nec_target *target)
{
	char statm[64];

	return nec_target_proc(target, "statm", statm, sizeof(statm)) && statm[0] != '0';
}

/* ---- mappings ----------------------------------------------------------------------------------
 */

static void free_vmas(struct nec_target *t)
{
	size_t i;

	for (i = 0; i < t->vma_count; i++)
		free(t->vmas[i].path);
	free(t->vmas);
	t->vmas = NULL;
	t->vma_count = 0;
}

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* Shared memory has a path that is no file whose contents would be there tomorrow. */
static bool is_memory_path(const char *path)
{
	return starts(path, "/dev/zero") || starts(path, "/dev/shm/") || starts(path, "/memfd:") ||
	       starts(path, "/SYSV") || starts(path, "/anon_hugepage");
}

static struct nec_error *add_vma(struct nec_target *t, size_t *capacity, const char *line)
{
	struct nec_vma v = {0};
	uint64_t inode;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4c %" SCNx64 " %*x:%*x %" SCNu64 " %n", &v.start,
		   &v.end, v.perms, &v.offset, &inode, &at) < 5)
		return NULL;
	if (t->vma_count == *capacity) {
		size_t more = *capacity ? *capacity * 2 : 256;
		struct nec_vma *vmas;

		if (more > NEC_LIMIT_SEGMENTS)
			return nec_error_create(NEC_ERR_LIMIT,
						"process %d has more than %" PRIu64 " mappings",
						t->pid, (uint64_t)NEC_LIMIT_SEGMENTS);
		vmas = realloc(t->vmas, more * sizeof(*vmas));
		if (!vmas)
			return &nec_enomem;
		t->vmas = vmas;
		*capacity = more;
	}
	v.path = strdup(at ? line + at : "");
	if (!v.path)
		return &nec_enomem;
	v.path[strcspn(v.path, "\n")] = 0;
	v.file = v.path[0] == '/' && !is_memory_path(v.path);
	v.skip = !strcmp(v.path, "[vsyscall]") || starts(v.path, "[vvar") ||
		 (starts(v.path, "/dev/") && !is_memory_path(v.path));
	t->vmas[t->vma_count++] = v;
	return NULL;
}

struct nec_error *nec_target_read_maps(struct nec_target *t, bool with_flags)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0, capacity = 0;
	char path[PROC_PATH];

	snprintf(path, sizeof(path), "/proc/%d/%s", t->pid, with_flags ? "smaps" : "maps");
	f = fopen(path, "re");
	if (!f)
		return nec_error_os(errno, "%s", path);
	free_vmas(t);
	while (getline(&line, &size, f) > 0) {
		if (!starts(line, "VmFlags:")) {
			/* A field has a colon behind its name, a mapping a dash behind its start.
			 */
			if (line[strspn(line, "0123456789abcdef")] == '-')
				NEC_TRY(add_vma(t, &capacity, line));
		} else if (t->vma_count) {
			t->vmas[t->vma_count - 1].skip |=
				strstr(line, " dd") || strstr(line, " io");
		}
	}
	if (!t->vma_count)
		return nec_error_create(NEC_ERR_NOTFOUND,
					"process %d has no memory: it is a zombie or of the kernel",
					t->pid);
	return NULL;
}

void nec_target_pages(const struct nec_target *t, uint64_t addr, size_t count,
		      enum nec_page_kind *pages)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE), entries[PAGEMAP_BATCH];
	size_t i, n;
	ssize_t got;

	while (count) {
		n = count < PAGEMAP_BATCH ? count : PAGEMAP_BATCH;
		got = t->pagemap < 0 ? -1
				     : pread(t->pagemap, entries, n * 8, (off_t)(addr / size * 8));
		for (i = 0; i < n; i++) {
			bool known = got >= (ssize_t)((i + 1) * 8);
			/* Bit 63 present, 62 swapped, as a guard without a mapping of its own says
			 * too; 58 is that (Linux 6.15 on). */
			bool there = known && entries[i] >> 62 && !(entries[i] >> 58 & 1);
			bool shared = known && entries[i] >> 61 & 1;

			pages[i] = !known || (there && !shared) ? NEC_PAGE_OWN
				   : there                      ? NEC_PAGE_FILE
								: NEC_PAGE_NONE;
		}
		addr += n * size;
		pages += n;
		count -= n;
	}
}

size_t nec_target_read(const struct nec_target *t, uint64_t addr, void *buf, size_t size)
{
	struct iovec local = {.iov_base = buf, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = size};
	ssize_t n = process_vm_readv(t->pid, &local, 1, &remote, 1, 0);

	/* Memory that its own process may not read is read as a debugger does. */
	if (n <= 0 && t->mem >= 0)
		n = pread(t->mem, buf, size, (off_t)addr);
	return n > 0 ? (size_t)n : 0;
}

/* ---- threads -----------------------------------------------------------------------------------
 */

static struct nec_error *seize(struct nec_target *t, pid_t tid, bool *new_ret)
{
	struct nec_thread_state *threads;
	size_t i;

	for (i = 0; i < t->thread_count; i++) {
		if (t->threads[i].tid == tid)
			return NULL;
	}
	if (ptrace(PTRACE_SEIZE, tid, 0, 0)) {
		if (errno == ESRCH) /* ended since the directory was read */
			return NULL;
		return nec_error_os(errno,
				    "thread %d of process %d (may this user trace it? see "
				    "/proc/sys/kernel/yama/ptrace_scope)",
				    tid, t->pid);
	}
	if (t->thread_count == t->thread_capacity) {
		size_t more = t->thread_capacity ? t->thread_capacity * 2 : 64;

		threads = more > NEC_LIMIT_THREADS ? NULL
						   : realloc(t->threads, more * sizeof(*threads));
		if (!threads) {
			ptrace(PTRACE_DETACH, tid, 0, 0);
			return &nec_enomem;
		}
		t->threads = threads;
		t->thread_capacity = more;
	}
	if (t->stopped_at == 0)
		t->stopped_at = nec_capture_clock();
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	t->threads[t->thread_count++] = (struct nec_thread_state){.tid = tid};
	*new_ret = true;
	return NULL;
}

static struct nec_error *seize_round(struct nec_target *t, bool *new_ret)
{
	struct nec_error *err = NULL;
	struct dirent *entry;
	char path[PROC_PATH];
	DIR *dir;

	*new_ret = false;
	snprintf(path, sizeof(path), "/proc/%d/task", t->pid);
	dir = opendir(path);
	if (!dir)
		return nec_error_os(errno, "%s", path);
	while (!err && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid > 0)
			err = seize(t, tid, new_ret);
	}
	closedir(dir);
	return err;
}

/* Waits until the thread has stopped; one that ends instead is forgotten. */
static bool await_stop(struct nec_thread_state *thread, double deadline)
{
	struct timespec nap = {.tv_nsec = 200000};
	int status;
	pid_t got;

	while (!thread->stopped) {
		got = waitpid(thread->tid, &status, __WALL | WNOHANG);
		if (got < 0 || (got && !WIFSTOPPED(status)))
			return false;
		if (got) {
			thread->stopped = true;
			/* A stop that carries no event is a signal on its way. */
			if (!(status >> 16))
				thread->signal = WSTOPSIG(status);
		} else if (nec_capture_clock() > deadline) {
			return false;
		} else {
			nanosleep(&nap, NULL);
		}
	}
	return true;
}

struct nec_error *nec_target_stop(struct nec_target *t)
{
	double deadline = nec_capture_clock() + STOP_SECONDS;
	size_t i, stopped = 0;
	bool new = true;

	while (new) {
		NEC_TRY(seize_round(t, &new));
		for (i = stopped; i < t->thread_count; i++)
			await_stop(&t->threads[i], deadline);
		stopped = t->thread_count;
	}
	if (!t->thread_count || !nec_target_lives(t))
		return nec_error_create(NEC_ERR_NOTFOUND, "process %d ended", t->pid);
	for (i = 0; i < t->thread_count; i++) {
		if (t->threads[i].tid == t->pid && i) {
			struct nec_thread_state main_thread = t->threads[i];

			t->threads[i] = t->threads[0];
			t->threads[0] = main_thread;
		}
	}
	return NULL;
}

double nec_target_resume(struct nec_target *t)
{
	double pause = t->stopped_at > 0 ? nec_capture_clock() - t->stopped_at : 0;
	size_t i;

	for (i = 0; i < t->thread_count; i++) {
		struct nec_thread_state *thread = &t->threads[i];

		/* Only what has stopped can be let go; the others are when this program ends. */
		if (!thread->stopped)
			await_stop(thread, 0);
		ptrace(PTRACE_DETACH, thread->tid, 0, (void *)(intptr_t)thread->signal);
	}
	t->thread_count = 0;
	t->stopped_at = 0;
	return pause;
}

struct nec_error *nec_target_open(pid_t pid, struct nec_target *t)
{
	char path[PROC_PATH];

	*t = (struct nec_target){.pid = pid, .pagemap = -1, .mem = -1};
	if (!nec_target_lives(t))
		return nec_error_create(NEC_ERR_NOTFOUND, "no process %d", pid);
	if (pid == getpid())
		return nec_error_create(NEC_ERR_USAGE, "process %d is this one", pid);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	t->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	t->mem = open(path, O_RDONLY | O_CLOEXEC);
	return NULL;
}

void nec_target_close(struct nec_target *t)
{
	nec_target_resume(t);
	free_vmas(t);
	free(t->threads);
	t->threads = NULL;
	if (t->pagemap >= 0)
		close(t->pagemap);
	if (t->mem >= 0)
		close(t->mem);
	t->pagemap = t->mem = -1;
}
