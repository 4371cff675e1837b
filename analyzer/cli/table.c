/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"

enum {
	TABLE_BUFFER = 512, /* rows that decide how wide a column is */
	TABLE_GAP = 2,      /* spaces between columns */
	TABLE_FLEX_MIN = 8, /* a column is not cut below this */
};

/* A cell as it will be printed: a piece of the table's pool. */
struct cell {
	size_t off, size; /* bytes */
	int width;        /* of the terminal */
	bool right;
	bool null;
};

struct nec_table {
	FILE *out; /* borrowed */
	enum nec_output output;
	const struct nec_column *columns; /* borrowed */
	int column_count;
	int indent;
	int width;     /* lines are cut there; 0: not */
	int at;        /* next column of the row */
	uint64_t rows; /* that ended */
	bool failed;   /* out of memory */
	bool on_terminal;
	bool laid_out;        /* widths and sides are settled, the header is printed */
	int *widths;          /* [column_count] */
	bool *right;          /* [column_count]: a column of numbers */
	bool *hidden;         /* [column_count]: nothing for a person in it */
	struct cell *cells;   /* [TABLE_BUFFER * column_count] of the rows that wait */
	int buffered;         /* rows that wait */
	struct nec_text pool; /* their text; of JSON and CSV the row that is being made */
};

int nec_table_terminal_width(FILE *out)
{
	const char *columns;
	struct winsize size;
	int n;

	if (!isatty(fileno(out)))
		return 0;
	columns = getenv("COLUMNS");
	if (columns && (n = atoi(columns)) > 0)
		return n;
	if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 80;
}

/* The code point at text, its length in *len_ret. Bytes that are no UTF-8 count one by one. */
static wchar_t codepoint(const char *text, size_t size, size_t *len_ret)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	*len_ret = 1;
	if (len > size || (len > 1 && p[0] < 0xc0))
		return L'?';
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return L'?';
		c = c << 6 | (p[i] & 0x3f);
	}
	*len_ret = len;
	return (wchar_t)c;
}

static int codepoint_width(wchar_t c)
{
	int w = c < 0x80 ? 1 : wcwidth(c);

	return w < 0 ? 1 : w;
}

int nec_display_width(const char *text, size_t size)
{
	size_t len;
	int width = 0;

	for (size_t i = 0; i < size; i += len)
		width += codepoint_width(codepoint(text + i, size - i, &len));
	return width;
}

/* Bytes of text that fit into width cells. */
static size_t fitting(const char *text, size_t size, int width)
{
	size_t i = 0, len;

	while (i < size) {
		int w = codepoint_width(codepoint(text + i, size - i, &len));

		if (w > width)
			break;
		width -= w;
		i += len;
	}
	return i;
}

void nec_print_fitting(FILE *out, const char *text, size_t size, int width)
{
	if (width <= 0 || nec_display_width(text, size) <= width) {
		fwrite(text, 1, size, out);
	} else {
		fwrite(text, 1, fitting(text, size, width - 1), out);
		fputs("…", out);
	}
}

void nec_print_wrapped(FILE *out, const char *text, size_t size, int width, int indent)
{
	int room = width - indent;

	while (size) {
		size_t len = fitting(text, size, room > 1 ? room : 1), end;

		if (!len)
			len = 1; /* not even one character fits */
		end = len;
		if (len < size) {
			while (end && text[end] != ' ')
				end--;
			if (!end)
				end = len; /* a word that is longer than a line */
		}
		fprintf(out, "%*s%.*s\n", indent, "", (int)end, text);
		while (end < size && text[end] == ' ')
			end++;
		text += end;
		size -= end;
	}
}

/* Text output. */

static bool is_number(enum nec_cell kind)
{
	return kind == NEC_CELL_INT || kind == NEC_CELL_COUNT || kind == NEC_CELL_SIZE ||
	       kind == NEC_CELL_CHANGE || kind == NEC_CELL_GROWTH || kind == NEC_CELL_REAL;
}

/* Widths from the header and the rows that wait; flexible columns give way, the widest first. */
static void lay_out(struct nec_table *t, bool ended)
{
	int total = t->indent - TABLE_GAP;

	for (int c = 0; c < t->column_count; c++) {
		const struct nec_column *column = &t->columns[c];

		bool null = ended && t->buffered && column->kind != NEC_CELL_ANY;

		for (int r = 0; r < t->buffered && null; r++)
			null = t->cells[r * t->column_count + c].null;
		t->hidden[c] = !column->title || null;
		if (t->hidden[c])
			continue;
		t->widths[c] = nec_display_width(column->title, strlen(column->title));
		t->right[c] =
			is_number(column->kind) || (column->kind == NEC_CELL_ANY && t->buffered);
		for (int r = 0; r < t->buffered; r++) {
			const struct cell *cell = &t->cells[r * t->column_count + c];

			if (cell->width > t->widths[c])
				t->widths[c] = cell->width;
			if (column->kind == NEC_CELL_ANY && !cell->right)
				t->right[c] = false;
		}
		total += t->widths[c] + TABLE_GAP;
	}
	while (t->width && total > t->width) {
		int widest = -1;

		for (int c = 0; c < t->column_count; c++)
			if (t->columns[c].flex && !t->hidden[c] && t->widths[c] > TABLE_FLEX_MIN &&
			    (widest < 0 || t->widths[c] > t->widths[widest]))
				widest = c;
		if (widest < 0)
			break;
		t->widths[widest]--;
		total--;
	}
	t->laid_out = true;
}

