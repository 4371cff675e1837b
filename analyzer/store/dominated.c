/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of dominated objects; see dominated.h. */
#include <stdlib.h>
#include <string.h>

#include "base/u64map.h"
#include "store/dominated.h"
#include "store/rows.h"
#include "store/writer.h"

struct sum {
	uint32_t holder, type;
	int64_t count, bytes;
};

struct dominated {
	uint8_t *holders;         /* a bit by id */
	struct nec_u64map index;  /* holder and type -> index in sums */
	struct nec_tmparray sums; /* struct sum */
};

static bool is_holder(const struct dominated *d, uint32_t id)
{
	return d->holders[id / 8] >> id % 8 & 1;
}

static struct nec_error *add(struct dominated *d, uint32_t holder, uint32_t type, int64_t bytes)
{
	uint64_t key = ((uint64_t)holder << 32 | type) + 1; /* 0 is no key */
	uint32_t *at = nec_u64map_find(&d->index, key);
	struct sum fresh = {.holder = holder, .type = type}, *sum;
	bool added;

	if (!at) {
		NEC_TRY(nec_u64map_add(&d->index, key, (uint32_t)(d->sums.size / sizeof(fresh)),
				       &added));
		NEC_TRY(nec_tmparray_append(&d->sums, &fresh, sizeof(fresh)));
		at = nec_u64map_find(&d->index, key);
	}
	sum = (struct sum *)d->sums.data + *at;
	sum->count++;
	/* Sizes come from the dump: their sum may be more than anything. */
	if (__builtin_add_overflow(sum->bytes, bytes, &sum->bytes))
		sum->bytes = INT64_MAX;
	return NULL;
}

static struct nec_error *sum_up(struct dominated *d, const struct nec_object_columns *c)
{
	uint32_t id;

	for (id = 0; id < c->count; id++)
		if (c->idom[id] < c->count && is_holder(d, c->idom[id]) && !is_holder(d, id))
			NEC_TRY(add(d, c->idom[id], c->type[id], c->retained[id]));
	return NULL;
}

static struct nec_error *put(struct nec_store *store, const struct dominated *d,
			     const struct nec_object_columns *c)
{
	const struct sum *sums = d->sums.data;
	uint64_t count = d->sums.size / sizeof(*sums), i;

	for (i = 0; i < count; i++) {
		const struct nec_cell cells[] = {
			nec_cell_int((int64_t)c->addr[sums[i].holder]),
			nec_cell_int(sums[i].type),
			nec_cell_int(sums[i].count),
			nec_cell_int(sums[i].bytes),
		};

		NEC_TRY(nec_rows_put(store, NEC_ROW_DOMINATED, cells));
	}
	return NULL;
}

struct nec_error *nec_dominated_put(struct nec_store *store,
				    const struct nec_object_columns *columns, const uint32_t *ids,
				    uint32_t count)
{
	struct dominated d = {.sums = NEC_TMPARRAY_INIT};
	struct nec_error *err;
	uint32_t i;

	if (!columns->idom || !columns->retained)
		return NULL;
	d.holders = calloc((size_t)columns->count / 8 + 1, 1);
	if (!d.holders)
		return &nec_enomem;
	for (i = 0; i < count; i++)
		d.holders[ids[i] / 8] |= (uint8_t)(1 << ids[i] % 8);
	err = nec_u64map_init(&d.index, store->dir);
	if (!err)
		err = nec_tmparray_init(&d.sums, store->dir);
	if (!err)
		err = sum_up(&d, columns);
	if (!err)
		err = put(store, &d, columns);
	free(d.holders);
	nec_u64map_deinit(&d.index);
	nec_tmparray_deinit(&d.sums);
	return err;
}
