/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * 64 bits that stand for any number of bytes: XXH3 (https://xxhash.com). Equal bytes have equal
 * digests; different ones have different digests but once in 2^64 times, and who makes them on
 * purpose may have what he wants: nothing but a listing depends on them.
 */
#ifndef NEC_BASE_DIGEST_H
#define NEC_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* seed: what the bytes are of, or the digest of those before them. Never 0. */
uint64_t nec_digest(const void *data, size_t size, uint64_t seed);

/* The digest of a sequence, one word further. */
static inline uint64_t nec_digest_add(uint64_t digest, uint64_t word)
{
	return nec_digest(&word, sizeof(word), digest);
}

#endif
