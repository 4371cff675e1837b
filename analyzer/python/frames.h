/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Python frames as memory: what a suspended or running frame holds. A frame object (2.7 to 3.10), or since 3.11 an interpreter frame that
 * lies on a thread's data stack, in a generator or in a frame object that outlived its call.
 */
#ifndef NEC_PYTHON_FRAMES_H
#define NEC_PYTHON_FRAMES_H

#include "python/visit.h"

/* The name of local number i (arguments, locals, cells, free variables) of a code object, to be freed; NULL where unknown. */
char *nec_code_local_name(const struct nec_target *t, uint64_t code, uint64_t i);

/* The innermost frame of a thread state: an interpreter frame (3.11 on) or a frame object; 0 for none. */
uint64_t nec_thread_frame(const struct nec_target *t, uint64_t thread);

/* Takes the tag bits off a word of a frame; 0 for what is no object (tagged ints, NULL). */
uint64_t nec_stackref(const struct nec_target *t, uint64_t word);

/* Is a word of a frame a reference that is counted? From 3.14 on it may be borrowed from another
 * one. */
bool nec_stackref_owns(const struct nec_target *t, uint64_t word);

/* The code object of an interpreter frame. */
uint64_t nec_iframe_code(const struct nec_target *t, uint64_t iframe);

/* How many words of localsplus hold objects; `locals_ret` (may be NULL) how many of these are locals, the rest is the value stack. */
uint64_t nec_iframe_slots(const struct nec_target *t, uint64_t iframe, uint64_t *locals_ret);

/* Emits what suspended frames own, from iframe outwards, as conservative references: who has them
 * was guessed. */
void nec_visit_frames(struct nec_visit *visit, uint64_t iframe);

void nec_visit_frame(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);
void nec_visit_generator(struct nec_visit *visit, uint64_t obj, const struct nec_type *type);
int64_t nec_size_frame(const struct nec_target *t, uint64_t obj, const struct nec_type *type);
int64_t nec_size_generator(const struct nec_target *t, uint64_t obj, const struct nec_type *type);

#endif
