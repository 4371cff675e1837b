/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_diff: classes, then objects where both snapshots have them. The objects are paired
 * (pairing.h), and a last merge with the figures of each adds up what was added, what is gone and
 * what grew.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sum.h"
#include "compare/difference.h"
#include "objectname.h"
#include "whole.h"

enum {
	OBJECTS = 1000, /* of a class and change that are listed unless all are asked for */
	/* Snapshots of different processes share addresses by accident, and all of a program's
	   static data. */
	SHARE_OF_ONE_PROCESS = 2,
	LEAST_HOLDER = 1 << 10, /* bytes of growth that make a holder */
};

static const double paths_seconds_max = 0.8; /* for all of them */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct nec_error *nec_difference_path(struct nec_difference *d, uint64_t addr, char **path_ret)
{
	_cleanup_(nec_text_deinit) struct nec_text name = {0}, detail = {0};
	struct nec_error *err;
	double start = now();

	*path_ret = NULL;
	if (d->options->no_paths || !addr || d->paths_seconds > paths_seconds_max)
		return NULL;
	err = nec_object_name(d->b, addr, d->options->progress, &name, &detail);
	d->paths_seconds += now() - start;
	if (err && err->code == NEC_ERR_NOTFOUND) {
		nec_error_destroy(err);
		return NULL;
	}
	if (!err)
		*path_ret = nec_take(name.data);
	return err;
}

/* ---- the last merge ---- */

static void add_holder(struct nec_difference_part *part, const struct nec_holder *h)
{
	struct nec_holder *heap = part->holders;
	uint32_t i, child;

	if (h->change < LEAST_HOLDER)
		return;
	if (part->holder_count < NEC_TOP_HOLDERS) {
		for (i = part->holder_count++; i && heap[(i - 1) / 2].change > h->change;
		     i = (i - 1) / 2)
			heap[i] = heap[(i - 1) / 2];
		heap[i] = *h;
		return;
	}
	if (heap[0].change >= h->change)
		return;
	for (i = 0; (child = 2 * i + 1) < NEC_TOP_HOLDERS; i = child) {
		if (child + 1 < NEC_TOP_HOLDERS && heap[child + 1].change < heap[child].change)
			child++;
		if (heap[child].change >= h->change)
			break;
		heap[i] = heap[child];
	}
	heap[i] = *h;
}

static void add_container(struct nec_difference_part *part, const struct nec_container *c)
{
	struct nec_container *heap = part->containers;
	uint32_t i, child;

	if (part->container_count < NEC_TOP_CONTAINERS) {
		for (i = part->container_count++; i && heap[(i - 1) / 2].score > c->score;
		     i = (i - 1) / 2)
			heap[i] = heap[(i - 1) / 2];
		heap[i] = *c;
		return;
	}
	if (heap[0].score >= c->score)
		return;
	for (i = 0; (child = 2 * i + 1) < NEC_TOP_CONTAINERS; i = child) {
		if (child + 1 < NEC_TOP_CONTAINERS && heap[child + 1].score < heap[child].score)
			child++;
		if (heap[child].score >= c->score)
			break;
		heap[i] = heap[child];
	}
	heap[i] = *c;
}

static int64_t max3(int64_t x, int64_t y, int64_t z)
{
	int64_t m = x > y ? x : y;

	return m > z ? m : z;
}

/* Lengths of an object of B, when it is a container that has another one now; NULL: it is not.
 * Containers were met in the order in which this is asked. */
static const struct nec_grown *find_grown(const struct nec_difference *d,
					  struct nec_difference_part *part, unsigned int worker,
					  uint32_t id)
{
	const struct nec_tmparray *grown = &d->pairing.grown[worker];
	const struct nec_grown *g = grown->data;
	uint64_t count = grown->size / sizeof(*g);

	while (part->grown_next < count && g[part->grown_next].id < id)
		part->grown_next++;
	return part->grown_next < count && g[part->grown_next].id == id ? &g[part->grown_next]
									: NULL;
}

static struct nec_error *add_moved(struct nec_difference_part *part, uint64_t addr, int64_t bytes)
{
	const struct nec_moved moved = {addr, bytes};

