/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Visitors: the types that keep references, or bytes that sys.getsizeof counts, outside their struct.
 *
 * To add one: a function that emits, or one that sizes, and a row in the table at the end. Each follows tp_traverse and __sizeof__ of
 * its type, whose file is named.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/numpy.h"
#include "python/str.h"
#include "python/visit.h"

/* Native blocks that one word of a module's state leads to: caches as linked lists. */
enum { MODULE_STATE_BLOCKS = 1024 };

/* Loops over linked blocks end here: more blocks than memory could hold. */
enum { MAX_LINKS = 1 << 26 };

static int64_t absolute(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t default_size(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_items_size(nec_ob_size(t, obj), type->itemsize);
}

/* Bytes of so many words; 0 for what no process has. */
static int64_t words(uint64_t count)
{
	return count < UINT64_C(1) << 45 ? (int64_t)(count * 8) : 0;
}

/* ---- Objects/listobject.c, tupleobject.c ------------------------------------------------------------------ */

static void visit_list(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t items = nec_field(t, obj, NEC_F_LIST_ITEM);
	int64_t n = nec_ob_size(t, obj);

	(void)type;
	if (n < 0 || !items)
		return;
	nec_emit_array(visit, items, (uint64_t)n);
	nec_emit_part(visit, items, nec_field(t, obj, NEC_F_LIST_ALLOCATED) * 8, true);
}

static int64_t size_list(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + words(nec_field(t, obj, NEC_F_LIST_ALLOCATED));
}

static void visit_tuple(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	int64_t n = nec_ob_size(visit->target, obj);

	(void)type;
	if (n > 0)
		nec_emit_array(visit, obj + nec_off(visit->target, NEC_F_TUPLE_ITEM), (uint64_t)n);
}

/* ---- Objects/dictobject.c, odictobject.c ------------------------------------------------------------------ */

static void visit_dict(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	bool shared;
	uint32_t key_label;
	uint64_t key, value;
	struct nec_dict dict;

	(void)type;
	if (!nec_dict_read(t, obj, &dict)) {
		visit->faults++;
		return;
	}
	shared = dict.keys.refcount != 1;
	key_label = shared ? visit->types->label_shared_key : visit->types->label_key;
	while (nec_dict_next(&dict, &key, &value)) {
		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING, key_label);
		nec_emit(visit, value, NEC_REF_STRONG, NEC_LABEL_KEY, key);
	}
	if (!shared)
		nec_emit_part(visit, dict.keys.addr, dict.keys.bytes, true);
	if (dict.values_addr && !dict.embedded)
		nec_emit_part(visit, dict.values_addr, dict.values_bytes, true);
}

static int64_t size_dict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = type->basicsize;
	struct nec_dict dict;

	if (!nec_dict_read(t, obj, &dict))
		return size;
	if (dict.values_addr)
		size += ((int64_t)dict.keys.count + dict.keys.unused) * 8;
	if (dict.keys.refcount == 1 || t->layout.traits.dicts == NEC_DICT_OPEN)
		size += (int64_t)dict.keys.bytes;
	return size;
}

static void visit_odict(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t node = nec_field(t, obj, NEC_F_ODICT_FIRST), n = 0;

	visit_dict(visit, obj, type);
	for (; node && n < MAX_LINKS; n++, node = nec_field(t, node, NEC_F_ODICT_NODE_NEXT)) {
		nec_emit(visit, nec_field(t, node, NEC_F_ODICT_NODE_KEY), NEC_REF_STRONG, NEC_LABEL_STRING,
			 visit->types->label_key);
		nec_emit_part(visit, node, nec_off(t, NEC_SIZEOF_ODICT_NODE), true);
	}
	nec_emit_part(visit, nec_field(t, obj, NEC_F_ODICT_FAST_NODES),
		      nec_field(t, obj, NEC_F_ODICT_FAST_NODES_SIZE) * 8, true);
}

static int64_t size_odict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = size_dict(t, obj, type);

	size += words(nec_field(t, obj, NEC_F_ODICT_FAST_NODES_SIZE));
	return size + (int64_t)(nec_field(t, obj, NEC_F_DICT_USED) * nec_off(t, NEC_SIZEOF_ODICT_NODE));
}

/* ---- Objects/setobject.c ---------------------------------------------------------------------------------- */

static void visit_set(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t table = nec_field(t, obj, NEC_F_SET_TABLE), n = nec_field(t, obj, NEC_F_SET_MASK) + 1, i, key;
	uint64_t stride = nec_off(t, NEC_SIZEOF_SET_ENTRY), key_off = nec_off(t, NEC_F_SET_ENTRY_KEY);
	const uint8_t *p;

	(void)type;
	p = n && n < UINT64_C(1) << 40 ? nec_image_view(t->image, table, n * stride) : NULL;
	if (!p) {
		visit->faults++;
		return;
	}
	for (i = 0; i < n; i++) {
		memcpy(&key, p + i * stride + key_off, 8);
		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_item);
	}
	if (table != obj + nec_off(t, NEC_F_SET_SMALLTABLE))
		nec_emit_part(visit, table, n * stride, true);
}

static int64_t size_set(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t table = nec_field(t, obj, NEC_F_SET_TABLE);

	if (table == obj + nec_off(t, NEC_F_SET_SMALLTABLE))
		return type->basicsize;
	return type->basicsize +
	       (int64_t)((nec_field(t, obj, NEC_F_SET_MASK) + 1) * nec_off(t, NEC_SIZEOF_SET_ENTRY));
}

