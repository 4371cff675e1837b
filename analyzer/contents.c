/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is there many times; see contents.h. */
#include "contents.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/pairs.h"

/* How objects of a type can be equal. */
enum kind {
	OTHER, /* only to themselves */
	PLAIN, /* by value */
	ITEMS, /* by their items, in order */
	KEYS,  /* not equal, but of one shape */
	KINDS,
};

enum {
	RANKS = 1000,     /* groups that are kept of each kind */
	SHAPE_LEAST = 10, /* dicts of one shape that are worth a row */
	DICT_BYTES = 64,  /* of a dict but for its table, with the head of the collector */
	/* A value may be cut at NEC_LIMIT_PREVIEW characters; with its quotes it is shorter when it
	   is not. */
	WHOLE_TEXT = NEC_LIMIT_PREVIEW - 5,
	FILTER_BITS_MAX = 27, /* 32 MiB */
};

/* An object whose items are not all known. */
static const uint64_t partial = 1;
/* What the digest of an item begins with that is equal to itself alone. */
static const uint64_t alone = 2;

/* To add one: the class as table type names it. */
static const struct {
	const char *name;
	uint8_t kind;
} types[] = {
	{"builtins.str", PLAIN},        {"builtins.bytes", PLAIN},
	{"builtins.int", PLAIN},        {"builtins.float", PLAIN},
	{"builtins.complex", PLAIN},    {"builtins.tuple", ITEMS},
	{"builtins.dict", KEYS},        {"__builtin__.str", PLAIN},
	{"__builtin__.unicode", PLAIN}, {"__builtin__.int", PLAIN},
	{"__builtin__.long", PLAIN},    {"__builtin__.float", PLAIN},
	{"__builtin__.complex", PLAIN}, {"__builtin__.tuple", ITEMS},
	{"__builtin__.dict", KEYS},
};

/* Objects that are equal, or of one shape. */
struct group {
	uint32_t first, count;
	int64_t bytes;
};

struct ranking {
	struct group *groups; /* [2 * RANKS] */
	uint32_t count;
};

struct work {
	const struct nec_contents *contents;
	const struct nec_contents_objects *objects;
	const uint64_t *start;
	const uint32_t *to;
	uint64_t *digest;
	struct ranking rankings[KINDS];
};

void nec_contents_init(struct nec_contents *c)
{
	const struct nec_tmparray none = NEC_TMPARRAY_INIT;

	*c = (struct nec_contents){.digest = none, .kind = none};
}

void nec_contents_deinit(struct nec_contents *c)
{
	nec_tmparray_deinit(&c->digest);
	nec_tmparray_deinit(&c->kind);
}

struct nec_error *nec_contents_begin(struct nec_contents *c, const char *tmpdir)
{
	NEC_TRY(nec_tmparray_init(&c->digest, tmpdir));
	return nec_tmparray_init(&c->kind, tmpdir);
}

struct nec_error *nec_contents_type(struct nec_contents *c, uint32_t type, const char *name)
{
	size_t i;

	if (c->kind.size <= type)
		NEC_TRY(nec_tmparray_resize(&c->kind, (size_t)type + 1));
	for (i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].name, name))
			((uint8_t *)c->kind.data)[type] = types[i].kind;
	return NULL;
}

static enum kind kind_of(const struct nec_contents *c, uint32_t type)
{
	return type < c->kind.size ? ((const uint8_t *)c->kind.data)[type] : OTHER;
}

void nec_contents_object(struct nec_contents *c, uint32_t id, uint32_t type, uint64_t content)
{
	if (content && kind_of(c, type) == PLAIN) {
		((uint64_t *)c->digest.data)[id] = nec_digest_add(content, type);
		c->told = true;
	}
}

void nec_contents_value(struct nec_contents *c, uint32_t id, uint32_t type, const char *text,
			uint32_t len)
{
	if (!c->told && len < WHOLE_TEXT && kind_of(c, type) == PLAIN)
		((uint64_t *)c->digest.data)[id] = nec_digest(text, len, type);
}

