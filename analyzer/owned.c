/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The own bytes of every object; see owned.h. */
#include "owned.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/tmparray.h"
#include "store/leaf.h"
#include "whole.h"

enum { STEP = 1 << 14 }; /* objects between two looks at stop */

struct nec_owned {
	struct nec_leaf *leaf;
	struct nec_tmparray bytes; /* int64_t[count] */
	uint32_t count;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	struct nec_error *error; /* of the thread */
};

/* Figures of what somebody else wrote may be anything. */
static int64_t sum(const struct nec_leaf_cell *cells)
{
	int64_t bytes;

	if (!cells[NEC_OBJECT_DISTANCE].i)
		return -1;
	if (__builtin_add_overflow(cells[NEC_OBJECT_SIZE].i, cells[NEC_OBJECT_NATIVE_SIZE].i,
				   &bytes))
		return INT64_MAX;
	return bytes < 0 ? 0 : bytes;
}

static struct nec_error *read_rows(struct nec_owned *owned)
{
	struct nec_leaf_cell cells[NEC_LEAF_COLUMNS];
	int64_t *bytes = owned->bytes.data, addr;
	uint32_t id;
	bool more;

	for (id = 0; id < owned->count; id++) {
		if (id % STEP == 0 && atomic_load_explicit(&owned->stop, memory_order_relaxed))
			return NULL;
		NEC_TRY(nec_leaf_next(owned->leaf, &addr, &more));
		if (!more)
			return nec_error_create(NEC_ERR_STORE, "objects without rows");
		NEC_TRY(nec_leaf_cells(owned->leaf, NEC_OBJECT_DISTANCE + 1, cells));
		bytes[id] = sum(cells);
	}
	return NULL;
}

static void *run(void *arg)
{
	struct nec_owned *owned = arg;

	owned->error = read_rows(owned);
	return NULL;
}

static struct nec_error *start(struct nec_owned *owned, struct nec_db *db)
{
	NEC_TRY(nec_tmparray_init(&owned->bytes, nec_tmpdir()));
	NEC_TRY(nec_tmparray_resize(&owned->bytes, (size_t)owned->count * sizeof(int64_t)));
	NEC_TRY(nec_leaf_open(db, "object", 0, &owned->leaf));
	owned->running = pthread_create(&owned->thread, NULL, run, owned) == 0;
	/* Without a thread it takes longer. */
	return owned->running ? NULL : read_rows(owned);
}

struct nec_error *nec_owned_start(struct nec_db *db, uint32_t count, struct nec_owned **owned_ret)
{
	struct nec_owned *owned = calloc(1, sizeof(*owned));
	struct nec_error *err;

	if (!owned)
		return &nec_enomem;
	owned->bytes = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	owned->count = count;
	atomic_init(&owned->stop, false);
	err = start(owned, db);
	if (err) {
		nec_owned_destroy(owned);
		return err;
	}
	*owned_ret = owned;
	return NULL;
}

static void join(struct nec_owned *owned)
{
	if (owned->running)
		pthread_join(owned->thread, NULL);
	owned->running = false;
}

struct nec_error *nec_owned_wait(struct nec_owned *owned, const int64_t **bytes_ret)
{
	join(owned);
	*bytes_ret = owned->bytes.data;
	return nec_take(owned->error);
}

void nec_owned_destroy(struct nec_owned *owned)
{
	if (!owned)
		return;
	atomic_store(&owned->stop, true);
	join(owned);
	nec_error_destroy(owned->error);
	nec_leaf_close(owned->leaf);
	nec_tmparray_deinit(&owned->bytes);
	free(owned);
}