/* ---- Objects/longobject.c, unicodeobject.c, bytearrayobject.c --------------------------------------------- */

static int64_t size_long(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t digits = absolute(nec_ob_size(t, obj));

	if (t->layout.traits.old_classes) /* 2.7 counts from tp_basicsize: a subclass with a __dict__ is larger */
		return type->basicsize + digits * 4;
	if (t->layout.traits.ints == NEC_INT_TAGGED) {
		digits = (int64_t)(nec_field(t, obj, NEC_F_LONG_TAG) >> 3);
	}
	if (!digits && t->layout.traits.zero_digit)
		digits = 1;
	return (int64_t)nec_off(t, NEC_F_LONG_DIGITS) + digits * (t->layout.traits.digit_bits > 16 ? 4 : 2);
}

static void visit_str(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	struct nec_str s;

	(void)type;
	if (!nec_str_read(visit->target, obj, &s))
		return;
	nec_emit_part(visit, s.block, s.block_size, true);
	nec_emit_part(visit, s.utf8, s.utf8_size, true);
	nec_emit_part(visit, s.wstr, s.wstr_size, true);
}

static int64_t size_str(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	struct nec_str s;

	(void)type;
	nec_str_read(t, obj, &s);
	return (int64_t)s.size;
}

static void visit_bytearray(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	if (!nec_has(t, NEC_F_BYTEARRAY_OBJECT))
		nec_emit_part(visit, nec_field(t, obj, NEC_F_BYTEARRAY_BYTES),
			      nec_field(t, obj, NEC_F_BYTEARRAY_ALLOC), true);
}

static int64_t size_bytearray(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t alloc = (int64_t)nec_field(t, obj, NEC_F_BYTEARRAY_ALLOC);

	/* From 3.15 on a bytes object holds the bytes, unless there are none. */
	if (alloc && nec_field(t, obj, NEC_F_BYTEARRAY_OBJECT))
		alloc += (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1;
	return type->basicsize + alloc;
}

/* ---- Objects/typeobject.c --------------------------------------------------------------------------------- */

static void emit_cached_keys(struct nec_visit *visit, uint64_t addr)
{
	struct nec_keys keys;
	uint64_t i, key;

	if (!nec_keys_read(visit->target, addr, &keys))
		return;
	for (i = 0; i < keys.count; i++) {
		memcpy(&key, keys.entries + i * keys.stride + keys.key_off, 8);
		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_key);
	}
	nec_emit_part(visit, addr, keys.bytes, true);
}

