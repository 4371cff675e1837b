/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All references of a database as a graph in arrays: for questions that no walk from one object
 * answers. Costs a second or so for ten million objects, and the bytes of its arrays in temporary
 * files.
 */
#ifndef NEC_WHOLE_H
#define NEC_WHOLE_H

#include "fact.h"
#include "graph/graph.h"
#include "pattern.h"

struct nec_whole_options {
	const struct nec_patterns *without; /* references to leave out; may be NULL */
	const char *const
		*not_roots; /* kinds of roots to leave out, NULL-terminated; may be NULL */
	enum nec_root_doubt doubted; /* roots of this doubt or more are left out; NEC_ROOT_SURE: none */
	bool weak;          /* keep weak references */
	struct nec_progress *progress;
};

struct nec_whole {
	struct nec_graph graph; /* a reference that was left out leads back to where it came from */
	struct nec_tmparray types; /* uint32_t[node_count] */
	struct nec_tmparray roots; /* uint32_t ids, ascending */
	uint32_t root_count;
	uint64_t cut_count; /* references left out by `without` */
};

/* Where temporary files of a question go. */
const char *nec_tmpdir(void);

struct nec_error *nec_whole_load(struct nec_db *db, struct nec_edges *edges,
				 const struct nec_whole_options *options,
				 struct nec_whole *whole_ret);
void nec_whole_deinit(struct nec_whole *whole);

/* Is kind in a NULL-terminated list, which may be NULL? */
bool nec_list_has(const char *const *list, const char *text);

#endif
