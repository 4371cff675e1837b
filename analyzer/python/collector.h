/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state of the cyclic collector: is it enabled, thresholds and counts of its generations, and the list of what it did
 * not dare to free. Of the main interpreter where each has its own (3.9 on); of variables of the file before 3.7, which a
 * stripped one hides.
 */
#ifndef NEC_PYTHON_COLLECTOR_H
#define NEC_PYTHON_COLLECTOR_H

#include "python/target.h"

enum { NEC_COLLECTOR_GENERATIONS = 3 };

struct nec_collector {
	bool found; /* the others are valid */
	bool enabled;
	bool collecting;   /* a collection was running */
	bool generational; /* the next two are valid */
	int32_t threshold[NEC_COLLECTOR_GENERATIONS], count[NEC_COLLECTOR_GENERATIONS];
	int64_t frozen;   /* objects that gc.freeze() took out of its sight; -1: there is no such thing (before 3.7), or its list is damaged */
	bool keeps;       /* cycles with __del__ are not freed and go to gc.garbage (until 3.3) */
	uint64_t garbage; /* address of the list gc.garbage; 0: there is none yet */
};

void nec_collector_read(const struct nec_target *t, struct nec_collector *ret);

#endif
