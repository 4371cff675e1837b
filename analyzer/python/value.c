/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of objects; see value.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/sum.h"
#include "python/dict.h"
#include "python/str.h"
#include "python/value.h"
#include "python/value_private.h"

/* Digits of an int that are turned into decimal; a longer one says how many bits it has. */
enum { MAX_DIGITS = 64 };

/* ---- text
 * ----------------------------------------------------------------------------------------------------
 */

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

static void put_quoted(struct nec_text *out, const uint8_t *data, uint64_t length, uint32_t width,
		       bool bytes)
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

static void text_str(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out)
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

static void text_bytes(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	(void)type;
	nec_text_putc(out, 'b');
	put_bytes(t, obj + nec_off(t, NEC_F_BYTES_DATA), nec_ob_size(t, obj), out);
}

static void text_bytearray(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			   struct nec_text *out)
{
	uint64_t data = nec_field(t, obj, NEC_F_BYTEARRAY_START);

	(void)type;
	if (!data)
		data = nec_field(t, obj, NEC_F_BYTEARRAY_BYTES);
	nec_text_puts(out, "bytearray(b");
	put_bytes(t, data, nec_ob_size(t, obj), out);
	nec_text_putc(out, ')');
}

/* ---- numbers
 * --------------------------------------------------------------------------------------------------
 */

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

static void text_long(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
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
		n = nec_change(0, n);
	}
	if (type->name && (!strcmp(type->name, "builtins.bool"))) {
		nec_text_puts(out, n && nec_int32(t, obj + nec_off(t, NEC_F_LONG_DIGITS))
					   ? "True"
					   : "False");
		return;
	}
	if (n > MAX_DIGITS) {
		nec_text_printf(out, "<int of %llu bits>", (unsigned long long)n * bits);
		return;
	}
	for (i = 0; i < n; i++)
		digits[i] = (uint32_t)nec_int32(t, obj + nec_off(t, NEC_F_LONG_DIGITS) +
							   (uint64_t)i * 4);
	while (n && !digits[n - 1])
		n--;
	do {
		groups[k++] = divide(digits, n, bits);
		while (n && !digits[n - 1])
			n--;
	} while (n && k < MAX_DIGITS * 2);
	if (negative)
		nec_text_putc(out, '-');
	nec_text_u64(out, groups[--k], 1);
	while (k)
		nec_text_u64(out, groups[--k], 9);
	if (t->layout.traits.old_classes)
		nec_text_putc(out, 'L');
}

/* 2.7's int is a C long. */
static void text_int(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out)
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
static void put_shortest(double v, bool point, struct nec_text *out)
{
	char buf[40];
	int digits;

	if (isnan(v) || isinf(v)) {
		nec_text_puts(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	/* Whole numbers below this have no exponent in repr, and no shorter form. */
	if (fabs(v) < 1e16 && trunc(v) == v) {
		if (signbit(v))
			nec_text_putc(out, '-');
		nec_text_u64(out, (uint64_t)fabs(v), 1);
		nec_text_puts(out, point ? ".0" : "");
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	nec_text_puts(out, buf);
	if (point && !strpbrk(buf, ".e"))
		nec_text_puts(out, ".0");
}

static double double_at(const struct nec_target *t, uint64_t addr)
{
	uint64_t bits = nec_word(t, addr);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void text_float(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	(void)type;
	put_shortest(double_at(t, obj + nec_off(t, NEC_F_FLOAT_VAL)), true, out);
}

static void text_complex(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			 struct nec_text *out)
{
	uint64_t at = obj + nec_off(t, NEC_F_COMPLEX_VAL);
	double real, imag;

	(void)type;
	/* As Python has it: 2j, (1+2j), no ".0" anywhere. */
	real = double_at(t, at);
	imag = double_at(t, at + 8);
	if (real != 0 || signbit(real)) {
		nec_text_putc(out, '(');
		put_shortest(real, false, out);
		if (!signbit(imag))
			nec_text_putc(out, '+');
		put_shortest(imag, false, out);
		nec_text_puts(out, "j)");
	} else {
		put_shortest(imag, false, out);
		nec_text_putc(out, 'j');
	}
}

static void text_none(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	(void)t;
	(void)obj;
	(void)type;
	nec_text_puts(out, "None");
}

/* ---- what has a name
 * -------------------------------------------------------------------------------------------- */

static void put_name(const struct nec_target *t, uint64_t str, struct nec_text *out)
{
	_cleanup_free_ char *name = nec_str_dup(t, str, NEC_LIMIT_PREVIEW);

	nec_text_puts(out, name ? name : "?");
}

static void text_type(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	_cleanup_free_ char *module = NULL;
	uint64_t qualname;
	const char *raw;

	(void)type;
	nec_text_puts(out, "<class '");
	if (nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE) {
		module = nec_str_dup(t, nec_dict_find(t, nec_type_dict(t, obj), "__module__"),
				     NEC_LIMIT_PREVIEW);
		qualname = nec_field(t, obj, NEC_F_HEAPTYPE_QUALNAME);
		if (module)
			nec_text_printf(out, "%s.", module);
		put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_HEAPTYPE_NAME), out);
	} else {
		raw = nec_image_cstr(t->image, nec_field(t, obj, NEC_F_TYPE_NAME),
				     NEC_LIMIT_PREVIEW);
		nec_text_puts(out, raw ? raw : "?");
	}
	nec_text_puts(out, "'>");
}

static void text_module(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			struct nec_text *out)
{
	uint64_t dict = nec_field(t, obj, NEC_F_MODULE_DICT);

	(void)type;
	nec_text_puts(out, "<module '");
	put_name(t, nec_dict_find(t, dict, "__name__"), out);
	nec_text_puts(out, "'>");
}

static void put_place(const struct nec_target *t, uint64_t code, struct nec_text *out)
{
	_cleanup_free_ char *file =
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_FILENAME), NEC_LIMIT_PREVIEW);

	if (file)
		nec_text_printf(out, " (%s:%d)", file,
				(int)nec_field32(t, code, NEC_F_CODE_FIRSTLINENO));
}

