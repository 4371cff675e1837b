/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes that a person types: 4GiB is 2^32 bytes, 4GB is 4 * 10^9, a bare K, M or G is a binary one.
 */
#ifndef NEC_BASE_BYTES_H
#define NEC_BASE_BYTES_H

#include <stdbool.h>

/* false: no size, or none above 0. factor_ret and unit_ret (a literal, "B" for none) may be NULL.
 */
bool nec_bytes_parse(const char *text, double *bytes_ret, double *factor_ret,
		     const char **unit_ret);

#endif
