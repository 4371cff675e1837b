/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that C code allocated and that belongs to no object, as far as it points at objects:
 * blocks of pymalloc and chunks of malloc in use that are neither an object nor a part of one, nor
 * a structure of the interpreter. What they hold is held by native code.
 *
 * Each is named by the variable that points at it, where there is one.
 */
#ifndef NEC_PYTHON_RAWBLOCKS_H
#define NEC_PYTHON_RAWBLOCKS_H

#include "base/text.h"
#include "base/tmparray.h"
#include "python/ledger.h"
#include "python/walk.h"

struct nec_rawblock {
	uint64_t start, size;
	uint64_t owner; /* address of a variable, or of a word in an interpreter or thread state; 0:
			   not known */
};

struct nec_rawblocks {
	const struct nec_walk *walk; /* borrowed */
	struct nec_tmparray blocks;  /* struct nec_rawblock, by address */
};

/* After the walk and the ledger, which are complete. */
struct nec_error *nec_rawblocks_init(struct nec_rawblocks *raw, const struct nec_walk *walk,
				     const struct nec_ledger *ledger, const char *tmpdir);
void nec_rawblocks_deinit(struct nec_rawblocks *raw);

/* Block number i; NULL behind the last. */
const struct nec_rawblock *nec_rawblocks_get(const struct nec_rawblocks *raw, uint32_t i);

/* Adds what it is called: "unicode_ids: 512 bytes at 0x...". */
void nec_rawblock_name(const struct nec_rawblocks *raw, const struct nec_rawblock *block,
		       struct nec_text *out);

#endif
