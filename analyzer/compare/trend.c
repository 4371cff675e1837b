/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_trend: figures of snapshots over time, fitted, and the time at which memory reaches its
 * limit.
 *
 * Holders and containers are those that the difference of the first and the last snapshot with
 * objects names; in between they are found by their addresses.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare/classes.h"
#include "compare/course.h"
#include "compare/fit.h"
#include "necropsy.h"
#include "store/scan.h"
#include "store/sheet.h"

enum {
	SERIES_MAX = 80,  /* types with the widest range that are kept */
	HOLDERS_MAX = 16, /* and holders, and containers */
	SPARK_COLUMNS = 24,
	OPERANDS_MAX = 4096,
};

struct snapshot {
	struct nec_db *db;
	size_t operand;
	double time; /* NaN: not known */
	uint32_t objects;
};

struct trend {
	struct snapshot *snapshots; /* in order of time */
	size_t count;
	const struct nec_trend_options *options;
	struct nec_courses courses;
	struct nec_sheet *sheet;
	double first, last; /* of all points */
	struct {
		double bytes;
		const char *origin, *of; /* of: name of the memory */
	} limit;
};

/* ---- one snapshot ---- */

/* "2026-11-21T03:32:20Z", with a fraction or without, or seconds since 1970. */
static double parse_time(const char *text)
{
	struct tm tm = {0};
	double seconds;
	char *end;

	if (!text)
		return NAN;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end) {
		seconds = (double)timegm(&tm);
		if (*end == '.')
			seconds += strtod(end, NULL);
		return seconds;
	}
	seconds = strtod(text, &end);
	return end == text || *end || !isfinite(seconds) ? NAN : seconds;
}

static double meta_number(struct nec_db *db, const char *key)
{
	_cleanup_free_ char *text = nec_db_meta(db, key);
	char *end;
	double v;

	if (!text)
		return NAN;
	v = strtod(text, &end);
	return end == text ? NAN : v;
}

static int compare_snapshots(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	if (x->time != y->time && !isnan(x->time) && !isnan(y->time))
		return x->time < y->time ? -1 : 1;
	return x->operand < y->operand ? -1 : 1;
}

static struct nec_error *add_point(struct trend *t, const char *kind, const char *name,
				   const char *unit, uint64_t addr, double time, double value)
{
	if (isnan(time) || isnan(value))
		return NULL;
	return nec_courses_add(&t->courses, kind, name, unit, addr, time, value);
}

/* Recorded figures; *named_ret gets which of size and rss are among them. */
static struct nec_error *add_samples(struct trend *t, struct nec_db *db, bool *has_size)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(db, "trend_samples", &query));
	for (;;) {
		const char *name;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		name = nec_query_text(query, 0, NULL);
		*has_size |= !strcmp(name, "size");
		NEC_TRY(add_point(t, strstr(name, "limit") ? "limit" : "memory", name,
				  nec_query_text(query, 1, NULL), 0, nec_query_real(query, 2),
				  nec_query_real(query, 3)));
	}
}

/* Sums by class at one time. A census of what the collector tracks knows nothing of the others:
 * what is not in it is not known. */
static struct nec_error *add_classes(struct trend *t, struct nec_db *db, int64_t series,
				     double time, double *bytes_ret)
{
	struct nec_classes classes = {0};
	struct nec_class_side side = {0};
	struct nec_error *err = nec_classes_add(&classes, db, series, &side);
	uint32_t i;

	*bytes_ret = 0;
	for (i = 0; !err && i < classes.names.count; i++) {
		struct nec_class_sum sum = nec_class_sum(&side, i);

		if (sum.count < 0)
			continue;
		*bytes_ret += (double)sum.bytes;
		err = add_point(t, "type", nec_strtab_get(&classes.names, i), "bytes", 0, time,
				(double)sum.bytes);
	}
	nec_class_side_deinit(&side);
	nec_classes_deinit(&classes);
	return err;
}

/* A file with several censuses has a time for each among its figures, where all have one. */
static struct nec_error *add_censuses(struct trend *t, const struct snapshot *s, double *bytes_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	*bytes_ret = NAN;
	NEC_TRY(nec_query_named(s->db, "trend_censuses", &query));
	for (;;) {
		double time;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		time = nec_query_column_type(query, 1) == NEC_COLUMN_NULL
			       ? s->time
			       : nec_query_real(query, 1);
		NEC_TRY(add_classes(t, s->db, nec_query_int(query, 0), time, bytes_ret));
	}
}

