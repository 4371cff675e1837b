/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading ahead on a thread; see ahead.h. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"

enum {
	BLOCK_SIZE = 256 << 10,
	QUEUE = 16,         /* blocks that are read ahead */
	MAX_REFS = 8 << 10, /* references that one fact of ours has */
	MAX_STRINGS = 5,
};

/* What of a fact of each kind is to be copied: its bytes, and the strings that it borrows. */
#define UPTO(member) (offsetof(struct nec_fact, member) + sizeof(((struct nec_fact *)NULL)->member))
#define AT(member)   offsetof(struct nec_fact, member)

static const struct {
	uint16_t size;
	uint16_t strings[MAX_STRINGS]; /* offsets; 0: no more */
} shapes[] = {
	[NEC_FACT_END] = {UPTO(kind), {0}},
	[NEC_FACT_META] = {UPTO(meta), {AT(meta.key), AT(meta.value)}},
	[NEC_FACT_WARNING] = {UPTO(warning), {AT(warning.stage), AT(warning.message)}},
	[NEC_FACT_MAPPING] = {UPTO(mapping), {AT(mapping.path), AT(mapping.kind)}},
	[NEC_FACT_MEMORY] = {UPTO(memory), {AT(memory.category), AT(memory.area)}},
	[NEC_FACT_STRING] = {UPTO(string), {AT(string.text)}},
	[NEC_FACT_TYPE] = {UPTO(type), {AT(type.name), AT(type.module), AT(type.visitor)}},
	[NEC_FACT_EXTENT] = {UPTO(extent), {0}},
	[NEC_FACT_OBJECT] = {UPTO(object), {0}},
	[NEC_FACT_VALUE] = {UPTO(value), {0}},           /* text has a length */
	[NEC_FACT_REFERENCES] = {UPTO(references), {0}}, /* refs is an array */
	[NEC_FACT_ROOT] = {UPTO(root), {AT(root.kind), AT(root.label)}},
	[NEC_FACT_THREAD] = {UPTO(thread), {AT(thread.name), AT(thread.state), AT(thread.gil),
			      AT(thread.exception)}},
	[NEC_FACT_TRACEBACK] = {UPTO(traceback),
				{AT(traceback.function), AT(traceback.qualname),
				 AT(traceback.file)}},
	[NEC_FACT_FRAME] = {UPTO(frame),
			    {AT(frame.kind), AT(frame.function), AT(frame.qualname),
			     AT(frame.file), AT(frame.library)}},
	[NEC_FACT_LOCAL] = {UPTO(local), {AT(local.name), AT(local.text)}},
	[NEC_FACT_TASK] = {UPTO(task),
			   {AT(task.kind), AT(task.name), AT(task.state), AT(task.waits)}},
	[NEC_FACT_TASK_FRAME] = {UPTO(task_frame),
				 {AT(task_frame.function), AT(task_frame.qualname),
				  AT(task_frame.file)}},
	[NEC_FACT_TASK_WAIT] = {UPTO(task_wait), {0}},
	[NEC_FACT_CENSUS] = {UPTO(census), {AT(census.name), AT(census.kind)}},
	[NEC_FACT_SAMPLE] = {UPTO(sample), {AT(sample.name), AT(sample.unit)}},
	[NEC_FACT_LAYOUT] = {UPTO(layout),
			     {AT(layout.field), AT(layout.source), AT(layout.disagrees)}},
	[NEC_FACT_SPACE] = {UPTO(space), {AT(space.kind)}},
	[NEC_FACT_ARENA] = {UPTO(arena), {AT(arena.kind)}},
	[NEC_FACT_LIMIT] = {UPTO(limit), {AT(limit.source), AT(limit.name), AT(limit.of),
					  AT(limit.text)}},
	[NEC_FACT_PART] = {UPTO(part), {0}},
	[NEC_FACT_MARK] = {UPTO(mark), {AT(mark.name)}},
	[NEC_FACT_FINDING] = {UPTO(finding),
			      {AT(finding.rule), AT(finding.title), AT(finding.detail)}},
};

/* Facts, each followed by what it borrows, each part at a multiple of 8. */
struct block {
	size_t size, capacity;
	_Alignas(8) uint8_t data[];
};

