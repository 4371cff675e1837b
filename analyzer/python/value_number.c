/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of numbers that are made of others: Decimal, Fraction, UUID. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/str.h"
#include "python/value_private.h"

/* Modules/_decimal/libmpdec/mpdecimal.h: flags of mpd_t; a word holds 19 decimal digits. */
enum { MPD_NEG = 1, MPD_INF = 2, MPD_NAN = 4, MPD_SNAN = 8, MPD_WORD_DIGITS = 19 };

/* Words of a Decimal that are shown; the coefficient of a longer one is cut. */
enum { MAX_WORDS = 6 };

/* Digits with the point where the exponent says, or with an exponent: to-scientific-string of the
 * General Decimal Arithmetic. */
static void put_scientific(const char *digits, int64_t exponent, struct nec_text *out)
{
	int64_t n = (int64_t)strlen(digits), adjusted = exponent + n - 1, i;

	if (exponent > 0 || adjusted < -6) {
		nec_text_putc(out, digits[0]);
		if (n > 1)
			nec_text_printf(out, ".%s", digits + 1);
		nec_text_printf(out, "E%+lld", (long long)adjusted);
	} else if (!exponent) {
		nec_text_puts(out, digits);
	} else if (n + exponent > 0) {
		nec_text_add(out, digits, (size_t)(n + exponent));
		nec_text_printf(out, ".%s", digits + n + exponent);
	} else {
		nec_text_puts(out, "0.");
		for (i = n + exponent; i < 0; i++)
			nec_text_putc(out, '0');
		nec_text_puts(out, digits);
	}
}

/* 2.7: a class written in Python, its digits a str. */
static void put_python_decimal(struct nec_values *values, uint64_t obj, struct nec_text *out)
{
	uint64_t sign = nec_value_attr(values, obj, "_sign"),
		 exponent = nec_value_attr(values, obj, "_exp");
	_cleanup_free_ char *digits =
		nec_str_dup(values->target, nec_value_attr(values, obj, "_int"), 120);
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (!digits)
		return;
	nec_text_puts(out, "Decimal('");
	nec_put_nested(values, sign, 4, &text);
	if (!strcmp(nec_text_str(&text), "1"))
		nec_text_putc(out, '-');
	nec_text_clear(&text);
	nec_put_nested(values, exponent, 24, &text);
	if (!strcmp(nec_text_str(&text), "'F'"))
		nec_text_puts(out, "Infinity");
	else if (nec_text_str(&text)[0] == '\'')
		nec_text_printf(out, "NaN%s", digits);
	else if (*digits)
		put_scientific(digits, strtoll(nec_text_str(&text), NULL, 10), out);
	nec_text_puts(out, "')");
}

void nec_text_decimal(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	const struct nec_target *t = values->target;
	char digits[MAX_WORDS * MPD_WORD_DIGITS + 1] = "0";
	uint64_t dec, words, data, i;
	size_t len = 0;
	uint8_t flags;

	while (type && type->python_made)
		type = type->base;
	if (!nec_has(t, NEC_F_DECIMAL_MPD) || !type || strcmp(type->tp_name, "decimal.Decimal")) {
		put_python_decimal(values, obj, out);
		return;
	}
	dec = obj + nec_off(t, NEC_F_DECIMAL_MPD);
	words = nec_field(t, dec, NEC_F_MPD_LEN);
	data = nec_field(t, dec, NEC_F_MPD_DATA);
	flags = nec_field8(t, dec, NEC_F_MPD_FLAGS);
	nec_text_printf(out, "Decimal('%s", flags & MPD_NEG ? "-" : "");
	if (flags & (MPD_INF | MPD_NAN | MPD_SNAN)) {
		nec_text_printf(out, "%s')",
				flags & MPD_INF   ? "Infinity"
				: flags & MPD_NAN ? "NaN"
						  : "sNaN");
		return;
	}
	if (words > MAX_WORDS) {
		nec_text_printf(out, "<%llu digits>')",
				(unsigned long long)nec_field(t, dec, NEC_F_MPD_DIGITS));
		return;
	}
	for (i = words; i-- > 0;) {
		unsigned long long word =
			nec_word(t, data + i * 8) % UINT64_C(10000000000000000000);

		len += (size_t)snprintf(digits + len, sizeof(digits) - len,
					len ? "%019llu" : "%llu", word);
	}
	put_scientific(digits, (int64_t)nec_field(t, dec, NEC_F_MPD_EXP), out);
	nec_text_puts(out, "')");
}

void nec_text_fraction(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	(void)type;
	nec_text_puts(out, "Fraction(");
	nec_put_nested(values, nec_value_attr(values, obj, "_numerator"), 60, out);
	nec_text_puts(out, ", ");
	nec_put_nested(values, nec_value_attr(values, obj, "_denominator"), 60, out);
	nec_text_putc(out, ')');
}

/* The number of 128 bits that a UUID is, from the digits of its int. */
void nec_text_uuid(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t number = nec_value_attr(values, obj, "int");
	unsigned __int128 v = 0;
	unsigned int i, bits = t->layout.traits.digit_bits, digits;
	int64_t n;

	(void)type;
	if (!number)
		return;
	n = t->layout.traits.ints == NEC_INT_TAGGED
		    ? (int64_t)(nec_field(t, number, NEC_F_LONG_TAG) >> 3)
		    : nec_ob_size(t, number);
	if (n < 0 || n > 128 / (int64_t)bits + 1)
		return;
	digits = (unsigned int)n;
	for (i = digits; i-- > 0;)
		v = v << bits |
		    (uint32_t)nec_int32(t, number + nec_off(t, NEC_F_LONG_DIGITS) + i * 4ull);
	nec_text_printf(out, "UUID('%08x-%04x-%04x-%04x-%012llx')", (unsigned int)(v >> 96),
			(unsigned int)(v >> 80) & 0xffff, (unsigned int)(v >> 64) & 0xffff,
			(unsigned int)(v >> 48) & 0xffff, (unsigned long long)(v & 0xffffffffffff));
}
