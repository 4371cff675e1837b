/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The real terminal, by ncursesw; nothing else in the program knows curses. It gets cells that are
 * drawn already and finds out itself which of them changed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "tui/terminal.h"

/* Escape sequences of keys arrive in one piece on any terminal one would wait for. */
#define ESC_DELAY_MS 25

/* A query that is answered within this shows its answer without a flash of emptiness in between. */
#define PATIENCE_MS 20

struct screen_of_curses {
	struct nec_terminal terminal;
	SCREEN *screen;
	attr_t attrs[NEC_STYLE_COUNT];
	short pairs[NEC_STYLE_COUNT];
};

static const struct {
	int curses;
	uint32_t key;
} key_table[] = {
	{KEY_UP, NEC_KEY_UP},          {KEY_DOWN, NEC_KEY_DOWN},
	{KEY_LEFT, NEC_KEY_LEFT},      {KEY_RIGHT, NEC_KEY_RIGHT},
	{KEY_HOME, NEC_KEY_HOME},      {KEY_END, NEC_KEY_END},
	{KEY_PPAGE, NEC_KEY_PAGE_UP},  {KEY_NPAGE, NEC_KEY_PAGE_DOWN},
	{KEY_IC, NEC_KEY_INSERT},      {KEY_DC, NEC_KEY_DELETE},
	{KEY_BTAB, NEC_KEY_SHIFT_TAB}, {KEY_BACKSPACE, NEC_KEY_BACKSPACE},
	{KEY_ENTER, NEC_KEY_ENTER},
};

static uint32_t function_key(wint_t ch)
{
	for (size_t i = 0; i < sizeof(key_table) / sizeof(key_table[0]); i++)
		if (key_table[i].curses == (int)ch)
			return key_table[i].key;
	if (ch > KEY_F0 && ch <= KEY_F(12))
		return NEC_KEY_F0 + (ch - KEY_F0);
	return 0;
}

static void read_mouse(struct nec_event *event)
{
	static const struct {
		mmask_t mask;
		enum nec_mouse mouse;
	} buttons[] = {
		{BUTTON1_DOUBLE_CLICKED, NEC_MOUSE_DOUBLE},
		{BUTTON1_CLICKED | BUTTON1_PRESSED, NEC_MOUSE_CLICK},
		{BUTTON3_CLICKED | BUTTON3_PRESSED, NEC_MOUSE_BACK},
		{BUTTON4_PRESSED, NEC_MOUSE_UP},
		{BUTTON5_PRESSED, NEC_MOUSE_DOWN},
	};
	MEVENT mouse;

	if (getmouse(&mouse) != OK)
		return;
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		if (!(mouse.bstate & buttons[i].mask))
			continue;
		event->kind = NEC_EVENT_MOUSE;
		event->mouse = buttons[i].mouse;
		event->x = mouse.x;
		event->y = mouse.y;
		return;
	}
}

static void read_key(struct nec_event *event)
{
	wint_t ch;
	int got = get_wch(&ch);

	if (got == ERR)
		return;
	if (got == KEY_CODE_YES && ch == KEY_RESIZE) {
		event->kind = NEC_EVENT_RESIZE;
		event->x = COLS;
		event->y = LINES;
	} else if (got == KEY_CODE_YES && ch == KEY_MOUSE) {
		read_mouse(event);
	} else {
		event->key = got == KEY_CODE_YES ? function_key(ch)
			     : ch == '\n'        ? NEC_KEY_ENTER
			     : ch == '\b'        ? NEC_KEY_BACKSPACE
						 : (uint32_t)ch;
		event->kind = event->key ? NEC_EVENT_KEY : NEC_EVENT_NONE;
	}
}

static struct nec_error *curses_read(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				     struct nec_event *event)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = wake_fd, .events = POLLIN}};

	(void)terminal;
	*event = (struct nec_event){.kind = NEC_EVENT_NONE};
	/* what curses has read already, or a change of size */
	read_key(event);
	if (event->kind != NEC_EVENT_NONE)
		return NULL;
	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		return nec_error_os(errno, "poll");
	read_key(event);
	/* A terminal that is gone is readable too, for ever, and there is nothing to read. */
	if (event->kind == NEC_EVENT_NONE && fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		event->kind = NEC_EVENT_CLOSED;
	return NULL;
}

