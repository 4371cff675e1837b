/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats by name, for registry.c. To add one: a line here, and the file that defines
 * nec_format_NAME. */
#ifndef NEC_FORMATS_FORMATS_H
#define NEC_FORMATS_FORMATS_H

#include "formats/format.h"

#define NEC_FORMATS(X)                                                                             \
	X(elfcore)                                                                                 \
	X(heapy)                                                                                   \
	X(meliae)                                                                                  \
	X(mprof)                                                                                   \
	X(pyheap)                                                                                  \
	X(smaps)                                                                                   \
	X(snapshot)                                                                                \
	X(tracemalloc)

#define NEC_FORMAT_DECLARE_(name) extern const struct nec_format nec_format_##name;
NEC_FORMATS(NEC_FORMAT_DECLARE_)
#undef NEC_FORMAT_DECLARE_

#endif
