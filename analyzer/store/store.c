/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Life of a database under construction: the file, the thread that runs SQLite, and the queue to
 * it. See store.h, writer.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "necropsy.h"
#include "store/bulk.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/sqltext.h"
#include "store/writer.h"

enum { WAIT_MS = 100 };

struct nec_error *nec_writer_error(sqlite3 *db, int rc, const char *doing)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return &nec_enomem;
	case SQLITE_FULL:
		return nec_error_create(NEC_ERR_NOSPACE, "database: no room left on the disk");
	case SQLITE_INTERRUPT:
		return nec_error_create(NEC_ERR_CANCELLED, "cancelled while %s", doing);
	case SQLITE_IOERR:
		/* A full disk shows as a failed write as well. */
		if (sqlite3_system_errno(db))
			return nec_error_os(sqlite3_system_errno(db), "database: %s", doing);
	}
	return nec_error_create(NEC_ERR_STORE, "database: %s: %s", doing, sqlite3_errmsg(db));
}

struct nec_error *nec_writer_exec(sqlite3 *db, const char *sql)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? NULL : nec_writer_error(db, rc, sql);
}

/* ---- the thread ---- */

static struct nec_error *run_block(struct nec_store *store, struct nec_block *block)
{
	switch (block->kind) {
	case NEC_BLOCK_ROWS:
		return nec_rows_insert(store->rows, block);
	case NEC_BLOCK_VALUES:
		return nec_bulk_values(store->bulk, block);
	case NEC_BLOCK_CALL:
		return block->call(store, block->arg);
	}
	return NULL;
}

static void recycle(struct nec_store *store, struct nec_block *block)
{
	if (store->spare_count < sizeof(store->spare) / sizeof(store->spare[0]))
		store->spare[store->spare_count++] = block;
	else
		free(block);
}

/* The next block, with the mutex held; NULL: there is none, and that is the end. */
static struct nec_block *next_block(struct nec_store *store)
{
	struct nec_block *block;

	while (!store->queued && (nec_spill_is_empty(&store->spill) || store->failed) &&
	       !store->stop)
		pthread_cond_wait(&store->changed, &store->mutex);
	if (store->queued) {
		block = store->queue[store->head];
		store->head = (store->head + 1) % NEC_QUEUE_BLOCKS;
		store->queued--;
		return block;
	}
	if (nec_spill_is_empty(&store->spill) || store->failed)
		return NULL;
	nec_spill_take(&store->spill, store->spilled);
	return store->spilled;
}

static void *thread_main(void *arg)
{
	struct nec_store *store = arg;
	struct nec_error *err;
	struct nec_block *block;

	pthread_mutex_lock(&store->mutex);
	while ((block = next_block(store))) {
		store->busy = true;
		if (!store->failed) {
			pthread_cond_broadcast(&store->changed);
			pthread_mutex_unlock(&store->mutex);
			err = run_block(store, block);
			pthread_mutex_lock(&store->mutex);
			if (err) {
				store->failed = true;
				store->error = err;
			}
		}
		store->busy = false;
		if (block != store->spilled)
			recycle(store, block);
		pthread_cond_broadcast(&store->changed);
	}
	pthread_mutex_unlock(&store->mutex);
	return NULL;
}

/* What the thread ran into, once; with the mutex held. */
static struct nec_error *take_error(struct nec_store *store)
{
	if (!store->failed)
		return NULL;
	if (store->error)
		return nec_take(store->error);
	return nec_error_create(NEC_ERR_STORE, "database: failed before");
}

struct nec_error *nec_writer_block(struct nec_store *store, int kind, struct nec_block **ret)
{
	struct nec_block *block = NULL;

	pthread_mutex_lock(&store->mutex);
	if (store->spare_count)
		block = store->spare[--store->spare_count];
	pthread_mutex_unlock(&store->mutex);
	if (!block)
		block = malloc(sizeof(*block));
	if (!block)
		return &nec_enomem;
	block->kind = kind;
	block->size = 0;
	*ret = block;
	return NULL;
}

struct nec_error *nec_writer_send(struct nec_store *store, struct nec_block *block)
{
	struct nec_error *err;

