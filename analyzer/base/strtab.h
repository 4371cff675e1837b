/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interned strings: each distinct string once, with a dense id from 0 in order of arrival. */
#ifndef NEC_BASE_STRTAB_H
#define NEC_BASE_STRTAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nec_strtab {
	char **strings; /* by id, NUL-terminated, owned */
	uint32_t *slots; /* open-addressing hash table of id + 1 */
	uint32_t count;
	uint32_t capacity;   /* of strings */
	uint32_t slot_count; /* a power of two */
};

void nec_strtab_deinit(struct nec_strtab *tab); /* a zeroed one is fine, and is an empty table */

/* The id of the first len bytes of s, adding them when they are new. s is copied. */
struct nec_error *nec_strtab_intern(struct nec_strtab *tab, const char *s, size_t len,
				    uint32_t *id_ret);

static inline const char *nec_strtab_get(const struct nec_strtab *tab, uint32_t id)
{
	return tab->strings[id];
}

#endif
