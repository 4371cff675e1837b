/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which objects of two snapshots of one process are the same. CPython's objects do not move, so the
 * same object is at the same address and of the same class; the other way round an address may have
 * been given to a new object of the class meanwhile. What tells them apart:
 *
 *   - a number or string with another value, a tuple with other items, is another object for
 * certain;
 *   - a reference that is there in both, from an object that is the same to this one, says it was
 * never let go of; so does a root that is there in both;
 *   - an object of which no number or string is what it was is a new one, unless it has a name:
 * what an attribute or a global refers to is changed more often than replaced, what lies in a
 * container is replaced.
 *
 * Evidence is gathered in two merges (merge.h). Objects that turn out to be new no longer speak for
 * what they refer to, so verdicts on those are looked at once more, until nothing changes. Memory:
 * 4 bytes an object of A and 3 of B, in temporary files.
 */
#ifndef NEC_COMPARE_PAIRING_H
#define NEC_COMPARE_PAIRING_H

#include "base/progress.h"
#include "base/tmparray.h"
#include "compare/classes.h"
#include "compare/merge.h"

#define NEC_PAIR_NONE UINT32_MAX

/* What is known of an object of B. */
enum {
	NEC_PAIR_MATCHED = 1, /* A has one of the same class there, and nothing rules out that it is
				 the same */
	NEC_PAIR_SAME = 2,    /* refers as before to an object that may change */
	NEC_PAIR_SAME_VALUE = 4, /* ... to a number, string or tuple that not everybody has */
	NEC_PAIR_CHANGED2 = 8,   /* two references or more are gone or to others */
	NEC_PAIR_OWNED = 16,     /* the dict of an instance or module that is matched */
	NEC_PAIR_ROOT = 32,      /* a root of the same kind in both */
	NEC_PAIR_REUSED = 64,    /* verdict: another object at the same address */
	NEC_PAIR_DECIDED = 128,
};

enum nec_verdict {
	NEC_VERDICT_BORN,          /* nothing of its class was there */
	NEC_VERDICT_SAME,          /* held by the same holder all along */
	NEC_VERDICT_SAME_LIKELY,   /* only its content says so */
	NEC_VERDICT_REUSED,        /* value or content rule it out */
	NEC_VERDICT_REUSED_LIKELY, /* nothing that it was held by or held is left */
	NEC_VERDICTS,
};

extern const char *const nec_verdict_names[NEC_VERDICTS];
/* How sure a verdict is, from 0 to 1: measured on services that record the births and deaths of
 * their objects. */
extern const double nec_verdict_confidence[NEC_VERDICTS];

/* A container that is the same and has another length. */
struct nec_grown {
	uint32_t id; /* in B */
	uint32_t length_a, length_b;
};

struct nec_pairing {
	struct nec_db *a, *b;
	const struct nec_classes *classes;
	const struct nec_class_side *side_a, *side_b;
	uint32_t count_a, count_b;
	struct nec_tmparray b_of_a; /* uint32_t[count_a]: id in B, NEC_PAIR_NONE: gone */
	struct nec_tmparray state;  /* uint8_t[count_b]: NEC_PAIR_* */
	struct nec_tmparray
		support; /* uint8_t[count_b]: matched objects that refer to it in both, up to 255 */
	struct nec_tmparray kind;                     /* uint8_t[count_b]: NEC_CLASS_* */
	struct nec_tmparray grown[NEC_MERGE_WORKERS]; /* struct nec_grown, ascending */
	/* Labels of references that say nothing of who an object is, and of instances' dicts, by
	 * side. */
	uint32_t key_labels[2][3], dict_labels[2][2];
	uint64_t verdicts[NEC_VERDICTS]; /* objects of B */
	uint64_t matched_addresses; /* addresses that have an object of the same class in both */
	struct nec_progress *progress;
};

/* Everything is borrowed but what is made here. */
struct nec_error *nec_pairing_run(struct nec_pairing *pairing);
void nec_pairing_deinit(struct nec_pairing *pairing); /* a zeroed one is fine */

static inline uint32_t nec_pairing_b(const struct nec_pairing *p, uint32_t a)
{
	return ((const uint32_t *)p->b_of_a.data)[a];
}

/* Is this object of B there in A? Otherwise it was born since. */
static inline bool nec_pairing_same(const struct nec_pairing *p, uint32_t b)
{
	return (((const uint8_t *)p->state.data)[b] & (NEC_PAIR_MATCHED | NEC_PAIR_REUSED)) ==
	       NEC_PAIR_MATCHED;
}

enum nec_verdict nec_pairing_verdict(const struct nec_pairing *p, uint32_t b);

#endif
