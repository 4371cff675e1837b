/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pairs of a key and a value in a temporary array, and sorting them, in time that does not depend
 * on their order. */
#ifndef NEC_BASE_PAIRS_H
#define NEC_BASE_PAIRS_H

#include <stdint.h>

#include "base/error.h"
#include "base/tmparray.h"

struct nec_pair {
	uint64_t key;
	uint64_t value;
};

static inline uint64_t nec_pairs_count(const struct nec_tmparray *pairs)
{
	return pairs->size / sizeof(struct nec_pair);
}

/* Sorts by key; equal keys stay in order. tmpdir: for a second array of the same size. Radix sort,
 * least significant byte first. */
struct nec_error *nec_pairs_sort(struct nec_tmparray *pairs, const char *tmpdir);

#endif
