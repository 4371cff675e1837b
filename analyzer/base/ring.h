/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a linked list of a dump lead back into itself? Brent's algorithm (BIT 20, 1980): one element
 * is kept, a later one each time the way is twice as long, and whoever comes by it again is in a
 * ring. It takes no memory, and less than three times the steps that there are elements.
 */
#ifndef NEC_BASE_RING_H
#define NEC_BASE_RING_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: at the start of a list. */
struct nec_ring {
	uint64_t kept; /* 0: none yet */
	uint64_t steps;
	uint64_t until; /* the number of steps when the next one is kept */
};

/* To be called with each element, which is not 0: true once it was here before. */
static inline bool nec_ring_closed(struct nec_ring *ring, uint64_t element)
{
	if (element == ring->kept)
		return true;
	if (++ring->steps > ring->until) {
		ring->kept = element;
		ring->until = 2 * ring->steps;
	}
	return false;
}

#endif