static bool is_key(uint8_t label_kind)
{
	return label_kind == NEC_LABEL_KEY || label_kind == NEC_LABEL_ATTR;
}

void nec_contents_references(struct nec_contents *c, uint32_t id, uint32_t type,
			     const struct nec_packed_ref *refs, uint32_t count, bool complete)
{
	uint64_t *digest = c->digest.data, key;
	enum kind kind = kind_of(c, type);
	uint32_t i;

	if (kind != ITEMS && kind != KEYS)
		return;
	if (!complete)
		digest[id] = partial;
	for (i = 0; kind == KEYS && digest[id] != partial && i < count; i++) {
		if (!is_key(refs[i].label_kind))
			continue;
		if (refs[i].label == NEC_NODE_NONE) {
			digest[id] = partial;
			return;
		}
		key = digest[refs[i].label];
		if (key <= partial)
			key = nec_digest_add(alone, refs[i].label);
		digest[id] = nec_digest_add(digest[id] ? digest[id] : type + alone, key);
	}
}

/* ---- tuples ---- */

/* What item i is to whoever has it; 0: nobody knows yet. */
static uint64_t item_digest(const struct work *w, uint32_t i)
{
	enum kind kind = kind_of(w->contents, w->objects->type[i]);

	if (kind == ITEMS && !w->digest[i])
		return 0;
	return kind != KEYS && w->digest[i] > partial ? w->digest[i] : nec_digest_add(alone, i);
}

static bool digest_items(const struct work *w, uint32_t id)
{
	uint64_t digest = w->objects->type[id] + alone, item, e;

	for (e = w->start[id]; e < w->start[id + 1]; e++) {
		item = item_digest(w, w->to[e]);
		if (!item)
			return false;
		digest = nec_digest_add(digest, item);
	}
	w->digest[id] = e > w->start[id] ? digest : partial;
	return true;
}

/* Those whose items are all known, as often as that makes others known. */
static void digest_tuples(const struct work *w)
{
	bool more = true;
	uint32_t i, pass;

	for (pass = 0; more && pass < NEC_CONTENTS_DEPTH; pass++) {
		more = false;
		for (i = 0; i < w->objects->count; i++)
			if (!w->digest[i] && kind_of(w->contents, w->objects->type[i]) == ITEMS)
				more |= digest_items(w, i);
	}
}

/* ---- groups ---- */

