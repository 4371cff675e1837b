/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks of values that wait in a temporary file, first in, first out: whoever reads the dump then
 * need not wait for SQLite, which catches up while references are read and the graph is analysed.
 * The caller's lock protects it.
 */
#ifndef NEC_STORE_SPILL_H
#define NEC_STORE_SPILL_H

#include "base/tmparray.h"

struct nec_block;

struct nec_spill {
	struct nec_tmparray data; /* for each block its size (uint64_t) and its bytes */
	uint64_t read;            /* offset of the next block */
};

#define NEC_SPILL_INIT                                                                             \
	{                                                                                          \
		.data = NEC_TMPARRAY_INIT                                                          \
	}

static inline bool nec_spill_is_empty(const struct nec_spill *spill)
{
	return spill->read == spill->data.size;
}

/* Adds a copy of block. */
struct nec_error *nec_spill_put(struct nec_spill *spill, const struct nec_block *block);
/* Takes the oldest; there must be one. */
void nec_spill_take(struct nec_spill *spill, struct nec_block *block);

#endif
