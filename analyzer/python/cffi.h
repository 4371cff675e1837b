/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Objects of cffi's _cffi_backend, which cryptography, gevent and many others bring along: what a C
 * type, a field and a callback refer to.
 *
 * It comes without debug information; its structs are those of c/_cffi_backend.c, and have been the
 * same from 1.0 to 2.x as far as they are read here.
 */
#ifndef NEC_PYTHON_CFFI_H
#define NEC_PYTHON_CFFI_H

#include "python/visit.h"

/* The visitor of a type of _cffi_backend by its tp_name, NULL for none. */
const struct nec_visitor *nec_cffi_visitor(const char *tp_name);

/*
 * Until cffi 1.17 unique_cache holds C types without a count of its own (get_unique_type), and a
 * type takes itself out when it goes. Is a dict with this entry that one?
 */
bool nec_cffi_is_unique_cache(struct nec_types *types, uint64_t key, uint64_t value);

#endif
