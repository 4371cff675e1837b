/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of the types of datetime; formats of data: Include/datetime.h,
 * Modules/_datetimemodule.c. */
#include "python/value_private.h"

/*
 * PyDateTime_Delta is `hashcode, days, seconds, microseconds` behind the head in every version
 * from 2.3 on (Include/datetime.h), a part of the C interface: a long, then three ints.
 */
enum { DELTA_DAYS = 8, DELTA_SECONDS = 12, DELTA_MICROSECONDS = 16 };

static unsigned int micros(const uint8_t *p)
{
	return (unsigned int)p[0] << 16 | (unsigned int)p[1] << 8 | p[2];
}

void nec_text_date(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	const uint8_t *p = nec_image_view(t->image, obj + nec_off(t, NEC_F_DATE_DATA), 4);

	(void)type;
	if (p)
		nec_text_printf(out, "datetime.date(%u, %u, %u)", p[0] << 8 | p[1], p[2], p[3]);
}

static void put_clock(const uint8_t *p, struct nec_text *out)
{
	nec_text_printf(out, "%u, %u", p[0], p[1]);
	if (p[2] || micros(p + 3))
		nec_text_printf(out, ", %u", p[2]);
	if (micros(p + 3))
		nec_text_printf(out, ", %u", micros(p + 3));
}

static void put_zone(struct nec_values *values, uint64_t tzinfo, struct nec_text *out)
{
	if (tzinfo) {
		nec_text_puts(out, ", tzinfo=");
		nec_put_nested(values, tzinfo, 80, out);
	}
	nec_text_putc(out, ')');
}

/* The highest bit of the month says `fold` in pickles alone; in memory it is a member of its own.
 */
void nec_text_datetime(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	const struct nec_target *t = values->target;
	const uint8_t *p = nec_image_view(t->image, obj + nec_off(t, NEC_F_DATETIME_DATA), 10);

	(void)type;
	if (!p)
		return;
	nec_text_printf(out, "datetime.datetime(%u, %u, %u, ", p[0] << 8 | p[1], p[2], p[3]);
	put_clock(p + 4, out);
	put_zone(values,
		 nec_field8(t, obj, NEC_F_DATETIME_HASTZINFO)
			 ? nec_field(t, obj, NEC_F_DATETIME_TZINFO)
			 : 0,
		 out);
}

void nec_text_time(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	const struct nec_target *t = values->target;
	const uint8_t *p = nec_image_view(t->image, obj + nec_off(t, NEC_F_TIME_DATA), 6);

	(void)type;
	if (!p)
		return;
	nec_text_puts(out, "datetime.time(");
	put_clock(p, out);
	put_zone(values,
		 nec_field8(t, obj, NEC_F_TIME_HASTZINFO) ? nec_field(t, obj, NEC_F_TIME_TZINFO)
							  : 0,
		 out);
}

void nec_text_timedelta(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			struct nec_text *out)
{
	uint64_t data = obj + nec_off(t, NEC_SIZEOF_OBJECT);
	const struct {
		const char *name;
		int32_t value;
	} parts[] = {
		{"days", nec_int32(t, data + DELTA_DAYS)},
		{"seconds", nec_int32(t, data + DELTA_SECONDS)},
		{"microseconds", nec_int32(t, data + DELTA_MICROSECONDS)},
	};
	const char *separator = "";
	size_t i;

	(void)type;
	nec_text_puts(out, "datetime.timedelta(");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].value)
			continue;
		nec_text_printf(out, "%s%s=%d", separator, parts[i].name, (int)parts[i].value);
		separator = ", ";
	}
	nec_text_puts(out, *separator ? ")" : "0)");
}

void nec_text_timezone(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		       struct nec_text *out)
{
	/* PyDateTime_TimeZone: offset, then name, which is NULL where none was given (Modules/_datetimemodule.c, 3.2 on). */
	uint64_t data = obj + nec_off(values->target, NEC_SIZEOF_OBJECT);
	uint64_t offset = nec_word(values->target, data), name = nec_word(values->target, data + 8);

	(void)type;
	nec_text_puts(out, "datetime.timezone(");
	nec_put_nested(values, offset, 60, out);
	if (name) {
		nec_text_puts(out, ", ");
		nec_put_nested(values, name, 40, out);
	}
	nec_text_putc(out, ')');
}
