/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interrupting is a race by nature: nec_db_interrupt ends a statement that runs, and does nothing
 * when it comes just before the statement starts. So whoever cancelled a job that still runs does
 * so again at each look at the worker.
 */
#include "tui/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>

#include "tui/export.h"

struct nec_worker {
	struct nec_db *db;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work, finished;
	struct nec_job *waiting, *running, *done; /* in order */
	struct timespec running_since;
	bool leave;
	int fd;
};

struct nec_job *nec_job_create(enum nec_job_kind kind)
{
	struct nec_job *job = calloc(1, sizeof(*job));

	if (job)
		job->kind = kind;
	return job;
}

void nec_job_destroy(struct nec_job *job)
{
	if (!job)
		return;
	free(job->sql);
	free(job->filter);
	free(job->path);
	nec_params_deinit(&job->borrowed);
	nec_params_deinit(&job->params);
	nec_rowlist_deinit(&job->rows);
	for (char **name = job->columns; name && *name; name++)
		free(*name);
	free(job->columns);
	nec_error_destroy(job->error);
	free(job);
}

static struct nec_error *bind_params(struct nec_query *query, const struct nec_params *params)
{
	for (int i = 0; i < params->count; i++) {
		const struct nec_value *value = &params->at[i].value;
		char param[64];

		snprintf(param, sizeof(param), ":%s", params->at[i].name);
		if (value->type == NEC_COLUMN_INT)
			NEC_TRY(nec_query_bind_int(query, param, value->i));
		else if (value->type == NEC_COLUMN_TEXT)
			NEC_TRY(nec_query_bind_text(query, param, value->s));
	}
	return NULL;
}

/* query NULL: those of the maker. */
static struct nec_error *copy_names(struct nec_job *job, const struct nec_query *query)
{
	int count = 0;

	if (query)
		count = nec_query_column_count(query);
	else
		while (job->maker->columns[count])
			count++;
	job->columns = calloc((size_t)count + 1, sizeof(char *));
	if (!job->columns)
		return &nec_enomem;
	for (int i = 0; i < count; i++) {
		job->columns[i] =
			strdup(query ? nec_query_column_name(query, i) : job->maker->columns[i]);
		if (!job->columns[i])
			return &nec_enomem;
	}
	return NULL;
}

static struct nec_error *draw(struct nec_db *db, struct nec_job *job)
{
	const struct nec_dot_options options = {.referrers = 4, .progress = &job->progress};
	const struct nec_value *addr = nec_params_find(&job->params, "addr");
	_cleanup_free_ char *text = NULL;

	NEC_TRY(nec_dot(db, addr ? (uint64_t)addr->i : 0, &options, &text));
	return nec_export_is_svg(job->path) ? nec_export_svg(text, job->path, &job->cancelled)
					    : nec_export_text(text, job->path);
}

static struct nec_error *run(struct nec_db *db, struct nec_job *job)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	if (job->kind == NEC_JOB_DRAW)
		return draw(db, job);
	if (job->kind == NEC_JOB_MADE) {
		NEC_TRY(copy_names(job, NULL));
		return job->maker->make(db, &job->params, job->maker->max, &job->progress,
					&job->rows);
	}
	if (job->name)
		NEC_TRY(nec_query_page(db, job->name, &job->page, &query));
	else
		NEC_TRY(nec_query_sql(db, job->sql, &query));
	NEC_TRY(bind_params(query, &job->params));
	if (job->kind == NEC_JOB_EXPORT)
		return nec_export(query, job->path, &job->cancelled, &job->exported);
	NEC_TRY(copy_names(job, query));
	for (;;) {
		struct nec_row *row;
		bool more;

		if (job->cancelled)
			return nec_error_create(NEC_ERR_CANCELLED, "cancelled");
		NEC_TRY(nec_query_step(query, &more));
		if (!more)
			return NULL;
		if (job->row_max && job->rows.count == job->row_max) {
			job->cut = true;
			return NULL;
		}
		NEC_TRY(nec_row_copy(query, &row));
		NEC_TRY(nec_rowlist_add(&job->rows, row));
	}
}

