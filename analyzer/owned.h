/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The own bytes of every object of a database in an array, read from the file on a thread of its
 * own while the caller does something else: it takes half of the time that reading all references
 * does.
 */
#ifndef NEC_OWNED_H
#define NEC_OWNED_H

#include <stdint.h>

#include "base/error.h"
#include "necropsy.h"

struct nec_owned;

/* Begins to read the first count objects. db is borrowed until this returns. */
struct nec_error *nec_owned_start(struct nec_db *db, uint32_t count, struct nec_owned **owned_ret);

/* Waits for the end. bytes_ret, borrowed until nec_owned_destroy: by id, size and native; -1: it is
 * garbage. */
struct nec_error *nec_owned_wait(struct nec_owned *owned, const int64_t **bytes_ret);

void nec_owned_destroy(struct nec_owned *owned); /* stops it; NULL is fine */

#endif