static void visit_type(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const struct {
		enum nec_field field;
		const char *label;
	} heap[] = {
		{NEC_F_HEAPTYPE_NAME, ".__name__"},
		{NEC_F_HEAPTYPE_SLOTS, ".__slots__"},
		{NEC_F_HEAPTYPE_QUALNAME, ".__qualname__"},
		{NEC_F_HEAPTYPE_MODULE, ".ht_module"},
		{NEC_F_HEAPTYPE_GETITEM, ".cached __getitem__"},
		{NEC_F_HEAPTYPE_INIT, ".cached __init__"},
	};
	const struct nec_target *t = visit->target;
	uint64_t state = nec_static_type_state(t, obj), subclasses, weaklist;
	size_t i;

	(void)type;
	nec_emit(visit, nec_type_dict(t, obj), NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_dict);
	nec_emit_field(visit, obj, NEC_F_TYPE_BASE, ".__base__");
	nec_emit_field(visit, obj, NEC_F_TYPE_BASES, ".__bases__");
	nec_emit_field(visit, obj, NEC_F_TYPE_MRO, ".__mro__");
	nec_emit_field(visit, obj, NEC_F_TYPE_CACHE, ".tp_cache");
	subclasses = state ? nec_field(t, state, NEC_F_STATIC_TYPE_SUBCLASSES) : nec_field(t, obj, NEC_F_TYPE_SUBCLASSES);
	nec_emit(visit, subclasses, NEC_REF_STRONG, NEC_LABEL_STRING, nec_types_label(visit->types, ".__subclasses__()"));
	weaklist = state ? nec_field(t, state, NEC_F_STATIC_TYPE_WEAKLIST) : nec_field(t, obj, NEC_F_TYPE_WEAKLIST);
	nec_emit(visit, weaklist, NEC_REF_WEAK, NEC_LABEL_STRING, visit->types->label_weakref);
	if (!(nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		return;
	for (i = 0; i < sizeof(heap) / sizeof(heap[0]); i++)
		nec_emit_field(visit, obj, heap[i].field, heap[i].label);
	nec_follow_native(visit, nec_field(t, obj, NEC_F_TYPE_DOC), visit->types->label_native, 1);
	if (nec_has(t, NEC_F_HEAPTYPE_CACHED_KEYS))
		emit_cached_keys(visit, nec_field(t, obj, NEC_F_HEAPTYPE_CACHED_KEYS));
}

static int64_t size_type(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	struct nec_keys keys;
	int64_t size;

	if (!nec_has(t, NEC_F_HEAPTYPE_CACHED_KEYS)) /* 2.7: object.__sizeof__ */
		return type->basicsize + absolute(nec_ob_size(t, obj)) * type->itemsize;
	if (!(nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		return (int64_t)nec_off(t, NEC_SIZEOF_TYPE);
	size = (int64_t)nec_off(t, NEC_SIZEOF_HEAPTYPE);
	if (nec_keys_read(t, nec_field(t, obj, NEC_F_HEAPTYPE_CACHED_KEYS), &keys))
		size += (int64_t)keys.bytes;
	return size;
}

/* ---- Objects/codeobject.c, moduleobject.c, weakrefobject.c, memoryobject.c -------------------------------- */

static void visit_code(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const char *const cached[] = {"._co_code", "._co_varnames", "._co_cellvars", "._co_freevars"};
	const struct nec_target *t = visit->target;
	uint64_t block, i, n;

	(void)type;
	block = nec_field(t, obj, NEC_F_CODE_CACHED);
	if (block) {
		for (i = 0; i < 4 && i * 8 < nec_off(t, NEC_SIZEOF_COCACHED); i++)
			nec_emit(visit, nec_word(t, block + i * 8), NEC_REF_STRONG, NEC_LABEL_STRING,
				 nec_types_label(visit->types, "%s", cached[i]));
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_COCACHED), false);
	}
	block = nec_has(t, NEC_F_EXECUTORS_DATA) ? nec_field(t, obj, NEC_F_CODE_EXECUTORS) : 0;
	n = block ? (uint64_t)(uint32_t)nec_field32(t, block, NEC_F_EXECUTORS_SIZE) : 0;
	for (i = 0; i < n && i < 65536; i++)
		nec_emit(visit, nec_word(t, block + nec_off(t, NEC_F_EXECUTORS_DATA) + i * 8), NEC_REF_STRONG,
			 NEC_LABEL_STRING, nec_types_label(visit->types, ".co_executors"));
	nec_emit_part(visit, nec_field(t, obj, NEC_F_CODE_CELL2ARG), 0, false);
	nec_emit_part(visit, nec_field(t, obj, NEC_F_CODE_LINEARRAY), 0, false);
}

static int64_t size_code(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = (default_size(t, obj, type) + 7) & ~7ll; /* _PyObject_VAR_SIZE */
	uint64_t extra = nec_field(t, obj, NEC_F_CODE_EXTRA), n;

	if (t->layout.traits.strs == NEC_STR_BYTES) /* 2.7 has no code.__sizeof__ */
		return type->basicsize;
	if (nec_field(t, obj, NEC_F_CODE_CELL2ARG))
		size += nec_ob_size(t, nec_field(t, obj, NEC_F_CODE_CELLVARS)) * 8;
	if (nec_has(t, NEC_SIZEOF_OPCACHE_ENTRY) && nec_field(t, obj, NEC_F_CODE_OPCACHE))
		size += nec_ob_size(t, nec_field(t, obj, NEC_F_CODE_CODE)) / 2 +
			nec_field8(t, obj, NEC_F_CODE_OPCACHE_SIZE) * (int64_t)nec_off(t, NEC_SIZEOF_OPCACHE_ENTRY);

	if (extra) {
		n = nec_field(t, extra, NEC_F_CODE_EXTRA_SIZE);
		size += (int64_t)nec_off(t, NEC_SIZEOF_CODE_EXTRA) + ((int64_t)n - 1) * 8;
	}
	return size;
}

static void visit_module(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t def = nec_field(t, obj, NEC_F_MODULE_DEF), state = nec_field(t, obj, NEC_F_MODULE_STATE), size, off, dst;
	uint32_t label;

	(void)type;
	if (!state)
		return;
	size = nec_has(t, NEC_F_MODULE_STATE_SIZE) ? nec_field(t, obj, NEC_F_MODULE_STATE_SIZE)
						   : nec_field(t, def, NEC_F_MODULE_DEF_SIZE);
	if (size > 1 << 20)
		return;
	for (off = 0; off + 8 <= size; off += 8) {
		dst = nec_word(t, state + off);
		if (dst < 4096 || dst & 7)
			continue;
		label = nec_types_label(visit->types, ".state+0x%llx", (unsigned long long)off);
		if (nec_object_candidate(visit->types, visit->heap, dst))
			nec_emit(visit, dst, NEC_REF_CONSERVATIVE, NEC_LABEL_STRING, label);
		else
			nec_follow_native(visit, dst, label, MODULE_STATE_BLOCKS);
	}
	nec_emit_part(visit, state, size, false);
}

static void visit_weakref(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	nec_emit(visit, nec_field(t, obj, NEC_F_WEAKREF_OBJECT), NEC_REF_WEAK, NEC_LABEL_STRING,
		 visit->types->label_wr_object);
	nec_emit_field(visit, obj, NEC_F_WEAKREF_CALLBACK, ".__callback__");
}

static void visit_memoryview(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	if (nec_has(visit->target, NEC_F_MEMORYVIEW_MBUF))
		nec_emit_field(visit, obj, NEC_F_MEMORYVIEW_MBUF, ".mbuf");
	else
		nec_emit_field(visit, obj, NEC_F_MEMORYVIEW_BASE, ".base");
	if (!nec_has(visit->target, NEC_F_MEMORYVIEW_MBUF))
		nec_emit_field(visit, obj, NEC_F_MEMORYVIEW_VIEW_OBJ, ".obj");
}

static void visit_managedbuffer(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	nec_emit_field(visit, obj, NEC_F_MANAGEDBUFFER_OBJ, ".obj");
}

/* ---- Modules/_collectionsmodule.c, _functoolsmodule.c, itertoolsmodule.c ----------------------------------- */

/* leftindex is an int in 2.7. */
static uint64_t deque_left(const struct nec_target *t, uint64_t obj)
{
	if (t->layout.off[NEC_F_DEQUE_RIGHTINDEX] - t->layout.off[NEC_F_DEQUE_LEFTINDEX] == 4)
		return (uint32_t)nec_field32(t, obj, NEC_F_DEQUE_LEFTINDEX);
	return nec_field(t, obj, NEC_F_DEQUE_LEFTINDEX);
}

static void visit_deque(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t block = nec_field(t, obj, NEC_F_DEQUE_LEFTBLOCK), index = deque_left(t, obj);
	uint64_t len = nec_field(t, obj, NEC_F_DEQUE_LEN), data = nec_off(t, NEC_F_DEQUE_BLOCK_DATA), n = 0, links = 0;
	/* leftlink, data and rightlink: BLOCKLEN is what is left of the block. */
	uint64_t block_len = (nec_off(t, NEC_SIZEOF_DEQUE_BLOCK) - 16) / 8;

	(void)type;
	while (block && n < len && links++ < MAX_LINKS) {
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), true);
		for (; index < block_len && n < len; index++, n++)
			nec_emit(visit, nec_word(t, block + data + index * 8), NEC_REF_STRONG, NEC_LABEL_INDEX, n);
		index = 0;
		block = nec_field(t, block, NEC_F_DEQUE_BLOCK_RIGHT);
	}
	if (!len)
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), true);
}

