/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The versions and their traits; see layouts.h. Offsets are in NAME.inc, generated. */
#include <string.h>

#include "python/layouts/layouts.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TABLES(v)                                                                                  \
	.offsets = v##_offsets, .offset_count = COUNT(v##_offsets), .ctype_rows = v##_ctypes,      \
	.ctype_row_count = COUNT(v##_ctypes)

#define NEC_LAYOUT_OFFSETS
static const struct nec_layout_offset py27_offsets[] = {
#include "python/layouts/py27.inc"
};

static const struct nec_layout_offset py36_offsets[] = {
#include "python/layouts/py36.inc"
};

static const struct nec_layout_offset py37_offsets[] = {
#include "python/layouts/py37.inc"
};

static const struct nec_layout_offset py38_offsets[] = {
#include "python/layouts/py38.inc"
};

static const struct nec_layout_offset py39_offsets[] = {
#include "python/layouts/py39.inc"
};

static const struct nec_layout_offset py310_offsets[] = {
#include "python/layouts/py310.inc"
};

static const struct nec_layout_offset py311_offsets[] = {
#include "python/layouts/py311.inc"
};

static const struct nec_layout_offset py312_offsets[] = {
#include "python/layouts/py312.inc"
};

static const struct nec_layout_offset py313_offsets[] = {
#include "python/layouts/py313.inc"
};

static const struct nec_layout_offset py314_offsets[] = {
#include "python/layouts/py314.inc"
};

static const struct nec_layout_offset py315_offsets[] = {
#include "python/layouts/py315.inc"
};

static const struct nec_layout_offset py27d_offsets[] = {
#include "python/layouts/py27d.inc"
};

static const struct nec_layout_offset py36d_offsets[] = {
#include "python/layouts/py36d.inc"
};

static const struct nec_layout_offset py37d_offsets[] = {
#include "python/layouts/py37d.inc"
};

static const struct nec_layout_offset py38d_offsets[] = {
#include "python/layouts/py38d.inc"
};

static const struct nec_layout_offset py39d_offsets[] = {
#include "python/layouts/py39d.inc"
};

static const struct nec_layout_offset py310d_offsets[] = {
#include "python/layouts/py310d.inc"
};

static const struct nec_layout_offset py311d_offsets[] = {
#include "python/layouts/py311d.inc"
};

static const struct nec_layout_offset py312d_offsets[] = {
#include "python/layouts/py312d.inc"
};

static const struct nec_layout_offset py313d_offsets[] = {
#include "python/layouts/py313d.inc"
};

static const struct nec_layout_offset py314d_offsets[] = {
#include "python/layouts/py314d.inc"
};

static const struct nec_layout_offset py315d_offsets[] = {
#include "python/layouts/py315d.inc"
};

#undef NEC_LAYOUT_OFFSETS

#define NEC_LAYOUT_CTYPES
static const struct nec_layout_ctype_row py27_ctypes[] = {
#include "python/layouts/py27.inc"
};

static const struct nec_layout_ctype_row py36_ctypes[] = {
#include "python/layouts/py36.inc"
};

static const struct nec_layout_ctype_row py37_ctypes[] = {
#include "python/layouts/py37.inc"
};

static const struct nec_layout_ctype_row py38_ctypes[] = {
#include "python/layouts/py38.inc"
};

static const struct nec_layout_ctype_row py39_ctypes[] = {
#include "python/layouts/py39.inc"
};

static const struct nec_layout_ctype_row py310_ctypes[] = {
#include "python/layouts/py310.inc"
};

static const struct nec_layout_ctype_row py311_ctypes[] = {
#include "python/layouts/py311.inc"
};

static const struct nec_layout_ctype_row py312_ctypes[] = {
#include "python/layouts/py312.inc"
};

static const struct nec_layout_ctype_row py313_ctypes[] = {
#include "python/layouts/py313.inc"
};

static const struct nec_layout_ctype_row py314_ctypes[] = {
#include "python/layouts/py314.inc"
};

static const struct nec_layout_ctype_row py315_ctypes[] = {
#include "python/layouts/py315.inc"
};

static const struct nec_layout_ctype_row py27d_ctypes[] = {
#include "python/layouts/py27d.inc"
};

static const struct nec_layout_ctype_row py36d_ctypes[] = {
#include "python/layouts/py36d.inc"
};

static const struct nec_layout_ctype_row py37d_ctypes[] = {
#include "python/layouts/py37d.inc"
};

static const struct nec_layout_ctype_row py38d_ctypes[] = {
#include "python/layouts/py38d.inc"
};

static const struct nec_layout_ctype_row py39d_ctypes[] = {
#include "python/layouts/py39d.inc"
};

static const struct nec_layout_ctype_row py310d_ctypes[] = {
#include "python/layouts/py310d.inc"
};

static const struct nec_layout_ctype_row py311d_ctypes[] = {
#include "python/layouts/py311d.inc"
};

static const struct nec_layout_ctype_row py312d_ctypes[] = {
#include "python/layouts/py312d.inc"
};

static const struct nec_layout_ctype_row py313d_ctypes[] = {
#include "python/layouts/py313d.inc"
};

static const struct nec_layout_ctype_row py314d_ctypes[] = {
#include "python/layouts/py314d.inc"
};

static const struct nec_layout_ctype_row py315d_ctypes[] = {
#include "python/layouts/py315d.inc"
};

#undef NEC_LAYOUT_CTYPES

static const struct nec_layout_version py27 = {
	.name = "2.7",
	.abi = "",
	.major = 2,
	.minor = 7,
	TABLES(py27),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_BYTES,
			.dicts = NEC_DICT_OPEN,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_UNSIGNED,
			.lasti_unit = 1,
			.presize = NEC_PRESIZE_GC,
			.gc_static = true,
			.old_classes = true,
			.pool_size = 4096,
			.arena_size = 256 << 10,
			.digit_bits = 30,
			.unicode_width = 4,
		},
};

