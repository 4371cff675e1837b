/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a user calls references and objects, as Python would write them:
 *
 *	.name  ['key']  [3]	every reference of that name, whoever has it
 *	0x7f..  0x7f...name	an object; what its attribute refers to; likewise ['key'] and [3],
 *and chains of these module.Class.name	the same, from a class: a class attribute
 *	module.Class().name	the same, from each instance of the class
 *	X->Y			references from X to Y, where each is an address, a class (its
 *instances) or *
 *
 * After an object, .name also finds what is kept as 'name' in its __dict__. A class needs its module only where the name
 *alone is not clear.
 */
#ifndef NEC_PATTERN_H
#define NEC_PATTERN_H

#include "store/edges.h"

struct nec_pattern;

/* NEC_ERR_USAGE for what cannot be read, NEC_ERR_NOTFOUND for what the dump does not have. edges
 * are borrowed. */
struct nec_error *nec_pattern_create(struct nec_db *db, struct nec_edges *edges, const char *text,
				     struct nec_pattern **pattern_ret);
void nec_pattern_destroy(struct nec_pattern *pattern); /* NULL is fine */

static inline void nec_pattern_destroyp(struct nec_pattern **patternp)
{
	nec_pattern_destroy(*patternp);
}

enum nec_match {
	NEC_MATCH_NO,
	NEC_MATCH_YES,
	NEC_MATCH_BY_TYPE, /* yes if nec_pattern_match_type says so of the type of dst */
};

/* Is edge meant? src_type: type of edge->src. */
struct nec_error *nec_pattern_match(struct nec_pattern *pattern, const struct nec_edge *edge,
				    uint32_t src_type, enum nec_match *match_ret);
bool nec_pattern_match_type(const struct nec_pattern *pattern, uint32_t dst_type);

/* The objects that a pattern leads to; none where it names references alone. Borrowed. */
const uint32_t *nec_pattern_objects(const struct nec_pattern *pattern, uint32_t *count_ret);

/*
 * Makes a pattern that leads to objects mean their items: references labelled ['key'], [3] or .name from them. One that
 * names references alone stays.
 */
struct nec_error *nec_pattern_weaken(struct nec_pattern *pattern);

/*
 * "lru_cache=N": the references of all entries of every functools.lru_cache but the N newest. What a newer entry refers to as well
 * stays.
 */
struct nec_error *nec_pattern_create_cap(struct nec_db *db, struct nec_edges *edges,
					 const char *text, struct nec_pattern **pattern_ret);

/* A list of patterns. */
struct nec_patterns {
	struct nec_pattern **items; /* owned */
	uint32_t count;
};

/* texts: NULL-terminated; NULL is an empty list. */
struct nec_error *nec_patterns_init(struct nec_patterns *list, struct nec_db *db,
				    struct nec_edges *edges, const char *const *texts);
void nec_patterns_deinit(struct nec_patterns *list);

/* The ids of the types of that name, in full or in short, or at that address. *types_ret: to be
 * freed. */
struct nec_error *nec_find_types(struct nec_db *db, const char *name, uint32_t **types_ret,
				 uint32_t *count_ret);

#endif
