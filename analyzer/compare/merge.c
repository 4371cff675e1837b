/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The merge of two databases on two threads; see merge.h. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "compare/merge.h"

enum { STEP = 1 << 14 /* objects between looks at the progress */ };

struct half {
	struct nec_merge_worker worker; /* first: what the function sees */
	const struct nec_merge *merge;
	uint64_t from, to;
	atomic_uint_fast64_t *done; /* objects of all workers */
	atomic_bool *stop;
	bool reports; /* the caller's own thread: the only one to call back */
	struct nec_error *error;
};

static struct nec_error *look(struct half *half, uint64_t *count)
{
	uint64_t done = atomic_fetch_add(half->done, *count) + *count;

	*count = 0;
	if (atomic_load(half->stop))
		return nec_error_create(NEC_ERR_CANCELLED, "cancelled during %s",
					half->merge->stage);
	if (!half->reports)
		return NULL;
	return nec_progress_step(half->merge->progress, half->merge->stage, done,
				 half->merge->total);
}

static struct nec_error *walk(struct half *half)
{
	struct nec_merge_worker *w = &half->worker;
	struct nec_scan_object a, b;
	uint64_t count = 0;
	bool more_a, more_b;

	NEC_TRY(nec_scan_next(w->a, &a, &more_a));
	NEC_TRY(nec_scan_next(w->b, &b, &more_b));
	while (more_a || more_b) {
		bool has_a = more_a && (!more_b || a.addr <= b.addr);
		bool has_b = more_b && (!more_a || b.addr <= a.addr);

		NEC_TRY(half->merge->fn(w, has_a ? &a : NULL, has_b ? &b : NULL));
		count += (uint64_t)has_a + has_b;
		if (has_a)
			NEC_TRY(nec_scan_next(w->a, &a, &more_a));
		if (has_b)
			NEC_TRY(nec_scan_next(w->b, &b, &more_b));
		if (count >= STEP)
			NEC_TRY(look(half, &count));
	}
	return look(half, &count);
}

static struct nec_error *run_half(struct half *half)
{
	const struct nec_merge *m = half->merge;

	NEC_TRY(nec_scan_open(m->a, m->what, half->from, half->to, &half->worker.a));
	NEC_TRY(nec_scan_open(m->b, m->what, half->from, half->to, &half->worker.b));
	return walk(half);
}

static void *half_main(void *arg)
{
	struct half *half = arg;

	half->error = run_half(half);
	if (half->error)
		atomic_store(half->stop, true);
	nec_scan_close(half->worker.a);
	nec_scan_close(half->worker.b);
	return NULL;
}

struct nec_error *nec_merge_run(const struct nec_merge *merge)
{
	struct half halves[NEC_MERGE_WORKERS];
	pthread_t thread;
	atomic_uint_fast64_t done = 0;
	atomic_bool stop = false;
	struct nec_error *err;
	uint64_t middle;
	uint32_t count;
	unsigned int i;
	int rc;

	NEC_TRY(nec_scan_extent(merge->b, &count, &middle));
	for (i = 0; i < NEC_MERGE_WORKERS; i++)
		halves[i] = (struct half){
			.worker = {.index = i, .arg = merge->arg},
			.merge = merge,
			.from = i ? middle : 0,
			.to = i ? UINT64_MAX : middle,
			.done = &done,
			.stop = &stop,
			.reports = !i,
		};
	rc = pthread_create(&thread, NULL, half_main, &halves[1]);
	if (rc)
		return nec_error_os(rc, "thread for %s", merge->stage);
	half_main(&halves[0]);
	pthread_join(thread, NULL);
	/* Where one failed the other says that it was cancelled. */
	i = halves[0].error && (!halves[1].error || halves[0].error->code != NEC_ERR_CANCELLED ||
				halves[1].error->code == NEC_ERR_CANCELLED)
		    ? 0
		    : 1;
	err = halves[i].error;
	nec_error_destroy(halves[!i].error);
	return err;
}
