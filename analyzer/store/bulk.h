/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two large tables, object and value, by INSERT ... SELECT out of virtual tables over arrays:
 * measured at half the time of binding and stepping a row at a time. On the thread that runs
 * SQLite.
 */
#ifndef NEC_STORE_BULK_H
#define NEC_STORE_BULK_H

#include "store/writer.h"

struct nec_error *nec_bulk_create(struct nec_store *store, struct nec_bulk **ret);
void nec_bulk_destroy(struct nec_bulk *bulk);

/* Values of a block, which is: address (8 bytes), length (4 bytes), text, again and again;
 * addresses ascend. */
struct nec_error *nec_bulk_values(struct nec_bulk *bulk, const struct nec_block *block);
/* Values that came out of order: encoded as in a block, by an index that is sorted. Of one address
 * the first is kept. */
struct nec_error *nec_bulk_late_values(struct nec_bulk *bulk, const uint8_t *data,
				       const struct nec_late *index, uint64_t count);
struct nec_error *nec_bulk_objects(struct nec_bulk *bulk, const struct nec_object_columns *columns);

#endif
