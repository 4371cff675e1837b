/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_stacks_read: the threads of a dump or of a database in arrays. Both come in as facts, in the
 * order thread, frame, local. Texts are interned, so that a recursion of 50,000 frames has one
 * name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "fact.h"
#include "formats/format.h"
#include "necropsy.h"
#include "python/python.h"

/* What the caller sees, and what its strings live in. */
struct stacks {
	struct nec_stacks stacks;
	struct nec_strtab texts;
	uint32_t thread_capacity, frame_capacity, local_capacity, traceback_capacity, warning_capacity;
};

/* Room for one more of an array of items of this size. */
static struct nec_error *grow(void *array_ptr, size_t size, uint32_t count, uint32_t *capacity)
{
	void *items, **array = array_ptr;
	uint32_t n;

	if (count < *capacity)
		return NULL;
	if (count >= UINT32_MAX / 2)
		return &nec_enomem;
	n = count ? count * 2 : 64;
	items = reallocarray(*array, n, size);
	if (!items)
		return &nec_enomem;
	*array = items;
	*capacity = n;
	return NULL;
}

static struct nec_error *intern(struct stacks *s, const char *text, const char **ret)
{
	uint32_t id;

	*ret = NULL;
	if (!text)
		return NULL;
	NEC_TRY(nec_strtab_intern(&s->texts, text, strlen(text), &id));
	*ret = nec_strtab_get(&s->texts, id);
	return NULL;
}

static struct nec_error *add_thread(struct stacks *s, const struct nec_fact *f)
{
	struct nec_stacks *st = &s->stacks;
	struct nec_stacks_thread *thread;

	NEC_TRY(grow(&st->threads, sizeof(*thread), st->thread_count, &s->thread_capacity));
	thread = &st->threads[st->thread_count];
	*thread = (struct nec_stacks_thread){
		.id = f->thread.id,
		.tid = f->thread.tid,
		.ident = f->thread.ident,
		.addr = f->thread.addr,
		.daemon = f->thread.daemon,
		.interpreter = f->thread.interpreter,
		.frame = st->frame_count,
		.exception_addr = f->thread.exception_addr,
		.raised = st->traceback_count,
		.retained = -1,
	};
	NEC_TRY(intern(s, f->thread.exception, &thread->exception));
	NEC_TRY(intern(s, f->thread.name, &thread->name));
	NEC_TRY(intern(s, f->thread.state, &thread->state));
	NEC_TRY(intern(s, f->thread.gil, &thread->gil));
	st->thread_count++;
	return NULL;
}

static struct nec_error *add_traceback(struct stacks *s, const struct nec_fact *f,
				       struct nec_stacks_thread *thread)
{
	struct nec_stacks *st = &s->stacks;
	struct nec_stacks_raised *raised;

	NEC_TRY(grow(&st->tracebacks, sizeof(*raised), st->traceback_count,
		     &s->traceback_capacity));
	raised = &st->tracebacks[st->traceback_count];
	raised->line = f->traceback.line;
	NEC_TRY(intern(s, f->traceback.function, &raised->function));
	NEC_TRY(intern(s, f->traceback.qualname, &raised->qualname));
	NEC_TRY(intern(s, f->traceback.file, &raised->file));
	if (!thread->raised_count++)
		thread->raised = st->traceback_count;
	st->traceback_count++;
	return NULL;
}

static struct nec_error *add_frame(struct stacks *s, const struct nec_fact *f)
{
	struct nec_stacks *st = &s->stacks;
	struct nec_stacks_frame *frame;

