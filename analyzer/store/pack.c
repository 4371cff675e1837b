/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing packed pages; see pack.h for the encoding and unpack.c for reading. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/pack.h"

enum {
	HASH_SLOTS = 4 * NEC_PACK_LABELS, /* a power of two */
	CODE_NEXT_INDEX = 0,
	CODE_PREVIOUS_KEY = 1,
	CODE_EXPLICIT = 2,
	CODE_TABLE = 3,
	/* Fixed part, columns and label table at their widest, and the references. */
	PAGE_ROOM = 64 + NEC_PACK_OBJECTS * (10 + 5 + 5) + NEC_PACK_LABELS * 11 + NEC_PACK_BYTES +
		    NEC_PACK_MAX_REF,
};

_Static_assert((int)PAGE_ROOM <= (int)NEC_PACK_MAX_PAGE, "a page fits what readers accept");

static inline uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* ---- outgoing references ---- */

struct nec_pack_out {
	nec_pack_emit emit;
	void *arg;
	uint32_t first;      /* id of the first object of the page */
	uint32_t count;      /* objects in the page */
	uint32_t part;       /* of the first object */
	uint32_t byte_count; /* in bytes[] */
	uint32_t start;      /* of the current object in bytes[] */
	uint32_t previous;   /* dst of the current object */
	uint64_t index;      /* label that the next index has if it goes on */
	uint32_t label_count;
	uint32_t generation; /* of the hash table: slots of another one are empty */
	uint64_t addr[NEC_PACK_OBJECTS];
	uint32_t type[NEC_PACK_OBJECTS];
	uint32_t length[NEC_PACK_OBJECTS];
	struct nec_pack_label labels[NEC_PACK_LABELS];
	struct {
		uint32_t generation, label;
	} slots[HASH_SLOTS];
	uint8_t bytes[NEC_PACK_BYTES + NEC_PACK_MAX_REF];
	uint8_t page[PAGE_ROOM];
};

struct nec_pack_out *nec_pack_out_create(nec_pack_emit emit, void *arg)
{
	struct nec_pack_out *pack = calloc(1, sizeof(*pack));

	if (pack) {
		pack->emit = emit;
		pack->arg = arg;
		pack->generation = 1;
	}
	return pack;
}

void nec_pack_out_destroy(struct nec_pack_out *pack)
{
	free(pack);
}

/* The state that differences and indexes of the current object are counted from. */
static void restart(struct nec_pack_out *pack)
{
	pack->previous = pack->first + pack->count - 1;
	pack->index = 0;
}

/* The number of the label in the page's table, adding it; NEC_PACK_NONE when the table is full. */
static uint32_t label_code(struct nec_pack_out *pack, const struct nec_packed_ref *ref)
{
	uint64_t hash = (ref->label << 5 | (uint64_t)ref->label_kind << 2 | ref->kind) *
			UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(hash >> 40) & (HASH_SLOTS - 1);
	struct nec_pack_label *l;

	for (; pack->slots[slot].generation == pack->generation;
	     slot = (slot + 1) & (HASH_SLOTS - 1)) {
		l = &pack->labels[pack->slots[slot].label];
		if (l->label == ref->label && l->kind == ref->kind &&
		    l->label_kind == ref->label_kind)
			return pack->slots[slot].label;
	}
	if (pack->label_count == NEC_PACK_LABELS)
		return NEC_PACK_NONE;
	pack->slots[slot].generation = pack->generation;
	pack->slots[slot].label = pack->label_count;
	l = &pack->labels[pack->label_count];
	l->kind = ref->kind;
	l->label_kind = ref->label_kind;
	l->label = ref->label;
	return pack->label_count++;
}

/* Emits the page; more: its last object goes on in the next part, which is begun. */
static struct nec_error *emit_out(struct nec_pack_out *pack, bool more)
{
	uint32_t last = pack->count - 1, shift, i;
	uint8_t *p = pack->page;
	struct nec_pack_row row = {
		.key = nec_pack_key(pack->first, pack->part),
		.addr = pack->addr[0],
		.count = pack->count,
		.data = pack->page,
	};
	uint64_t all = 0;