	return addr && bytes ? nec_tmparray_append(&part->moved, &moved, sizeof(moved)) : NULL;
}

/* What the objects above one that is the same in both retain more or less because of it, and not because they grew. */
static struct nec_error *add_moves(struct nec_difference_part *part, const struct nec_scan_figures *fa, const struct nec_scan_figures *fb)
{
	int64_t change = nec_change(fb->retained, fa->retained);

	if (fa->retained < 0 || fb->retained < 0)
		return NULL;
	if (fa->idom == fb->idom)
		return add_moved(part, fb->idom, change < 0 ? change : 0);
	NEC_TRY(add_moved(part, fa->idom, -fa->retained));
	return add_moved(part, fb->idom, fb->retained);
}

/* An object that is the same in both, with its figures; g: its lengths, or NULL. */
static struct nec_error *add_same(struct nec_difference_part *part, const struct nec_scan_object *b,
		     uint32_t class, const struct nec_scan_figures *fa,
		     const struct nec_scan_figures *fb, const struct nec_grown *g)
{
	int64_t change = fa->retained < 0 || fb->retained < 0
				 ? nec_change(fb->size, fa->size)
				 : nec_change(fb->retained, fa->retained);

	if (fa->size != fb->size) {
		part->classes[class].grown++;
		part->classes[class].grown_bytes =
			nec_sum(part->classes[class].grown_bytes, nec_change(fb->size, fa->size));
	}
	if (fa->retained >= 0 && fb->retained >= 0)
		add_holder(part, &(struct nec_holder){.addr = b->addr,
						      .idom = fb->idom,
						      .retained_a = fa->retained,
						      .retained_b = fb->retained,
						      .change = change,
						      .class = class,
						      .moved = fa->idom != fb->idom});
	if (g)
		add_container(
			part,
			&(struct nec_container){
				.addr = b->addr,
				.class = class,
				.length_a = g->length_a,
				.length_b = g->length_b,
				.size_a = fa->size,
				.size_b = fb->size,
				.change = change,
				.score = max3(change, nec_change(fb->size, fa->size),
					      ((int64_t)g->length_b - (int64_t)g->length_a) * 8),
			});
	return add_moves(part, fa, fb);
}

static struct nec_error *add_alone(struct nec_tmparray *list, const struct nec_scan_object *o,
				   uint32_t class, const struct nec_scan_figures *f)
{
	const struct nec_change change = {
		.addr = o->addr,
		.idom = f->idom,
		.size = f->size,
		.retained = f->retained,
		.class = class,
		.id = o->id,
	};

	return nec_tmparray_append(list, &change, sizeof(change));
}

static struct nec_error *tally(struct nec_merge_worker *w, const struct nec_scan_object *a,
			       const struct nec_scan_object *b)
{
	struct nec_difference *d = w->arg;
	struct nec_difference_part *part = &d->parts[w->index];
	bool same = a && b && nec_pairing_b(&d->pairing, a->id) == b->id;
	uint32_t class_a = a ? nec_class_of(&d->side_a, a->type) : NEC_CLASS_NONE;
	uint32_t class_b = b ? nec_class_of(&d->side_b, b->type) : NEC_CLASS_NONE;
	const struct nec_grown *grown = NULL;
	struct nec_scan_figures fa, fb;
	bool alike;

	if (same) {
		grown = find_grown(d, part, w->index, b->id);
		NEC_TRY(nec_scan_alike(w->a, w->b, NEC_SCAN_FIGURES, &alike));
		if (alike && !grown)
			return NULL;
	}
	if (a)
		NEC_TRY(nec_scan_figures(w->a, &fa));
	if (b)
		NEC_TRY(nec_scan_figures(w->b, &fb));
	if (same)
		return add_same(part, b, class_b, &fa, &fb, grown);
	if (a && class_a != NEC_CLASS_NONE) {
		part->classes[class_a].gone++;
		part->classes[class_a].gone_bytes =
			nec_sum(part->classes[class_a].gone_bytes, fa.size);
		NEC_TRY(add_alone(&part->gone, a, class_a, &fa));
	}
	if (b && class_b != NEC_CLASS_NONE) {
		part->classes[class_b].added++;
		part->classes[class_b].added_bytes =
			nec_sum(part->classes[class_b].added_bytes, fb.size);
		NEC_TRY(add_alone(&part->born, b, class_b, &fb));
		if (fb.retained >= 0)
			add_holder(part, &(struct nec_holder){.addr = b->addr,
							      .idom = fb.idom,
							      .retained_b = fb.retained,
							      .change = fb.retained,
							      .class = class_b,
							      .born = true});
	}
	return NULL;
}

