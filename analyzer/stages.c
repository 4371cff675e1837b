/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From facts to rows, stage by stage; see stages.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

#include "analyze.h"
#include "base/text.h"
#include "graph/partition.h"
#include "intake.h"
#include "stages.h"

/*
 * Room that is still needed once objects and references are counted: measured, rounded down, for a
 * load that is refused must not have been possible. A row of object is some 45 bytes, a reference 3
 * bytes in each direction; the columns of the analysis and the graph turned round are temporary.
 */
enum {
	OBJECT_ROW_BYTES = 32,
	OBJECT_COLUMN_BYTES = 8 + 4 + 4,
	REFERENCE_BYTES = 2 + 4,
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void nec_stages_begin(struct nec_stages *stages)
{
	nec_peak_take(stages->peak);
	stages->started = now();
}

struct nec_error *nec_stages_end(struct nec_stages *stages, const char *name, int64_t rows)
{
	double seconds = now() - stages->started;
	int64_t peak = nec_peak_take(stages->peak);

	stages->started = now();
	return nec_store_stage(stages->store, name, rows, seconds, peak < 0 ? NEC_UNKNOWN : peak);
}

struct nec_error *nec_stages_meta(struct nec_store *store, const char *key, const char *value)
{
	struct nec_fact f = {.kind = NEC_FACT_META, .meta = {key, value}};

	return nec_store_put(store, &f);
}

struct nec_error *nec_stages_meta_int(struct nec_store *store, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return nec_stages_meta(store, key, text);
}

static struct nec_error *warn(struct nec_store *store, uint64_t count, const char *what)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_fact f = {.kind = NEC_FACT_WARNING, .warning.stage = "intake"};

	if (!count)
		return NULL;
	nec_text_count(&text, (int64_t)count);
	nec_text_printf(&text, " %s", what);
	f.warning.message = nec_text_str(&text);
	return nec_store_put(store, &f);
}

/* A full disk an hour later is worse than one now. */
static struct nec_error *check_room(const struct nec_intake *in)
{
	uint64_t need = in->count * (uint64_t)(OBJECT_ROW_BYTES + OBJECT_COLUMN_BYTES) +
			in->graph.edge_count * REFERENCE_BYTES;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct statvfs st;
	uint64_t room;

	if (statvfs(in->tmpdir, &st))
		return nec_error_os(errno, "%s", in->tmpdir);
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if (need <= room)
		return NULL;
	nec_text_size(&text, (int64_t)need);
	nec_text_puts(&text, " are needed for the database, ");
	nec_text_size(&text, (int64_t)room);
	nec_text_puts(&text, " are free");
	return nec_error_create(NEC_ERR_NOSPACE, "%s: %s", in->tmpdir, nec_text_str(&text));
}

static struct nec_error *put_counts(struct nec_store *store, const struct nec_intake *in)
{
	if (in->count) {
		NEC_TRY(nec_stages_meta_int(store, "objects", in->count));
		NEC_TRY(nec_stages_meta_int(store, "references", (int64_t)in->references));
		NEC_TRY(nec_stages_meta_int(store, "dangling", (int64_t)in->dangling));
	}
	NEC_TRY(warn(store, in->twice, "objects at an address that had one already"));
	NEC_TRY(warn(store, in->misplaced, "objects at addresses that no process has"));
	return warn(store, in->stray, "lists of references that belong to no object");
}

/* ---- analysis ---- */

struct results {
	struct nec_tmparray idom;     /* uint32_t[count] */
	struct nec_tmparray distance; /* uint32_t[count] */
	struct nec_tmparray retained; /* int64_t[count] */
};

static void deinit_results(struct results *r)
{
	nec_tmparray_deinit(&r->idom);
	nec_tmparray_deinit(&r->distance);
	nec_tmparray_deinit(&r->retained);
}

static struct nec_error *init_results(struct results *r, const struct nec_intake *in)
{
	NEC_TRY(nec_tmparray_init(&r->idom, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&r->distance, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&r->retained, in->tmpdir));
	NEC_TRY(nec_tmparray_resize(&r->idom, in->count * sizeof(uint32_t)));
	NEC_TRY(nec_tmparray_resize(&r->distance, in->count * sizeof(uint32_t)));
	return nec_tmparray_resize(&r->retained, in->count * sizeof(int64_t));
}

