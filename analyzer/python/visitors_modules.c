/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Visitors of the types in CPython's Modules/ and of the HAMT in Python/; see visitors.h. Those of
 * _ctypes have a file of their own. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/ring.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/str.h"
#include "python/visitors.h"

/* ---- Modules/_collectionsmodule.c, _functoolsmodule.c, itertoolsmodule.c
 * ----------------------------------- */

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
	uint64_t len = nec_field(t, obj, NEC_F_DEQUE_LEN),
		 data = nec_off(t, NEC_F_DEQUE_BLOCK_DATA), n = 0;
	struct nec_ring ring = {0};
	/* leftlink, data and rightlink: BLOCKLEN is what is left of the block. */
	uint64_t block_len = (nec_off(t, NEC_SIZEOF_DEQUE_BLOCK) - 16) / 8;

	(void)type;
	while (block && n < len && !nec_ring_closed(&ring, block) &&
	       ring.steps < NEC_VISITOR_MAX_LINKS) {
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), true);
		for (; index < block_len && n < len; index++, n++)
			nec_emit(visit, nec_word(t, block + data + index * 8), NEC_REF_STRONG,
				 NEC_LABEL_INDEX, n);
		index = 0;
		block = nec_field(t, block, NEC_F_DEQUE_BLOCK_RIGHT);
	}
	if (!len)
		nec_emit_part(visit, block, nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), true);
}

static int64_t size_deque(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t block_size = nec_off(t, NEC_SIZEOF_DEQUE_BLOCK), block_len = (block_size - 16) / 8,
		 blocks;

	if (!block_len) /* debug information may say anything */
		return type->basicsize;
	blocks = (deque_left(t, obj) + nec_field(t, obj, NEC_F_DEQUE_LEN) + block_len - 1) /
		 block_len;
	return type->basicsize + nec_items_size((int64_t)blocks, (int64_t)block_size);
}

static void visit_lru_cache(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t root = obj + nec_off(t, NEC_F_LRU_ROOT),
		 link = nec_field(t, root, NEC_F_LRU_LINK_NEXT);
	struct nec_ring ring = {0};

	(void)type;
	for (; link && link != root && !nec_ring_closed(&ring, link) &&
	       ring.steps < NEC_VISITOR_MAX_LINKS;
	     link = nec_field(t, link, NEC_F_LRU_LINK_NEXT)) {
		nec_emit(visit, link, NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, " lru_cache link"));
		/* The collector is shown what the link has, for links are none of its objects. */
		nec_emit(visit, nec_field(t, link, NEC_F_LRU_LINK_KEY), NEC_REF_BORROWED,
			 NEC_LABEL_STRING, nec_types_label(visit->types, " lru_cache key"));
		nec_emit(visit, nec_field(t, link, NEC_F_LRU_LINK_RESULT), NEC_REF_BORROWED,
			 NEC_LABEL_STRING, nec_types_label(visit->types, " lru_cache result"));
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

/* ---- Modules/arraymodule.c, _io, _struct.c, _pickle.c, _elementtree.c, _decimal
 * -------------------------------- */

static void visit_array(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;

	(void)type;
	nec_emit_part(visit, nec_field(t, obj, NEC_F_ARRAY_DATA),
		      nec_field(t, obj, NEC_F_ARRAY_ALLOCATED) *
			      (uint64_t)(uint32_t)nec_field32(t,
							      nec_field(t, obj, NEC_F_ARRAY_DESCR),
							      NEC_F_ARRAYDESCR_ITEMSIZE),
		      true);
}

static int64_t size_array(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_items_size((int64_t)nec_field(t, obj, NEC_F_ARRAY_ALLOCATED),
						nec_field32(t, nec_field(t, obj, NEC_F_ARRAY_DESCR),
							    NEC_F_ARRAYDESCR_ITEMSIZE));
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
	return type->basicsize + nec_size_bytes(nec_field(t, obj, NEC_F_BUFFERED_BUFFER_SIZE));
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
		return type->basicsize +
		       (buf ? nec_size_bytes(nec_field(t, obj, NEC_F_BYTESIO_BUF_SIZE)) : 0);
	if (!buf || nec_field32(t, buf, NEC_F_OBJECT_REFCNT) != 1)
		return type->basicsize;
	return type->basicsize + (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1 +
	       nec_items_size(nec_ob_size(t, buf), 1);
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
		      format_code_count(visit->target, obj) *
			      nec_off(visit->target, NEC_SIZEOF_FORMATCODE),
		      true);
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
	uint64_t memo = nec_field(t, obj, NEC_F_PICKLER_MEMO), table, n, i, key;

	(void)type;
	if (!memo)
		return;
	table = nec_field(t, memo, NEC_F_MEMOTABLE_TABLE);
	n = nec_field(t, memo, NEC_F_MEMOTABLE_ALLOCATED);
	if (n > UINT64_C(1) << 32)
		return;
	nec_emit_part(visit, memo, nec_off(t, NEC_SIZEOF_MEMOTABLE), true);
	nec_emit_part(visit, table, n * nec_off(t, NEC_SIZEOF_MEMOENTRY), true);
	for (i = 0;
	     i < n && nec_image_u64(t->image, table + i * nec_off(t, NEC_SIZEOF_MEMOENTRY), &key);
	     i++)
		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, ".memo"));
}

