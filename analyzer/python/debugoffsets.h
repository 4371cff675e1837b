/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * _Py_DebugOffsets: since 3.13 _PyRuntime begins with the offsets that debuggers need. They are of
 * the very build, and they are memory of a dump: each is held against the size of its struct before
 * it counts.
 */
#ifndef NEC_PYTHON_DEBUGOFFSETS_H
#define NEC_PYTHON_DEBUGOFFSETS_H

#include "python/target.h"

struct nec_debug_offsets {
	uint64_t addr; /* of the struct, which is that of _PyRuntime */
	unsigned int major, minor, micro;
	bool free_threaded;
	char damage[96]; /* what makes no sense in it; empty when all does */
};

/*
 * Looks at addr: true when the cookie and a version are there. Says nothing of the rest.
 */
bool nec_debug_offsets_read(const struct nec_image *image, uint64_t addr,
			    struct nec_debug_offsets *ret);

/* The first of them in [start, end); false for none. */
bool nec_debug_offsets_find(const struct nec_image *image, uint64_t start, uint64_t end,
			    struct nec_debug_offsets *ret);

/*
 * What they say of the fields into layout->claims[NEC_FIELD_OFFSETS]. A struct of which anything is
 * implausible (an offset behind its end, a size of nothing or of a megabyte) says nothing, and
 * o->damage names the first such.
 */
void nec_debug_offsets_claim(const struct nec_target *t, struct nec_debug_offsets *o,
			     struct nec_layout *layout);

#endif