/* size + native of every object. */
static void fill_own(const struct nec_intake *in, int64_t *own)
{
	const uint32_t *size = in->size.data, *native = in->native.data;
	const struct nec_large *large = in->large.data;
	uint64_t large_count = in->large.size / sizeof(*large), i;

	for (i = 0; i < in->count; i++)
		own[i] = (size[i] == UINT32_MAX ? 0 : (int64_t)size[i]) +
			 (native[i] == UINT32_MAX ? 0 : (int64_t)native[i]);
	for (i = 0; i < large_count; i++)
		if (large[i].column != NEC_LARGE_REFCOUNT &&
		    __builtin_add_overflow(own[large[i].id], large[i].value, &own[large[i].id]))
			own[large[i].id] = INT64_MAX;
}

/* What holds an object that nothing else was seen to hold. */
static const char *implied_kind(uint8_t flags)
{
	return flags & NEC_OBJECT_STATIC     ? "static"
	       : flags & NEC_OBJECT_IMMORTAL ? "immortal"
					     : "implied";
}

static struct nec_error *put_analysis(struct nec_store *store, const struct nec_intake *in,
				      const struct nec_analysis *a)
{
	const struct nec_intake_thread *threads = in->threads.data;
	const uint32_t *implied = a->implied.data;
	const uint8_t *flags = in->flags.data;
	uint64_t count = a->implied.size / sizeof(*implied), i;

	for (i = 0; i < count; i++) {
		struct nec_fact f = {
			.kind = NEC_FACT_ROOT,
			.root = {.addr = ((const uint64_t *)in->addr.data)[implied[i]],
				 .kind = implied_kind(flags[implied[i]]),
				 .doubt = NEC_ROOT_DOUBTFUL},
		};

		NEC_TRY(nec_store_put(store, &f));
	}
	for (i = 0; i < a->group_count; i++)
		NEC_TRY(nec_store_thread_retained(store, threads[i].id, a->group_retained[i]));
	NEC_TRY(nec_stages_meta_int(store, "reachable_objects", (int64_t)a->reachable_count));
	NEC_TRY(nec_stages_meta_int(store, "reachable_bytes", a->reachable_bytes));
	NEC_TRY(nec_stages_meta_int(store, "garbage_objects", (int64_t)a->garbage_count));
	return nec_stages_meta_int(store, "garbage_bytes", a->garbage_bytes);
}

static int compare_ids(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return (a > b) - (a < b);
}

/* How often id comes in a sorted list, which is looked at from *at on. */
static uint32_t take(const struct nec_tmparray *list, uint64_t *at, uint32_t id)
{
	const uint32_t *ids = list->data;
	uint64_t count = list->size / sizeof(*ids), first;

	while (*at < count && ids[*at] < id)
		++*at;
	for (first = *at; *at < count && ids[*at] == id;)
		++*at;
	return (uint32_t)(*at - first);
}

/* What owns, when counts are audited. */
struct owners {
	const struct nec_graph *reverse;
	const uint32_t *distance;
	const uint8_t *flags;
};

/*
 * Does object id own what it refers to? Garbage does not: words that somebody left behind may look
 * like an object. Nor does what could be in a list of the collector, is in none and has no referrer
 * but C code, as cPickle's two_tuple in 2.7, which is filled "with no regard to refcounts".
 */
static bool is_owner(const struct owners *o, uint32_t id)
{
	const uint64_t *start = nec_graph_start(o->reverse);
	uint8_t lists = o->flags[id] & (NEC_OBJECT_GC | NEC_OBJECT_TRACKED);

	return o->distance[id] && (lists != NEC_OBJECT_GC || start[id + 1] > start[id]);
}

/* The edges of the list that are of owners; of each the object that it leads to is left, sorted. */
static void keep_owners(struct nec_tmparray *edges, const struct owners *o)
{
	const uint64_t *from = edges->data;
	uint64_t count = edges->size / sizeof(*from), kept = 0, i;
	uint32_t *to = edges->data;

	for (i = 0; i < count; i++) {
		uint64_t edge = from[i];

		if (is_owner(o, (uint32_t)edge))
			to[kept++] = (uint32_t)(edge >> 32);
	}
	edges->size = kept * sizeof(*to);
	if (kept)
		qsort(to, kept, sizeof(*to), compare_ids);
}

/* Rows of what has more owners than its count says. counted: ids, sorted. */
static struct nec_error *put_short(struct nec_store *store, struct nec_intake *in,
				   const struct nec_graph *reverse, const uint32_t *distance,
				   const struct nec_tmparray *counted)
{
	const uint64_t *start = nec_graph_start(reverse), *addr = in->addr.data;
	const uint32_t *from = nec_graph_to(reverse), *refcount = in->refcount.data;
	const uint8_t *flags = in->flags.data;
	const struct owners o = {reverse, distance, flags};
	uint64_t unowned_at = 0, counted_at = 0, owners, k;
	uint32_t i;

	keep_owners(&in->unowned, &o);
	for (i = 0; i < in->count; i++) {
		for (owners = 0, k = start[i]; k < start[i + 1]; k++)
			owners += is_owner(&o, from[k]);
		owners -= take(&in->unowned, &unowned_at, i);
		owners += take(counted, &counted_at, i);
		if (refcount[i] < owners && !(flags[i] & (NEC_OBJECT_IMMORTAL | NEC_OBJECT_STATIC)))
			NEC_TRY(nec_store_short(store, addr[i], (int64_t)owners));
	}
	return NULL;
}