struct ahead {
	struct nec_source source;
	struct nec_source *from; /* owned; the thread's while it runs */
	pthread_t thread;

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct block *queue[QUEUE]; /* a ring */
	unsigned int head, queued;
	struct block *spare[QUEUE];
	unsigned int spare_count;
	bool ended; /* the thread adds nothing any more */
	bool stop;  /* nobody reads any more */
	struct nec_error *error;

	struct block *filling; /* the thread's */
	struct block *reading; /* the reader's */
	size_t at;             /* in it */
};

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* ---- the thread ---- */

static struct nec_error *make_block(struct ahead *a, size_t need)
{
	size_t capacity = need > BLOCK_SIZE ? need : BLOCK_SIZE;

	pthread_mutex_lock(&a->mutex);
	if (capacity == BLOCK_SIZE && a->spare_count)
		a->filling = a->spare[--a->spare_count];
	pthread_mutex_unlock(&a->mutex);
	if (!a->filling) {
		a->filling = malloc(sizeof(*a->filling) + capacity);
		if (!a->filling)
			return &nec_enomem;
		a->filling->capacity = capacity;
	}
	a->filling->size = 0;
	return NULL;
}

/* Queues the block that was filled; false when nobody wants it. */
static bool send_block(struct ahead *a)
{
	bool wanted;

	if (!a->filling)
		return true;
	pthread_mutex_lock(&a->mutex);
	while (a->queued == QUEUE && !a->stop)
		pthread_cond_wait(&a->changed, &a->mutex);
	wanted = !a->stop;
	if (wanted) {
		a->queue[(a->head + a->queued++) % QUEUE] = a->filling;
		a->filling = NULL;
		pthread_cond_signal(&a->changed);
	}
	pthread_mutex_unlock(&a->mutex);
	return wanted;
}

static char **string_at(struct nec_fact *fact, unsigned int i)
{
	unsigned int off = shapes[fact->kind].strings[i];

	return off ? (char **)((char *)fact + off) : NULL;
}

/* What the fact borrows, but for its strings. */
static const void *payload(const struct nec_fact *fact, size_t *size_ret)
{
	switch (fact->kind) {
	case NEC_FACT_VALUE:
		*size_ret = fact->value.len;
		return fact->value.text;
	case NEC_FACT_REFERENCES:
		*size_ret = fact->references.count * sizeof(*fact->references.refs);
		return fact->references.refs;
	default:
		*size_ret = 0;
		return NULL;
	}
}

/* Copies fact with all that it borrows to the block; *wanted_ret says whether there is still a
 * reader. */
static struct nec_error *add(struct ahead *a, struct nec_fact *fact, bool *wanted_ret)
{
	size_t size = aligned(shapes[fact->kind].size), extra, need, lengths[MAX_STRINGS];
	const void *data = payload(fact, &extra);
	struct nec_fact *to;
	char *p, **string;
	unsigned int i;

	need = size + aligned(extra);
	for (i = 0; i < MAX_STRINGS && (string = string_at(fact, i)); i++) {
		lengths[i] = *string ? strlen(*string) + 1 : 0;
		need += aligned(lengths[i]);
	}
	assert(size); /* a kind that is not in the table would arrive as garbage */
	*wanted_ret = true;
	if (a->filling && need > a->filling->capacity - a->filling->size)
		*wanted_ret = send_block(a);
	if (!*wanted_ret)
		return NULL;
	if (!a->filling)
		NEC_TRY(make_block(a, need));
	to = (struct nec_fact *)(a->filling->data + a->filling->size);
	a->filling->size += need;
	memcpy(to, fact, shapes[fact->kind].size);
	p = (char *)to + size;
	if (extra)
		memcpy(p, data, extra);
	if (fact->kind == NEC_FACT_VALUE)
		to->value.text = p;
	else if (fact->kind == NEC_FACT_REFERENCES)
		to->references.refs = (const struct nec_ref *)p;
	p += aligned(extra);
	for (i = 0; i < MAX_STRINGS && (string = string_at(to, i)); i++) {
		if (!*string)
			continue;
		*string = memcpy(p, *string, lengths[i]);
		p += aligned(lengths[i]);
	}
	return NULL;
}

