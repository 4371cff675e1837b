/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of 8-byte aligned addresses of a 48-bit (user half) address space, with rank.
 *
 * Objects get dense ids by rank: the id of an address is the number of members below it. The set is a
 * bitmap a 2 MiB region, found through a two-level table, so a look-up is two dependent loads and one
 * popcount, whatever the size. Regions are made by nec_addrset_cover, so a wild address never allocates:
 * what is not covered cannot be a member.
 *
 * Setting bits may happen from several threads at once (after covering); rank needs nec_addrset_index,
 * after which the set must not change.
 */
#ifndef NEC_BASE_ADDRSET_H
#define NEC_BASE_ADDRSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
	NEC_ADDRSET_REGION_SHIFT = 21,				  /* 2 MiB */
	NEC_ADDRSET_WORDS = 1 << (NEC_ADDRSET_REGION_SHIFT - 9),  /* 64-bit words a region: 4096 */
	NEC_ADDRSET_DIR_SHIFT = 36,				  /* a directory spans 64 GiB */
	NEC_ADDRSET_DIR_SIZE = 1 << (NEC_ADDRSET_DIR_SHIFT - NEC_ADDRSET_REGION_SHIFT),
	NEC_ADDRSET_DIRS = 1 << (48 - NEC_ADDRSET_DIR_SHIFT),
};

struct nec_addrset_region {
	uint64_t bits[NEC_ADDRSET_WORDS];
	uint32_t rank[NEC_ADDRSET_WORDS / 8]; /* members of the region before each 8 words */
	uint64_t base;			      /* members of the set below this region */
	uint64_t start;			      /* first address */
};

struct nec_addrset {
	struct nec_addrset_region **dirs[NEC_ADDRSET_DIRS];
	struct nec_addrset_region **regions; /* by address, after nec_addrset_index */
	uint64_t region_count;
	uint64_t count; /* members, after nec_addrset_index */
};

/* An empty set on the heap, to be destroyed; NULL when out of memory. */
struct nec_addrset *nec_addrset_create(void);
void nec_addrset_destroy(struct nec_addrset *set);

static inline void nec_addrset_destroyp(struct nec_addrset **setp)
{
	nec_addrset_destroy(*setp);
}

/* Makes start <= addr < end settable. Addresses from 2^48 up are left out. */
struct nec_error *nec_addrset_cover(struct nec_addrset *set, uint64_t start, uint64_t end);

static inline struct nec_addrset_region *nec_addrset_region(const struct nec_addrset *set,
							    uint64_t addr)
{
	struct nec_addrset_region **dir;

	if (addr >> 48)
		return NULL;
	dir = set->dirs[addr >> NEC_ADDRSET_DIR_SHIFT];
	return dir ? dir[(addr >> NEC_ADDRSET_REGION_SHIFT) & (NEC_ADDRSET_DIR_SIZE - 1)] : NULL;
}

static inline unsigned int nec_addrset_word_(uint64_t addr)
{
	return (addr >> 9) & (NEC_ADDRSET_WORDS - 1);
}

/* Is addr a member? Unaligned and uncovered addresses never are. */
static inline bool nec_addrset_has(const struct nec_addrset *set, uint64_t addr)
{
	const struct nec_addrset_region *r = nec_addrset_region(set, addr);

	return r && !(addr & 7) && (r->bits[nec_addrset_word_(addr)] >> (addr >> 3 & 63) & 1);
}

/* Adds addr; false when it is a member already, unaligned, or not covered. */
static inline bool nec_addrset_add(struct nec_addrset *set, uint64_t addr)
{
	struct nec_addrset_region *r = nec_addrset_region(set, addr);
	uint64_t *word, bit = UINT64_C(1) << (addr >> 3 & 63);

	if (!r || addr & 7)
		return false;
	word = &r->bits[nec_addrset_word_(addr)];
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

/* nec_addrset_add for several threads at once: exactly one of them gets true. */
static inline bool nec_addrset_add_atomic(struct nec_addrset *set, uint64_t addr)
{
	struct nec_addrset_region *r = nec_addrset_region(set, addr);
	uint64_t *word, bit = UINT64_C(1) << (addr >> 3 & 63);

	if (!r || addr & 7)
		return false;
	word = &r->bits[nec_addrset_word_(addr)];
	if (__atomic_load_n(word, __ATOMIC_RELAXED) & bit)
		return false;
	return !(__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit);
}

/* Takes addr out again. */
static inline void nec_addrset_remove(struct nec_addrset *set, uint64_t addr)
{
	struct nec_addrset_region *r = nec_addrset_region(set, addr);

	if (r && !(addr & 7))
		r->bits[nec_addrset_word_(addr)] &= ~(UINT64_C(1) << (addr >> 3 & 63));
}

/* Counts the members and prepares rank; call again after a change. */
struct nec_error *nec_addrset_index(struct nec_addrset *set);

#define NEC_ADDRSET_NONE UINT64_MAX

/* The number of members below addr, NEC_ADDRSET_NONE when addr is no member. Needs the index. */
static inline uint64_t nec_addrset_rank(const struct nec_addrset *set, uint64_t addr)
{
	const struct nec_addrset_region *r = nec_addrset_region(set, addr);
	unsigned int w = nec_addrset_word_(addr), bit = addr >> 3 & 63, i;
	uint64_t rank;

	if (!r || addr & 7 || !(r->bits[w] >> bit & 1))
		return NEC_ADDRSET_NONE;
	rank = r->base + r->rank[w / 8];
	for (i = w & ~7u; i < w; i++)
		rank += (uint64_t)__builtin_popcountll(r->bits[i]);
	return rank + (uint64_t)__builtin_popcountll(r->bits[w] & ((UINT64_C(1) << bit) - 1));
}

/* The smallest member >= addr, NEC_ADDRSET_NONE when there is none. Needs the index. */
uint64_t nec_addrset_next(const struct nec_addrset *set, uint64_t addr);

/* The greatest member <= addr, NEC_ADDRSET_NONE when there is none. Needs the index. */
uint64_t nec_addrset_prev(const struct nec_addrset *set, uint64_t addr);

#endif
