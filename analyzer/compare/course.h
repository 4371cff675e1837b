/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures over time by name, gathered from snapshots in any order: what a trend is made of. */
#ifndef NEC_COMPARE_COURSE_H
#define NEC_COMPARE_COURSE_H

#include <stdint.h>

#include "base/error.h"

/* A recording has hundreds of thousands of figures; no picture and no fit needs more than these. */
enum { NEC_COURSE_POINTS = 240 };

struct nec_course {
	char *kind, *name, *unit; /* owned */
	uint64_t addr;            /* 0: none */
	double *times, *values;   /* owned */
	uint32_t count, capacity;
};

struct nec_courses {
	struct nec_course *list;
	uint32_t count, capacity;
	uint32_t *slots; /* hash table of index + 1 */
	uint32_t slot_count;
};

void nec_courses_deinit(struct nec_courses *courses);

/* Adds a point to the course of that kind, name and unit. */
struct nec_error *nec_courses_add(struct nec_courses *courses, const char *kind, const char *name,
				  const char *unit, uint64_t addr, double time, double value);

struct nec_course *nec_courses_find(const struct nec_courses *courses, const char *kind,
				    const char *name, const char *unit);

/* In order of time, one value a time (the last that was added), and no more than NEC_COURSE_POINTS,
 * averaged. */
void nec_course_settle(struct nec_course *course);

/* The figure at a time, between two points; NaN outside of them. */
double nec_course_at(const struct nec_course *course, double time);

#endif
