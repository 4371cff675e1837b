/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Visitors of the types in CPython's Objects/; see visitors.h. */
#include <stdlib.h>
#include <string.h>

#include "base/addrset.h"
#include "base/limits.h"
#include "base/ring.h"
#include "python/cffi.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/str.h"
#include "python/visitors.h"

/* Native blocks that one word of a module's state leads to: caches as linked lists. */
enum { MODULE_STATE_BLOCKS = 1024 };

/* ---- Objects/listobject.c, tupleobject.c
 * ------------------------------------------------------------------ */

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
	return type->basicsize + nec_size_words(nec_field(t, obj, NEC_F_LIST_ALLOCATED));
}

/*
 * 3.5 to 3.7 keep the tuple of a property's last call, with an item that they gave back
 * (property_descr_get, Objects/descrobject.c). They took it from the collector by hand: a tuple
 * that it drops itself has no item that it tracks.
 */
static bool is_left_over(const struct nec_visit *visit, uint64_t obj, uint64_t item)
{
	const struct nec_target *t = visit->target;
	const struct nec_type *type;

	if (!nec_has(t, NEC_F_GC_REFS) || nec_gc_tracked(t, obj))
		return false;
	type = nec_object_type(visit->types, item);
	return type && type->gc && !type->is_type && nec_gc_tracked(t, item);
}

static void visit_tuple(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	uint64_t items = obj + nec_off(visit->target, NEC_F_TUPLE_ITEM);
	int64_t n = nec_ob_size(visit->target, obj);

	(void)type;
	if (n == 1 && is_left_over(visit, obj, nec_word(visit->target, items)))
		nec_emit(visit, nec_word(visit->target, items), NEC_REF_BORROWED, NEC_LABEL_INDEX,
			 0);
	else if (n > 0)
		nec_emit_array(visit, items, (uint64_t)n);
}

/* ---- Objects/dictobject.c, odictobject.c
 * ------------------------------------------------------------------ */

/*
 * Whose are the keys that several dicts share? Those of a class are the class's (emit_cached_keys).
 * Of a table that is no class's any more each dict may be the last: they count as no owner, and
 * keep the keys.
 */
static enum nec_ref_kind shared_kind(const struct nec_visit *visit, uint64_t keys)
{
	return visit->parts_known && nec_addrset_has(visit->parts_known, keys)
		       ? NEC_REF_BORROWED
		       : NEC_REF_CONSERVATIVE;
}

/* SSTATE_INTERNED_IMMORTAL, unicodeobject.h until 3.11: one reference that nobody gives back. */
enum { INTERNED_IMMORTAL = 2 };

/* The table of interned strings takes its references back from their counts:
 * PyUnicode_InternInPlace, Objects/unicodeobject.c. */
static enum nec_ref_kind interned_kind(const struct nec_target *t, uint64_t str)
{
	bool kept = t->layout.traits.strs == NEC_STR_FLEXIBLE && !t->layout.traits.immortal &&
		    nec_field_bits(t, str, NEC_F_STR_INTERNED, 2) == INTERNED_IMMORTAL;

	return kept ? NEC_REF_STRONG : NEC_REF_BORROWED;
}

/* 2.7: an entry that was deleted has a dummy for its key, and no value. */
static void emit_dummies(struct nec_visit *visit, const struct nec_dict *dict)
{
	const struct nec_keys *keys = &dict->keys;
	uint64_t i, key, value;

	for (i = 0; i < keys->count; i++) {
		memcpy(&key, keys->entries + i * keys->stride + keys->key_off, 8);
		memcpy(&value, keys->entries + i * keys->stride + keys->value_off, 8);
		if (key && !value)
			nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING,
				 nec_types_label(visit->types, " deleted"));
	}
}

void nec_visit_dict(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	enum nec_ref_kind key_kind, value_kind;
	bool shared, interned, first = true;
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
	key_kind = shared ? shared_kind(visit, dict.keys.addr) : NEC_REF_STRONG;
	/* Values that lie in an object are its own. */
	value_kind = dict.embedded ? NEC_REF_BORROWED : NEC_REF_STRONG;
	interned = nec_dict_is_interned(t, obj);
	if (interned)
		value_kind = NEC_REF_BORROWED;
	while (nec_dict_next(&dict, &key, &value)) {
		if (first && nec_cffi_is_unique_cache(visit->types, key, value))
			value_kind = NEC_REF_BORROWED;
		first = false;
		nec_emit(visit, key, interned ? interned_kind(t, key) : key_kind, NEC_LABEL_STRING,
			 key_label);
		nec_emit(visit, value, value_kind, NEC_LABEL_KEY, key);
	}
	if (t->layout.traits.dicts == NEC_DICT_OPEN)
		emit_dummies(visit, &dict);
	if (!shared)
		nec_emit_part(visit, dict.keys.addr, dict.keys.bytes, true);
	if (dict.values_addr && !dict.embedded)
		nec_emit_part(visit, dict.values_addr, dict.values_bytes, true);
}