static const struct nec_layout_version py36 = {
	.name = "3.6",
	.abi = "",
	.major = 3,
	.minor = 6,
	TABLES(py36),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_SIZED,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_SIGNED,
			.lasti_unit = 1,
			.presize = NEC_PRESIZE_GC,
			.gc_static = true,
			.pool_size = 4096,
			.arena_size = 256 << 10,
			.digit_bits = 30,
		},
};

static const struct nec_layout_version py37 = {
	.name = "3.7",
	.abi = "",
	.major = 3,
	.minor = 7,
	.base = &py36,
	TABLES(py37),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_SIZED,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_SIGNED,
			.lasti_unit = 1,
			.presize = NEC_PRESIZE_GC,
			.pool_size = 4096,
			.arena_size = 256 << 10,
			.digit_bits = 30,
		},
};

static const struct nec_layout_version py38 = {
	.name = "3.8",
	.abi = "",
	.major = 3,
	.minor = 8,
	.base = &py37,
	TABLES(py38),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_SIZED,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_SIGNED,
			.lasti_unit = 1,
			.presize = NEC_PRESIZE_GC,
			.pool_size = 4096,
			.arena_size = 256 << 10,
			.digit_bits = 30,
			.gc_mask = 3,
		},
};

static const struct nec_layout_version py39 = {
	.name = "3.9",
	.abi = "",
	.major = 3,
	.minor = 9,
	.base = &py38,
	TABLES(py39),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_SIZED,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_SIGNED,
			.lasti_unit = 1,
			.presize = NEC_PRESIZE_GC,
			.pool_size = 4096,
			.arena_size = 256 << 10,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
		},
};

static const struct nec_layout_version py310 = {
	.name = "3.10",
	.abi = "",
	.major = 3,
	.minor = 10,
	.base = &py39,
	TABLES(py310),
	.traits =
		{
			.values = NEC_VALUES_NONE,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_SIZED,
			.frames = NEC_FRAME_OBJECTS,
			.lines = NEC_LINES_RANGES,
			.lasti_unit = 2,
			.presize = NEC_PRESIZE_GC,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
		},
};

static const struct nec_layout_version py311 = {
	.name = "3.11",
	.abi = "",
	.major = 3,
	.minor = 11,
	.base = &py310,
	TABLES(py311),
	.traits =
		{
			.values = NEC_VALUES_TWO_POINTERS,
			.frame_created = -2,
			.frame_executing = 0,
			.frame_cleared = 4,
			.zero_digit = true,
			.ints = NEC_INT_SIGNED_SIZE,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_LOG2,
			.frames = NEC_FRAME_INTERPRETER,
			.lines = NEC_LINES_LOCATIONS,
			.presize = NEC_PRESIZE_TYPE,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
		},
};

static const struct nec_layout_version py312 = {
	.name = "3.12",
	.abi = "",
	.major = 3,
	.minor = 12,
	.base = &py311,
	TABLES(py312),
	.traits =
		{
			.values = NEC_VALUES_TAGGED,
			.frame_created = -2,
			.frame_executing = 0,
			.frame_cleared = 4,
			.zero_digit = true,
			.ints = NEC_INT_TAGGED,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_LOG2,
			.frames = NEC_FRAME_INTERPRETER,
			.lines = NEC_LINES_LOCATIONS,
			.presize = NEC_PRESIZE_TYPE,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
			.static_types_in_interp = true,
			.immortal = 31,
		},
};

