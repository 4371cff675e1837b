/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a process ended, in words: what a signal says, and who sent it. */
#ifndef NEC_CLI_DEATH_H
#define NEC_CLI_DEATH_H

#include "base/text.h"
#include "necropsy.h"

/*
 * Adds "SIGSEGV (11): it touched memory that it must not, at 0x10" or "nothing: it was running when
 * ..." as meta of db tells it; adds nothing when it does not tell.
 */
void nec_death_describe(struct nec_text *text, struct nec_db *db);

#endif
