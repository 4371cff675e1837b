/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What things look like: one table of styles, for 256 colours, for 8, and for none. The colours are
 * those of Okabe and Ito, which people with any of the common colour deficiencies tell apart;
 * nothing is said by colour alone.
 */
#ifndef NEC_TUI_STYLE_H
#define NEC_TUI_STYLE_H

#include <stdint.h>

enum nec_style {
	NEC_STYLE_NORMAL,
	NEC_STYLE_TITLE,       /* first line of the screen */
	NEC_STYLE_HEADER,      /* titles of columns */
	NEC_STYLE_CURSOR,      /* the line of the cursor, in the pane that has the keys */
	NEC_STYLE_CURSOR_IDLE, /* in another pane */
	NEC_STYLE_DIM,
	NEC_STYLE_ADDRESS,
	NEC_STYLE_NUMBER,
	NEC_STYLE_TYPE,
	NEC_STYLE_VALUE,
	NEC_STYLE_LABEL,
	NEC_STYLE_BAR,
	NEC_STYLE_MARK,
	NEC_STYLE_MORE, /* grew; a finding */
	NEC_STYLE_LESS,
	NEC_STYLE_ERROR,
	NEC_STYLE_STATUS, /* last line */
	NEC_STYLE_PROMPT,
	NEC_STYLE_COUNT,
};

enum {
	NEC_ATTR_BOLD = 1,
	NEC_ATTR_UNDERLINE = 2,
	NEC_ATTR_REVERSE = 4,
	NEC_ATTR_DIM = 8,
};

struct nec_style_def {
	int16_t fg256, bg256; /* index into xterm's palette; -1: the terminal's own */
	int8_t fg8, bg8;      /* 0-7 in ANSI's order; -1: the terminal's own */
	uint8_t attrs;        /* NEC_ATTR_*, with colours */
	uint8_t mono;         /* NEC_ATTR_*, without */
};

extern const struct nec_style_def nec_styles[NEC_STYLE_COUNT];

/* 0xRRGGBB of an index of xterm's palette of 256. */
uint32_t nec_style_rgb(int index);

#endif
