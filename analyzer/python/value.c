/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of objects; see value.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/str.h"
#include "python/value.h"

/* Digits of an int that are turned into decimal; a longer one says how many bits it has. */
enum { MAX_DIGITS = 64 };

/* ---- text ---------------------------------------------------------------------------------------------------- */

static void put_escaped(struct nec_text *out, uint32_t c, char quote, bool bytes)
{
	if (c == (uint32_t)quote || c == '\\')
		nec_text_printf(out, "\\%c", (int)c);
	else if (c == '\n')
		nec_text_puts(out, "\\n");
	else if (c == '\t')
		nec_text_puts(out, "\\t");
	else if (c == '\r')
		nec_text_puts(out, "\\r");
	else if (c < 0x20 || c == 0x7f || (c > 0x7f && (bytes || c < 0xa0)))
		nec_text_printf(out, "\\x%02x", c);
	else if (c >= 0xd800 && c < 0xe000)
		nec_text_printf(out, "\\u%04x", c);
	else
		nec_text_put_codepoint(out, c);
}

static void put_quoted(struct nec_text *out, const uint8_t *data, uint64_t length, uint32_t width, bool bytes)
{
	uint64_t n = length < NEC_LIMIT_PREVIEW ? length : NEC_LIMIT_PREVIEW, i;
	bool single = false, twice = false;
	uint32_t c;
	uint16_t c16;
	char quote;

	for (i = 0; i < n && width == 1; i++) {
		single |= data[i] == '\'';
		twice |= data[i] == '"';
	}
	quote = single && !twice ? '"' : '\'';
	nec_text_putc(out, quote);
	for (i = 0; i < n; i++) {
		if (width == 1) {
			c = data[i];
		} else if (width == 2) {
			memcpy(&c16, data + i * 2, 2);
			c = c16;
		} else {
			memcpy(&c, data + i * 4, 4);
		}
		put_escaped(out, c, quote, bytes);
	}
	if (n < length)
		nec_text_puts(out, "…");
	nec_text_putc(out, quote);
}

static void text_str(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	struct nec_str s;

	if (!nec_str_read(t, obj, &s) || (!s.data && s.length))
		return;
	if (t->layout.traits.strs == NEC_STR_BYTES && type->flags & NEC_TYPE_STR_SUBCLASS)
		nec_text_putc(out, 'u');
	put_quoted(out, s.data, s.length, s.width, s.is_bytes);
}

static void put_bytes(const struct nec_target *t, uint64_t addr, int64_t n, struct nec_text *out)
{
	int64_t shown = n < NEC_LIMIT_PREVIEW ? n : NEC_LIMIT_PREVIEW;
	const uint8_t *p = n >= 0 ? nec_image_view(t->image, addr, (uint64_t)shown) : NULL;

	if (p)
		put_quoted(out, p, (uint64_t)n, 1, true);
}

static void text_bytes(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	(void)type;
	nec_text_putc(out, 'b');
	put_bytes(t, obj + nec_off(t, NEC_F_BYTES_DATA), nec_ob_size(t, obj), out);
}

