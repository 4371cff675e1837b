/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comparing is made of: shapes of series, names of types, rows read from pages of a database.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare/classes.h"
#include "compare/fit.h"
#include "fact.h"
#include "store/leaf.h"
#include "store/scan.h"
#include "store/store.h"
#include "unit.h"

/* ---- fit ---- */

enum { POINTS = 12 };

static const double start = 1.79e9;

/* Deterministic, between -1 and 1. */
static double noise(int i)
{
	return ((unsigned int)(i + 1) * 2654435761u >> 8 & 0xffff) / 32768.0 - 1;
}

static struct nec_fit fit(double (*f)(int i), int count, double threshold)
{
	double times[64], values[64];
	struct nec_fit result;

	for (int i = 0; i < count; i++) {
		times[i] = start + 3600.0 * i;
		values[i] = f(i);
	}
	nec_fit_series(times, values, (size_t)count, threshold, &result);
	return result;
}

static double flat(int i)
{
	return 1000 + noise(i);
}

static double line(int i)
{
	return 1000 + 50.0 * i + 5 * noise(i);
}

static double falling(int i)
{
	return 1000 - 50.0 * i + 5 * noise(i);
}

static double saturating(int i)
{
	return 1000 - 800 * exp(-i / 2.0) + 2 * noise(i);
}

static double full(int i)
{
	return (i < 5 ? 200 * i : 1000) + 2 * noise(i);
}

static double stairs(int i)
{
	return 1000 + 400 * (i / 4) + noise(i);
}

static double one_step(int i)
{
	return (i < 6 ? 100 : 900) + noise(i);
}

static double late(int i)
{
	return (i < 6 ? 100 : 100 + 80.0 * (i - 6)) + noise(i);
}

static double saw(int i)
{
	return i & 1 ? 900 : 100;
}

