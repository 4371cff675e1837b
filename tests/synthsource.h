/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A source of facts that was never dumped: any number of objects with every kind of reference and
 * label, the same ones for the same options. What it says of object i can be asked for as well, so
 * that a test can compare without keeping anything.
 *
 * Object i < type_count is the type object of type i; one in five of the others has references.
 * Addresses ascend with i.
 */
#ifndef NEC_TESTS_SYNTHSOURCE_H
#define NEC_TESTS_SYNTHSOURCE_H

#include "fact.h"

struct synth_options {
	uint32_t count;         /* objects, more than type_count */
	uint32_t type_count;    /* 0: 50 */
	uint32_t long_list;     /* object type_count is a list of that many references; 0: none */
	uint32_t chunk;         /* references of one fact, 0: all */
	uint32_t values_of_ten; /* objects of ten that have a value */
	bool shuffled;          /* objects come in no order */
	bool tail;              /* twice, misplaced and stray things too */
};

enum { SYNTH_REFS = 40 }; /* most references of an object that is not the long list */

struct nec_source *synth_create(const struct synth_options *options); /* NULL: out of memory */

uint64_t synth_addr(uint32_t i);
uint32_t synth_type(const struct synth_options *o, uint32_t i);
int64_t synth_size(const struct synth_options *o, uint32_t i);
int64_t synth_native(uint32_t i);   /* NEC_UNKNOWN for some */
int64_t synth_refcount(uint32_t i); /* some do not fit 32 bits */
bool synth_has_value(const struct synth_options *o, uint32_t i);
/* Its value, in buf; returns its length. */
uint32_t synth_value(uint32_t i, char buf[64]);
/* How many references it has, and the n-th of these. Some are dangling. */
uint32_t synth_ref_count(const struct synth_options *o, uint32_t i);
struct nec_ref synth_ref(const struct synth_options *o, uint32_t i, uint32_t n);
/* Names of the fixed labels. */
extern const char *const synth_strings[3];

#endif
