/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of `refs` and `show` that both print. */
#ifndef NEC_CLI_REFS_H
#define NEC_CLI_REFS_H

#include "cli/command.h"

/* Of one object. */
struct nec_ref_counts {
	int64_t referents; /* references it has */
	int64_t items;     /* of these, not to its type */
	int64_t referrers; /* references to it */
};

struct nec_error *nec_refs_count(struct nec_db *db, uint64_t addr,
				 struct nec_ref_counts *counts_ret);

/* The table of a query (referents, referrers, items) of the object at addr. */
struct nec_error *nec_refs_print(struct nec_cli *cli, FILE *out, const char *query_name,
				 uint64_t addr, int64_t limit, int indent);

/* "builtins.dict at 0x7f..", and its value below, from a row of the query `object`. */
struct nec_error *nec_object_print_head(struct nec_query *object, FILE *out);

#endif