	pthread_mutex_lock(&store->mutex);
	while (store->queued == NEC_QUEUE_BLOCKS && block->kind != NEC_BLOCK_VALUES &&
	       !store->failed)
		pthread_cond_wait(&store->changed, &store->mutex);
	err = take_error(store);
	if (err) {
		recycle(store, block);
	} else if (block->kind == NEC_BLOCK_VALUES &&
		   (store->queued == NEC_QUEUE_BLOCKS || !nec_spill_is_empty(&store->spill))) {
		/* In their order: behind those that wait already. */
		err = nec_spill_put(&store->spill, block);
		recycle(store, block);
	} else {
		store->queue[(store->head + store->queued++) % NEC_QUEUE_BLOCKS] = block;
		pthread_cond_broadcast(&store->changed);
	}
	pthread_mutex_unlock(&store->mutex);
	return err;
}

static struct nec_error *send_current(struct nec_store *store)
{
	struct nec_block *block = nec_take(store->current_rows);

	if (block)
		NEC_TRY(nec_writer_send(store, block));
	block = nec_take(store->current_values);
	return block ? nec_writer_send(store, block) : NULL;
}

struct nec_error *nec_writer_wait(struct nec_store *store, struct nec_progress *progress,
				  const char *stage, uint64_t total)
{
	struct nec_error *err = NULL, *cancelled = NULL;
	struct timespec until;

	NEC_TRY(send_current(store));
	pthread_mutex_lock(&store->mutex);
	while ((store->queued || !nec_spill_is_empty(&store->spill) || store->busy) &&
	       !store->failed) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_cond_timedwait(&store->changed, &store->mutex, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&store->mutex);
		if (!cancelled) {
			cancelled = nec_progress_step(progress, stage,
						      atomic_load(&store->rows_done), total);
			if (cancelled)
				atomic_store(&store->abort, true);
		}
		pthread_mutex_lock(&store->mutex);
	}
	/* A call that failed may still be returning. */
	while (store->busy)
		pthread_cond_wait(&store->changed, &store->mutex);
	err = take_error(store);
	pthread_mutex_unlock(&store->mutex);
	if (!cancelled)
		return err;
	nec_error_destroy(err);
	return cancelled;
}

struct nec_error *nec_writer_begin(struct nec_store *store,
				   struct nec_error *(*fn)(struct nec_store *store, void *arg),
				   void *arg)
{
	struct nec_block *block;

	NEC_TRY(send_current(store));
	NEC_TRY(nec_writer_block(store, NEC_BLOCK_CALL, &block));
	block->call = fn;
	block->arg = arg;
	atomic_store(&store->rows_done, 0);
	return nec_writer_send(store, block);
}

struct nec_error *nec_writer_call(struct nec_store *store,
				  struct nec_error *(*fn)(struct nec_store *store, void *arg),
				  void *arg, struct nec_progress *progress, const char *stage,
				  uint64_t total)
{
	NEC_TRY(nec_writer_begin(store, fn, arg));
	return nec_writer_wait(store, progress, stage, total);
}

/* ---- the file ---- */

/*
 * Opens .partial, empty, and locks it. What is there may be the leftover of a load that was
 * killed (taken over) or belong to one that is at work (an error).
 */
static struct nec_error *open_partial(struct nec_store *store)
{
	struct stat opened, named;
	int fd;

	for (;;) {
		fd = open(store->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			  0600);
		if (fd < 0)
			return nec_error_os(errno, "%s", store->partial);
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			int errnum = errno;

			close(fd);
			if (errnum == EWOULDBLOCK)
				return nec_error_create(NEC_ERR_STORE,
							"%s: another load is writing it",
							store->partial);
			return nec_error_os(errnum, "%s", store->partial);
		}
		if (fstat(fd, &opened)) {
			int errnum = errno;

			close(fd);
			return nec_error_os(errnum, "%s", store->partial);
		}
		/* The other load may have renamed it between our open and our lock. */
		if (lstat(store->partial, &named) == 0 && named.st_ino == opened.st_ino &&
		    named.st_dev == opened.st_dev) {
			if (!opened.st_size || !S_ISREG(opened.st_mode))
				break;
			/* Removed and not truncated: ext4 flushes a file that was truncated when it
			 * is closed. */
			unlink(store->partial);
		}
		close(fd);
	}
	if (!S_ISREG(opened.st_mode)) {
		close(fd);
		return nec_error_create(NEC_ERR_STORE, "%s: not a regular file", store->partial);
	}
	store->lock_fd = fd;
	if (fchmod(fd, 0600))
		return nec_error_os(errno, "%s", store->partial);
	return NULL;
}

