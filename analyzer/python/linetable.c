/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Line tables; see linetable.h. */
#include "python/linetable.h"

/* Bytes of a table: the compiler's largest modules are far below. */
enum { MAX_TABLE = 1 << 26 };

struct table {
	const uint8_t *p, *end;
};

/* One byte of line after one of addresses, added up until the address is passed: 2.7 with lines
 * that only go up, 3.6 to 3.9 with signed ones. */
static int32_t by_lnotab(struct table table, int64_t lasti, int32_t line, bool is_signed)
{
	int64_t addr = 0;

	for (; table.end - table.p >= 2; table.p += 2) {
		addr += table.p[0];
		if (addr > lasti)
			break;
		line += is_signed ? (int8_t)table.p[1] : table.p[1];
	}
	return line;
}

/* 3.10: ranges of addresses, each with what it adds to the line; -128 has no line. */
static int32_t by_ranges(struct table table, int64_t lasti, int32_t line)
{
	enum { NO_LINE = -128 };
	int64_t addr = 0;

	for (; table.end - table.p >= 2; table.p += 2) {
		int8_t delta = (int8_t)table.p[1];

		addr += table.p[0];
		if (delta != NO_LINE)
			line += delta;
		if (addr > lasti)
			return delta == NO_LINE ? 0 : line;
	}
	return line;
}

/* Six bits a byte, the lowest first; 0x40: one more follows. */
static uint32_t varint(struct table *table)
{
	uint32_t value = 0;
	unsigned int shift;

	for (shift = 0; table->p < table->end; shift += 6) {
		uint8_t byte = *table->p++;

		if (shift < 32)
			value |= (uint32_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	return value;
}

static int32_t signed_varint(struct table *table)
{
	uint32_t value = varint(table);

	return value & 1 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
}

static uint8_t byte(struct table *table)
{
	return table->p < table->end ? *table->p++ : 0;
}

/* What the four bits of an entry's first byte say. */
enum {
	SHORT_LAST = 9,
	ONE_LINE_FIRST = 10,
	ONE_LINE_LAST = 12,
	NO_COLUMNS = 13,
	LONG = 14,
	NONE = 15
};

/* 3.11 on: locations with columns. */
static void by_locations(struct table table, int64_t lasti, int32_t line, struct nec_position *ret)
{
	int64_t addr = 0;

	while (table.p < table.end) {
		uint8_t first = *table.p++, kind = first >> 3 & 15, second;
		struct nec_position pos = {0};

		if (!(first & 0x80))
			return; /* damaged: entries begin with a set bit */
		addr += ((first & 7) + 1) * 2;
		if (kind <= SHORT_LAST) {
			second = byte(&table);
			pos.column = (kind << 3 | second >> 4) + 1;
			pos.end_column = pos.column + (second & 15);
			pos.line = pos.end_line = line;
		} else if (kind <= ONE_LINE_LAST) {
			line += kind - ONE_LINE_FIRST;
			pos.column = byte(&table) + 1;
			pos.end_column = byte(&table) + 1;
			pos.line = pos.end_line = line;
		} else if (kind == NO_COLUMNS) {
			line += signed_varint(&table);
			pos.line = pos.end_line = line;
		} else if (kind == LONG) {
			line += signed_varint(&table);
			pos.line = line;
			pos.end_line = line + (int32_t)(varint(&table) & INT32_MAX);
			pos.column = (int32_t)(varint(&table) & INT32_MAX);
			pos.end_column = (int32_t)(varint(&table) & INT32_MAX);
		}
		if (addr > lasti) {
			*ret = pos;
			return;
		}
	}
}

void nec_code_position(const struct nec_target *t, uint64_t code, int64_t lasti,
		       struct nec_position *ret)
{
	uint64_t bytes = nec_field(t, code, NEC_F_CODE_LINETABLE);
	int32_t first = nec_field32(t, code, NEC_F_CODE_FIRSTLINENO);
	int64_t size = nec_ob_size(t, bytes);
	struct table table = {0};

	*ret = (struct nec_position){.line = first, .end_line = first};
	if (size > 0 && size < MAX_TABLE)
		table.p = nec_image_view(t->image, bytes + nec_off(t, NEC_F_BYTES_DATA),
					 (uint64_t)size);
	if (!table.p || lasti < 0)
		return;
	table.end = table.p + size;
	switch ((enum nec_line_trait)t->layout.traits.lines) {
	case NEC_LINES_UNSIGNED:
	case NEC_LINES_SIGNED:
		ret->line =
			by_lnotab(table, lasti, first, t->layout.traits.lines == NEC_LINES_SIGNED);
		break;
	case NEC_LINES_RANGES:
		ret->line = by_ranges(table, lasti, first);
		break;
	case NEC_LINES_LOCATIONS:
		by_locations(table, lasti, first, ret);
		return;
	}
	ret->end_line = ret->line;
}
