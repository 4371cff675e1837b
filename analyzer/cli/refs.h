/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of `refs` and `show` that both print. */
#ifndef NEC_CLI_REFS_H
#define NEC_CLI_REFS_H

#include "cli/command.h"

/* How many references lead from the object, and to it. */
struct nec_error *nec_refs_count(struct nec_db *db, uint64_t addr, int64_t *out_ret,
				 int64_t *in_ret);

/* The table of a query (referents, referrers, items) of the object at addr. */
struct nec_error *nec_refs_print(struct nec_cli *cli, FILE *out, const char *query_name,
				 uint64_t addr, int64_t limit, int indent, bool *more_ret);

/* "builtins.dict at 0x7f..", and its value below, from a row of the query `object`. */
struct nec_error *nec_object_print_head(struct nec_query *object, FILE *out);

#endif