static struct nec_error *audit(struct nec_stages *s, struct nec_intake *in,
			       const struct nec_graph *reverse, const struct results *r)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray counted = NEC_TMPARRAY_INIT;
	const uint64_t *addr = in->counted.data;
	uint64_t count = in->counted.size / sizeof(*addr), i;
	uint32_t id;

	if (!in->has_refcount)
		return NULL;
	NEC_TRY(nec_tmparray_init(&counted, in->tmpdir));
	for (i = 0; i < count; i++) {
		id = nec_intake_find(in, addr[i]);
		if (id != NEC_NODE_NONE)
			NEC_TRY(nec_tmparray_append(&counted, &id, sizeof(id)));
	}
	if (counted.size)
		qsort(counted.data, counted.size / sizeof(id), sizeof(id), compare_ids);
	return put_short(s->store, in, reverse, r->distance.data, &counted);
}

static struct nec_error *analyze(struct nec_stages *s, const struct nec_intake *in,
				 const struct nec_graph *reverse, struct results *r)
{
	struct nec_analysis a = {
		.graph = &in->graph,
		.reverse = reverse,
		.tmpdir = in->tmpdir,
		.roots = in->roots.data,
		.root_count = (uint32_t)(in->roots.size / sizeof(struct nec_analysis_root)),
		.root_group = in->root_group.data,
		.group_count = (uint32_t)(in->threads.size / sizeof(struct nec_intake_thread)),
		.refcount = in->has_refcount ? in->refcount.data : NULL,
		.flags = in->flags.data,
		.progress = s->progress,
		.retained = r->retained.data,
		.idom = r->idom.data,
		.distance = r->distance.data,
		.implied = NEC_TMPARRAY_INIT,
	};
	struct nec_error *err;

	a.group_retained = calloc((size_t)a.group_count + 1, sizeof(*a.group_retained));
	if (!a.group_retained)
		return &nec_enomem;
	fill_own(in, r->retained.data);
	err = nec_analyze(&a);
	if (!err)
		err = put_analysis(s->store, in, &a);
	nec_analysis_deinit(&a);
	free(a.group_retained);
	return err;
}

/* ---- sets of objects ---- */

/* What the objects of a type, of a module and of a package retain. */
struct sets {
	uint32_t type_count;
	int64_t *types, *modules, *packages;
};

static void deinit_sets(struct sets *sets)
{
	free(sets->types);
	free(sets->modules);
	free(sets->packages);
}

static struct nec_error *sum_sets(const struct nec_intake *in, const struct results *r,
				  struct sets *sets)
{
	sets->type_count = (uint32_t)(in->type_addr.size / sizeof(uint64_t));
	sets->types = calloc((size_t)sets->type_count + 1, sizeof(*sets->types));
	sets->modules = calloc((size_t)in->modules.count + 1, sizeof(*sets->modules));
	sets->packages = calloc((size_t)in->packages.count + 1, sizeof(*sets->packages));
	if (!sets->types || !sets->modules || !sets->packages)
		return &nec_enomem;

	const struct nec_partition partitions[] = {
		{.count = sets->type_count, .retained = sets->types},
		{in->type_module.data, in->modules.count, sets->modules},
		{in->type_package.data, in->packages.count, sets->packages},
	};

	return nec_graph_partition(r->idom.data, r->retained.data, in->count, in->type.data,
				   sets->type_count, partitions,
				   sizeof(partitions) / sizeof(partitions[0]), in->tmpdir);
}

static struct nec_error *put_groups(struct nec_store *store, const char *kind,
				    const struct nec_strtab *names, const int64_t *retained)
{
	uint32_t i;

	for (i = 0; i < names->count; i++)
		NEC_TRY(nec_store_group_retained(store, kind, nec_strtab_get(names, i),
						 retained[i]));
	return NULL;
}

static struct nec_error *put_sets(struct nec_store *store, const struct nec_intake *in,
				  const struct sets *sets)
{
	NEC_TRY(nec_store_type_retained(store, sets->types, sets->type_count));
	NEC_TRY(put_groups(store, "module", &in->modules, sets->modules));
	return put_groups(store, "package", &in->packages, sets->packages);
}

