/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an object is, in a few characters: the text that Python's repr would begin with, bounded,
 * made from memory alone.
 *
 * Containers have none here: a list of millions would be told twice. What they hold is in their
 * references.
 */
#ifndef NEC_PYTHON_VALUE_H
#define NEC_PYTHON_VALUE_H

#include "base/text.h"
#include "python/types.h"

struct nec_values {
	const struct nec_target *target; /* borrowed */
	struct nec_types *types;         /* borrowed */
	uint8_t *rows;                   /* owned: how objects of a type are shown, by its id */
	uint32_t count;                  /* of rows */
	unsigned int depth;              /* of texts inside texts */
};

/* After the walk: types found later are looked up each time. */
struct nec_error *nec_values_init(struct nec_values *values, struct nec_types *types);
void nec_values_deinit(struct nec_values *values);

/* Do objects of this type have a preview? */
bool nec_values_has(struct nec_values *values, const struct nec_type *type);

/* Adds the preview of obj to out; false when there is none. */
bool nec_values_text(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out);

#endif
