/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the objects that retain the most alone keep alive, summed up by type while the dominators
 * are still columns: afterwards it would take a look at every row of object.
 */
#ifndef NEC_STORE_DOMINATED_H
#define NEC_STORE_DOMINATED_H

#include "store/store.h"

/* Rows of the table dominated, for the count objects ids, in any order. */
struct nec_error *nec_dominated_put(struct nec_store *store,
				    const struct nec_object_columns *columns, const uint32_t *ids,
				    uint32_t count);

#endif
