/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading packed pages; see pack.h for the encoding. A page may come from a database that somebody
 * else made: every number is checked before it is used, and damage is an ordinary result.
 */
#include <stdlib.h>

#include "store/pack.h"

/* Most are of one byte. */
static inline uint64_t varint(struct nec_cursor *c)
{
	uint64_t v = 0;
	unsigned int shift;

	if (c->off < c->size && !(c->data[c->off] & 0x80))
		return c->data[c->off++];
	for (shift = 0; shift < 64 && c->off < c->size; shift += 7) {
		uint8_t b = c->data[c->off++];

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	c->failed = true;
	return 0;
}

static uint32_t varint32(struct nec_cursor *c)
{
	uint64_t v = varint(c);

	if (v > UINT32_MAX) {
		c->failed = true;
		return 0;
	}
	return (uint32_t)v;
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ -(v & 1));
}

/* previous + difference as an id; false when that is none. */
static bool step_id(uint32_t previous, int64_t difference, uint32_t *ret)
{
	int64_t id;

	if (__builtin_add_overflow((int64_t)previous, difference, &id) || id < 0 ||
	    id >= NEC_PACK_NONE)
		return false;
	*ret = (uint32_t)id;
	return true;
}

static bool valid_label(unsigned int kind, unsigned int label_kind)
{
	return kind < NEC_REF_KINDS && label_kind <= NEC_LABEL_WORD;
}

/* The column of lengths and the bytes behind it, which are the rest of the page. */
static bool open_bytes(struct nec_pack_page *page, struct nec_cursor *c)
{
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < page->count; i++) {
		end += varint32(c);
		if (c->failed || end > c->size)
			return false;
		page->end[i] = (uint32_t)end;
	}
	if (end != nec_cursor_left(c))
		return false;
	page->bytes = c->data + c->off;
	page->byte_count = (uint32_t)end;
	return true;
}

static bool open_header(struct nec_pack_page *page, uint64_t key, struct nec_cursor *c, size_t size,
			uint8_t *flags_ret)
{
	*page = (struct nec_pack_page){
		.first = (uint32_t)(key >> NEC_PACK_PART_BITS),
		.part = (uint32_t)(key & ((1u << NEC_PACK_PART_BITS) - 1)),
	};
	*flags_ret = nec_cursor_u8(c);
	page->more = *flags_ret & 1;
	page->count = varint32(c);
	return !c->failed && size <= NEC_PACK_MAX_PAGE && key >> 56 == 0 && page->count &&
	       page->count <= NEC_PACK_OBJECTS && page->count <= NEC_PACK_NONE - page->first &&
	       (page->count == 1 || !page->part);
}

bool nec_pack_page_open_out(struct nec_pack_page *page, uint64_t key, const uint8_t *data,
			    size_t size, bool *nomem_ret)
{
	struct nec_cursor c = nec_cursor_init(data, size);
	uint64_t addr, difference;
	unsigned int shift;
	uint8_t flags;
	uint32_t i;

	*nomem_ret = false;
	if (!open_header(page, key, &c, size, &flags))
		return false;
	shift = flags >> 1 & 63;
	page->label_count = varint32(&c);
	if (page->label_count > NEC_PACK_LABELS)
		return false;
	page->addr = malloc(page->count * sizeof(*page->addr));
	page->type = malloc(page->count * sizeof(*page->type));
	page->end = malloc(page->count * sizeof(*page->end));
	page->labels = malloc((page->label_count + 1) * sizeof(*page->labels));
	if (!page->addr || !page->type || !page->end || !page->labels) {
		*nomem_ret = true;
		return false;
	}
	page->addr[0] = addr = varint(&c);
	for (i = 1; i < page->count; i++) {
		difference = varint(&c);
		/* Strictly ascending: binary searches rely on it. */
		if (!difference || difference > UINT64_MAX >> shift ||
		    __builtin_add_overflow(addr, difference << shift, &addr))
			return false;
		page->addr[i] = addr;
	}
	for (i = 0; i < page->count; i++)
		page->type[i] = varint32(&c);
	for (i = 0; i < page->label_count; i++) {
		uint8_t kinds = nec_cursor_u8(&c);

		page->labels[i].kind = kinds & 15;
		page->labels[i].label_kind = kinds >> 4;
		page->labels[i].label = varint(&c);
		if (!valid_label(kinds & 15, kinds >> 4))
			return false;
	}
	return !c.failed && open_bytes(page, &c);
}

