/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings of every version; see str.h. Layout: Include/cpython/unicodeobject.h, PEP 393. */
#include <string.h>

#include "python/str.h"

enum { FLAG_BYTES = 27, FLAG_UNICODE = 28 }; /* bits of tp_flags: bytes (2.7: str), str (2.7: unicode) */

static bool is_subclass(const struct nec_target *t, uint64_t addr, unsigned int bit)
{
	return nec_field(t, nec_type_of(t, addr), NEC_F_TYPE_FLAGS) >> bit & 1;
}

/* 2.7: str is a PyStringObject, unicode keeps an array of Py_UNICODE in a block of its own. */
static bool read_old(const struct nec_target *t, uint64_t addr, struct nec_str *s)
{
	if (is_subclass(t, addr, FLAG_UNICODE)) {
		s->length = nec_field(t, addr, NEC_F_STR_LENGTH);
		s->width = t->layout.traits.unicode_width;
		s->block = nec_field(t, addr, NEC_F_UNICODE_STR);
		if (s->length > UINT64_C(1) << 40)
			return false;
		s->block_size = (s->length + 1) * s->width;
		s->data = nec_image_view(t->image, s->block, s->length * s->width);
		s->size = nec_off(t, NEC_SIZEOF_STR) + s->block_size;
	} else {
		s->is_bytes = true;
		s->length = (uint64_t)nec_ob_size(t, addr);
		s->width = 1;
		if (s->length > UINT64_C(1) << 40)
			return false;
		s->data = nec_image_view(t->image, addr + nec_off(t, NEC_F_BYTES_DATA), s->length);
		s->size = nec_off(t, NEC_F_BYTES_DATA) + 1 + s->length;
	}
	return s->data;
}

bool nec_str_read(const struct nec_target *t, uint64_t addr, struct nec_str *s)
{
	bool compact, ascii, ready;
	uint64_t data;

	*s = (struct nec_str){.data = NULL};
	if (t->layout.traits.strs == NEC_STR_BYTES)
		return read_old(t, addr, s);
	s->length = nec_field(t, addr, NEC_F_STR_LENGTH);
	s->width = nec_field_bits(t, addr, NEC_F_STR_KIND, 3);
	compact = nec_field_bits(t, addr, NEC_F_STR_COMPACT, 1);
	ascii = nec_field_bits(t, addr, NEC_F_STR_ASCII, 1);
	ready = !nec_has(t, NEC_F_STR_READY) || nec_field_bits(t, addr, NEC_F_STR_READY, 1);
	if (s->length > UINT64_C(1) << 40 || s->width > 4 || s->width == 3)
		return false;
	if (compact && ascii) {
		data = addr + nec_off(t, NEC_SIZEOF_STR_ASCII);
		s->size = nec_off(t, NEC_SIZEOF_STR_ASCII) + s->length + 1;
	} else if (compact) {
		data = addr + nec_off(t, NEC_SIZEOF_STR_COMPACT);
		s->size = nec_off(t, NEC_SIZEOF_STR_COMPACT) + (s->length + 1) * s->width;
	} else {
		data = s->block = nec_field(t, addr, NEC_F_STR_DATA);
		s->block_size = data ? (s->length + 1) * s->width : 0;
		s->size = nec_off(t, NEC_SIZEOF_STR) + s->block_size;
	}
	if (nec_has(t, NEC_F_STR_WSTR)) {
		s->wstr = nec_field(t, addr, NEC_F_STR_WSTR);
		/* Not ready: the characters are the wchar_t form. */
		if (s->wstr && (!ready || s->wstr != data)) {
			uint64_t n = compact && ascii ? s->length : nec_field(t, addr, NEC_F_STR_WSTR_LENGTH);

			s->wstr_size = n < UINT64_C(1) << 40 ? (n + 1) * 4 : 0;
			s->size += s->wstr_size;
			if (!ready) {
				data = s->wstr;
				s->width = 4;
				s->length = n;
			}
		} else {
			s->wstr = 0;
		}
	}
	if (!(compact && ascii)) {
		s->utf8 = nec_field(t, addr, NEC_F_STR_UTF8);
		if (s->utf8 && s->utf8 != data)
			s->utf8_size = nec_field(t, addr, NEC_F_STR_UTF8_LENGTH) + 1;
		else
			s->utf8 = 0;
		s->size += s->utf8_size;
	}
	if (!s->width)
		return false;
	s->data = nec_image_view(t->image, data, s->length * s->width);
	return s->data || !s->length;
}

bool nec_str_equals(const struct nec_target *t, uint64_t addr, const char *text)
{
	unsigned int bit = t->layout.traits.strs == NEC_STR_BYTES ? FLAG_BYTES : FLAG_UNICODE;
	size_t len = strlen(text);
	struct nec_str s;

	return addr && is_subclass(t, addr, bit) && nec_str_read(t, addr, &s) && s.width == 1 &&
	       s.length == len && s.data && !memcmp(s.data, text, len);
}

static uint32_t character(const struct nec_str *s, uint64_t i)
{
	uint16_t u16;
	uint32_t u32;

	switch (s->width) {
	case 1:
		return s->data[i];
	case 2:
		memcpy(&u16, s->data + i * 2, 2);
		return u16;
	default:
		memcpy(&u32, s->data + i * 4, 4);
		return u32;
	}
}

bool nec_str_text(const struct nec_str *s, uint64_t max, struct nec_text *out)
{
	uint64_t i, n = s->length < max ? s->length : max;

	if (!s->data)
		return true;
	if (s->is_bytes) {
		nec_text_add(out, (const char *)s->data, n);
	} else {
		for (i = 0; i < n; i++)
			nec_text_put_codepoint(out, character(s, i));
	}
	return n == s->length;
}

char *nec_str_dup(const struct nec_target *t, uint64_t addr, uint64_t max)
{
	struct nec_text out = {0};
	struct nec_str s;

	if (!addr || !(is_subclass(t, addr, FLAG_UNICODE) ||
		       (t->layout.traits.strs == NEC_STR_BYTES && is_subclass(t, addr, FLAG_BYTES))))
		return NULL;
	if (!nec_str_read(t, addr, &s))
		return NULL;
	nec_text_puts(&out, "");
	nec_str_text(&s, max, &out);
	return out.failed ? (nec_text_deinit(&out), NULL) : out.data;
}
