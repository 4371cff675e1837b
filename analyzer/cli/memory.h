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

/* Several dumps: what they share. */
struct nec_error *nec_memory_workers(struct nec_cli *cli, FILE *out);

#endif
