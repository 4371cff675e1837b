/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a load: packed referrers, packed instances, sums by type, the largest objects, and the
 * rows of object. While the thread inserts the rows, which takes longest, the caller finds out what
 * sets of objects retain.
 */
#include <stdlib.h>
#include <string.h>

#include "store/bulk.h"
#include "store/dominated.h"
#include "store/rows.h"
#include "store/writer.h"

enum {
	LARGEST = 1000, /* ranks that are kept */
	STEP = 1 << 16, /* objects between two looks at the progress */
};

/* ---- referrers ---- */

static struct nec_error *emit_in(void *arg, const struct nec_pack_row *row)
{
	const struct nec_cell cells[] = {
		nec_cell_int((int64_t)row->key),
		nec_cell_int(row->count),
		nec_cell_blob(row->data, row->size),
	};

	return nec_rows_put(arg, NEC_ROW_PACK_IN, cells);
}

static struct nec_error *emit_instances(void *arg, const struct nec_pack_row *row)
{
	const struct nec_cell cells[] = {
		nec_cell_int((int64_t)row->key),
		nec_cell_int(row->count),
		nec_cell_blob(row->data, row->size),
	};

	return nec_rows_put(arg, NEC_ROW_PACK_INSTANCE, cells);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The objects that are types, ascending; *count_ret of them. To be freed. */
static struct nec_error *sort_types(const struct nec_referrer_columns *c, uint32_t **ret,
				    uint32_t *count_ret)
{
	uint32_t *ids = malloc(((size_t)c->type_count + 1) * sizeof(*ids)), n = 0, i;

	if (!ids)
		return &nec_enomem;
	for (i = 0; i < c->type_count; i++)
		if (c->type_object[i] != UINT32_MAX)
			ids[n++] = c->type_object[i];
	qsort(ids, n, sizeof(*ids), compare_ids);
	*ret = ids;
	*count_ret = n;
	return NULL;
}

static bool to_own_type(const struct nec_referrer_columns *c, uint32_t src, uint32_t dst)
{
	return c->type[src] < c->type_count && c->type_object[c->type[src]] == dst;
}

/* Merges the edges of one object with the extra ones; *extra is the next of these. */
static struct nec_error *pack_sources(struct nec_pack_in *pack,
				      const struct nec_referrer_columns *c, uint32_t dst,
				      bool is_type, uint64_t *extra)
{
	uint64_t i = c->start[dst], end = c->start[dst + 1];

	for (;;) {
		bool more = *extra < c->extra_count && c->extra[*extra] >> 32 == dst;
		uint32_t src;

		while (is_type && i < end && to_own_type(c, c->from[i], dst))
			i++;
		if (i == end && !more)
			return NULL;
		if (more && (i == end || (uint32_t)c->extra[*extra] <= c->from[i]))
			src = (uint32_t)c->extra[(*extra)++];
		else
			src = c->from[i++];
		NEC_TRY(nec_pack_in_source(pack, src));
	}
}

static struct nec_error *pack_referrers(struct nec_pack_in *pack,
					const struct nec_referrer_columns *c, const uint32_t *types,
					uint32_t type_count, struct nec_progress *progress)
{
	uint64_t extra = 0;
	uint32_t t = 0, dst;

	for (dst = 0; dst < c->count; dst++) {
		if (dst % STEP == 0)
			NEC_TRY(nec_progress_step(progress, "referrers", dst, c->count));
		while (t < type_count && types[t] < dst)
			t++;
		NEC_TRY(nec_pack_in_object(pack));
		NEC_TRY(pack_sources(pack, c, dst, t < type_count && types[t] == dst, &extra));
	}
	return nec_pack_in_flush(pack);
}

struct nec_error *nec_store_referrers(struct nec_store *store,
				      const struct nec_referrer_columns *columns,
				      struct nec_progress *progress)
{
	_cleanup_free_ uint32_t *types = NULL;
	struct nec_pack_in *pack;
	struct nec_error *err;
	uint32_t type_count;

