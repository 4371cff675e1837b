/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ranked set of addresses; see addrset.h. */
#include <stdlib.h>

#include "base/addrset.h"

struct nec_addrset *nec_addrset_create(void)
{
	return calloc(1, sizeof(struct nec_addrset));
}

void nec_addrset_destroy(struct nec_addrset *set)
{
	unsigned int i, j;

	if (!set)
		return;
	for (i = 0; i < NEC_ADDRSET_DIRS; i++) {
		if (!set->dirs[i])
			continue;
		for (j = 0; j < NEC_ADDRSET_DIR_SIZE; j++)
			free(set->dirs[i][j]);
		free(set->dirs[i]);
	}
	free(set->regions);
	free(set);
}

struct nec_error *nec_addrset_cover(struct nec_addrset *set, uint64_t start, uint64_t end)
{
	const uint64_t size = UINT64_C(1) << NEC_ADDRSET_REGION_SHIFT;
	struct nec_addrset_region **dir, **slot;
	uint64_t addr;

	if (end > UINT64_C(1) << 48)
		end = UINT64_C(1) << 48;
	for (addr = start & ~(size - 1); addr < end; addr += size) {
		dir = set->dirs[addr >> NEC_ADDRSET_DIR_SHIFT];
		if (!dir) {
			dir = calloc(NEC_ADDRSET_DIR_SIZE, sizeof(*dir));
			if (!dir)
				return &nec_enomem;
			set->dirs[addr >> NEC_ADDRSET_DIR_SHIFT] = dir;
		}
		slot = &dir[(addr >> NEC_ADDRSET_REGION_SHIFT) & (NEC_ADDRSET_DIR_SIZE - 1)];
		if (*slot)
			continue;
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return &nec_enomem;
		(*slot)->start = addr;
		set->region_count++;
	}
	return NULL;
}

struct nec_error *nec_addrset_index(struct nec_addrset *set)
{
	struct nec_addrset_region *r;
	uint64_t n = 0, total = 0;
	unsigned int i, j, w;
	uint32_t count;

	free(set->regions);
	set->regions = calloc(set->region_count + 1, sizeof(struct nec_addrset_region *));
	if (!set->regions)
		return &nec_enomem;
	for (i = 0; i < NEC_ADDRSET_DIRS; i++) {
		for (j = 0; set->dirs[i] && j < NEC_ADDRSET_DIR_SIZE; j++) {
			r = set->dirs[i][j];
			if (!r)
				continue;
			count = 0;
			for (w = 0; w < NEC_ADDRSET_WORDS; w++) {
				if (w % 8 == 0)
					r->rank[w / 8] = count;
				count += (uint32_t)__builtin_popcountll(r->bits[w]);
			}
			r->base = total;
			total += count;
			set->regions[n++] = r;
		}
	}
	set->count = total;
	return NULL;
}

/* The position in set->regions of the first one that ends above addr. */
static uint64_t region_at(const struct nec_addrset *set, uint64_t addr)
{
	uint64_t lo = 0, hi = set->region_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (set->regions[mid]->start + (UINT64_C(1) << NEC_ADDRSET_REGION_SHIFT) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t nec_addrset_next(const struct nec_addrset *set, uint64_t addr)
{
	const struct nec_addrset_region *r;
	uint64_t i, word;
	unsigned int w;

	if (addr > UINT64_MAX - 7)
		return NEC_ADDRSET_NONE;
	addr = (addr + 7) & ~UINT64_C(7);
	for (i = region_at(set, addr); i < set->region_count; i++) {
		r = set->regions[i];
		w = addr > r->start ? nec_addrset_word_(addr) : 0;
		word = r->bits[w];
		if (addr > r->start)
			word &= ~UINT64_C(0) << (addr >> 3 & 63);
		while (!word && ++w < NEC_ADDRSET_WORDS)
			word = r->bits[w];
		if (word)
			return r->start + (uint64_t)w * 512 + (uint64_t)__builtin_ctzll(word) * 8;
	}
	return NEC_ADDRSET_NONE;
}

uint64_t nec_addrset_prev(const struct nec_addrset *set, uint64_t addr)
{
	const struct nec_addrset_region *r;
	uint64_t i = region_at(set, addr), word;
	unsigned int w;

	if (i < set->region_count && set->regions[i]->start <= addr)
		i++;
	while (i-- > 0) {
		r = set->regions[i];
		w = NEC_ADDRSET_WORDS - 1;
		word = r->bits[w];
		if (addr < r->start + (UINT64_C(1) << NEC_ADDRSET_REGION_SHIFT)) {
			w = nec_addrset_word_(addr);
			word = r->bits[w] & (~UINT64_C(0) >> (63 - (addr >> 3 & 63)));
		}
		while (!word && w-- > 0)
			word = r->bits[w];
		if (word)
			return r->start + (uint64_t)w * 512 +
			       (63 - (uint64_t)__builtin_clzll(word)) * 8;
	}
	return NEC_ADDRSET_NONE;
}
