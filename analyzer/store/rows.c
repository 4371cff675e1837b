/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoding and inserting rows of the smaller tables; see rows.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/rows.h"

enum {
	MAX_CELLS = 13,
	MAX_TEXT = 8 << 10, /* of one cell: command lines and warnings are shorter */
};

/* To add one: a name in rows.h, its statement here. */
static const struct {
	const char *sql;
	int cells;
} tables[NEC_ROWS] = {
	[NEC_ROW_META] = {"INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", 2},
	[NEC_ROW_STAGE] = {"INSERT INTO stage(name, rows, seconds, peak_bytes) VALUES(?, ?, ?, ?)",
			   4},
	[NEC_ROW_WARNING] = {"INSERT INTO warning(stage, addr, message) VALUES(?, ?, ?)", 3},
	[NEC_ROW_MAPPING] = {"INSERT INTO mapping(start, end, bytes, perms, path, kind, dumped, missing, "
			     "missing_references) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
			     9},
	[NEC_ROW_MEMORY] = {"INSERT INTO memory(category, area, bytes, count) VALUES(?, ?, ?, ?) "
			    "ON CONFLICT(category) DO UPDATE SET bytes = bytes + excluded.bytes, "
			    "count = count + excluded.count",
			    4},
	[NEC_ROW_LABEL] = {"INSERT OR REPLACE INTO label(id, text) VALUES(?, ?)", 2},
	[NEC_ROW_TYPE] =
		{"INSERT OR REPLACE INTO type(id, addr, name, module, basicsize, itemsize, flags, "
		 "base, visitor) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		 9},
	[NEC_ROW_TYPE_SUMS] = {"UPDATE type SET count = ?2, bytes = ?3, native = ?4 WHERE id = ?1",
			       4},
	[NEC_ROW_TYPE_RETAINED] = {"UPDATE type SET retained = ?2 WHERE id = ?1", 2},
	[NEC_ROW_SHORT_COUNT] = {"INSERT INTO short_count(addr, owners) VALUES(?, ?)", 2},
	[NEC_ROW_TYPE_GROUP] = {"INSERT INTO type_group(kind, name, retained) VALUES(?, ?, ?)", 3},
	[NEC_ROW_ROOT] = {"INSERT INTO root(addr, kind, label, doubt) VALUES(?, ?, ?, ?)", 4},
	[NEC_ROW_THREAD] =
		{"INSERT OR REPLACE INTO thread(id, tid, ident, addr, name, state, gil, daemon, "
		 "interpreter, exception, exception_addr) "
		 "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		 11},
	[NEC_ROW_THREAD_RETAINED] = {"UPDATE thread SET retained = ?2 WHERE id = ?1", 2},
	[NEC_ROW_TRACEBACK] =
		{"INSERT INTO traceback(thread, depth, function, qualname, file, line) "
		 "VALUES(?, ?, ?, ?, ?, ?)",
		 6},
	[NEC_ROW_FRAME] =
		{"INSERT INTO frame(thread, depth, kind, function, qualname, file, library, line, column, "
		 "addr, code) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		 11},
	[NEC_ROW_LOCAL] =
		{"INSERT INTO local(thread, depth, name, addr, text) VALUES(?, ?, ?, ?, ?)", 5},
	[NEC_ROW_TASK] =
		{"INSERT OR REPLACE INTO task(addr, kind, name, state, loop, thread, coro, waits, "
		 "waits_for) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		 9},
	[NEC_ROW_TASK_FRAME] =
		{"INSERT INTO task_frame(task, depth, function, qualname, file, line, addr, code) "
		 "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
		 8},
	[NEC_ROW_TASK_WAIT] = {"INSERT INTO task_wait(task, awaited) VALUES(?, ?)", 2},
	[NEC_ROW_CENSUS] =
		{"INSERT INTO census(series, kind, name, count, bytes) VALUES(?, ?, ?, ?, ?)", 5},
	[NEC_ROW_SAMPLE] =
		{"INSERT INTO sample(pid, time, name, value, unit) VALUES(?, ?, ?, ?, ?)", 5},
	[NEC_ROW_MARK] = {"INSERT INTO mark(start, end, name, bytes_start, bytes_end, level) "
			  "VALUES(?, ?, ?, ?, ?, ?)",
			  6},
	[NEC_ROW_LAYOUT] = {"INSERT OR REPLACE INTO layout(field, offset, source, disagrees) "
			    "VALUES(?, ?, ?, ?)",
			    4},
	[NEC_ROW_SPACE] =
		{"INSERT INTO space(kind, size, count, used, bytes) VALUES(?, ?, ?, ?, ?)", 5},
	[NEC_ROW_ARENA] = {"INSERT INTO arena(kind, number, start, bytes, used, used_count, free, "
			   "free_count, cached, cached_count, whole, release, last) "
			   "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			   13},
	[NEC_ROW_PART] = {"INSERT OR IGNORE INTO part(addr, bytes, owner) VALUES(?, ?, ?)", 3},
	[NEC_ROW_LIMIT] = {"INSERT INTO memory_limit(source, name, of, bytes, text) VALUES(?, ?, ?, ?, ?)",
			   5},
	[NEC_ROW_FINDING] = {"INSERT INTO finding(rule, title, detail, bytes, addr) "
			     "VALUES(?, ?, ?, ?, ?)",
			     5},
	[NEC_ROW_LARGEST] = {"INSERT INTO largest(by, rank, addr, bytes) VALUES(?, ?, ?, ?)", 4},
	[NEC_ROW_DUPLICATE] = {"INSERT INTO duplicate(kind, rank, addr, count, bytes) "
			       "VALUES(?, ?, ?, ?, ?)",
			       5},
	[NEC_ROW_DOMINATED] = {"INSERT INTO dominated(addr, type, count, bytes) VALUES(?, ?, ?, ?)",
			       4},
	[NEC_ROW_PACK_OUT] = {"INSERT INTO pack_out(key, addr, count, data) VALUES(?, ?, ?, ?)", 4},
	[NEC_ROW_PACK_IN] = {"INSERT INTO pack_in(key, count, data) VALUES(?, ?, ?)", 3},
	[NEC_ROW_PACK_INSTANCE] = {"INSERT INTO pack_instance(key, count, data) VALUES(?, ?, ?)",
				   3},
};

struct nec_rows {
	sqlite3 *db;
	sqlite3_stmt *statements[NEC_ROWS];
};

/* ---- text ---- */

/* Bytes of the UTF-8 sequence at s, 0 when it is none (overlong, surrogate, above U+10FFFF, cut
 * short, NUL). */
static size_t sequence(const uint8_t *s, const uint8_t *end)
{
	size_t n, i;

	if (*s < 0x80)
		return *s != 0;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	n = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	if ((size_t)(end - s) < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Length of the leading run of ASCII without NUL, eight bytes at a time. */
static size_t ascii_run(const uint8_t *s, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= len; i += 8) {
		memcpy(&w, s + i, 8);
		if ((w | (w - ones)) & high)
			break;
	}
	while (i < len && s[i] && s[i] < 0x80)
		i++;
	return i;
}

size_t nec_rows_text_size(const uint8_t *s, size_t len, size_t limit)
{
	const uint8_t *end = s + len;
	size_t size = 0, n, take;

	while (s < end) {
		n = ascii_run(s, (size_t)(end - s));
		if (n) {
			if (n > limit - size)
				return limit;
			size += n;
			s += n;
			continue;
		}
		n = sequence(s, end);
		take = n ? n : 4;
		if (take > limit - size)
			return size;
		size += take;
		s += n ? n : 1;
	}
	return size;
}

void nec_rows_text_copy(uint8_t *to, size_t size, const uint8_t *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *end = s + len;
	uint8_t *to_end = to + size;
	size_t n;

	while (to < to_end) {
		n = ascii_run(s, (size_t)(end - s));
		if (!n)
			n = sequence(s, end);
		if (n) {
			if (n > (size_t)(to_end - to))
				n = (size_t)(to_end - to);
			memcpy(to, s, n);
			to += n;
			s += n;
		} else {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = (uint8_t)hex[*s >> 4];
			*to++ = (uint8_t)hex[*s & 15];
			s++;
		}
	}
}

struct nec_cell nec_cell_text(const char *s)
{
	if (!s)
		return (struct nec_cell){.type = NEC_CELL_NULL};
	return (struct nec_cell){
		.type = NEC_CELL_TEXT,
		.size = (uint32_t)strnlen(s, MAX_TEXT),
		.p = s,
	};
}

/* ---- encoding: the number of the table, then a type and its bytes for each cell ---- */

struct nec_error *nec_rows_put(struct nec_store *store, enum nec_row row,
			       const struct nec_cell *cells)
{
	size_t sizes[MAX_CELLS], need = 1;
	struct nec_block *block;
	int count = tables[row].cells, i;
	uint8_t *p;

	assert(count <= MAX_CELLS);
	for (i = 0; i < count; i++) {
		sizes[i] = 8;
		if (cells[i].type == NEC_CELL_TEXT)
			sizes[i] = nec_rows_text_size(cells[i].p, cells[i].size, MAX_TEXT);
		else if (cells[i].type == NEC_CELL_BLOB)
			sizes[i] = cells[i].size;
		need += 1 + 4 + sizes[i];
	}
	assert(need <= NEC_BLOCK_SIZE);
	block = store->current_rows;
	if (block && need > NEC_BLOCK_SIZE - block->size) {
		store->current_rows = NULL;
		NEC_TRY(nec_writer_send(store, block));
		block = NULL;
	}
	if (!block) {
		NEC_TRY(nec_writer_block(store, NEC_BLOCK_ROWS, &block));
		store->current_rows = block;
	}
	p = block->data + block->size;
	*p++ = (uint8_t)row;
	for (i = 0; i < count; i++) {
		uint32_t size = (uint32_t)sizes[i];

		*p++ = (uint8_t)cells[i].type;
		switch (cells[i].type) {
		case NEC_CELL_NULL:
			break;
		case NEC_CELL_INT:
		case NEC_CELL_REAL:
			memcpy(p, &cells[i].i, 8);
			p += 8;
			break;
		case NEC_CELL_TEXT:
		case NEC_CELL_BLOB:
			memcpy(p, &size, 4);
			p += 4;
			if (cells[i].type == NEC_CELL_TEXT)
				nec_rows_text_copy(p, size, cells[i].p, cells[i].size);
			else
				memcpy(p, cells[i].p, size);
			p += size;
			break;
		}
	}
	block->size = (size_t)(p - block->data);
	return NULL;
}

/* ---- on the thread ---- */

struct nec_error *nec_rows_create(sqlite3 *db, struct nec_rows **ret)
{
	struct nec_rows *rows = calloc(1, sizeof(*rows));
	int i, rc;

	if (!rows)
		return &nec_enomem;
	rows->db = db;
	for (i = 0; i < NEC_ROWS; i++) {
		rc = sqlite3_prepare_v3(db, tables[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
					&rows->statements[i], NULL);
		if (rc != SQLITE_OK) {
			nec_rows_destroy(rows);
			return nec_writer_error(db, rc, tables[i].sql);
		}
		assert(sqlite3_bind_parameter_count(rows->statements[i]) == tables[i].cells);
	}
	*ret = rows;
	return NULL;
}

void nec_rows_destroy(struct nec_rows *rows)
{
	int i;

	if (!rows)
		return;
	for (i = 0; i < NEC_ROWS; i++)
		sqlite3_finalize(rows->statements[i]);
	free(rows);
}

/* Binds one cell; texts and blobs stay in the block, which outlives the step. */
static const uint8_t *bind(sqlite3_stmt *s, int index, const uint8_t *p)
{
	uint8_t type = *p++;
	uint32_t size;
	int64_t i;
	double r;

	switch (type) {
	case NEC_CELL_INT:
		memcpy(&i, p, 8);
		sqlite3_bind_int64(s, index, i);
		return p + 8;
	case NEC_CELL_REAL:
		memcpy(&r, p, 8);
		sqlite3_bind_double(s, index, r);
		return p + 8;
	case NEC_CELL_TEXT:
	case NEC_CELL_BLOB:
		memcpy(&size, p, 4);
		p += 4;
		if (type == NEC_CELL_TEXT)
			sqlite3_bind_text(s, index, (const char *)p, (int)size, SQLITE_STATIC);
		else
			sqlite3_bind_blob(s, index, p, (int)size, SQLITE_STATIC);
		return p + size;
	default:
		sqlite3_bind_null(s, index);
		return p;
	}
}

struct nec_error *nec_rows_insert(struct nec_rows *rows, const struct nec_block *block)
{
	const uint8_t *p = block->data, *end = block->data + block->size;

	while (p < end) {
		enum nec_row row = *p++;
		sqlite3_stmt *s = rows->statements[row];
		int i, rc;

		for (i = 0; i < tables[row].cells; i++)
			p = bind(s, i + 1, p);
		rc = sqlite3_step(s);
		sqlite3_reset(s);
		if (rc != SQLITE_DONE)
			return nec_writer_error(rows->db, rc, "inserting rows");
	}
	return NULL;
}
