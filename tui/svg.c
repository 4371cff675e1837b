/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A picture of a screen, made of its cells: runs of one style become a rectangle and a text
 * element. The width of a run is given (textLength), so that the columns stand under each other
 * whatever monospace font the viewer has.
 */
#include <string.h>

#include "tui/screen.h"

#define CELL_W   8
#define CELL_H   17
#define BASELINE 13
#define PAPER    0x1c1c1c
#define INK      0xd0d0d0

static void put_xml(struct nec_text *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			nec_text_puts(out, "&lt;");
			break;
		case '>':
			nec_text_puts(out, "&gt;");
			break;
		case '&':
			nec_text_puts(out, "&amp;");
			break;
		default:
			nec_text_add(out, s, 1);
		}
	}
}

static bool same_run(const struct nec_screen *screen, int x, int y, uint8_t style)
{
	const struct nec_cell *cell = nec_screen_cell(screen, x, y);

	return cell->style == style;
}

static void put_run(const struct nec_screen *screen, struct nec_text *out, int x, int end, int y)
{
	const struct nec_style_def *style = &nec_styles[nec_screen_cell(screen, x, y)->style];
	uint32_t ink = style->fg256 >= 0 ? nec_style_rgb(style->fg256) : INK;
	int first = end, last = x;

	for (int i = x; i < end; i++) {
		const char *text = nec_screen_cell(screen, i, y)->text;

		if (text[0] && strcmp(text, " ") != 0) {
			first = first == end ? i : first;
			last = i + nec_screen_cell(screen, i, y)->width;
		}
	}
	if (style->bg256 >= 0)
		nec_text_printf(out,
				"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
				"fill=\"#%06x\"/>\n",
				x * CELL_W, y * CELL_H, (end - x) * CELL_W, CELL_H,
				nec_style_rgb(style->bg256));
	if (first >= last)
		return;
	nec_text_printf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"#%06x\"%s%s>",
			first * CELL_W, y * CELL_H + BASELINE, (last - first) * CELL_W, ink,
			style->attrs & NEC_ATTR_BOLD ? " font-weight=\"bold\"" : "",
			style->attrs & NEC_ATTR_UNDERLINE ? " text-decoration=\"underline\"" : "");
	for (int i = first; i < last; i++) {
		const struct nec_cell *cell = nec_screen_cell(screen, i, y);

		if (cell->width)
			put_xml(out, cell->text[0] ? cell->text : " ");
	}
	nec_text_puts(out, "</text>\n");
}

void nec_screen_svg(const struct nec_screen *screen, struct nec_text *out)
{
	nec_text_printf(
		out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"13\" "
		"xml:space=\"preserve\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#%06x\"/>\n",
		screen->width * CELL_W, screen->height * CELL_H, PAPER);
	for (int y = 0; y < screen->height; y++) {
		for (int x = 0, end; x < screen->width; x = end) {
			uint8_t style = nec_screen_cell(screen, x, y)->style;

			for (end = x + 1; end < screen->width && same_run(screen, end, y, style);)
				end++;
			put_run(screen, out, x, end, y);
		}
	}
	nec_text_puts(out, "</svg>\n");
}
