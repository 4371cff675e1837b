/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows for a person, as JSON, or as CSV, from the same calls.
 *
 * For a person: columns as wide as their content, numbers to the right with separators, sizes with
 * their unit, text escaped and cut with an ellipsis where the terminal ends (only on a terminal: a
 * file or a pipe gets all of it, unless a width is asked for). Widths come from the first rows
 * (TABLE_BUFFER of them), so a table of any length streams. A column that has nothing in a table
 * that short is left out.
 *
 * JSON is one array with an object a row and CSV is RFC 4180; both keep numbers as they are (sizes
 * in bytes) and text exact. Addresses are text in both, "0x7f...", as every command takes them
 * back.
 */
#ifndef NEC_CLI_TABLE_H
#define NEC_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"

enum nec_cell {
	NEC_CELL_TEXT,
	NEC_CELL_INT,   /* as it is: an id, a line number */
	NEC_CELL_COUNT, /* with thousands separators */
	NEC_CELL_SIZE,  /* bytes, with a binary unit */
	NEC_CELL_CHANGE, /* a count with its sign */
	NEC_CELL_GROWTH, /* bytes with their sign and a binary unit */
	NEC_CELL_ADDR,  /* 0x... */
	NEC_CELL_REAL,
	NEC_CELL_ANY, /* what the value says: sql */
};

struct nec_column {
	const char *name;  /* in JSON and CSV */
	const char *title; /* for a person; NULL: the column is for machines alone */
	enum nec_cell kind;
	bool flex; /* may be cut to fit */
};

struct nec_table;

/*
 * columns are borrowed. width 0: that of the terminal; otherwise lines are cut there. indent:
 * spaces before each line; JSON with an indent is a member of something larger, and no line break
 * follows it.
 */
struct nec_error *nec_table_create(FILE *out, enum nec_output output,
				   const struct nec_column *columns, int column_count, int width,
				   int indent, struct nec_table **table_ret);
void nec_table_destroy(struct nec_table *table); /* NULL is fine */

/* The cells of a row, from left to right, then the end of it. */
void nec_table_null(struct nec_table *table);
void nec_table_int(struct nec_table *table, int64_t value);
void nec_table_real(struct nec_table *table, double value);
void nec_table_text(struct nec_table *table, const char *data, size_t size);
void nec_table_blob(struct nec_table *table, const char *data, size_t size);
void nec_table_end_row(struct nec_table *table);

/* The column of the query's current row as the next cell. */
void nec_table_cell(struct nec_table *table, const struct nec_query *query, int column);

/* What is left is printed. Out of memory anywhere before is told here. */
struct nec_error *nec_table_finish(struct nec_table *table, uint64_t *rows_ret);

/*
 * The rows of query; its first columns are columns, in that order. Stops after limit rows (0:
 * none). *more_ret: were there more? Both results may be NULL.
 */
struct nec_error *nec_table_rows(FILE *out, enum nec_output output,
				 const struct nec_column *columns, int column_count, int width,
				 int indent, struct nec_query *query, int64_t limit,
				 uint64_t *rows_ret, bool *more_ret);

/* Columns of the terminal behind out; 0 when it is none. $COLUMNS goes first. */
int nec_table_terminal_width(FILE *out);

/* Cells of a terminal that UTF-8 text takes. */
int nec_display_width(const char *text, size_t size);

/* For a person: how many rows were left out, when there were any. */
struct nec_error *nec_table_print_rest(FILE *out, enum nec_output output, int indent, int64_t rest);

/*
 * The order that --sort asks for, a column of the table, or the one that the command likes, as sort
 * and descending of page: numbers from the largest.
 */
struct nec_error *nec_table_sort(const struct nec_cli *cli, const struct nec_column *columns,
				 int column_count, const char *likes, struct nec_page *page);

/* Prints UTF-8 text, cut with an ellipsis where it is wider than width cells (0: not). Does not
 * escape. */
void nec_print_fitting(FILE *out, const char *text, size_t size, int width);

/* Prints text in lines of at most width cells, broken at spaces, each behind indent spaces. Does
 * not escape. */
void nec_print_wrapped(FILE *out, const char *text, size_t size, int width, int indent);

static inline void nec_table_destroyp(struct nec_table **tablep)
{
	nec_table_destroy(*tablep);
}

#endif