	NEC_TRY(nec_pack_out_flush(store->out));
	NEC_TRY(sort_types(columns, &types, &type_count));
	pack = nec_pack_in_create(emit_in, store);
	if (!pack)
		return &nec_enomem;
	err = pack_referrers(pack, columns, types, type_count, progress);
	nec_pack_in_destroy(pack);
	return err;
}

/* ---- sums by type, and the largest ---- */

struct sums {
	int64_t count, bytes, native;
};

/* A heap with the smallest on top, of the LARGEST largest. */
struct top {
	uint32_t count;
	struct ranked {
		int64_t bytes;
		uint32_t id;
	} heap[LARGEST];
};

static bool below(const struct ranked *a, const struct ranked *b)
{
	return a->bytes != b->bytes ? a->bytes < b->bytes : a->id > b->id;
}

static void swap(struct ranked *a, struct ranked *b)
{
	struct ranked t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct top *top)
{
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < top->count) {
		if (child + 1 < top->count && below(&top->heap[child + 1], &top->heap[child]))
			child++;
		if (!below(&top->heap[child], &top->heap[i]))
			return;
		swap(&top->heap[child], &top->heap[i]);
		i = child;
	}
}

static void rank(struct top *top, uint32_t id, int64_t bytes)
{
	struct ranked r = {bytes, id};
	uint32_t i;

	if (top->count == LARGEST) {
		if (!below(&top->heap[0], &r))
			return;
		top->heap[0] = r;
		sift_down(top);
		return;
	}
	i = top->count++;
	top->heap[i] = r;
	for (; i && below(&top->heap[i], &top->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&top->heap[i], &top->heap[(i - 1) / 2]);
}

static int by_bytes(const void *a, const void *b)
{
	return below(a, b) ? 1 : below(b, a) ? -1 : 0;
}

static struct nec_error *put_largest(struct nec_store *store, struct top *top, const char *by,
				     const uint64_t *addr)
{
	uint32_t i;

	qsort(top->heap, top->count, sizeof(top->heap[0]), by_bytes);
	for (i = 0; i < top->count; i++) {
		const struct nec_cell cells[] = {
			nec_cell_text(by),
			nec_cell_int(i + 1),
			nec_cell_int((int64_t)addr[top->heap[i].id]),
			nec_cell_int(top->heap[i].bytes),
		};

		NEC_TRY(nec_rows_put(store, NEC_ROW_LARGEST, cells));
	}
	return NULL;
}

/* A value that may be in columns->large; *large is the first entry that is not below id. */
static int64_t exact(const struct nec_object_columns *c, const uint32_t *column, uint32_t which,
		     uint32_t id, uint64_t *large)
{
	uint64_t i;

	if (!column)
		return 0;
	if (column[id] != UINT32_MAX)
		return column[id];
	while (*large < c->large_count && c->large[*large].id < id)
		++*large;
	for (i = *large; i < c->large_count && c->large[i].id == id; i++)
		if (c->large[i].column == which)
			return c->large[i].value;
	return 0;
}

static struct nec_error *put_sums(struct nec_store *store, const struct nec_object_columns *c,
				  const struct sums *sums)
{
	uint32_t type;

	for (type = 0; type < store->type_count; type++) {
		const struct nec_cell cells[] = {
			nec_cell_int(type),
			nec_cell_int(sums[type].count),
			nec_cell_int(sums[type].bytes),
			nec_cell_known(c->native ? sums[type].native : NEC_UNKNOWN),
		};

		NEC_TRY(nec_rows_put(store, NEC_ROW_TYPE_SUMS, cells));
	}
	return NULL;
}

/* One pass over the objects: sums by type and the largest. */
static struct nec_error *sum_up(struct nec_store *store, const struct nec_object_columns *c,
				struct sums *sums, struct top *by_size, struct top *by_retained)
{
	uint64_t large = 0;
	uint32_t id;

	for (id = 0; id < c->count; id++) {
		int64_t size = exact(c, c->size, NEC_LARGE_SIZE, id, &large);
		int64_t native = exact(c, c->native, NEC_LARGE_NATIVE, id, &large);

		if (c->type[id] < store->type_count) {
			sums[c->type[id]].count++;
			/* Sizes come from the dump: their sum may be more than anything. */
			if (__builtin_add_overflow(sums[c->type[id]].bytes, size,
						   &sums[c->type[id]].bytes))
				sums[c->type[id]].bytes = INT64_MAX;
			if (__builtin_add_overflow(sums[c->type[id]].native, native,
						   &sums[c->type[id]].native))
				sums[c->type[id]].native = INT64_MAX;
		}
		if (__builtin_add_overflow(size, native, &size))
			size = INT64_MAX;
		rank(by_size, id, size);
		if (c->retained)
			rank(by_retained, id, c->retained[id]);
	}
	NEC_TRY(put_sums(store, c, sums));
	NEC_TRY(put_largest(store, by_size, "size", c->addr));
	return put_largest(store, by_retained, "retained", c->addr);
}

static struct nec_error *put_dominated(struct nec_store *store, const struct nec_object_columns *c,
				       const struct top *by_retained)
{
	uint32_t ids[LARGEST], i;

	for (i = 0; i < by_retained->count; i++)
		ids[i] = by_retained->heap[i].id;
	return nec_dominated_put(store, c, ids, by_retained->count);
}

/* ---- instances ---- */

/* Ids by type, by counting and filling; sums has the counts. */
static struct nec_error *pack_instances(struct nec_store *store, const struct nec_object_columns *c,
					const struct sums *sums)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray array = NEC_TMPARRAY_INIT;
	_cleanup_free_ uint64_t *next = calloc((size_t)store->type_count + 1, sizeof(*next));
	uint32_t *ids, id, type;
	uint64_t total = 0;

	if (!next)
		return &nec_enomem;
	for (type = 0; type < store->type_count; type++) {
		next[type] = total;
		total += (uint64_t)sums[type].count;
	}
	NEC_TRY(nec_tmparray_init(&array, store->dir));
	NEC_TRY(nec_tmparray_resize(&array, total * sizeof(*ids)));
	ids = array.data;
	for (id = 0; id < c->count; id++)
		if (c->type[id] < store->type_count)
			ids[next[c->type[id]]++] = id;
	for (type = 0; type < store->type_count; type++)
		NEC_TRY(nec_pack_instances(type, ids + next[type] - sums[type].count,
					   (uint32_t)sums[type].count, emit_instances, store));
	return NULL;
}

