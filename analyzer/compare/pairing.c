/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence of identity and verdicts on it; see pairing.h. */
#include <stdlib.h>
#include <string.h>

#include "compare/pairing.h"
#include "fact.h"
#include "store/edges.h"
#include "whole.h"

enum {
	/* Objects that are looked at once more: each is a search in either database, some 20 us. */
	REVISITS_MAX = 200000,
};

const char *const nec_verdict_names[NEC_VERDICTS] = {
	[NEC_VERDICT_BORN] = "born",
	[NEC_VERDICT_SAME] = "same",
	[NEC_VERDICT_SAME_LIKELY] = "likely same",
	[NEC_VERDICT_REUSED] = "reused",
	[NEC_VERDICT_REUSED_LIKELY] = "likely reused",
};

const double nec_verdict_confidence[NEC_VERDICTS] = {
	[NEC_VERDICT_BORN] = 1,
	[NEC_VERDICT_SAME] = 0.99,
	[NEC_VERDICT_SAME_LIKELY] = 0.7,
	[NEC_VERDICT_REUSED] = 0.99,
	[NEC_VERDICT_REUSED_LIKELY] = 0.8,
};

/* ---- first merge: addresses, classes, values ---- */

static bool same_text(const char *x, size_t x_size, const char *y, size_t y_size)
{
	/* What has no preview on one side is no evidence. */
	return !x || !y || (x_size == y_size && memcmp(x, y, x_size) == 0);
}

static struct nec_error *match(struct nec_merge_worker *w, const struct nec_scan_object *a,
			       const struct nec_scan_object *b)
{
	struct nec_pairing *p = w->arg;
	uint32_t class_a = a ? nec_class_of(p->side_a, a->type) : NEC_CLASS_NONE;
	uint32_t class_b = b ? nec_class_of(p->side_b, b->type) : NEC_CLASS_NONE;
	uint32_t *b_of_a = p->b_of_a.data;
	uint8_t flags = class_b == NEC_CLASS_NONE ? 0 : (uint8_t)p->classes->items[class_b].flags;
	const char *text_a, *text_b;
	size_t size_a, size_b;
	bool alike;

	if (b)
		((uint8_t *)p->kind.data)[b->id] = flags;
	if (a)
		b_of_a[a->id] = NEC_PAIR_NONE;
	if (!a || !b || class_a == NEC_CLASS_NONE || class_a != class_b)
		return NULL;
	if (flags & NEC_CLASS_VALUE)
		NEC_TRY(nec_scan_alike(w->a, w->b, NEC_SCAN_VALUES, &alike));
	if (flags & NEC_CLASS_VALUE && !alike) {
		NEC_TRY(nec_scan_value(w->a, &text_a, &size_a));
		NEC_TRY(nec_scan_value(w->b, &text_b, &size_b));
		if (!same_text(text_a, size_a, text_b, size_b)) {
			((uint8_t *)p->state.data)[b->id] = NEC_PAIR_REUSED | NEC_PAIR_DECIDED;
			return NULL;
		}
	}
	b_of_a[a->id] = b->id;
	((uint8_t *)p->state.data)[b->id] = NEC_PAIR_MATCHED;
	return NULL;
}

/* ---- second merge: references ---- */

/* The references of one object that tell something, as ids of B; one that no longer is anywhere is
 * NEC_PAIR_NONE. */
struct telling {
	uint32_t *dst;
	uint32_t count, capacity;
};

struct survey {
	struct nec_pairing *p;
	struct telling a[NEC_MERGE_WORKERS], b[NEC_MERGE_WORKERS];
};

static struct nec_error *reserve(struct telling *t, uint32_t count)
{
	uint32_t *p;

	t->count = 0;
	if (count <= t->capacity)
		return NULL;
	p = reallocarray(t->dst, count, sizeof(*p));
	if (!p)
		return &nec_enomem;
	t->dst = p;
	t->capacity = count;
	return NULL;
}

static bool is_key(const struct nec_pairing *p, int side, const struct nec_edge *edge)
{
	return edge->label_kind == NEC_LABEL_STRING &&
	       (edge->label == p->key_labels[side][0] || edge->label == p->key_labels[side][1]);
}

