/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Growing strings, escaping, and numbers for people.
 *
 * What is printable is decided here and not by the C library: isprint and iswprint depend on the
 * locale, and a report must not. UTF-8 is decoded as RFC 3629 has it: no surrogates, no overlong
 * forms, nothing above U+10FFFF.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { TEXT_FIRST_CAPACITY = 64 };

void nec_text_deinit(struct nec_text *t)
{
	free(t->data);
	*t = (struct nec_text){.limit = t->limit};
}

void nec_text_clear(struct nec_text *t)
{
	t->len = 0;
	t->failed = false;
	t->cut = false;
	if (t->data)
		t->data[0] = '\0';
}

const char *nec_text_str(const struct nec_text *t)
{
	return t->data ? t->data : "";
}

/* Room for len more bytes and a NUL; false, and failed, when there is no memory. */
static bool text_reserve(struct nec_text *t, size_t len)
{
	size_t capacity = t->capacity ? t->capacity : TEXT_FIRST_CAPACITY;
	char *data;

	if (len >= SIZE_MAX / 2 - t->len) {
		t->failed = true;
		return false;
	}
	if (t->data && t->len + len < t->capacity)
		return true;
	while (capacity <= t->len + len)
		capacity *= 2;
	data = realloc(t->data, capacity);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->capacity = capacity;
	return true;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes that a UTF-8 character takes by its first byte, 1 for what cannot be a first byte. */
static size_t utf8_length(unsigned char lead)
{
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	return 1;
}

/* Drops a character at the end that has not all its bytes; it may have come in several calls. */
static void drop_partial_character(struct nec_text *t)
{
	size_t i = t->len, back;

	for (back = 1; back <= 3 && i > 0; back++) {
		i--;
		if (is_continuation(t->data[i]))
			continue;
		if (utf8_length((unsigned char)t->data[i]) > back)
			t->len = i;
		return;
	}
}

void nec_text_add(struct nec_text *t, const char *data, size_t len)
{
	bool cut = t->limit && len > t->limit - t->len;

	if (t->failed || t->cut)
		return;
	if (cut)
		len = t->limit - t->len;
	if (!text_reserve(t, len))
		return;
	if (len)
		memcpy(t->data + t->len, data, len);
	t->len += len;
	if (cut) {
		t->cut = true;
		drop_partial_character(t);
	}
	t->data[t->len] = '\0';
}

/* Adds all of it or, when it does not fit, nothing: half an escape would read as something else. */
static void text_add_whole(struct nec_text *t, const char *data, size_t len)
{
	if (t->limit && !t->cut && len > t->limit - t->len) {
		nec_text_add(t, "", 0);
		t->cut = true;
		return;
	}
	nec_text_add(t, data, len);
}

void nec_text_puts(struct nec_text *t, const char *s)
{
	nec_text_add(t, s, strlen(s));
}

void nec_text_putc(struct nec_text *t, char c)
{
	nec_text_add(t, &c, 1);
}

void nec_text_u64(struct nec_text *t, uint64_t value, unsigned int width)
{
	char digits[32], *end = digits + sizeof(digits), *p = end;

	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while ((size_t)(end - p) < width && p > digits)
		*--p = '0';
	nec_text_add(t, p, (size_t)(end - p));
}

void nec_text_printf(struct nec_text *t, const char *fmt, ...)
{
	_cleanup_free_ char *heap = NULL;
	char stack[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(stack, sizeof(stack), fmt, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len < sizeof(stack)) {
		nec_text_add(t, stack, (size_t)len);
		return;
	}
	if (len >= 0) {
		va_start(ap, fmt);
		len = vasprintf(&heap, fmt, ap);
		va_end(ap);
	}
	if (len < 0) {
		heap = NULL; /* vasprintf leaves it undefined */
		t->failed = true;
		return;
	}
	nec_text_add(t, heap, (size_t)len);
}

/* Adds prefix and value in that many hexadecimal digits, all or nothing. */
static void put_hex(struct nec_text *t, const char *prefix, int digits, uint32_t value)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%s%0*" PRIx32, prefix, digits, value);

	text_add_whole(t, buf, (size_t)len);
}

void nec_text_put_codepoint(struct nec_text *t, uint32_t cp)
{
	char buf[4];
	size_t len;

	if (cp > 0x10ffff) {
		put_hex(t, "\\U", 8, cp);
		return;
	}
	if (cp >= 0xd800 && cp <= 0xdfff) {
		put_hex(t, "\\u", 4, cp);
		return;
	}
	if (cp < 0x80) {
		buf[0] = (char)cp;
		len = 1;
	} else if (cp < 0x800) {
		buf[0] = (char)(0xc0 | cp >> 6);
		buf[1] = (char)(0x80 | (cp & 0x3f));
		len = 2;
	} else if (cp < 0x10000) {
		buf[0] = (char)(0xe0 | cp >> 12);
		buf[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (cp & 0x3f));
		len = 3;
	} else {
		buf[0] = (char)(0xf0 | cp >> 18);
		buf[1] = (char)(0x80 | (cp >> 12 & 0x3f));
		buf[2] = (char)(0x80 | (cp >> 6 & 0x3f));
		buf[3] = (char)(0x80 | (cp & 0x3f));
		len = 4;
	}
	text_add_whole(t, buf, len);
}

/* Decodes the character at data; returns its bytes, 0 when there is no valid one. */
static size_t utf8_decode(const char *data, size_t left, uint32_t *cp_ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)data[0];
	size_t len = utf8_length(lead), i;
	uint32_t cp;

	if (len == 1) {
		*cp_ret = lead;
		return lead < 0x80 ? 1 : 0;
	}
	if (len > left)
		return 0;
	cp = lead & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if (!is_continuation(data[i]))
			return 0;
		cp = cp << 6 | ((unsigned char)data[i] & 0x3f);
	}
	if (cp < smallest[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*cp_ret = cp;
	return len;
}

/*
 * Characters that a terminal acts on instead of showing: controls, and what changes the order of
 * the text around it (Unicode's Bidi_Control) or breaks the line.
 */
static bool is_acted_on(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

/* The letter of the short escape (\n, \t, ...) of a control character, 0 when it has none. */
static char short_escape(uint32_t cp)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};

	return cp < sizeof(letters) ? letters[cp] : 0;
}

