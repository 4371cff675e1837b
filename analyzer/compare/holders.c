/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where memory grew: holders and containers.
 *
 * Every dominator above a leak retains more by as much as the leak itself, so what counts is what
 * remains of an object's growth when that of the objects below it is taken off: of objects that
 * were there before all of it, of objects that were born since only where one of them is most of it
 * (otherwise it is one of the many that accumulate). What was there before and was below another
 * object is nobody's growth: a thread that is inside of a function holds its cache as well, and
 * when it has returned the class alone does.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "compare/difference.h"
#include "fact.h"

enum {
	SHARE = 100,         /* a holder explains at least one part in so many of the growth */
	WHO = 60,            /* containers of which it is said what came in */
	EDGES_MAX = 1 << 20, /* references of a container that are looked at for that */
	CLASSES = 3,         /* classes that are named */
};

static int compare_addr(const void *a, const void *b)
{
	const struct nec_holder *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Those that keep the most alive come before what they keep alive. */
static int compare_retained(const void *a, const void *b)
{
	const struct nec_holder *const *x = a, *const *y = b;

	return (*x)->retained_b > (*y)->retained_b ? -1 : (*x)->retained_b < (*y)->retained_b;
}

static int compare_remains(const void *a, const void *b)
{
	const struct nec_holder *x = a, *y = b;

	return x->remains > y->remains ? -1 : x->remains < y->remains;
}

static struct nec_error *put_holder(struct nec_difference *d, const struct nec_holder *h)
{
	_cleanup_free_ char *path = NULL;

	NEC_TRY(nec_difference_path(d, h->addr, &path));
	return nec_sheet_put(d->sheet, "holder", "natiiiiit", h->addr,
			     nec_difference_class(d, h->class), h->retained_a, h->retained_b,
			     h->change, h->remains, (int64_t)h->born, path);
}

static struct nec_holder *find_holder(struct nec_holder *list, uint32_t count, uint64_t addr)
{
	const struct nec_holder key = {.addr = addr};

	return bsearch(&key, list, count, sizeof(*list), compare_addr);
}

/* list is sorted by address. */
static void take_off_moved(const struct nec_tmparray *array, struct nec_holder *list, uint32_t count)
{
	const struct nec_moved *moved = array->data;

	for (size_t i = 0; i < array->size / sizeof(*moved); i++) {
		struct nec_holder *h = find_holder(list, count, moved[i].addr);

		if (h)
			h->growth = nec_change(h->growth, moved[i].bytes);
	}
}

/* Takes growth off those that only are above it; remains 0: a row of its own would say nothing.
 * list is sorted by address. */
static struct nec_error *settle(struct nec_holder *list, uint32_t count)
{
	_cleanup_free_ struct nec_holder **order = calloc(count + 1u, sizeof(struct nec_holder *));
	int64_t least = 0;
	uint32_t i;

	if (!order)
		return &nec_enomem;
	for (i = 0; i < count; i++) {
		order[i] = &list[i];
		list[i].remains = list[i].growth;
		if (list[i].growth > least)
			least = list[i].growth;
	}
	qsort(order, count, sizeof(*order), compare_retained);
	least /= SHARE;
	for (i = 0; i < count; i++) {
		struct nec_holder *h = order[i];
		struct nec_holder *above = find_holder(list, count, h->idom);

		if (h->born && above && (h->change <= above->growth / 2 || above->one_of_many))
			h->one_of_many = true;
		else if (above && !h->moved && h->change >= least)
			above->remains = nec_change(above->remains, h->change);
	}
	for (i = 0; i < count; i++)
		if (list[i].one_of_many || list[i].remains < least)
			list[i].remains = 0;
	return NULL;
}

struct nec_error *nec_difference_holders(struct nec_difference *d)
{
	uint32_t first = d->parts[0].holder_count, count = first + d->parts[1].holder_count, i;
	_cleanup_free_ struct nec_holder *list = calloc(count + 1u, sizeof(*list));

	if (!list)
		return &nec_enomem;
	memcpy(list, d->parts[0].holders, first * sizeof(*list));
	memcpy(list + first, d->parts[1].holders, (count - first) * sizeof(*list));
	qsort(list, count, sizeof(*list), compare_addr);
	for (i = 0; i < count; i++)
		list[i].growth = list[i].change;
	for (i = 0; i < NEC_MERGE_WORKERS; i++)
		take_off_moved(&d->parts[i].moved, list, count);
	NEC_TRY(settle(list, count));
	qsort(list, count, sizeof(*list), compare_remains);
	for (i = 0; i < count && list[i].remains > 0; i++)
		NEC_TRY(put_holder(d, &list[i]));
	return NULL;
}

/* ---- containers ---- */

static int compare_score(const void *a, const void *b)
{
	const struct nec_container *x = a, *y = b;

	return x->score > y->score ? -1 : x->score < y->score;
}

/* What a container refers to, as ids of B, ascending. */
struct targets {
	const struct nec_pairing *pairing;
	bool old; /* of A: what no longer is anywhere is left out */
	struct nec_edges *edges;
	uint32_t *ids;
	uint32_t count, capacity;
};

static struct nec_error *add_target(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct targets *t = arg;
	uint32_t id = t->old ? nec_pairing_b(t->pairing, edge->dst) : edge->dst;

	if (edge->kind == NEC_REF_TYPE || !nec_ref_holds(edge->kind) || id == NEC_PAIR_NONE)
		return NULL;
	if (t->count == t->capacity) {
		uint32_t want = t->capacity ? t->capacity * 2 : 64;
		uint32_t *ids = reallocarray(t->ids, want, sizeof(*ids));

		if (!ids)
			return &nec_enomem;
		t->ids = ids;
		t->capacity = want;
	}
	t->ids[t->count++] = id;
	*stop = t->count == EDGES_MAX;
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static struct nec_error *read_targets(struct targets *t, uint64_t addr)
{
	struct nec_neighbours *n = nec_edges_neighbours(t->edges);
	uint32_t id;

	t->count = 0;
	NEC_TRY(nec_edges_id(t->edges, addr, &id));
	NEC_TRY(n->references(n, id, add_target, t));
	if (t->count)
		qsort(t->ids, t->count, sizeof(*t->ids), compare_ids);
	return NULL;
}

/* Leaves in b what is not in a. */
static void take_off(struct targets *b, const struct targets *a)
{
	uint32_t i = 0, j, kept = 0;

	for (j = 0; j < b->count; j++) {
		while (i < a->count && a->ids[i] < b->ids[j])
			i++;
		if (i == a->count || a->ids[i] != b->ids[j])
			b->ids[kept++] = b->ids[j];
	}
	b->count = kept;
}

/* How many of a class came in, and the first of them. */
struct arrivals {
	uint32_t count;
	uint64_t first;
};

static int compare_change_id(const void *key, const void *change)
{
	uint32_t id = *(const uint32_t *)key, other = ((const struct nec_change *)change)->id;

	return id < other ? -1 : id > other;
}

/* Address and class of an object of B. Most of what came in was born since, and is at hand. */
static struct nec_error *identify(struct nec_difference *d, struct nec_edges *edges, uint32_t id,
				  uint64_t *addr_ret, uint32_t *class_ret)
{
	uint32_t type;

	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		const struct nec_tmparray *born = &d->parts[i].born;
		const struct nec_change *c =
			born->size ? bsearch(&id, born->data, born->size / sizeof(*c), sizeof(*c),
					     compare_change_id)
				   : NULL;

		if (!c)
			continue;
		*addr_ret = c->addr;
		*class_ret = c->class;
		return NULL;
	}
	NEC_TRY(nec_edges_object(edges, id, addr_ret, &type));
	*class_ret = nec_class_of(&d->side_b, type);
	return NULL;
}

/* "24 Processor, 3 list": the classes of what came in, the most first, and one of the first kind.
 * tally, of all classes, is zeros before and after. */
static struct nec_error *describe_added(struct nec_difference *d, const struct targets *added,
					struct arrivals *tally, struct nec_text *text,
					uint64_t *first_ret)
{
	_cleanup_free_ uint32_t *met = calloc(d->classes.names.count + 1u, sizeof(*met));
	uint32_t met_count = 0, class, i, j, best;
	uint64_t addr;

	if (!met)
		return &nec_enomem;
	for (i = 0; i < added->count; i++) {
		NEC_TRY(identify(d, added->edges, added->ids[i], &addr, &class));
		if (class == NEC_CLASS_NONE)
			continue;
		if (!tally[class].count++) {
			tally[class].first = addr;
			met[met_count++] = class;
		}
	}
	for (j = 0; j < CLASSES && j < met_count; j++) {
		for (best = 0, i = 1; i < met_count; i++)
			if (tally[met[i]].count > tally[met[best]].count)
				best = i;
		class = met[best];
		if (!tally[class].count)
			break;
		nec_text_puts(text, j ? ", " : "");
		nec_text_count(text, tally[class].count);
		nec_text_printf(text, " %s", nec_difference_class(d, class));
		if (!j)
			*first_ret = tally[class].first;
		tally[class].count = 0;
	}
	for (i = 0; i < met_count; i++)
		tally[met[i]].count = 0;
	return NULL;
}

static struct nec_error *put_container(struct nec_difference *d, const struct nec_container *c,
				       struct targets *a, struct targets *b, struct arrivals *tally)
{
	_cleanup_(nec_text_deinit) struct nec_text added = {0};
	_cleanup_free_ char *path = NULL;
	uint64_t first = 0;

	if (tally) {
		NEC_TRY(nec_difference_path(d, c->addr, &path));
		NEC_TRY(read_targets(a, c->addr));
		NEC_TRY(read_targets(b, c->addr));
		take_off(b, a);
		NEC_TRY(describe_added(d, b, tally, &added, &first));
		if (added.failed)
			return &nec_enomem;
	}
	return nec_sheet_put(d->sheet, "container", "natiiiiitta", c->addr,
			     nec_difference_class(d, c->class), (int64_t)c->length_a,
			     (int64_t)c->length_b, c->size_a, c->size_b, c->change, path,
			     added.data, first);
}

static struct nec_error *put_containers(struct nec_difference *d, const struct nec_container *list,
					uint32_t count, struct targets *a, struct targets *b)
{
	_cleanup_free_ struct arrivals *tally = calloc(d->classes.names.count + 1u, sizeof(*tally));

	if (!tally)
		return &nec_enomem;
	NEC_TRY(nec_edges_open(d->a, &a->edges));
	NEC_TRY(nec_edges_open(d->b, &b->edges));
	for (uint32_t i = 0; i < count && i < NEC_TOP_CONTAINERS; i++)
		NEC_TRY(put_container(d, &list[i], a, b, i < WHO ? tally : NULL));
	return NULL;
}

struct nec_error *nec_difference_containers(struct nec_difference *d)
{
	uint32_t first = d->parts[0].container_count, count = first + d->parts[1].container_count;
	_cleanup_free_ struct nec_container *list = calloc(count + 1u, sizeof(*list));
	struct targets a = {.pairing = &d->pairing, .old = true}, b = {.pairing = &d->pairing};
	struct nec_error *err;

	if (!list)
		return &nec_enomem;
	memcpy(list, d->parts[0].containers, first * sizeof(*list));
	memcpy(list + first, d->parts[1].containers, (count - first) * sizeof(*list));
	qsort(list, count, sizeof(*list), compare_score);
	err = put_containers(d, list, count, &a, &b);
	nec_edges_close(a.edges);
	nec_edges_close(b.edges);
	free(a.ids);
	free(b.ids);
	return err;
}