static struct nec_error *init_parts(struct nec_difference *d)
{
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		struct nec_difference_part *part = &d->parts[i];

		part->classes = calloc(d->classes.names.count + 1u, sizeof(*part->classes));
		part->holders = calloc(NEC_TOP_HOLDERS, sizeof(*part->holders));
		part->containers = calloc(NEC_TOP_CONTAINERS, sizeof(*part->containers));
		if (!part->classes || !part->holders || !part->containers)
			return &nec_enomem;
		NEC_TRY(nec_tmparray_init(&part->born, nec_tmpdir()));
		NEC_TRY(nec_tmparray_init(&part->gone, nec_tmpdir()));
		NEC_TRY(nec_tmparray_init(&part->moved, nec_tmpdir()));
	}
	return NULL;
}

/* ---- rows ---- */

static struct nec_error *put_objects(struct nec_difference *d, const struct nec_tmparray *list,
				     bool born, int64_t *listed)
{
	const struct nec_change *c = list->data;
	size_t i;

	for (i = 0; i < list->size / sizeof(*c); i++) {
		enum nec_verdict verdict = NEC_VERDICT_BORN;

		if (!d->options->all_objects && listed[c[i].class]++ >= OBJECTS)
			continue;
		if (born)
			verdict = nec_pairing_verdict(&d->pairing, c[i].id);
		NEC_TRY(nec_sheet_put(d->sheet, "object", "ntaittrik", born ? "B" : "A", c[i].addr,
				      (int64_t)c[i].class + 1, born ? "added" : "gone",
				      born ? nec_verdict_names[verdict] : "gone",
				      born ? nec_verdict_confidence[verdict] : 1.0, c[i].size,
				      c[i].retained < 0 ? NEC_SHEET_NULL : c[i].retained));
	}
	return NULL;
}

static struct nec_error *put_all_objects(struct nec_difference *d)
{
	_cleanup_free_ int64_t *listed = calloc(2 * (d->classes.names.count + 1u), sizeof(*listed));

	if (!listed)
		return &nec_enomem;
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		NEC_TRY(put_objects(d, &d->parts[i].born, true, listed));
		NEC_TRY(put_objects(d, &d->parts[i].gone, false,
				    listed + d->classes.names.count + 1));
	}
	return NULL;
}

/* The growth of classes decides which of their holders get a path. */
struct class_order {
	int64_t change;
	uint32_t class;
};

static int compare_order(const void *a, const void *b)
{
	const struct class_order *x = a, *y = b;

	return x->change > y->change ? -1 : x->change < y->change;
}

static int64_t known(int64_t count, int64_t value)
{
	return count < 0 ? NEC_SHEET_NULL : value;
}

/* holders: what holds the most of each class that was born, 0: nothing; NULL when objects were not
 * compared. */
