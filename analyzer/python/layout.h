/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the fields of CPython's structs lie in the process that died.
 *
 * A layout is data: one offset a field of fields.def, the members of the C types of ctypes.def, and traits for what an offset
 * cannot say. It begins as the table of a version (layouts/, each inheriting from the one before it); what the debug information of
 * the very file and the process itself (_Py_DebugOffsets) say is held against it by settle.c, and each field remembers who had the
 * last word, and who disagreed. Offsets are those of the process, never of the compiler that built this program.
 */
#ifndef NEC_PYTHON_LAYOUT_H
#define NEC_PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum nec_field {
#define NEC_FIELD(id, type, member) NEC_F_##id,
#define NEC_SIZE(id, type)	    NEC_SIZEOF_##id,
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
	NEC_FIELD_COUNT
};

/* A field that this version does not have. */
#define NEC_NO_FIELD INT32_MIN

enum nec_field_source {
	NEC_FIELD_ABSENT,
	NEC_FIELD_TABLE, /* the version's table */
	NEC_FIELD_OFFSETS, /* _Py_DebugOffsets in the dump */
	NEC_FIELD_DWARF, /* debug information of the file that ran */
	NEC_FIELD_PROBE, /* sources differed, and objects in the dump showed who is right */
	NEC_FIELD_SOURCES
};

/* A source does not say anything of this field. */
#define NEC_NO_CLAIM (INT32_MIN + 1)

/* Where instances keep their attributes besides tp_dictoffset. */
enum nec_values_trait {
	NEC_VALUES_NONE,	 /* 2.7 - 3.10: a dict at tp_dictoffset, or nothing */
	NEC_VALUES_TWO_POINTERS, /* 3.11: values at obj - 32, dict at obj - 24 */
	NEC_VALUES_TAGGED,	 /* 3.12: values | 1 or dict at obj - 24 */
	NEC_VALUES_INLINE,	 /* 3.13 on: behind the object; dict at obj - 24 */
};

enum nec_int_trait {
	NEC_INT_SIGNED_SIZE, /* the sign is that of ob_size */
	NEC_INT_TAGGED,	     /* 3.12 on: lv_tag holds sign and size */
};

enum nec_str_trait {
	NEC_STR_BYTES,	 /* 2.7: str is bytes, unicode an array of UCS4 or UCS2 */
	NEC_STR_FLEXIBLE, /* 3.3 on: PEP 393 */
};

enum nec_dict_trait {
	NEC_DICT_OPEN,	 /* 2.7: one table of hash, key, value */
	NEC_DICT_SIZED,	 /* 3.6 - 3.10: dk_size, entries of hash, key, value */
	NEC_DICT_LOG2,	 /* 3.11 on: dk_log2_size, entries by dk_kind */
};

enum nec_frame_trait {
	NEC_FRAME_OBJECTS,     /* 2.7 - 3.10: a frame is an object, linked by f_back */
	NEC_FRAME_INTERPRETER, /* 3.11 on: _PyInterpreterFrame, linked by previous */
};

/* How a code object keeps its line numbers. */
enum nec_line_trait {
	NEC_LINES_UNSIGNED,  /* 2.7: co_lnotab, lines only go up */
	NEC_LINES_SIGNED,    /* 3.6 - 3.9: co_lnotab */
	NEC_LINES_RANGES,    /* 3.10: co_linetable, ranges of instructions */
	NEC_LINES_LOCATIONS, /* 3.11 on: co_linetable, with columns */
};

/* Which objects' size includes what lies before them: see sizes.c. */
enum nec_presize_trait {
	NEC_PRESIZE_GC,	     /* the collector's header */
	NEC_PRESIZE_TYPE,    /* 3.11, 3.12: what the type's flags say, and the words of a managed dict or weak list */
	NEC_PRESIZE_OBJECT,  /* 3.13 on: the same, but a static type has no header, unless it has a metaclass of its own */
};

struct nec_traits {
#define NEC_TRAIT(type, name) type name;
#include "python/traits.def"
#undef NEC_TRAIT
};

/* A member of a C type that holds a reference. */
struct nec_member {
	int32_t off; /* bytes */
	const char *name; /* as in the C struct: "func", "gi_exc_state.exc_value" */
};

/* The members of a C type: layouts of ctypes.def. */
struct nec_ctype {
	const char *name; /* tp_name */
	const struct nec_member *members;
	uint32_t count;
	int32_t size; /* of the struct, bytes */
};

struct nec_layout {
	const char *version; /* "3.11" */
	const char *abi;     /* "", "d", "t", ... */
	int32_t off[NEC_FIELD_COUNT];
	uint8_t source[NEC_FIELD_COUNT]; /* enum nec_field_source */
	int32_t claims[NEC_FIELD_PROBE][NEC_FIELD_COUNT]; /* what each source says: an offset, NEC_NO_FIELD or NEC_NO_CLAIM */
	struct nec_traits traits;
	struct nec_ctype *ctypes; /* owned; sorted by name */
	uint32_t ctype_count;
	struct nec_member *members; /* owned storage of ctypes */
	struct nec_layout *others;  /* owned: tables that lent a type, linked by their own `others` */
};

/*
 * The table of version MAJOR.MINOR with ABI flags ("d" debug). NEC_ERR_UNSUPPORTED names the versions there are.
 * Freed by nec_layout_deinit.
 */
struct nec_error *nec_layout_init(struct nec_layout *layout, unsigned int major, unsigned int minor,
				  const char *abi);
void nec_layout_deinit(struct nec_layout *layout);

/* Above every micro release there was: the newest of its kind is then most likely. */
enum { NEC_MICRO_UNKNOWN = 255 };

/* Sets what that micro release of the layout's version has in another way than later ones, which the table is of; in layouts/layouts.c. */
void nec_layout_settle_micro(struct nec_layout *layout, unsigned int micro);

/* Makes the layout, just initialized, that of the same build with trace-refs, as far as objects beginning with two links go. */
void nec_layout_add_links(struct nec_layout *layout);

static inline bool nec_layout_has(const struct nec_layout *layout, enum nec_field field)
{
	return layout->off[field] != NEC_NO_FIELD;
}

/* "PyListObject.ob_item" */
void nec_field_name(enum nec_field field, char *buf, size_t size);

/* The type and member names of a field with their alternatives; member "" for a size. */
void nec_field_spec(enum nec_field field, const char **types_ret, const char **members_ret);

/*
 * A micro release moved members of a C type: the process says that an instance has `size` bytes, which is not what the version's table has.
 * Takes the type's members and fields from the nearest version whose struct has that size. Returns the type as it is then; NULL when
 * no version fits, and nobody knows the members.
 */
const struct nec_ctype *nec_layout_adopt(struct nec_layout *layout, const char *tp_name, int64_t size);

/* Says of the C type tp_name that it has these members and size, whatever the table said. Members are copied. */
struct nec_error *nec_layout_describe(struct nec_layout *layout, const char *tp_name, const struct nec_member *members,
				      uint32_t count, int32_t size);

/* What sources other than the one that was believed say of a field, as text ("table 24, DWARF none"); empty where all agree. */
void nec_layout_disagreement(const struct nec_layout *layout, enum nec_field field, char *buf, size_t size);

/* "table", "probe", ... */
const char *nec_field_source_name(enum nec_field_source source);

/* Is the struct of the field (the first of its names) in the list "a|b|c"? */
bool nec_field_in(enum nec_field field, const char *types);

/* The members of the C type tp_name, NULL when none is described. */
const struct nec_ctype *nec_layout_ctype(const struct nec_layout *layout, const char *tp_name);

#endif
