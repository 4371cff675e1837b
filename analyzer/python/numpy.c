/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NumPy's objects; see numpy.h. */
#include <string.h>

#include "python/dict.h"
#include "python/numpy.h"

/* numpy/core/include/numpy/ndarraytypes.h: PyArrayObject_fields, offsets behind the object's head.
 */
enum {
	ARRAY_DATA = 0,
	ARRAY_ND = 8, /* int */
	ARRAY_DIMENSIONS = 16,
	ARRAY_STRIDES = 24,
	ARRAY_BASE = 32,
	ARRAY_DESCR = 40,
	ARRAY_FLAGS = 48, /* int */
	ARRAY_WEAKREFS = 56,
	ARRAY_MEM_HANDLER = 72, /* 1.22 on */
	ARRAY_SIZE_MEM_HANDLER = 80,
};

/* NPY_ARRAY_OWNDATA; NPY_ITEM_REFCOUNT in the flags of a dtype: items hold references. */
enum { OWNDATA = 4, ITEM_REFCOUNT = 1 };

/* NPY_OBJECT: the type number of object arrays. */
enum { TYPE_NUM_OBJECT = 17 };

/* PyArray_Descr, offsets behind the object's head. */
struct descr_layout {
	uint16_t kind, flags, type_num, elsize, subarray, fields, names, metadata;
	uint8_t elsize_width; /* bytes */
};

static const struct descr_layout descr_1 = {8, 11, 12, 16, 24, 32, 40, 56, 4}; /* up to 1.26 */
static const struct descr_layout descr_2 = {8,  16, 12, 24, 72,
					    80, 88, 40, 8}; /* 2.0 on: _PyArray_LegacyDescr */

/* sizeof(PyArray_Descr) from 1.8 to 1.26 with an ordinary head. That of 2.0 to 2.3 is larger, as each legacy one is; from 2.4 on it
 * ends before what these add, and so does that of 1.7, whose dtypes had no classes of their own yet. */
enum { DESCR_1_SIZE = 96 };

/* PyVoidScalarObject (arrayscalars.h), behind PyVarObject. */
enum { VOID_OBVAL = 0, VOID_DESCR = 8, VOID_FLAGS = 16, VOID_BASE = 24 };

/* Object fields of one structured dtype; more are left to be found by others. */
enum { MAX_OBJECT_FIELDS = 256, MAX_PENDING = 256 };

/* Items of one array that are followed: an object array of 2^32 items takes 32 GiB. */
#define MAX_ITEMS (UINT64_C(1) << 32)

static uint64_t head(const struct nec_target *t, uint64_t obj)
{
	return obj + nec_off(t, NEC_SIZEOF_OBJECT);
}

/* numpy.dtype itself tells by its size which of the layouts it has. */
static const struct descr_layout *descr_layout(const struct nec_target *t, uint64_t descr)
{
	uint64_t type = nec_type_of(t, descr), base, size;
	unsigned int depth;

	for (depth = 0; depth < 8; depth++) {
		base = nec_field(t, type, NEC_F_TYPE_BASE);
		if (!base || base == t->object_type)
			break;
		type = base;
	}
	size = nec_field(t, type, NEC_F_TYPE_BASICSIZE) - (nec_off(t, NEC_SIZEOF_OBJECT) - 16);
	if (size < DESCR_1_SIZE)
		return nec_type_of(t, type) == t->type_type ? &descr_1 : &descr_2;
	return size == DESCR_1_SIZE ? &descr_1 : &descr_2;
}

static uint64_t item_size(const struct nec_target *t, uint64_t descr)
{
	const struct descr_layout *l = descr_layout(t, descr);
	uint64_t at = head(t, descr) + l->elsize;

	return l->elsize_width == 8 ? nec_word(t, at) : (uint64_t)(uint32_t)nec_int32(t, at);
}

bool nec_numpy_array(const struct nec_target *t, uint64_t obj, uint64_t *descr_ret,
		     uint64_t shape[NEC_NUMPY_DIMS], unsigned int *dims_ret)
{
	int32_t nd = nec_int32(t, head(t, obj) + ARRAY_ND);
	uint64_t dims = nec_word(t, head(t, obj) + ARRAY_DIMENSIONS);
	int32_t i;

	*descr_ret = nec_word(t, head(t, obj) + ARRAY_DESCR);
	if (nd < 0 || nd > NEC_NUMPY_DIMS)
		return false;
	for (i = 0; i < nd; i++)
		if (!nec_image_u64(t->image, dims + (uint64_t)i * 8, &shape[i]))
			return false;
	*dims_ret = (unsigned int)nd;
	return true;
}