int64_t nec_size_dict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
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
	uint64_t node = nec_field(t, obj, NEC_F_ODICT_FIRST);
	struct nec_ring ring = {0};

	nec_visit_dict(visit, obj, type);
	for (; node && !nec_ring_closed(&ring, node) && ring.steps < NEC_VISITOR_MAX_LINKS;
	     node = nec_field(t, node, NEC_F_ODICT_NODE_NEXT)) {
		nec_emit(visit, nec_field(t, node, NEC_F_ODICT_NODE_KEY), NEC_REF_STRONG,
			 NEC_LABEL_STRING, visit->types->label_key);
		nec_emit_part(visit, node, nec_off(t, NEC_SIZEOF_ODICT_NODE), true);
	}
	nec_emit_part(visit, nec_field(t, obj, NEC_F_ODICT_FAST_NODES),
		      nec_field(t, obj, NEC_F_ODICT_FAST_NODES_SIZE) * 8, true);
}

static int64_t size_odict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = nec_size_dict(t, obj, type);

	size += nec_size_words(nec_field(t, obj, NEC_F_ODICT_FAST_NODES_SIZE));
	return size + nec_items_size((int64_t)nec_field(t, obj, NEC_F_DICT_USED),
				     (int64_t)nec_off(t, NEC_SIZEOF_ODICT_NODE));
}

/* ---- Objects/setobject.c
 * ---------------------------------------------------------------------------------- */

static void visit_set(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t table = nec_field(t, obj, NEC_F_SET_TABLE),
		 n = nec_field(t, obj, NEC_F_SET_MASK) + 1, i, key;
	uint64_t stride = nec_off(t, NEC_SIZEOF_SET_ENTRY),
		 key_off = nec_off(t, NEC_F_SET_ENTRY_KEY);
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
	return type->basicsize + nec_items_size((int64_t)(nec_field(t, obj, NEC_F_SET_MASK) + 1),
						(int64_t)nec_off(t, NEC_SIZEOF_SET_ENTRY));
}

/* ---- Objects/longobject.c, unicodeobject.c, bytearrayobject.c
 * --------------------------------------------- */