static int64_t size_pickler(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t memo = nec_field(t, obj, NEC_F_PICKLER_MEMO),
		 buffer = nec_field(t, obj, NEC_F_PICKLER_OUTPUT_BUFFER);
	int64_t size = type->basicsize;

	if (memo)
		size += (int64_t)nec_off(t, NEC_SIZEOF_MEMOTABLE) +
			nec_items_size((int64_t)nec_field(t, memo, NEC_F_MEMOTABLE_ALLOCATED),
				       (int64_t)nec_off(t, NEC_SIZEOF_MEMOENTRY));
	if (buffer)
		size += (int64_t)nec_off(t, NEC_F_BYTES_DATA) + 1 +
			nec_items_size(nec_ob_size(t, buffer), 1);
	return size;
}

static void visit_unpickler(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t memo = nec_field(t, obj, NEC_F_UNPICKLER_MEMO),
		 n = nec_field(t, obj, NEC_F_UNPICKLER_MEMO_SIZE);

	(void)type;
	if (memo && n < UINT64_C(1) << 32) {
		nec_emit_array(visit, memo, n);
		nec_emit_part(visit, memo, n * 8, true);
	}
}

static int64_t size_unpickler(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = type->basicsize;

	if (nec_field(t, obj, NEC_F_UNPICKLER_MEMO))
		size += nec_size_words(nec_field(t, obj, NEC_F_UNPICKLER_MEMO_SIZE));
	if (nec_field(t, obj, NEC_F_UNPICKLER_MARKS))
		size += nec_size_words(nec_field(t, obj, NEC_F_UNPICKLER_MARKS_SIZE));
	size += (int64_t)nec_size_cstr(t, nec_field(t, obj, NEC_F_UNPICKLER_INPUT_LINE));
	size += (int64_t)nec_size_cstr(t, nec_field(t, obj, NEC_F_UNPICKLER_ENCODING));
	return size + (int64_t)nec_size_cstr(t, nec_field(t, obj, NEC_F_UNPICKLER_ERRORS));
}

static void visit_pdata(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	int64_t n = nec_ob_size(visit->target, obj);

	(void)type;
	if (n > 0)
		nec_emit_array(visit, nec_field(visit->target, obj, NEC_F_PDATA_DATA), (uint64_t)n);
	nec_emit_part(visit, nec_field(visit->target, obj, NEC_F_PDATA_DATA), 0, false);
}

static void visit_element(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t extra = nec_field(t, obj, NEC_F_ELEMENT_EXTRA), children, n;

	(void)type;
	nec_emit_field(visit, obj, NEC_F_ELEMENT_TAG, ".tag");
	/* The lowest bit of text and tail says "join me": JOIN_GET, _elementtree.c. */
	nec_emit(visit, nec_field(t, obj, NEC_F_ELEMENT_TEXT) & ~1ull, NEC_REF_STRONG,
		 NEC_LABEL_STRING, nec_types_label(visit->types, ".text"));
	nec_emit(visit, nec_field(t, obj, NEC_F_ELEMENT_TAIL) & ~1ull, NEC_REF_STRONG,
		 NEC_LABEL_STRING, nec_types_label(visit->types, ".tail"));
	if (!extra)
		return;
	nec_emit_field(visit, extra, NEC_F_ELEMENT_EXTRA_ATTRIB, ".attrib");
	children = nec_field(t, extra, NEC_F_ELEMENT_EXTRA_CHILDREN);
	n = nec_field(t, extra, NEC_F_ELEMENT_EXTRA_LENGTH);
	if (n < UINT64_C(1) << 32)
		nec_emit_array(visit, children, n);
	nec_emit_part(visit, extra, nec_off(t, NEC_SIZEOF_ELEMENT_EXTRA), true);
	if (children != extra + nec_off(t, NEC_F_ELEMENT_EXTRA_STATIC))
		nec_emit_part(visit, children,
			      nec_field(t, extra, NEC_F_ELEMENT_EXTRA_ALLOCATED) * 8, true);
}