static int64_t size_deque(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t block_size = nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), block_len = (block_size - 16) / 8, blocks;

	if (!block_len) /* debug information may say anything */
		return type->basicsize;
	blocks = (deque_left(t, obj) + nec_field(t, obj, NEC_F_DEQUE_LEN) + block_len - 1) / block_len;
	return type->basicsize + (int64_t)(blocks * block_size);
}

static void visit_lru_cache(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t root = obj + nec_off(t, NEC_F_LRU_ROOT), link = nec_field(t, root, NEC_F_LRU_LINK_NEXT), n;

	(void)type;
	for (n = 0; link && link != root && n < MAX_LINKS; n++, link = nec_field(t, link, NEC_F_LRU_LINK_NEXT)) {
		nec_emit(visit, link, NEC_REF_STRONG, NEC_LABEL_STRING, nec_types_label(visit->types, " lru_cache link"));
		nec_emit_field(visit, link, NEC_F_LRU_LINK_KEY, " lru_cache key");
		nec_emit_field(visit, link, NEC_F_LRU_LINK_RESULT, " lru_cache result");
	}
}

static void visit_teedata(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	int32_t n = nec_field32(t, obj, NEC_F_TEEDATA_NUMREAD);

	(void)type;
	nec_emit_field(visit, obj, NEC_F_TEEDATA_IT, ".it");
	nec_emit_field(visit, obj, NEC_F_TEEDATA_NEXTLINK, ".nextlink");
	if (n > 0 && n < 4096)
		nec_emit_array(visit, obj + nec_off(t, NEC_F_TEEDATA_VALUES), (uint64_t)n);
}

/* ---- Modules/arraymodule.c, _io, _struct.c, _pickle.c, _elementtree.c, _decimal -------------------------------- */

static void visit_array(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	nec_emit_part(visit, nec_field(t, obj, NEC_F_ARRAY_DATA),
		      nec_field(t, obj, NEC_F_ARRAY_ALLOCATED) *
			      (uint64_t)(uint32_t)nec_field32(t, nec_field(t, obj, NEC_F_ARRAY_DESCR), NEC_F_ARRAYDESCR_ITEMSIZE),
		      true);
}

static int64_t size_array(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize +
	       (int64_t)nec_field(t, obj, NEC_F_ARRAY_ALLOCATED) *
		       nec_field32(t, nec_field(t, obj, NEC_F_ARRAY_DESCR), NEC_F_ARRAYDESCR_ITEMSIZE);
}

static void visit_buffered(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	nec_emit_part(visit, nec_field(visit->target, obj, NEC_F_BUFFERED_BUFFER),
		      nec_field(visit->target, obj, NEC_F_BUFFERED_BUFFER_SIZE), true);
}

static int64_t size_buffered(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	if (!nec_field(t, obj, NEC_F_BUFFERED_BUFFER))
		return type->basicsize;
	return type->basicsize + (int64_t)nec_field(t, obj, NEC_F_BUFFERED_BUFFER_SIZE);
}

static void visit_stringio(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	nec_emit_part(visit, nec_field(visit->target, obj, NEC_F_STRINGIO_BUF),
		      nec_field(visit->target, obj, NEC_F_STRINGIO_BUF_SIZE) * 4, false);
}

