/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the arenas of glibc's malloc; inside native/ alone. */
#ifndef NEC_NATIVE_ARENAS_H
#define NEC_NATIVE_ARENAS_H

#include "native/glibc.h"
#include "native/malloc.h"

/* Fills in glibc, arenas, heaps, and what malloc_par says. None found is no error. */
struct nec_error *nec_arenas_find(struct nec_malloc *m);

/* The word at addr; 0 where the dump has none. */
static inline uint64_t nec_malloc_word(const struct nec_malloc *m, uint64_t addr)
{
	uint64_t v;

	return nec_image_u64(m->image, addr, &v) ? v : 0;
}

#endif