START_TEST(test_shapes_are_told_apart)
{
	static const struct {
		double (*f)(int i);
		enum nec_shape shape;
		const char *name;
	} cases[] = {
		{flat, NEC_SHAPE_FLAT, "flat"},
		{line, NEC_SHAPE_LINEAR, "line"},
		{falling, NEC_SHAPE_FALLING, "falling"},
		{saturating, NEC_SHAPE_SATURATING, "saturating"},
		{full, NEC_SHAPE_SATURATING, "a cache that fills up"},
		{stairs, NEC_SHAPE_STEPS, "stairs"},
		{one_step, NEC_SHAPE_STEP, "one step"},
		{late, NEC_SHAPE_LINEAR, "growth that began late"},
		{saw, NEC_SHAPE_VARIES, "saw"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nec_fit f = fit(cases[i].f, POINTS, 2);

		ck_assert_msg(f.shape == cases[i].shape, "%s: %s", cases[i].name,
			      nec_shape_names[f.shape]);
	}
}
END_TEST

START_TEST(test_slopes_have_the_right_size_and_an_error_that_covers_it)
{
	struct nec_fit f = fit(line, POINTS, 1);

	ck_assert(fabs(f.slope * 3600 - 50) < f.error * 3600);
	ck_assert(f.error * 3600 < 5);
	/* What began late grows by what it does now. */
	f = fit(late, POINTS, 1);
	ck_assert_msg(fabs(f.slope * 3600 - 80) < 2, "%g", f.slope * 3600);
	/* What levelled off does not grow, and says where. */
	f = fit(full, POINTS, 1);
	ck_assert(f.slope == 0);
	ck_assert_msg(fabs(f.level - 1000) < 20, "%g", f.level);
}
END_TEST

START_TEST(test_two_points_are_a_line_without_an_error)
{
	struct nec_fit f = fit(line, 2, 1);
	double at, earliest, latest;

	ck_assert_int_eq(f.shape, NEC_SHAPE_LINEAR);
	ck_assert(isnan(f.error));
	ck_assert(nec_fit_reaches(&f, 2000, &at, &earliest, &latest));
	f = fit(line, 1, 1);
	ck_assert_int_eq(f.shape, NEC_SHAPE_UNKNOWN);
	ck_assert(!nec_fit_reaches(&f, 2000, &at, &earliest, &latest));
}
END_TEST

START_TEST(test_the_limit_is_reached_within_its_range)
{
	struct nec_fit f = fit(line, POINTS, 1);
	double at, earliest, latest, truth = start + 3600.0 * 20;

	ck_assert(nec_fit_reaches(&f, 2000, &at, &earliest, &latest));
	ck_assert_msg(fabs(at - truth) < 3600, "%g hours off", (at - truth) / 3600);
	ck_assert(earliest < at && at < latest);
	ck_assert(earliest < truth && truth < latest);
	/* A cache that fills up never gets there. */
	f = fit(full, POINTS, 1);
	ck_assert(!nec_fit_reaches(&f, 2000, &at, &earliest, &latest));
}
END_TEST

/* ---- classes ---- */

START_TEST(test_names_are_the_same_whoever_wrote_them)
{
	static const char *const cases[][2] = {
		{"builtins.dict", "dict"},
		{"__builtin__.dict", "dict"},
		{"exceptions.ValueError", "ValueError"},
		{"types.CodeType", "code"},
		{"dict of __main__.Foo", "dict"},
		{"dict (no owner)", "dict"},
		{"collections.deque", "collections.deque"},
		{"app.models.Order", "app.models.Order"},
		{"", "?"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(nec_text_deinit) struct nec_text name = {0};

		nec_class_name(&name, cases[i][0]);
		ck_assert_str_eq(nec_text_str(&name), cases[i][1]);
	}
}
END_TEST

/* ---- rows read from pages ---- */

enum { OBJECTS = 30000 };

/* A database with objects without references, and values of growing length. */
static void make_database(const char *path)
{
	uint64_t *addr = calloc(OBJECTS, sizeof(*addr)),
		 *start_of = calloc(OBJECTS + 1, sizeof(*start_of));
	uint32_t *type = calloc(OBJECTS, sizeof(*type)), *size = calloc(OBJECTS, sizeof(*size));
	uint8_t *flags = calloc(OBJECTS, 1);
	struct nec_object_columns columns = {
		.count = OBJECTS,
		.addr = addr,
		.type = type,
		.size = size,
		.flags = flags,
		.referrer_start = start_of,
	};
	struct nec_store *store;
	char text[200];
	uint32_t i;

	ck_assert_no_error(nec_store_create(path, &store));
	ck_assert_no_error(
		nec_store_put(store, &(struct nec_fact){.kind = NEC_FACT_TYPE,
							.type = {.name = "builtins.str"}}));
	for (i = 0; i < OBJECTS; i++) {
		addr[i] = UINT64_C(0x7f0000000000) + (uint64_t)i * 64 +
			  (i > OBJECTS / 2 ? 1u << 30 : 0);
		size[i] = 40 + i % 1000;
	}
	for (i = 0; i < OBJECTS; i += 3) {
		memset(text, 'a' + (int)(i % 26), sizeof(text));
		ck_assert_no_error(nec_store_put(
			store, &(struct nec_fact){.kind = NEC_FACT_VALUE,
						  .value = {addr[i], text, 1 + i % sizeof(text)}}));
	}
	for (i = 0; i < OBJECTS; i++)
		ck_assert_no_error(nec_store_references(store, i, addr[i], 0, NULL, 0));
	ck_assert_no_error(nec_store_objects_begin(store, &columns));
	ck_assert_no_error(nec_store_objects_end(store, &columns, NULL));
	ck_assert_no_error(nec_store_finish(store));
	free(addr);
	free(start_of);
	free(type);
	free(size);
	free(flags);
}

static char database[] = "/tmp/test_compare.XXXXXX";

static void make_name(void)
{
	int fd = mkstemp(database);

	ck_assert_int_ge(fd, 0);
	close(fd);
	make_database(database);
}

static void drop_name(void)
{
	unlink(database);
	strcpy(database, "/tmp/test_compare.XXXXXX");
}

/* Rows of a table from pages are those that SQLite gives, from any row on. */
static void compare_rows(struct nec_db *db, const char *table, const char *sql, int64_t from)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_leaf_cell cells[NEC_LEAF_COLUMNS];
	struct nec_leaf *leaf;
	int64_t rowid, rows = 0;
	bool more, row;

	ck_assert_no_error(nec_query_sql(db, sql, &query));
	ck_assert_no_error(nec_query_bind_int(query, ":from", from));
	ck_assert_no_error(nec_leaf_open(db, table, from, &leaf));
	for (;; rows++) {
		ck_assert_no_error(nec_leaf_next(leaf, &rowid, &more));
		ck_assert_no_error(nec_query_step(query, &row));
		ck_assert_int_eq(more, row);
		if (!row)
			break;
		ck_assert_int_eq(rowid, nec_query_int(query, 0));
		ck_assert_no_error(
			nec_leaf_cells(leaf, (unsigned int)nec_query_column_count(query), cells));
		for (int i = 1; i < nec_query_column_count(query); i++) {
			size_t size;
			const char *text = nec_query_text(query, i, &size);

			if (nec_query_column_type(query, i) == NEC_COLUMN_NULL) {
				ck_assert_int_eq(cells[i].type, NEC_LEAF_NULL);
			} else if (nec_query_column_type(query, i) == NEC_COLUMN_INT) {
				ck_assert_int_eq(cells[i].type, NEC_LEAF_INT);
				ck_assert_int_eq(cells[i].i, nec_query_int(query, i));
			} else {
				ck_assert_int_eq(cells[i].type, NEC_LEAF_TEXT);
				ck_assert_uint_eq(cells[i].size, size);
				ck_assert(!memcmp(cells[i].data, text, size));
			}
		}
	}
	nec_leaf_close(leaf);
	ck_assert_msg(from > (int64_t)0x7fffffffffff || rows > 0, "nothing was compared");
}

START_TEST(test_rows_from_pages_are_those_of_sqlite)
{
	static const int64_t froms[] = {
		0, 0x7f0000000000, 0x7f0000000041, 0x7f0000100000, 0x7f0040100000, INT64_MAX};
	struct nec_db *db;

	make_name();
	ck_assert_no_error(nec_db_open(database, &db));
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		compare_rows(db, "object", "SELECT * FROM object WHERE addr >= :from ORDER BY addr",
			     froms[i]);
		compare_rows(db, "value", "SELECT * FROM value WHERE addr >= :from ORDER BY addr",
			     froms[i]);
	}
	nec_db_close(db);
	drop_name();
}
END_TEST

