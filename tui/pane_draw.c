/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a pane looks: which columns have room, and its visible rows in them. The state is pane.c's.
 */
#include <string.h>

#include "tui/pane.h"

/* Before the first column: the sign of the cursor or of a mark, and a blank. */
#define GUTTER   2
#define GAP      1
#define BAR_TEXT 6 /* "43.2%" and a blank before the bar */

bool nec_pane_has_titles(const struct nec_pane *pane)
{
	return pane->columns[0].name && pane->columns[0].title;
}

int nec_pane_wanted(const struct nec_pane *pane)
{
	int titles = nec_pane_has_titles(pane);

	if (pane->view->child || !pane->at_begin || !pane->at_end)
		return NEC_SCREEN_MAX;
	return titles + (pane->rows.count == 0               ? 1
			 : pane->rows.count > NEC_SCREEN_MAX ? NEC_SCREEN_MAX
							     : (int)pane->rows.count);
}

static int least_width(const struct nec_column *column)
{
	return column->width ? column->width : nec_column_styles[column->kind].width;
}

/* Every column at its least width, the first to yield left out until the rest fits, what is left to
 * the flexible ones. */
static void place(struct nec_pane *pane)
{
	int room = pane->width - GUTTER, need, weights, count = 0, x = pane->x + GUTTER, given = 0;
	int weighed = 0;

	while (count < NEC_COLUMNS_MAX && pane->columns[count].name)
		count++;
	for (int i = 0; i < count; i++)
		pane->column_width[i] = least_width(&pane->columns[i]);
	for (;;) {
		int victim = -1;

		need = 0;
		for (int i = 0; i < count; i++) {
			if (!pane->column_width[i])
				continue;
			need += pane->column_width[i] + (need ? GAP : 0);
			if (pane->columns[i].yields &&
			    (victim < 0 || pane->columns[i].yields > pane->columns[victim].yields))
				victim = i;
		}
		if (need <= room || victim < 0)
			break;
		pane->column_width[victim] = 0;
	}
	weights = 0;
	for (int i = 0; i < count; i++)
		weights += pane->column_width[i] ? pane->columns[i].weight : 0;
	for (int i = 0; i < count; i++) {
		int part;

		if (!pane->column_width[i])
			continue;
		if (pane->columns[i].weight && room > need) {
			weighed += pane->columns[i].weight;
			part = (room - need) * weighed / weights - given;
			given += part;
			pane->column_width[i] += part;
		}
		pane->column_x[i] = x;
		x += pane->column_width[i] + GAP;
	}
}

static void draw_titles(const struct nec_pane *pane, struct nec_screen *screen)
{
	nec_screen_fill(screen, pane->x, pane->y, pane->width, NEC_STYLE_HEADER);
	for (int i = 0; i < NEC_COLUMNS_MAX && pane->columns[i].name; i++) {
		const struct nec_column *column = &pane->columns[i];
		const char *arrow = screen->ascii
					    ? (pane->descending ? "v" : "^")
					    : (pane->descending ? "\xe2\x96\xbe" : "\xe2\x96\xb4");
		char title[80];

		if (!pane->column_width[i])
			continue;
		snprintf(title, sizeof(title), "%s%s", column->title ? column->title : "",
			 i == pane->sort ? arrow : "");
		if (nec_column_styles[column->kind].right)
			nec_screen_puts_right(screen, pane->column_x[i], pane->y,
					      pane->column_width[i], NEC_STYLE_HEADER, title);
		else
			nec_screen_puts(screen, pane->column_x[i], pane->y, pane->column_width[i],
					NEC_STYLE_HEADER, title);
	}
}

static const char *row_unit(const struct nec_pane *pane, const struct nec_row *row)
{
	const struct nec_value *unit = nec_pane_value(pane, row, "unit");

	return unit ? unit->s : NULL;
}

static int draw_branch(const struct nec_screen *screen, struct nec_screen *to, int x, int y,
		       int width, const struct nec_row *row, enum nec_style style)
{
	static const char *const signs[][2] = {
		[NEC_ROW_LEAF] = {"  ", "  "},
		[NEC_ROW_FOLDED] = {"\xe2\x96\xb8 ", "+ "},
		[NEC_ROW_OPENING] = {"\xe2\x80\xa6 ", ". "},
		[NEC_ROW_OPEN] = {"\xe2\x96\xbe ", "- "},
		[NEC_ROW_MORE] = {"\xe2\x80\xa6 ", ". "},
	};
	/* a branch deeper than the column is wide stays in view by its last columns */
	int indent = 2 * row->depth, most = width - 8 > 0 ? width - 8 : 0;

	if (indent > most)
		indent = most;
	return indent + nec_screen_puts(to, x + indent, y, width - indent, style,
					signs[row->state][screen->ascii]);
}