static int by_bytes(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static void rank(struct ranking *r, const struct group *g)
{
	if (g->bytes <= 0)
		return;
	if (r->count == 2 * RANKS) {
		qsort(r->groups, r->count, sizeof(*g), by_bytes);
		r->count = RANKS;
	}
	r->groups[r->count++] = *g;
}

/* What a dict needs no more whose keys are in a table that others share: it keeps a word for each.
 */
static int64_t shape_bytes(const struct work *w, uint32_t i)
{
	uint64_t keys = (w->start[i + 1] - w->start[i]) / 2;
	int64_t rest = (int64_t)w->objects->size[i] - DICT_BYTES - (int64_t)(keys * 8);

	return rest > 0 && !(w->objects->flags[i] & NEC_OBJECT_SHARES) ? rest : 0;
}

static void add_group(struct work *w, const struct nec_pair *pairs, uint32_t count)
{
	struct group g = {.first = (uint32_t)pairs[0].value, .count = count};
	enum kind kind = kind_of(w->contents, w->objects->type[g.first]);
	int64_t most = 0, bytes;
	uint32_t i;

	if (count < (kind == KEYS ? SHAPE_LEAST : 2))
		return;
	for (i = 0; i < count; i++) {
		uint32_t id = (uint32_t)pairs[i].value;

		if (kind == KEYS && w->objects->flags[id] & NEC_OBJECT_SHARES)
			g.count--;
		bytes = kind == KEYS ? shape_bytes(w, id) : w->objects->size[id];
		most = bytes > most ? bytes : most;
		g.bytes += bytes;
	}
	if (kind == KEYS && g.count < SHAPE_LEAST)
		return;
	g.bytes -= most;
	rank(&w->rankings[kind == KEYS ? KEYS : PLAIN], &g);
}

static void add_groups(struct work *w, const struct nec_tmparray *array)
{
	const struct nec_pair *pairs = array->data;
	uint64_t count = nec_pairs_count(array), i, end;

	for (i = 0; i < count; i = end) {
		for (end = i + 1; end < count && pairs[end].key == pairs[i].key;)
			end++;
		add_group(w, pairs + i, (uint32_t)(end - i));
	}
}

/*
 * Most digests are there once: a table of two bits for what a few bits of each say leaves out
 * nearly all of these before anything is sorted.
 */
static struct nec_error *collect(const struct work *w, struct nec_tmparray *pairs)
{
	_cleanup_free_ uint8_t *seen = NULL;
	unsigned int bits = 10;
	uint32_t i, pass;

	while (bits < FILTER_BITS_MAX && UINT64_C(1) << bits < w->objects->count * UINT64_C(8))
		bits++;
	seen = calloc(UINT64_C(1) << bits >> 2, 1);
	if (!seen)
		return &nec_enomem;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < w->objects->count; i++) {
			uint64_t slot = w->digest[i] >> (64 - bits);
			unsigned int shift = (unsigned int)(slot & 3) * 2;
			const struct nec_pair pair = {w->digest[i], i};

			if (w->digest[i] <= partial)
				continue;
			if (!pass)
				seen[slot >> 2] |=
					(uint8_t)((seen[slot >> 2] >> shift & 1 ? 3 : 1) << shift);
			else if (seen[slot >> 2] >> shift & 2)
				NEC_TRY(nec_tmparray_append(pairs, &pair, sizeof(pair)));
		}
	}
	return NULL;
}

static struct nec_error *put_ranking(struct work *w, enum kind kind, const char *name,
				     struct nec_store *store)
{
	struct ranking *r = &w->rankings[kind];
	uint32_t i;

	qsort(r->groups, r->count, sizeof(*r->groups), by_bytes);
	for (i = 0; i < r->count && i < RANKS; i++) {
		const struct group *g = &r->groups[i];

		NEC_TRY(nec_store_duplicate(store, name, i + 1, w->objects->addr[g->first],
					    g->count, g->bytes));
	}
	return NULL;
}

static struct nec_error *find_groups(struct work *w, struct nec_tmparray *pairs)
{
	NEC_TRY(nec_tmparray_init(pairs, w->objects->tmpdir));
	digest_tuples(w);
	NEC_TRY(collect(w, pairs));
	NEC_TRY(nec_pairs_sort(pairs, w->objects->tmpdir));
	add_groups(w, pairs);
	return NULL;
}

struct nec_error *nec_contents_put(struct nec_contents *contents,
				   const struct nec_contents_objects *objects,
				   struct nec_store *store)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray pairs = NEC_TMPARRAY_INIT;
	_cleanup_free_ struct group *equal = calloc(2 * RANKS, sizeof(*equal));
	_cleanup_free_ struct group *shapes = calloc(2 * RANKS, sizeof(*shapes));
	struct work w = {
		.contents = contents,
		.objects = objects,
		.start = nec_graph_start(objects->graph),
		.to = nec_graph_to(objects->graph),
		.digest = contents->digest.data,
		.rankings = {[PLAIN] = {.groups = equal}, [KEYS] = {.groups = shapes}},
	};

	if (!equal || !shapes)
		return &nec_enomem;
	NEC_TRY(find_groups(&w, &pairs));
	NEC_TRY(put_ranking(&w, PLAIN, "equal", store));
	return put_ranking(&w, KEYS, "same keys", store);
}