static struct nec_error *put_class(struct nec_difference *d, uint32_t class,
				   const uint64_t *holders)
{
	struct nec_class_sum a = nec_class_sum(&d->side_a, class),
			     b = nec_class_sum(&d->side_b, class);
	_cleanup_free_ char *path = NULL;
	struct nec_class_change c = {0};

	if (a.count < 0 && b.count < 0)
		return NULL;
	for (unsigned int i = 0; holders && i < NEC_MERGE_WORKERS; i++) {
		const struct nec_class_change *p = &d->parts[i].classes[class];

		c.added += p->added;
		c.added_bytes = nec_sum(c.added_bytes, p->added_bytes);
		c.gone += p->gone;
		c.gone_bytes = nec_sum(c.gone_bytes, p->gone_bytes);
		c.grown += p->grown;
		c.grown_bytes = nec_sum(c.grown_bytes, p->grown_bytes);
	}
	if (holders)
		NEC_TRY(nec_difference_path(d, holders[class], &path));
	return nec_sheet_put(d->sheet, "class", holders ? "ittkkkkiiiiiiat" : "ittkkkknnnnnnnn",
			     (int64_t) class + 1, nec_difference_class(d, class),
			     d->classes.items[class].module, known(a.count, a.count),
			     known(b.count, b.count), known(a.count, a.bytes),
			     known(b.count, b.bytes), c.added, c.added_bytes, c.gone, c.gone_bytes,
			     c.grown, c.grown_bytes, holders ? holders[class] : 0, path);
}

static struct nec_error *put_classes(struct nec_difference *d, const uint64_t *holders)
{
	uint32_t count = d->classes.names.count, i;
	_cleanup_free_ struct class_order *order = calloc(count + 1u, sizeof(*order));

	if (!order)
		return &nec_enomem;
	for (i = 0; i < count; i++)
		order[i] = (struct class_order){nec_change(nec_class_sum(&d->side_b, i).bytes,
							   nec_class_sum(&d->side_a, i).bytes),
						i};
	qsort(order, count, sizeof(*order), compare_order);
	for (i = 0; i < count; i++)
		NEC_TRY(put_class(d, order[i].class, holders));
	return NULL;
}

static struct nec_error *put_meta(struct nec_difference *d, const char *key, const char *suffix,
				  const char *value)
{
	_cleanup_(nec_text_deinit) struct nec_text name = {0};

	nec_text_printf(&name, "%s%s", key, suffix);
	if (name.failed)
		return &nec_enomem;
	return value ? nec_sheet_put(d->sheet, "meta", "tt", name.data, value) : NULL;
}

/* Seconds since 1970, as some formats have them, as all the others do. Consumes text; to be freed.
 */
static char *as_iso_time(char *text)
{
	char *end, clock[32], *iso = NULL;
	double seconds = text ? strtod(text, &end) : 0;
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!text || end == text || *end || !(seconds > 0) || !(seconds < 1e11) ||
	    !gmtime_r(&t, &tm) || !strftime(clock, sizeof(clock), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    asprintf(&iso, "%s.%03uZ", clock, (unsigned int)((seconds - (double)t) * 1000)) < 0)
		return text;
	free(text);
	return iso;
}

static struct nec_error *put_metas(struct nec_difference *d, bool objects)
{
	static const char *const keys[] = {"source",  "captured_at", "pid",     "format",
					   "objects", "exe",         "cmdline", "python_version"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		_cleanup_free_ char *a = nec_db_meta(d->a, keys[i]),
				    *b = nec_db_meta(d->b, keys[i]);

		if (!strcmp(keys[i], "captured_at")) {
			a = as_iso_time(a);
			b = as_iso_time(b);
		}
		NEC_TRY(put_meta(d, keys[i], "_a", a));
		NEC_TRY(put_meta(d, keys[i], "_b", b));
	}
	NEC_TRY(put_meta(d, "kinds", "", objects ? "difference,objects" : "difference"));
	return NULL;
}

/* ---- all of it ---- */

static struct nec_error *compare_objects(struct nec_difference *d)
{
	struct nec_merge merge = {
		.a = d->a,
		.b = d->b,
		.what = NEC_SCAN_FIGURES,
		.fn = tally,
		.arg = d,
		.progress = d->options->progress,
		.stage = "figures of both",
		.total = (uint64_t)d->pairing.count_a + d->pairing.count_b,
	};
	_cleanup_free_ uint64_t *holders = calloc(d->classes.names.count + 1u, sizeof(*holders));