static int64_t size_element(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t extra = nec_field(t, obj, NEC_F_ELEMENT_EXTRA);
	int64_t size = type->basicsize;

	if (!extra)
		return size;
	size += (int64_t)nec_off(t, NEC_SIZEOF_ELEMENT_EXTRA);
	if (nec_field(t, extra, NEC_F_ELEMENT_EXTRA_CHILDREN) !=
	    extra + nec_off(t, NEC_F_ELEMENT_EXTRA_STATIC))
		size += nec_size_words(nec_field(t, extra, NEC_F_ELEMENT_EXTRA_ALLOCATED));
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
		nec_emit_part(visit,
			      nec_field(t, obj + nec_off(t, NEC_F_DECIMAL_MPD), NEC_F_MPD_DATA),
			      size, true);
}

static int64_t size_decimal(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t size;

	return type->basicsize + (decimal_data(t, obj, &size) ? nec_size_bytes(size) : 0);
}

/* An iterator over elements keeps a stack of parents: pairs of element and child index. */
static void visit_element_iter(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t stack = nec_field(t, obj, NEC_F_ELEMENTITER_STACK),
		 n = nec_field(t, obj, NEC_F_ELEMENTITER_USED), i, element;

	(void)type;
	for (i = 0; i < n && i < NEC_VISITOR_MAX_LINKS &&
		    nec_image_u64(t->image, stack + i * 16, &element);
	     i++)
		nec_emit(visit, element, NEC_REF_STRONG, NEC_LABEL_INDEX, i);
	nec_emit_part(visit, stack, nec_field(t, obj, NEC_F_ELEMENTITER_SIZE) * 16, false);
}

/* ---- Modules/_queuemodule.c, pyexpat.c, _sqlite
 * ----------------------------------------------------------------------- */

/* handler_info has 22 to 24 rows: the block of handlers is as long, and ends with the pool's next
 * block. */
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

static int64_t size_simple_queue(const struct nec_target *t, uint64_t obj,
				 const struct nec_type *type)
{
	return type->basicsize + nec_size_words(nec_field(t, obj, NEC_F_SIMPLEQUEUE_CAPACITY));
}

/* From 3.13 on: a ring of references. */
static void visit_simple_queue(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t items = nec_field(t, obj, NEC_F_SIMPLEQUEUE_ITEMS),
		 capacity = nec_field(t, obj, NEC_F_SIMPLEQUEUE_CAPACITY);
	uint64_t used = nec_field(t, obj, NEC_F_SIMPLEQUEUE_USED),
		 at = nec_field(t, obj, NEC_F_SIMPLEQUEUE_FIRST), i;

	(void)type;
	if (!items || used > capacity || capacity > UINT64_C(1) << 40 || at >= capacity)
		return;
	if (!nec_image_view(t->image, items, capacity * 8)) {
		visit->faults++;
		return;
	}
	for (i = 0; i < used; i++, at = at + 1 < capacity ? at + 1 : 0)
		nec_emit(visit, nec_word(t, items + at * 8), NEC_REF_STRONG, NEC_LABEL_INDEX, i);
	nec_emit_part(visit, items, capacity * 8,
		      nec_has(t, NEC_F_MODULE_STATE_SIZE)); /* 3.15 counts it */
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
	struct nec_ring ring = {0};

	(void)type;
	for (n = 0; node && !nec_ring_closed(&ring, node) && n < NEC_VISITOR_MAX_LINKS;
	     n++, node = nec_field(t, node, NEC_F_SQLITE_NODE_NEXT))
		nec_emit(visit, node, NEC_REF_STRONG, NEC_LABEL_INDEX, n);
}

