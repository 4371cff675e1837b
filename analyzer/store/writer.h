/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the writer (store.c, rows.c, bulk.c, objects.c): blocks of work for the thread that
 * runs SQLite.
 *
 * A block is an arena of encoded rows (rows.h), values (bulk.h), or a call. Whoever adds facts
 * fills the current block of each kind and hands it over when it is full; at most QUEUE_BLOCKS are
 * on their way, so a fast reader waits for a slow disk; values, of which there are as many as
 * objects, wait in a file instead (spill.h). Blocks are reused, and no row is allocated by itself.
 */
#ifndef NEC_STORE_WRITER_H
#define NEC_STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/tmparray.h"
#include "store/pack.h"
#include "store/spill.h"
#include "store/sqlite.h"
#include "store/store.h"

enum {
	NEC_BLOCK_SIZE = 256 << 10,
	NEC_QUEUE_BLOCKS = 8,
};

struct nec_block {
	enum { NEC_BLOCK_ROWS, NEC_BLOCK_VALUES, NEC_BLOCK_CALL } kind;
	/* CALL: runs on the thread with the database. */
	struct nec_error *(*call)(struct nec_store *store, void *arg);
	void *arg;
	size_t size; /* bytes in use of data */
	_Alignas(8) uint8_t data[NEC_BLOCK_SIZE];
};

struct nec_rows;
struct nec_bulk;

struct nec_store {
	char *path, *partial, *dir;
	int lock_fd; /* .partial, locked while the store lives */

	/* The thread's, and everybody's once it was joined. */
	sqlite3 *db;
	struct nec_rows *rows;
	struct nec_bulk *bulk;

	pthread_t thread;
	bool running;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct nec_block *queue[NEC_QUEUE_BLOCKS]; /* a ring */
	unsigned int head, queued;
	struct nec_block *spare[NEC_QUEUE_BLOCKS + 4];
	unsigned int spare_count;
	struct nec_spill spill;    /* values that the queue had no place for */
	struct nec_block *spilled; /* the thread's: one of these */
	bool busy;               /* the thread is at a block that is no longer in the queue */
	bool stop;               /* end when the queue is empty */
	struct nec_error *error; /* of the thread, until somebody took it */
	bool failed;             /* blocks are dropped from now on */
	atomic_bool abort;       /* long statements end early */
	atomic_ullong rows_done; /* of the statement that runs */

	/* The caller's. */
	struct nec_block *current_rows, *current_values;
	struct nec_pack_out *out;
	uint32_t last_object; /* id of the last references */
	bool any_object;
	uint64_t last_value; /* address of the last value that went to a block */
	bool readable; /* all long work is done, see nec_store_readable */
	bool any_value;
	struct nec_tmparray late;       /* values out of order: as in a block */
	struct nec_tmparray late_index; /* struct nec_late, by address once sorted */
	uint32_t type_count;            /* highest id of a TYPE fact + 1 */
};

/* Where a value that came out of order lies in late. */
struct nec_late {
	uint64_t addr;
	uint64_t off;
};

/* A fresh block. */
struct nec_error *nec_writer_block(struct nec_store *store, int kind, struct nec_block **ret);
/* Queues block, which is the thread's from then on; waits while the queue is full. */
struct nec_error *nec_writer_send(struct nec_store *store, struct nec_block *block);
/* Hands over the current blocks and waits until everything is done; progress may be NULL. */
struct nec_error *nec_writer_wait(struct nec_store *store, struct nec_progress *progress,
				  const char *stage, uint64_t total);
/* Has fn run on the thread after everything queued; nec_writer_wait waits for it. */
struct nec_error *nec_writer_begin(struct nec_store *store,
				   struct nec_error *(*fn)(struct nec_store *store, void *arg),
				   void *arg);
/* Runs fn on the thread after everything queued, and waits for it. Cancelling ends statements
 * early. */
struct nec_error *nec_writer_call(struct nec_store *store,
				  struct nec_error *(*fn)(struct nec_store *store, void *arg),
				  void *arg, struct nec_progress *progress, const char *stage,
				  uint64_t total);

/* What SQLite said, as an error. */
struct nec_error *nec_writer_error(sqlite3 *db, int rc, const char *doing);
struct nec_error *nec_writer_exec(sqlite3 *db, const char *sql);

#endif