/* Items of the array, 0 where the product makes no sense. */
static uint64_t item_count(const uint64_t *shape, unsigned int dims)
{
	uint64_t n = 1;
	unsigned int i;

	for (i = 0; i < dims; i++)
		if (__builtin_mul_overflow(n, shape[i], &n) || n > UINT64_C(1) << 46)
			return 0;
	return n;
}

static uint64_t data_bytes(const struct nec_target *t, uint64_t obj)
{
	uint64_t shape[NEC_NUMPY_DIMS], descr, bytes;
	unsigned int dims;

	if (!nec_numpy_array(t, obj, &descr, shape, &dims) ||
	    __builtin_mul_overflow(item_count(shape, dims), item_size(t, descr), &bytes) ||
	    bytes > UINT64_C(1) << 46)
		return 0;
	return bytes;
}

/* Where in an item of the dtype references lie; their number. Nested structures are walked with a
 * list, not by recursion. */
static unsigned int object_offsets(struct nec_visit *visit, uint64_t descr,
				   uint64_t offsets[MAX_OBJECT_FIELDS])
{
	const struct nec_target *t = visit->target;
	struct {
		uint64_t descr, off;
	} pending[MAX_PENDING] = {{descr, 0}};
	unsigned int count = 0, left = 1, seen = 0;

	while (left && count < MAX_OBJECT_FIELDS && seen++ < MAX_PENDING * 16) {
		uint64_t d = pending[--left].descr, off = pending[left].off, fields, subarray, key,
			 value;
		const struct descr_layout *l = descr_layout(t, d);
		struct nec_dict dict;

		if (!(nec_byte(t, head(t, d) + l->flags) & ITEM_REFCOUNT))
			continue;
		if (nec_int32(t, head(t, d) + l->type_num) == TYPE_NUM_OBJECT) {
			offsets[count++] = off;
			continue;
		}
		subarray = nec_word(t, head(t, d) + l->subarray);
		if (subarray) {
			uint64_t base = nec_word(t, subarray), size = item_size(t, base), n;

			n = size ? item_size(t, d) / size : 0;
			while (n-- > 0 && left < MAX_PENDING && n < MAX_PENDING) {
				pending[left].descr = base;
				pending[left++].off = off + n * size;
			}
			continue;
		}
		fields = nec_word(t, head(t, d) + l->fields);
		/* {name: (dtype, offset[, title])}; a titled field is there twice, under its title
		 * too. */
		if (!fields || !nec_object_type(visit->types, fields) ||
		    !nec_dict_read(t, fields, &dict))
			continue;
		while (nec_dict_next(&dict, &key, &value) && left < MAX_PENDING) {
			const struct nec_type *type = nec_object_type(visit->types, value);

			if (!type || !(type->flags & NEC_TYPE_TUPLE_SUBCLASS) ||
			    nec_ob_size(t, value) < 2)
				continue;
			pending[left].descr = nec_word(t, value + nec_off(t, NEC_F_TUPLE_ITEM));
			pending[left++].off =
				off +
				(uint64_t)nec_int_value(
					t, nec_word(t, value + nec_off(t, NEC_F_TUPLE_ITEM) + 8));
		}
	}
	return count;
}

static void emit_items(struct nec_visit *visit, uint64_t data, uint64_t count, uint64_t size,
		       uint64_t descr)
{
	const struct nec_target *t = visit->target;
	const struct descr_layout *l = descr_layout(t, descr);
	uint64_t offsets[MAX_OBJECT_FIELDS], dst, i;
	unsigned int n, k;

	if (!(nec_byte(t, head(t, descr) + l->flags) & ITEM_REFCOUNT) || count > MAX_ITEMS)
		return;
	if (nec_int32(t, head(t, descr) + l->type_num) == TYPE_NUM_OBJECT) {
		nec_emit_array(visit, data, count);
		return;
	}
	n = object_offsets(visit, descr, offsets);
	for (i = 0; i < count && n; i++) {
		for (k = 0; k < n; k++) {
			if (!nec_image_u64(t->image, data + i * size + offsets[k], &dst)) {
				visit->faults++;
				return;
			}
			nec_emit(visit, dst, NEC_REF_STRONG, NEC_LABEL_INDEX, i);
		}
	}
}

static void emit_word(struct nec_visit *visit, uint64_t addr, enum nec_ref_kind kind,
		      const char *label)
{
	uint64_t dst = nec_word(visit->target, addr);

	if (dst)
		nec_emit(visit, dst, kind, NEC_LABEL_STRING,
			 nec_types_label(visit->types, "%s", label));
}

