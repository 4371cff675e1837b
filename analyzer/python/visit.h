/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Visiting one object: its references with kind and label, and the parts of it that lie elsewhere (a list's items, a dict's
 * keys). Nothing recurses; memory is the caller's and reused.
 */
#ifndef NEC_PYTHON_VISIT_H
#define NEC_PYTHON_VISIT_H

#include "fact.h"
#include "python/types.h"

/* Memory that belongs to an object. */
struct nec_part {
	uint64_t addr;
	uint64_t size;	/* bytes */
	bool in_size;	/* sys.getsizeof counts it already */
};

struct nec_heap;
struct nec_malloc;

struct nec_visit {
	const struct nec_target *target;
	struct nec_types *types;
	const struct nec_heap *heap; /* borrowed; NULL: native blocks are not followed */
	const struct nec_malloc *malloc; /* borrowed; NULL: not known */
	const struct nec_addrset *parts_known; /* borrowed: blocks that belong to objects seen so
						  far; NULL: not known */
	struct nec_ref *refs; /* owned */
	uint32_t ref_count, ref_capacity;
	struct nec_part *parts; /* owned */
	uint32_t part_count, part_capacity;
	bool failed;         /* out of memory */
	uint64_t faults;     /* memory of objects that the dump does not have */
	uint64_t long_words; /* in arrays outside of blocks that are known */
};

void nec_visit_init(struct nec_visit *visit, struct nec_types *types);
void nec_visit_deinit(struct nec_visit *visit);

/* Replaces visit->refs and visit->parts by those of obj. The reference to the type itself is left out. */
void nec_visit_object(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);

bool nec_visit_grow_refs(struct nec_visit *visit);

/* For visitors: dst may be 0, which is no reference. */
static inline void nec_emit(struct nec_visit *visit, uint64_t dst, enum nec_ref_kind kind,
			    enum nec_label_kind label_kind, uint64_t label)
{
	if (!dst || (visit->ref_count == visit->ref_capacity && !nec_visit_grow_refs(visit)))
		return;
	visit->refs[visit->ref_count++] = (struct nec_ref){
		.dst = dst,
		.label = label,
		.kind = (uint8_t)kind,
		.label_kind = (uint8_t)label_kind,
	};
}

void nec_emit_part(struct nec_visit *visit, uint64_t addr, uint64_t size, bool in_size);

/* A label of nec_follow_native: no references are in the blocks. */
#define NEC_LABEL_OPAQUE UINT32_MAX

/*
 * Follows a word that may be the address of a native block (pymalloc's raw one, or a chunk of malloc): emits the block as a part and
 * the words in it that may be objects as conservative references, through at most max_blocks blocks.
 */
void nec_follow_native(struct nec_visit *visit, uint64_t addr, uint32_t label, unsigned int max_blocks);

/* The strong reference in a field, called by text. */
void nec_emit_field(struct nec_visit *visit, uint64_t addr, enum nec_field field, const char *label);

/* count words at addr as references, called [0], [1], ...; faults are counted. */
void nec_emit_array(struct nec_visit *visit, uint64_t addr, uint64_t count);

/* The visitor of a C type, NULL for none. */
const struct nec_visitor *nec_visitor_find(const struct nec_target *t, const char *tp_name);

/*
 * Is there an object at addr, for somebody who only has a word that says so? Besides its head: a block of pymalloc must be in use,
 * begin with it (or with what belongs before it), and be large enough.
 */
const struct nec_type *nec_object_candidate(struct nec_types *types, const struct nec_heap *heap, uint64_t addr);

/* A C structseq (os.stat_result, ...), recognised by its n_fields and not by its name. */
extern const struct nec_visitor nec_visitor_structseq;

/* The value of a small int object; 0 for what is none. */
int64_t nec_int_value(const struct nec_target *t, uint64_t obj);

/* Bytes of so many items, whatever their sign says; 0 for more than a process has. */
int64_t nec_items_size(int64_t items, int64_t size);

/* sys.getsizeof(obj): what the type says, and what lies before the object. */
int64_t nec_object_size(const struct nec_target *t, uint64_t obj, const struct nec_type *type);

/* Is an object that has a collector header in one of the collector's lists? */
bool nec_gc_tracked(const struct nec_target *t, uint64_t obj);

/* The count of references; *immortal_ret (may be NULL): it is a mark and no count. */
int64_t nec_object_refcount(const struct nec_target *t, uint64_t obj, bool *immortal_ret);

/* Bytes before obj that belong to it: the collector's header, managed words, trace-refs links are part of the object. */
uint64_t nec_object_presize(const struct nec_target *t, const struct nec_type *type, uint64_t obj);

/* The __dict__ of an instance whose tp_dictoffset is below zero: counted from the end of a variable object. */
uint64_t nec_dict_at_end(const struct nec_target *t, uint64_t obj, const struct nec_type *type);

#endif