bool nec_pack_page_open_in(struct nec_pack_page *page, uint64_t key, const uint8_t *data,
			   size_t size, bool *nomem_ret)
{
	struct nec_cursor c = nec_cursor_init(data, size);
	uint8_t flags;

	*nomem_ret = false;
	if (!open_header(page, key, &c, size, &flags))
		return false;
	page->end = malloc(page->count * sizeof(*page->end));
	if (!page->end) {
		*nomem_ret = true;
		return false;
	}
	return open_bytes(page, &c);
}

void nec_pack_page_deinit(struct nec_pack_page *page)
{
	free(page->addr);
	free(page->type);
	free(page->end);
	free(page->labels);
	*page = (struct nec_pack_page){0};
}

void nec_pack_iter_init(struct nec_pack_iter *it, const struct nec_pack_page *page, uint32_t index)
{
	uint32_t start = index ? page->end[index - 1] : 0;

	*it = (struct nec_pack_iter){
		.page = page,
		.cursor = nec_cursor_init(page->bytes + start, page->end[index] - start),
		.previous = page->first + index,
		.first = true,
	};
}

/* What a code in front of a reference stands for. */
static bool read_label(struct nec_pack_iter *it, struct nec_packed_ref *ret)
{
	uint64_t code = varint(&it->cursor);
	uint8_t kinds;

	ret->kind = NEC_REF_STRONG;
	switch (code) {
	case 0:
		ret->label_kind = NEC_LABEL_INDEX;
		ret->label = it->index;
		break;
	case 1:
		ret->label_kind = NEC_LABEL_KEY;
		ret->label = it->previous;
		break;
	case 2:
		kinds = nec_cursor_u8(&it->cursor);
		ret->kind = kinds & 15;
		ret->label_kind = kinds >> 4;
		ret->label = varint(&it->cursor);
		break;
	default:
		if (code - 3 >= it->page->label_count)
			return false;
		ret->kind = it->page->labels[code - 3].kind;
		ret->label_kind = it->page->labels[code - 3].label_kind;
		ret->label = it->page->labels[code - 3].label;
	}
	if (ret->label_kind == NEC_LABEL_INDEX)
		it->index = ret->label + 1;
	return valid_label(ret->kind, ret->label_kind);
}

enum nec_pack_result nec_pack_next_ref(struct nec_pack_iter *it, struct nec_packed_ref *ret)
{
	if (!nec_cursor_left(&it->cursor))
		return NEC_PACK_DONE;
	if (!read_label(it, ret) ||
	    !step_id(it->previous, unzigzag(varint(&it->cursor)), &ret->dst) || it->cursor.failed)
		return NEC_PACK_DAMAGED;
	it->previous = ret->dst;
	return NEC_PACK_ROW;
}

enum nec_pack_result nec_pack_next_source(struct nec_pack_iter *it, uint32_t *src_ret)
{
	uint64_t v;
	int64_t difference;

	if (!nec_cursor_left(&it->cursor))
		return NEC_PACK_DONE;
	v = varint(&it->cursor);
	difference = it->first ? unzigzag(v) : (int64_t)v;
	if (it->cursor.failed || (!it->first && (v == 0 || v > UINT32_MAX)) ||
	    !step_id(it->previous, difference, src_ret))
		return NEC_PACK_DAMAGED;
	it->first = false;
	it->previous = *src_ret;
	return NEC_PACK_ROW;
}

bool nec_pack_instances_open(struct nec_pack_instances_iter *it, const uint8_t *data, size_t size)
{
	*it = (struct nec_pack_instances_iter){
		.cursor = nec_cursor_init(data, size),
		.first = true,
	};
	nec_cursor_u8(&it->cursor);
	it->left = varint32(&it->cursor);
	return !it->cursor.failed;
}

enum nec_pack_result nec_pack_next_instance(struct nec_pack_instances_iter *it, uint32_t *id_ret)
{
	uint32_t v;

	if (!it->left)
		return NEC_PACK_DONE;
	v = varint32(&it->cursor);
	if (it->cursor.failed || (!it->first && !v) || !step_id(it->previous, v, id_ret))
		return NEC_PACK_DAMAGED;
	it->first = false;
	it->previous = *id_ret;
	it->left--;
	return NEC_PACK_ROW;
}
