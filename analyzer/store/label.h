/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a reference's label, made from the tables label, value and type when somebody asks
 * for it. */
#ifndef NEC_STORE_LABEL_H
#define NEC_STORE_LABEL_H

#include "store/pages.h"
#include "store/sqlite.h"

struct nec_labels;

struct nec_labels *
nec_labels_create(sqlite3 *db, struct nec_pages *pages); /* both borrowed; NULL: out of memory */
void nec_labels_destroy(struct nec_labels *labels);

/*
 * .name ['key'] [3] +0x18; "" for no label. A key or attribute name without a row in value reads
 * [<str at 0x..>]. *text_ret is to be freed with sqlite3_free. Returns a result code of SQLite.
 */
int nec_labels_text(struct nec_labels *labels, const struct nec_packed_ref *ref, char **text_ret);

#endif
