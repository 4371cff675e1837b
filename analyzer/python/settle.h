/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settles the layout of a process: the table of its version is held against what the process says
 * of itself (_Py_DebugOffsets) and what the debug information of its files says. Structs in which
 * they differ are tried out on the memory: the source with which more of what is known of that
 * struct holds is believed, and among equals the debug information, then the process, then the
 * table.
 */
#ifndef NEC_PYTHON_SETTLE_H
#define NEC_PYTHON_SETTLE_H

#include "python/target.h"

/*
 * How many of the things that are known of `type` and `object` hold with t->layout; -1 when one
 * does not without which nothing works. NEC_PROBE_TYPES is all.
 */
enum { NEC_PROBE_TYPES = 3 };
int nec_probe_types(const struct nec_target *t);

/*
 * Hears the sources and settles t->layout. t has its version, its types and the span of its static
 * data; t->runtime is set when _Py_DebugOffsets are found. What is odd is a warning in t.
 */
struct nec_error *nec_settle_layout(struct nec_target *t);

#endif
