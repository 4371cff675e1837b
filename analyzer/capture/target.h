/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A living process that is to be captured: its mappings and which pages of them are its own, its
 * threads stopped and let go again, their registers, its memory.
 *
 * Threads are seized (PTRACE_SEIZE), which neither stops them nor sends a signal, then interrupted;
 * whoever is started meanwhile is seized in the next round, until a round finds nobody new. When
 * this program dies the kernel lets them go on. Sources: ptrace(2), proc(5),
 * Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef NEC_CAPTURE_TARGET_H
#define NEC_CAPTURE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct nec_vma {
	uint64_t start, end;
	uint64_t offset; /* of the file, bytes */
	char perms[4];   /* "rw-p" */
	char *path;      /* owned; "" for anonymous memory */
	bool skip;       /* not to be dumped: device memory, vvar, or the program asked for it
			    (MADV_DONTDUMP) */
	bool file;       /* what was not written to is in that file */
};

struct nec_thread_state {
	pid_t tid;
	bool stopped; /* is ours, and has stopped */
	int signal;   /* that it was about to receive; given back when it goes on */
};

struct nec_target {
	pid_t pid;
	struct nec_vma *vmas;
	size_t vma_count;
	struct nec_thread_state *threads; /* [0] is the main thread */
	size_t thread_count, thread_capacity;
	int mem;           /* fd, -1: not to be had */
	int pagemap;       /* fd, -1: not readable, every page counts as the process's own */
	double stopped_at; /* CLOCK_MONOTONIC, when the first thread was interrupted; 0: none was */
};

/* NEC_ERR_NOTFOUND: no such process. NEC_ERR_OS says what permission is missing. */
struct nec_error *nec_target_open(pid_t pid, struct nec_target *target);
/* Lets the threads go on, if they have not been let. */
void nec_target_close(struct nec_target *target);

/* Reads the mappings (again). with_flags: also what smaps alone knows, which takes the kernel a
 * walk over all pages. */
struct nec_error *nec_target_read_maps(struct nec_target *target, bool with_flags);

struct nec_error *nec_target_stop(struct nec_target *target);
/* Seconds that the target stood still. */
double nec_target_resume(struct nec_target *target);

enum nec_page_kind {
	NEC_PAGE_NONE, /* never touched: zeros, or what the file has */
	NEC_PAGE_FILE, /* as the file has it */
	NEC_PAGE_OWN,  /* the process's own, in memory or in swap */
};

/* What the pages from addr on are; count of them, of the size of a page. */
void nec_target_pages(const struct nec_target *target, uint64_t addr, size_t count,
		      enum nec_page_kind *pages);

/* Bytes read, fewer than size where memory ends or the target does; 0: none. */
size_t nec_target_read(const struct nec_target *target, uint64_t addr, void *buf, size_t size);

/* A file below /proc/PID, at most size bytes; 0 when it is not to be had. */
size_t nec_target_proc(const struct nec_target *target, const char *name, void *buf, size_t size);

/* Is the process there and no zombie? */
bool nec_target_lives(const struct nec_target *target);
/* One that was killed has none from then on, and lives until all of it is freed: seconds, on a busy
 * machine. */
bool nec_target_has_memory(const struct nec_target *target);

double nec_capture_clock(void); /* CLOCK_MONOTONIC, seconds */

#endif
