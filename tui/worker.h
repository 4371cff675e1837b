/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries beside the interface: one thread runs them in turn and nobody else asks the databases
 * anything, so a key is answered whatever a query takes. A job is a page of a named query, or an
 * SQL statement, or rows that somebody works out (maker.h); its rows come back whole, or go to a
 * file as they come (an export). A drawing goes to a file, too. A job can be cancelled at any time,
 * running or waiting.
 */
#ifndef NEC_TUI_WORKER_H
#define NEC_TUI_WORKER_H

#include "tui/maker.h"
#include "tui/rows.h"

struct nec_worker;

enum nec_job_kind { NEC_JOB_PAGE, NEC_JOB_SQL, NEC_JOB_EXPORT, NEC_JOB_MADE, NEC_JOB_DRAW };

struct nec_job {
	struct nec_db *db; /* asked; NULL: the worker's own */
	/* The question; strings of page and name are borrowed of tables, sql, filter and path are
	 * owned. */
	enum nec_job_kind kind;
	const char *name; /* of a query; NULL: sql */
	char *sql;
	char *filter; /* page.filter points here */
	char *path;   /* EXPORT, DRAW: the file, made with mode 0600; .json by its name, else CSV */
	struct nec_page page;
	struct nec_params borrowed; /* what page's sort and key values borrow */
	struct nec_params params;
	size_t row_max;                /* SQL: rows that are kept */
	const struct nec_maker *maker; /* MADE */

	/* Whom to answer: the worker only hands these back. A cancelled job is answered as well. */
	void *owner;
	int tag;

	/* The answer. */
	struct nec_rowlist rows;
	char **columns;          /* their names; NULL-terminated, owned */
	bool cut;                /* SQL: there is more than row_max */
	int64_t exported;        /* rows */
	double seconds;          /* that it took */
	struct nec_error *error; /* owned */

	volatile bool cancelled;
	struct nec_progress progress; /* of MADE and DRAW */
	struct nec_job *next;
};

struct nec_job *nec_job_create(enum nec_job_kind kind); /* NULL: no memory */
void nec_job_destroy(struct nec_job *job);              /* NULL is fine */

struct nec_error *nec_worker_create(struct nec_db *db, struct nec_worker **worker_ret);
/* Cancels everything and waits for the thread. NULL is fine. */
void nec_worker_destroy(struct nec_worker *worker);

/* Consumes job until nec_worker_take hands it back. */
void nec_worker_submit(struct nec_worker *worker, struct nec_job *job);
/* The next finished job, the caller's; NULL when there is none after timeout_ms (0: do not wait;
 * -1: until idle). */
struct nec_job *nec_worker_take(struct nec_worker *worker, int timeout_ms);
/* Ends all jobs of an owner (NULL: all); they are not handed back. Call again while
 * nec_worker_busy: see worker.c. */
void nec_worker_cancel(struct nec_worker *worker, const void *owner);
/* Is anything waiting, running, or finished and not taken? seconds_ret: since when the running one
 * runs; may be NULL. */
bool nec_worker_busy(struct nec_worker *worker, double *seconds_ret);
/* Becomes readable when a job is finished. */
int nec_worker_fd(const struct nec_worker *worker);

#endif