/* bytesio_sizeof: the size of the bytes object too, unless it is shared. */
static int64_t size_bytesio(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t buf = nec_field(t, obj, NEC_F_BYTESIO_BUF);

	if (t->layout.traits.strs == NEC_STR_BYTES) /* 2.7: a block, not an object */
		return type->basicsize + (buf ? (int64_t)nec_field(t, obj, NEC_F_BYTESIO_BUF_SIZE) : 0);
	if (!buf || nec_field32(t, buf, NEC_F_OBJECT_REFCNT) != 1)
		return type->basicsize;
	return type->basicsize + (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1 + nec_ob_size(t, buf);
}

static uint64_t format_code_count(const struct nec_target *t, uint64_t obj)
{
	uint64_t code = nec_field(t, obj, NEC_F_STRUCT_CODES), n = 1;

	while (code && n < 65536 && nec_field(t, code, NEC_F_FORMATCODE_FMTDEF)) {
		code += nec_off(t, NEC_SIZEOF_FORMATCODE);
		n++;
	}
	return n;
}

static void visit_struct(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	nec_emit_field(visit, obj, NEC_F_STRUCT_FORMAT, ".format");
	nec_emit_part(visit, nec_field(visit->target, obj, NEC_F_STRUCT_CODES),
		      format_code_count(visit->target, obj) * nec_off(visit->target, NEC_SIZEOF_FORMATCODE), true);
}

static int64_t size_struct(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	return (int64_t)(nec_off(t, NEC_SIZEOF_STRUCT) +
			 format_code_count(t, obj) * nec_off(t, NEC_SIZEOF_FORMATCODE));
}

static void visit_pickler(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t memo = nec_field(t, obj, NEC_F_PICKLER_MEMO), table, n, i;

	(void)type;
	if (!memo)
		return;
	table = nec_field(t, memo, NEC_F_MEMOTABLE_TABLE);
	n = nec_field(t, memo, NEC_F_MEMOTABLE_ALLOCATED);
	if (n > UINT64_C(1) << 32)
		return;
	nec_emit_part(visit, memo, nec_off(t, NEC_SIZEOF_MEMOTABLE), true);
	nec_emit_part(visit, table, n * nec_off(t, NEC_SIZEOF_MEMOENTRY), true);
	for (i = 0; i < n; i++) {
		uint64_t key = nec_word(t, table + i * nec_off(t, NEC_SIZEOF_MEMOENTRY));

		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING, nec_types_label(visit->types, ".memo"));
	}
}

