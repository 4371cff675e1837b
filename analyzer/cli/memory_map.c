/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maps of the address space and of the arenas, as text and as SVG. Neighbouring mappings of one
 * kind and file are one stretch; an arena is a character or a square, the fuller the darker.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

enum {
	BAR = 32, /* cells of the longest bar of text */
	ARENAS_A_LINE = 64,
	WIDTH = 960, /* of the picture, in its units; a line of it; a square */
	LINE = 14,
	SQUARE = 13,
	LABEL = 430,
	MAX_LINES = 2000, /* stretches that are drawn */
};

/* By occupancy: in so many percent or less. */
static const struct shade {
	int percent;
	const char *text, *color;
} shades[] = {
	{0, "·", "#f4f4f4"},  {10, "░", "#fde0c5"}, {25, "▒", "#facba6"},
	{50, "▓", "#f2855d"}, {75, "▓", "#d6604d"}, {100, "█", "#8c2d19"},
};

enum { SHADES = sizeof(shades) / sizeof(shades[0]) };

/* To add a kind of mapping (mapping.kind): a line; others are grey. */
static const struct {
	const char *kind, *color;
} colors[] = {
	{"pymalloc", "#4c9a52"}, {"malloc", "#3a76af"},   {"mimalloc", "#4c9a92"}, {"stack", "#b04a8f"},
	{"elf file", "#999999"}, {"file", "#bbbbbb"},   {"bss", "#777777"},
};

static const struct shade *shade_of(int64_t used, int64_t bytes)
{
	size_t i;
	int64_t percent = bytes > 0 ? (int64_t)(100.0 * (double)used / (double)bytes + 0.999) : 0;

	for (i = 0; i + 1 < SHADES && percent > shades[i].percent; i++)
		;
	return &shades[i];
}

struct stretch {
	uint64_t start, end;
	int64_t bytes;
	char *kind, *path; /* owned */
};

struct map {
	struct nec_db *db;
	struct stretch *items; /* owned */
	size_t count;
	int64_t longest, left; /* left: stretches that are not in items */
};

static void deinit_map(struct map *m)
{
	size_t i;

	for (i = 0; i < m->count; i++) {
		free(m->items[i].kind);
		free(m->items[i].path);
	}
	free(m->items);
}

static struct nec_error *read_map(struct map *m)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct stretch *items, *s;
	bool row;

	NEC_TRY(nec_query_named(m->db, "memory_stretches", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		if (m->count == MAX_LINES) {
			m->left++;
			continue;
		}
		items = realloc(m->items, (m->count + 1) * sizeof(*items));
		if (!items)
			return &nec_enomem;
		m->items = items;
		s = &items[m->count++];
		s->start = (uint64_t)nec_query_int(query, 0);
		s->end = (uint64_t)nec_query_int(query, 1);
		s->bytes = nec_query_int(query, 2);
		s->kind = nec_escape(nec_query_text(query, 3, NULL));
		s->path = nec_escape(nec_query_text(query, 4, NULL));
		if (!s->kind || !s->path)
			return &nec_enomem;
		if (s->bytes > m->longest)
			m->longest = s->bytes;
	}
}

/* ---- text
 * ------------------------------------------------------------------------------------------------------------
 */

static void put_bar(struct nec_text *text, int64_t bytes, int64_t longest)
{
	int cells = longest > 0 ? (int)(BAR * (double)bytes / (double)longest) : 0, i;

	for (i = 0; i < BAR; i++)
		nec_text_puts(text, i < cells ? "█" : i == 0 ? "▏" : " ");
}

static struct nec_error *print_stretches(struct map *m, FILE *out)
{
	_cleanup_(nec_text_deinit) struct nec_text line = {0}, size = {0};
	size_t i;

	for (i = 0; i < m->count; i++) {
		const struct stretch *s = &m->items[i];

		nec_text_clear(&line);
		nec_text_clear(&size);
		nec_text_size(&size, s->bytes);
		put_bar(&line, s->bytes, m->longest);
		fprintf(out, "%016llx %10s  %s %-10s %s\n", (unsigned long long)s->start,
			nec_text_str(&size), nec_text_str(&line), s->kind, s->path);
	}
	if (m->left)
		fprintf(out, "… and %lld stretches more\n", (long long)m->left);
	return line.failed || size.failed ? &nec_enomem : NULL;
}