	if (!holders)
		return &nec_enomem;
	NEC_TRY(init_parts(d));
	NEC_TRY(nec_merge_run(&merge));
	for (unsigned int i = 0; i < NEC_VERDICTS; i++)
		NEC_TRY(nec_sheet_put(d->sheet, "verdict", "tri", nec_verdict_names[i],
				      nec_verdict_confidence[i], (int64_t)d->pairing.verdicts[i]));
	/* Paths are looked for while there is time: first where they matter most. */
	NEC_TRY(nec_difference_containers(d));
	NEC_TRY(nec_difference_holders(d));
	NEC_TRY(nec_difference_frontier(d));
	NEC_TRY(nec_difference_class_holders(d, holders));
	NEC_TRY(put_classes(d, holders));
	return put_all_objects(d);
}

static struct nec_error *warn(struct nec_difference *d, const char *message)
{
	return nec_sheet_put(d->sheet, "warning", "nt", message);
}

static bool differ(struct nec_db *a, struct nec_db *b, const char *key)
{
	_cleanup_free_ char *x = nec_db_meta(a, key), *y = nec_db_meta(b, key);

	return x && y && strcmp(x, y) != 0;
}

/* Are both of one process (or of one that forked), so that addresses mean the same? */
static struct nec_error *pair(struct nec_difference *d, bool *ret)
{
	struct nec_pairing *p = &d->pairing;
	uint64_t less;

	*ret = false;
	if (!nec_scan_count(d->a) || !nec_scan_count(d->b))
		return warn(
			d,
			"only one of the snapshots has objects, or none: compared by type alone");
	if (differ(d->a, d->b, "python_version"))
		return warn(
			d,
			"the snapshots are of different versions of Python: compared by type alone");
	p->a = d->a;
	p->b = d->b;
	p->classes = &d->classes;
	p->side_a = &d->side_a;
	p->side_b = &d->side_b;
	p->progress = d->options->progress;
	NEC_TRY(nec_pairing_run(p));
	less = p->count_a < p->count_b ? p->count_a : p->count_b;
	*ret = !differ(d->a, d->b, "pid") || p->matched_addresses >= less / SHARE_OF_ONE_PROCESS;
	if (!*ret)
		return warn(d, "the snapshots are of different processes: compared by type alone");
	if (differ(d->a, d->b, "pid"))
		return warn(
			d,
			"different processes with the same objects at the same addresses: one is a fork of the other");
	return NULL;
}

static struct nec_error *run(struct nec_difference *d)
{
	bool objects;

	NEC_TRY(nec_classes_add(&d->classes, d->a, -1, &d->side_a));
	NEC_TRY(nec_classes_add(&d->classes, d->b, -1, &d->side_b));
	NEC_TRY(nec_classes_join(&d->classes, &d->side_a, &d->side_b));
	NEC_TRY(pair(d, &objects));
	NEC_TRY(put_metas(d, objects));
	NEC_TRY(nec_difference_threads(d));
	return objects ? compare_objects(d) : put_classes(d, NULL);
}

static void deinit(struct nec_difference *d)
{
	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++) {
		struct nec_difference_part *part = &d->parts[i];

		free(part->classes);
		free(part->holders);
		free(part->containers);
		nec_tmparray_deinit(&part->born);
		nec_tmparray_deinit(&part->gone);
		nec_tmparray_deinit(&part->moved);
	}
	nec_pairing_deinit(&d->pairing);
	nec_class_side_deinit(&d->side_a);
	nec_class_side_deinit(&d->side_b);
	nec_classes_deinit(&d->classes);
}

struct nec_error *nec_diff(struct nec_db *a, struct nec_db *b,
			   const struct nec_diff_options *options, struct nec_db **diff_ret)
{
	static const struct nec_diff_options defaults;
	struct nec_difference d = {.a = a, .b = b, .options = options ? options : &defaults};
	struct nec_error *err;

	for (unsigned int i = 0; i < NEC_MERGE_WORKERS; i++)
		d.parts[i].born.fd = d.parts[i].gone.fd = d.parts[i].moved.fd = -1;
	NEC_TRY(nec_sheet_create("difference", &d.sheet));
	err = run(&d);
	deinit(&d);
	if (err) {
		nec_sheet_destroy(d.sheet);
		return err;
	}
	return nec_sheet_finish(d.sheet, diff_ret);
}