static void text_bytearray(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t data = nec_field(t, obj, NEC_F_BYTEARRAY_START);

	(void)type;
	if (!data)
		data = nec_field(t, obj, NEC_F_BYTEARRAY_BYTES);
	nec_text_puts(out, "bytearray(b");
	put_bytes(t, data, nec_ob_size(t, obj), out);
	nec_text_putc(out, ')');
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

/* Divides the number in base 2^bits by 10^9 in place; returns the remainder. */
static uint32_t divide(uint32_t *digits, int64_t n, unsigned int bits)
{
	uint64_t rest = 0;
	int64_t i;

	for (i = n - 1; i >= 0; i--) {
		rest = rest << bits | digits[i];
		digits[i] = (uint32_t)(rest / 1000000000);
		rest %= 1000000000;
	}
	return (uint32_t)rest;
}

static void text_long(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	unsigned int bits = t->layout.traits.digit_bits, k = 0;
	uint32_t digits[MAX_DIGITS], groups[MAX_DIGITS * 2];
	uint64_t tag = nec_field(t, obj, NEC_F_LONG_TAG);
	int64_t n = nec_ob_size(t, obj), i;
	bool negative = n < 0;

	if (t->layout.traits.ints == NEC_INT_TAGGED) {
		n = (int64_t)(tag >> 3);
		negative = (tag & 3) == 2;
	} else if (negative) {
		n = -n;
	}
	if (type->name && (!strcmp(type->name, "builtins.bool"))) {
		nec_text_puts(out, n && nec_int32(t, obj + nec_off(t, NEC_F_LONG_DIGITS)) ? "True" : "False");
		return;
	}
	if (n > MAX_DIGITS) {
		nec_text_printf(out, "<int of %lld bits>", (long long)(n * bits));
		return;
	}
	for (i = 0; i < n; i++)
		digits[i] = (uint32_t)nec_int32(t, obj + nec_off(t, NEC_F_LONG_DIGITS) + (uint64_t)i * 4);
	while (n && !digits[n - 1])
		n--;
	do {
		groups[k++] = divide(digits, n, bits);
		while (n && !digits[n - 1])
			n--;
	} while (n && k < MAX_DIGITS * 2);
	nec_text_printf(out, "%s%u", negative ? "-" : "", groups[--k]);
	while (k)
		nec_text_printf(out, "%09u", groups[--k]);
	if (t->layout.traits.old_classes)
		nec_text_putc(out, 'L');
}

/* 2.7's int is a C long. */
static void text_int(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	int64_t v = (int64_t)nec_field(t, obj, NEC_F_INT_IVAL);

	if (!nec_has(t, NEC_F_INT_IVAL))
		text_long(t, obj, type, out);
	else if (!strcmp(type->tp_name, "bool"))
		nec_text_puts(out, v ? "True" : "False");
	else
		nec_text_printf(out, "%lld", (long long)v);
}

/* The shortest text that reads back as the same double, as repr has it. */
static void put_double(double v, struct nec_text *out)
{
	char buf[40];
	int digits;

	if (isnan(v) || isinf(v)) {
		nec_text_puts(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	nec_text_puts(out, buf);
	if (!strpbrk(buf, ".e"))
		nec_text_puts(out, ".0");
}

static double double_at(const struct nec_target *t, uint64_t addr)
{
	uint64_t bits = nec_word(t, addr);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void text_float(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	(void)type;
	put_double(double_at(t, obj + nec_off(t, NEC_F_FLOAT_VAL)), out);
}

static void text_complex(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t at = obj + nec_off(t, NEC_F_COMPLEX_VAL);

	(void)type;
	nec_text_putc(out, '(');
	put_double(double_at(t, at), out);
	nec_text_putc(out, '+');
	put_double(double_at(t, at + 8), out);
	nec_text_puts(out, "j)");
}

static void text_none(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	(void)t;
	(void)obj;
	(void)type;
	nec_text_puts(out, "None");
}

/* ---- what has a name -------------------------------------------------------------------------------------------- */

static void put_name(const struct nec_target *t, uint64_t str, struct nec_text *out)
{
	_cleanup_free_ char *name = nec_str_dup(t, str, NEC_LIMIT_PREVIEW);

	nec_text_puts(out, name ? name : "?");
}

static void text_type(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	_cleanup_free_ char *module = NULL;
	uint64_t qualname;
	const char *raw;

	(void)type;
	nec_text_puts(out, "<class '");
	if (nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE) {
		module = nec_str_dup(t, nec_dict_find(t, nec_type_dict(t, obj), "__module__"), NEC_LIMIT_PREVIEW);
		qualname = nec_field(t, obj, NEC_F_HEAPTYPE_QUALNAME);
		if (module)
			nec_text_printf(out, "%s.", module);
		put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_HEAPTYPE_NAME), out);
	} else {
		raw = nec_image_cstr(t->image, nec_field(t, obj, NEC_F_TYPE_NAME), NEC_LIMIT_PREVIEW);
		nec_text_puts(out, raw ? raw : "?");
	}
	nec_text_puts(out, "'>");
}

static void text_module(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t dict = nec_field(t, obj, NEC_F_MODULE_DICT);

	(void)type;
	nec_text_puts(out, "<module '");
	put_name(t, nec_dict_find(t, dict, "__name__"), out);
	nec_text_puts(out, "'>");
}

static void put_place(const struct nec_target *t, uint64_t code, struct nec_text *out)
{
	_cleanup_free_ char *file = nec_str_dup(t, nec_field(t, code, NEC_F_CODE_FILENAME), NEC_LIMIT_PREVIEW);

	if (file)
		nec_text_printf(out, " (%s:%d)", file, (int)nec_field32(t, code, NEC_F_CODE_FIRSTLINENO));
}

static void text_code(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_CODE_QUALNAME);

	(void)type;
	nec_text_puts(out, "<code ");
	put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_CODE_NAME), out);
	put_place(t, obj, out);
	nec_text_putc(out, '>');
}

