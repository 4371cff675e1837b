/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of previews share; see value.h. For value*.c alone. */
#ifndef NEC_PYTHON_VALUE_PRIVATE_H
#define NEC_PYTHON_VALUE_PRIVATE_H

#include "python/value.h"

/* Adds what a person calls obj inside the text of another object: at most max bytes of its preview,
 * or its class. */
void nec_put_nested(struct nec_values *values, uint64_t obj, size_t max, struct nec_text *out);

/* The text of obj is being made; false when it is already, or too many are, each inside another. */
bool nec_values_enter(struct nec_values *values, uint64_t obj);
void nec_values_leave(struct nec_values *values);

/* The name of a type without its module. */
const char *nec_short_type_name(const struct nec_type *type);

typedef void nec_plain_text(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			    struct nec_text *out);
typedef void nec_deep_text(struct nec_values *values, uint64_t obj, const struct nec_type *type,
			   struct nec_text *out);

/* value_frame.c */
nec_plain_text nec_text_frame, nec_text_generator;

/* value_time.c */
nec_plain_text nec_text_date, nec_text_timedelta;
nec_deep_text nec_text_datetime, nec_text_time, nec_text_timezone;

/* value_number.c */
nec_deep_text nec_text_decimal, nec_text_fraction, nec_text_uuid;

/* value_object.c */
nec_deep_text nec_text_cell, nec_text_enum, nec_text_exception, nec_text_namedtuple,
	nec_text_partial, nec_text_path, nec_text_pattern, nec_text_range, nec_text_weakref;

/* value_array.c */
nec_plain_text nec_text_ndarray;
nec_deep_text nec_text_frame_shape;

#endif
