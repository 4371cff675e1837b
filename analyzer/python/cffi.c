/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cffi's objects; see cffi.h. */
#include <string.h>

#include "python/cffi.h"

/* CTypeDescrObject, behind PyVarObject. */
enum {
	CTYPE_ITEMDESCR = 0, /* of pointers and arrays */
	CTYPE_STUFF = 8,     /* fields of a struct, parts of a function type, names of an enum */
	CTYPE_EXTRA = 16,    /* the first field of a struct, not owned; native memory otherwise */
	CTYPE_WEAKREFS = 24,
	CTYPE_UNIQUE_KEY = 32,
};

/* CFieldObject, behind PyObject. */
enum { FIELD_TYPE = 0, FIELD_NEXT = 24 };

/* CDataObject, behind PyObject; a callback has its closure behind that. */
enum { CDATA_TYPE = 0, CDATA_CLOSURE = 24 };

/* ffi_closure (ffi.h): user_data follows the trampoline, of 32 bytes or 24 (aarch64), and two
 * pointers. */
static const uint8_t user_data[] = {48, 40};

/* Blocks of a function type's cif_description. */
enum { EXTRA_BLOCKS = 4 };

static uint64_t head(const struct nec_target *t, uint64_t obj)
{
	return obj + nec_off(t, NEC_SIZEOF_OBJECT);
}

static uint64_t var_head(const struct nec_target *t, uint64_t obj)
{
	return head(t, obj) + 8;
}

static void emit(struct nec_visit *visit, uint64_t where, enum nec_ref_kind kind, const char *label)
{
	nec_emit(visit, nec_word(visit->target, where), kind, NEC_LABEL_STRING,
		 nec_types_label(visit->types, "%s", label));
}

static void visit_ctype(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	uint64_t ct = var_head(visit->target, obj),
		 extra = nec_word(visit->target, ct + CTYPE_EXTRA);

	(void)type;
	emit(visit, ct + CTYPE_ITEMDESCR, NEC_REF_STRONG, ".item");
	emit(visit, ct + CTYPE_STUFF, NEC_REF_STRONG, ".ct_stuff");
	emit(visit, ct + CTYPE_WEAKREFS, NEC_REF_WEAK, ".__weakref__");
	emit(visit, ct + CTYPE_UNIQUE_KEY, NEC_REF_STRONG, ".ct_unique_key");
	if (nec_object_candidate(visit->types, visit->heap, extra))
		emit(visit, ct + CTYPE_EXTRA, NEC_REF_BORROWED, ".first field");
	else
		nec_follow_native(visit, extra, NEC_LABEL_OPAQUE, EXTRA_BLOCKS);
}

static void visit_field(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	uint64_t field = head(visit->target, obj);

	(void)type;
	emit(visit, field + FIELD_TYPE, NEC_REF_STRONG, ".type");
	emit(visit, field + FIELD_NEXT, NEC_REF_BORROWED, ".next field");
}

/* What a callback calls is in a tuple, and that in the closure: memory of libffi, in which no
 * object is looked for. */
static void visit_owner(struct nec_visit *visit, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = visit->target;
	uint64_t closure = nec_word(t, head(t, obj) + CDATA_CLOSURE), args;
	const struct nec_type *found;
	size_t i;

	(void)type;
	if (!closure || nec_object_candidate(visit->types, visit->heap, closure))
		return;
	for (i = 0; i < sizeof(user_data) / sizeof(user_data[0]); i++) {
		args = nec_word(t, closure + user_data[i]);
		found = nec_object_candidate(visit->types, visit->heap, args);
		if (!found || strcmp(found->tp_name, "tuple"))
			continue;
		nec_emit(visit, args, NEC_REF_STRONG, NEC_LABEL_STRING,
			 nec_types_label(visit->types, ".callback"));
		return;
	}
}

static const struct nec_visitor visitors[] = {
	{"_cffi_backend.CType", visit_ctype, NULL, true, 0},
	{"_cffi_backend.CField", visit_field, NULL, true, 0},
	/* Its names until 1.13, and since. */
	{"_cffi_backend.CDataOwnGC", visit_owner, NULL, false, 0},
	{"_cffi_backend.__CDataOwnGC", visit_owner, NULL, false, 0},
};

const struct nec_visitor *nec_cffi_visitor(const char *tp_name)
{
	size_t i;

	for (i = 0; i < sizeof(visitors) / sizeof(visitors[0]); i++)
		if (!strcmp(visitors[i].name, tp_name))
			return &visitors[i];
	return NULL;
}

bool nec_cffi_is_unique_cache(struct nec_types *types, uint64_t key, uint64_t value)
{
	const struct nec_target *t = types->target;
	const struct nec_type *type = nec_object_type(types, value);

	return type && type->visitor == &visitors[0] &&
	       nec_word(t, var_head(t, value) + CTYPE_UNIQUE_KEY) == key;
}