	if (!st->thread_count)
		return NULL;
	NEC_TRY(grow(&st->frames, sizeof(*frame), st->frame_count, &s->frame_capacity));
	frame = &st->frames[st->frame_count];
	*frame = (struct nec_stacks_frame){
		.line = f->frame.line,
		.column = f->frame.column,
		.addr = f->frame.addr,
		.code = f->frame.code,
		.local = st->local_count,
	};
	NEC_TRY(intern(s, f->frame.kind, &frame->kind));
	NEC_TRY(intern(s, f->frame.function, &frame->function));
	NEC_TRY(intern(s, f->frame.qualname, &frame->qualname));
	NEC_TRY(intern(s, f->frame.file, &frame->file));
	NEC_TRY(intern(s, f->frame.library, &frame->library));
	st->frame_count++;
	st->threads[st->thread_count - 1].frame_count++;
	return NULL;
}

static struct nec_error *add_local(struct stacks *s, const struct nec_fact *f)
{
	struct nec_stacks *st = &s->stacks;
	struct nec_stacks_local *local;

	if (!st->frame_count)
		return NULL;
	NEC_TRY(grow(&st->locals, sizeof(*local), st->local_count, &s->local_capacity));
	local = &st->locals[st->local_count];
	local->addr = f->local.addr;
	local->retained = -1;
	NEC_TRY(intern(s, f->local.name, &local->name));
	NEC_TRY(intern(s, f->local.text, &local->text));
	st->local_count++;
	st->frames[st->frame_count - 1].local_count++;
	return NULL;
}

static struct nec_error *add_warning(struct stacks *s, const char *message)
{
	struct nec_stacks *st = &s->stacks;

	NEC_TRY(grow(&st->warnings, sizeof(*st->warnings), st->warning_count,
		     &s->warning_capacity));
	NEC_TRY(intern(s, message, &st->warnings[st->warning_count]));
	st->warning_count++;
	return NULL;
}

/* ---- from a dump
 * ---------------------------------------------------------------------------------------------- */

static struct nec_error *read_source(struct stacks *s, struct nec_source *source)
{
	struct nec_fact f;

	for (;;) {
		NEC_TRY(source->next(source, &f));
		switch (f.kind) {
		case NEC_FACT_THREAD:
			NEC_TRY(add_thread(s, &f));
			break;
		case NEC_FACT_TRACEBACK:
			if (s->stacks.thread_count)
				NEC_TRY(add_traceback(s, &f,
						      &s->stacks.threads[s->stacks.thread_count - 1]));
			break;
		case NEC_FACT_META:
			if (!strcmp(f.meta.key, "switch_interval"))
				s->stacks.switch_interval = strtoll(f.meta.value, NULL, 10);
			break;
		case NEC_FACT_FRAME:
			NEC_TRY(add_frame(s, &f));
			break;
		case NEC_FACT_LOCAL:
			NEC_TRY(add_local(s, &f));
			break;
		case NEC_FACT_WARNING:
			NEC_TRY(add_warning(s, f.warning.message));
			break;
		case NEC_FACT_END:
			return NULL;
		default:
			break;
		}
	}
}

static struct nec_error *read_image(struct stacks *s, const struct nec_image *image,
				    const struct nec_load_options *options)
{
	struct nec_source *source;
	struct nec_error *err;

	NEC_TRY(nec_python_open_threads(image, options, &source));
	err = read_source(s, source);
	source->close(source);
	return err;
}

static struct nec_error *read_dump(struct stacks *s, const char *path,
				   const struct nec_load_options *options)
{
	const struct nec_format *format;
	struct nec_source *source;
	struct nec_input *input;
	struct nec_image *image;
	struct nec_error *err;

	NEC_TRY(nec_format_detect(path, options, &format, &input));
	if (format->map) {
		NEC_TRY(format->map(input, options, &image));
		err = read_image(s, image, options);
		nec_image_destroy(image);
		return err;
	}
	NEC_TRY(format->open(input, options, &source));
	err = read_source(s, source);
	source->close(source);
	return err;
}

/* ---- from a database
 * ------------------------------------------------------------------------------------------ */

static const char *text_or_null(const struct nec_query *query, int column)
{
	return nec_query_column_type(query, column) == NEC_COLUMN_NULL
		       ? NULL
		       : nec_query_text(query, column, NULL);
}