/* A long list of references in several facts. */
static struct nec_error *add_references(struct ahead *a, struct nec_fact *fact, bool *wanted_ret)
{
	uint32_t left = fact->references.count;

	do {
		fact->references.count = left < MAX_REFS ? left : MAX_REFS;
		NEC_TRY(add(a, fact, wanted_ret));
		fact->references.refs += fact->references.count;
		left -= fact->references.count;
	} while (left && *wanted_ret);
	return NULL;
}

static struct nec_error *read_all(struct ahead *a)
{
	struct nec_fact fact;
	bool wanted = true;

	while (wanted) {
		NEC_TRY(a->from->next(a->from, &fact));
		if (fact.kind == NEC_FACT_END)
			break;
		NEC_TRY(fact.kind == NEC_FACT_REFERENCES ? add_references(a, &fact, &wanted)
							 : add(a, &fact, &wanted));
	}
	return NULL;
}

static void *thread_main(void *arg)
{
	struct ahead *a = arg;
	struct nec_error *err = read_all(a);

	send_block(a);
	pthread_mutex_lock(&a->mutex);
	a->ended = true;
	a->error = err;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	return NULL;
}

/* ---- the reader ---- */

/* The next block as a->reading; NULL there when that was all. */
static struct nec_error *receive(struct ahead *a)
{
	struct block *done = a->reading;
	struct nec_error *err = NULL;

	a->reading = NULL;
	a->at = 0;
	pthread_mutex_lock(&a->mutex);
	if (done && done->capacity == BLOCK_SIZE && a->spare_count < QUEUE) {
		a->spare[a->spare_count++] = done;
		done = NULL;
	}
	while (!a->queued && !a->ended)
		pthread_cond_wait(&a->changed, &a->mutex);
	if (a->queued) {
		a->reading = a->queue[a->head];
		a->head = (a->head + 1) % QUEUE;
		a->queued--;
		pthread_cond_signal(&a->changed);
	} else {
		err = a->error;
		a->error = NULL;
	}
	pthread_mutex_unlock(&a->mutex);
	free(done);
	return err;
}

static struct nec_error *next(struct nec_source *source, struct nec_fact *fact)
{
	struct ahead *a = (struct ahead *)source;
	const struct nec_fact *from;
	size_t extra;

	if (!a->reading || a->at == a->reading->size)
		NEC_TRY(receive(a));
	if (!a->reading) {
		fact->kind = NEC_FACT_END;
		return NULL;
	}
	from = (const struct nec_fact *)(a->reading->data + a->at);
	memcpy(fact, from, shapes[from->kind].size);
	payload(fact, &extra);
	a->at += aligned(shapes[fact->kind].size) + aligned(extra);
	for (unsigned int i = 0; i < MAX_STRINGS && string_at(fact, i); i++)
		if (*string_at(fact, i))
			a->at += aligned(strlen(*string_at(fact, i)) + 1);
	return NULL;
}

static void destroy(struct ahead *a)
{
	a->from->close(a->from);
	while (a->queued--)
		free(a->queue[(a->head + a->queued) % QUEUE]);
	while (a->spare_count)
		free(a->spare[--a->spare_count]);
	free(a->filling);
	free(a->reading);
	nec_error_destroy(a->error);
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->changed);
	free(a);
}

static void close_ahead(struct nec_source *source)
{
	struct ahead *a = (struct ahead *)source;

	pthread_mutex_lock(&a->mutex);
	a->stop = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	destroy(a);
}

struct nec_error *nec_ahead_open(struct nec_source *source, struct nec_source **source_ret)
{
	struct ahead *a = calloc(1, sizeof(*a));
	int rc;

	if (!a) {
		source->close(source);
		return &nec_enomem;
	}
	a->source = (struct nec_source){
		.next = next,
		.close = close_ahead,
		.sorted = source->sorted,
		.expected = source->expected,
	};
	a->from = source;
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	rc = pthread_create(&a->thread, NULL, thread_main, a);
	if (rc) {
		destroy(a);
		return nec_error_os(rc, "thread that reads the dump");
	}
	*source_ret = &a->source;
	return NULL;
}
