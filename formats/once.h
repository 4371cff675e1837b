/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each object once, for readers that go over a file twice (objects, then references) and cannot
 * trust it to name an address once: the first record of an address counts, also in the second pass,
 * which is told of the others by their position.
 */
#ifndef NEC_FORMATS_ONCE_H
#define NEC_FORMATS_ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/tmparray.h"
#include "base/u64map.h"

struct nec_once {
	struct nec_u64map seen;
	struct nec_tmparray
		repeats; /* uint64_t[]: positions of the records that do not count, ascending */
	uint64_t repeat_count, repeat_next;
};

/* dir is borrowed. */
struct nec_error *nec_once_init(struct nec_once *once, const char *dir);
void nec_once_deinit(struct nec_once *once); /* a zeroed one is fine */

/* First pass, by ascending position: does the record of addr (not 0) at pos count? */
struct nec_error *nec_once_first(struct nec_once *once, uint64_t addr, uint64_t pos,
				 bool *first_ret);

/* Between the passes: forgets the addresses. */
void nec_once_seal(struct nec_once *once);

/* Second pass, by ascending position: does the record at pos count? */
bool nec_once_counts(struct nec_once *once, uint64_t pos);

#endif
