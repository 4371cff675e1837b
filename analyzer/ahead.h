/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A source that reads ahead: it runs another one on a thread of its own and hands on what that one
 * says, in order. Whoever visits objects and whoever keeps them then work at the same time. What is
 * read ahead is bounded by bytes, and copied, so that facts are borrowed as from any source.
 *
 * The other source may not report progress from its next(), for it is not on the caller's thread.
 */
#ifndef NEC_AHEAD_H
#define NEC_AHEAD_H

#include "base/error.h"
#include "fact.h"

/* Starts reading source, which is owned from then on: on failure it is closed. */
struct nec_error *nec_ahead_open(struct nec_source *source, struct nec_source **source_ret);

#endif
