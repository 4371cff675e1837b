/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a table b-tree; see leaf.h for what and why. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/leaf.h"
#include "store/read.h"

enum {
	INTERIOR = 5, /* first byte of a page of a table b-tree */
	LEAF = 13,
	DEPTH_MAX = 20, /* SQLite's own limit (BTCURSOR_MAX_DEPTH) */
	FILE_HEADER = 100,
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
};

struct level {
	uint8_t *page; /* owned, [page_size] */
	uint32_t number;
	uint32_t cell, cells; /* the next one; an interior page has one more child than cells */
	bool leaf;
};

struct nec_leaf {
	const char *path; /* borrowed of the database */
	int fd;
	uint32_t page_size, usable, page_count;
	struct level levels[DEPTH_MAX];
	int depth; /* levels in use */
	const uint8_t *payload;
	size_t payload_size;
};

static struct nec_error *damaged(const struct nec_leaf *l)
{
	return nec_error_create(NEC_ERR_STORE, "%s: the database is damaged", l->path);
}

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

/* A varint between p and end; the bytes it takes, 0: it does not end there. */
static inline size_t varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (p < end && !(*p & 0x80)) {
		*ret = *p;
		return 1;
	}
	for (i = 0; i < 8 && p + i < end; i++) {
		v = v << 7 | (p[i] & 0x7f);
		if (!(p[i] & 0x80)) {
			*ret = v;
			return i + 1;
		}
	}
	if (i < 8 || p + i >= end)
		return 0;
	*ret = v << 8 | p[8];
	return 9;
}

static struct nec_error *read_at(const struct nec_leaf *l, uint64_t off, uint8_t *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(l->fd, to + done, size - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return nec_error_os(errno, "%s", l->path);
		if (!n)
			return damaged(l);
		done += (size_t)n;
	}
	return NULL;
}

/* Makes the page the next level down. */
static struct nec_error *descend(struct nec_leaf *l, uint32_t number)
{
	size_t header = number == 1 ? FILE_HEADER : 0, size;
	struct level *level = &l->levels[l->depth];
	const uint8_t *p;

	if (l->depth == DEPTH_MAX || !number || number > l->page_count)
		return damaged(l);
	if (!level->page)
		level->page = malloc(l->page_size);
	if (!level->page)
		return &nec_enomem;
	NEC_TRY(read_at(l, (uint64_t)(number - 1) * l->page_size, level->page, l->page_size));
	p = level->page + header;
	if (*p != INTERIOR && *p != LEAF)
		return damaged(l);
	level->number = number;
	level->leaf = *p == LEAF;
	level->cells = be16(p + 3);
	level->cell = 0;
	size = header + (level->leaf ? 8 : 12);
	if (size + 2 * (size_t)level->cells > l->usable)
		return damaged(l);
	l->depth++;
	return NULL;
}

/* Where cell i of a page begins; NULL: outside of it. */
static const uint8_t *find_cell(const struct nec_leaf *l, const struct level *level, uint32_t i)
{
	size_t header = (level->number == 1 ? FILE_HEADER : 0) + (level->leaf ? 8u : 12u);
	uint32_t off = be16(level->page + header + 2 * (size_t)i);

	return off < header || off >= l->usable ? NULL : level->page + off;
}

static uint32_t rightmost(const struct level *level)
{
	return be32(level->page + (level->number == 1 ? FILE_HEADER : 0) + 8);
}

/* The first cell of the last level with a key of at least from. */
static struct nec_error *seek_page(struct nec_leaf *l, int64_t from)
{
	struct level *level = &l->levels[l->depth - 1];
	const uint8_t *end = level->page + l->usable, *p;
	uint32_t low = 0, high = level->cells;
	uint64_t size, key;
	size_t n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		p = find_cell(l, level, middle);
		if (p && level->leaf)
			p = (n = varint(p, end, &size)) ? p + n : NULL;
		else if (p)
			p += 4;
		if (!p || !varint(p, end, &key))
			return damaged(l);
		if ((int64_t)key < from)
			low = middle + 1;
		else
			high = middle;
	}
	level->cell = low;
	return NULL;
}