static struct nec_error *print_arenas(struct map *m, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ char *kind = NULL;
	int column = 0;
	size_t i;
	bool row;

	fputs("\narenas by what is used of them:", out);
	for (i = 0; i < SHADES; i++)
		if (i + 1 == SHADES || strcmp(shades[i].text, shades[i + 1].text) != 0)
			fprintf(out, "  %s %s%d %%", shades[i].text, i ? "to " : "",
				shades[i].percent);
	NEC_TRY(nec_query_named(m->db, "memory_arenas", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (!kind || strcmp(kind, nec_query_text(query, 1, NULL)) != 0) {
			free(kind);
			kind = nec_escape(nec_query_text(query, 1, NULL));
			if (!kind)
				return &nec_enomem;
			fprintf(out, "\n%s\n  ", kind);
			column = 0;
		}
		if (column++ == ARENAS_A_LINE) {
			fputs("\n  ", out);
			column = 1;
		}
		fputs(shade_of(nec_query_int(query, 5), nec_query_int(query, 4))->text, out);
	}
	fputc('\n', out);
	return NULL;
}

struct nec_error *nec_memory_map(struct nec_db *db, FILE *out)
{
	_cleanup_(deinit_map) struct map m = {.db = db};

	NEC_TRY(read_map(&m));
	NEC_TRY(print_stretches(&m, out));
	return print_arenas(&m, out);
}

/* ---- SVG
 * -------------------------------------------------------------------------------------------------------------
 */

static void put_xml(struct nec_text *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			nec_text_puts(out, "&lt;");
		else if (*s == '>')
			nec_text_puts(out, "&gt;");
		else if (*s == '&')
			nec_text_puts(out, "&amp;");
		else
			nec_text_add(out, s, 1);
	}
}

static void put_label(struct nec_text *out, int x, int y, const char *text)
{
	nec_text_printf(out, "<text x=\"%d\" y=\"%d\">", x, y + LINE - 3);
	put_xml(out, text);
	nec_text_puts(out, "</text>\n");
}

static const char *color_of(const char *kind)
{
	size_t i;

	for (i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(colors[i].kind, kind) == 0)
			return colors[i].color;
	return "#d5c48f";
}

static void draw_stretch(const struct map *m, const struct stretch *s, struct nec_text *out, int y)
{
	_cleanup_(nec_text_deinit) struct nec_text label = {.limit = 120};
	int width =
		m->longest > 0 ? (int)((WIDTH - LABEL) * (double)s->bytes / (double)m->longest) : 0;

	nec_text_printf(&label, "%llx ", (unsigned long long)s->start);
	nec_text_size(&label, s->bytes);
	nec_text_printf(&label, " %s %s", s->kind, s->path);
	put_label(out, 4, y, nec_text_str(&label));
	nec_text_printf(out,
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>",
			LABEL, y + 1, width > 0 ? width : 1, LINE - 2, color_of(s->kind));
	put_xml(out, nec_text_str(&label));
	nec_text_puts(out, "</title></rect>\n");
}

/* Squares from y on; *y_ret: below them. */
static struct nec_error *draw_arenas(struct map *m, struct nec_text *out, int y, int *y_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ char *kind = NULL;
	int x = WIDTH, height = y;
	bool row;

	NEC_TRY(nec_query_named(m->db, "memory_arenas", &query));
	for (;;) {
		int64_t used, bytes;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (!kind || strcmp(kind, nec_query_text(query, 1, NULL)) != 0) {
			free(kind);
			kind = nec_escape(nec_query_text(query, 1, NULL));
			if (!kind)
				return &nec_enomem;
			put_label(out, 4, height + LINE, kind);
			height += 2 * LINE + 2;
			x = 4;
		} else if (x + SQUARE > WIDTH) {
			x = 4;
			height += SQUARE;
		}
		used = nec_query_int(query, 5);
		bytes = nec_query_int(query, 4);
		nec_text_printf(
			out,
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" stroke=\"#888\"><title>%llx: ",
			x, height, SQUARE - 2, SQUARE - 2, shade_of(used, bytes)->color,
			(unsigned long long)nec_query_int(query, 3));
		nec_text_size(out, used);
		nec_text_puts(out, " of ");
		nec_text_size(out, bytes);
		nec_text_puts(out, "</title></rect>\n");
		x += SQUARE;
	}
	*y_ret = height + SQUARE + 4;
	return NULL;
}

struct nec_error *nec_memory_svg(struct nec_db *db, struct nec_text *out)
{
	_cleanup_(deinit_map) struct map m = {.db = db};
	_cleanup_(nec_text_deinit) struct nec_text body = {0};
	int height = 4;
	size_t i;

	NEC_TRY(read_map(&m));
	for (i = 0; i < m.count; i++, height += LINE)
		draw_stretch(&m, &m.items[i], &body, height);
	NEC_TRY(draw_arenas(&m, &body, height, &height));
	nec_text_printf(
		out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" "
		"font-size=\"10\">\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		WIDTH, height, WIDTH, height);
	nec_text_puts(out, nec_text_str(&body));
	nec_text_puts(out, "</svg>\n");
	return out->failed || body.failed ? &nec_enomem : NULL;
}