START_TEST(test_a_scan_has_every_object_with_its_figures_and_value)
{
	const uint64_t cut = UINT64_C(0x7f0000000000) + 64 * 10001;
	uint32_t seen = 0;
	struct nec_db *db;

	make_name();
	ck_assert_no_error(nec_db_open(database, &db));
	ck_assert_uint_eq(nec_scan_count(db), OBJECTS);
	for (int half = 0; half < 2; half++) {
		struct nec_scan *scan;

		ck_assert_no_error(nec_scan_open(db, NEC_SCAN_FIGURES | NEC_SCAN_VALUES,
						 half ? cut : 0, half ? UINT64_MAX : cut, &scan));
		for (;; seen++) {
			struct nec_scan_object object;
			struct nec_scan_figures figures;
			const char *text;
			size_t size;
			bool more;

			ck_assert_no_error(nec_scan_next(scan, &object, &more));
			if (!more)
				break;
			ck_assert_uint_eq(object.id, seen);
			ck_assert_no_error(nec_scan_figures(scan, &figures));
			ck_assert_int_eq(figures.size, 40 + seen % 1000);
			ck_assert_int_eq(figures.retained, -1);
			ck_assert_no_error(nec_scan_value(scan, &text, &size));
			if (seen % 3)
				ck_assert_ptr_null(text);
			else
				ck_assert_uint_eq(size, 1 + seen % 200);
		}
		nec_scan_close(scan);
	}
	ck_assert_uint_eq(seen, OBJECTS);
	nec_db_close(db);
	drop_name();
}
END_TEST

static bool same_cells(const struct nec_leaf_cell *a, const struct nec_leaf_cell *b,
		       unsigned int first)
{
	for (unsigned int i = first; i < NEC_OBJECT_COLUMNS; i++)
		if (a[i].type != b[i].type || a[i].i != b[i].i)
			return false;
	return true;
}

