/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Progress and cancelling of long work. Whoever works calls nec_progress_step every few thousand items;
 * whoever asked for the work gets a callback now and then and may set `cancel` from a signal handler or
 * another thread.
 */
#ifndef NEC_BASE_PROGRESS_H
#define NEC_BASE_PROGRESS_H

#include <stdint.h>

#include "base/error.h"
#include "base/mapguard.h"

struct nec_progress {
	/* What is being done, how far it is, out of how much (0: not known). May be NULL. */
	void (*report)(void *arg, const char *stage, uint64_t done, uint64_t total);
	void *arg;
	volatile int cancel; /* not 0: stop as soon as possible */
};

/* NEC_ERR_CANCELLED once progress->cancel is set, and what nec_mapguard_check() says. progress may be NULL. */
static inline struct nec_error *nec_progress_step(struct nec_progress *progress, const char *stage,
						  uint64_t done, uint64_t total)
{
	if (!progress)
		return NULL;
	if (progress->cancel)
		return nec_error_create(NEC_ERR_CANCELLED, "cancelled during %s", stage);
	if (progress->report)
		progress->report(progress->arg, stage, done, total);
	return nec_mapguard_check();
}

#endif
