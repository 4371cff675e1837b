/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/style.h"

uint32_t nec_style_rgb(int index)
{
	static const uint32_t ansi[16] = {
		0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
		0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
	};
	static const uint8_t level[6] = {0, 95, 135, 175, 215, 255};
	uint32_t grey;

	if (index < 16)
		return ansi[index & 15];
	if (index < 232) {
		index -= 16;
		return (uint32_t)level[index / 36] << 16 | (uint32_t)level[index / 6 % 6] << 8 |
		       level[index % 6];
	}
	grey = 8 + 10 * (uint32_t)(index - 232);
	return grey << 16 | grey << 8 | grey;
}

/* clang-format off */
const struct nec_style_def nec_styles[NEC_STYLE_COUNT] = {
	[NEC_STYLE_NORMAL]      = {-1,  -1,  -1, -1, 0, 0},
	[NEC_STYLE_TITLE]       = {231, 24,   7,  4, NEC_ATTR_BOLD, NEC_ATTR_REVERSE | NEC_ATTR_BOLD},
	[NEC_STYLE_HEADER]      = {75,  -1,   6, -1, NEC_ATTR_BOLD | NEC_ATTR_UNDERLINE, NEC_ATTR_UNDERLINE},
	[NEC_STYLE_CURSOR]      = {16,  214,  0,  3, 0, NEC_ATTR_REVERSE},
	[NEC_STYLE_CURSOR_IDLE] = {-1,  238, -1, -1, NEC_ATTR_BOLD, NEC_ATTR_BOLD},
	[NEC_STYLE_DIM]         = {245, -1,  -1, -1, 0, 0},
	[NEC_STYLE_ADDRESS]     = {110, -1,   6, -1, 0, 0},
	[NEC_STYLE_NUMBER]      = {-1,  -1,  -1, -1, 0, 0},
	[NEC_STYLE_TYPE]        = {80,  -1,   6, -1, 0, 0},
	[NEC_STYLE_VALUE]       = {186, -1,   3, -1, 0, 0},
	[NEC_STYLE_LABEL]       = {231, -1,   7, -1, NEC_ATTR_BOLD, NEC_ATTR_BOLD},
	[NEC_STYLE_BAR]         = {74,  -1,   4, -1, 0, 0},
	[NEC_STYLE_MARK]        = {214, -1,   3, -1, NEC_ATTR_BOLD, NEC_ATTR_BOLD},
	[NEC_STYLE_MORE]        = {208, -1,   3, -1, NEC_ATTR_BOLD, NEC_ATTR_BOLD},
	[NEC_STYLE_LESS]        = {74,  -1,   6, -1, 0, 0},
	[NEC_STYLE_ERROR]       = {231, 166,  7,  1, NEC_ATTR_BOLD, NEC_ATTR_REVERSE},
	[NEC_STYLE_STATUS]      = {250, 236, -1, -1, 0, 0},
	[NEC_STYLE_PROMPT]      = {231, 236, -1, -1, NEC_ATTR_BOLD, NEC_ATTR_BOLD},
};