/* Sizes repeat every 1000 objects; types, flags and addresses do in other ways. */
START_TEST(test_rows_are_alike_when_their_columns_are)
{
	static const int64_t offs[] = {0, 1, 500, 1000, 3000};
	uint32_t alike = 0, other = 0;
	struct nec_db *db;

	make_name();
	ck_assert_no_error(nec_db_open(database, &db));
	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		struct nec_leaf_cell cells_a[NEC_LEAF_COLUMNS], cells_b[NEC_LEAF_COLUMNS];
		struct nec_leaf *a, *b;
		int64_t rowid;
		bool more;

		ck_assert_no_error(nec_leaf_open(db, "object", 0, &a));
		ck_assert_no_error(nec_leaf_open(db, "object", 0, &b));
		for (int64_t n = 0; n < offs[i]; n++)
			ck_assert_no_error(nec_leaf_next(b, &rowid, &more));
		for (;;) {
			ck_assert_no_error(nec_leaf_next(a, &rowid, &more));
			ck_assert_no_error(nec_leaf_next(b, &rowid, &more));
			if (!more)
				break;
			ck_assert_no_error(nec_leaf_cells(a, NEC_OBJECT_COLUMNS, cells_a));
			ck_assert_no_error(nec_leaf_cells(b, NEC_OBJECT_COLUMNS, cells_b));
			for (unsigned int first = 0; first < NEC_OBJECT_COLUMNS; first++) {
				bool same = same_cells(cells_a, cells_b, first);

				ck_assert_int_eq(nec_leaf_alike(a, b, first), same);
				alike += same;
				other += !same;
			}
		}
		nec_leaf_close(a);
		nec_leaf_close(b);
	}
	ck_assert_uint_gt(alike, 0);
	ck_assert_uint_gt(other, 0);
	nec_db_close(db);
	drop_name();
}
END_TEST

/* Pages of which bytes were changed give rows or an error, and end. */
START_TEST(test_damaged_pages_are_harmless)
{
	uint32_t state = 12345, damaged = 0;

	make_name();
	for (int round = 0; round < 150; round++) {
		FILE *f = fopen(database, "r+");
		long size, at;
		uint8_t old, other;
		struct nec_db *db;
		struct nec_leaf *leaf;
		struct nec_error *err;

		fseek(f, 0, SEEK_END);
		size = ftell(f);
		state = state * 1664525 + 1013904223;
		/* The beginnings of pages have what is worth changing. */
		at = 16384 + (long)(state >> 8) % (size / 16384 - 1) * 16384 +
		     (long)(state >> 3) % 64;
		fseek(f, at, SEEK_SET);
		old = (uint8_t)fgetc(f);
		other = (uint8_t)(old ^ (1u << (state >> 28 & 7)));
		fseek(f, at, SEEK_SET);
		fputc(other, f);
		fclose(f);
		ck_assert_no_error(nec_db_open(database, &db));
		err = nec_leaf_open(db, round & 1 ? "value" : "object", 0, &leaf);
		if (!err) {
			struct nec_leaf_cell cells[NEC_LEAF_COLUMNS];
			int64_t rowid, rows = 0;
			bool more = true;

			while (!err && more && rows++ < 100 * OBJECTS) {
				err = nec_leaf_next(leaf, &rowid, &more);
				if (!err && more)
					nec_leaf_alike(leaf, leaf, NEC_OBJECT_TYPE + 1);
				if (!err && more)
					err = nec_leaf_cells(leaf, NEC_LEAF_COLUMNS, cells);
			}
			ck_assert_msg(rows < 100 * OBJECTS, "rows without an end");
			nec_leaf_close(leaf);
		}
		damaged += err != NULL;
		nec_error_destroy(err);
		nec_db_close(db);
		f = fopen(database, "r+");
		fseek(f, at, SEEK_SET);
		fputc(old, f);
		fclose(f);
	}
	ck_assert_msg(damaged > 0, "no change was noticed");
	drop_name();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare");
	TCase *fits = tcase_create("fit"), *names = tcase_create("classes"),
	      *rows = tcase_create("rows");

	tcase_add_test(fits, test_shapes_are_told_apart);
	tcase_add_test(fits, test_slopes_have_the_right_size_and_an_error_that_covers_it);
	tcase_add_test(fits, test_two_points_are_a_line_without_an_error);
	tcase_add_test(fits, test_the_limit_is_reached_within_its_range);
	tcase_add_test(names, test_names_are_the_same_whoever_wrote_them);
	tcase_set_timeout(rows, 120);
	tcase_add_test(rows, test_rows_from_pages_are_those_of_sqlite);
	tcase_add_test(rows, test_a_scan_has_every_object_with_its_figures_and_value);
	tcase_add_test(rows, test_rows_are_alike_when_their_columns_are);
	tcase_add_test(rows, test_damaged_pages_are_harmless);
	suite_add_tcase(suite, fits);
	suite_add_tcase(suite, names);
	suite_add_tcase(suite, rows);
	return unit_run(suite);
}