	pack->length[last] = pack->byte_count - pack->start;
	for (i = 1; i < pack->count; i++)
		all |= pack->addr[i] - pack->addr[i - 1];
	shift = all ? (uint32_t)__builtin_ctzll(all) : 0;
	*p++ = (uint8_t)(more | shift << 1);
	p = put_varint(p, pack->count);
	p = put_varint(p, pack->label_count);
	p = put_varint(p, pack->addr[0]);
	for (i = 1; i < pack->count; i++)
		p = put_varint(p, (pack->addr[i] - pack->addr[i - 1]) >> shift);
	for (i = 0; i < pack->count; i++)
		p = put_varint(p, pack->type[i]);
	for (i = 0; i < pack->label_count; i++) {
		*p++ = (uint8_t)(pack->labels[i].kind | pack->labels[i].label_kind << 4);
		p = put_varint(p, pack->labels[i].label);
	}
	for (i = 0; i < pack->count; i++)
		p = put_varint(p, pack->length[i]);
	memcpy(p, pack->bytes, pack->byte_count);
	p += pack->byte_count;
	row.size = (size_t)(p - pack->page);
	assert(row.size <= sizeof(pack->page));
	pack->byte_count = pack->start = pack->label_count = 0;
	pack->generation++;
	if (more) {
		pack->part = last ? 1 : pack->part + 1;
		pack->first += last;
		pack->addr[0] = pack->addr[last];
		pack->type[0] = pack->type[last];
		pack->count = 1;
		restart(pack);
	} else {
		pack->first += pack->count;
		pack->count = pack->part = 0;
	}
	return pack->emit(pack->arg, &row);
}

struct nec_error *nec_pack_out_flush(struct nec_pack_out *pack)
{
	return pack->count ? emit_out(pack, false) : NULL;
}

struct nec_error *nec_pack_out_object(struct nec_pack_out *pack, uint32_t id, uint64_t addr,
				      uint32_t type)
{
	assert(id == pack->first + pack->count);
	/* Further parts hold one object each. */
	if (pack->part || pack->count == NEC_PACK_OBJECTS || pack->byte_count >= NEC_PACK_BYTES)
		NEC_TRY(emit_out(pack, false));
	if (pack->count)
		pack->length[pack->count - 1] = pack->byte_count - pack->start;
	pack->start = pack->byte_count;
	pack->addr[pack->count] = addr;
	pack->type[pack->count] = type;
	pack->count++;
	restart(pack);
	return NULL;
}

struct nec_error *nec_pack_out_refs(struct nec_pack_out *pack, const struct nec_packed_ref *refs,
				    uint32_t count)
{
	uint32_t code, i;
	uint8_t *p;

	for (i = 0; i < count; i++) {
		const struct nec_packed_ref *ref = &refs[i];

		if (pack->byte_count >= NEC_PACK_BYTES)
			NEC_TRY(emit_out(pack, true));
		p = pack->bytes + pack->byte_count;
		if (ref->label_kind == NEC_LABEL_INDEX && ref->label == pack->index &&
		    ref->kind == NEC_REF_STRONG) {
			*p++ = CODE_NEXT_INDEX;
		} else if (ref->label_kind == NEC_LABEL_KEY && ref->label == pack->previous &&
			   ref->kind == NEC_REF_STRONG) {
			*p++ = CODE_PREVIOUS_KEY;
		} else if (ref->label_kind != NEC_LABEL_INDEX &&
			   (code = label_code(pack, ref)) != NEC_PACK_NONE) {
			p = put_varint(p, CODE_TABLE + code);
		} else {
			*p++ = CODE_EXPLICIT;
			*p++ = (uint8_t)(ref->kind | ref->label_kind << 4);
			p = put_varint(p, ref->label);
		}
		if (ref->label_kind == NEC_LABEL_INDEX)
			pack->index = ref->label + 1;
		p = put_varint(p, zigzag((int64_t)ref->dst - (int64_t)pack->previous));
		pack->previous = ref->dst;
		pack->byte_count = (uint32_t)(p - pack->bytes);
	}
	return NULL;
}

/* ---- referrers ---- */