static int64_t size_pickler(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t memo = nec_field(t, obj, NEC_F_PICKLER_MEMO), buffer = nec_field(t, obj, NEC_F_PICKLER_OUTPUT_BUFFER);
	int64_t size = type->basicsize;

	if (memo)
		size += (int64_t)(nec_off(t, NEC_SIZEOF_MEMOTABLE) +
				  nec_field(t, memo, NEC_F_MEMOTABLE_ALLOCATED) * nec_off(t, NEC_SIZEOF_MEMOENTRY));
	if (buffer)
		size += (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1 + nec_ob_size(t, buffer);
	return size;
}

static void visit_unpickler(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t memo = nec_field(t, obj, NEC_F_UNPICKLER_MEMO), n = nec_field(t, obj, NEC_F_UNPICKLER_MEMO_SIZE);

	(void)type;
	if (memo && n < UINT64_C(1) << 32) {
		nec_emit_array(visit, memo, n);
		nec_emit_part(visit, memo, n * 8, true);
	}
}

static uint64_t cstr_size(const struct nec_target *t, uint64_t addr)
{
	const char *s = addr ? nec_image_cstr(t->image, addr, 65536) : NULL;

	return s ? strlen(s) + 1 : 0;
}

static int64_t size_unpickler(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = type->basicsize;

	if (nec_field(t, obj, NEC_F_UNPICKLER_MEMO))
		size += words(nec_field(t, obj, NEC_F_UNPICKLER_MEMO_SIZE));
	if (nec_field(t, obj, NEC_F_UNPICKLER_MARKS))
		size += words(nec_field(t, obj, NEC_F_UNPICKLER_MARKS_SIZE));
	size += (int64_t)cstr_size(t, nec_field(t, obj, NEC_F_UNPICKLER_INPUT_LINE));
	size += (int64_t)cstr_size(t, nec_field(t, obj, NEC_F_UNPICKLER_ENCODING));
	return size + (int64_t)cstr_size(t, nec_field(t, obj, NEC_F_UNPICKLER_ERRORS));
}

static void visit_pdata(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	int64_t n = nec_ob_size(visit->target, obj);

	(void)type;
	if (n > 0)
		nec_emit_array(visit, nec_field(visit->target, obj, NEC_F_PDATA_DATA), (uint64_t)n);
}

static void visit_element(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t extra = nec_field(t, obj, NEC_F_ELEMENT_EXTRA), children, n;

	(void)type;
	nec_emit_field(visit, obj, NEC_F_ELEMENT_TAG, ".tag");
	/* The lowest bit of text and tail says "join me": JOIN_GET, _elementtree.c. */
	nec_emit(visit, nec_field(t, obj, NEC_F_ELEMENT_TEXT) & ~1ull, NEC_REF_STRONG, NEC_LABEL_STRING,
		 nec_types_label(visit->types, ".text"));
	nec_emit(visit, nec_field(t, obj, NEC_F_ELEMENT_TAIL) & ~1ull, NEC_REF_STRONG, NEC_LABEL_STRING,
		 nec_types_label(visit->types, ".tail"));
	if (!extra)
		return;
	nec_emit_field(visit, extra, NEC_F_ELEMENT_EXTRA_ATTRIB, ".attrib");
	children = nec_field(t, extra, NEC_F_ELEMENT_EXTRA_CHILDREN);
	n = nec_field(t, extra, NEC_F_ELEMENT_EXTRA_LENGTH);
	if (n < UINT64_C(1) << 32)
		nec_emit_array(visit, children, n);
	nec_emit_part(visit, extra, nec_off(t, NEC_SIZEOF_ELEMENT_EXTRA), true);
	if (children != extra + nec_off(t, NEC_F_ELEMENT_EXTRA_STATIC))
		nec_emit_part(visit, children, nec_field(t, extra, NEC_F_ELEMENT_EXTRA_ALLOCATED) * 8, true);
}

static int64_t size_element(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t extra = nec_field(t, obj, NEC_F_ELEMENT_EXTRA);
	int64_t size = type->basicsize;

	if (!extra)
		return size;
	size += (int64_t)nec_off(t, NEC_SIZEOF_ELEMENT_EXTRA);
	if (nec_field(t, extra, NEC_F_ELEMENT_EXTRA_CHILDREN) != extra + nec_off(t, NEC_F_ELEMENT_EXTRA_STATIC))
		size += words(nec_field(t, extra, NEC_F_ELEMENT_EXTRA_ALLOCATED));
	return size;
}

enum { MPD_STATIC_DATA = 0x20 };

static bool decimal_data(const struct nec_target *t, uint64_t obj, uint64_t *size_ret)
{
	uint64_t dec = obj + nec_off(t, NEC_F_DECIMAL_MPD);

	*size_ret = nec_field(t, dec, NEC_F_MPD_ALLOC) * 8;
	return !(nec_field8(t, dec, NEC_F_MPD_FLAGS) & MPD_STATIC_DATA);
}

static void visit_decimal(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t size;

	(void)type;
	if (decimal_data(t, obj, &size))
		nec_emit_part(visit, nec_field(t, obj + nec_off(t, NEC_F_DECIMAL_MPD), NEC_F_MPD_DATA), size, true);
}

static int64_t size_decimal(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t size;

	return type->basicsize + (decimal_data(t, obj, &size) ? (int64_t)size : 0);
}

/* An iterator over elements keeps a stack of parents: pairs of element and child index. */
static void visit_element_iter(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t stack = nec_field(t, obj, NEC_F_ELEMENTITER_STACK), n = nec_field(t, obj, NEC_F_ELEMENTITER_USED), i;

	(void)type;
	for (i = 0; i < n && i < MAX_LINKS; i++)
		nec_emit(visit, nec_word(t, stack + i * 16), NEC_REF_STRONG, NEC_LABEL_INDEX, i);
	nec_emit_part(visit, stack, nec_field(t, obj, NEC_F_ELEMENTITER_SIZE) * 16, false);
}

/* ---- Modules/_queuemodule.c, pyexpat.c, _sqlite, _ctypes ----------------------------------------------------------------------- */

/* handler_info has 22 to 24 rows: the block of handlers is as long, and ends with the pool's next block. */
enum { EXPAT_HANDLERS = 22 };

static void visit_xmlparser(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t handlers = nec_field(t, obj, NEC_F_XMLPARSER_HANDLERS), i;

	(void)type;
	for (i = 0; i < EXPAT_HANDLERS; i++)
		nec_emit(visit, nec_word(t, handlers + i * 8), NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, ".handlers[%u]", (unsigned int)i));
	nec_emit_part(visit, handlers, EXPAT_HANDLERS * 8, false);
}

static int64_t size_simple_queue(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + words(nec_field(t, obj, NEC_F_SIMPLEQUEUE_CAPACITY));
}

static void visit_connection(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const enum nec_field contexts[] = {
		NEC_F_CONNECTION_TRACE_CTX,
		NEC_F_CONNECTION_PROGRESS_CTX,
		NEC_F_CONNECTION_AUTHORIZER_CTX,
	};
	const struct nec_target *t = visit->target;
	size_t i;

	(void)type;
	for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		uint64_t context = nec_field(t, obj, contexts[i]);

		if (!context)
			continue;
		nec_emit_field(visit, context, NEC_F_CALLBACK_CALLABLE, ".callback");
		nec_emit_field(visit, context, NEC_F_CALLBACK_MODULE, ".callback module");
		nec_emit_part(visit, context, nec_off(t, NEC_SIZEOF_CALLBACK), false);
	}
}

/* Until 3.10: statements in a list of nodes. */
static void visit_sqlite_cache(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t node = nec_field(t, obj, NEC_F_SQLITE_CACHE_FIRST), n;

	(void)type;
	for (n = 0; node && n < MAX_LINKS; n++, node = nec_field(t, node, NEC_F_SQLITE_NODE_NEXT))
		nec_emit(visit, node, NEC_REF_STRONG, NEC_LABEL_INDEX, n);
}

