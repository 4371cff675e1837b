/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the ledger share. */
#ifndef NEC_PYTHON_LEDGER_PRIVATE_H
#define NEC_PYTHON_LEDGER_PRIVATE_H

#include "python/ledger.h"

static inline void nec_ledger_add(struct nec_ledger_sum *sum, uint64_t bytes)
{
	sum->bytes += bytes;
	sum->count++;
}

/* ledger_regions.c: fills in regions and runtime. */
struct nec_error *nec_ledger_find_regions(struct nec_ledger *l, const char *tmpdir);

/* ledger_blocks.c: the bytes of [start, end), which lies in the region, block by block. */
struct nec_error *nec_ledger_arena(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				   uint64_t end);
struct nec_error *nec_ledger_segment(struct nec_ledger *l, const struct nec_region *r,
				     uint64_t start, uint64_t end);
struct nec_error *nec_ledger_heap(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				  uint64_t end);
struct nec_error *nec_ledger_mapped(struct nec_ledger *l, const struct nec_region *r,
				    uint64_t start, uint64_t end);
struct nec_error *nec_ledger_data(struct nec_ledger *l, const struct nec_region *r, uint64_t start,
				  uint64_t end);
/* Objects in memory of no known allocator; returns the bytes that are theirs. */
uint64_t nec_ledger_objects(struct nec_ledger *l, uint64_t start, uint64_t end);

/* ledger_unowned.c: a chunk of size bytes, head included, whose memory begins at addr. */
void nec_ledger_unowned(struct nec_ledger *l, uint64_t addr, uint64_t size);
/* Puts the groups in order, the largest first. */
void nec_ledger_sort_unowned(struct nec_ledger *l);

#endif