/* Modules/parsermodule.c, until 3.9: the concrete syntax tree; children of a node lie in one array.
 */
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
		size += (int64_t)nec_size_cstr(t, nec_field(t, node, NEC_F_PARSER_NODE_STR));
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

/* ---- Modules/itertoolsmodule.c: arrays of indices that __sizeof__ counts
 * ---------------------------------------- */

static int64_t size_product(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize +
	       nec_items_size(nec_ob_size(t, nec_field(t, obj, NEC_F_PRODUCT_POOLS)), 8);
}

static int64_t size_combinations(const struct nec_target *t, uint64_t obj,
				 const struct nec_type *type)
{
	return type->basicsize + nec_size_words(nec_field(t, obj, NEC_F_COMBINATIONS_R));
}

static int64_t size_cwr(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_size_words(nec_field(t, obj, NEC_F_CWR_R));
}

static int64_t size_permutations(const struct nec_target *t, uint64_t obj,
				 const struct nec_type *type)
{
	return type->basicsize +
	       nec_items_size(nec_ob_size(t, nec_field(t, obj, NEC_F_PERMUTATIONS_POOL)), 8) +
	       nec_size_words(nec_field(t, obj, NEC_F_PERMUTATIONS_R));
}

/* ---- Modules/_datetimemodule.c: tzinfo is there only when a flag says so
 * --------------------------------------- */

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

/* ---- Modules/_zoneinfo.c: what a transition leads to, in one array
 * ------------------------------------------------- */

static void visit_zoneinfo(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const struct {
		enum nec_field field;
		const char *label;
	} members[] = {
		{NEC_F_TTINFO_UTCOFF, ".utcoffset()"},
		{NEC_F_TTINFO_DSTOFF, ".dst()"},
		{NEC_F_TTINFO_TZNAME, ".tzname()"},
	};
	static const enum nec_field blocks[] = {
		NEC_F_ZONEINFO_TRANSITIONS_UTC,
		NEC_F_ZONEINFO_TRANSITION_INFOS,
		NEC_F_ZONEINFO_RULE_START,
		NEC_F_ZONEINFO_RULE_END,
	};
	const struct nec_target *t = visit->target;
	uint64_t infos = nec_field(t, obj, NEC_F_ZONEINFO_TTINFOS),
		 n = nec_field(t, obj, NEC_F_ZONEINFO_TTINFO_COUNT), i;
	uint64_t size = nec_off(t, NEC_SIZEOF_TTINFO),
		 wall = obj + nec_off(t, NEC_F_ZONEINFO_TRANSITIONS_WALL);
	size_t j;

	(void)type;
	for (i = 0; infos && i < n && i < 65536; i++)
		for (j = 0; j < sizeof(members) / sizeof(members[0]); j++)
			nec_emit_field(visit, infos + i * size, members[j].field, members[j].label);
	nec_emit_part(visit, infos, 0, false);
	for (j = 0; j < sizeof(blocks) / sizeof(blocks[0]); j++)
		nec_emit_part(visit, nec_field(t, obj, blocks[j]), 0, false);
	nec_emit_part(visit, nec_word(t, wall), 0, false);
	nec_emit_part(visit, nec_word(t, wall + 8), 0, false);
}

/* ---- Python/hamt.c: keys and values in pairs; where the key is NULL, the value is a node below
 * -------------------- */

static void emit_pairs(struct nec_visit *visit, uint64_t obj, enum nec_field array)
{
	const struct nec_target *t = visit->target;
	int64_t n = nec_ob_size(t, obj), i;
	uint64_t pair = obj + nec_off(t, array), key, value;

	for (i = 0; i + 1 < n && i < 65536; i += 2, pair += 16) {
		key = nec_word(t, pair);
		value = nec_word(t, pair + 8);
		nec_emit(visit, key, NEC_REF_STRONG, NEC_LABEL_STRING, visit->types->label_key);
		if (key)
			nec_emit(visit, value, NEC_REF_STRONG, NEC_LABEL_KEY, key);
		else
			nec_emit(visit, value, NEC_REF_STRONG, NEC_LABEL_STRING,
				 nec_types_label(visit->types, " node"));
	}
}

