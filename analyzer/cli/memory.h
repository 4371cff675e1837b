/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of necropsy memory. */
#ifndef NEC_CLI_MEMORY_H
#define NEC_CLI_MEMORY_H

#include <stdio.h>

#include "base/text.h"
#include "cli/command.h"

/* The address space and the arenas as text: a line a stretch, a character an arena. */
struct nec_error *nec_memory_map(struct nec_db *db, FILE *out);

/* The same as an SVG document, added to out. */
struct nec_error *nec_memory_svg(struct nec_db *db, struct nec_text *out);

/* What --limit-memory says. */
struct nec_memory_limit {
	int64_t bytes; /* 0: none */
	int64_t unit;
	const char *spelled; /* the unit */
};

struct nec_error *nec_memory_limit_read(const struct nec_cli *cli, struct nec_memory_limit *ret);

/* A line that compares total, the bytes of the address space, with a limit. */
void nec_memory_limit_print(struct nec_db *db, const struct nec_memory_limit *limit, int64_t total,
			    FILE *out);

/* Limits that the dump tells of, the lowest first, each with what it limits in its own unit. */
struct nec_error *nec_memory_limits_print(struct nec_db *db, FILE *out);

/* Several dumps: what they share. */
struct nec_error *nec_memory_workers(struct nec_cli *cli, FILE *out);

#endif
