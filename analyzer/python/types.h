/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry of type objects: what an instance of each looks like, settled once a type.
 *
 * Three tiers describe a type's references: a visitor (visitors.h) for storage outside the object, the members of its C struct
 * (ctypes.def), and for what nobody described its words that point exactly at objects, taken as references marked conservative. A type
 * inherits from its base what the base's part of the object holds, so a subclass of a built-in, a class with __slots__ and an
 * extension type are all the same: a list of levels, from the type up to object.
 */
#ifndef NEC_PYTHON_TYPES_H
#define NEC_PYTHON_TYPES_H

#include "base/strtab.h"
#include "python/target.h"
#include "python/typenames.h"

struct nec_visit;
struct nec_type;

/* Describes storage that a struct's members do not. Pure: reads the target, emits into visit. */
struct nec_visitor {
	const char *name; /* tp_name */
	void (*visit)(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);
	/* sys.getsizeof without what lies before the object; NULL: tp_basicsize + items. */
	int64_t (*size)(const struct nec_target *t, uint64_t obj, const struct nec_type *type);
	bool own_items; /* visit covers the whole object: no members, no scan */
	enum nec_field needs; /* the row is for versions that have this field; the first field is always there */
};

/* A reference at a fixed offset. */
struct nec_slot {
	uint32_t off;
	uint32_t label; /* string id */
	uint8_t kind;	/* enum nec_ref_kind */
};

enum {
	NEC_TYPE_MANAGED_WEAKREF = 1 << 3, /* tp_flags, 3.12 on */
	NEC_TYPE_MANAGED_DICT = 1 << 4,	   /* 3.11 on */
	NEC_TYPE_INLINE_VALUES = 1 << 2,   /* 3.13 on */
	NEC_TYPE_HEAPTYPE = 1 << 9,
	NEC_TYPE_READY = 1 << 12,
	NEC_TYPE_HAVE_GC = 1 << 14,
};
#define NEC_TYPE_LONG_SUBCLASS	(UINT64_C(1) << 24)
#define NEC_TYPE_LIST_SUBCLASS	(UINT64_C(1) << 25)
#define NEC_TYPE_TUPLE_SUBCLASS (UINT64_C(1) << 26)
#define NEC_TYPE_BYTES_SUBCLASS (UINT64_C(1) << 27)
#define NEC_TYPE_STR_SUBCLASS	(UINT64_C(1) << 28)
#define NEC_TYPE_DICT_SUBCLASS	(UINT64_C(1) << 29)
#define NEC_TYPE_EXC_SUBCLASS	(UINT64_C(1) << 30)
#define NEC_TYPE_TYPE_SUBCLASS	(UINT64_C(1) << 31)

struct nec_type {
	uint64_t addr;
	uint32_t id;	      /* dense; UINT32_MAX: no type */
	const char *name;     /* module.qualname, owned by the registry */
	const char *tp_name;  /* as tp_name says; "" where the bytes are gone */
	const char *module;   /* "" where not known */
	uint64_t flags;
	int64_t basicsize, itemsize, dictoffset, weaklistoffset;
	const struct nec_type *base; /* NULL: object, or damage */
	const struct nec_visitor *visitor; /* of the nearest type up the bases that has one */
	struct nec_slot *slots; /* of the whole chain, owned; ascending */
	uint32_t slot_count;
	uint32_t scan_start, scan_end; /* bytes of an instance that nobody described; empty: equal */
	uint16_t native_blocks; /* not 0: what is scanned are addresses of native memory without references, of so many blocks */
	bool scan_items;      /* the variable part too */
	bool python_made;     /* by a class statement */
	bool managed_dict, inline_values, managed_weakref;
	bool has_native;      /* instances may own memory that their size does not count */
	bool gc;	      /* instances have a collector header (types: heap types only) */
	bool is_greenlet;     /* greenlet.greenlet, or a class made of it */
	bool is_type;	      /* instances are types */
	const char *tier;     /* "visitor", "members", "conservative" */
};

struct nec_types {
	struct nec_target *target; /* borrowed; its layout learns from types that a micro release changed */
	struct nec_type **by_id;
	uint32_t count, capacity;
	struct nec_type **slots; /* hash by address */
	uint32_t slot_count, used;
	uint64_t *no_types; /* owned: addresses that are no types, the last of each hash value */
	struct nec_typenames names; /* of static types whose text is gone */
	struct nec_strtab labels; /* texts of labels, with their dot: ".__dict__" */
	struct nec_error *failed; /* out of memory, once */
	uint32_t label_dict, label_weakref, label_wr_object, label_key, label_shared_key, label_item,
		label_native;
};

struct nec_error *nec_types_init(struct nec_types *types, struct nec_target *target);
void nec_types_deinit(struct nec_types *types);

/* The type at addr; NULL when there is none. Adds what it sees for the first time, with its bases. */
const struct nec_type *nec_types_slow(struct nec_types *types, uint64_t addr);

static inline const struct nec_type *nec_types_get(struct nec_types *types, uint64_t addr)
{
	uint32_t i = (uint32_t)((addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
	const struct nec_type *type;

	for (;; i++) {
		type = types->slots[i & (types->slot_count - 1)];
		if (!type)
			return nec_types_slow(types, addr);
		if (type->addr == addr)
			return type;
	}
}

/* The type of obj when obj looks like an object: readable, counted, of a known type; else NULL. */
const struct nec_type *nec_object_type(struct nec_types *types, uint64_t obj);

/* The same for a word that only may point at an object: its count must be one, too. */
const struct nec_type *nec_object_plausible(struct nec_types *types, uint64_t obj);

/* Is `type` the type with this tp_name or derived from it? */
bool nec_type_is(const struct nec_type *type, const char *tp_name);

/* Id of a label's text. */
uint32_t nec_types_label(struct nec_types *types, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