static void put_short_escape(struct nec_text *t, char letter)
{
	text_add_whole(t, (const char[]){'\\', letter}, 2);
}

void nec_text_escape(struct nec_text *t, const char *data, size_t len)
{
	size_t i = 0, n;
	uint32_t cp;

	while (i < len && !t->cut && !t->failed) {
		n = utf8_decode(data + i, len - i, &cp);
		if (!n) {
			put_hex(t, "\\x", 2, (unsigned char)data[i]);
			n = 1;
		} else if (!is_acted_on(cp)) {
			text_add_whole(t, data + i, n);
		} else if (short_escape(cp)) {
			put_short_escape(t, short_escape(cp));
		} else if (cp < 0x80) {
			put_hex(t, "\\x", 2, cp);
		} else {
			put_hex(t, "\\u", 4, cp);
		}
		i += n;
	}
}

char *nec_escape(const char *s)
{
	struct nec_text t = {0};

	nec_text_add(&t, "", 0);
	nec_text_escape(&t, s, strlen(s));
	if (t.failed) {
		nec_text_deinit(&t);
		return NULL;
	}
	return t.data;
}

void nec_text_json(struct nec_text *t, const char *data, size_t len)
{
	size_t i = 0, n;
	uint32_t cp;

	nec_text_putc(t, '"');
	while (i < len && !t->cut && !t->failed) {
		n = utf8_decode(data + i, len - i, &cp);
		if (!n) {
			put_hex(t, "\\u", 4, 0xdc00u | (unsigned char)data[i]);
			n = 1;
		} else if (cp == '"' || cp == '\\') {
			put_short_escape(t, (char)cp);
		} else if (!is_acted_on(cp)) {
			text_add_whole(t, data + i, n);
		} else if (short_escape(cp)) {
			put_short_escape(t, short_escape(cp));
		} else {
			put_hex(t, "\\u", 4, cp);
		}
		i += n;
	}
	nec_text_putc(t, '"');
}

static uint64_t magnitude(int64_t n)
{
	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

/* n / 2^shift * scale, rounded half up. */
static uint64_t scaled(uint64_t n, unsigned int shift, unsigned int scale)
{
	unsigned __int128 half = (unsigned __int128)1 << (shift - 1);

	return (uint64_t)(((unsigned __int128)n * scale + half) >> shift);
}

/*
 * Three significant digits, of which a second decimal of 0 is left out ("4.0 KiB"). In integers, so
 * that neither the locale nor the rounding of a double has a say.
 */
void nec_text_size(struct nec_text *t, int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t n = magnitude(bytes), v;
	const char *sign = bytes < 0 ? "-" : "";
	unsigned int shift = 10, u = 0;

	if (n < 1024) {
		nec_text_printf(t, "%s%" PRIu64 " B", sign, n);
		return;
	}
	while (scaled(n, shift, 1) >= 1024) { /* 8 EiB is the most an int64_t holds */
		shift += 10;
		u++;
	}
	v = scaled(n, shift, 100);
	if (v < 1000 && v % 10) {
		nec_text_printf(t, "%s%" PRIu64 ".%02" PRIu64 " %s", sign, v / 100, v % 100,
				units[u]);
		return;
	}
	v = scaled(n, shift, 10);
	if (v < 1000)
		nec_text_printf(t, "%s%" PRIu64 ".%" PRIu64 " %s", sign, v / 10, v % 10, units[u]);
	else
		nec_text_printf(t, "%s%" PRIu64 " %s", sign, scaled(n, shift, 1), units[u]);
}

void nec_text_count(struct nec_text *t, int64_t count)
{
	char digits[24], buf[32];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude(count)), i;
	size_t n = 0;

	if (count < 0)
		buf[n++] = '-';
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[n++] = ',';
		buf[n++] = digits[i];
	}
	nec_text_add(t, buf, n);
}
