/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packed references: pages of consecutive objects with their edges, each a blob of the database.
 * Pure encoding and bounds-checked decoding; knows no SQLite.
 *
 * Ids are dense and ascend with addresses, and objects that are made together lie together, so
 * differences of ids are small. All numbers are varints (little-endian base 128); differences of
 * either sign are zigzag-coded first.
 *
 * A page has a key, (id of its first object << 24) + part. Part 0 may hold up to NEC_PACK_OBJECTS
 * objects, the last of which may go on in parts 1, 2, ... of its own id: these hold that object
 * alone, and each can be read by itself.
 *
 * Outgoing page:
 *   flags             one byte: bit 0: the last object goes on in the next part; bits 1-6: shift of
 * address differences count             of objects label_count       of the page's own label table
 *   address           of the first object, then count - 1 differences >> shift
 *   count times       type id
 *   label_count times one byte kind | label_kind << 4, then the label
 *   count times       bytes of the object's references
 *   references        of all objects, one behind the other:
 *     code            0: strong, label is the index after the last one; 1: strong, label is the key
 * that was the previous referent (what a dict looks like); 2: a byte kind | label_kind << 4 and the
 * label follow; 3 + n: entry n of the label table difference      of dst to the previous dst, in
 * the first reference to the object's own id Referrer page: flags (bit 0 as above), count, count
 * times bytes of the object's referrers, then these: each object's sources ascend, each once; the
 * first is a signed difference to the object's own id, the others are differences to the one
 * before. Instance page, key (type id << 24) + part: flags (0), count, id of the first instance,
 * count - 1 differences.
 */
#ifndef NEC_STORE_PACK_H
#define NEC_STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "store/store.h"

enum {
	NEC_PACK_OBJECTS = 4096,   /* objects a page */
	NEC_PACK_BYTES = 40 << 10, /* of references a page */
	NEC_PACK_LABELS = 1024,    /* entries of a page's label table */
	NEC_PACK_PART_BITS = 24,
	NEC_PACK_MAX_REF = 40,         /* bytes that one reference may take */
	NEC_PACK_MAX_PAGE = 256 << 10, /* bytes that no page exceeds */
};

#define NEC_PACK_NONE UINT32_MAX

static inline uint64_t nec_pack_key(uint32_t first, uint32_t part)
{
	return (uint64_t)first << NEC_PACK_PART_BITS | part;
}

/* A finished page; data is borrowed until the packer is used again. */
struct nec_pack_row {
	uint64_t key;
	uint64_t addr; /* outgoing pages: address of the first object */
	uint32_t count;
	const uint8_t *data;
	size_t size;
};

typedef struct nec_error *(*nec_pack_emit)(void *arg, const struct nec_pack_row *row);

/* ---- writing ---- */

/* Outgoing pages. Ids are consecutive from call to call. */
struct nec_pack_out;
struct nec_pack_out *nec_pack_out_create(nec_pack_emit emit, void *arg); /* NULL: out of memory */
void nec_pack_out_destroy(struct nec_pack_out *pack);
/* Begins an object without references. */
struct nec_error *nec_pack_out_object(struct nec_pack_out *pack, uint32_t id, uint64_t addr,
				      uint32_t type);
/* Further references of the object that was begun. */
struct nec_error *nec_pack_out_refs(struct nec_pack_out *pack, const struct nec_packed_ref *refs,
				    uint32_t count);
struct nec_error *nec_pack_out_flush(struct nec_pack_out *pack);

/* Referrer pages. Ids are consecutive; sources of one id ascend and may come in any number of
 * calls. */
struct nec_pack_in;
struct nec_pack_in *nec_pack_in_create(nec_pack_emit emit, void *arg);
void nec_pack_in_destroy(struct nec_pack_in *pack);
/* Begins the next id, which has no sources yet. */
struct nec_error *nec_pack_in_object(struct nec_pack_in *pack);
/* A source of the current id; one that equals the source before is dropped. */
struct nec_error *nec_pack_in_source(struct nec_pack_in *pack, uint32_t src);
struct nec_error *nec_pack_in_flush(struct nec_pack_in *pack);

/* The instances of one type, ascending. */
struct nec_error *nec_pack_instances(uint32_t type, const uint32_t *ids, uint32_t count,
				     nec_pack_emit emit, void *arg);

/* ---- reading ---- */

/* An outgoing or referrer page with its columns unpacked. Points into the blob it was opened on. */
struct nec_pack_page {
	uint32_t first; /* id of the first object */
	uint32_t part;
	uint32_t count;
	bool more;      /* the last object goes on in the next part */
	uint64_t *addr; /* outgoing: [count], ascending; owned */
	uint32_t *type; /* outgoing: [count]; owned */
	uint32_t *end;  /* [count]: where the bytes of each object end, from bytes; owned */
	struct nec_pack_label {
		uint8_t kind, label_kind;
		uint64_t label;
	} * labels; /* owned */
	uint32_t label_count;
	const uint8_t *bytes; /* borrowed from the blob */
	uint32_t byte_count;
};

/* Unpacks the columns; false: the page is damaged, or out of memory (*nomem_ret). Deinit in either
 * case. */
bool nec_pack_page_open_out(struct nec_pack_page *page, uint64_t key, const uint8_t *data,
			    size_t size, bool *nomem_ret);
bool nec_pack_page_open_in(struct nec_pack_page *page, uint64_t key, const uint8_t *data,
			   size_t size, bool *nomem_ret);
void nec_pack_page_deinit(struct nec_pack_page *page);

/* The references, or the referrers, of one object of a page. */
struct nec_pack_iter {
	const struct nec_pack_page *page; /* borrowed */
	struct nec_cursor cursor;
	uint32_t previous; /* dst or source */
	uint64_t index;    /* the next index label */
	bool first;
};

/* index: of the object in the page. */
void nec_pack_iter_init(struct nec_pack_iter *it, const struct nec_pack_page *page, uint32_t index);

enum nec_pack_result { NEC_PACK_DAMAGED = -1, NEC_PACK_DONE = 0, NEC_PACK_ROW = 1 };

enum nec_pack_result nec_pack_next_ref(struct nec_pack_iter *it, struct nec_packed_ref *ret);
enum nec_pack_result nec_pack_next_source(struct nec_pack_iter *it, uint32_t *src_ret);

/* An instance page, read from front to back. */
struct nec_pack_instances_iter {
	struct nec_cursor cursor;
	uint32_t left;
	uint32_t previous;
	bool first;
};

bool nec_pack_instances_open(struct nec_pack_instances_iter *it, const uint8_t *data, size_t size);
enum nec_pack_result nec_pack_next_instance(struct nec_pack_instances_iter *it, uint32_t *id_ret);

#endif
