/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is told of the process as a whole: the rows of the table meta that the walk of a heap knows. Which process it was and how it
 * ended, which Python, what the dump has of its memory, whose memory objects are in.
 */
#ifndef NEC_PYTHON_META_H
#define NEC_PYTHON_META_H

#include "python/ledger.h"
#include "python/threads.h"

enum { NEC_PYTHON_META_ROWS = 80 };

struct nec_python_meta {
	struct {
		const char *key;
		char *value; /* owned */
	} rows[NEC_PYTHON_META_ROWS];
	uint32_t count;
};

/* Fills a zeroed meta from what is complete. no_values: without the command line, where passwords may be. */
void nec_python_meta_collect(struct nec_python_meta *meta, const struct nec_ledger *ledger, const struct nec_threads *threads,
			     bool no_values);
void nec_python_meta_deinit(struct nec_python_meta *meta);

/* Whose memory objects are in: "pymalloc", "mimalloc", "malloc"; "" where that does not show. */
const char *nec_python_allocator(const struct nec_ledger *ledger);

#endif