/* Modules/parsermodule.c, until 3.9: the concrete syntax tree; children of a node lie in one array. */
static int64_t size_parser_st(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	enum { MAX_DEPTH = 512 };
	struct {
		uint64_t node, count;
	} stack[MAX_DEPTH];
	int64_t size = type->basicsize, node_size = (int64_t)nec_off(t, NEC_SIZEOF_PARSER_NODE);
	unsigned int depth = 1;

	stack[0].node = nec_field(t, obj, NEC_F_PARSER_ST_NODE);
	stack[0].count = stack[0].node ? 1 : 0;
	size += node_size;
	while (depth) {
		uint64_t node = stack[depth - 1].node, n, room;

		if (!stack[depth - 1].count--) {
			depth--;
			continue;
		}
		stack[depth - 1].node += (uint64_t)node_size;
		size += (int64_t)cstr_size(t, nec_field(t, node, NEC_F_PARSER_NODE_STR));
		n = (uint32_t)nec_field32(t, node, NEC_F_PARSER_NODE_COUNT);
		if (!n || n > 1 << 20)
			continue;
		/* As Parser/node.c rounds up: by four, then to powers of two. */
		room = n <= 1 ? n : n <= 128 ? (n + 3) & ~3ull : 256;
		while (room < n)
			room *= 2;
		size += (int64_t)room * node_size;
		if (depth < MAX_DEPTH) {
			stack[depth].node = nec_field(t, node, NEC_F_PARSER_NODE_CHILD);
			stack[depth++].count = n;
		}
	}
	return size;
}

static int64_t size_stgdict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t format = nec_field(t, obj, NEC_F_STGDICT_FORMAT);
	int64_t size = size_dict(t, obj, type);

	/* As _ctypes counts it, its own part twice: Modules/_ctypes/stgdict.c. */
	size += (int64_t)(nec_off(t, NEC_SIZEOF_STGDICT) - nec_off(t, NEC_SIZEOF_DICT));
	size += (int64_t)cstr_size(t, format);
	size += (int64_t)nec_field32(t, obj, NEC_F_STGDICT_NDIM) * 8;
	if (nec_field(t, obj, NEC_F_STGDICT_ELEMENTS))
		size += words(nec_field(t, obj, NEC_F_STGDICT_LENGTH) + 1);
	return size;
}

/* From 3.13 on a ctypes class keeps its StgInfo in the type object, behind what its metatype's base has. */
static int64_t size_ctypes_meta(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	const struct nec_type *root = type;
	uint64_t info;

	while (root->base && strcmp(root->base->tp_name, "type"))
		root = root->base;
	info = obj + (((uint64_t)(root->base ? root->base->basicsize : 0) + 15) & ~15ull);
	return type->basicsize + (int64_t)cstr_size(t, nec_field(t, info, NEC_F_STGINFO_FORMAT)) +
	       (int64_t)nec_field32(t, info, NEC_F_STGINFO_NDIM) * 8 +
	       (nec_field(t, info, NEC_F_STGINFO_ELEMENTS) ? words(nec_field(t, info, NEC_F_STGINFO_LENGTH) + 1) : 0);
}

/* Metatypes of _ctypes until 3.12: the type's dict holds the pointed-to type; CDataType_traverse visits it for the type. */
static void visit_ctypes_meta(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t dict = nec_type_dict(t, obj);
	const struct nec_type *dict_type = dict ? nec_object_type(visit->types, dict) : NULL;

	visit_type(visit, obj, type);
	if (nec_has(t, NEC_F_STGDICT_PROTO) && dict_type && nec_type_is(dict_type, "StgDict"))
		nec_emit_field(visit, dict, NEC_F_STGDICT_PROTO, "._type_");
}

/* ---- Modules/itertoolsmodule.c: arrays of indices that __sizeof__ counts ---------------------------------------- */

static int64_t size_product(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_ob_size(t, nec_field(t, obj, NEC_F_PRODUCT_POOLS)) * 8;
}

static int64_t size_combinations(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + words(nec_field(t, obj, NEC_F_COMBINATIONS_R));
}

static int64_t size_cwr(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + words(nec_field(t, obj, NEC_F_CWR_R));
}

static int64_t size_permutations(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_ob_size(t, nec_field(t, obj, NEC_F_PERMUTATIONS_POOL)) * 8 +
	       words(nec_field(t, obj, NEC_F_PERMUTATIONS_R));
}

/* ---- Objects/structseq.c: a tuple with items behind its length --------------------------------------------------- */

static void visit_structseq(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t n = nec_dict_find(t, nec_type_dict(t, type->addr), "n_fields");

	n = n ? (uint64_t)nec_int_value(t, n) : 0;
	if (n && n < 4096)
		nec_emit_array(visit, obj + nec_off(t, NEC_F_TUPLE_ITEM), n);
}

const struct nec_visitor nec_visitor_structseq = {"structseq", visit_structseq, NULL, true, 0};

/* ---- Modules/_datetimemodule.c: tzinfo is there only when a flag says so --------------------------------------- */

static void visit_datetime(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	if (nec_field8(visit->target, obj, NEC_F_DATETIME_HASTZINFO))
		nec_emit_field(visit, obj, NEC_F_DATETIME_TZINFO, ".tzinfo");
}

static void visit_time(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	if (nec_field8(visit->target, obj, NEC_F_TIME_HASTZINFO))
		nec_emit_field(visit, obj, NEC_F_TIME_TZINFO, ".tzinfo");
}

/* ---- The table, sorted by name ----------------------------------------------------------------------------------- */