static enum nec_style value_style(const struct nec_column *column, const struct nec_value *value)
{
	if (column->kind == NEC_COL_CHANGE || column->kind == NEC_COL_GROWTH)
		return value->i > 0   ? NEC_STYLE_MORE
		       : value->i < 0 ? NEC_STYLE_LESS
				      : NEC_STYLE_DIM;
	if (column->name && strcmp(column->name, "category") == 0)
		return NEC_STYLE_LABEL;
	return nec_column_styles[column->kind].style;
}

static void put_course(const struct nec_screen *screen, const struct nec_value *value,
		       struct nec_text *out)
{
	static const char *const signs[][2] = {
		{"\xe2\x96\x81", "_"}, {"\xe2\x96\x82", "."}, {"\xe2\x96\x83", "-"},
		{"\xe2\x96\x84", "~"}, {"\xe2\x96\x85", "="}, {"\xe2\x96\x86", "+"},
		{"\xe2\x96\x87", "*"}, {"\xe2\x96\x88", "#"},
	};

	for (const char *s = value->type == NEC_COLUMN_TEXT ? value->s : ""; *s; s++)
		nec_text_puts(out, *s >= '0' && *s <= '7' ? signs[*s - '0'][screen->ascii] : " ");
}

/* The end of a text that is wider than its column, behind a sign that there is more. */
static void put_tail(struct nec_screen *screen, int x, int y, int width, enum nec_style style,
		     const char *s, size_t len)
{
	const char *sign = screen->ascii ? "..." : "\xe2\x80\xa6";
	int room = width - nec_screen_width(screen, sign, strlen(sign));

	while (len > 0 && nec_screen_width(screen, s, len) > room) {
		do {
			s++;
			len--;
		} while (len > 0 && (*s & 0xc0) == 0x80);
	}
	x += nec_screen_puts(screen, x, y, width, style, sign);
	nec_screen_put(screen, x, y, room, style, s, len);
}

static void draw_value(const struct nec_pane *pane, struct nec_screen *screen, int i, int y,
		       const struct nec_row *row, bool selected, enum nec_style selected_style)
{
	const struct nec_column *column = &pane->columns[i];
	const struct nec_value *value = &row->values[pane->index[i]];
	enum nec_style style = selected ? selected_style : value_style(column, value);
	int x = pane->column_x[i], width = pane->column_width[i];
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (column->tree) {
		int used = draw_branch(screen, screen, x, y, width, row, style);

		x += used;
		width -= used;
	}
	if (column->kind == NEC_COL_SHARE && value->type == NEC_COLUMN_INT) {
		nec_value_text_put(&text, value, column->kind, NULL);
		nec_screen_puts_right(screen, x, y, BAR_TEXT,
				      selected ? selected_style : NEC_STYLE_NUMBER,
				      nec_text_str(&text));
		nec_screen_bar(screen, x + BAR_TEXT + 1, y, width - BAR_TEXT - 1, style, value->i,
			       10000);
		return;
	}
	if (column->kind == NEC_COL_COURSE)
		put_course(screen, value, &text);
	else
		nec_value_text_put(&text, value, column->kind, row_unit(pane, row));
	if (nec_column_styles[column->kind].right)
		nec_screen_puts_right(screen, x, y, width, style, nec_text_str(&text));
	else if (column->tail && nec_screen_width(screen, nec_text_str(&text), text.len) > width)
		put_tail(screen, x, y, width, style, nec_text_str(&text), text.len);
	else
		nec_screen_put(screen, x, y, width, style, nec_text_str(&text), text.len);
}

