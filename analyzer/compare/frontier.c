/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frontier of what was born: for each new object the nearest dominator that was there before.
 * Idoms of new objects are new or old; chains of new ones are followed once, with what was found
 * written back on the way (path compression).
 */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "compare/difference.h"
#include "whole.h"

enum {
	CLASSES = 3, /* that are named */
	PATHS = 40,  /* rows that get a path */
};

/* A new object with who holds it; anchor 0: no single old object does. */
struct anchored {
	uint64_t anchor;
	int64_t size;
	uint32_t class;
};

struct group {
	uint64_t anchor;
	int64_t count, bytes;
	size_t first; /* in the list of anchored ones */
};

static struct nec_change *find_born(const struct nec_difference *d, uint64_t addr)
{
	for (unsigned int i = 0; addr && i < NEC_MERGE_WORKERS; i++) {
		struct nec_change *list = d->parts[i].born.data;
		size_t low = 0, high = d->parts[i].born.size / sizeof(*list);

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (list[middle].addr < addr)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < d->parts[i].born.size / sizeof(*list) && list[low].addr == addr)
			return &list[low];
	}
	return NULL;
}

/* Makes idom of the object and of all new ones above it that of an old one, or 0. */
static void anchor(const struct nec_difference *d, struct nec_change *change)
{
	struct nec_change *c = change, *above;
	uint64_t old, next;
	/* A database that somebody else made may have a loop. */
	uint64_t steps = 0, steps_max = d->parts[0].born.size + d->parts[1].born.size;

	while ((above = find_born(d, c->idom)) && steps++ < steps_max)
		c = above;
	old = above ? 0 : c->idom;
	for (c = change; (above = find_born(d, c->idom)) && steps--; c = above) {
		next = c->idom;
		c->idom = old;
		if (next == old)
			break;
	}
}