static void append(struct nec_job **list, struct nec_job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static struct nec_db *db_of(struct nec_worker *worker, struct nec_job *job)
{
	return job->db ? job->db : worker->db;
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

static void *work(void *arg)
{
	struct nec_worker *worker = arg;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		struct nec_job *job;

		while (!worker->waiting && !worker->leave)
			pthread_cond_wait(&worker->work, &worker->lock);
		if (worker->leave)
			break;
		job = worker->waiting;
		worker->waiting = job->next;
		worker->running = job;
		clock_gettime(CLOCK_MONOTONIC, &worker->running_since);
		pthread_mutex_unlock(&worker->lock);

		job->error = run(db_of(worker, job), job);
		job->seconds = seconds_since(&worker->running_since);

		pthread_mutex_lock(&worker->lock);
		worker->running = NULL;
		append(&worker->done, job);
		pthread_cond_broadcast(&worker->finished);
		eventfd_write(worker->fd, 1);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

/* The thread takes no signals: they are the interface's. */
static int start(struct nec_worker *worker)
{
	sigset_t all, before;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

struct nec_error *nec_worker_create(struct nec_db *db, struct nec_worker **worker_ret)
{
	struct nec_worker *worker = calloc(1, sizeof(*worker));
	pthread_condattr_t monotonic;
	int errnum;

	if (!worker)
		return &nec_enomem;
	worker->db = db;
	worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->fd < 0) {
		errnum = errno;
		free(worker);
		return nec_error_os(errnum, "eventfd");
	}
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->work, NULL);
	pthread_cond_init(&worker->finished, &monotonic);
	pthread_condattr_destroy(&monotonic);
	errnum = start(worker);
	if (errnum) {
		close(worker->fd);
		free(worker);
		return nec_error_os(errnum, "cannot start a thread");
	}
	*worker_ret = worker;
	return NULL;
}

static void drop(struct nec_job **list, const void *owner)
{
	while (*list) {
		struct nec_job *job = *list;

		if (owner && job->owner != owner) {
			list = &job->next;
			continue;
		}
		*list = job->next;
		nec_job_destroy(job);
	}
}

void nec_worker_cancel(struct nec_worker *worker, const void *owner)
{
	pthread_mutex_lock(&worker->lock);
	drop(&worker->waiting, owner);
	drop(&worker->done, owner);
	if (worker->running && (!owner || worker->running->owner == owner)) {
		worker->running->cancelled = true;
		worker->running->progress.cancel = 1;
		nec_db_interrupt(db_of(worker, worker->running));
	}
	pthread_mutex_unlock(&worker->lock);
}

void nec_worker_destroy(struct nec_worker *worker)
{
	bool running = true;

	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->leave = true;
	pthread_cond_signal(&worker->work);
	pthread_mutex_unlock(&worker->lock);
	while (running) {
		struct timespec pause = {.tv_nsec = 5000000};

		nec_worker_cancel(worker, NULL);
		pthread_mutex_lock(&worker->lock);
		running = worker->running != NULL;
		pthread_mutex_unlock(&worker->lock);
		if (running)
			nanosleep(&pause, NULL);
	}
	pthread_join(worker->thread, NULL);
	drop(&worker->done, NULL);
	pthread_cond_destroy(&worker->work);
	pthread_cond_destroy(&worker->finished);
	pthread_mutex_destroy(&worker->lock);
	close(worker->fd);
	free(worker);
}

void nec_worker_submit(struct nec_worker *worker, struct nec_job *job)
{
	pthread_mutex_lock(&worker->lock);
	append(&worker->waiting, job);
	pthread_cond_signal(&worker->work);
	pthread_mutex_unlock(&worker->lock);
}

static void deadline(struct timespec *ts, int timeout_ms)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += timeout_ms / 1000;
	ts->tv_nsec += timeout_ms % 1000 * 1000000L;
	if (ts->tv_nsec >= 1000000000L) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000L;
	}
}

struct nec_job *nec_worker_take(struct nec_worker *worker, int timeout_ms)
{
	struct nec_job *job;
	struct timespec until;
	eventfd_t ignored;

	if (timeout_ms > 0)
		deadline(&until, timeout_ms);
	pthread_mutex_lock(&worker->lock);
	for (;;) {
		job = worker->done;
		if (job && job->cancelled) {
			worker->done = job->next;
			nec_job_destroy(job);
			continue;
		}
		if (job || timeout_ms == 0 || (!worker->waiting && !worker->running))
			break;
		if (worker->running && worker->running->cancelled)
			nec_db_interrupt(db_of(worker, worker->running));
		if (timeout_ms < 0)
			pthread_cond_wait(&worker->finished, &worker->lock);
		else if (pthread_cond_timedwait(&worker->finished, &worker->lock, &until) != 0)
			timeout_ms = 0;
	}
	if (job)
		worker->done = job->next;
	else
		eventfd_read(worker->fd, &ignored);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

bool nec_worker_busy(struct nec_worker *worker, double *seconds_ret)
{
	bool busy;

	pthread_mutex_lock(&worker->lock);
	busy = worker->waiting || worker->running || worker->done;
	if (worker->running && worker->running->cancelled)
		nec_db_interrupt(db_of(worker, worker->running));
	if (seconds_ret)
		*seconds_ret = worker->running ? seconds_since(&worker->running_since) : 0;
	pthread_mutex_unlock(&worker->lock);
	return busy;
}

int nec_worker_fd(const struct nec_worker *worker)
{
	return worker->fd;
}
