/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The notes of a core: PRSTATUS and the other registers of each thread, PRPSINFO, SIGINFO, AUXV and
 * FILE, in the kernel's order. Which sets of registers there are is a table; the kernel says which
 * of them this machine has.
 */
#ifndef NEC_CAPTURE_NOTES_H
#define NEC_CAPTURE_NOTES_H

#include "base/text.h"
#include "capture/target.h"

/* Adds them to notes, whose `failed` tells whether there was memory for them. */
void nec_notes_make(const struct nec_target *target, struct nec_text *notes);

#endif