/* ---- rows ---- */

static struct nec_error *insert_objects(struct nec_store *store, void *arg)
{
	return nec_bulk_objects(store->bulk, arg);
}

struct nec_error *nec_store_objects_begin(struct nec_store *store,
					  const struct nec_object_columns *columns)
{
	_cleanup_free_ struct sums *sums = calloc((size_t)store->type_count + 1, sizeof(*sums));
	_cleanup_free_ struct top *by_size = calloc(1, sizeof(*by_size));
	_cleanup_free_ struct top *by_retained = calloc(1, sizeof(*by_retained));

	if (!sums || !by_size || !by_retained)
		return &nec_enomem;
	NEC_TRY(nec_pack_out_flush(store->out));
	NEC_TRY(sum_up(store, columns, sums, by_size, by_retained));
	NEC_TRY(put_dominated(store, columns, by_retained));
	NEC_TRY(pack_instances(store, columns, sums));
	return nec_writer_begin(store, insert_objects, (void *)columns);
}

struct nec_error *nec_store_objects_end(struct nec_store *store,
					const struct nec_object_columns *columns,
					struct nec_progress *progress)
{
	return nec_writer_wait(store, progress, "objects", columns->count);
}

/* ---- sets of objects ---- */

struct nec_error *nec_store_type_retained(struct nec_store *store, const int64_t *retained,
					  uint32_t count)
{
	uint32_t type;

	for (type = 0; type < count; type++)
		NEC_TRY(nec_rows_put(store, NEC_ROW_TYPE_RETAINED,
				     (const struct nec_cell[]){nec_cell_int(type),
							       nec_cell_int(retained[type])}));
	return NULL;
}

struct nec_error *nec_store_thread_retained(struct nec_store *store, uint32_t id, int64_t retained)
{
	return nec_rows_put(store, NEC_ROW_THREAD_RETAINED,
			    (const struct nec_cell[]){nec_cell_int(id), nec_cell_int(retained)});
}

struct nec_error *nec_store_duplicate(struct nec_store *store, const char *kind, uint32_t rank,
				      uint64_t addr, uint32_t count, int64_t bytes)
{
	return nec_rows_put(
		store, NEC_ROW_DUPLICATE,
		(const struct nec_cell[]){nec_cell_text(kind), nec_cell_int(rank),
					  nec_cell_int((int64_t)addr), nec_cell_int(count),
					  nec_cell_int(bytes)});
}

struct nec_error *nec_store_short(struct nec_store *store, uint64_t addr, int64_t owners)
{
	return nec_rows_put(
		store, NEC_ROW_SHORT_COUNT,
		(const struct nec_cell[]){nec_cell_int((int64_t)addr), nec_cell_int(owners)});
}

struct nec_error *nec_store_group_retained(struct nec_store *store, const char *kind,
					   const char *name, int64_t retained)
{
	return nec_rows_put(store, NEC_ROW_TYPE_GROUP,
			    (const struct nec_cell[]){nec_cell_text(kind), nec_cell_text(name),
						      nec_cell_int(retained)});
}
