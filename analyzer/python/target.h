/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The CPython in an image: which one it is, where its runtime and its most basic types lie, and its layout. Everything in python/
 * works on this. Set up by discover.c, not changed afterwards.
 */
#ifndef NEC_PYTHON_TARGET_H
#define NEC_PYTHON_TARGET_H

#include "image/image.h"
#include "python/layout.h"

enum { NEC_TARGET_INTERPRETERS = 64 };

struct nec_target {
	const struct nec_image *image; /* borrowed */
	struct nec_layout layout;
	unsigned int major, minor;
	unsigned int micro;	/* NEC_MICRO_UNKNOWN where only these two are known */
	char version[64];	/* sys.version up to the first blank, as far as it was found */
	char strategy[160];	/* how the runtime was found */
	char warning[256];	/* what was odd about the layout; empty for nothing */
	uint32_t module_start;	/* the mapping that holds PyType_Type */
	uint64_t data_start, data_end; /* the span of that file's writable mappings: the runtime's static data */
	uint64_t type_type;	/* PyType_Type */
	uint64_t object_type;	/* PyBaseObject_Type */
	uint64_t runtime;	/* _PyRuntime, 0 where it has none or it was not found */
	uint64_t interpreters[NEC_TARGET_INTERPRETERS];
	uint32_t interpreter_count;
	const char *interpreter_strategy; /* how they were found */
	uint64_t interned[NEC_TARGET_INTERPRETERS]; /* dicts of interned strings: they own none of
						       them */
	uint32_t interned_count;
	uint32_t steps;		/* that the search for interpreters may still take, see interpreters.c */
	bool quick;		/* the interpreter's debug information is read only where the table does not fit the memory */
	uint64_t lost_threads;	/* newest thread state of the main interpreter, where the dump was cut off before that; else 0 */
};

/* The word at addr; 0 where the dump has none. */
static inline uint64_t nec_word(const struct nec_target *t, uint64_t addr)
{
	uint64_t v;

	return nec_image_u64(t->image, addr, &v) ? v : 0;
}

static inline int32_t nec_int32(const struct nec_target *t, uint64_t addr)
{
	uint32_t v;

	return nec_image_u32(t->image, addr, &v) ? (int32_t)v : 0;
}

static inline uint8_t nec_byte(const struct nec_target *t, uint64_t addr)
{
	const uint8_t *p = nec_image_view(t->image, addr, 1);

	return p ? *p : 0;
}

/* The word in a field of the struct at addr; 0 where this version has no such field. */
static inline uint64_t nec_field(const struct nec_target *t, uint64_t addr, enum nec_field field)
{
	int32_t off = t->layout.off[field];

	return off == NEC_NO_FIELD ? 0 : nec_word(t, addr + (uint64_t)(int64_t)off);
}

static inline int32_t nec_field32(const struct nec_target *t, uint64_t addr, enum nec_field field)
{
	int32_t off = t->layout.off[field];

	return off == NEC_NO_FIELD ? 0 : nec_int32(t, addr + (uint64_t)(int64_t)off);
}

static inline uint8_t nec_field8(const struct nec_target *t, uint64_t addr, enum nec_field field)
{
	int32_t off = t->layout.off[field];

	return off == NEC_NO_FIELD ? 0 : nec_byte(t, addr + (uint64_t)(int64_t)off);
}

/* `width` bits of a bit field of the struct at addr. */
static inline uint32_t nec_field_bits(const struct nec_target *t, uint64_t addr, enum nec_field field,
				      unsigned int width)
{
	int32_t bit = t->layout.off[field];

	if (bit == NEC_NO_FIELD)
		return 0;
	return (uint32_t)nec_byte(t, addr + (uint64_t)bit / 8) >> bit % 8 & ((1u << width) - 1);
}

static inline uint64_t nec_off(const struct nec_target *t, enum nec_field field)
{
	return (uint64_t)(int64_t)t->layout.off[field];
}

static inline bool nec_has(const struct nec_target *t, enum nec_field field)
{
	return t->layout.off[field] != NEC_NO_FIELD;
}

static inline uint64_t nec_type_of(const struct nec_target *t, uint64_t obj)
{
	return nec_field(t, obj, NEC_F_OBJECT_TYPE);
}

static inline int64_t nec_ob_size(const struct nec_target *t, uint64_t obj)
{
	return (int64_t)nec_field(t, obj, NEC_F_VAR_SIZE);
}

/* The newest thread state of interpreter i; 0 for none. The others follow by NEC_F_THREAD_NEXT. */
static inline uint64_t nec_first_thread(const struct nec_target *t, uint32_t i)
{
	uint64_t thread = nec_field(t, t->interpreters[i], NEC_F_INTERP_THREADS_HEAD);

	return thread || i ? thread : t->lost_threads;
}

/* Fills in interpreters, the main one first, by the layout as it is; and runtime, where it was found on the way. */
void nec_target_find_interpreters(struct nec_target *t);

/*
 * Finds CPython in image and settles its layout. quick: for who wants the threads alone and at once, see nec_target.
 * NEC_ERR_NOTFOUND: there is none; NEC_ERR_UNSUPPORTED: another implementation or version.
 */
struct nec_error *nec_target_init(struct nec_target *t, const struct nec_image *image, bool quick);
void nec_target_deinit(struct nec_target *t);

#endif