static void text_code(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_CODE_QUALNAME);

	(void)type;
	nec_text_puts(out, "<code ");
	put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_CODE_NAME), out);
	put_place(t, obj, out);
	nec_text_putc(out, '>');
}

static void text_function(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			  struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_FUNCTION_QUALNAME);

	(void)type;
	nec_text_puts(out, "<function ");
	put_name(t, qualname ? qualname : nec_field(t, obj, NEC_F_FUNCTION_NAME), out);
	put_place(t, nec_field(t, obj, NEC_F_FUNCTION_CODE), out);
	nec_text_putc(out, '>');
}

static void text_method(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			struct nec_text *out)
{
	uint64_t function = nec_field(t, obj, NEC_F_METHOD_FUNC);
	uint64_t qualname = nec_field(t, function, NEC_F_FUNCTION_QUALNAME);

	(void)type;
	nec_text_puts(out, "<bound method ");
	put_name(t, qualname ? qualname : nec_field(t, function, NEC_F_FUNCTION_NAME), out);
	nec_text_printf(out, " of 0x%llx>",
			(unsigned long long)nec_field(t, obj, NEC_F_METHOD_SELF));
}

/* PyMethodDef.ml_name is its first member. */
static void text_cfunction(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			   struct nec_text *out)
{
	const char *name = nec_image_cstr(
		t->image, nec_word(t, nec_field(t, obj, NEC_F_CFUNCTION_ML)), NEC_LIMIT_PREVIEW);

	(void)type;
	if (name)
		nec_text_printf(out, "<built-in function %s>", name);
}

static void text_descr(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	nec_text_printf(out, "<%s ", type->tp_name);
	put_name(t, nec_field(t, obj, NEC_F_DESCR_NAME), out);
	nec_text_putc(out, '>');
}

/* ---- digests ---- */

static uint64_t digest_str(const struct nec_target *t, uint64_t obj)
{
	struct nec_str s;

	if (!nec_str_read(t, obj, &s) || !s.data || s.length > NEC_LIMIT_DIGEST)
		return 0;
	return nec_digest(s.data, s.length * s.width, s.width);
}

static uint64_t digest_at(const struct nec_target *t, uint64_t addr, uint64_t size)
{
	const uint8_t *data = size <= NEC_LIMIT_DIGEST ? nec_image_view(t->image, addr, size) : NULL;

	return data ? nec_digest(data, size, 0) : 0;
}

static uint64_t digest_bytes(const struct nec_target *t, uint64_t obj)
{
	return digest_at(t, obj + nec_off(t, NEC_F_BYTES_DATA), (uint64_t)nec_ob_size(t, obj));
}

