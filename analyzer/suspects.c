/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules, and what they share: names, shares, common holders; see suspects.h. */
#include "objectname.h"
#include "suspects.h"

#include <stdlib.h>
#include <string.h>

/*
 * To add one: a function in the file of its family, its prototype in suspects.h, and a line here.
 * What is said more exactly by one rule is not said again by a later one (nec_suspects_known), so
 * the general ones come last.
 */
static const struct {
	struct nec_error *(*run)(struct nec_suspects *s);
} rules[] = {
	{nec_suspects_overdrawn}, {nec_suspects_uncollectable}, {nec_suspects_leaked},
	{nec_suspects_caches},    {nec_suspects_hoards},        {nec_suspects_garbage},
	{nec_suspects_holders},   {nec_suspects_threads},
};

enum {
	LARGE_SHARE = 10, /* % of the heap */
	LEAST_LARGE =
		1 << 20,   /* an idle interpreter has 1 to 3 MiB, no data structure of 600 KiB */
	NOTABLE_SHARE = 3, /* % */
	LEAST_NOTABLE = 1 << 19,
	MAX_CLIMB = 1000,  /* dominators above an object that are looked at */
	MAX_FINDINGS = 20, /* a person reads the first five */
};

void nec_findings_deinit(struct nec_findings *findings)
{
	uint32_t i;

	for (i = 0; i < findings->count; i++) {
		free(findings->items[i].title);
		free(findings->items[i].detail);
	}
	free(findings->items);
	*findings = (struct nec_findings){0};
}

struct nec_error *nec_suspects_add(struct nec_suspects *s, const char *rule, struct nec_text *title,
				   struct nec_text *detail, int64_t bytes, uint64_t addr)
{
	struct nec_finding *items;

	if (title->failed || detail->failed)
		return &nec_enomem;
	items = reallocarray(s->found->items, (size_t)s->found->count + 1, sizeof(*items));
	if (!items)
		return &nec_enomem;
	s->found->items = items;
	items[s->found->count] = (struct nec_finding){
		.rule = rule,
		.title = strdup(nec_text_str(title)),
		.detail = strdup(nec_text_str(detail)),
		.bytes = bytes,
		.addr = addr,
	};
	s->found->count++;
	nec_text_clear(title);
	nec_text_clear(detail);
	return items[s->found->count - 1].title && items[s->found->count - 1].detail ? NULL
										     : &nec_enomem;
}

void nec_suspects_share(const struct nec_suspects *s, struct nec_text *text, int64_t bytes)
{
	nec_text_printf(text, "%.0f %%", 100.0 * (double)bytes / (double)(s->heap ? s->heap : 1));
}

/* The immediate dominator of addr (0: none) and what it retains. */
static struct nec_error *above(struct nec_suspects *s, uint64_t addr, uint64_t *idom_ret,
			       int64_t *retained_ret)
{
	bool row;

	nec_query_reset(s->object);
	NEC_TRY(nec_query_bind_int(s->object, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(s->object, &row));
	*idom_ret = row ? (uint64_t)nec_query_int(s->object, 0) : 0;
	*retained_ret = row ? nec_query_int(s->object, 1) : 0;
	nec_query_reset(s->object);
	return NULL;
}

static bool is_subject(const struct nec_suspects *s, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < s->found->count; i++)
		if (s->found->items[i].addr == addr)
			return true;
	return false;
}

struct nec_error *nec_suspects_known(struct nec_suspects *s, uint64_t addr, int64_t bytes,
				     bool *known_ret)
{
	uint64_t idom;
	int64_t retained;
	int i;

	*known_ret = false;
	for (i = 0; i < MAX_CLIMB && addr; i++) {
		NEC_TRY(above(s, addr, &idom, &retained));
		/* A quarter more is something else. */
		if (retained / 5 > bytes / 4)
			return NULL;
		*known_ret = is_subject(s, addr);
		if (*known_ret)
			return NULL;
		addr = idom;
	}
	return NULL;
}

struct nec_error *nec_suspects_holder(struct nec_suspects *s, uint64_t addr, int64_t bytes,
				      uint64_t *holder_ret, int64_t *retained_ret)
{
	uint64_t idom;
	int i;

	*holder_ret = 0;
	for (i = 0; i < MAX_CLIMB && addr; i++) {
		NEC_TRY(above(s, addr, &idom, retained_ret));
		if (*retained_ret >= bytes) {
			*holder_ret = addr;
			return NULL;
		}
		addr = idom;
	}
	return NULL;
}

struct nec_error *nec_suspects_name(struct nec_suspects *s, uint64_t addr, struct nec_text *name,
				    struct nec_text *detail)
{
	return nec_object_name(s->db, addr, s->progress, name, detail);
}

static int compare_findings(const void *a, const void *b)
{
	const struct nec_finding *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int64_t meta_int(struct nec_db *db, const char *key)
{
	_cleanup_free_ char *value = nec_db_meta(db, key);

	return value ? strtoll(value, NULL, 10) : 0;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct nec_error *run_rules(struct nec_suspects *s)
{
	size_t i;

	NEC_TRY(nec_query_named(s->db, "suspect_object", &s->object));
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		NEC_TRY(nec_progress_step(s->progress, "findings", i,
					  sizeof(rules) / sizeof(rules[0])));
		NEC_TRY(rules[i].run(s));
	}
	return NULL;
}

struct nec_error *nec_suspects_find(struct nec_db *db, struct nec_progress *progress,
				    struct nec_findings *findings_ret)
{
	struct nec_suspects s = {.db = db, .progress = progress, .found = findings_ret};
	struct nec_error *err;
	int64_t mapped;

	if (__builtin_add_overflow(meta_int(db, "reachable_bytes"), meta_int(db, "garbage_bytes"),
				   &s.heap) ||
	    s.heap <= 0)
		return NULL;
	/* Sizes come from the dump: more than the process had is damage, and no base for shares. */
	mapped = meta_int(db, "memory_mapped");
	if (mapped > 0 && s.heap > mapped)
		s.heap = mapped;
	s.large = larger(s.heap / 100 * LARGE_SHARE, LEAST_LARGE);
	s.notable = larger(s.heap / 100 * NOTABLE_SHARE, LEAST_NOTABLE);
	err = run_rules(&s);
	nec_query_close(s.object);
	if (findings_ret->count)
		qsort(findings_ret->items, findings_ret->count, sizeof(*findings_ret->items),
		      compare_findings);
	while (findings_ret->count > MAX_FINDINGS) {
		findings_ret->count--;
		free(findings_ret->items[findings_ret->count].title);
		free(findings_ret->items[findings_ret->count].detail);
	}
	return err;
}