/* array_dealloc, numpy/core/src/multiarray/arrayobject.c: the items' references are those of the
 * array that owns the data. */
static void visit_ndarray(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t shape[NEC_NUMPY_DIMS], descr, data = nec_word(t, head(t, obj) + ARRAY_DATA);
	const struct nec_type *root = type;
	unsigned int dims;

	emit_word(visit, head(t, obj) + ARRAY_BASE, NEC_REF_STRONG, ".base");
	emit_word(visit, head(t, obj) + ARRAY_DESCR, NEC_REF_STRONG, ".dtype");
	emit_word(visit, head(t, obj) + ARRAY_WEAKREFS, NEC_REF_WEAK, ".__weakref__");
	while (root->base && root->python_made)
		root = root->base;
	if (root->basicsize - (int64_t)nec_off(t, NEC_SIZEOF_OBJECT) >= ARRAY_SIZE_MEM_HANDLER)
		emit_word(visit, head(t, obj) + ARRAY_MEM_HANDLER, NEC_REF_STRONG, ".mem_handler");
	if (!nec_numpy_array(t, obj, &descr, shape, &dims))
		return;
	nec_emit_part(visit, nec_word(t, head(t, obj) + ARRAY_DIMENSIONS), dims * 16ull, true);
	if (!(nec_int32(t, head(t, obj) + ARRAY_FLAGS) & OWNDATA))
		return;
	nec_emit_part(visit, data, data_bytes(t, obj), true);
	emit_items(visit, data, item_count(shape, dims), item_size(t, descr), descr);
}

/* array_sizeof, numpy/core/src/multiarray/methods.c */
static int64_t size_ndarray(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	int64_t size = type->basicsize;
	int32_t nd = nec_int32(t, head(t, obj) + ARRAY_ND);

	if (nd > 0 && nd <= NEC_NUMPY_DIMS)
		size += nd * 16;
	if (nec_int32(t, head(t, obj) + ARRAY_FLAGS) & OWNDATA)
		size += (int64_t)data_bytes(t, obj);
	return size;
}

static void visit_dtype(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	const struct descr_layout *l = descr_layout(t, obj);
	uint64_t subarray;

	emit_word(visit, head(t, obj), NEC_REF_STRONG, ".type");
	emit_word(visit, head(t, obj) + l->metadata, NEC_REF_STRONG, ".metadata");
	/* A dtype of somebody else's making in NumPy 2 ends before these. */
	if (type->basicsize < (int64_t)(nec_off(t, NEC_SIZEOF_OBJECT) + l->names + 8u))
		return;
	emit_word(visit, head(t, obj) + l->fields, NEC_REF_STRONG, ".fields");
	emit_word(visit, head(t, obj) + l->names, NEC_REF_STRONG, ".names");
	subarray = nec_word(t, head(t, obj) + l->subarray);
	if (!subarray)
		return;
	emit_word(visit, subarray, NEC_REF_STRONG, ".base");
	emit_word(visit, subarray + 8, NEC_REF_STRONG, ".shape");
	nec_emit_part(visit, subarray, 16, false);
}

static uint64_t void_field(const struct nec_target *t, uint64_t obj, unsigned int off)
{
	return nec_word(t, head(t, obj) + 8 + off);
}

static void visit_void(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t descr = void_field(t, obj, VOID_DESCR), data = void_field(t, obj, VOID_OBVAL);

	(void)type;
	emit_word(visit, head(t, obj) + 8 + VOID_DESCR, NEC_REF_STRONG, ".dtype");
	emit_word(visit, head(t, obj) + 8 + VOID_BASE, NEC_REF_STRONG, ".base");
	if (!(nec_int32(t, head(t, obj) + 8 + VOID_FLAGS) & OWNDATA) || !descr)
		return;
	nec_emit_part(visit, data, item_size(t, descr), true);
	emit_items(visit, data, 1, item_size(t, descr), descr);
}

static int64_t size_void(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t descr = void_field(t, obj, VOID_DESCR), size = descr ? item_size(t, descr) : 0;

	return type->basicsize + (int64_t)(size < UINT64_C(1) << 40 ? size : 0);
}

/* gentype_sizeof counts the value twice, in the struct and as an item (scalartypes.c.src). To add
 * one: a row. */