static struct nec_error *open_database(struct nec_store *store)
{
	char header[160];
	int rc = sqlite3_open_v2(store->partial, &store->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return nec_writer_error(store->db, rc, store->partial);
	snprintf(header, sizeof(header), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		 NEC_APPLICATION_ID, NEC_SCHEMA_VERSION);
	/* Nothing is worth a journal: until the rename there is no database. */
	NEC_TRY(nec_writer_exec(store->db, "PRAGMA page_size = 16384;"
					   "PRAGMA locking_mode = EXCLUSIVE;"
					   "PRAGMA journal_mode = OFF;"
					   "PRAGMA synchronous = OFF;"
					   "PRAGMA cache_size = -8192;"
					   "PRAGMA secure_delete = OFF;"));
	NEC_TRY(nec_writer_exec(store->db, header));
	NEC_TRY(nec_writer_exec(store->db, "BEGIN"));
	NEC_TRY(nec_writer_exec(store->db, nec_sqltext_find("schema")));
	NEC_TRY(nec_rows_create(store->db, &store->rows));
	return nec_bulk_create(store, &store->bulk);
}

static struct nec_error *emit_out(void *arg, const struct nec_pack_row *row)
{
	bool first_part = !(row->key & ((1u << NEC_PACK_PART_BITS) - 1));
	const struct nec_cell cells[] = {
		nec_cell_int((int64_t)row->key),
		first_part ? nec_cell_int((int64_t)row->addr) : nec_cell_addr(0),
		nec_cell_int(row->count),
		nec_cell_blob(row->data, row->size),
	};

	return nec_rows_put(arg, NEC_ROW_PACK_OUT, cells);
}

static struct nec_error *start_store(struct nec_store *store, const char *path)
{
	char *slash;
	int rc;

	store->path = strdup(path);
	store->dir = strdup(path);
	if (asprintf(&store->partial, "%s.partial", path) < 0)
		store->partial = NULL;
	if (!store->path || !store->partial || !store->dir)
		return &nec_enomem;
	slash = strrchr(store->dir, '/');
	if (!slash)
		strcpy(store->dir, *path ? "." : "");
	else
		slash[slash == store->dir] = '\0';
	NEC_TRY(open_partial(store));
	NEC_TRY(open_database(store));
	store->out = nec_pack_out_create(emit_out, store);
	if (!store->out)
		return &nec_enomem;
	store->spilled = malloc(sizeof(*store->spilled));
	if (!store->spilled)
		return &nec_enomem;
	NEC_TRY(nec_tmparray_init(&store->spill.data, store->dir));
	NEC_TRY(nec_tmparray_init(&store->late, store->dir));
	NEC_TRY(nec_tmparray_init(&store->late_index, store->dir));
	rc = pthread_create(&store->thread, NULL, thread_main, store);
	if (rc)
		return nec_error_os(rc, "thread for the database");
	store->running = true;
	return NULL;
}

struct nec_error *nec_store_create(const char *path, struct nec_store **store_ret)
{
	struct nec_store *store = calloc(1, sizeof(*store));
	struct nec_error *err;

	if (!store)
		return &nec_enomem;
	store->lock_fd = -1;
	store->late.fd = store->late_index.fd = store->spill.data.fd = -1;
	pthread_mutex_init(&store->mutex, NULL);
	pthread_cond_init(&store->changed, NULL);
	err = start_store(store, path);
	if (err) {
		nec_store_abandon(store);
		return err;
	}
	*store_ret = store;
	return NULL;
}

static void stop_thread(struct nec_store *store)
{
	if (!store->running)
		return;
	pthread_mutex_lock(&store->mutex);
	store->stop = true;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->mutex);
	pthread_join(store->thread, NULL);
	store->running = false;
}