/* The page below the next cell of the last level, which is an interior one and has a child left. */
static struct nec_error *child(struct nec_leaf *l, uint32_t *number_ret)
{
	struct level *level = &l->levels[l->depth - 1];
	const uint8_t *p;

	if (level->cell == level->cells) {
		*number_ret = rightmost(level);
	} else {
		p = find_cell(l, level, level->cell);
		if (!p || p + 4 > level->page + l->usable)
			return damaged(l);
		*number_ret = be32(p);
	}
	level->cell++;
	return NULL;
}

static struct nec_error *seek(struct nec_leaf *l, uint32_t root, int64_t from)
{
	uint32_t number = root;

	for (;;) {
		NEC_TRY(descend(l, number));
		NEC_TRY(seek_page(l, from));
		if (l->levels[l->depth - 1].leaf)
			return NULL;
		NEC_TRY(child(l, &number));
	}
}

static struct nec_error *open_leaf(struct nec_leaf *l, struct nec_db *db, const char *table,
				   int64_t from)
{
	uint8_t header[FILE_HEADER];
	sqlite3_stmt *s;
	int64_t root = 0;
	int rc;

	l->path = db->path;
	rc = sqlite3_prepare_v2(
		db->db, "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1", -1,
		&s, NULL);
	if (rc != SQLITE_OK)
		return nec_read_error(db, rc, table);
	sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		root = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	l->fd = open(db->path, O_RDONLY | O_CLOEXEC);
	if (l->fd < 0)
		return nec_error_os(errno, "%s", db->path);
	NEC_TRY(read_at(l, 0, header, sizeof(header)));
	l->page_size = be16(header + 16);
	if (l->page_size == 1)
		l->page_size = PAGE_MAX;
	if (l->page_size < PAGE_MIN || l->page_size & (l->page_size - 1) ||
	    header[20] > l->page_size - 480)
		return damaged(l);
	l->usable = l->page_size - header[20];
	l->page_count = be32(header + 28);
	if (root <= 0 || root > UINT32_MAX)
		return damaged(l);
	return seek(l, (uint32_t)root, from);
}

struct nec_error *nec_leaf_open(struct nec_db *db, const char *table, int64_t from,
				struct nec_leaf **leaf_ret)
{
	struct nec_leaf *l = calloc(1, sizeof(*l));
	struct nec_error *err;

	if (!l)
		return &nec_enomem;
	l->fd = -1;
	err = open_leaf(l, db, table, from);
	if (err) {
		nec_leaf_close(l);
		return err;
	}
	*leaf_ret = l;
	return NULL;
}

