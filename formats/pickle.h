/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reader of Python pickles that executes nothing.
 *
 * A pickle is a program for a stack machine. This one knows numbers, strings, tuples, lists, dicts
 * and objects of the classes it was given by name, and the opcodes that build those in protocols 2
 * to 5; any other opcode or class ends the reading with an error that names it. Nothing is called
 * or imported; NEWOBJ and BUILD make a plain record.
 *
 * Items that are appended to lists are handed to a callback and not kept, so a list of millions of
 * tuples costs its tuples (which the memo may refer to) and no more. Everything kept is
 * proportional to the bytes read, in temporary files where it is much; a number from the pickle
 * never sizes anything. Source: Lib/pickletools.py of CPython.
 */
#ifndef NEC_FORMATS_PICKLE_H
#define NEC_FORMATS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/strtab.h"
#include "base/tmparray.h"

enum nec_pickle_kind {
	NEC_PICKLE_NONE,
	NEC_PICKLE_INT,    /* value of 61 bits */
	NEC_PICKLE_STR,    /* id in pickle.strings */
	NEC_PICKLE_TUPLE,  /* look through nec_pickle_tuple */
	NEC_PICKLE_LIST,   /* its number, from 0 */
	NEC_PICKLE_DICT,   /* its number, from 0 */
	NEC_PICKLE_CLASS,  /* index in pickle.classes */
	NEC_PICKLE_OBJECT, /* index of its class */
};

/* Kind in the low three bits, the rest above. */
typedef uint64_t nec_pickle_value;

static inline enum nec_pickle_kind nec_pickle_kind(nec_pickle_value v)
{
	return (enum nec_pickle_kind)(v & 7);
}

static inline int64_t nec_pickle_int(nec_pickle_value v)
{
	return (int64_t)v >> 3;
}

struct nec_pickle {
	/* By the caller, before nec_pickle_init. */
	const char *const *classes; /* "module name", NULL-terminated: what may be instantiated */
	void *arg;
	/* An item of a list. An error ends the reading. */
	struct nec_error *(*item)(void *arg, nec_pickle_value item);
	/* A key and value of a dict. */
	struct nec_error *(*pair)(void *arg, nec_pickle_value key, nec_pickle_value value);

	/* Its own. */
	struct nec_cursor c;
	struct nec_strtab strings;
	nec_pickle_value *stack;
	size_t depth, stack_capacity;
	size_t *marks;
	size_t mark_count, mark_capacity;
	struct nec_tmparray memo;   /* nec_pickle_value[] */
	struct nec_tmparray tuples; /* runs of: count, values */
	uint64_t lists, dicts;
	bool stopped; /* STOP was read */
	nec_pickle_value result;
};

/* Borrows data and dir. */
struct nec_error *nec_pickle_init(struct nec_pickle *pickle, const void *data, size_t size,
				  const char *dir);
void nec_pickle_deinit(struct nec_pickle *pickle); /* a zeroed one is fine */

/*
 * Executes up to `steps` opcodes. *more_ret: there are further ones. NEC_ERR_FORMAT says at which
 * byte what was wrong; what the callbacks were told before it holds.
 */
struct nec_error *nec_pickle_run(struct nec_pickle *pickle, unsigned int steps, bool *more_ret);

/* The values of a tuple, borrowed until the next run. */
const nec_pickle_value *nec_pickle_tuple(const struct nec_pickle *pickle, nec_pickle_value tuple,
					 uint64_t *count_ret);

/* "" for what is no string. */
const char *nec_pickle_str(const struct nec_pickle *pickle, nec_pickle_value value);

#endif
