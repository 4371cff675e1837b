/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long intake and store take without a dump: bench_store [OBJECTS [DIRECTORY]], by default 1, 4
 * and 12 million made-up objects with two and a half references each. Prints seconds of each stage,
 * the peak of private memory, the size of the database, and beside it the time of as many plain
 * inserts into SQLite.
 */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "necropsy.h"
#include "stages.h"
#include "synthsource.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(struct nec_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "bench_store: %s\n", err->message);
	exit(1);
}

static int64_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

/* The same number of rows of nine integers, bound and stepped, as anybody would. */
static double plain_inserts(const char *path, uint32_t count)
{
	double since = now();
	sqlite3_stmt *s = NULL;
	sqlite3 *db;
	uint32_t i;
	int c;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db,
			 "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
			 "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d, e, f, g, h, i)",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &s,
			       NULL) != SQLITE_OK)
		return -1;
	for (i = 0; i < count; i++) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)synth_addr(i));
		for (c = 2; c < 10; c++)
			sqlite3_bind_int64(s, c, (sqlite3_int64)i * c);
		sqlite3_step(s);
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	return now() - since;
}

static void print_stages(const char *path)
{
	_cleanup_(nec_db_closep) struct nec_db *db = NULL;
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	bool row;

	check(nec_db_open(path, &db));
	check(nec_query_named(db, "stages", &q));
	for (;;) {
		check(nec_query_step(q, &row));
		if (!row)
			break;
		printf("  %-26s %11lld rows %7.2f s %8.1f MiB\n", nec_query_text(q, 1, NULL),
		       (long long)nec_query_int(q, 2), nec_query_real(q, 3),
		       (double)nec_query_int(q, 4) / (1 << 20));
	}
}

static void bench(uint32_t count, const char *dir)
{
	struct synth_options options = {.count = count, .values_of_ten = 4};
	struct nec_stages stages = {.tmpdir = dir};
	struct nec_source *source = synth_create(&options);
	char path[PATH_MAX], plain[PATH_MAX];
	double since = now(), seconds, started, finish;
	struct nec_peak *peak;
	int64_t highest;

	snprintf(path, sizeof(path), "%s/bench_store.necropsy", dir);
	snprintf(plain, sizeof(plain), "%s/bench_store.sqlite", dir);
	/* Two samplers: one by stage, one for all. */
	peak = nec_peak_start();
	stages.peak = nec_peak_start();
	check(nec_store_create(path, &stages.store));
	check(nec_stages_run(&stages, source));
	started = now();
	check(nec_store_finish(stages.store));
	finish = now() - started;
	source->close(source);
	seconds = now() - since;
	highest = nec_peak_take(peak);
	nec_peak_stop(stages.peak);
	nec_peak_stop(peak);
	printf("%u objects: %.2f s, %.2f us an object, %.1f MiB of private memory, database %.1f MiB\n",
	       count, seconds, seconds * 1e6 / count, (double)highest / (1 << 20),
	       (double)file_size(path) / (1 << 20));
	print_stages(path);
	printf("  %-26s %11s      %7.2f s\n", "finish", "", finish);
	seconds = plain_inserts(plain, count);
	printf("  %-26s %11u rows %7.2f s\n", "plain inserts", count, seconds);
	fflush(stdout);
	unlink(path);
	unlink(plain);
}

int main(int argc, char **argv)
{
	static const uint32_t counts[] = {1000000, 4000000, 12000000};
	const char *dir = argc > 2 ? argv[2] : ".";
	size_t i;

	if (argc > 1) {
		bench((uint32_t)strtoul(argv[1], NULL, 0), dir);
		return 0;
	}
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bench(counts[i], dir);
	return 0;
}