static int64_t size_long(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t digits = nec_items_size(nec_ob_size(t, obj), 1);

	if (t->layout.traits.old_classes) /* 2.7 counts from tp_basicsize: a subclass with a
					     __dict__ is larger */
		return type->basicsize + nec_items_size(digits, 4);
	if (t->layout.traits.ints == NEC_INT_TAGGED) {
		digits = (int64_t)(nec_field(t, obj, NEC_F_LONG_TAG) >> 3);
	}
	if (!digits && t->layout.traits.zero_digit)
		digits = 1;
	return (int64_t)nec_off(t, NEC_F_LONG_DIGITS) +
	       nec_items_size(digits, t->layout.traits.digit_bits > 16 ? 4 : 2);
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
	return nec_size_bytes(s.size);
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
	int64_t alloc = nec_size_bytes(nec_field(t, obj, NEC_F_BYTEARRAY_ALLOC));

	/* From 3.15 on a bytes object holds the bytes, unless there are none. */
	if (alloc && nec_field(t, obj, NEC_F_BYTEARRAY_OBJECT))
		alloc += (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1;
	return type->basicsize + alloc;
}

/* ---- Objects/typeobject.c
 * --------------------------------------------------------------------------------- */

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

void nec_visit_type(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const struct {
		enum nec_field field;
		const char *label;
		enum nec_ref_kind kind;
	} heap[] = {
		{NEC_F_HEAPTYPE_NAME, ".__name__", NEC_REF_STRONG},
		{NEC_F_HEAPTYPE_SLOTS, ".__slots__", NEC_REF_STRONG},
		{NEC_F_HEAPTYPE_QUALNAME, ".__qualname__", NEC_REF_STRONG},
		{NEC_F_HEAPTYPE_MODULE, ".ht_module", NEC_REF_STRONG},
		{NEC_F_HEAPTYPE_GETITEM, ".cached __getitem__", NEC_REF_BORROWED},
		{NEC_F_HEAPTYPE_INIT, ".cached __init__", NEC_REF_BORROWED},
	};
	const struct nec_target *t = visit->target;
	uint64_t state = nec_static_type_state(t, obj), subclasses, weaklist;
	size_t i;

	(void)type;
	nec_emit(visit, nec_type_dict(t, obj), NEC_REF_STRONG, NEC_LABEL_STRING,
		 visit->types->label_dict);
	nec_emit_field(visit, obj, NEC_F_TYPE_BASE, ".__base__");
	nec_emit_field(visit, obj, NEC_F_TYPE_BASES, ".__bases__");
	nec_emit_field(visit, obj, NEC_F_TYPE_MRO, ".__mro__");
	nec_emit_field(visit, obj, NEC_F_TYPE_CACHE, ".tp_cache");
	subclasses = state ? nec_field(t, state, NEC_F_STATIC_TYPE_SUBCLASSES)
			   : nec_field(t, obj, NEC_F_TYPE_SUBCLASSES);
	nec_emit(visit, subclasses, NEC_REF_STRONG, NEC_LABEL_STRING,
		 nec_types_label(visit->types, ".__subclasses__()"));
	weaklist = state ? nec_field(t, state, NEC_F_STATIC_TYPE_WEAKLIST)
			 : nec_field(t, obj, NEC_F_TYPE_WEAKLIST);
	nec_emit(visit, weaklist, NEC_REF_WEAK, NEC_LABEL_STRING, visit->types->label_weakref);
	if (!(nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		return;
	for (i = 0; i < sizeof(heap) / sizeof(heap[0]); i++)
		nec_emit(visit, nec_field(t, obj, heap[i].field), heap[i].kind, NEC_LABEL_STRING,
			 nec_types_label(visit->types, "%s", heap[i].label));
	nec_follow_native(visit, nec_field(t, obj, NEC_F_TYPE_DOC), NEC_LABEL_OPAQUE, 1);
	if (nec_has(t, NEC_F_HEAPTYPE_CACHED_KEYS))
		emit_cached_keys(visit, nec_field(t, obj, NEC_F_HEAPTYPE_CACHED_KEYS));
}

int64_t nec_size_type(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	struct nec_keys keys;
	int64_t size;

	if (!nec_has(t, NEC_F_HEAPTYPE_CACHED_KEYS)) /* 2.7: object.__sizeof__ */
		return type->basicsize + nec_items_size(nec_ob_size(t, obj), type->itemsize);
	if (!(nec_field(t, obj, NEC_F_TYPE_FLAGS) & NEC_TYPE_HEAPTYPE))
		return (int64_t)nec_off(t, NEC_SIZEOF_TYPE);
	size = (int64_t)nec_off(t, NEC_SIZEOF_HEAPTYPE);
	if (nec_keys_read(t, nec_field(t, obj, NEC_F_HEAPTYPE_CACHED_KEYS), &keys))
		size += (int64_t)keys.bytes;
	return size;
}

/* ---- Objects/codeobject.c, moduleobject.c, weakrefobject.c, memoryobject.c
 * -------------------------------- */

static void visit_code(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const char *const cached[] = {"._co_code", "._co_varnames", "._co_cellvars",
					     "._co_freevars"};
	const struct nec_target *t = visit->target;
	uint64_t block, i, n;

	(void)type;
	block = nec_field(t, obj, NEC_F_CODE_CACHED);
	if (block) {
		for (i = 0; i < 4 && i * 8 < nec_off(t, NEC_SIZEOF_COCACHED); i++)
			nec_emit(visit, nec_word(t, block + i * 8), NEC_REF_STRONG,
				 NEC_LABEL_STRING, nec_types_label(visit->types, "%s", cached[i]));
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_COCACHED), false);
	}
	block = nec_has(t, NEC_F_EXECUTORS_DATA) ? nec_field(t, obj, NEC_F_CODE_EXECUTORS) : 0;
	n = block ? (uint64_t)(uint32_t)nec_field32(t, block, NEC_F_EXECUTORS_SIZE) : 0;
	for (i = 0; i < n && i < 65536; i++)
		nec_emit(visit, nec_word(t, block + nec_off(t, NEC_F_EXECUTORS_DATA) + i * 8),
			 NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, ".co_executors"));
	nec_emit_part(visit, nec_field(t, obj, NEC_F_CODE_CELL2ARG), 0, false);
	nec_emit_part(visit, nec_field(t, obj, NEC_F_CODE_LINEARRAY), 0, false);
}

