/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Visitors: the types that keep references, or bytes that sys.getsizeof counts, outside their
 * struct.
 *
 * To add one: a function that emits, or one that sizes, and a row in the table at the end of its
 * file. Each follows tp_traverse and
 * __sizeof__ of its type, whose file is named. nec_visitor_find (visit.h) looks them up by tp_name.
 */
#ifndef NEC_PYTHON_VISITORS_H
#define NEC_PYTHON_VISITORS_H

#include "python/visit.h"

/* Loops over linked blocks end here: more blocks than memory could hold. */
enum { NEC_VISITOR_MAX_LINKS = 1 << 26 };

/* A row without a name ends each. */
extern const struct nec_visitor nec_visitors_objects[], nec_visitors_modules[],
	nec_visitors_ctypes[];

/* For types that are a dict, or a type, and more. */
void nec_visit_dict(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);
int64_t nec_size_dict(const struct nec_target *t, uint64_t obj, const struct nec_type *type);
void nec_visit_type(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);
int64_t nec_size_type(const struct nec_target *t, uint64_t obj, const struct nec_type *type);

/* tp_basicsize and the items. */
int64_t nec_size_default(const struct nec_target *t, uint64_t obj, const struct nec_type *type);

/* Bytes of so many words, and what a word of the dump says are bytes; 0 for what no process has. */
int64_t nec_size_words(uint64_t count);
int64_t nec_size_bytes(uint64_t bytes);

/* Bytes of the C string at addr with its end; 0 for none. */
uint64_t nec_size_cstr(const struct nec_target *t, uint64_t addr);

#endif