void nec_leaf_close(struct nec_leaf *l)
{
	if (!l)
		return;
	for (int i = 0; i < DEPTH_MAX; i++)
		free(l->levels[i].page);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

/* To a leaf page with a cell left; *more_ret: is there one? */
static struct nec_error *next_leaf(struct nec_leaf *l, bool *more_ret)
{
	uint32_t number;

	while (l->depth) {
		struct level *level = &l->levels[l->depth - 1];

		if (level->cell < level->cells + !level->leaf) {
			if (level->leaf)
				break;
			NEC_TRY(child(l, &number));
			NEC_TRY(descend(l, number));
			continue;
		}
		l->depth--;
	}
	*more_ret = l->depth;
	return NULL;
}

struct nec_error *nec_leaf_next(struct nec_leaf *l, int64_t *rowid_ret, bool *more_ret)
{
	struct level *level;
	const uint8_t *p, *end;
	uint64_t size, rowid;
	size_t n;

	NEC_TRY(next_leaf(l, more_ret));
	if (!*more_ret)
		return NULL;
	level = &l->levels[l->depth - 1];
	end = level->page + l->usable;
	p = find_cell(l, level, level->cell++);
	if (!p || !(n = varint(p, end, &size)))
		return damaged(l);
	p += n;
	if (!(n = varint(p, end, &rowid)))
		return damaged(l);
	p += n;
	/* What does not fit goes on in other pages; rows of these tables always fit. */
	if (size > l->usable - 35 || size > (size_t)(end - p))
		return damaged(l);
	l->payload = p;
	l->payload_size = (size_t)size;
	*rowid_ret = (int64_t)rowid;
	return NULL;
}

static int64_t read_int(const uint8_t *p, unsigned int size)
{
	int64_t v = (int8_t)*p;

	while (--size)
		v = (int64_t)((uint64_t)v << 8 | *++p);
	return v;
}

/* A value by its serial type (section 2.1); its size, SIZE_MAX: it does not fit. */
static size_t read_cell(uint64_t type, const uint8_t *p, size_t left, struct nec_leaf_cell *cell)
{
	static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
	uint64_t size = type >= 12 ? (type - 12) / 2 : sizes[type];

	if (size > left)
		return SIZE_MAX;
	*cell = (struct nec_leaf_cell){.type = NEC_LEAF_INT};
	if (type >= 12) {
		cell->type = type & 1 ? NEC_LEAF_TEXT : NEC_LEAF_BLOB;
		cell->data = p;
		cell->size = (size_t)size;
	} else if (type >= 1 && type <= 6) {
		cell->i = read_int(p, (unsigned int)size);
	} else if (type == 8 || type == 9) {
		cell->i = type == 9;
	} else {
		cell->type = type == 7 ? NEC_LEAF_REAL : NEC_LEAF_NULL;
	}
	return (size_t)size;
}

struct nec_error *nec_leaf_cells(struct nec_leaf *l, unsigned int count,
				 struct nec_leaf_cell cells[NEC_LEAF_COLUMNS])
{
	const uint8_t *p = l->payload, *end = p + l->payload_size, *header_end;
	uint64_t header, type;
	unsigned int i = 0;
	size_t n = varint(p, end, &header), size;

	if (!n || header < n || header > l->payload_size)
		return damaged(l);
	header_end = p + header;
	end = p + l->payload_size;
	p += n;
	for (const uint8_t *data = header_end; i < count && p < header_end; i++, data += size) {
		n = varint(p, header_end, &type);
		size = n ? read_cell(type, data, (size_t)(end - data), &cells[i]) : SIZE_MAX;
		if (size == SIZE_MAX)
			return damaged(l);
		p += n;
	}
	for (; i < count; i++)
		cells[i] = (struct nec_leaf_cell){.type = NEC_LEAF_NULL};
	return NULL;
}

/* What is behind the first columns of a record: its part of the header, and of the data. */
struct tail {
	const uint8_t *header, *data;
	size_t header_size, data_size;
};

static bool find_tail(const struct nec_leaf *l, unsigned int first, struct tail *ret)
{
	const uint8_t *p = l->payload, *end = p + l->payload_size, *data;
	struct nec_leaf_cell cell;
	uint64_t header, type;
	size_t n = varint(p, end, &header), size;

	if (!n || header < n || header > l->payload_size)
		return false;
	data = p + header;
	for (p += n; first && p < l->payload + header; first--, p += n, data += size) {
		n = varint(p, l->payload + header, &type);
		size = n ? read_cell(type, data, (size_t)(end - data), &cell) : SIZE_MAX;
		if (size == SIZE_MAX)
			return false;
	}
	*ret = (struct tail){.header = p,
			     .data = data,
			     .header_size = (size_t)(l->payload + header - p),
			     .data_size = (size_t)(end - data)};
	return true;
}

bool nec_leaf_alike(const struct nec_leaf *a, const struct nec_leaf *b, unsigned int first)
{
	struct tail x, y;

	return find_tail(a, first, &x) && find_tail(b, first, &y) &&
	       x.header_size == y.header_size && x.data_size == y.data_size &&
	       memcmp(x.header, y.header, x.header_size) == 0 &&
	       memcmp(x.data, y.data, x.data_size) == 0;
}
