/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A screen as a rectangle of cells, apart from any terminal, so that it can be drawn by curses,
 * saved as text and as a picture, and compared in tests.
 *
 * Text that is put here is escaped first (base/text.h), and what changes no column (joiners,
 * variation selectors) is spelled out as well: no text of a dump moves a cursor or makes a cell
 * wider than this module thinks it is.
 */
#ifndef NEC_TUI_SCREEN_H
#define NEC_TUI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "tui/style.h"

/* A character of up to 4 bytes and up to three combining marks. */
#define NEC_CELL_BYTES 20

/* Larger terminals are used up to this: what a cell buffer may cost (12 MB) on a terminal that lies
 * about its size. */
#define NEC_SCREEN_MAX 700

struct nec_cell {
	char text[NEC_CELL_BYTES]; /* UTF-8, "" is a blank */
	uint8_t width;             /* columns; 0: the right half of the wide character before it */
	uint8_t style;             /* enum nec_style */
};

struct nec_screen {
	int width, height;
	struct nec_cell *cells; /* [height][width] */
	bool ascii;             /* nothing but ASCII is put */
	int cursor_x, cursor_y; /* of the text cursor; -1: none */
};

struct nec_error *nec_screen_init(struct nec_screen *screen, int width, int height, bool ascii);
struct nec_error *nec_screen_resize(struct nec_screen *screen, int width,
				    int height); /* and clears */
void nec_screen_deinit(struct nec_screen *screen);
void nec_screen_clear(struct nec_screen *screen);

static inline const struct nec_cell *nec_screen_cell(const struct nec_screen *screen, int x, int y)
{
	return &screen->cells[(size_t)y * (size_t)screen->width + (size_t)x];
}

/* Blanks of a style; clipped to the screen, as everything here. */
void nec_screen_fill(struct nec_screen *screen, int x, int y, int width, enum nec_style style);

/*
 * Puts text of len bytes at x, y in at most `width` columns; what does not fit is cut and ends in
 * an ellipsis. Returns the columns used.
 */
int nec_screen_put(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		   const char *text, size_t len);
int nec_screen_puts(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		    const char *text);
/* The same, ending at column x + width. */
void nec_screen_puts_right(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
			   const char *text);

/* Columns that nec_screen_put would use without a bound. */
int nec_screen_width(const struct nec_screen *screen, const char *text, size_t len);

/* part/whole as a bar of `width` columns; eighths of a column where the terminal has them. */
void nec_screen_bar(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		    int64_t part, int64_t whole);

/* Lines without their trailing blanks. */
void nec_screen_text(const struct nec_screen *screen, struct nec_text *out);
/* A picture of the screen, a standalone SVG. */
void nec_screen_svg(const struct nec_screen *screen, struct nec_text *out);

#endif
