/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules about what Python programs are known to leak by: caches without a bound, exceptions that
 * keep their frames, tasks that are done and kept, garbage, and references that C code forgot to
 * give back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "suspects.h"

enum {
	MANY = 50,    /* exceptions or tasks: a few are kept by every program */
	LEAKED = 100, /* objects of one type that nothing refers to */
};

/* The query named so; its parameters are bound by the caller. */
static struct nec_error *ask(struct nec_suspects *s, const char *name, bool least,
			     struct nec_query **query_ret)
{
	NEC_TRY(nec_query_named(s->db, name, query_ret));
	return least ? nec_query_bind_int(*query_ret, ":least", s->notable) : NULL;
}

/* ---- functools.lru_cache ---- */

struct nec_error *nec_suspects_caches(struct nec_suspects *s)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0}, name = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t retained, entries;
	uint64_t addr;
	bool row;

	NEC_TRY(ask(s, "suspect_caches", true, &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		addr = (uint64_t)nec_query_int(query, 0);
		retained = nec_query_int(query, 1);
		entries = nec_query_int(query, 2);
		/* A bounded one is as large as somebody said it may be, and is left to the general
		 * rules. */
		if (!entries || nec_query_int(query, 3))
			continue;
		nec_text_clear(&name);
		NEC_TRY(nec_suspects_name(s, addr, &name, &detail));
		nec_text_printf(&title,
				"%s is an lru_cache without a bound: ", nec_text_str(&name));
		nec_text_count(&title, entries);
		nec_text_puts(&title, " entries, ");
		nec_suspects_share(s, &title, retained);
		nec_text_puts(&title, " of the heap");
		nec_text_puts(
			&detail,
			" maxsize=None: no entry ever leaves it, and each keeps its arguments (self too, "
			"where it is on a method) and its result alive: ");
		nec_text_size(&detail, retained);
		nec_text_printf(&detail, " in all. What would go: whatif --drop 0x%llx.",
				(unsigned long long)addr);
		NEC_TRY(nec_suspects_add(s, "lru_cache", &title, &detail, retained, addr));
	}
}

/* ---- many things of a kind that ought to be short-lived ---- */

struct kind {
	const char *rule, *query;
	const char *what; /* "1,000 WHAT are kept by PATH" */
	const char *why;
};

/* Rows of query are addr, retained. */
static struct nec_error *many(struct nec_suspects *s, const struct kind *kind)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0}, name = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t count = 0, bytes = 0, most = 0, retained;
	uint64_t one = 0, holder;
	bool row;

	NEC_TRY(ask(s, kind->query, false, &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		count++;
		bytes = nec_sum(bytes, nec_query_int(query, 1));
		if (nec_query_int(query, 1) > most) {
			most = nec_query_int(query, 1);
			one = (uint64_t)nec_query_int(query, 0);
		}
	}
	if (count < MANY || bytes < s->notable)
		return NULL;
	/* Most of them, for a few are elsewhere in any program. */
	NEC_TRY(nec_suspects_holder(s, one, bytes / 10 * 9, &holder, &retained));
	nec_text_count(&title, count);
	nec_text_printf(&title, " %s ", kind->what);
	if (holder) {
		NEC_TRY(nec_suspects_name(s, holder, &name, &detail));
		nec_text_printf(&title, "in %s ", nec_text_str(&name));
		nec_text_puts(&detail, " ");
	} else {
		NEC_TRY(nec_suspects_name(s, one, &name, &detail));
		nec_text_puts(&detail, " They have no holder in common; this is the largest. ");
	}
	nec_text_puts(&title, "keep ");
	nec_suspects_share(s, &title, bytes);
	nec_text_puts(&title, " of the heap alive");
	nec_text_puts(&detail, kind->why);
	return nec_suspects_add(s, kind->rule, &title, &detail, holder ? retained : bytes,
				holder ? holder : one);
}