static struct nec_error *add_snapshot(struct trend *t, const struct snapshot *s, int64_t id)
{
	_cleanup_free_ char *source = nec_db_meta(s->db, "source"),
			    *format = nec_db_meta(s->db, "format");
	_cleanup_free_ char *scope = nec_db_meta(s->db, "scope");
	bool has_size = false;
	double bytes = NAN;

	NEC_TRY(add_samples(t, s->db, &has_size));
	/* What a core has of the address space, and how large that was. */
	if (!has_size)
		NEC_TRY(add_point(t, "memory", "size", "bytes", 0, s->time,
				  meta_number(s->db, "memory_mapped")));
	NEC_TRY(add_point(t, "memory", "dumped", "bytes", 0, s->time,
			  meta_number(s->db, "memory_dumped")));
	if (s->objects)
		NEC_TRY(add_classes(t, s->db, -1, s->time, &bytes));
	else
		NEC_TRY(add_censuses(t, s, &bytes));
	if (!isnan(bytes) && !(scope && !strcmp(scope, "tracked")))
		NEC_TRY(add_point(t, "memory", "objects", "bytes", 0, s->time, bytes));
	return nec_sheet_put(t->sheet, "snapshot", "ititrkrk", id, source ? source : "?",
			     (int64_t)s->operand, format, s->time,
			     s->objects ? (int64_t)s->objects : NEC_SHEET_NULL, bytes,
			     isnan(meta_number(s->db, "pid")) ? NEC_SHEET_NULL
							      : (int64_t)meta_number(s->db, "pid"));
}

/* ---- holders ---- */

static struct nec_error *note(struct trend *t, const char *text)
{
	return nec_sheet_put(t->sheet, "note", "nt", text);
}

/* What the object at addr is in a snapshot: 0 where it is not there. */
static struct nec_error *figure_of(const struct snapshot *s, const char *which, uint64_t addr,
				   const char *class, double *ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_text_deinit) struct nec_text name = {0};
	bool row;

	*ret = 0;
	NEC_TRY(nec_query_named(s->db, which, &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	if (!row || nec_query_column_type(query, 1) == NEC_COLUMN_NULL)
		return NULL;
	nec_class_name(&name, nec_query_text(query, 0, NULL));
	if (name.failed)
		return &nec_enomem;
	if (!strcmp(nec_text_str(&name), class))
		*ret = nec_query_real(query, 1);
	return NULL;
}

static struct nec_error *add_named(struct trend *t, struct nec_db *diff, const char *list,
				   const char *kind, const char *figure, const char *unit)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(diff, list, &query));
	for (int i = 0; i < HOLDERS_MAX; i++) {
		_cleanup_(nec_text_deinit) struct nec_text name = {0};
		uint64_t addr;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		addr = (uint64_t)nec_query_int(query, 0);
		if (*nec_query_text(query, 2, NULL))
			nec_text_puts(&name, nec_query_text(query, 2, NULL));
		else
			nec_text_printf(&name, "%s at 0x%llx", nec_query_text(query, 1, NULL),
					(unsigned long long)addr);
		if (name.failed)
			return &nec_enomem;
		for (size_t j = 0; j < t->count; j++) {
			double value;

			if (!t->snapshots[j].objects)
				continue;
			NEC_TRY(figure_of(&t->snapshots[j], figure, addr,
					  nec_query_text(query, 1, NULL), &value));
			NEC_TRY(add_point(t, kind, name.data, unit, addr, t->snapshots[j].time,
					  value));
		}
	}
	return NULL;
}

static struct nec_error *add_holders(struct trend *t)
{
	const struct nec_diff_options options = {.progress = t->options->progress};
	const struct snapshot *first = NULL, *last = NULL;
	struct nec_db *diff = NULL;
	struct nec_error *err;