static void visit_hamt_bitmap(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	emit_pairs(visit, obj, NEC_F_HAMT_BITMAP_ARRAY);
}

static void visit_hamt_collision(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	(void)type;
	emit_pairs(visit, obj, NEC_F_HAMT_COLLISION_ARRAY);
}

static void visit_hamt_array(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	enum { CHILDREN = 32 }; /* HAMT_ARRAY_NODE_SIZE */
	const struct nec_target *t = visit->target;
	uint64_t child = obj + nec_off(t, NEC_F_HAMT_ARRAY_ARRAY), i;

	(void)type;
	for (i = 0; i < CHILDREN; i++, child += 8)
		nec_emit(visit, nec_word(t, child), NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, " node"));
}

/* ---- The table, sorted by name
 * ----------------------------------------------------------------------------------- */

/* { tp_name, visit, size, covers the whole object, field that the version has } */
const struct nec_visitor nec_visitors_modules[] = {
	{"_elementtree.Element", visit_element, size_element, true, 0},
	{"_elementtree._element_iterator", visit_element_iter, NULL, false, 0},
	{"_io.BufferedRandom", visit_buffered, size_buffered, false, 0},
	{"_io.BufferedReader", visit_buffered, size_buffered, false, 0},
	{"_io.BufferedWriter", visit_buffered, size_buffered, false, 0},
	{"_io.BytesIO", NULL, size_bytesio, false, 0},
	{"_io.StringIO", visit_stringio, NULL, false, 0},
	{"cPickle.Pdata", visit_pdata, NULL, true, 0},
	{"_pickle.Pdata", visit_pdata, NULL, true, 0},
	{"_pickle.Pickler", visit_pickler, size_pickler, false, 0},
	{"_pickle.Unpickler", visit_unpickler, size_unpickler, false, 0},
	{"_queue.SimpleQueue", visit_simple_queue, size_simple_queue, false,
	 NEC_F_MODULE_STATE_SIZE}, /* 3.15 counts its ring */
	{"_queue.SimpleQueue", visit_simple_queue, NULL, false, NEC_F_SIMPLEQUEUE_ITEMS},
	{"_struct.Struct", visit_struct, size_struct, true, 0},
	{"Struct", visit_struct, size_struct, true, 0},
	{"array.array", visit_array, size_array, true, 0},
	{"collections.deque", visit_deque, size_deque, true, 0},
	{"datetime.datetime", visit_datetime, NULL, true, 0},
	{"datetime.time", visit_time, NULL, true, 0},
	{"decimal.Decimal", visit_decimal, size_decimal, true, 0},
	{"functools._lru_cache_wrapper", visit_lru_cache, NULL, false, 0},
	{"hamt_array_node", visit_hamt_array, NULL, true, NEC_F_HAMT_ARRAY_ARRAY},
	{"hamt_bitmap_node", visit_hamt_bitmap, NULL, true, NEC_F_HAMT_BITMAP_ARRAY},
	{"hamt_collision_node", visit_hamt_collision, NULL, true, NEC_F_HAMT_COLLISION_ARRAY},
	{"itertools._tee_dataobject", visit_teedata, NULL, true, 0},
	{"itertools.teedataobject", visit_teedata, NULL, true, 0},
	{"itertools.tee_dataobject", visit_teedata, NULL, true, 0},
	{"itertools.combinations", NULL, size_combinations, false, NEC_F_STR_KIND},
	{"itertools.combinations_with_replacement", NULL, size_cwr, false, NEC_F_STR_KIND},
	{"itertools.permutations", NULL, size_permutations, false, NEC_F_STR_KIND},
	{"itertools.product", NULL, size_product, false, NEC_F_STR_KIND},
	{"parser.st", NULL, size_parser_st, false, 0},
	{"pyexpat.xmlparser", visit_xmlparser, NULL, false, 0},
	{"sqlite3.Cache", visit_sqlite_cache, NULL, false, 0},
	{"sqlite3.Connection", visit_connection, NULL, false, 0},
	{"Element", visit_element, NULL, true, NEC_F_ELEMENT_TAG}, /* 2.7 */
	{"xml.etree.ElementTree.Element", visit_element, size_element, true, 0},
	{"zoneinfo.ZoneInfo", visit_zoneinfo, NULL, false, NEC_F_ZONEINFO_TTINFOS},
	{0},
};