static void text_function(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_FUNCTION_QUALNAME);

	(void)type;
	nec_text_puts(out, "<function ");
	put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_FUNCTION_NAME), out);
	put_place(t, nec_field(t, obj, NEC_F_FUNCTION_CODE), out);
	nec_text_putc(out, '>');
}

static void text_method(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t function = nec_field(t, obj, NEC_F_METHOD_FUNC);
	uint64_t qualname = nec_field(t, function, NEC_F_FUNCTION_QUALNAME);

	(void)type;
	nec_text_puts(out, "<bound method ");
	put_name(t, qualname ? qualname : nec_field(t, function, NEC_F_FUNCTION_NAME), out);
	nec_text_printf(out, " of 0x%llx>", (unsigned long long)nec_field(t, obj, NEC_F_METHOD_SELF));
}

/* PyMethodDef.ml_name is its first member. */
static void text_cfunction(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	const char *name = nec_image_cstr(t->image, nec_word(t, nec_field(t, obj, NEC_F_CFUNCTION_ML)), NEC_LIMIT_PREVIEW);

	(void)type;
	if (name)
		nec_text_printf(out, "<built-in function %s>", name);
}

static void text_descr(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	nec_text_printf(out, "<%s ", type->tp_name);
	put_name(t, nec_field(t, obj, NEC_F_DESCR_NAME), out);
	nec_text_putc(out, '>');
}

static void text_generator(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_GEN_QUALNAME);

	if (!qualname)
		return;
	nec_text_printf(out, "<%s ", type->tp_name);
	put_name(t, qualname, out);
	nec_text_putc(out, '>');
}

/* To add one: a row. A subclass shows what its base does. */
static const struct {
	const char *type;
	void (*text)(const struct nec_target *t, uint64_t obj, const struct nec_type *type, struct nec_text *out);
} previews[] = {
	{"NoneType", text_none},
	{"async_generator", text_generator},
	{"builtin_function_or_method", text_cfunction},
	{"bytearray", text_bytearray},
	{"bytes", text_bytes},
	{"classmethod_descriptor", text_descr},
	{"code", text_code},
	{"complex", text_complex},
	{"coroutine", text_generator},
	{"float", text_float},
	{"function", text_function},
	{"generator", text_generator},
	{"getset_descriptor", text_descr},
	{"int", text_int},
	{"long", text_long},
	{"member_descriptor", text_descr},
	{"method", text_method},
	{"method_descriptor", text_descr},
	{"module", text_module},
	{"str", text_str},
	{"type", text_type},
	{"unicode", text_str},
	{"wrapper_descriptor", text_descr},
};

enum { PREVIEWS = sizeof(previews) / sizeof(previews[0]) };

/* The row for a type, PREVIEWS for none. */
static unsigned int find_row(const struct nec_type *type)
{
	unsigned int i;

	for (; type; type = type->base) {
		if (type->python_made)
			continue;
		for (i = 0; i < PREVIEWS; i++)
			if (!strcmp(previews[i].type, type->tp_name))
				return i;
	}
	return PREVIEWS;
}

unsigned int nec_value_row(const struct nec_type *type)
{
	return find_row(type);
}

bool nec_value_text(const struct nec_target *t, uint64_t obj, const struct nec_type *type, unsigned int row,
		    struct nec_text *out)
{
	if (row >= PREVIEWS)
		return false;
	previews[row].text(t, obj, type, out);
	return out->len;
}
