/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of the smaller tables, on their way to the thread that runs SQLite: encoded one behind the
 * other into a block, bound to one prepared statement a table there. Text is made valid UTF-8 on
 * the way: what is not reads \xNN.
 */
#ifndef NEC_STORE_ROWS_H
#define NEC_STORE_ROWS_H

#include "store/writer.h"

enum nec_row {
	NEC_ROW_META,
	NEC_ROW_STAGE,
	NEC_ROW_WARNING,
	NEC_ROW_MAPPING,
	NEC_ROW_MEMORY,
	NEC_ROW_LABEL,
	NEC_ROW_TYPE,
	NEC_ROW_TYPE_SUMS,
	NEC_ROW_TYPE_RETAINED,
	NEC_ROW_TYPE_GROUP,
	NEC_ROW_SHORT_COUNT,
	NEC_ROW_ROOT,
	NEC_ROW_THREAD,
	NEC_ROW_THREAD_RETAINED,
	NEC_ROW_TRACEBACK,
	NEC_ROW_FRAME,
	NEC_ROW_LOCAL,
	NEC_ROW_TASK,
	NEC_ROW_TASK_FRAME,
	NEC_ROW_TASK_WAIT,
	NEC_ROW_CENSUS,
	NEC_ROW_SAMPLE,
	NEC_ROW_MARK,
	NEC_ROW_LAYOUT,
	NEC_ROW_SPACE,
	NEC_ROW_ARENA,
	NEC_ROW_PART,
	NEC_ROW_LIMIT,
	NEC_ROW_FINDING,
	NEC_ROW_LARGEST,
	NEC_ROW_DUPLICATE,
	NEC_ROW_DOMINATED,
	NEC_ROW_PACK_OUT,
	NEC_ROW_PACK_IN,
	NEC_ROW_PACK_INSTANCE,
	NEC_ROWS,
};

struct nec_cell {
	enum { NEC_CELL_NULL, NEC_CELL_INT, NEC_CELL_REAL, NEC_CELL_TEXT, NEC_CELL_BLOB } type;
	uint32_t size; /* of text and blobs, bytes */
	union {
		int64_t i;
		double r;
		const void *p;
	};
};

static inline struct nec_cell nec_cell_int(int64_t i)
{
	return (struct nec_cell){.type = NEC_CELL_INT, .i = i};
}

/* NULL for NEC_UNKNOWN. */
static inline struct nec_cell nec_cell_known(int64_t i)
{
	return (struct nec_cell){.type = i == NEC_UNKNOWN ? NEC_CELL_NULL : NEC_CELL_INT, .i = i};
}

/* NULL for 0. */
static inline struct nec_cell nec_cell_addr(uint64_t addr)
{
	return (struct nec_cell){.type = addr ? NEC_CELL_INT : NEC_CELL_NULL, .i = (int64_t)addr};
}

static inline struct nec_cell nec_cell_real(double r)
{
	return (struct nec_cell){.type = NEC_CELL_REAL, .r = r};
}

/* NULL for NULL; cut at a generous length. */
struct nec_cell nec_cell_text(const char *s);

static inline struct nec_cell nec_cell_blob(const void *p, size_t size)
{
	return (struct nec_cell){.type = NEC_CELL_BLOB, .size = (uint32_t)size, .p = p};
}

/* Bytes that text takes once it is valid UTF-8 without NUL, at most limit. */
size_t nec_rows_text_size(const uint8_t *s, size_t len, size_t limit);
/* Writes them; size is what nec_rows_text_size said. */
void nec_rows_text_copy(uint8_t *to, size_t size, const uint8_t *s, size_t len);

/* Adds a row to the current block of store. There are as many cells as the statement of row has
 * parameters. */
struct nec_error *nec_rows_put(struct nec_store *store, enum nec_row row,
			       const struct nec_cell *cells);

/* On the thread. */
struct nec_error *nec_rows_create(sqlite3 *db, struct nec_rows **ret);
void nec_rows_destroy(struct nec_rows *rows);
struct nec_error *nec_rows_insert(struct nec_rows *rows, const struct nec_block *block);

#endif
