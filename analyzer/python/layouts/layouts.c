/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The versions and their traits; see layouts.h. Which there are is in versions.def, their offsets
 * in NAME.inc, generated. */
#include <stdio.h>
#include <string.h>

#include "python/layouts/layouts.h"

#include "python/layouts/tables.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NEC_LAYOUT(table, x, y, flags, inherits)                                                   \
	static const struct nec_layout_version table = {                                           \
		.name = #x "." #y,                                                                 \
		.abi = flags,                                                                      \
		.major = x,                                                                        \
		.minor = y,                                                                        \
		.base = inherits,                                                                  \
		.offsets = table##_offsets,                                                        \
		.offset_count = COUNT(table##_offsets),                                            \
		.ctype_rows = table##_ctypes,                                                      \
		.ctype_row_count = COUNT(table##_ctypes),                                          \
	};
#include "python/layouts/versions.def"
#undef NEC_LAYOUT

static const struct nec_layout_version *const versions[] = {
#define NEC_LAYOUT(table, x, y, flags, inherits) &table,
#include "python/layouts/versions.def"
#undef NEC_LAYOUT
};

enum trait {
#define NEC_TRAIT(type, name) TRAIT_##name,
#include "python/traits.def"
#undef NEC_TRAIT
	TRAITS
};

#define T(name) TRAIT_##name

/* Which traits a version has that the one below it has not. */
static const struct {
	const struct nec_layout_version *version;
	enum trait trait;
	int32_t value;
} traits[] = {
	{&py27, T(values), NEC_VALUES_NONE},
	{&py27, T(ints), NEC_INT_SIGNED_SIZE},
	{&py27, T(strs), NEC_STR_BYTES},
	{&py27, T(dicts), NEC_DICT_OPEN},
	{&py27, T(frames), NEC_FRAME_OBJECTS},
	{&py27, T(lines), NEC_LINES_UNSIGNED},
	{&py27, T(lasti_unit), 1},
	{&py27, T(presize), NEC_PRESIZE_GC},
	{&py27, T(gc_static), true},
	{&py27, T(old_classes), true},
	{&py27, T(pool_size), 4 << 10},
	{&py27, T(arena_size), 256 << 10},
	{&py27, T(digit_bits), 30},
	{&py27, T(unicode_width), 4},

	{&py36, T(values), NEC_VALUES_NONE},
	{&py36, T(ints), NEC_INT_SIGNED_SIZE},
	{&py36, T(strs), NEC_STR_FLEXIBLE},
	{&py36, T(dicts), NEC_DICT_SIZED},
	{&py36, T(frames), NEC_FRAME_OBJECTS},
	{&py36, T(lines), NEC_LINES_SIGNED},
	{&py36, T(lasti_unit), 1},
	{&py36, T(presize), NEC_PRESIZE_GC},
	{&py36, T(gc_static), true},
	{&py36, T(pool_size), 4 << 10},
	{&py36, T(arena_size), 256 << 10},
	{&py36, T(digit_bits), 30},

	{&py37, T(gc_static), false},

	{&py38, T(gc_mask), 3},

	{&py39, T(gc_in_interp), true},
	{&py39, T(heap_type_refs), true},

	{&py310, T(lines), NEC_LINES_RANGES},
	{&py310, T(lasti_unit), 2},
	{&py310, T(pool_size), 16 << 10},
	{&py310, T(arena_size), 1 << 20},

	{&py311, T(values), NEC_VALUES_TWO_POINTERS},
	{&py311, T(frame_created), -2},
	{&py311, T(frame_executing), 0},
	{&py311, T(frame_cleared), 4},
	{&py311, T(zero_digit), true},
	{&py311, T(dicts), NEC_DICT_LOG2},
	{&py311, T(frames), NEC_FRAME_INTERPRETER},
	{&py311, T(lasti_unit), 0},
	{&py311, T(lines), NEC_LINES_LOCATIONS},
	{&py311, T(presize), NEC_PRESIZE_TYPE},

	{&py312, T(values), NEC_VALUES_TAGGED},
	{&py312, T(ints), NEC_INT_TAGGED},
	{&py312, T(static_types_in_interp), true},
	{&py312, T(immortal), 31},

	{&py313, T(values), NEC_VALUES_INLINE},
	{&py313, T(frame_created), -3},
	{&py313, T(presize), NEC_PRESIZE_OBJECT},

	{&py314, T(tagged_stack), true},

	{&py315, T(frame_created), 0},
	{&py315, T(frame_executing), 4},
	{&py315, T(frame_cleared), 5},
};

/* What a micro release changed: the value that a trait had before. */
static const struct {
	const struct nec_layout_version *version;
	unsigned int micro; /* the first of the new kind */
	enum trait trait;
	int32_t before;
} changes[] = {
	{&py311, 2, T(zero_digit), false},
};

/* The same of fields. */
static const struct {
	const struct nec_layout_version *version;
	unsigned int micro;
	enum nec_field field;
	int32_t before;
} moved[] = {
	{&py37, 4, NEC_SIZEOF_GC_HEAD, 24}, /* aligned as a double then, as a long double now */
};

/* The value of the newest of the version and those below it that has a row. */
static int32_t trait_of(const struct nec_layout_version *v, enum trait trait)
{
	size_t i;

	for (; v; v = v->base)
		for (i = 0; i < COUNT(traits); i++)
			if (traits[i].version == v && traits[i].trait == trait)
				return traits[i].value;
	return 0;
}

struct nec_traits nec_layout_traits(const struct nec_layout_version *v)
{
	return (struct nec_traits){
#define NEC_TRAIT(type, name) .name = (type)trait_of(v, TRAIT_##name),
#include "python/traits.def"
#undef NEC_TRAIT
	};
}

static void set_trait(struct nec_traits *traits, enum trait trait, int32_t value)
{
	switch (trait) {
#define NEC_TRAIT(type, name)                                                                      \
	case TRAIT_##name:                                                                         \
		traits->name = (type)value;                                                        \
		break;
#include "python/traits.def"
#undef NEC_TRAIT
	case TRAITS:
		break;
	}
}

static bool is_before(const struct nec_layout *layout, unsigned int micro,
		      const struct nec_layout_version *version, unsigned int changed)
{
	return !strcmp(layout->version, version->name) && micro < changed;
}

void nec_layout_settle_micro(struct nec_layout *layout, unsigned int micro)
{
	size_t i;

	for (i = 0; i < COUNT(changes); i++)
		if (is_before(layout, micro, changes[i].version, changes[i].micro))
			set_trait(&layout->traits, changes[i].trait, changes[i].before);
	/* Where something else than the table told, it knows. */
	for (i = 0; i < COUNT(moved); i++)
		if (is_before(layout, micro, moved[i].version, moved[i].micro) &&
		    layout->source[moved[i].field] == NEC_FIELD_TABLE)
			layout->off[moved[i].field] = moved[i].before;
}

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
	size_t i = COUNT(versions);

	while (*versions[--i]->abi)
		;
	return versions[i];
}

void nec_layout_versions(char *buf, size_t size)
{
	snprintf(buf, size, "2.7, 3.6 to %s, and debug builds of these; of 3.8 to 3.12 with trace-refs too", nec_layout_newest()->name);
}