/* Its digits and what says how many these are. */
static uint64_t digest_long(const struct nec_target *t, uint64_t obj)
{
	bool tagged = t->layout.traits.ints == NEC_INT_TAGGED;
	uint64_t size = tagged ? nec_field(t, obj, NEC_F_LONG_TAG) >> 3
			       : (uint64_t)llabs(nec_ob_size(t, obj));
	uint64_t sign = tagged ? nec_field(t, obj, NEC_F_LONG_TAG) & 3 : nec_ob_size(t, obj) < 0;
	uint64_t digits = size <= NEC_LIMIT_DIGEST
				  ? digest_at(t, obj + nec_off(t, NEC_F_LONG_DIGITS), size * 4)
				  : 0;

	return digits ? nec_digest_add(digits, sign) : 0;
}

/* 2.7's int is a C long; 3's is what 2.7 calls long. */
static uint64_t digest_int(const struct nec_target *t, uint64_t obj)
{
	if (!nec_has(t, NEC_F_INT_IVAL))
		return digest_long(t, obj);
	return digest_at(t, obj + nec_off(t, NEC_F_INT_IVAL), 8);
}

static uint64_t digest_float(const struct nec_target *t, uint64_t obj)
{
	return digest_at(t, obj + nec_off(t, NEC_F_FLOAT_VAL), 8);
}

static uint64_t digest_complex(const struct nec_target *t, uint64_t obj)
{
	return digest_at(t, obj + nec_off(t, NEC_F_COMPLEX_VAL), 16);
}

/* ---- all of them ---- */

/* A preview is made of the object alone, or with what it refers to. To add one: a row. A subclass
 * shows what its base does. */
static const struct {
	const char *type; /* tp_name of a C type, module.qualname of a class */
	void (*text)(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out);
	void (*deep)(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out);
	uint64_t (*digest)(const struct nec_target *t, uint64_t obj); /* of what is equal by value */
} previews[] = {
	{"NoneType", text_none, NULL, NULL},
	{"_sre.SRE_Pattern", NULL, nec_text_pattern, NULL},
	{"async_generator", nec_text_generator, NULL, NULL},
	{"builtin_function_or_method", text_cfunction, NULL, NULL},
	{"bytearray", text_bytearray, NULL, NULL},
	{"bytes", text_bytes, NULL, digest_bytes},
	{"cell", NULL, nec_text_cell, NULL},
	{"classmethod_descriptor", text_descr, NULL, NULL},
	{"code", text_code, NULL, NULL},
	{"complex", text_complex, NULL, digest_complex},
	{"coroutine", nec_text_generator, NULL, NULL},
	{"datetime.date", nec_text_date, NULL, NULL},
	{"datetime.datetime", NULL, nec_text_datetime, NULL},
	{"datetime.time", NULL, nec_text_time, NULL},
	{"datetime.timedelta", nec_text_timedelta, NULL, NULL},
	{"datetime.timezone", NULL, nec_text_timezone, NULL},
	{"decimal.Decimal", NULL, nec_text_decimal, NULL},
	{"float", text_float, NULL, digest_float},
	{"fractions.Fraction", NULL, nec_text_fraction, NULL},
	{"frame", nec_text_frame, NULL, NULL},
	{"function", text_function, NULL, NULL},
	{"functools.partial", NULL, nec_text_partial, NULL},
	{"generator", nec_text_generator, NULL, NULL},
	{"getset_descriptor", text_descr, NULL, NULL},
	{"int", text_int, NULL, digest_int},
	{"long", text_long, NULL, digest_long},
	{"member_descriptor", text_descr, NULL, NULL},
	{"method", text_method, NULL, NULL},
	{"instancemethod", text_method, NULL, NULL},
	{"method_descriptor", text_descr, NULL, NULL},
	{"module", text_module, NULL, NULL},
	{"numpy.ndarray", nec_text_ndarray, NULL, NULL},
	{"pandas.core.frame.DataFrame", NULL, nec_text_frame_shape, NULL},
	{"pandas.core.series.Series", NULL, nec_text_frame_shape, NULL},
	{"pathlib.PurePath", NULL, nec_text_path, NULL},
	{"pathlib._local.PurePath", NULL, nec_text_path, NULL},
	{"range", NULL, nec_text_range, NULL},
	{"re.Pattern", NULL, nec_text_pattern, NULL},
	{"slice", NULL, nec_text_range, NULL},
	{"str", text_str, NULL, digest_str},
	{"type", text_type, NULL, NULL},
	{"unicode", text_str, NULL, digest_str},
	{"uuid.UUID", NULL, nec_text_uuid, NULL},
	{"weakcallableproxy", NULL, nec_text_weakref, NULL},
	{"weakproxy", NULL, nec_text_weakref, NULL},
	{"weakref", NULL, nec_text_weakref, NULL},
	{"weakref.CallableProxyType", NULL, nec_text_weakref, NULL},
	{"weakref.ProxyType", NULL, nec_text_weakref, NULL},
	{"weakref.ReferenceType", NULL, nec_text_weakref, NULL},
	{"wrapper_descriptor", text_descr, NULL, NULL},
	/* Not by name. */
	{"", NULL, nec_text_enum, NULL},
	{"", NULL, nec_text_exception, NULL},
	{"", NULL, nec_text_namedtuple, NULL},
};

