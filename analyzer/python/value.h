/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an object is, in a few characters: the text that Python's repr would begin with, bounded,
 * made from memory alone.
 *
 * Containers have none in the database: a list of millions would be told twice, and what they hold is
 * in their references. Where few are shown (locals of frames) they are folded into a line.
 */
#ifndef NEC_PYTHON_VALUE_H
#define NEC_PYTHON_VALUE_H

#include "base/text.h"
#include "python/types.h"

enum { NEC_VALUE_DEPTH = 4 };

struct nec_values {
	const struct nec_target *target; /* borrowed */
	struct nec_types *types;         /* borrowed */
	uint8_t *rows;                   /* owned: how objects of a type are shown, by its id */
	uint32_t count;                  /* of rows */
	uint64_t inside[NEC_VALUE_DEPTH]; /* objects whose text is being made, each inside the one before */
	unsigned int depth;
};

/* After the walk: types found later are looked up each time. */
struct nec_error *nec_values_init(struct nec_values *values, struct nec_types *types);
void nec_values_deinit(struct nec_values *values);

/* Do objects of this type have a preview? */
bool nec_values_has(struct nec_values *values, const struct nec_type *type);

/* Adds the preview of obj to out; false when there is none. */
bool nec_values_text(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out);

/* The digest of a string or a number of exactly a built-in type; 0: none such, not all in the dump, or longer than NEC_LIMIT_DIGEST. */
uint64_t nec_values_digest(struct nec_values *values, uint64_t obj, const struct nec_type *type);

/* Adds a container or an instance folded into one line, its first items and attributes; false when it is neither. */
bool nec_values_fold(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out);

/* The attribute of obj by its name: a member or slot, or in its __dict__; 0 for none. */
uint64_t nec_value_attr(struct nec_values *values, uint64_t obj, const char *name);

#endif