	for (size_t i = 0; i < t->count; i++) {
		if (!t->snapshots[i].objects || isnan(t->snapshots[i].time))
			continue;
		first = first ? first : &t->snapshots[i];
		last = &t->snapshots[i];
	}
	if (!first || first == last)
		return NULL;
	NEC_TRY(nec_diff(first->db, last->db, &options, &diff));
	err = add_named(t, diff, "trend_holders", "holder", "trend_retained", "bytes");
	if (!err)
		err = add_named(t, diff, "trend_containers", "container", "trend_length", "count");
	nec_db_close(diff);
	return err;
}

/* ---- what the series do ---- */

static double range_of(const struct nec_course *c)
{
	double low = INFINITY, high = -INFINITY;

	for (uint32_t i = 0; i < c->count; i++) {
		low = fmin(low, c->values[i]);
		high = fmax(high, c->values[i]);
	}
	return c->count ? high - low : 0;
}

static double noise_of(const struct nec_course *c)
{
	double high = 0, least = !strcmp(c->unit, "bytes") ? 1024 : 1;

	for (uint32_t i = 0; i < c->count; i++)
		high = fmax(high, fabs(c->values[i]));
	/* The resident set moves by pages and by what the kernel counts late. */
	if (!strcmp(c->kind, "memory") && !strcmp(c->unit, "bytes"))
		least = 128 << 10;
	return fmax(least, high * 0.002);
}

static void draw_spark(const struct trend *t, const struct nec_course *c,
		       char spark[SPARK_COLUMNS + 1])
{
	uint32_t columns = c->count < SPARK_COLUMNS ? (c->count < 2 ? 2 : c->count) : SPARK_COLUMNS,
		 i;
	double low = INFINITY, high = -INFINITY;

	for (i = 0; i < c->count; i++) {
		low = fmin(low, c->values[i]);
		high = fmax(high, c->values[i]);
	}
	for (i = 0; i < columns; i++) {
		double at = t->first + (t->last - t->first) * i / (columns - 1);
		double v = nec_course_at(c, at);

		spark[i] = isnan(v)      ? '.'
			   : high <= low ? '3'
					 : (char)('0' + (int)fmin(7, (v - low) / (high - low) * 8));
	}
	spark[columns] = '\0';
}

struct ranked {
	struct nec_course *course;
	struct nec_fit fit;
	double weight; /* bytes an hour where it grows, else its range below all of those */
};

static int kind_rank(const char *kind)
{
	static const char *const kinds[] = {"memory", "holder", "container", "type"};

	for (int i = 0; i < 4; i++)
		if (!strcmp(kinds[i], kind))
			return i;
	return 4;
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int kinds = kind_rank(x->course->kind) - kind_rank(y->course->kind);
	bool grows_x = nec_shape_grows(x->fit.shape), grows_y = nec_shape_grows(y->fit.shape);

	if (kinds)
		return kinds;
	if (grows_x != grows_y)
		return grows_x ? -1 : 1;
	/* Holders came in the order of what they grew by themselves; whatever is above one grows as fast. */
	if (!strcmp(x->course->kind, "holder"))
		return x->course < y->course ? -1 : x->course > y->course;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->course->name, y->course->name);
}

static struct nec_error *put_series(struct trend *t, const struct ranked *r, int64_t id)
{
	const struct nec_course *c = r->course;
	char spark[SPARK_COLUMNS + 1];

	draw_spark(t, c, spark);
	NEC_TRY(nec_sheet_put(t->sheet, "series", "itttairrrrtirrrt", id, c->kind, c->name, c->unit,
			      c->addr, (int64_t)c->count, c->values[0], c->values[c->count - 1],
			      c->times[0], c->times[c->count - 1], nec_shape_names[r->fit.shape],
			      (int64_t)nec_shape_grows(r->fit.shape), r->fit.slope * 3600,
			      r->fit.error * 3600, r->fit.level, spark));
	for (uint32_t i = 0; i < c->count; i++)
		NEC_TRY(nec_sheet_put(t->sheet, "point", "irr", id, c->times[i], c->values[i]));
	return NULL;
}

/* Figures that a snapshot says are limits are drawn by nobody. */
static bool is_kept(const struct nec_course *c)
{
	return c->count && strcmp(c->kind, "limit") != 0 &&
	       (strcmp(c->kind, "type") != 0 || (c->count > 1 && range_of(c) > 4 * noise_of(c)));
}