enum {
	PREVIEWS = sizeof(previews) / sizeof(previews[0]),
	ROW_ENUM = PREVIEWS - 3,
	ROW_EXCEPTION,
	ROW_NAMEDTUPLE,
	ROW_UNKNOWN = 255, /* nobody looked */
};
_Static_assert(PREVIEWS < ROW_UNKNOWN, "a row fits a byte");

/* What is no matter of one name: PREVIEWS for everything else. */
static unsigned int find_kind(const struct nec_target *t, const struct nec_type *type)
{
	const char *meta;

	if (type->flags & NEC_TYPE_EXC_SUBCLASS)
		return ROW_EXCEPTION;
	if (!type->python_made)
		return PREVIEWS;
	meta = nec_image_cstr(t->image, nec_field(t, nec_type_of(t, type->addr), NEC_F_TYPE_NAME),
			      64);
	if (meta && (!strcmp(meta, "EnumMeta") || !strcmp(meta, "EnumType")))
		return ROW_ENUM;
	if (type->flags & NEC_TYPE_TUPLE_SUBCLASS &&
	    nec_dict_find(t, nec_type_dict(t, type->addr), "_fields"))
		return ROW_NAMEDTUPLE;
	return PREVIEWS;
}

static unsigned int find_row(const struct nec_target *t, const struct nec_type *type)
{
	unsigned int i, row = find_kind(t, type);

	if (row != PREVIEWS)
		return row;
	for (; type; type = type->base)
		for (i = 0; i < ROW_ENUM; i++)
			if (!strcmp(previews[i].type,
				    type->python_made ? type->name : type->tp_name))
				return i;
	return PREVIEWS;
}

/* The row for a type, kept by its id. */
static unsigned int row_of(struct nec_values *values, const struct nec_type *type)
{
	if (type->id >= values->count)
		return find_row(values->target, type);
	if (values->rows[type->id] == ROW_UNKNOWN)
		values->rows[type->id] = (uint8_t)find_row(values->target, type);
	return values->rows[type->id];
}

struct nec_error *nec_values_init(struct nec_values *values, struct nec_types *types)
{
	*values = (struct nec_values){.target = types->target, .types = types};
	values->rows = malloc(types->count + 1);
	if (!values->rows)
		return &nec_enomem;
	values->count = types->count;
	memset(values->rows, ROW_UNKNOWN, values->count);
	return NULL;
}

void nec_values_deinit(struct nec_values *values)
{
	free(values->rows);
	*values = (struct nec_values){0};
}

bool nec_values_has(struct nec_values *values, const struct nec_type *type)
{
	return row_of(values, type) != PREVIEWS;
}

uint64_t nec_values_digest(struct nec_values *values, uint64_t obj, const struct nec_type *type)
{
	unsigned int row = row_of(values, type);

	if (row >= PREVIEWS || !previews[row].digest || type->python_made ||
	    strcmp(type->tp_name, previews[row].type) != 0)
		return 0;
	return previews[row].digest(values->target, obj);
}

bool nec_values_text(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out)
{
	unsigned int row = row_of(values, type);

	if (row >= PREVIEWS)
		return false;
	if (previews[row].text)
		previews[row].text(values->target, obj, type, out);
	else if (nec_values_enter(values, obj)) {
		previews[row].deep(values, obj, type, out);
		nec_values_leave(values);
	} else {
		nec_text_puts(out, "…");
	}
	return out->len;
}
