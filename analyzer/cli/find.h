/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user calls an object or a type: addresses, and names in full or in short. */
#ifndef NEC_CLI_FIND_H
#define NEC_CLI_FIND_H

#include <stdint.h>

#include "necropsy.h"

/* 0x7f..., hexadecimal with a letter in it, or decimal; NEC_ERR_USAGE otherwise. */
struct nec_error *nec_parse_addr(const char *text, uint64_t *addr_ret);

/*
 * The object at text, an address, as the query `object` (a row is there). NEC_ERR_NOTFOUND says
 * what is at that address instead: the object or the mapping that it lies in.
 */
struct nec_error *nec_find_object(struct nec_db *db, const char *text, uint64_t *addr_ret,
				  struct nec_query **query_ret);

/* Columns of the query `object`. */
enum {
	NEC_OBJECT_ADDR,
	NEC_OBJECT_TYPE,
	NEC_OBJECT_TYPE_ADDR,
	NEC_OBJECT_SIZE,
	NEC_OBJECT_NATIVE,
	NEC_OBJECT_REFCOUNT,
	NEC_OBJECT_REFERRERS,
	NEC_OBJECT_RETAINED,
	NEC_OBJECT_DISTANCE,
	NEC_OBJECT_IDOM,
	NEC_OBJECT_IDOM_TYPE,
	NEC_OBJECT_IDOM_VALUE,
	NEC_OBJECT_VALUE,
	NEC_OBJECT_ROOTS, /* what kinds of root it is, with labels */
};

/*
 * Types by full name (builtins.dict), by short name (dict) where no full one is the same, or by
 * address, as the parameters :name and :addr of the queries `types_named` and `objects_of_types`.
 */
struct nec_error *nec_bind_type(struct nec_query *query, const char *text);

#endif