static void find_axis(struct trend *t)
{
	t->first = INFINITY;
	t->last = -INFINITY;
	for (uint32_t i = 0; i < t->courses.count; i++) {
		struct nec_course *c = &t->courses.list[i];

		nec_course_settle(c);
		if (!c->count)
			continue;
		t->first = fmin(t->first, c->times[0]);
		t->last = fmax(t->last, c->times[c->count - 1]);
	}
}

static struct nec_error *put_all_series(struct trend *t, struct ranked *list, uint32_t *count_ret)
{
	uint32_t count = 0, types = 0, i;

	for (i = 0; i < t->courses.count; i++) {
		struct nec_course *c = &t->courses.list[i];
		struct ranked *r = &list[count];

		if (!is_kept(c))
			continue;
		r->course = c;
		nec_fit_series(c->times, c->values, c->count, noise_of(c), &r->fit);
		r->weight = nec_shape_grows(r->fit.shape) ? r->fit.slope : range_of(c);
		count++;
	}
	qsort(list, count, sizeof(*list), compare_ranked);
	for (i = 0; i < count; i++) {
		types += !strcmp(list[i].course->kind, "type");
		if (types <= SERIES_MAX)
			NEC_TRY(put_series(t, &list[i], (int64_t)i + 1));
	}
	*count_ret = count;
	return NULL;
}

/* ---- the limit ---- */

static bool last_of(const struct trend *t, const char *kind, const char *name, double *ret)
{
	const struct nec_course *c = nec_courses_find(&t->courses, kind, name, "bytes");

	if (!c || !c->count)
		return false;
	*ret = c->values[c->count - 1];
	return true;
}

static const struct ranked *find_limited(const struct trend *t, const struct ranked *list,
					 uint32_t count)
{
	static const char *const names[] = {"rss", "cgroup", "dumped", "objects", "heap", "size"};

	for (size_t n = 0; n < (t->limit.of ? 1 : sizeof(names) / sizeof(names[0])); n++)
		for (uint32_t i = 0; i < count; i++)
			if (!strcmp(list[i].course->kind, "memory") &&
			    !strcmp(list[i].course->unit, "bytes") &&
			    !strcmp(list[i].course->name, t->limit.of ? t->limit.of : names[n]))
				return &list[i];
	return NULL;
}

/* When a limit is reached. */
struct forecast {
	const struct ranked *of;
	const char *verdict;
	double at, earliest, latest; /* NaN: never, or not known */
};

static struct forecast foretell(const struct trend *t, const struct ranked *r)
{
	struct forecast f = {
		.of = r, .verdict = "never", .at = NAN, .earliest = NAN, .latest = NAN};

	if (r->course->values[r->course->count - 1] >= t->limit.bytes)
		f.verdict = "over";
	else if (r->course->count < 2)
		f.verdict = "unknown";
	else if (nec_fit_reaches(&r->fit, t->limit.bytes, &f.at, &f.earliest, &f.latest))
		f.verdict = "reached";
	return f;
}

static bool comes_before(const struct forecast *a, const struct forecast *b)
{
	bool over_a = !strcmp(a->verdict, "over"), over_b = !strcmp(b->verdict, "over");

	if (over_a != over_b)
		return over_a;
	return isnan(b->at) ? !isnan(a->at) : a->at < b->at;
}

/* Of the limits that the snapshots tell of, the one that is reached first; t->limit becomes that
 * one. To add one: its figure, what is said of it, and the memories that it may be of. */
static struct forecast first_limit(struct trend *t, const struct ranked *list, uint32_t count)
{
	static const struct {
		const char *figure, *origin, *of[2];
	} limits[] = {
		{"cgroup_limit", "cgroup", {"cgroup", "rss"}},
		{"as_limit", "address space", {"size"}},
	};
	__typeof__(t->limit) best_limit = {.bytes = NAN, .of = t->options->limit_of};
	struct forecast best = {0}, f;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct ranked *r = NULL;

