/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

const struct nec_column_style nec_column_styles[NEC_COL_KINDS] = {
	[NEC_COL_TEXT] = {8, false, NEC_STYLE_NORMAL},
	[NEC_COL_LABEL] = {8, false, NEC_STYLE_LABEL},
	[NEC_COL_TYPE] = {8, false, NEC_STYLE_TYPE},
	[NEC_COL_VALUE] = {8, false, NEC_STYLE_VALUE},
	[NEC_COL_ADDRESS] = {14, false, NEC_STYLE_ADDRESS},
	[NEC_COL_COUNT] = {11, true, NEC_STYLE_NUMBER},
	[NEC_COL_SIZE] = {9, true, NEC_STYLE_NUMBER},
	[NEC_COL_SHARE] = {17, false, NEC_STYLE_BAR},
	[NEC_COL_CHANGE] = {12, true, NEC_STYLE_NUMBER},
	[NEC_COL_GROWTH] = {10, true, NEC_STYLE_NUMBER},
	[NEC_COL_ANY] = {10, false, NEC_STYLE_NORMAL},
	[NEC_COL_COURSE] = {24, false, NEC_STYLE_BAR},
};

const struct nec_view *nec_view_find(const char *name)
{
	static const struct nec_view *const tables[] = {
		nec_views_about,   nec_views_heap, nec_views_memory,
		nec_views_threads, nec_views_time,
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct nec_view *view = tables[i]; view->name; view++)
			if (strcmp(view->name, name) == 0)
				return view;
	return NULL;
}

const struct nec_screen_def *nec_screen_find(const char *name)
{
	const struct nec_screen_def *def = nec_screens;

	while (def->name && strcmp(def->name, name) != 0)
		def++;
	return def->name ? def : NULL;
}

static enum nec_column_kind unit_kind(const char *unit)
{
	static const struct {
		const char *unit;
		enum nec_column_kind kind;
	} units[] = {
		{"bytes", NEC_COL_SIZE},
		{"count", NEC_COL_COUNT},
		{"addr", NEC_COL_ADDRESS},
	};

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return units[i].kind;
	return NEC_COL_TEXT;
}

static void put_int(struct nec_text *out, int64_t i, enum nec_column_kind kind)
{
	switch (kind) {
	case NEC_COL_ADDRESS:
		nec_text_printf(out, "0x%" PRIx64, (uint64_t)i);
		break;
	case NEC_COL_CHANGE:
		nec_text_puts(out, i > 0 ? "+" : "");
		nec_text_count(out, i);
		break;
	case NEC_COL_GROWTH:
		nec_text_puts(out, i > 0 ? "+" : "");
		nec_text_size(out, i);
		break;
	case NEC_COL_SIZE:
		nec_text_size(out, i);
		break;
	case NEC_COL_SHARE:
		nec_text_printf(out, "%.1f%%", (double)i / 100);
		break;
	case NEC_COL_COUNT:
		nec_text_count(out, i);
		break;
	default:
		nec_text_printf(out, "%" PRId64, i);
	}
}

void nec_value_text_put(struct nec_text *out, const struct nec_value *value,
			enum nec_column_kind kind, const char *unit)
{
	if (kind == NEC_COL_ANY)
		kind = unit_kind(unit);
	switch (value->type) {
	case NEC_COLUMN_INT:
		put_int(out, value->i, kind);
		break;
	case NEC_COLUMN_REAL:
		nec_text_printf(out, "%.6g", value->r);
		break;
	case NEC_COLUMN_TEXT:
		nec_text_add(out, value->s, value->len);
		break;
	case NEC_COLUMN_BLOB:
		nec_text_printf(out, "<%zu bytes>", value->len);
		break;
	case NEC_COLUMN_NULL:
		break;
	}
}