/* To add one: a query of addr and retained in store/sql, and a row. */
static const struct kind kinds[] = {
	{
		.rule = "traceback",
		.query = "suspect_tracebacks",
		.what = "tracebacks",
		.why = "An exception holds its traceback, a traceback its frames, and a frame all its locals: keep the "
		       "text of an error (traceback.format_exc), or clear what it holds (traceback.clear_frames).",
	},
	{
		.rule = "task",
		.query = "suspect_tasks",
		.what = "tasks of asyncio that are done",
		.why = "A task that is done keeps its result or its exception: take it out when it ends "
		       "(task.add_done_callback(tasks.discard)).",
	},
};

struct nec_error *nec_suspects_hoards(struct nec_suspects *s)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		NEC_TRY(many(s, &kinds[i]));
	return NULL;
}

/* ---- garbage ---- */

struct nec_error *nec_suspects_uncollectable(struct nec_suspects *s)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t retained, count;
	bool row;

	NEC_TRY(ask(s, "suspect_garbage", false, &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row || !nec_query_int(query, 2))
		return NULL;
	retained = nec_query_int(query, 1);
	count = nec_query_int(query, 2);
	nec_text_puts(&title, "gc.garbage holds ");
	nec_text_count(&title, count);
	nec_text_printf(&title, " object%s that the collector could not free, ",
			count == 1 ? "" : "s");
	nec_suspects_share(s, &title, retained);
	nec_text_puts(&title, " of the heap");
	nec_text_puts(
		&detail,
		"Cycles of objects with __del__ (until Python 3.3) or a tp_del, or everything that was found where "
		"gc.DEBUG_SAVEALL is set. Break the cycle, with a weak reference for one, or do without __del__.");
	return nec_suspects_add(s, "gc.garbage", &title, &detail, retained,
				(uint64_t)nec_query_int(query, 0));
}

/* Of a dump that was cut off, what holds an object may be behind the cut. */
static bool is_cut_off(const struct nec_suspects *s)
{
	_cleanup_free_ char *truncated = nec_db_meta(s->db, "memory_truncated");

	return truncated && strcmp(truncated, "0") != 0;
}

static bool is_frame(const char *type)
{
	return !strcmp(type, "builtins.frame") || !strcmp(type, "__builtin__.frame");
}

/* ", 800 of them with __del__ (Connection)": they run when the collector comes, and not when the last user lets go. */
static struct nec_error *add_finalizers(struct nec_suspects *s, struct nec_text *title, struct nec_text *detail)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_text_deinit) struct nec_text first = {0};
	_cleanup_free_ char *keeps = NULL;
	int64_t count = 0;
	bool row;

	NEC_TRY(nec_query_named(s->db, "garbage_finalizers", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (!count)
			nec_text_puts(&first, nec_query_text(query, 0, NULL));
		count += nec_query_int(query, 1);
	}
	if (!count)
		return first.failed ? &nec_enomem : NULL;
	nec_text_puts(title, ", ");
	nec_text_count(title, count);
	nec_text_printf(title, " of them with __del__ (%s)", nec_text_str(&first));
	keeps = nec_db_meta(s->db, "gc_keeps_finalizers");
	if (keeps && *keeps == '1') {
		nec_text_puts(detail, " The collector frees none of those with __del__, nor what hangs on them: they go to gc.garbage and stay. "
				      "Make one reference of the cycle weak, or do without __del__.");
		return first.failed ? &nec_enomem : NULL;
	}
	nec_text_puts(detail, " What their __del__ closes stays open until then: make one reference of the cycle weak, or close it yourself.");
	return first.failed ? &nec_enomem : NULL;
}

