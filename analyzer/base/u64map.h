/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash map from 64-bit numbers (addresses, hashes) to 32-bit ones, by open addressing, in
 * temporary files.
 *
 * For readers that learn of addresses in no order and over no known range; base/addrset.h is
 * smaller and faster where the range is known. The keys of a hostile file can make chains long and
 * not endless: the hash is a multiplication with a secret odd number, and the table is at most two
 * thirds full.
 */
#ifndef NEC_BASE_U64MAP_H
#define NEC_BASE_U64MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/tmparray.h"

struct nec_u64map {
	struct nec_tmparray keys;   /* uint64_t[slots], 0: free */
	struct nec_tmparray values; /* uint32_t[slots] */
	uint64_t slots;             /* a power of two */
	uint64_t count;
	uint64_t secret; /* odd */
	const char *dir; /* borrowed */
};

/* dir is borrowed until deinit. */
struct nec_error *nec_u64map_init(struct nec_u64map *map, const char *dir);
void nec_u64map_deinit(struct nec_u64map *map); /* a zeroed one is fine */

/* The value kept for key, which is not 0; NULL when there is none. Borrowed until the next add. */
uint32_t *nec_u64map_find(const struct nec_u64map *map, uint64_t key);

/* Keeps value for key, which is not 0, unless there is one already: then *added_ret is false and
 * nothing changes. */
struct nec_error *nec_u64map_add(struct nec_u64map *map, uint64_t key, uint32_t value,
				 bool *added_ret);

#endif
