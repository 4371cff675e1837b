/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Visitors of the metatypes of Modules/_ctypes; see visitors.h. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/str.h"
#include "python/visitors.h"

static int64_t size_stgdict(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	uint64_t format = nec_field(t, obj, NEC_F_STGDICT_FORMAT);
	int64_t size = nec_size_dict(t, obj, type);

	/* As _ctypes counts it, its own part twice: Modules/_ctypes/stgdict.c. */
	size += (int64_t)(nec_off(t, NEC_SIZEOF_STGDICT) - nec_off(t, NEC_SIZEOF_DICT));
	size += (int64_t)nec_size_cstr(t, format);
	size += (int64_t)nec_field32(t, obj, NEC_F_STGDICT_NDIM) * 8;
	if (nec_field(t, obj, NEC_F_STGDICT_ELEMENTS))
		size += nec_size_words(nec_field(t, obj, NEC_F_STGDICT_LENGTH) + 1);
	return size;
}

/* From 3.13 on a ctypes class keeps its StgInfo in the type object, behind what its metatype's base
 * has. */
static uint64_t stginfo(uint64_t obj, const struct nec_type *type)
{
	const struct nec_type *root = type;

	while (root->base && strcmp(root->base->tp_name, "type"))
		root = root->base;
	return obj + (((uint64_t)(root->base ? root->base->basicsize : 0) + 15) & ~15ull);
}

static void visit_stginfo(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	static const struct {
		enum nec_field field;
		const char *label;
	} members[] = {
		{NEC_F_STGINFO_PROTO, "._type_"},
		{NEC_F_STGINFO_ARGTYPES, "._argtypes_"},
		{NEC_F_STGINFO_CONVERTERS, ".converters"},
		{NEC_F_STGINFO_RESTYPE, "._restype_"},
		{NEC_F_STGINFO_CHECKER, ".checker"},
		{NEC_F_STGINFO_MODULE, ".module"},
		{NEC_F_STGINFO_POINTER_TYPE, ".__pointer_type__"},
	};
	const struct nec_target *t = visit->target;
	uint64_t info = stginfo(obj, type);
	size_t i;

	nec_visit_type(visit, obj, type);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		nec_emit_field(visit, info, members[i].field, members[i].label);
	nec_emit_part(visit, nec_field(t, info, NEC_F_STGINFO_FORMAT), 0, true);
	nec_emit_part(visit, nec_field(t, info, NEC_F_STGINFO_SHAPE), 0, true);
	nec_emit_part(visit, nec_field(t, info, NEC_F_STGINFO_ELEMENTS), 0, true);
}

static int64_t size_ctypes_meta(const struct nec_target *t, uint64_t obj,
				const struct nec_type *type)
{
	uint64_t info = stginfo(obj, type);

	return type->basicsize +
	       (int64_t)nec_size_cstr(t, nec_field(t, info, NEC_F_STGINFO_FORMAT)) +
	       (int64_t)nec_field32(t, info, NEC_F_STGINFO_NDIM) * 8 +
	       (nec_field(t, info, NEC_F_STGINFO_ELEMENTS)
			? nec_size_words(nec_field(t, info, NEC_F_STGINFO_LENGTH) + 1)
			: 0);
}

/* Metatypes of _ctypes until 3.12: the type's dict holds the pointed-to type; CDataType_traverse
 * visits it for the type. */
static void visit_ctypes_meta(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t dict = nec_type_dict(t, obj);
	const struct nec_type *dict_type = dict ? nec_object_type(visit->types, dict) : NULL;

	nec_visit_type(visit, obj, type);
	if (nec_has(t, NEC_F_STGDICT_PROTO) && dict_type && nec_type_is(dict_type, "StgDict"))
		nec_emit(visit, nec_field(t, dict, NEC_F_STGDICT_PROTO), NEC_REF_BORROWED,
			 NEC_LABEL_STRING, nec_types_label(visit->types, "._type_"));
}

/* { tp_name, visit, size, covers the whole object, field that the version has } */
const struct nec_visitor nec_visitors_ctypes[] = {
	{"StgDict", nec_visit_dict, size_stgdict, false, NEC_F_RUNTIME_INTERP_HEAD},
	{"_ctypes.PyCArrayType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCFuncPtrType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCPointerType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCSimpleType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.PyCStructType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.UnionType", visit_ctypes_meta, nec_size_type, true, NEC_F_STGDICT_PROTO},
	{"_ctypes.CType_Type", visit_stginfo, size_ctypes_meta, true, NEC_F_STGINFO_PROTO},
	{0},
};