struct nec_error *nec_suspects_garbage(struct nec_suspects *s)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ char *enabled = NULL;
	int64_t count = 0, bytes = 0, frames = 0;
	int shown;
	bool row;

	if (is_cut_off(s))
		return NULL;
	NEC_TRY(nec_query_named(s->db, "garbage", &query));
	nec_text_puts(&detail, "Cycles that nothing reaches any more:");
	for (shown = 0;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		count += nec_query_int(query, 1);
		bytes = nec_sum(bytes, nec_query_int(query, 2));
		if (is_frame(nec_query_text(query, 0, NULL)))
			frames += nec_query_int(query, 1);
		if (shown++ >= 3)
			continue;
		nec_text_puts(&detail, shown == 1 ? " " : ", ");
		nec_text_count(&detail, nec_query_int(query, 1));
		nec_text_printf(&detail, " %s", nec_query_text(query, 0, NULL));
	}
	if (bytes < s->large)
		return NULL;
	enabled = nec_db_meta(s->db, "gc_enabled");
	nec_text_puts(&detail, enabled && *enabled == '0'
				       ? ". The collector is disabled (gc.disable), so they stay."
				       : ". gc.collect() would free them.");
	nec_text_puts(&title, "garbage that waits for the collector: ");
	nec_text_count(&title, count);
	nec_text_puts(&title, " objects, ");
	nec_suspects_share(s, &title, bytes);
	nec_text_puts(&title, " of the heap");
	if (frames >= MANY) {
		nec_text_puts(&title, ", in cycles through ");
		nec_text_count(&title, frames);
		nec_text_puts(&title, " frames");
		nec_text_puts(
			&detail,
			" A frame is in a cycle when a local variable leads back to it, as an exception "
			"does by its traceback, and keeps all the others: delete such a variable at the "
			"end (try: ... finally: del error).");
	}
	NEC_TRY(add_finalizers(s, &title, &detail));
	return nec_suspects_add(s, "garbage", &title, &detail, bytes, 0);
}

/* ---- references that were given back too often ---- */

/* Not a matter of bytes: the process is about to use memory that was freed. */
struct nec_error *nec_suspects_overdrawn(struct nec_suspects *s)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0}, name = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t count;
	uint64_t addr;
	bool row;

	NEC_TRY(ask(s, "suspect_short", false, &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	addr = (uint64_t)nec_query_int(query, 0);
	count = nec_query_int(query, 5);
	NEC_TRY(nec_suspects_name(s, addr, &name, &detail));
	nec_text_count(&title, count);
	nec_text_printf(&title, count == 1 ? " object has" : " objects have");
	nec_text_printf(&title, " fewer references counted than own %s: %s",
			count == 1 ? "it" : "them", nec_text_str(&name));
	nec_text_printf(
		&detail,
		" The count of this %s is %lld, and %lld references that own it were found: C code gave back one "
		"that was not its own (a Py_DECREF too many), or the memory is damaged. It will be freed while "
		"others use it. The command refcounts lists all.",
		nec_query_text(query, 2, NULL), (long long)nec_query_int(query, 3),
		(long long)nec_query_int(query, 4));
	return nec_suspects_add(s, "reference count", &title, &detail, nec_query_int(query, 1),
				addr);
}

/* ---- references that nobody holds ---- */

struct nec_error *nec_suspects_leaked(struct nec_suspects *s)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t bytes;
	bool row;

	if (is_cut_off(s))
		return NULL;
	NEC_TRY(ask(s, "suspect_leaked", true, &query));
	NEC_TRY(nec_query_bind_int(query, ":count", LEAKED));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		bytes = nec_query_int(query, 2);
		nec_text_count(&title, nec_query_int(query, 1));
		nec_text_printf(&title, " %s that nothing refers to hold ",
				nec_query_text(query, 0, NULL));
		nec_suspects_share(s, &title, bytes);
		nec_text_puts(&title, " of the heap");
		nec_text_puts(
			&detail,
			"Their reference counts say that somebody owns them, and no reference and no root was "
			"found: C code that holds them where nobody looks, or that forgot a Py_DECREF. This is one "
			"of them; the command refcounts lists all.");
		NEC_TRY(nec_suspects_add(s, "leaked reference", &title, &detail, bytes,
					 (uint64_t)nec_query_int(query, 3)));
	}
}