/* { tp_name, visit, size, covers the whole object, field that the version has } */
static const struct nec_visitor visitors[] = {
	{"StgDict", visit_dict, size_stgdict, false, NEC_F_RUNTIME_INTERP_HEAD},
	{"_ctypes.PyCArrayType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCFuncPtrType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCPointerType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCSimpleType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCStructType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.UnionType", visit_ctypes_meta, size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.CType_Type", visit_type, size_ctypes_meta, false, 0},
	{"_elementtree.Element", visit_element, size_element, true, 0},
	{"_elementtree._element_iterator", visit_element_iter, NULL, false, 0},
	{"_io.BufferedRandom", visit_buffered, size_buffered, false, 0},
	{"_io.BufferedReader", visit_buffered, size_buffered, false, 0},
	{"_io.BufferedWriter", visit_buffered, size_buffered, false, 0},
	{"_io.BytesIO", NULL, size_bytesio, false, 0},
	{"_io.StringIO", visit_stringio, NULL, false, 0},
	{"_pickle.Pdata", visit_pdata, NULL, true, 0},
	{"_pickle.Pickler", visit_pickler, size_pickler, false, 0},
	{"_pickle.Unpickler", visit_unpickler, size_unpickler, false, 0},
	{"_queue.SimpleQueue", NULL, size_simple_queue, false, NEC_F_MODULE_STATE_SIZE}, /* 3.15 counts its ring */
	{"_struct.Struct", visit_struct, size_struct, true, 0},
	{"Struct", visit_struct, size_struct, true, 0},
	{"array.array", visit_array, size_array, true, 0},
	{"async_generator", nec_visit_generator, nec_size_generator, false, 0},
	{"bool", NULL, size_long, true, NEC_F_STR_KIND},
	{"bytearray", visit_bytearray, size_bytearray, false, 0},
	{"bytes", NULL, NULL, true, 0},
	{"code", visit_code, size_code, false, 0},
	{"collections.OrderedDict", visit_odict, size_odict, false, 0},
	{"collections.deque", visit_deque, size_deque, true, 0},
	{"complex", NULL, NULL, true, 0},
	{"coroutine", nec_visit_generator, nec_size_generator, false, 0},
	{"datetime.datetime", visit_datetime, NULL, true, 0},
	{"datetime.time", visit_time, NULL, true, 0},
	{"decimal.Decimal", visit_decimal, size_decimal, true, 0},
	{"dict", visit_dict, size_dict, true, 0},
	{"float", NULL, NULL, true, 0},
	{"frame", nec_visit_frame, nec_size_frame, false, 0},
	{"frozendict", visit_dict, size_dict, true, 0},
	{"frozenset", visit_set, size_set, true, 0},
	{"functools._lru_cache_wrapper", visit_lru_cache, NULL, false, 0},
	{"generator", nec_visit_generator, nec_size_generator, false, 0},
	{"int", NULL, NULL, true, 0},
	{"itertools._tee_dataobject", visit_teedata, NULL, true, 0},
	{"itertools.teedataobject", visit_teedata, NULL, true, 0},
	{"itertools.tee_dataobject", visit_teedata, NULL, true, 0},
	{"itertools.combinations", NULL, size_combinations, false, NEC_F_STR_KIND},
	{"itertools.combinations_with_replacement", NULL, size_cwr, false, NEC_F_STR_KIND},
	{"itertools.permutations", NULL, size_permutations, false, NEC_F_STR_KIND},
	{"itertools.product", NULL, size_product, false, NEC_F_STR_KIND},
	{"list", visit_list, size_list, true, 0},
	{"long", NULL, size_long, true, 0},
	{"managedbuffer", visit_managedbuffer, NULL, true, 0},
	{"memoryview", visit_memoryview, NULL, true, 0},
	{"module", visit_module, NULL, false, 0},
	{"parser.st", NULL, size_parser_st, false, 0},
	{"pyexpat.xmlparser", visit_xmlparser, NULL, false, 0},
	{"set", visit_set, size_set, true, 0},
	{"sqlite3.Cache", visit_sqlite_cache, NULL, false, 0},
	{"sqlite3.Connection", visit_connection, NULL, false, 0},
	{"str", visit_str, size_str, true, 0},
	{"tuple", visit_tuple, NULL, true, 0},
	{"type", visit_type, size_type, true, 0},
	{"unicode", visit_str, size_str, false, 0},
	{"weakcallableproxy", visit_weakref, NULL, true, 0},
	{"weakproxy", visit_weakref, NULL, true, 0},
	{"weakref", visit_weakref, NULL, true, 0},
	{"weakref.CallableProxyType", visit_weakref, NULL, true, 0},
	{"weakref.ProxyType", visit_weakref, NULL, true, 0},
	{"weakref.ReferenceType", visit_weakref, NULL, true, 0},
	{"xml.etree.ElementTree.Element", visit_element, size_element, true, 0},
};

/* `int` is a C long in 2.7 and what `long` was in 3.x. */
static const struct nec_visitor big_int = {"int", NULL, size_long, true, 0};

const struct nec_visitor *nec_visitor_find(const struct nec_target *t, const char *tp_name)
{
	size_t i;

	if (t->layout.traits.strs != NEC_STR_BYTES && !strcmp(tp_name, "int"))
		return &big_int;
	for (i = 0; i < sizeof(visitors) / sizeof(visitors[0]); i++)
		if (!strcmp(visitors[i].name, tp_name) && nec_has(t, visitors[i].needs))
			return &visitors[i];
	return nec_numpy_visitor(tp_name);
}
