/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two databases side by side in order of addresses: every address that either has an object at,
 * once. The address space is cut in two, and each half is read by a thread of its own with
 * connections of its own.
 */
#ifndef NEC_COMPARE_MERGE_H
#define NEC_COMPARE_MERGE_H

#include "base/progress.h"
#include "store/scan.h"

enum { NEC_MERGE_WORKERS = 2 };

/* What a worker has; a and b are at the objects that the function was called with. */
struct nec_merge_worker {
	unsigned int index; /* 0 .. NEC_MERGE_WORKERS - 1, ascending addresses */
	struct nec_scan *a, *b;
	void *arg; /* what nec_merge_run was given, shared by the workers */
};

/* a or b is NULL where only the other snapshot has an object at that address. */
typedef struct nec_error *(*nec_merge_fn)(struct nec_merge_worker *worker,
					  const struct nec_scan_object *a,
					  const struct nec_scan_object *b);

struct nec_merge {
	struct nec_db *a, *b;
	unsigned int what; /* NEC_SCAN_* */
	nec_merge_fn fn;
	void *arg;
	struct nec_progress *progress;
	const char *stage;
	uint64_t total; /* objects of both, for progress */
};

struct nec_error *nec_merge_run(const struct nec_merge *merge);

#endif