static void print_cell(struct nec_table *t, int c, const char *text, size_t size, int width,
		       bool right, bool last)
{
	int pad = t->widths[c] - width;

	if (right && pad > 0)
		fprintf(t->out, "%*s", pad, "");
	/* Rows behind the buffer may be wider than those that decided: only what may be cut is. */
	nec_print_fitting(t->out, text, size, t->columns[c].flex && t->width ? t->widths[c] : 0);
	if (!last)
		fprintf(t->out, "%*s", (!right && pad > 0 ? pad : 0) + TABLE_GAP, "");
}

static void print_header(struct nec_table *t, int last)
{
	bool any = false;

	for (int c = 0; c < t->column_count; c++)
		any |= !t->hidden[c] && *t->columns[c].title;
	if (!any)
		return;
	fprintf(t->out, "%*s", t->indent, "");
	for (int c = 0; c < t->column_count; c++) {
		const char *title = t->columns[c].title;

		if (!t->hidden[c])
			print_cell(t, c, title, strlen(title),
				   nec_display_width(title, strlen(title)), t->right[c], c == last);
	}
	putc('\n', t->out);
}

/* ended: no more rows will come. */
static void flush_rows(struct nec_table *t, bool ended)
{
	bool header = !t->laid_out;
	int last = 0;

	if (header)
		lay_out(t, ended);
	for (int c = 0; c < t->column_count; c++)
		if (!t->hidden[c])
			last = c;
	if (header)
		print_header(t, last);
	for (int r = 0; r < t->buffered; r++) {
		fprintf(t->out, "%*s", t->indent, "");
		for (int c = 0; c < t->column_count; c++) {
			const struct cell *cell = &t->cells[r * t->column_count + c];

			if (!t->hidden[c])
				print_cell(t, c, nec_text_str(&t->pool) + cell->off, cell->size,
					   cell->width, cell->right, c == last);
		}
		putc('\n', t->out);
	}
	t->buffered = 0;
	nec_text_clear(&t->pool);
}

/* Cells: begin, add to the pool, end. */

static bool cell_begin(struct nec_table *t)
{
	if (t->at >= t->column_count)
		return false;
	if (t->output == NEC_OUTPUT_TEXT) {
		t->cells[t->buffered * t->column_count + t->at].off = t->pool.len;
		return true;
	}
	if (t->at)
		nec_text_puts(&t->pool, t->output == NEC_OUTPUT_CSV ? "," : ", ");
	if (t->output == NEC_OUTPUT_JSON) {
		nec_text_json(&t->pool, t->columns[t->at].name, strlen(t->columns[t->at].name));
		nec_text_puts(&t->pool, ": ");
	}
	return true;
}

static void cell_end(struct nec_table *t, bool right, bool null)
{
	if (t->output == NEC_OUTPUT_TEXT && !t->pool.failed) {
		struct cell *cell = &t->cells[t->buffered * t->column_count + t->at];

		cell->size = t->pool.len - cell->off;
		cell->width = nec_display_width(nec_text_str(&t->pool) + cell->off, cell->size);
		cell->right = right;
		cell->null = null;
	}
	t->at++;
}

static enum nec_cell kind_at(const struct nec_table *t)
{
	return t->columns[t->at].kind;
}

static void add_text(struct nec_table *t, const char *data, size_t size)
{
	_cleanup_(nec_text_deinit) struct nec_text shown = {0};

	/* CSV is exact, and a terminal obeys what it is shown. */
	if (t->output == NEC_OUTPUT_CSV && t->on_terminal) {
		nec_text_escape(&shown, data, size);
		t->failed = t->failed || shown.failed;
		data = nec_text_str(&shown);
		size = shown.len;
	}
	switch (t->output) {
	case NEC_OUTPUT_TEXT:
		nec_text_escape(&t->pool, data, size);
		break;
	case NEC_OUTPUT_JSON:
		nec_text_json(&t->pool, data, size);
		break;
	case NEC_OUTPUT_CSV:
		/* RFC 4180: quoted where a comma, quote or line break would end the field. */
		if (!size || memchr(data, ',', size) || memchr(data, '"', size) ||
		    memchr(data, '\n', size) || memchr(data, '\r', size)) {
			nec_text_putc(&t->pool, '"');
			for (size_t i = 0; i < size; i++) {
				if (data[i] == '"')
					nec_text_putc(&t->pool, '"');
				nec_text_putc(&t->pool, data[i]);
			}
			nec_text_putc(&t->pool, '"');
		} else {
			nec_text_add(&t->pool, data, size);
		}
		break;
	}
}

