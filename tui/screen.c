/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct nec_error *nec_screen_init(struct nec_screen *screen, int width, int height, bool ascii)
{
	*screen = (struct nec_screen){.ascii = ascii, .cursor_x = -1, .cursor_y = -1};
	return nec_screen_resize(screen, width, height);
}

struct nec_error *nec_screen_resize(struct nec_screen *screen, int width, int height)
{
	struct nec_cell *cells;

	width = width < 1 ? 1 : width > NEC_SCREEN_MAX ? NEC_SCREEN_MAX : width;
	height = height < 1 ? 1 : height > NEC_SCREEN_MAX ? NEC_SCREEN_MAX : height;
	cells = malloc(sizeof(*cells) * (size_t)width * (size_t)height);
	if (!cells)
		return &nec_enomem;
	free(screen->cells);
	screen->cells = cells;
	screen->width = width;
	screen->height = height;
	nec_screen_clear(screen);
	return NULL;
}

void nec_screen_deinit(struct nec_screen *screen)
{
	free(screen->cells);
	screen->cells = NULL;
}

void nec_screen_clear(struct nec_screen *screen)
{
	for (int y = 0; y < screen->height; y++)
		nec_screen_fill(screen, 0, y, screen->width, NEC_STYLE_NORMAL);
	screen->cursor_x = screen->cursor_y = -1;
}

static struct nec_cell *cell_at(struct nec_screen *screen, int x, int y)
{
	return &screen->cells[(size_t)y * (size_t)screen->width + (size_t)x];
}

/* Makes x a cell that may be overwritten: half of a wide character there blanks its other half. */
static void cell_break(struct nec_screen *screen, int x, int y)
{
	struct nec_cell *cell = cell_at(screen, x, y);

	if (cell->width == 0 && x > 0) {
		cell[-1].text[0] = '\0';
		cell[-1].width = 1;
	}
	if (cell->width == 2 && x + 1 < screen->width) {
		cell[1].text[0] = '\0';
		cell[1].width = 1;
	}
}

void nec_screen_fill(struct nec_screen *screen, int x, int y, int width, enum nec_style style)
{
	int end = x + width;

	if (y < 0 || y >= screen->height)
		return;
	if (end > screen->width)
		end = screen->width;
	for (x = x < 0 ? 0 : x; x < end; x++) {
		struct nec_cell *cell = cell_at(screen, x, y);

		cell->text[0] = '\0';
		cell->width = 1;
		cell->style = (uint8_t)style;
	}
}

/* Decodes one character of valid UTF-8 (escaped text is). */
static uint32_t decode(const char *s, size_t len, size_t *used_ret)
{
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t cp = n == 1 ? c : c & (0xffu >> (n + 1));

	if (n > len)
		n = len;
	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | ((unsigned char)s[i] & 0x3f);
	*used_ret = n;
	return cp;
}

/* Invisible characters that terminals disagree about: they are spelled out. Unicode's Cf and the
 * variation selectors. */
