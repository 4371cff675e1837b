/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums of figures that a dump or a database says, which may be anything: a sum that does not fit
 * stays at the greatest number there is, or the least.
 */
#ifndef NEC_BASE_SUM_H
#define NEC_BASE_SUM_H

#include <stdint.h>

static inline int64_t nec_sum(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

/* a - b */
static inline int64_t nec_change(int64_t a, int64_t b)
{
	int64_t change;

	if (__builtin_sub_overflow(a, b, &change))
		return b < 0 ? INT64_MAX : INT64_MIN;
	return change;
}

#endif