static struct nec_error *close_database(struct nec_store *store)
{
	int rc;

	nec_rows_destroy(nec_take(store->rows));
	nec_bulk_destroy(nec_take(store->bulk));
	rc = sqlite3_close(nec_take(store->db));
	return rc == SQLITE_OK ? NULL
			       : nec_error_create(NEC_ERR_STORE, "%s: %s", store->partial,
						  sqlite3_errstr(rc));
}

/* Frees everything; the database is closed and the file renamed or removed. */
static void destroy(struct nec_store *store)
{
	nec_error_destroy(store->error);
	free(store->current_rows);
	free(store->current_values);
	while (store->queued--)
		free(store->queue[(store->head + store->queued) % NEC_QUEUE_BLOCKS]);
	while (store->spare_count)
		free(store->spare[--store->spare_count]);
	nec_pack_out_destroy(store->out);
	free(store->spilled);
	nec_tmparray_deinit(&store->spill.data);
	nec_tmparray_deinit(&store->late);
	nec_tmparray_deinit(&store->late_index);
	pthread_mutex_destroy(&store->mutex);
	pthread_cond_destroy(&store->changed);
	free(store->path);
	free(store->partial);
	free(store->dir);
	free(store);
}

void nec_store_abandon(struct nec_store *store)
{
	if (!store)
		return;
	atomic_store(&store->abort, true);
	pthread_mutex_lock(&store->mutex);
	store->failed = true;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->mutex);
	stop_thread(store);
	nec_error_destroy(close_database(store));
	/* Without the lock the file is somebody else's. */
	if (store->lock_fd >= 0) {
		unlink(store->partial);
		close(store->lock_fd);
	}
	destroy(store);
}

static int compare_late(const void *pa, const void *pb)
{
	const struct nec_late *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

/* The last long work of the thread: values that came out of order, the indexes, the commit. */
static struct nec_error *complete(struct nec_store *store, void *arg)
{
	uint64_t late = store->late_index.size / sizeof(struct nec_late);

	(void)arg;
	if (late) {
		qsort(store->late_index.data, late, sizeof(struct nec_late), compare_late);
		NEC_TRY(nec_bulk_late_values(store->bulk, store->late.data, store->late_index.data,
					     late));
	}
	NEC_TRY(nec_writer_exec(store->db, nec_sqltext_find("index")));
	NEC_TRY(nec_writer_exec(store->db, "COMMIT"));
	/* The lock on the file goes with the first statement after the change. */
	return nec_writer_exec(store->db,
			       "PRAGMA locking_mode = NORMAL; SELECT 1 FROM meta LIMIT 1");
}

struct nec_error *nec_store_readable(struct nec_store *store, const char **path_ret)
{
	if (!store->readable) {
		NEC_TRY(nec_pack_out_flush(store->out));
		NEC_TRY(nec_writer_call(store, complete, NULL, NULL, "finishing", 0));
		store->readable = true;
	}
	*path_ret = store->partial;
	return NULL;
}

static struct nec_error *finish(struct nec_store *store)
{
	const struct nec_cell cells[] = {nec_cell_text("complete"), nec_cell_text("1")};
	const char *path;

	NEC_TRY(nec_store_readable(store, &path));
	NEC_TRY(nec_rows_put(store, NEC_ROW_META, cells));
	NEC_TRY(nec_writer_wait(store, NULL, "finishing", 0));
	stop_thread(store);
	NEC_TRY(close_database(store));
	if (rename(store->partial, store->path))
		return nec_error_os(errno, "%s", store->path);
	close(store->lock_fd);
	store->lock_fd = -1;
	return NULL;
}

struct nec_error *nec_store_finish(struct nec_store *store)
{
	struct nec_error *err = finish(store);

	if (err)
		nec_store_abandon(store);
	else
		destroy(store);
	return err;
}
