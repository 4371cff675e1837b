/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests; see digest.h. */
#include "base/digest.h"

#include <xxhash.h>

uint64_t nec_digest(const void *data, size_t size, uint64_t seed)
{
	uint64_t digest = XXH3_64bits_withSeed(data, size, seed);

	return digest ? digest : 1;
}