		if (!last_of(t, "limit", limits[i].figure, &t->limit.bytes))
			continue;
		t->limit.origin = limits[i].origin;
		for (size_t j = 0; j < 2 && !r && limits[i].of[j]; j++) {
			t->limit.of = t->options->limit_of ? t->options->limit_of : limits[i].of[j];
			r = find_limited(t, list, count);
		}
		if (!r)
			continue;
		f = foretell(t, r);
		if (!best.of || comes_before(&f, &best)) {
			best = f;
			best_limit = t->limit;
		}
	}
	t->limit = best_limit;
	return best;
}

static struct nec_error *put_forecast(struct trend *t, const struct ranked *list, uint32_t count)
{
	struct forecast f = {0};

	t->limit.bytes = NAN;
	t->limit.of = t->options->limit_of;
	if (t->options->limit > 0) {
		t->limit.bytes = (double)t->options->limit;
		t->limit.origin = "--limit";
		f.of = find_limited(t, list, count);
		if (!f.of)
			return note(t, "no snapshot says how large the memory was that is limited: "
				       "see --limit-of");
		f = foretell(t, f.of);
	} else {
		f = first_limit(t, list, count);
	}
	if (!f.of)
		return NULL;
	return nec_sheet_put(t->sheet, "forecast", "nirttrrr", (int64_t)(f.of - list) + 1,
			     t->limit.bytes, t->limit.origin, f.verdict, f.at, f.earliest,
			     f.latest);
}

/* Memory that grows faster than Python's objects, by a quarter and more, is not theirs. */
static struct nec_error *put_notes(struct trend *t, const struct ranked *list, uint32_t count)
{
	const struct ranked *memory = find_limited(t, list, count), *objects = NULL;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(list[i].course->kind, "memory") &&
		    !strcmp(list[i].course->name, "objects"))
			objects = &list[i];
	if (memory && objects && memory != objects && nec_shape_grows(memory->fit.shape) &&
	    objects->fit.slope < memory->fit.slope / 4)
		NEC_TRY(note(t,
			     "memory grows, and Python's objects do not: look for native memory, "
			     "fragmentation or threads (necropsy memory)"));
	for (i = 0; i < t->count; i++)
		if (isnan(t->snapshots[i].time))
			return note(
				t,
				"a snapshot does not say when it was taken, and is left out of the series");
	return NULL;
}

/* ---- all of it ---- */

static struct nec_error *run(struct trend *t)
{
	_cleanup_free_ struct ranked *list = NULL;
	uint32_t count;
	size_t i;

	for (i = 0; i < t->count; i++) {
		NEC_TRY(nec_progress_step(t->options->progress, "snapshots", i, t->count));
		NEC_TRY(add_snapshot(t, &t->snapshots[i], (int64_t)i + 1));
	}
	NEC_TRY(add_holders(t));
	find_axis(t);
	list = calloc(t->courses.count + 1u, sizeof(*list));
	if (!list)
		return &nec_enomem;
	NEC_TRY(put_all_series(t, list, &count));
	NEC_TRY(put_forecast(t, list, count));
	NEC_TRY(put_notes(t, list, count));
	return nec_sheet_put(t->sheet, "meta", "tt", "kinds", "trend");
}

struct nec_error *nec_trend(struct nec_db *const *snapshots, size_t count,
			    const struct nec_trend_options *options, struct nec_db **trend_ret)
{
	static const struct nec_trend_options defaults;
	struct trend t = {.count = count, .options = options ? options : &defaults};
	struct nec_error *err;

	if (!count || count > OPERANDS_MAX)
		return nec_error_create(NEC_ERR_USAGE, "a trend takes 1 to %d snapshots",
					OPERANDS_MAX);
	t.snapshots = calloc(count, sizeof(*t.snapshots));
	if (!t.snapshots)
		return &nec_enomem;
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *time = nec_db_meta(snapshots[i], "captured_at");

		t.snapshots[i] = (struct snapshot){
			.db = snapshots[i],
			.operand = i,
			.time = parse_time(time),
			.objects = nec_scan_count(snapshots[i]),
		};
	}
	qsort(t.snapshots, count, sizeof(*t.snapshots), compare_snapshots);
	err = nec_sheet_create("trend", &t.sheet);
	if (!err)
		err = run(&t);
	nec_courses_deinit(&t.courses);
	free(t.snapshots);
	if (err) {
		nec_sheet_destroy(t.sheet);
		return err;
	}
	return nec_sheet_finish(t.sheet, trend_ret);
}
