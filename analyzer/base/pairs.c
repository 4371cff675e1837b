/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting pairs; see pairs.h. */
#include "base/pairs.h"

enum { DIGIT_BITS = 11, DIGITS = 6, VALUES = 1 << DIGIT_BITS };

static unsigned int digit(uint64_t key, unsigned int which)
{
	return key >> (which * DIGIT_BITS) & (VALUES - 1);
}

struct nec_error *nec_pairs_sort(struct nec_tmparray *pairs, const char *tmpdir)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray other = NEC_TMPARRAY_INIT;
	uint64_t count = nec_pairs_count(pairs), i;
	_cleanup_free_ uint64_t(*starts)[VALUES] = calloc(DIGITS, sizeof(*starts));
	unsigned int d, v;

	if (!starts)
		return &nec_enomem;
	if (count < 2)
		return NULL;
	NEC_TRY(nec_tmparray_init(&other, tmpdir));
	NEC_TRY(nec_tmparray_resize(&other, pairs->size));
	for (i = 0; i < count; i++)
		for (d = 0; d < DIGITS; d++)
			starts[d][digit(((struct nec_pair *)pairs->data)[i].key, d)]++;
	for (d = 0; d < DIGITS; d++) {
		const struct nec_pair *from = pairs->data;
		struct nec_pair *to = other.data;
		struct nec_tmparray swap;
		uint64_t sum = 0, n;

		/* A digit that all keys share moves nothing. */
		if (starts[d][digit(from[0].key, d)] == count)
			continue;
		for (v = 0; v < VALUES; v++) {
			n = starts[d][v];
			starts[d][v] = sum;
			sum += n;
		}
		for (i = 0; i < count; i++)
			to[starts[d][digit(from[i].key, d)]++] = from[i];
		swap = *pairs;
		*pairs = other;
		other = swap;
	}
	return NULL;
}
