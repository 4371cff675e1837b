/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NumPy's arrays, scalars and dtypes: what they refer to, how large they are, and what they say of
 * themselves.
 *
 * NumPy comes without debug information, but its structs are its C ABI
 * (numpy/core/include/numpy/ndarraytypes.h and arrayscalars.h): PyArrayObject_fields has only grown
 * at its end since 1.7, PyArray_Descr has one shape up to 1.26 and another from 2.0 on. The pandas
 * index engines are here too: their size is that of a hash table beside them.
 */
#ifndef NEC_PYTHON_NUMPY_H
#define NEC_PYTHON_NUMPY_H

#include "base/text.h"
#include "python/visit.h"

/* The visitor of a type of NumPy or pandas by its tp_name, NULL for none. */
const struct nec_visitor *nec_numpy_visitor(const char *tp_name);

/* "float64", "<U5", "object": of the dtype at descr. */
void nec_numpy_dtype_text(const struct nec_target *t, uint64_t descr, struct nec_text *out);

/* The address of an array's dtype, and its shape; false when that makes no sense. */
enum { NEC_NUMPY_DIMS = 64 };
bool nec_numpy_array(const struct nec_target *t, uint64_t obj, uint64_t *descr_ret,
		     uint64_t shape[NEC_NUMPY_DIMS], unsigned int *dims_ret);

#endif