static int64_t size_code(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = (nec_size_default(t, obj, type) + 7) & ~7ll; /* _PyObject_VAR_SIZE */
	uint64_t extra = nec_field(t, obj, NEC_F_CODE_EXTRA), n;

	if (t->layout.traits.strs == NEC_STR_BYTES) /* 2.7 has no code.__sizeof__ */
		return type->basicsize;
	if (nec_field(t, obj, NEC_F_CODE_CELL2ARG))
		size += nec_items_size(nec_ob_size(t, nec_field(t, obj, NEC_F_CODE_CELLVARS)), 8);
	if (nec_has(t, NEC_SIZEOF_OPCACHE_ENTRY) && nec_field(t, obj, NEC_F_CODE_OPCACHE))
		size += nec_items_size(nec_ob_size(t, nec_field(t, obj, NEC_F_CODE_CODE)), 1) / 2 +
			nec_field8(t, obj, NEC_F_CODE_OPCACHE_SIZE) *
				(int64_t)nec_off(t, NEC_SIZEOF_OPCACHE_ENTRY);

	if (extra) {
		n = nec_field(t, extra, NEC_F_CODE_EXTRA_SIZE);
		size += (int64_t)nec_off(t, NEC_SIZEOF_CODE_EXTRA) + nec_size_words(n) - 8;
	}
	return size;
}

static void visit_module(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t def = nec_field(t, obj, NEC_F_MODULE_DEF),
		 state = nec_field(t, obj, NEC_F_MODULE_STATE), size, off, dst;
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

/* ---- Objects/structseq.c: a tuple with items behind its length
 * --------------------------------------------------- */

static void visit_structseq(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t n = nec_dict_find(t, nec_type_dict(t, type->addr), "n_fields");

	n = n ? (uint64_t)nec_int_value(t, n) : 0;
	if (n && n < 4096)
		nec_emit_array(visit, obj + nec_off(t, NEC_F_TUPLE_ITEM), n);
}

const struct nec_visitor nec_visitor_structseq = {"structseq", visit_structseq, NULL, true, 0};

/* ---- The table, sorted by name
 * ----------------------------------------------------------------------------------- */

/* { tp_name, visit, size, covers the whole object, field that the version has } */
const struct nec_visitor nec_visitors_objects[] = {
	{"async_generator", nec_visit_generator, nec_size_generator, false, 0},
	{"bool", NULL, size_long, true, NEC_F_STR_KIND},
	{"bytearray", visit_bytearray, size_bytearray, false, 0},
	{"bytes", NULL, NULL, true, 0},
	{"code", visit_code, size_code, false, 0},
	{"collections.OrderedDict", visit_odict, size_odict, false, 0},
	{"complex", NULL, NULL, true, 0},
	{"coroutine", nec_visit_generator, nec_size_generator, false, 0},
	{"dict", nec_visit_dict, nec_size_dict, true, 0},
	{"float", NULL, NULL, true, 0},
	{"frame", nec_visit_frame, nec_size_frame, false, 0},
	{"frozendict", nec_visit_dict, nec_size_dict, true, 0},
	{"frozenset", visit_set, size_set, true, 0},
	{"generator", nec_visit_generator, nec_size_generator, false, 0},
	{"int", NULL, size_long, true, NEC_F_STR_KIND}, /* in 2.7 a C long, in 3.x what long was */
	{"int", NULL, NULL, true, 0},
	{"list", visit_list, size_list, true, 0},
	{"long", NULL, size_long, true, 0},
	{"managedbuffer", visit_managedbuffer, NULL, true, 0},
	{"memoryview", visit_memoryview, NULL, true, 0},
	{"module", visit_module, NULL, false, 0},
	{"set", visit_set, size_set, true, 0},
	{"str", visit_str, size_str, true, 0},
	{"tuple", visit_tuple, NULL, true, 0},
	{"type", nec_visit_type, nec_size_type, true, 0},
	{"unicode", visit_str, size_str, false, 0},
	{"weakcallableproxy", visit_weakref, NULL, true, 0},
	{"weakproxy", visit_weakref, NULL, true, 0},
	{"weakref", visit_weakref, NULL, true, 0},
	{"weakref.CallableProxyType", visit_weakref, NULL, true, 0},
	{"weakref.ProxyType", visit_weakref, NULL, true, 0},
	{"weakref.ReferenceType", visit_weakref, NULL, true, 0},
	{0},
};
