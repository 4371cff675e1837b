/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What could be there once and is there many times: equal values of immutable types, and dicts that
 * have the same keys in the same order, each in a table of its own.
 *
 * Each object that can be equal to another one has a digest of what it contains. That of a string
 * or a number comes with the object, or is made of its value where that is all of it; that of a
 * tuple is made of its items', once all of these are known, and of tuples inside of tuples as deep
 * as NEC_CONTENTS_DEPTH. The digest of a dict is made of its keys. An item that is none of these is
 * equal to itself alone.
 */
#ifndef NEC_CONTENTS_H
#define NEC_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/tmparray.h"
#include "graph/graph.h"
#include "store/store.h"

enum { NEC_CONTENTS_DEPTH = 3 };

struct nec_contents {
	struct nec_tmparray digest; /* uint64_t by id of the object; 0: equal to no other one */
	struct nec_tmparray kind;   /* uint8_t by id of the type: enum in contents.c */
	bool told;                  /* the source has digests of its own */
};

void nec_contents_init(struct nec_contents *contents);
void nec_contents_deinit(struct nec_contents *contents);
struct nec_error *nec_contents_begin(struct nec_contents *contents, const char *tmpdir);

/* A TYPE fact. */
struct nec_error *nec_contents_type(struct nec_contents *contents, uint32_t type, const char *name);

/* An OBJECT fact with the digest that the source has of it, 0: none. contents->digest has room. */
void nec_contents_object(struct nec_contents *contents, uint32_t id, uint32_t type,
			 uint64_t content);

/* The VALUE of object id of that type. text: a preview of len bytes. For sources that have no
 * digests. */
void nec_contents_value(struct nec_contents *contents, uint32_t id, uint32_t type, const char *text,
			uint32_t len);

/* References of object id of that type, in order; may be called again with those that follow.
 * complete: none of them leads nowhere. */
void nec_contents_references(struct nec_contents *contents, uint32_t id, uint32_t type,
			     const struct nec_packed_ref *refs, uint32_t count, bool complete);

/* What nec_contents_put needs to know of the objects; all arrays are by id, and borrowed. */
struct nec_contents_objects {
	const uint64_t *addr;
	const uint32_t *type;
	const uint32_t *size;          /* bytes, as in struct nec_object_columns */
	const uint8_t *flags;          /* NEC_OBJECT_* */
	const struct nec_graph *graph; /* edges in order of the references */
	uint32_t count;
	const char *tmpdir;
};

/* Finds what is equal and puts the rows of the table duplicate. */
struct nec_error *nec_contents_put(struct nec_contents *contents,
				   const struct nec_contents_objects *objects,
				   struct nec_store *store);

#endif
