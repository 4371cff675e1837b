/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings of every version: PEP 393 in all its forms, and 2.7's str and unicode. */
#ifndef NEC_PYTHON_STR_H
#define NEC_PYTHON_STR_H

#include "base/text.h"
#include "python/target.h"

/* Where the characters of a string lie. */
struct nec_str {
	const uint8_t *data; /* borrowed; NULL: not in the dump */
	uint64_t length;     /* characters */
	uint32_t width;	     /* bytes a character: 1, 2, 4 */
	bool is_bytes;	     /* 2.7's str: bytes, otherwise code points (latin-1 for width 1) */
	uint64_t block, block_size;	/* a block of its own for the characters, 0: inside the object */
	uint64_t utf8, utf8_size;	/* a cached UTF-8 form in a block of its own */
	uint64_t wstr, wstr_size;	/* a cached wchar_t form in a block of its own */
	uint64_t size;		/* what __sizeof__ says */
};

/* Looks at the str (2.7: also unicode) at addr; false when it is damaged. The caller knows that it is one. */
bool nec_str_read(const struct nec_target *t, uint64_t addr, struct nec_str *str);

/* Is the object at addr a string equal to the ASCII text? It need not be a string at all. */
bool nec_str_equals(const struct nec_target *t, uint64_t addr, const char *text);

/* Adds up to max characters as UTF-8; false when it was longer. */
bool nec_str_text(const struct nec_str *str, uint64_t max, struct nec_text *out);

/* The characters of the str at addr as UTF-8, to be freed; NULL when it is none, damaged, or there is no memory. */
char *nec_str_dup(const struct nec_target *t, uint64_t addr, uint64_t max);

#endif