static struct nec_error *put_duplicates(struct nec_store *store, struct nec_intake *in)
{
	const struct nec_contents_objects objects = {
		.addr = in->addr.data,
		.type = in->type.data,
		.size = in->size.data,
		.flags = in->flags.data,
		.graph = &in->graph,
		.count = in->count,
		.tmpdir = in->tmpdir,
	};

	return nec_contents_put(&in->contents, &objects, store);
}

/* ---- rows ---- */

/* Rows of objects, and meanwhile the sums of sets of them, and what is there many times. */
static struct nec_error *put_rows(struct nec_stages *s, struct nec_intake *in,
				  const struct results *r, const struct nec_object_columns *columns,
				  struct sets *sets)
{
	struct nec_error *err, *other;

	NEC_TRY(nec_store_objects_begin(s->store, columns));
	err = sum_sets(in, r, sets);
	if (!err)
		err = put_duplicates(s->store, in);
	other = nec_store_objects_end(s->store, columns, s->progress);
	if (!err && !other)
		return put_sets(s->store, in, sets);
	if (err)
		nec_error_destroy(other);
	return err ? err : other;
}

static struct nec_error *put_objects(struct nec_stages *s, struct nec_intake *in,
				     const struct nec_graph *reverse, const struct results *r)
{
	const struct nec_referrer_columns referrers = {
		.count = in->count,
		.start = nec_graph_start(reverse),
		.from = nec_graph_to(reverse),
		.type = in->type.data,
		.type_object = in->type_object.data,
		.type_count = (uint32_t)(in->type_object.size / sizeof(uint32_t)),
		.extra = in->extra.data,
		.extra_count = in->extra.size / sizeof(uint64_t),
	};
	struct sets sets = {0};
	const struct nec_object_columns objects = {
		.count = in->count,
		.addr = in->addr.data,
		.type = in->type.data,
		.size = in->size.data,
		.native = in->has_native ? in->native.data : NULL,
		.refcount = in->has_refcount ? in->refcount.data : NULL,
		.flags = in->flags.data,
		.referrer_start = nec_graph_start(reverse),
		.idom = r->idom.data,
		.retained = r->retained.data,
		.distance = r->distance.data,
		.large = in->large.data,
		.large_count = in->large.size / sizeof(struct nec_large),
	};
	struct nec_error *err;

	NEC_TRY(nec_store_referrers(s->store, &referrers, s->progress));
	NEC_TRY(nec_stages_end(s, "referrers", (int64_t)reverse->edge_count));
	err = put_rows(s, in, r, &objects, &sets);
	deinit_sets(&sets);
	NEC_TRY(err);
	return nec_stages_end(s, "objects", in->count);
}

static struct nec_error *run(struct nec_stages *s, struct nec_intake *in, struct nec_graph *reverse,
			     struct results *r)
{
	NEC_TRY(nec_intake_objects(in));
	NEC_TRY(nec_stages_end(s, "intake of objects", in->count));
	NEC_TRY(nec_intake_references(in));
	NEC_TRY(nec_stages_end(s, "intake of references", (int64_t)in->references));
	NEC_TRY(put_counts(s->store, in));
	if (!in->count)
		return NULL;
	NEC_TRY(check_room(in));
	NEC_TRY(nec_graph_reverse(&in->graph, in->tmpdir, reverse, s->progress));
	NEC_TRY(nec_stages_end(s, "references turned round", (int64_t)reverse->edge_count));
	NEC_TRY(init_results(r, in));
	NEC_TRY(analyze(s, in, reverse, r));
	NEC_TRY(audit(s, in, reverse, r));
	NEC_TRY(nec_stages_end(s, "analysis", in->count));
	return put_objects(s, in, reverse, r);
}

struct nec_error *nec_stages_run(struct nec_stages *s, struct nec_source *source)
{
	struct nec_graph reverse = {.start_array = NEC_TMPARRAY_INIT,
				    .to_array = NEC_TMPARRAY_INIT};
	struct results results = {NEC_TMPARRAY_INIT, NEC_TMPARRAY_INIT, NEC_TMPARRAY_INIT};
	struct nec_intake in;
	struct nec_error *err;

	nec_intake_init(&in);
	in.source = source;
	in.store = s->store;
	in.tmpdir = s->tmpdir;
	in.progress = s->progress;
	in.no_values = s->no_values;
	nec_stages_begin(s);
	err = run(s, &in, &reverse, &results);
	nec_intake_deinit(&in);
	nec_graph_deinit(&reverse);
	deinit_results(&results);
	return err;
}