static bool is_invisible(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0xad, 0xad},     {0x34f, 0x34f},     {0x600, 0x605},     {0x61c, 0x61c},
		{0x6dd, 0x6dd},   {0x70f, 0x70f},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
		{0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
		{0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
		{0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

/*
 * Splits escaped text into cells: the next cell's bytes go to `out`, its columns to *width_ret;
 * returns bytes consumed. What the terminal cannot show becomes \xNN, \uNNNN or \UNNNNNNNN, one
 * cell at a time through `pending`.
 */
struct splitter {
	const char *text;
	size_t len;
	bool ascii;
	char pending[12]; /* an escape that is being put */
	size_t pending_at;
};

static bool split_next(struct splitter *s, char out[NEC_CELL_BYTES], int *width_ret)
{
	size_t used, n;
	uint32_t cp;
	int width;

	if (s->pending[s->pending_at]) {
		out[0] = s->pending[s->pending_at++];
		out[1] = '\0';
		*width_ret = 1;
		return true;
	}
	if (s->len == 0)
		return false;
	cp = decode(s->text, s->len, &used);
	width = cp < 0x7f ? 1 : s->ascii || is_invisible(cp) ? -1 : wcwidth((wchar_t)cp);
	if (width <= 0) { /* a mark without a base is spelled out as well */
		snprintf(s->pending, sizeof(s->pending),
			 cp < 0x100     ? "\\x%02x"
			 : cp < 0x10000 ? "\\u%04x"
					: "\\U%08x",
			 cp);
		s->pending_at = 0;
		s->text += used;
		s->len -= used;
		return split_next(s, out, width_ret);
	}
	memcpy(out, s->text, used);
	n = used;
	s->text += used;
	s->len -= used;
	for (int marks = 0; marks < 3 && s->len > 0; marks++) {
		cp = decode(s->text, s->len, &used);
		if (cp < 0x300 || is_invisible(cp) || s->ascii || wcwidth((wchar_t)cp) != 0)
			break;
		memcpy(out + n, s->text, used);
		n += used;
		s->text += used;
		s->len -= used;
	}
	out[n] = '\0';
	*width_ret = width;
	return true;
}

static void split_init(struct splitter *s, const struct nec_screen *screen,
		       const struct nec_text *text)
{
	*s = (struct splitter){
		.text = nec_text_str(text), .len = text->len, .ascii = screen->ascii};
}

/* Escaped text shows every control character: a line is enough of any text, however long. */
#define PUT_BYTES_MAX 8192

int nec_screen_put(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		   const char *text, size_t len)
{
	const char *ellipsis = screen->ascii ? "~" : "\xe2\x80\xa6";
	_cleanup_(nec_text_deinit) struct nec_text escaped = {.limit = PUT_BYTES_MAX};
	struct splitter s;
	char bytes[NEC_CELL_BYTES];
	int start = x, end, cell_width, last = -1;

	if (y < 0 || y >= screen->height || x < 0 || width <= 0)
		return 0;
	end = x + width > screen->width ? screen->width : x + width;
	nec_text_escape(&escaped, text, len < PUT_BYTES_MAX ? len : PUT_BYTES_MAX);
	split_init(&s, screen, &escaped);
	while (split_next(&s, bytes, &cell_width)) {
		struct nec_cell *cell;

		if (x + cell_width > end) {
			/* no room: the last cell becomes the ellipsis */
			if (last < 0)
				break;
			x = end - 1;
			if (x < last)
				x = last;
			cell_break(screen, x, y);
			for (int i = last + 1; i < x; i++)
				nec_screen_fill(screen, i, y, 1, style);
			cell = cell_at(screen, x, y);
			strcpy(cell->text, ellipsis);
			cell->width = 1;
			cell->style = (uint8_t)style;
			return x + 1 - start;
		}
		for (int i = 0; i < cell_width; i++)
			cell_break(screen, x + i, y);
		cell = cell_at(screen, x, y);
		memcpy(cell->text, bytes, sizeof(bytes));
		cell->width = (uint8_t)cell_width;
		cell->style = (uint8_t)style;
		if (cell_width == 2) {
			cell[1].text[0] = '\0';
			cell[1].width = 0;
			cell[1].style = (uint8_t)style;
		}
		last = x;
		x += cell_width;
	}
	return x - start;
}

int nec_screen_puts(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		    const char *text)
{
	return nec_screen_put(screen, x, y, width, style, text, strlen(text));
}

int nec_screen_width(const struct nec_screen *screen, const char *text, size_t len)
{
	_cleanup_(nec_text_deinit) struct nec_text escaped = {.limit = PUT_BYTES_MAX};
	struct splitter s;
	char bytes[NEC_CELL_BYTES];
	int total = 0, width;

	nec_text_escape(&escaped, text, len < PUT_BYTES_MAX ? len : PUT_BYTES_MAX);
	split_init(&s, screen, &escaped);
	while (split_next(&s, bytes, &width))
		total += width;
	return total;
}

void nec_screen_puts_right(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
			   const char *text)
{
	int need = nec_screen_width(screen, text, strlen(text));

	if (need < width) {
		x += width - need;
		width = need;
	}
	nec_screen_puts(screen, x, y, width, style, text);
}

void nec_screen_bar(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		    int64_t part, int64_t whole)
{
	int64_t eighths;
	double share;

	if (whole <= 0 || part <= 0 || width <= 0)
		return;
	share = (double)part / (double)whole;
	eighths = (int64_t)((share > 1 ? 1 : share) * width * 8 + 0.5);
	if (eighths == 0)
		eighths = 1;
	for (int i = 0; i < width && eighths > 0; i++, eighths -= 8) {
		/* U+2588 is a full block, U+2589 to U+258F are seven to one eighth of it */
		int n = eighths >= 8 ? 8 : (int)eighths;
		char block[4] = {'\xe2', '\x96', (char)(0x88 + 8 - n), '\0'};

		if (screen->ascii)
			nec_screen_puts(screen, x + i, y, 1, style, n >= 4 ? "#" : "-");
		else
			nec_screen_puts(screen, x + i, y, 1, style, block);
	}
}

void nec_screen_text(const struct nec_screen *screen, struct nec_text *out)
{
	for (int y = 0; y < screen->height; y++) {
		int end = screen->width;

		while (end > 0 && nec_screen_cell(screen, end - 1, y)->width == 1 &&
		       strcmp(nec_screen_cell(screen, end - 1, y)->text, " ") <= 0)
			end--;
		for (int x = 0; x < end; x++) {
			const struct nec_cell *cell = nec_screen_cell(screen, x, y);

			if (cell->width)
				nec_text_puts(out, cell->text[0] ? cell->text : " ");
		}
		nec_text_putc(out, '\n');
	}
}
