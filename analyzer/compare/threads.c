/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that came, went, moved, or stand where they stood. */
#include <stdlib.h>
#include <string.h>

#include "compare/difference.h"

/* A thread is known by its number and what Python calls it; its stack is compared by a hash and
 * remembered by its innermost frame. */
struct thread {
	int64_t tid, ident, addr;
	char *name, *state, *at;
	uint64_t stack; /* FNV-1a over functions, files and lines, Python's and native ones */
	bool met;
};

struct threads {
	struct thread *list;
	uint32_t count, capacity;
};

static void deinit(struct threads *t)
{
	while (t->count) {
		struct thread *last = &t->list[--t->count];

		free(last->name);
		free(last->state);
		free(last->at);
	}
	free(t->list);
}

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

static char *copy(const struct nec_query *query, int column)
{
	return nec_query_column_type(query, column) == NEC_COLUMN_NULL
		       ? NULL
		       : strdup(nec_query_text(query, column, NULL));
}

static struct nec_error *add_thread(struct threads *t, const struct nec_query *query)
{
	struct thread *p;

	if (t->count == t->capacity) {
		uint32_t want = t->capacity ? t->capacity * 2 : 32;

		p = want > t->capacity ? reallocarray(t->list, want, sizeof(*p)) : NULL;
		if (!p)
			return &nec_enomem;
		t->list = p;
		t->capacity = want;
	}
	t->list[t->count++] = (struct thread){
		.tid = nec_query_int(query, 1),
		.ident = nec_query_int(query, 2),
		.addr = nec_query_int(query, 3),
		.name = copy(query, 4),
		.state = copy(query, 5),
		.stack = UINT64_C(0xcbf29ce484222325),
	};
	return NULL;
}

static struct nec_error *add_frame(struct thread *t, const struct nec_query *query)
{
	const char *function = nec_query_text(query, 6, NULL),
		   *file = nec_query_text(query, 7, NULL);
	int64_t line = nec_query_int(query, 8);
	const char *slash = strrchr(file, '/');

	if (nec_query_column_type(query, 9) == NEC_COLUMN_NULL)
		return NULL;
	t->stack = hash(t->stack, function, strlen(function) + 1);
	t->stack = hash(t->stack, file, strlen(file) + 1);
	t->stack = hash(t->stack, &line, sizeof(line));
	if (t->at || strcmp(nec_query_text(query, 9, NULL), "python") != 0)
		return NULL;
	if (asprintf(&t->at, "%s (%s:%lld)", function, slash ? slash + 1 : file, (long long)line) <
	    0) {
		t->at = NULL;
		return &nec_enomem;
	}
	return NULL;
}

static struct nec_error *read_threads(struct nec_db *db, struct threads *t)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t id = -1;
	bool row;

	NEC_TRY(nec_query_named(db, "compare_threads", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		if (nec_query_int(query, 0) != id || !t->count)
			NEC_TRY(add_thread(t, query));
		id = nec_query_int(query, 0);
		NEC_TRY(add_frame(&t->list[t->count - 1], query));
	}
}

/* The kernel gives numbers out again after a while, and the C library thread ids at once: both,
 * where both are known. */
static bool is_same(const struct thread *a, const struct thread *b)
{
	if (a->tid && b->tid && a->tid != b->tid)
		return false;
	if (a->ident && b->ident && a->ident != b->ident)
		return false;
	if (a->addr && b->addr && a->addr != b->addr)
		return false;
	return (a->tid && b->tid) || (a->ident && b->ident);
}

static struct nec_error *put(struct nec_difference *d, const char *change, const struct thread *a,
			     const struct thread *b)
{
	const struct thread *t = b ? b : a;

	return nec_sheet_put(d->sheet, "thread", "nkttttt", t->tid ? t->tid : NEC_SHEET_NULL,
			     t->name, change, t->state, a ? a->at : NULL, b ? b->at : NULL);
}

static struct nec_error *compare(struct nec_difference *d, struct threads *a, struct threads *b)
{
	uint32_t i, j;

	for (i = 0; i < b->count; i++) {
		for (j = 0; j < a->count; j++)
			if (!a->list[j].met && is_same(&a->list[j], &b->list[i]))
				break;
		if (j == a->count) {
			NEC_TRY(put(d, "came", NULL, &b->list[i]));
			continue;
		}
		a->list[j].met = true;
		NEC_TRY(put(d, a->list[j].stack == b->list[i].stack ? "still" : "moved",
			    &a->list[j], &b->list[i]));
	}
	for (j = 0; j < a->count; j++)
		if (!a->list[j].met)
			NEC_TRY(put(d, "gone", &a->list[j], NULL));
	return NULL;
}

struct nec_error *nec_difference_threads(struct nec_difference *d)
{
	struct threads a = {0}, b = {0};
	struct nec_error *err = read_threads(d->a, &a);

	if (!err)
		err = read_threads(d->b, &b);
	if (!err)
		err = compare(d, &a, &b);
	deinit(&a);
	deinit(&b);
	return err;
}