static struct nec_error *thread_row(struct stacks *s, const struct nec_query *q)
{
	struct nec_fact f = {.kind = NEC_FACT_THREAD};

	f.thread.id = (uint32_t)nec_query_int(q, 0);
	f.thread.tid = (uint32_t)nec_query_int(q, 1);
	f.thread.ident = (uint64_t)nec_query_int(q, 2);
	f.thread.addr = (uint64_t)nec_query_int(q, 3);
	f.thread.name = text_or_null(q, 4);
	f.thread.state = text_or_null(q, 5);
	f.thread.gil = text_or_null(q, 6);
	f.thread.daemon = text_or_null(q, 7) ? (int)nec_query_int(q, 7) : -1;
	f.thread.interpreter = (uint32_t)nec_query_int(q, 8);
	f.thread.exception = text_or_null(q, 9);
	f.thread.exception_addr = (uint64_t)nec_query_int(q, 10);
	NEC_TRY(add_thread(s, &f));
	if (nec_query_column_type(q, 11) != NEC_COLUMN_NULL)
		s->stacks.threads[s->stacks.thread_count - 1].retained = nec_query_int(q, 11);
	return NULL;
}

static struct nec_error *frame_row(struct stacks *s, const struct nec_query *q)
{
	struct nec_fact f = {.kind = NEC_FACT_FRAME};

	f.frame.kind = text_or_null(q, 0);
	f.frame.function = text_or_null(q, 1);
	f.frame.qualname = text_or_null(q, 2);
	f.frame.file = text_or_null(q, 3);
	f.frame.line = (int32_t)nec_query_int(q, 4);
	f.frame.column = (int32_t)nec_query_int(q, 5);
	f.frame.addr = (uint64_t)nec_query_int(q, 6);
	f.frame.code = (uint64_t)nec_query_int(q, 7);
	f.frame.library = text_or_null(q, 10);
	return add_frame(s, &f);
}

static struct nec_error *local_row(struct stacks *s, const struct nec_query *q)
{
	struct nec_fact f = {.kind = NEC_FACT_LOCAL};

	f.local.name = text_or_null(q, 0);
	f.local.addr = (uint64_t)nec_query_int(q, 1);
	f.local.text = text_or_null(q, 2);
	NEC_TRY(add_local(s, &f));
	if (s->stacks.local_count && nec_query_column_type(q, 5) != NEC_COLUMN_NULL)
		s->stacks.locals[s->stacks.local_count - 1].retained = nec_query_int(q, 5);
	return NULL;
}

/* Threads are in the order of their ids, and so are the rows. */
static struct nec_error *read_tracebacks(struct stacks *s, struct nec_db *db)
{
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	struct nec_fact f = {.kind = NEC_FACT_TRACEBACK};
	uint32_t i = 0;
	bool row;

	NEC_TRY(nec_query_named(db, "stacks_tracebacks", &q));
	for (;;) {
		NEC_TRY(nec_query_step(q, &row));
		if (!row)
			return NULL;
		while (i < s->stacks.thread_count && s->stacks.threads[i].id < nec_query_int(q, 0))
			i++;
		if (i == s->stacks.thread_count || s->stacks.threads[i].id != nec_query_int(q, 0))
			continue;
		f.traceback.function = text_or_null(q, 1);
		f.traceback.qualname = text_or_null(q, 2);
		f.traceback.file = text_or_null(q, 3);
		f.traceback.line = (int32_t)nec_query_int(q, 4);
		NEC_TRY(add_traceback(s, &f, &s->stacks.threads[i]));
	}
}

static struct nec_error *warning_row(struct stacks *s, const struct nec_query *q)
{
	return add_warning(s, nec_query_text(q, 0, NULL));
}

/*
 * Threads with their frames and these with their locals, in one pass: three queries in the same
 * order, each stepped as long as its row belongs to what the one above it gave. The last two
 * columns of a row are the thread and the depth that it belongs to.
 */
