/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an object is, in a few characters: the text that Python's repr would begin with, bounded, made from memory alone.
 */
#ifndef NEC_PYTHON_VALUE_H
#define NEC_PYTHON_VALUE_H

#include "base/text.h"
#include "python/types.h"

/* How objects of a type are shown, to be kept with the type: a number for nec_value_text. */
unsigned int nec_value_row(const struct nec_type *type);

/* Adds the preview of obj to out; false when there is none. */
bool nec_value_text(const struct nec_target *t, uint64_t obj, const struct nec_type *type, unsigned int row,
		    struct nec_text *out);

#endif
