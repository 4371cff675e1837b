/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Static types by what a dump still has of them when the file with their names is gone: their
 * sizes, the keys of their dict and their docstring, as a hash that layouts/signatures.inc knows
 * the name of. layouts/signatures.py writes that table, and says more.
 */
#ifndef NEC_PYTHON_SIGNATURES_H
#define NEC_PYTHON_SIGNATURES_H

#include "python/target.h"

/*
 * What the static type at addr calls itself (tp_name); NULL when its signature is not known. "this
 * or that" where several types look alike: *alike_ret says so.
 */
const char *nec_signature_name(const struct nec_target *t, uint64_t addr, bool *alike_ret);

#endif