void nec_table_null(struct nec_table *t)
{
	if (!cell_begin(t))
		return;
	if (t->output == NEC_OUTPUT_TEXT)
		nec_text_putc(&t->pool, '-');
	else if (t->output == NEC_OUTPUT_JSON)
		nec_text_puts(&t->pool, "null");
	cell_end(t, is_number(kind_at(t)) || kind_at(t) == NEC_CELL_ANY, true);
}

void nec_table_int(struct nec_table *t, int64_t value)
{
	char digits[32];

	if (!cell_begin(t))
		return;
	if (kind_at(t) == NEC_CELL_ADDR) {
		snprintf(digits, sizeof(digits), "0x%llx", (unsigned long long)value);
		add_text(t, digits, strlen(digits));
		cell_end(t, false, false);
		return;
	}
	if (t->output == NEC_OUTPUT_TEXT && value > 0 &&
	    (kind_at(t) == NEC_CELL_CHANGE || kind_at(t) == NEC_CELL_GROWTH))
		nec_text_putc(&t->pool, '+');
	if (t->output == NEC_OUTPUT_TEXT &&
	    (kind_at(t) == NEC_CELL_SIZE || kind_at(t) == NEC_CELL_GROWTH))
		nec_text_size(&t->pool, value);
	else if (t->output == NEC_OUTPUT_TEXT &&
		 (kind_at(t) == NEC_CELL_COUNT || kind_at(t) == NEC_CELL_CHANGE))
		nec_text_count(&t->pool, value);
	else
		nec_text_printf(&t->pool, "%lld", (long long)value);
	cell_end(t, kind_at(t) != NEC_CELL_TEXT, false);
}

void nec_table_real(struct nec_table *t, double value)
{
	if (!isfinite(value)) {
		nec_table_null(t);
		return;
	}
	if (!cell_begin(t))
		return;
	nec_text_printf(&t->pool, t->output == NEC_OUTPUT_TEXT ? "%.6g" : "%.17g", value);
	cell_end(t, true, false);
}

void nec_table_text(struct nec_table *t, const char *data, size_t size)
{
	if (!cell_begin(t))
		return;
	add_text(t, data, size);
	cell_end(t, false, false);
}

void nec_table_blob(struct nec_table *t, const char *data, size_t size)
{
	size_t shown = t->output == NEC_OUTPUT_TEXT && size > 32 ? 32 : size;

	if (!cell_begin(t))
		return;
	if (t->output == NEC_OUTPUT_JSON)
		nec_text_putc(&t->pool, '"');
	for (size_t i = 0; i < shown; i++)
		nec_text_printf(&t->pool, "%02x", (unsigned char)data[i]);
	if (shown < size)
		nec_text_printf(&t->pool, "… (%zu bytes)", size);
	if (t->output == NEC_OUTPUT_JSON)
		nec_text_putc(&t->pool, '"');
	cell_end(t, false, false);
}

void nec_table_cell(struct nec_table *t, const struct nec_query *query, int column)
{
	const char *data;
	size_t size;

	switch (nec_query_column_type(query, column)) {
	case NEC_COLUMN_NULL:
		nec_table_null(t);
		break;
	case NEC_COLUMN_INT:
		nec_table_int(t, nec_query_int(query, column));
		break;
	case NEC_COLUMN_REAL:
		nec_table_real(t, nec_query_real(query, column));
		break;
	case NEC_COLUMN_TEXT:
		data = nec_query_text(query, column, &size);
		nec_table_text(t, data, size);
		break;
	case NEC_COLUMN_BLOB:
		data = nec_query_text(query, column, &size);
		nec_table_blob(t, data, size);
		break;
	}
}

static void print_csv_header(struct nec_table *t)
{
	for (int c = 0; c < t->column_count; c++) {
		if (c)
			nec_text_putc(&t->pool, ',');
		add_text(t, t->columns[c].name, strlen(t->columns[c].name));
	}
	nec_text_puts(&t->pool, "\r\n");
	fwrite(nec_text_str(&t->pool), 1, t->pool.len, t->out);
	nec_text_clear(&t->pool);
}