static const struct nec_layout_version py313 = {
	.name = "3.13",
	.abi = "",
	.major = 3,
	.minor = 13,
	.base = &py312,
	TABLES(py313),
	.traits =
		{
			.values = NEC_VALUES_INLINE,
			.frame_created = -3,
			.frame_executing = 0,
			.frame_cleared = 4,
			.zero_digit = true,
			.ints = NEC_INT_TAGGED,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_LOG2,
			.frames = NEC_FRAME_INTERPRETER,
			.lines = NEC_LINES_LOCATIONS,
			.presize = NEC_PRESIZE_OBJECT,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
			.static_types_in_interp = true,
			.immortal = 31,
		},
};

static const struct nec_layout_version py314 = {
	.name = "3.14",
	.abi = "",
	.major = 3,
	.minor = 14,
	.base = &py313,
	TABLES(py314),
	.traits =
		{
			.values = NEC_VALUES_INLINE,
			.tagged_stack = true,
			.frame_created = -3,
			.frame_executing = 0,
			.frame_cleared = 4,
			.zero_digit = true,
			.ints = NEC_INT_TAGGED,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_LOG2,
			.frames = NEC_FRAME_INTERPRETER,
			.lines = NEC_LINES_LOCATIONS,
			.presize = NEC_PRESIZE_OBJECT,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
			.static_types_in_interp = true,
			.immortal = 31,
		},
};

static const struct nec_layout_version py315 = {
	.name = "3.15",
	.abi = "",
	.major = 3,
	.minor = 15,
	.base = &py314,
	TABLES(py315),
	.traits =
		{
			.values = NEC_VALUES_INLINE,
			.tagged_stack = true,
			.frame_created = 0,
			.frame_executing = 4,
			.frame_cleared = 5,
			.zero_digit = true,
			.ints = NEC_INT_TAGGED,
			.strs = NEC_STR_FLEXIBLE,
			.dicts = NEC_DICT_LOG2,
			.frames = NEC_FRAME_INTERPRETER,
			.lines = NEC_LINES_LOCATIONS,
			.presize = NEC_PRESIZE_OBJECT,
			.pool_size = 16384,
			.arena_size = 1 << 20,
			.digit_bits = 30,
			.gc_mask = 3,
			.gc_in_interp = true,
			.heap_type_refs = true,
			.static_types_in_interp = true,
			.immortal = 31,
		},
};

/* Py_DEBUG: other members here and there, and until 3.7 two links before each object. */
#define DEBUG_BUILD(v, text, x, y)                                                                 \
	static const struct nec_layout_version v##d = {                                            \
		.name = text,                                                                      \
		.abi = "d",                                                                        \
		.major = x,                                                                        \
		.minor = y,                                                                        \
		.base = &v,                                                                        \
		.traits_of = &v,                                                                   \
		TABLES(v##d),                                                                      \
	}

DEBUG_BUILD(py27, "2.7", 2, 7);
DEBUG_BUILD(py36, "3.6", 3, 6);
DEBUG_BUILD(py37, "3.7", 3, 7);
DEBUG_BUILD(py38, "3.8", 3, 8);
DEBUG_BUILD(py39, "3.9", 3, 9);
DEBUG_BUILD(py310, "3.10", 3, 10);
DEBUG_BUILD(py311, "3.11", 3, 11);
DEBUG_BUILD(py312, "3.12", 3, 12);
DEBUG_BUILD(py313, "3.13", 3, 13);
DEBUG_BUILD(py314, "3.14", 3, 14);
DEBUG_BUILD(py315, "3.15", 3, 15);

static const struct nec_layout_version *const versions[] = {
	&py27,  &py27d,  &py36,  &py36d,  &py37,  &py37d,  &py38,  &py38d,
	&py39,  &py39d,  &py310, &py310d, &py311, &py311d, &py312, &py312d,
	&py313, &py313d, &py314, &py314d, &py315, &py315d,
};

const struct nec_layout_version *nec_layout_find(unsigned int major, unsigned int minor,
						 const char *abi)
{
	size_t i;

	for (i = 0; i < COUNT(versions); i++)
		if (versions[i]->major == major && versions[i]->minor == minor &&
		    !strcmp(versions[i]->abi, abi))
			return versions[i];
	return NULL;
}

const struct nec_layout_version *nec_layout_at(unsigned int i)
{
	return i < COUNT(versions) ? versions[i] : NULL;
}

const struct nec_layout_version *nec_layout_newest(void)
{
	return &py315;
}

const char *nec_layout_versions(void)
{
	return "2.7, 3.6 to 3.15, and debug builds of these";
}