static void put_cell(const struct screen_of_curses *curses, const struct nec_cell *cell)
{
	wchar_t text[8] = L" ";
	cchar_t out;
	size_t n = 0;
	const char *s = cell->text;
	mbstate_t state = {0};

	while (*s && n < 4) {
		size_t used = mbrtowc(&text[n], s, strlen(s), &state);

		if (used == 0 || used > strlen(s)) {
			text[0] = L'?';
			n = 1;
			break;
		}
		s += used;
		n++;
	}
	text[n ? n : 1] = L'\0';
	setcchar(&out, text, curses->attrs[cell->style], curses->pairs[cell->style], NULL);
	add_wch(&out);
}

static void curses_draw(struct nec_terminal *terminal, const struct nec_screen *screen)
{
	const struct screen_of_curses *curses = (const struct screen_of_curses *)terminal;
	int width = screen->width < COLS ? screen->width : COLS;
	int height = screen->height < LINES ? screen->height : LINES;

	erase();
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			const struct nec_cell *cell = nec_screen_cell(screen, x, y);

			if (!cell->width || x + cell->width > width)
				continue;
			move(y, x);
			put_cell(curses, cell);
		}
	}
	if (screen->cursor_x >= 0) {
		curs_set(1);
		move(screen->cursor_y, screen->cursor_x);
	} else {
		curs_set(0);
	}
	refresh();
}

static void put_base64(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (i + j < len ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			putchar(i + j > len ? '=' : digits[bits >> (18 - 6 * j) & 63]);
	}
}

/* OSC 52: the terminal itself has the clipboard, also through ssh. */
static void curses_copy(struct nec_terminal *terminal, const char *text)
{
	(void)terminal;
	fputs("\033]52;c;", stdout);
	put_base64(text);
	fputs("\a", stdout);
	fflush(stdout);
}

static void curses_redraw(struct nec_terminal *terminal)
{
	(void)terminal;
	clearok(curscr, TRUE);
}

static void curses_close(struct nec_terminal *terminal)
{
	struct screen_of_curses *curses = (struct screen_of_curses *)terminal;

	endwin();
	delscreen(curses->screen);
	free(curses);
}

static attr_t to_attrs(unsigned attrs)
{
	return (attrs & NEC_ATTR_BOLD ? A_BOLD : 0) |
	       (attrs & NEC_ATTR_UNDERLINE ? A_UNDERLINE : 0) |
	       (attrs & NEC_ATTR_REVERSE ? A_REVERSE : 0) | (attrs & NEC_ATTR_DIM ? A_DIM : 0);
}

static void start_colors(struct screen_of_curses *curses, bool color)
{
	bool many;

	color = color && has_colors() && start_color() == OK && COLORS >= 8;
	if (color)
		use_default_colors();
	many = color && COLORS >= 256;
	for (int i = 0; i < NEC_STYLE_COUNT; i++) {
		const struct nec_style_def *style = &nec_styles[i];

		curses->attrs[i] = to_attrs(color ? style->attrs : style->mono);
		if (!color)
			continue;
		init_pair((short)(i + 1), many ? style->fg256 : style->fg8,
			  many ? style->bg256 : style->bg8);
		curses->pairs[i] = (short)(i + 1);
	}
}

struct nec_error *nec_curses_open(bool ascii, bool color, struct nec_terminal **terminal_ret)
{
	struct screen_of_curses *curses;
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return nec_error_create(NEC_ERR_UNSUPPORTED,
					"standard input or output is no terminal");
	curses = calloc(1, sizeof(*curses));
	if (!curses)
		return &nec_enomem;
	set_escdelay(ESC_DELAY_MS);
	curses->screen = newterm(NULL, stdout, stdin);
	if (!curses->screen) {
		free(curses);
		return nec_error_create(NEC_ERR_UNSUPPORTED, "the terminal '%s' is not known here",
					term ? term : "");
	}
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	mouseinterval(200);
	mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED | BUTTON3_CLICKED |
			  BUTTON3_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED,
		  NULL);
	start_colors(curses, color);
	curses->terminal = (struct nec_terminal){
		.read = curses_read,
		.draw = curses_draw,
		.copy = curses_copy,
		.redraw = curses_redraw,
		.close = curses_close,
		.patience_ms = PATIENCE_MS,
		.width = COLS,
		.height = LINES,
		.ascii = ascii,
	};
	*terminal_ret = &curses->terminal;
	return NULL;
}