struct level {
	const char *query;
	struct nec_error *(*add)(struct stacks *s, const struct nec_query *q);
	int keys, key; /* how many of the owner's keys; the first one's column */
};

static const struct level levels[] = {
	{"stacks_threads", thread_row, 0, 0},
	{"stacks_frames", frame_row, 1, 8},
	{"stacks_locals", local_row, 2, 3},
};

enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

struct cursor {
	struct nec_query *queries[LEVELS];
	bool rows[LEVELS]; /* is there a row that was not taken? */
};

static bool belongs(const struct cursor *c, int level, const int64_t keys[2])
{
	int i;

	for (i = 0; i < levels[level].keys; i++)
		if (nec_query_int(c->queries[level], levels[level].key + i) != keys[i])
			return false;
	return true;
}

static struct nec_error *read_levels(struct stacks *s, struct cursor *c)
{
	int64_t keys[2] = {0, 0};
	int level = 0;

	while (level >= 0) {
		if (!c->rows[level] || !belongs(c, level, keys)) {
			level--;
			continue;
		}
		NEC_TRY(levels[level].add(s, c->queries[level]));
		if (level == 0)
			keys[0] = nec_query_int(c->queries[0], 0);
		else if (level == 1)
			keys[1] = nec_query_int(c->queries[1], 9);
		NEC_TRY(nec_query_step(c->queries[level], &c->rows[level]));
		if (level < LEVELS - 1)
			level++;
	}
	return NULL;
}

static struct nec_error *read_rows(struct stacks *s, struct nec_db *db)
{
	struct cursor c = {0};
	struct nec_error *err = NULL;
	int i;

	for (i = 0; i < LEVELS && !err; i++) {
		err = nec_query_named(db, levels[i].query, &c.queries[i]);
		if (!err)
			err = nec_query_step(c.queries[i], &c.rows[i]);
	}
	if (!err)
		err = read_levels(s, &c);
	for (i = 0; i < LEVELS; i++)
		nec_query_close(c.queries[i]);
	return err;
}

static struct nec_error *read_database(struct stacks *s, const char *path)
{
	_cleanup_(nec_db_closep) struct nec_db *db = NULL;
	_cleanup_(nec_query_closep) struct nec_query *warnings = NULL;
	_cleanup_free_ char *interval = NULL;
	bool row;

	NEC_TRY(nec_db_open(path, &db));
	NEC_TRY(read_rows(s, db));
	NEC_TRY(read_tracebacks(s, db));
	interval = nec_db_meta(db, "switch_interval");
	if (interval)
		s->stacks.switch_interval = strtoll(interval, NULL, 10);
	NEC_TRY(nec_query_named(db, "stacks_warnings", &warnings));
	for (;;) {
		NEC_TRY(nec_query_step(warnings, &row));
		if (!row)
			return NULL;
		NEC_TRY(warning_row(s, warnings));
	}
}

struct nec_error *nec_stacks_read(const char *path, const struct nec_load_options *options,
				  struct nec_stacks **stacks_ret)
{
	static const struct nec_load_options no_options;
	struct stacks *s = calloc(1, sizeof(*s));
	struct nec_error *err;

	if (!s)
		return &nec_enomem;
	s->stacks.switch_interval = -1;
	if (nec_is_database(path))
		err = read_database(s, path);
	else
		err = nec_error_wrap(read_dump(s, path, options ? options : &no_options), "%s",
				     path);
	if (err) {
		nec_stacks_destroy(&s->stacks);
		return err;
	}
	*stacks_ret = &s->stacks;
	return NULL;
}

void nec_stacks_destroy(struct nec_stacks *stacks)
{
	struct stacks *s = (struct stacks *)stacks;

	if (!s)
		return;
	free(stacks->threads);
	free(stacks->frames);
	free(stacks->locals);
	free(stacks->tracebacks);
	free(stacks->warnings);
	nec_strtab_deinit(&s->texts);
	free(s);
}
