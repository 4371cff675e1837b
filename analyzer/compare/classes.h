/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The types of several snapshots as one list of classes, whoever wrote the snapshots: heapy says
 * `types.CodeType` and `dict of a.B`, meliae says `Foo` for a class of any module, Python 2 has
 * __builtin__ where Python 3 has builtins. A name is normalised first; where a name without a
 * module is all that one snapshot knows, it stands for the one class of another that ends in it.
 */
#ifndef NEC_COMPARE_CLASSES_H
#define NEC_COMPARE_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strtab.h"
#include "base/text.h"
#include "necropsy.h"

#define NEC_CLASS_NONE UINT32_MAX

/* What is known of the kind of object that a class makes. */
enum {
	NEC_CLASS_VALUE = 1, /* its preview says all of it: numbers, strings */
	NEC_CLASS_FIXED = 2, /* what it refers to never changes: tuples and the like */
	NEC_CLASS_SHARED =
		4, /* everybody refers to it: being referred to by it, or to it, proves nothing */
	NEC_CLASS_SET = 8,
	NEC_CLASS_SEQUENCE = 16,
	NEC_CLASS_DICT = 32,
};

struct nec_class {
	uint32_t flags;
	char *module; /* NULL: not known; owned */
};

struct nec_classes {
	struct nec_strtab names; /* by class */
	struct nec_class *items; /* [names.count] */
	uint32_t capacity;
};

/* One snapshot's types and figures in terms of classes. */
struct nec_class_side {
	uint32_t *of_type; /* [type_count]: class of a type.id, NEC_CLASS_NONE: none */
	uint32_t type_count;
	struct nec_class_sum {
		int64_t count,
			bytes; /* with native ones; count -1: the class is not in this snapshot */
	} * sums;              /* [sum_count], by class */
	uint32_t sum_count;
};

void nec_classes_deinit(struct nec_classes *classes);
void nec_class_side_deinit(struct nec_class_side *side);

/* Adds the types of db, from `type` where it has objects, else from the census of the number
 * `series` (-1: the last). */
struct nec_error *nec_classes_add(struct nec_classes *classes, struct nec_db *db, int64_t series,
				  struct nec_class_side *side_ret);

/* Makes the bare names of one side the full ones of the other where that is possible. */
struct nec_error *nec_classes_join(struct nec_classes *classes, struct nec_class_side *a,
				   struct nec_class_side *b);

/* Adds the normalised name. */
void nec_class_name(struct nec_text *t, const char *name);

static inline uint32_t nec_class_of(const struct nec_class_side *side, uint32_t type)
{
	return type < side->type_count ? side->of_type[type] : NEC_CLASS_NONE;
}

static inline struct nec_class_sum nec_class_sum(const struct nec_class_side *side, uint32_t class)
{
	return class < side->sum_count ? side->sums[class] : (struct nec_class_sum)
	{
		- 1, 0
	};
}

#endif