void nec_table_end_row(struct nec_table *t)
{
	t->failed = t->failed || t->pool.failed;
	if (t->failed)
		return;
	switch (t->output) {
	case NEC_OUTPUT_TEXT:
		if (++t->buffered == TABLE_BUFFER)
			flush_rows(t, false);
		break;
	case NEC_OUTPUT_JSON:
		fprintf(t->out, "%s\n%*s{", t->rows ? "," : "", t->indent + 2, "");
		fwrite(nec_text_str(&t->pool), 1, t->pool.len, t->out);
		putc('}', t->out);
		nec_text_clear(&t->pool);
		break;
	case NEC_OUTPUT_CSV:
		nec_text_puts(&t->pool, "\r\n");
		fwrite(nec_text_str(&t->pool), 1, t->pool.len, t->out);
		nec_text_clear(&t->pool);
		break;
	}
	t->rows++;
	t->at = 0;
}

struct nec_error *nec_table_finish(struct nec_table *t, uint64_t *rows_ret)
{
	if (t->failed || t->pool.failed)
		return &nec_enomem;
	if (t->output == NEC_OUTPUT_TEXT && (t->buffered || !t->laid_out))
		flush_rows(t, true);
	if (t->output == NEC_OUTPUT_JSON) {
		fprintf(t->out, t->rows ? "\n%*s]" : "]", t->rows ? t->indent : 0, "");
		if (!t->indent)
			putc('\n', t->out);
	}
	if (rows_ret)
		*rows_ret = t->rows;
	return NULL;
}

struct nec_error *nec_table_create(FILE *out, enum nec_output output,
				   const struct nec_column *columns, int column_count, int width,
				   int indent, struct nec_table **table_ret)
{
	_cleanup_(nec_table_destroyp) struct nec_table *t = calloc(1, sizeof(*t));
	size_t count = column_count > 0 ? (size_t)column_count : 1;

	if (!t)
		return &nec_enomem;
	t->out = out;
	t->output = output;
	t->columns = columns;
	t->column_count = column_count;
	t->indent = indent;
	t->width = width ? width : nec_table_terminal_width(out);
	t->on_terminal = nec_table_terminal_width(out);
	t->widths = calloc(count, sizeof(*t->widths));
	t->right = calloc(count, sizeof(*t->right));
	t->hidden = calloc(count, sizeof(*t->hidden));
	t->cells =
		output == NEC_OUTPUT_TEXT ? calloc(count * TABLE_BUFFER, sizeof(*t->cells)) : NULL;
	if (!t->widths || !t->right || !t->hidden || (output == NEC_OUTPUT_TEXT && !t->cells))
		return &nec_enomem;
	if (output == NEC_OUTPUT_JSON)
		putc('[', out);
	if (output == NEC_OUTPUT_CSV)
		print_csv_header(t);
	*table_ret = nec_take(t);
	return NULL;
}

void nec_table_destroy(struct nec_table *t)
{
	if (!t)
		return;
	nec_text_deinit(&t->pool);
	free(t->cells);
	free(t->hidden);
	free(t->right);
	free(t->widths);
	free(t);
}

struct nec_error *nec_table_rows(FILE *out, enum nec_output output,
				 const struct nec_column *columns, int column_count, int width,
				 int indent, struct nec_query *query, int64_t limit,
				 uint64_t *rows_ret, bool *more_ret)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	bool row;

	assert(column_count <= nec_query_column_count(query));
	for (int c = 0; c < column_count; c++)
		assert(!strcmp(columns[c].name, nec_query_column_name(query, c)));
	NEC_TRY(nec_table_create(out, output, columns, column_count, width, indent, &table));
	for (int64_t n = 0;; n++) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row || (limit && n >= limit))
			break;
		for (int c = 0; c < column_count; c++)
			nec_table_cell(table, query, c);
		nec_table_end_row(table);
	}
	if (more_ret)
		*more_ret = row;
	return nec_table_finish(table, rows_ret);
}

struct nec_error *nec_table_print_rest(FILE *out, enum nec_output output, int indent, int64_t rest)
{
	_cleanup_(nec_text_deinit) struct nec_text count = {0};

	if (rest <= 0 || output != NEC_OUTPUT_TEXT)
		return NULL;
	nec_text_count(&count, rest);
	fprintf(out, "%*s… and %s more: --limit 0 prints all\n", indent, "", nec_text_str(&count));
	return count.failed ? &nec_enomem : NULL;
}

struct nec_error *nec_table_sort(const struct nec_cli *cli, const struct nec_column *columns,
				 int column_count, const char *likes, struct nec_page *page)
{
	const char *name = nec_cli_text(cli, "sort");

	if (!name)
		name = likes;
	for (int c = 0; c < column_count; c++) {
		if (strcmp(columns[c].name, name) != 0)
			continue;
		page->sort = columns[c].name;
		page->descending = is_number(columns[c].kind);
		return NULL;
	}
	return nec_error_create(NEC_ERR_USAGE,
				"%s: no column '%s' to sort by; see necropsy %s --help",
				cli->command->name, name, cli->command->name);
}