static const struct {
	const char *name;
	int size; /* bytes */
} scalars[] = {
	{"numpy.bool", 1},         {"numpy.bool_", 1},       {"numpy.int8", 1},
	{"numpy.uint8", 1},        {"numpy.int16", 2},       {"numpy.uint16", 2},
	{"numpy.float16", 2},      {"numpy.int32", 4},       {"numpy.uint32", 4},
	{"numpy.intc", 4},         {"numpy.uintc", 4},       {"numpy.float32", 4},
	{"numpy.int64", 8},        {"numpy.uint64", 8},      {"numpy.longlong", 8},
	{"numpy.ulonglong", 8},    {"numpy.float64", 8},     {"numpy.complex64", 8},
	{"numpy.datetime64", 8},   {"numpy.timedelta64", 8}, {"numpy.float128", 16},
	{"numpy.longdouble", 16},  {"numpy.complex128", 16}, {"numpy.complex256", 32},
	{"numpy.clongdouble", 32},
};

static int64_t size_scalar(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	const struct nec_type *root = type;
	size_t i;

	(void)t;
	(void)obj;
	while (root->base && root->python_made)
		root = root->base;
	for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (!strcmp(scalars[i].name, root->tp_name))
			return type->basicsize + scalars[i].size;
	return type->basicsize;
}

/*
 * pandas/_libs/index.pyx: IndexEngine (1.0 to 2.x) has its vtable, values and mapping first, a
 * HashTable its vtable and the table; sizeof of hashtable_class_helper.pxi.in counts what khash
 * allocates, and nothing of a table that was not made yet.
 */
static int64_t size_index_engine(const struct nec_target *t, uint64_t obj,
				 const struct nec_type *type)
{
	static const struct {
		const char *prefix;
		int bytes;
	} keys[] = {{"Complex128", 16}, {"Complex64", 8}, {"Float32", 4},
		    {"Int32", 4},       {"UInt32", 4},    {"Int16", 2},
		    {"UInt16", 2},      {"Int8", 1},      {"UInt8", 1}};
	uint64_t mapping = nec_word(t, head(t, obj) + 16), table, buckets;
	int64_t key = 8;
	const char *name, *dot;
	size_t i;

	(void)type;
	name = nec_image_cstr(t->image, nec_field(t, nec_type_of(t, mapping), NEC_F_TYPE_NAME),
			      128);
	dot = name ? strrchr(name, '.') : NULL;
	/* Not made yet: None, of a type without a dot. */
	if (!dot || !strstr(name, "HashTable"))
		return 0;
	table = nec_word(t, head(t, mapping) + 8);
	buckets = (uint32_t)nec_int32(t, table);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strncmp(dot + 1, keys[i].prefix, strlen(keys[i].prefix)))
			key = keys[i].bytes;
	return 4 * 4 + 3 * 8 + (int64_t)(buckets / 32 ? buckets / 32 : 1) * 4 +
	       (int64_t)buckets * (key + 8);
}

static const struct nec_visitor visitors[] = {
	{"numpy.dtype", visit_dtype, NULL, true, 0},
	{"numpy.ndarray", visit_ndarray, size_ndarray, true, 0},
	{"numpy.void", visit_void, size_void, true, 0},
	{"pandas._libs.index.IndexEngine", NULL, size_index_engine, false, 0},
};

static const struct nec_visitor scalar = {"numpy scalar", NULL, size_scalar, true, 0};

const struct nec_visitor *nec_numpy_visitor(const char *tp_name)
{
	size_t i;

	for (i = 0; i < sizeof(visitors) / sizeof(visitors[0]); i++)
		if (!strcmp(visitors[i].name, tp_name))
			return &visitors[i];
	for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (!strcmp(scalars[i].name, tp_name))
			return &scalar;
	return NULL;
}

void nec_numpy_dtype_text(const struct nec_target *t, uint64_t descr, struct nec_text *out)
{
	static const struct {
		char kind;
		const char *name;
		uint8_t per_item; /* bytes a unit of the number behind the name is; 0: no number */
		bool bits;
	} kinds[] = {
		{'b', "bool", 0, false},       {'i', "int", 1, true},
		{'u', "uint", 1, true},        {'f', "float", 1, true},
		{'c', "complex", 1, true},     {'O', "object", 0, false},
		{'S', "S", 1, false},          {'U', "<U", 4, false},
		{'M', "datetime64", 0, false}, {'m', "timedelta64", 0, false},
		{'V', "void", 1, false},       {'T', "StringDType", 0, false},
	};
	const struct descr_layout *l = descr_layout(t, descr);
	uint64_t size = item_size(t, descr);
	char kind = (char)nec_byte(t, head(t, descr) + l->kind);
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind != kind)
			continue;
		nec_text_puts(out, kinds[i].name);
		if (kinds[i].per_item)
			nec_text_printf(out, "%llu",
					(unsigned long long)(kinds[i].bits
								     ? size * 8
								     : size / kinds[i].per_item));
		return;
	}
	nec_text_puts(out, "?");
}