/*
 * dst: in B. Weak references hold nothing. Keys of dicts are the same strings in every instance of
 * a class; what else is a key tells as much as an item does: nothing else refers to the weak
 * references of a WeakKeyDictionary.
 */
static bool tells(const struct nec_pairing *p, int side, const struct nec_edge *edge, uint32_t dst)
{
	if (!nec_ref_holds(edge->kind) || edge->kind == NEC_REF_TYPE)
		return false;
	return !is_key(p, side, edge) ||
	       (dst != NEC_PAIR_NONE && !(((const uint8_t *)p->kind.data)[dst] & NEC_CLASS_VALUE));
}

static struct nec_error *gather(const struct nec_pairing *p, int side, const struct nec_edge *edges,
				uint32_t count, struct telling *t)
{
	uint32_t i, dst;

	NEC_TRY(reserve(t, count));
	for (i = 0; i < count; i++) {
		dst = side ? edges[i].dst : nec_pairing_b(p, edges[i].dst);
		if (tells(p, side, &edges[i], dst))
			t->dst[t->count++] = dst;
	}
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void support(struct nec_pairing *p, uint32_t b)
{
	uint8_t *s = &((uint8_t *)p->support.data)[b], old = __atomic_load_n(s, __ATOMIC_RELAXED);

	while (old < UINT8_MAX && !__atomic_compare_exchange_n(s, &old, old + 1, true,
							       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Counts references that are in both lists; those that tell something of the object, and the
 * others' targets get support. */
static void count_common(struct nec_pairing *p, struct telling *a, struct telling *b, bool speaks,
			 uint8_t *state_ret, uint32_t *common_ret)
{
	const uint8_t *kind = p->kind.data;
	uint32_t i = 0, j = 0;

	*state_ret = 0;
	*common_ret = 0;
	if (!a->count || !b->count)
		return;
	if (a->count != b->count || memcmp(a->dst, b->dst, a->count * sizeof(*a->dst)) != 0) {
		qsort(a->dst, a->count, sizeof(*a->dst), compare_ids);
		qsort(b->dst, b->count, sizeof(*b->dst), compare_ids);
	}
	while (i < a->count && j < b->count) {
		if (a->dst[i] != b->dst[j]) {
			if (a->dst[i] < b->dst[j])
				i++;
			else
				j++;
			continue;
		}
		++*common_ret;
		if (!(kind[b->dst[j]] & NEC_CLASS_SHARED))
			*state_ret |= kind[b->dst[j]] & (NEC_CLASS_VALUE | NEC_CLASS_FIXED)
					      ? NEC_PAIR_SAME_VALUE
					      : NEC_PAIR_SAME;
		if (speaks)
			support(p, b->dst[j]);
		i++;
		j++;
	}
}

/* How many items a container has; UINT32_MAX: it is none, or nobody can tell. */
static uint32_t length(const struct nec_edge *edges, uint32_t count, uint8_t kind)
{
	uint32_t items[4] = {0}, plain = 0, i;

	for (i = 0; i < count; i++) {
		if (!nec_ref_holds(edges[i].kind) || edges[i].kind == NEC_REF_TYPE)
			continue;
		if (edges[i].label_kind == NEC_LABEL_INDEX)
			items[0]++;
		else if (edges[i].label_kind == NEC_LABEL_KEY)
			items[1]++;
		else if (edges[i].label_kind == NEC_LABEL_STRING)
			items[2]++;
		else if (edges[i].label_kind == NEC_LABEL_NONE)
			plain++;
	}
	if (kind & NEC_CLASS_DICT)
		return items[1] ? items[1] : plain / 2;
	if (kind & NEC_CLASS_SET)
		return items[2] ? items[2] : plain;
	if (kind & NEC_CLASS_SEQUENCE)
		return items[0] ? items[0] : plain;
	return items[1] ? items[1] : items[0] ? items[0] : UINT32_MAX;
}

static struct nec_error *note_length(struct nec_pairing *p, unsigned int worker, uint32_t id,
				     uint32_t length_a, uint32_t length_b)
{
	const struct nec_grown grown = {id, length_a, length_b};

	/* A container of a class of its own that was empty shows no items to tell it by. */
	if (length_a == UINT32_MAX && length_b == UINT32_MAX)
		return NULL;
	if (length_a == length_b)
		return NULL;
	return nec_tmparray_append(&p->grown[worker],
				   &(struct nec_grown){grown.id,
						       length_a == UINT32_MAX ? 0 : length_a,
						       length_b == UINT32_MAX ? 0 : length_b},
				   sizeof(grown));
}

static bool is_dict_of(const struct nec_pairing *p, int side, const struct nec_edge *edge)
{
	return edge->label_kind == NEC_LABEL_STRING &&
	       (edge->label == p->dict_labels[side][0] || edge->label == p->dict_labels[side][1]);
}

static void note_dict(struct nec_pairing *p, const struct nec_edge *edges, uint32_t count)
{
	uint8_t *state = p->state.data;

	for (uint32_t i = 0; i < count; i++)
		if (is_dict_of(p, 1, &edges[i]))
			__atomic_fetch_or(&state[edges[i].dst], NEC_PAIR_OWNED, __ATOMIC_RELAXED);
}

static struct nec_error *compare_references(struct nec_merge_worker *w,
					    const struct nec_scan_object *a,
					    const struct nec_scan_object *b)
{
	struct survey *s = w->arg;
	struct nec_pairing *p = s->p;
	struct telling *ta = &s->a[w->index], *tb = &s->b[w->index];
	const struct nec_edge *edges_a, *edges_b;
	uint32_t count_a, count_b, common;
	uint8_t *state, kind, evidence;

	if (!a || !b || nec_pairing_b(p, a->id) != b->id)
		return NULL;
	NEC_TRY(nec_scan_edges(w->a, &edges_a, &count_a));
	NEC_TRY(nec_scan_edges(w->b, &edges_b, &count_b));
	if (!count_a && !count_b)
		return NULL;
	state = &((uint8_t *)p->state.data)[b->id];
	kind = ((const uint8_t *)p->kind.data)[b->id];
	note_dict(p, edges_b, count_b);
	NEC_TRY(gather(p, 0, edges_a, count_a, ta));
	NEC_TRY(gather(p, 1, edges_b, count_b, tb));
	/* What cannot change and did is another object: it speaks for nobody. */
	if (kind & NEC_CLASS_FIXED)
		count_common(p, ta, tb, false, &evidence, &common);
	if (kind & NEC_CLASS_FIXED && (ta->count != common || tb->count != common)) {
		__atomic_fetch_or(state, NEC_PAIR_REUSED | NEC_PAIR_DECIDED, __ATOMIC_RELAXED);
		return NULL;
	}
	count_common(p, ta, tb, true, &evidence, &common);
	if (ta->count - common > 1)
		evidence |= NEC_PAIR_CHANGED2;
	__atomic_fetch_or(state, evidence, __ATOMIC_RELAXED);
	if (!(kind & (NEC_CLASS_FIXED | NEC_CLASS_VALUE))) {
		return note_length(p, w->index, b->id, length(edges_a, count_a, kind),
				   length(edges_b, count_b, kind));
	}
	return NULL;
}

/* ---- roots ---- */

/* Roots that are words on some stack come and go. */
static bool is_lasting(const char *kind)
{
	return strcmp(kind, "frame") != 0 && strcmp(kind, "native stack") != 0 &&
	       strcmp(kind, "value stack") != 0 && strcmp(kind, "register") != 0;
}

/*
 * A word that may own nothing makes nothing last: C's memory that was freed still has the addresses
 * that were in it, and objects are made anew there.
 */
static struct nec_error *note_roots(struct nec_pairing *p)
{
	_cleanup_(nec_query_closep) struct nec_query *in_a = NULL, *in_b = NULL;
	_cleanup_(nec_edges_closep) struct nec_edges *edges = NULL;
	uint8_t *state = p->state.data;
	struct nec_error *err;
	uint32_t id;
	bool row, both, owns;

	NEC_TRY(nec_edges_open(p->b, &edges));
	NEC_TRY(nec_query_named(p->b, "compare_roots", &in_b));
	NEC_TRY(nec_query_named(p->a, "compare_is_root", &in_a));
	for (;;) {
		NEC_TRY(nec_query_step(in_b, &row));
		if (!row)
			return NULL;
		nec_query_reset(in_a);
		NEC_TRY(nec_query_bind_int(in_a, ":addr", nec_query_int(in_b, 0)));
		NEC_TRY(nec_query_bind_text(in_a, ":kind", nec_query_text(in_b, 1, NULL)));
		owns = nec_query_int(in_b, 2) == NEC_ROOT_SURE;
		NEC_TRY(nec_query_bind_text(in_a, ":word",
					    owns ? NULL : nec_query_text(in_b, 3, NULL)));
		NEC_TRY(nec_query_step(in_a, &both));
		if (!both)
			continue;
		err = nec_edges_id(edges, (uint64_t)nec_query_int(in_b, 0), &id);
		if (!err && owns && is_lasting(nec_query_text(in_b, 1, NULL)))
			state[id] |= NEC_PAIR_ROOT;
		else if (!err)
			support(p, id);
		else if (err->code == NEC_ERR_NOTFOUND)
			nec_error_destroy(err);
		else
			return err;
	}
}

/* ---- verdicts ---- */

static bool is_held(const struct nec_pairing *p, uint32_t b)
{
	return ((const uint8_t *)p->support.data)[b] ||
	       ((const uint8_t *)p->state.data)[b] & NEC_PAIR_ROOT;
}

/* Nothing of what made it this object is left: of an instance its numbers and strings, of a
 * container all that was in it. */
static bool is_replaced(const struct nec_pairing *p, uint32_t b)
{
	uint8_t state = ((const uint8_t *)p->state.data)[b];
	uint8_t kind = ((const uint8_t *)p->kind.data)[b];
	bool container = kind & (NEC_CLASS_SEQUENCE | NEC_CLASS_SET | NEC_CLASS_DICT) &&
			 !(state & NEC_PAIR_OWNED);

	return state & NEC_PAIR_CHANGED2 && !(state & NEC_PAIR_ROOT) &&
	       !(state & (container ? NEC_PAIR_SAME | NEC_PAIR_SAME_VALUE : NEC_PAIR_SAME_VALUE));
}

enum nec_verdict nec_pairing_verdict(const struct nec_pairing *p, uint32_t b)
{
	uint8_t state = ((const uint8_t *)p->state.data)[b];

	if (state & NEC_PAIR_REUSED)
		return state & NEC_PAIR_DECIDED ? NEC_VERDICT_REUSED : NEC_VERDICT_REUSED_LIKELY;
	if (!(state & NEC_PAIR_MATCHED))
		return NEC_VERDICT_BORN;
	return ((const uint8_t *)p->support.data)[b] || state & NEC_PAIR_ROOT
		       ? NEC_VERDICT_SAME
		       : NEC_VERDICT_SAME_LIKELY;
}

/* Objects to look at once more: who was held by, or is the owner of, one that turned out to be new.
 */
struct revisit {
	struct nec_pairing *p;
	struct nec_edges *a, *b;
	struct nec_tmparray list; /* uint32_t ids of B that were found to be reused, in turn */
	uint32_t *old;            /* targets in A of the one at work, as ids of B, sorted; owned */
	uint32_t old_count, old_capacity;
};

/* Does an attribute, a global, or a member of a C struct of an object that is the same refer to it?
 */
struct naming {
	const struct nec_pairing *p;
	struct nec_neighbours *neighbours;
	uint32_t dst;
	bool found;
};

static struct nec_error *is_name(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct naming *n = arg;
	const uint8_t *state = n->p->state.data;

	if (edge->dst != n->dst || !nec_ref_holds(edge->kind) || edge->kind == NEC_REF_TYPE)
		return NULL;
	if (edge->label_kind == NEC_LABEL_ATTR ||
	    (edge->label_kind == NEC_LABEL_KEY && state[edge->src] & NEC_PAIR_OWNED) ||
	    (edge->label_kind == NEC_LABEL_STRING && edge->label != n->p->key_labels[1][2] &&
	     !is_key(n->p, 1, edge)))
		*stop = n->found = true;
	return NULL;
}

static struct nec_error *ask_referrer(void *arg, uint32_t src, bool *stop)
{
	struct naming *n = arg;

	if (!nec_pairing_same(n->p, src))
		return NULL;
	NEC_TRY(n->neighbours->references(n->neighbours, src, is_name, n));
	*stop = n->found;
	return NULL;
}

/* Is src the instance or module whose dict dst is? */
struct ownership {
	const struct nec_pairing *p;
	uint32_t dst;
	bool found;
};

static struct nec_error *is_owner(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct ownership *o = arg;

	if (edge->dst == o->dst && is_dict_of(o->p, 1, edge))
		*stop = o->found = true;
	return NULL;
}

/* For the dict of an instance: has the instance a name? */
static struct nec_error *ask_owner(void *arg, uint32_t src, bool *stop)
{
	struct naming *n = arg, owner = {n->p, n->neighbours, src, false};
	struct ownership o = {n->p, n->dst, false};

	if (!nec_pairing_same(n->p, src))
		return NULL;
	NEC_TRY(n->neighbours->references(n->neighbours, src, is_owner, &o));
	if (!o.found)
		return NULL;
	if (!(((const uint8_t *)n->p->state.data)[src] & NEC_PAIR_ROOT))
		NEC_TRY(n->neighbours->referrers(n->neighbours, src, ask_referrer, &owner));
	else
		owner.found = true;
	*stop = n->found = owner.found;
	return NULL;
}

static struct nec_error *is_reused(struct revisit *r, uint32_t b, bool *ret)
{
	const struct nec_pairing *p = r->p;
	uint8_t state = ((const uint8_t *)p->state.data)[b];
	uint8_t kind = ((const uint8_t *)p->kind.data)[b];
	struct naming naming = {p, nec_edges_neighbours(r->b), b, false};

	*ret = false;
	if (state & NEC_PAIR_DECIDED) {
		*ret = state & NEC_PAIR_REUSED;
		return NULL;
	}
	/* A value that equals the one before is worth something, an empty container that nobody
	 * held is not. */
	if (kind & (NEC_CLASS_VALUE | NEC_CLASS_FIXED))
		return NULL;
	if (!is_held(p, b)) {
		*ret = !(state & (NEC_PAIR_SAME | NEC_PAIR_SAME_VALUE)) || is_replaced(p, b);
		return NULL;
	}
	if (!is_replaced(p, b) || r->list.size / sizeof(b) >= REVISITS_MAX)
		return NULL;
	NEC_TRY(naming.neighbours->referrers(
		naming.neighbours, b, state & NEC_PAIR_OWNED ? ask_owner : ask_referrer, &naming));
	*ret = !naming.found;
	return NULL;
}

static struct nec_error *found_reused(struct revisit *r, uint32_t b)
{
	((uint8_t *)r->p->state.data)[b] |= NEC_PAIR_REUSED;
	return nec_tmparray_append(&r->list, &b, sizeof(b));
}

static struct nec_error *keep_old(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct revisit *r = arg;
	uint32_t dst = nec_pairing_b(r->p, edge->dst);

	(void)stop;
	if (dst == NEC_PAIR_NONE || !tells(r->p, 0, edge, dst))
		return NULL;
	if (r->old_count == r->old_capacity) {
		uint32_t want = r->old_capacity ? r->old_capacity * 2 : 64;
		uint32_t *p =
			want > r->old_capacity ? reallocarray(r->old, want, sizeof(*p)) : NULL;

		if (!p)
			return &nec_enomem;
		r->old = p;
		r->old_capacity = want;
	}
	r->old[r->old_count++] = dst;
	return NULL;
}

/* A reference of one that is new spoke for its target: no longer. */
static struct nec_error *withdraw(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct revisit *r = arg;
	uint8_t *state = r->p->state.data, *held = r->p->support.data;
	bool reused;

	(void)stop;
	if (!tells(r->p, 1, edge, edge->dst) || !(state[edge->dst] & NEC_PAIR_MATCHED) ||
	    !held[edge->dst] || held[edge->dst] == UINT8_MAX ||
	    !bsearch(&edge->dst, r->old, r->old_count, sizeof(*r->old), compare_ids))
		return NULL;
	held[edge->dst]--;
	if (state[edge->dst] & NEC_PAIR_REUSED)
		return NULL;
	NEC_TRY(is_reused(r, edge->dst, &reused));
	return reused ? found_reused(r, edge->dst) : NULL;
}

/* The instance that a dict belongs to is as new as the dict. */
static struct nec_error *blame_owner(void *arg, uint32_t src, bool *stop)
{
	struct revisit *r = arg;
	struct ownership o = {r->p, ((uint32_t *)r->list.data)[r->list.size / sizeof(uint32_t) - 1],
			      false};
	struct nec_neighbours *n = nec_edges_neighbours(r->b);

	if (!nec_pairing_same(r->p, src))
		return NULL;
	NEC_TRY(n->references(n, src, is_owner, &o));
	*stop = o.found;
	return o.found ? found_reused(r, src) : NULL;
}

static struct nec_error *revisit_one(struct revisit *r, uint32_t b)
{
	struct nec_neighbours *na = nec_edges_neighbours(r->a), *nb = nec_edges_neighbours(r->b);
	uint32_t type, a;
	uint64_t addr;

	NEC_TRY(nec_edges_object(r->b, b, &addr, &type));
	NEC_TRY(nec_edges_id(r->a, addr, &a));
	r->old_count = 0;
	NEC_TRY(na->references(na, a, keep_old, r));
	if (r->old_count)
		qsort(r->old, r->old_count, sizeof(*r->old), compare_ids);
	return r->old_count ? nb->references(nb, b, withdraw, r) : NULL;
}

static struct nec_error *judge_all(struct revisit *r)
{
	struct nec_pairing *p = r->p;
	const uint8_t *state = p->state.data;
	struct nec_neighbours *n = nec_edges_neighbours(r->b);
	bool reused;
	size_t i;
	uint32_t b;

	for (b = 0; b < p->count_b; b++) {
		if (!(state[b] & NEC_PAIR_MATCHED) || state[b] & NEC_PAIR_REUSED)
			continue;
		NEC_TRY(is_reused(r, b, &reused));
		if (!reused)
			continue;
		NEC_TRY(found_reused(r, b));
		if (state[b] & NEC_PAIR_OWNED && r->list.size / sizeof(b) < REVISITS_MAX)
			NEC_TRY(n->referrers(n, b, blame_owner, r));
	}
	for (i = 0; i < r->list.size / sizeof(b) && i < REVISITS_MAX; i++) {
		NEC_TRY(revisit_one(r, ((const uint32_t *)r->list.data)[i]));
		if (!(i & 0xfff))
			NEC_TRY(nec_progress_step(p->progress, "identity", i,
						  r->list.size / sizeof(b)));
	}
	return NULL;
}

static struct nec_error *judge(struct nec_pairing *p)
{
	struct revisit r = {.p = p, .list = NEC_TMPARRAY_INIT};
	uint32_t *b_of_a = p->b_of_a.data, id;
	struct nec_error *err;

	err = nec_tmparray_init(&r.list, nec_tmpdir());
	if (!err)
		err = nec_edges_open(p->a, &r.a);
	if (!err)
		err = nec_edges_open(p->b, &r.b);
	if (!err)
		err = judge_all(&r);
	nec_edges_close(r.a);
	nec_edges_close(r.b);
	nec_tmparray_deinit(&r.list);
	free(r.old);
	if (err)
		return err;
	for (id = 0; id < p->count_b; id++)
		p->verdicts[nec_pairing_verdict(p, id)]++;
	for (id = 0; id < p->count_a; id++)
		if (b_of_a[id] != NEC_PAIR_NONE && !nec_pairing_same(p, b_of_a[id]))
			b_of_a[id] = NEC_PAIR_NONE;
	return NULL;
}

/* ---- all of it ---- */

static struct nec_error *read_label(struct nec_db *db, const char *text, uint32_t *ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	*ret = UINT32_MAX;
	NEC_TRY(nec_query_named(db, "compare_label", &query));
	NEC_TRY(nec_query_bind_text(query, ":text", text));
	NEC_TRY(nec_query_step(query, &row));
	if (row)
		*ret = (uint32_t)nec_query_int(query, 0);
	return NULL;
}

static struct nec_error *prepare(struct nec_pairing *p)
{
	const char *dir = nec_tmpdir();
	uint64_t middle;
	unsigned int i;

	NEC_TRY(nec_scan_extent(p->a, &p->count_a, &middle));
	NEC_TRY(nec_scan_extent(p->b, &p->count_b, &middle));
	for (i = 0; i < 2; i++) {
		struct nec_db *db = i ? p->b : p->a;

		NEC_TRY(read_label(db, " key", &p->key_labels[i][0]));
		NEC_TRY(read_label(db, " shared key", &p->key_labels[i][1]));
		NEC_TRY(read_label(db, "{}", &p->key_labels[i][2]));
		NEC_TRY(read_label(db, ".__dict__", &p->dict_labels[i][0]));
		NEC_TRY(read_label(db, ".md_dict", &p->dict_labels[i][1]));
	}
	for (i = 0; i < NEC_MERGE_WORKERS; i++)
		NEC_TRY(nec_tmparray_init(&p->grown[i], dir));
	NEC_TRY(nec_tmparray_init(&p->b_of_a, dir));
	NEC_TRY(nec_tmparray_resize(&p->b_of_a, (size_t)p->count_a * sizeof(uint32_t)));
	NEC_TRY(nec_tmparray_init(&p->state, dir));
	NEC_TRY(nec_tmparray_resize(&p->state, p->count_b));
	NEC_TRY(nec_tmparray_init(&p->support, dir));
	NEC_TRY(nec_tmparray_resize(&p->support, p->count_b));
	NEC_TRY(nec_tmparray_init(&p->kind, dir));
	return nec_tmparray_resize(&p->kind, p->count_b);
}

static uint64_t count_matched(const struct nec_pairing *p)
{
	const uint8_t *state = p->state.data;
	uint64_t n = 0;

	for (uint32_t b = 0; b < p->count_b; b++)
		n += state[b] & NEC_PAIR_MATCHED;
	return n;
}

struct nec_error *nec_pairing_run(struct nec_pairing *p)
{
	struct survey survey = {.p = p};
	struct nec_merge merge = {
		.a = p->a,
		.b = p->b,
		.what = NEC_SCAN_VALUES,
		.fn = match,
		.arg = p,
		.progress = p->progress,
		.stage = "objects of both",
	};
	struct nec_error *err;

	p->b_of_a.fd = p->state.fd = p->support.fd = p->kind.fd = -1;
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++)
		p->grown[i].fd = -1;
	NEC_TRY(prepare(p));
	merge.total = (uint64_t)p->count_a + p->count_b;
	NEC_TRY(nec_merge_run(&merge));
	p->matched_addresses = count_matched(p);
	merge.what = 0;
	merge.fn = compare_references;
	merge.arg = &survey;
	merge.stage = "references of both";
	err = nec_merge_run(&merge);
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		free(survey.a[i].dst);
		free(survey.b[i].dst);
	}
	if (err)
		return err;
	NEC_TRY(note_roots(p));
	return judge(p);
}

void nec_pairing_deinit(struct nec_pairing *p)
{
	nec_tmparray_deinit(&p->b_of_a);
	nec_tmparray_deinit(&p->state);
	nec_tmparray_deinit(&p->support);
	nec_tmparray_deinit(&p->kind);
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++)
		nec_tmparray_deinit(&p->grown[i]);
}