static void draw_row(const struct nec_pane *pane, struct nec_screen *screen, int y, size_t at,
		     bool focused, bool marked)
{
	const struct nec_row *row = pane->rows.at[at];
	bool selected = at == pane->cursor;
	enum nec_style style = focused ? NEC_STYLE_CURSOR : NEC_STYLE_CURSOR_IDLE;

	nec_screen_fill(screen, pane->x, y, pane->width, selected ? style : NEC_STYLE_NORMAL);
	if (selected && focused)
		nec_screen_puts(screen, pane->x, y, 1, style, marked ? "*" : ">");
	else if (marked)
		nec_screen_puts(screen, pane->x, y, 1, NEC_STYLE_MARK, "*");
	if (row->state == NEC_ROW_MORE) {
		int used = draw_branch(screen, screen, pane->x + GUTTER, y, pane->width - GUTTER,
				       row, selected ? style : NEC_STYLE_DIM);

		nec_screen_puts(screen, pane->x + GUTTER + used, y, pane->width - GUTTER - used,
				selected ? style : NEC_STYLE_DIM, "more");
		return;
	}
	for (int i = 0; i < NEC_COLUMNS_MAX && pane->columns[i].name; i++)
		if (pane->column_width[i] && pane->index[i] >= 0 && pane->index[i] < row->count)
			draw_value(pane, screen, i, y, row, selected, style);
}

static void put_empty(const struct nec_pane *pane, struct nec_text *out)
{
	if (pane->stopped)
		nec_text_puts(out, "ended before it was complete");
	else if (pane->at_end && pane->filter)
		nec_text_puts(out, "nothing matches the filter");
	else if (pane->at_end && pane->absent)
		nec_text_printf(out, "this snapshot has no %s", pane->absent);
	else if (pane->at_end)
		nec_text_puts(out, pane->view->empty ? pane->view->empty : "nothing");
}

static void draw_empty(const struct nec_pane *pane, struct nec_screen *screen, int y)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	put_empty(pane, &text);
	nec_screen_puts(screen, pane->x + GUTTER, y, pane->width - GUTTER, NEC_STYLE_DIM,
			nec_text_str(&text));
}

void nec_pane_draw(struct nec_pane *pane, struct nec_screen *screen, int x, int y, int width,
		   int height, bool focused, bool (*marked)(void *arg, int64_t addr), void *arg)
{
	int titles = nec_pane_has_titles(pane) && height > 1;

	pane->x = x;
	pane->y = y;
	pane->width = width;
	pane->height = height;
	place(pane);
	if (titles)
		draw_titles(pane, screen);
	nec_pane_scroll(pane);
	if (pane->error)
		nec_screen_puts(screen, x + GUTTER, y + titles, width - GUTTER, NEC_STYLE_ERROR,
				pane->error->message);
	else if (pane->rows.count == 0)
		draw_empty(pane, screen, y + titles);
	for (int line = titles; line < height && !pane->error; line++) {
		size_t at = pane->top + (size_t)(line - titles);
		const struct nec_value *addr;

		if (at >= pane->rows.count)
			break;
		addr = nec_pane_value(pane, pane->rows.at[at], pane->view->object);
		draw_row(pane, screen, y + line, at, focused,
			 addr && addr->type == NEC_COLUMN_INT && marked(arg, addr->i));
	}
}

void nec_pane_print(const struct nec_pane *pane, struct nec_text *out)
{
	const char *join = "";

	for (int i = 0; nec_pane_has_titles(pane) && pane->columns[i].name; i++, join = "  ")
		nec_text_printf(out, "%s%s", join, pane->columns[i].title);
	if (nec_pane_has_titles(pane))
		nec_text_putc(out, '\n');
	if (pane->error) {
		nec_text_escape(out, pane->error->message, strlen(pane->error->message));
		nec_text_putc(out, '\n');
	} else if (pane->rows.count == 0) {
		put_empty(pane, out);
		nec_text_putc(out, '\n');
	}
	for (size_t at = 0; at < pane->rows.count; at++) {
		const struct nec_row *row = pane->rows.at[at];

		join = "";
		for (int i = 0; i < NEC_COLUMNS_MAX && pane->columns[i].name; i++) {
			_cleanup_(nec_text_deinit) struct nec_text text = {0};

			if (pane->index[i] < 0 || pane->index[i] >= row->count)
				continue;
			nec_value_text_put(&text, &row->values[pane->index[i]],
					   pane->columns[i].kind, row_unit(pane, row));
			if (!text.len)
				continue;
			nec_text_puts(out, join);
			nec_text_escape(out, nec_text_str(&text), text.len);
			join = "  ";
		}
		nec_text_putc(out, '\n');
	}
}