static int compare_anchored(const void *a, const void *b)
{
	const struct anchored *x = a, *y = b;

	if (x->anchor != y->anchor)
		return x->anchor < y->anchor ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

static int compare_by_class(const void *a, const void *b)
{
	const struct anchored *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->anchor < y->anchor ? -1 : x->anchor > y->anchor;
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

static struct nec_error *read_anchored(struct nec_difference *d, struct nec_tmparray *list)
{
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		struct nec_change *born = d->parts[i].born.data;
		size_t count = d->parts[i].born.size / sizeof(*born);

		for (size_t j = 0; j < count; j++)
			anchor(d, &born[j]);
		for (size_t j = 0; j < count; j++)
			NEC_TRY(nec_tmparray_append(
				list, &(struct anchored){born[j].idom, born[j].size, born[j].class},
				sizeof(struct anchored)));
	}
	return NULL;
}

/* "24 Processor, 48 dict": the classes with the most bytes of one group, whose members are sorted
 * by class. */
static void describe(struct nec_difference *d, const struct anchored *list, size_t count,
		     struct nec_text *text)
{
	struct {
		int64_t count, bytes;
		uint32_t class;
	} best[CLASSES + 1] = {0};
	size_t i, j, k;

	for (i = 0; i < count; i = j) {
		best[CLASSES].count = best[CLASSES].bytes = 0;
		best[CLASSES].class = list[i].class;
		for (j = i; j < count && list[j].class == list[i].class; j++) {
			best[CLASSES].count++;
			best[CLASSES].bytes = nec_sum(best[CLASSES].bytes, list[j].size);
		}
		for (k = CLASSES; k && best[k].bytes > best[k - 1].bytes; k--) {
			__typeof__(best[0]) swap = best[k];

			best[k] = best[k - 1];
			best[k - 1] = swap;
		}
	}
	for (k = 0; k < CLASSES && best[k].count; k++) {
		nec_text_puts(text, k ? ", " : "");
		nec_text_count(text, best[k].count);
		nec_text_printf(text, " %s", nec_difference_class(d, best[k].class));
	}
}

/* The class of an object of B by its address. */
static struct nec_error *class_of(struct nec_difference *d, struct nec_edges *edges, uint64_t addr,
				  const char **ret)
{
	uint32_t id, type;
	struct nec_error *err;

	*ret = NULL;
	err = addr ? nec_edges_id(edges, addr, &id) : NULL;
	if (err && err->code == NEC_ERR_NOTFOUND) {
		nec_error_destroy(err);
		return NULL;
	}
	if (err || !addr)
		return err;
	NEC_TRY(nec_edges_object(edges, id, &addr, &type));
	if (nec_class_of(&d->side_b, type) != NEC_CLASS_NONE)
		*ret = nec_difference_class(d, nec_class_of(&d->side_b, type));
	return NULL;
}

static struct nec_error *put_groups(struct nec_difference *d, const struct anchored *list,
				    size_t count, struct nec_tmparray *groups)
{
	_cleanup_(nec_edges_closep) struct nec_edges *edges = NULL;
	struct group *g;
	size_t i, j, n;

	NEC_TRY(nec_edges_open(d->b, &edges));
	for (i = 0; i < count; i = j) {
		struct group group = {.anchor = list[i].anchor, .first = i};

		for (j = i; j < count && list[j].anchor == list[i].anchor; j++) {
			group.count++;
			group.bytes = nec_sum(group.bytes, list[j].size);
		}
		NEC_TRY(nec_tmparray_append(groups, &group, sizeof(group)));
	}
	g = groups->data;
	n = groups->size / sizeof(*g);
	if (n)
		qsort(g, n, sizeof(*g), compare_groups);
	for (i = 0; i < n && i < NEC_TOP_FRONTIER; i++) {
		_cleanup_(nec_text_deinit) struct nec_text added = {0};
		_cleanup_free_ char *path = NULL;
		const char *class;

		NEC_TRY(class_of(d, edges, g[i].anchor, &class));
		if (i < PATHS)
			NEC_TRY(nec_difference_path(d, g[i].anchor, &path));
		describe(d, list + g[i].first, (size_t)g[i].count, &added);
		if (added.failed)
			return &nec_enomem;
		NEC_TRY(nec_sheet_put(d->sheet, "frontier", "natiitt", g[i].anchor, class,
				      g[i].count, g[i].bytes, path, added.data));
	}
	return NULL;
}

struct nec_error *nec_difference_frontier(struct nec_difference *d)
{
	struct nec_tmparray list = NEC_TMPARRAY_INIT, groups = NEC_TMPARRAY_INIT;
	struct nec_error *err;
	size_t count;

	err = nec_tmparray_init(&list, nec_tmpdir());
	if (!err)
		err = nec_tmparray_init(&groups, nec_tmpdir());
	if (!err)
		err = read_anchored(d, &list);
	if (!err) {
		count = list.size / sizeof(struct anchored);
		if (count)
			qsort(list.data, count, sizeof(struct anchored), compare_anchored);
		err = put_groups(d, list.data, count, &groups);
	}
	nec_tmparray_deinit(&list);
	nec_tmparray_deinit(&groups);
	return err;
}

struct nec_error *nec_difference_class_holders(struct nec_difference *d, uint64_t *holders)
{
	struct nec_tmparray array = NEC_TMPARRAY_INIT;
	const struct anchored *list;
	struct nec_error *err;
	size_t count, i, j, best = 0;

	err = nec_tmparray_init(&array, nec_tmpdir());
	if (!err)
		err = read_anchored(d, &array);
	list = array.data;
	count = err ? 0 : array.size / sizeof(*list);
	if (count)
		qsort(array.data, count, sizeof(*list), compare_by_class);
	for (i = 0; i < count; i = j) {
		for (j = i; j < count && list[j].class == list[i].class &&
			    list[j].anchor == list[i].anchor;
		     j++)
			;
		if (!i || list[i - 1].class != list[i].class)
			best = 0;
		if (list[i].anchor && j - i > best) {
			best = j - i;
			holders[list[i].class] = list[i].anchor;
		}
	}
	nec_tmparray_deinit(&array);
	return err;
}