struct nec_pack_in {
	nec_pack_emit emit;
	void *arg;
	uint32_t first;      /* id of the first object of the page */
	uint32_t count;      /* objects in the page */
	uint32_t part;       /* of the first object */
	uint32_t byte_count; /* in bytes[] */
	uint32_t start;      /* of the current object in bytes[] */
	uint32_t previous;   /* source of the current object */
	bool any;            /* the current object has a source ... */
	bool here;           /* ... in this page */
	uint32_t length[NEC_PACK_OBJECTS];
	uint8_t bytes[NEC_PACK_BYTES + NEC_PACK_MAX_REF];
	uint8_t page[PAGE_ROOM];
};

struct nec_pack_in *nec_pack_in_create(nec_pack_emit emit, void *arg)
{
	struct nec_pack_in *pack = calloc(1, sizeof(*pack));

	if (pack) {
		pack->emit = emit;
		pack->arg = arg;
	}
	return pack;
}

void nec_pack_in_destroy(struct nec_pack_in *pack)
{
	free(pack);
}

/* Emits the page; more: its last object goes on in the next part, which is begun. */
static struct nec_error *emit_in(struct nec_pack_in *pack, bool more)
{
	uint32_t last = pack->count - 1, i;
	uint8_t *p = pack->page;
	struct nec_pack_row row = {
		.key = nec_pack_key(pack->first, pack->part),
		.count = pack->count,
		.data = pack->page,
	};

	pack->length[last] = pack->byte_count - pack->start;
	*p++ = more;
	p = put_varint(p, pack->count);
	for (i = 0; i < pack->count; i++)
		p = put_varint(p, pack->length[i]);
	memcpy(p, pack->bytes, pack->byte_count);
	p += pack->byte_count;
	row.size = (size_t)(p - pack->page);
	assert(row.size <= sizeof(pack->page));
	pack->byte_count = pack->start = 0;
	if (more) {
		pack->part = last ? 1 : pack->part + 1;
		pack->first += last;
		pack->count = 1;
		pack->here = false;
	} else {
		pack->first += pack->count;
		pack->count = pack->part = 0;
	}
	return pack->emit(pack->arg, &row);
}

struct nec_error *nec_pack_in_flush(struct nec_pack_in *pack)
{
	return pack->count ? emit_in(pack, false) : NULL;
}

struct nec_error *nec_pack_in_object(struct nec_pack_in *pack)
{
	/* Further parts hold one object each. */
	if (pack->part || pack->count == NEC_PACK_OBJECTS || pack->byte_count >= NEC_PACK_BYTES)
		NEC_TRY(emit_in(pack, false));
	if (pack->count)
		pack->length[pack->count - 1] = pack->byte_count - pack->start;
	pack->start = pack->byte_count;
	pack->any = pack->here = false;
	pack->count++;
	return NULL;
}

struct nec_error *nec_pack_in_source(struct nec_pack_in *pack, uint32_t src)
{
	uint64_t code;
	uint8_t *p;

	if (pack->any && src == pack->previous)
		return NULL;
	if (pack->byte_count >= NEC_PACK_BYTES)
		NEC_TRY(emit_in(pack, true));
	if (pack->here)
		code = src - pack->previous;
	else
		code = zigzag((int64_t)src - (int64_t)(pack->first + pack->count - 1));
	p = pack->bytes + pack->byte_count;
	pack->byte_count = (uint32_t)(put_varint(p, code) - pack->bytes);
	pack->previous = src;
	pack->any = pack->here = true;
	return NULL;
}

/* ---- instances ---- */

enum { INSTANCES_A_PAGE = 8192 };

struct nec_error *nec_pack_instances(uint32_t type, const uint32_t *ids, uint32_t count,
				     nec_pack_emit emit, void *arg)
{
	uint8_t page[16 + INSTANCES_A_PAGE * 5], *p;
	struct nec_pack_row row = {.data = page};
	uint32_t part, n, i;

	for (part = 0; count; part++) {
		n = count < INSTANCES_A_PAGE ? count : INSTANCES_A_PAGE;
		p = page;
		*p++ = 0;
		p = put_varint(p, n);
		p = put_varint(p, ids[0]);
		for (i = 1; i < n; i++)
			p = put_varint(p, ids[i] - ids[i - 1]);
		row.key = nec_pack_key(type, part);
		row.count = n;
		row.size = (size_t)(p - page);
		NEC_TRY(emit(arg, &row));
		ids += n;
		count -= n;
	}
	return NULL;
}
