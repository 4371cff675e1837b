/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text: a growing buffer, escaping of text that comes from a dump, and sizes as a person reads them.
 */
#ifndef NEC_BASE_TEXT_H
#define NEC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A growing string, always NUL-terminated once something was added. Running out of memory sets `failed`
 * and later calls do nothing, so a caller checks once. `limit` (0: none) bounds the length in bytes: what
 * is over it is dropped at a character boundary and `cut` is set.
 */
struct nec_text {
	char *data; /* owned; NULL while nothing was added */
	size_t len;
	size_t capacity;
	size_t limit;
	bool failed;
	bool cut;
};

void nec_text_deinit(struct nec_text *t);
void nec_text_clear(struct nec_text *t); /* keeps the memory */
void nec_text_add(struct nec_text *t, const char *data, size_t len);
void nec_text_puts(struct nec_text *t, const char *s);
void nec_text_putc(struct nec_text *t, char c);
/* A decimal number, with leading zeros up to width digits; much faster than printf. */
void nec_text_u64(struct nec_text *t, uint64_t value, unsigned int width);
void nec_text_printf(struct nec_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The string, "" while empty; borrowed until the next change. */
const char *nec_text_str(const struct nec_text *t);

/* Adds the code point as UTF-8; surrogates and what is above U+10FFFF as \udXXX and \UXXXXXXXX. */
void nec_text_put_codepoint(struct nec_text *t, uint32_t cp);

/*
 * Adds bytes of a dump so that they can neither move a cursor, ring a bell nor start an escape sequence:
 * control characters (C0, DEL, C1), bidirectional overrides and invalid UTF-8 become \n, \t, \xNN or \uNNNN;
 * printable UTF-8 stays, a backslash too. Where limit cuts, no escape is cut in two.
 */
void nec_text_escape(struct nec_text *t, const char *data, size_t len);

/* The same in a string of its own, to be freed; NULL when out of memory. */
char *nec_escape(const char *s);

/* A JSON string with its quotes; invalid UTF-8 bytes become \udc80-\udcff as in Python's surrogateescape. */
void nec_text_json(struct nec_text *t, const char *data, size_t len);

/* "17 B", "4.0 KiB", "2.21 GiB", "163 MiB": binary units, three significant digits, always with the unit. */
void nec_text_size(struct nec_text *t, int64_t bytes);

/* "1,234,567" */
void nec_text_count(struct nec_text *t, int64_t count);

#endif
