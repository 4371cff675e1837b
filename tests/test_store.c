/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A made-up process through intake and store and back out of the database. */
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "necropsy.h"
#include "stages.h"
#include "store/rows.h"
#include "synthsource.h"
#include "unit.h"

static char dir[] = "/tmp/test_store.XXXXXX";
static char path[64], partial[80];

static struct synth_options options = {
	.count = 4000,
	.type_count = 50,
	.long_list = 24000,
	.values_of_ten = 5,
};

static void set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.necropsy", dir);
	snprintf(partial, sizeof(partial), "%s.partial", path);
}

static void tear_down(void)
{
	unlink(path);
	unlink(partial);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct nec_error *load(const struct synth_options *o, const char *to,
			      struct nec_progress *progress)
{
	struct nec_stages stages = {.tmpdir = dir, .progress = progress};
	struct nec_source *source = synth_create(o);
	struct nec_error *err = nec_store_create(to, &stages.store);

	if (!err) {
		err = nec_stages_run(&stages, source);
		if (err)
			nec_store_abandon(stages.store);
		else
			err = nec_store_finish(stages.store);
	}
	source->close(source);
	return err;
}

static struct nec_db *load_and_open(const struct synth_options *o)
{
	struct nec_db *db;

	ck_assert_no_error(load(o, path, NULL));
	ck_assert_no_error(nec_db_open(path, &db));
	return db;
}

static struct nec_query *ask(struct nec_db *db, const char *sql, int64_t addr)
{
	struct nec_query *q;

	ck_assert_no_error(nec_query_sql(db, sql, &q));
	if (strstr(sql, ":a"))
		ck_assert_no_error(nec_query_bind_int(q, ":a", addr));
	return q;
}

static bool step(struct nec_query *q)
{
	bool row;

	ck_assert_no_error(nec_query_step(q, &row));
	return row;
}

static int64_t ask_int(struct nec_db *db, const char *sql, int64_t addr)
{
	struct nec_query *q = ask(db, sql, addr);
	int64_t value;

	ck_assert(step(q));
	value = nec_query_int(q, 0);
	nec_query_close(q);
	return value;
}

/* The object at addr, UINT32_MAX: none. */
static uint32_t index_at(uint64_t addr)
{
	uint32_t i = (uint32_t)((addr - synth_addr(0) % 64 - (synth_addr(0) & ~UINT64_C(63))) / 64);

	for (i = i ? i - 1 : 0; i < options.count && synth_addr(i) <= addr; i++)
		if (synth_addr(i) == addr)
			return i;
	return UINT32_MAX;
}

/* What a label should read. */
static void expect_label(const struct nec_ref *ref, char *buf, size_t size)
{
	char value[64];
	uint32_t i = UINT32_MAX;
	bool known = false;

	if (ref->label_kind == NEC_LABEL_KEY || ref->label_kind == NEC_LABEL_ATTR) {
		i = index_at(ref->label);
		ck_assert_uint_ne(i, UINT32_MAX);
		known = synth_has_value(&options, i);
		if (known)
			synth_value(i, value);
		else if (synth_type(&options, i))
			snprintf(value, sizeof(value), "<mod.Type%u at 0x%llx>",
				 synth_type(&options, i), (unsigned long long)ref->label);
		else
			snprintf(value, sizeof(value), "<type at 0x%llx>",
				 (unsigned long long)ref->label);
	}
	switch ((enum nec_label_kind)ref->label_kind) {
	case NEC_LABEL_NONE:
		*buf = '\0';
		break;
	case NEC_LABEL_STRING:
		snprintf(buf, size, "%s", synth_strings[ref->label]);
		break;
	case NEC_LABEL_INDEX:
		snprintf(buf, size, "[%u]", (unsigned int)ref->label);
		break;
	case NEC_LABEL_KEY:
		snprintf(buf, size, "[%s]", value);
		break;
	case NEC_LABEL_ATTR:
		if (known) {
			value[strlen(value) - 1] = '\0';
			snprintf(buf, size, ".%s", value + 1);
		} else {
			snprintf(buf, size, ".%s", value);
		}
		break;
	case NEC_LABEL_WORD:
		snprintf(buf, size, "+0x%x", (unsigned int)ref->label);
		break;
	}
}

static const char *const kinds[] = {"strong", "weak", "type", "conservative", "borrowed"};

/* Is this reference a row of its own? Dangling ones are not, and the one to the object's own type
 * is made up at the end. */
static bool is_stored(uint32_t i, const struct nec_ref *ref)
{
	return index_at(ref->dst) != UINT32_MAX &&
	       !(ref->kind == NEC_REF_TYPE && ref->dst == synth_addr(synth_type(&options, i)));
}

/* Compares all outgoing references of the object; returns how many rows there are. */
static uint32_t compare_refs(struct nec_db *db, uint32_t i)
{
	struct nec_query *q = ask(db, "SELECT src, dst, kind, label FROM reference WHERE src = :a",
				  (int64_t)synth_addr(i));
	uint32_t count = synth_ref_count(&options, i), n, rows = 0;
	char label[128];

	for (n = 0; n < count; n++) {
		struct nec_ref ref = synth_ref(&options, i, n);

		if (!is_stored(i, &ref))
			continue;
		rows++;
		ck_assert(step(q));
		ck_assert_int_eq(nec_query_int(q, 0), (int64_t)synth_addr(i));
		ck_assert_int_eq(nec_query_int(q, 1), (int64_t)ref.dst);
		ck_assert_str_eq(nec_query_text(q, 2, NULL), kinds[ref.kind]);
		expect_label(&ref, label, sizeof(label));
		ck_assert_str_eq(nec_query_text(q, 3, NULL), label);
	}
	ck_assert(step(q));
	ck_assert_int_eq(nec_query_int(q, 1), (int64_t)synth_addr(synth_type(&options, i)));
	ck_assert_str_eq(nec_query_text(q, 2, NULL), "type");
	ck_assert_str_eq(nec_query_text(q, 3, NULL), ".__class__");
	ck_assert(!step(q));
	nec_query_close(q);
	return rows + 1;
}

START_TEST(test_objects_come_back_as_they_were)
{
	struct nec_db *db = load_and_open(&options);
	struct nec_query *q = ask(db,
				  "SELECT o.addr, type, size, native, refcount, flags, text FROM "
				  "object o LEFT JOIN value v ON v.addr = o.addr ORDER BY o.addr",
				  0);
	char value[64];
	uint32_t i;

	for (i = 0; i < options.count; i++) {
		ck_assert(step(q));
		ck_assert_int_eq(nec_query_int(q, 0), (int64_t)synth_addr(i));
		ck_assert_int_eq(nec_query_int(q, 1), synth_type(&options, i));
		ck_assert_int_eq(nec_query_int(q, 2), synth_size(&options, i));
		if (synth_native(i) == NEC_UNKNOWN)
			ck_assert_int_eq(nec_query_column_type(q, 3), NEC_COLUMN_NULL);
		else
			ck_assert_int_eq(nec_query_int(q, 3), synth_native(i));
		ck_assert_int_eq(nec_query_int(q, 4), synth_refcount(i));
		ck_assert_int_eq(nec_query_int(q, 5), i % 32);
		ck_assert_int_eq(nec_query_column_type(q, 6) == NEC_COLUMN_TEXT,
				 synth_has_value(&options, i));
		if (synth_has_value(&options, i)) {
			synth_value(i, value);
			ck_assert_str_eq(nec_query_text(q, 6, NULL), value);
		}
	}
	ck_assert(!step(q));
	nec_query_close(q);
	nec_db_close(db);
}
END_TEST

START_TEST(test_references_come_back_from_either_end)
{
	struct nec_db *db = load_and_open(&options);
	uint64_t rows = 0, referrers = 0;
	uint32_t i;

	for (i = 0; i < options.count; i++)
		rows += compare_refs(db, i);
	ck_assert_int_eq(ask_int(db, "SELECT count(*) FROM reference", 0), (int64_t)rows);
	ck_assert_int_eq(ask_int(db, "SELECT value FROM meta WHERE key = 'references'", 0),
			 (int64_t)rows);
	/* The sum over all dst sees each of them once, and the sum of their labels is the same. */
	ck_assert_int_eq(
		ask_int(db,
			"SELECT count(*) FROM object o CROSS JOIN reference r ON r.dst = o.addr",
			0),
		(int64_t)rows);
	ck_assert_int_eq(ask_int(db,
				 "SELECT (SELECT sum(length(label) + src % 1009) FROM reference) = "
				 "(SELECT sum(length(label) + src % 1009) FROM object o CROSS JOIN "
				 "reference r ON r.dst = o.addr)",
				 0),
			 1);
	/* object.referrers counts every edge but weak ones; an instance refers to its class once,
	 * unless that is static. */
	for (i = 0; i < options.count; i++) {
		uint32_t type = synth_type(&options, i), n;
		bool by_type = !(type % 32 & NEC_OBJECT_STATIC);

		referrers += by_type;
		for (n = 0; n < synth_ref_count(&options, i); n++) {
			struct nec_ref ref = synth_ref(&options, i, n);
			bool to_type = ref.kind == NEC_REF_TYPE && ref.dst == synth_addr(type);

			referrers += index_at(ref.dst) != UINT32_MAX && ref.kind != NEC_REF_WEAK &&
				     !(to_type && by_type);
		}
	}
	ck_assert_int_eq(ask_int(db, "SELECT sum(referrers) FROM object", 0), (int64_t)referrers);
	nec_db_close(db);
}
END_TEST

START_TEST(test_reference_by_both_ends_kind_and_in_joins)
{
	struct nec_db *db = load_and_open(&options);
	int64_t hub = (int64_t)synth_addr(options.type_count + 1);

	ck_assert_int_eq(ask_int(db,
				 "SELECT (SELECT count(*) FROM reference WHERE dst = :a) = "
				 "(SELECT count(*) FROM reference WHERE +dst = :a)",
				 hub),
			 1);
	ck_assert_int_eq(
		ask_int(db,
			"SELECT (SELECT count(*) FROM reference WHERE dst = :a AND kind = 'strong') = "
			"(SELECT count(*) FROM reference WHERE dst = :a AND +kind = 'strong')",
			hub),
		1);
	/* Of a type, with and without its instances. */
	ck_assert_int_eq(
		ask_int(db, "SELECT count(*) FROM reference WHERE dst = :a AND kind = 'type'",
			(int64_t)synth_addr(7)),
		ask_int(db, "SELECT count FROM type WHERE addr = :a", (int64_t)synth_addr(7)));
	ck_assert_int_eq(
		ask_int(db, "SELECT count(*) FROM reference WHERE dst = :a AND kind <> 'type'",
			(int64_t)synth_addr(7)),
		ask_int(db, "SELECT count(*) FROM reference WHERE dst = :a AND +kind <> 'type'",
			(int64_t)synth_addr(7)));
	ck_assert_int_gt(ask_int(db,
				 "SELECT count(*) FROM reference WHERE dst = :a AND kind <> 'type'",
				 (int64_t)synth_addr(7)),
			 0);
	ck_assert_int_eq(ask_int(db,
				 "SELECT count(*) FROM reference WHERE src IN "
				 "(SELECT src FROM reference WHERE dst = :a) AND dst = :a",
				 hub),
			 ask_int(db, "SELECT count(*) FROM reference WHERE dst = :a", hub));
	ck_assert_int_eq(ask_int(db, "SELECT count(*) FROM reference WHERE src = :a", hub + 1), 0);
	ck_assert_int_eq(ask_int(db, "SELECT count(*) FROM reference WHERE dst = 'x'", 0), 0);
	ck_assert_int_eq(ask_int(db, "SELECT count(*) FROM reference WHERE src = -1 OR dst = 0", 0),
			 0);
	nec_db_close(db);
}
END_TEST

START_TEST(test_instances_and_sums_by_type)
{
	struct nec_db *db = load_and_open(&options);

	ck_assert_int_eq(ask_int(db, "SELECT count(*) FROM instance", 0), options.count);
	ck_assert_int_eq(
		ask_int(db,
			"SELECT count(*) FROM (SELECT type, count(*) AS c, sum(size) AS s, "
			"sum(native) AS n FROM object GROUP BY type) g JOIN type t ON t.id = g.type "
			"WHERE t.count = g.c AND t.bytes = g.s AND t.native = g.n",
			0),
		options.type_count);
	ck_assert_int_eq(
		ask_int(db,
			"SELECT count(*) FROM type t JOIN instance i ON i.type = t.id JOIN object o "
			"ON o.addr = i.addr AND o.type = t.id",
			0),
		options.count);
	ck_assert_int_eq(
		ask_int(db, "SELECT type FROM instance WHERE addr = :a", (int64_t)synth_addr(99)),
		synth_type(&options, 99));
	/* A lower bound and an order that is not sorted for. */
	ck_assert_int_eq(
		ask_int(db,
			"SELECT (SELECT group_concat(addr) FROM (SELECT addr FROM instance WHERE type = 3 "
			"AND addr > :a ORDER BY addr LIMIT 20)) = (SELECT group_concat(addr) FROM (SELECT "
			"addr FROM object WHERE type = 3 AND addr > :a ORDER BY addr LIMIT 20))",
			(int64_t)synth_addr(options.count / 2) + 8),
		1);
	ck_assert_int_eq(ask_int(db, "SELECT bytes FROM largest WHERE by = 'size' AND rank = 1", 0),
			 ask_int(db, "SELECT max(size + ifnull(native, 0)) FROM object", 0));
	ck_assert_int_eq(
		ask_int(db,
			"SELECT (SELECT sum(bytes) FROM largest WHERE by = 'retained') = (SELECT "
			"sum(retained) FROM (SELECT retained FROM object ORDER BY retained DESC LIMIT 1000))",
			0),
		1);
	nec_db_close(db);
}
END_TEST

/* Everything that both databases say of objects is the same. */
static void compare_databases(struct nec_db *a, struct nec_db *b)
{
	static const char *const sums[] = {
		"SELECT group_concat(x, ' ') FROM (SELECT addr || '.' || type || '.' || size || '.' || "
		"ifnull(native, '') || '.' || refcount || '.' || referrers || '.' || ifnull(idom, '') || '.' || "
		"retained || '.' || distance AS x FROM object)",
		"SELECT group_concat(x, ' ') FROM (SELECT src || '.' || dst || kind || label AS x FROM reference)",
		"SELECT group_concat(x, ' ') FROM (SELECT addr || text AS x FROM value)",
	};
	size_t i;

	for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		struct nec_query *qa = ask(a, sums[i], 0), *qb = ask(b, sums[i], 0);

		ck_assert(step(qa) && step(qb));
		ck_assert(strcmp(nec_query_text(qa, 0, NULL), nec_query_text(qb, 0, NULL)) == 0);
		nec_query_close(qa);
		nec_query_close(qb);
	}
}

START_TEST(test_order_and_chunks_of_facts_do_not_matter)
{
	struct nec_db *db = load_and_open(&options), *other;
	struct synth_options shuffled = options, chunked = options;
	char second[64];

	chunked.chunk = 5;
	shuffled.shuffled = true;
	shuffled.chunk = 7;
	shuffled.tail = true;
	snprintf(second, sizeof(second), "%s/b.necropsy", dir);
	ck_assert_no_error(load(&chunked, second, NULL));
	ck_assert_no_error(nec_db_open(second, &other));
	compare_databases(db, other);
	nec_db_close(other);
	ck_assert_no_error(load(&shuffled, second, NULL));
	ck_assert_no_error(nec_db_open(second, &other));
	compare_databases(db, other);
	/* One twice, one where nothing can be. */
	ck_assert_int_eq(ask_int(other, "SELECT count(*) FROM warning", 0), 2);
	nec_db_close(other);
	nec_db_close(db);
	unlink(second);
}
END_TEST

START_TEST(test_a_database_appears_complete_or_not_at_all)
{
	struct nec_progress progress = {.cancel = 1};
	struct nec_store *store, *second;
	struct stat st;
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	ck_assert_int_eq(write(fd, "old", 3), 3);
	close(fd);
	ck_assert_no_error(nec_store_create(path, &store));
	ck_assert_int_eq(stat(partial, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	/* A second one at the same place waits for nobody and breaks nothing. */
	ck_assert_error(nec_store_create(path, &second), NEC_ERR_STORE);
	ck_assert_int_eq(stat(partial, &st), 0);
	nec_store_abandon(store);
	ck_assert_int_ne(stat(partial, &st), 0);
	ck_assert_error(load(&options, path, &progress), NEC_ERR_CANCELLED);
	ck_assert_int_ne(stat(partial, &st), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 3);
	/* A leftover of a load that was killed is in nobody's way. */
	fd = open(partial, O_CREAT | O_WRONLY, 0644);
	ck_assert_int_eq(write(fd, "left", 4), 4);
	close(fd);
	ck_assert_no_error(load(&options, path, NULL));
	ck_assert_int_ne(stat(partial, &st), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert(nec_is_database(path));
}
END_TEST

/* Cancels when the rows of object are being inserted. */
static void cancel_late(void *arg, const char *stage, uint64_t done, uint64_t total)
{
	struct nec_progress *progress = arg;

	(void)done, (void)total;
	if (strcmp(stage, "referrers") == 0)
		progress->cancel = 1;
}

START_TEST(test_cancelling_leaves_nothing)
{
	struct nec_progress progress = {.report = cancel_late, .arg = &progress};
	struct synth_options many = options;
	struct stat st;

	many.count = 200000;
	ck_assert_error(load(&many, path, &progress), NEC_ERR_CANCELLED);
	ck_assert_int_ne(stat(path, &st), 0);
	ck_assert_int_ne(stat(partial, &st), 0);
}
END_TEST

START_TEST(test_facts_of_all_tables_arrive)
{
	static const struct nec_fact facts[] = {
		{.kind = NEC_FACT_MAPPING,
		 .mapping = {0x1000, 0x3000, 0x1000, 5, "/bin/x\xff", "file"}},
		{.kind = NEC_FACT_MEMORY, .memory = {"objects", 10, 1, "python"}},
		{.kind = NEC_FACT_MEMORY, .memory = {"objects", 5, NEC_UNKNOWN}},
		{.kind = NEC_FACT_THREAD,
		 .thread = {.id = 0, .tid = 7, .name = "main", .daemon = -1}},
		{.kind = NEC_FACT_FRAME, .frame = {.function = "f", .line = 0, .column = 3}},
		{.kind = NEC_FACT_LOCAL, .local = {.name = "x", .addr = 0x10}},
		{.kind = NEC_FACT_CENSUS,
		 .census = {.name = "dict", .count = 3, .bytes = NEC_UNKNOWN}},
		{.kind = NEC_FACT_SAMPLE, .sample = {.time = 1.5, .name = "rss", .value = 9}},
		{.kind = NEC_FACT_LAYOUT, .layout = {.field = "PyObject.ob_type", .offset = 8}},
		{.kind = NEC_FACT_SPACE, .space = {.kind = "pool", .size = 4096, .count = 2}},
		{.kind = NEC_FACT_ARENA,
		 .arena = {.kind = "malloc", .start = 0x4000, .bytes = 64, .used = 48}},
		{.kind = NEC_FACT_PART, .part = {.addr = 0x4010, .owner = 0x10, .bytes = 32}},
		{.kind = NEC_FACT_PART, .part = {.addr = 0x4010, .owner = 0x20, .bytes = 8}},
		{.kind = NEC_FACT_LIMIT, .limit = {.source = "s", .name = "n", .bytes = 512}},
		{.kind = NEC_FACT_MARK, .mark = {.start = 1, .end = 2, .name = "f", .level = -1}},
		{.kind = NEC_FACT_WARNING,
		 .warning = {.stage = "x", .message = "odd", .addr = 0x20}},
		{.kind = NEC_FACT_ROOT, .root = {.addr = 0x10, .kind = "module", .label = "sys"}},
		{.kind = NEC_FACT_VALUE, .value = {.addr = 0x30, .text = "a\0b\xc3", .len = 4}},
		{.kind = NEC_FACT_VALUE, .value = {.addr = 0x10, .text = "late", .len = 4}},
		{.kind = NEC_FACT_VALUE, .value = {.addr = 0x30, .text = "again", .len = 5}},
	};
	struct nec_store *store;
	struct nec_db *db;
	size_t i;

	ck_assert_no_error(nec_store_create(path, &store));
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		ck_assert_no_error(nec_store_put(store, &facts[i]));
	ck_assert_no_error(nec_store_finish(store));
	ck_assert_no_error(nec_db_open(path, &db));
	ck_assert_int_eq(
		ask_int(db,
			"SELECT (SELECT bytes = 8192 AND perms = 'r-x' AND path = '/bin/x\\xff' FROM mapping) "
			"AND (SELECT bytes = 15 AND count IS NULL AND area = 'python' FROM memory) "
			"AND (SELECT start = 16384 AND used = 48 AND last IS NULL FROM arena) "
			"AND (SELECT bytes = 32 AND owner = 16 FROM part) "
			"AND (SELECT tid = 7 AND ident IS NULL AND daemon IS NULL FROM thread) "
			"AND (SELECT line IS NULL AND column = 3 AND function = 'f' FROM frame) "
			"AND (SELECT name = 'x' AND addr = 16 AND text IS NULL FROM local) "
			"AND (SELECT count = 3 AND bytes IS NULL FROM census) "
			"AND (SELECT time = 1.5 AND value = 9 AND pid IS NULL FROM sample) "
			"AND (SELECT offset = 8 AND disagrees IS NULL FROM layout) "
			"AND (SELECT size = 4096 AND used = 0 FROM space) "
			"AND (SELECT level IS NULL AND start = 1.0 AND \"end\" = 2.0 FROM mark) "
			"AND (SELECT addr = 32 AND message = 'odd' FROM warning) "
			"AND (SELECT addr = 16 AND label = 'sys' FROM root) "
			"AND (SELECT group_concat(addr || text) = '16late,48a\\x00b\\xc3' FROM value)",
			0),
		1);
	nec_db_close(db);
}
END_TEST

START_TEST(test_text_becomes_utf8)
{
	static const struct {
		const char *in;
		size_t len, limit;
		const char *out;
	} cases[] = {
		{"plain ascii, longer than eight", 30, 100, "plain ascii, longer than eight"},
		{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x8d", 11, 100,
		 "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x8d"},
		{"\xed\xa0\x80", 3, 100, "\\xed\\xa0\\x80"}, /* a surrogate */
		{"\xc0\x80", 2, 100, "\\xc0\\x80"},          /* overlong */
		{"\xf4\x90\x80\x80", 4, 100, "\\xf4\\x90\\x80\\x80"},
		{"a\0b", 3, 100, "a\\x00b"},
		{"\xf0\x9f\x90", 3, 100, "\\xf0\\x9f\\x90"},
		{"ab\xc3\xbc", 4, 3, "ab"}, /* never half a character */
		{"ab\xff", 3, 5, "ab"},
		{"0123456789abcdef", 16, 10, "0123456789"},
	};
	uint8_t buf[128];
	size_t i, size;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = nec_rows_text_size((const uint8_t *)cases[i].in, cases[i].len,
					  cases[i].limit);
		ck_assert_uint_eq(size, strlen(cases[i].out));
		nec_rows_text_copy(buf, size, (const uint8_t *)cases[i].in, cases[i].len);
		ck_assert_mem_eq(buf, cases[i].out, size);
	}
}
END_TEST

START_TEST(test_only_reading_is_allowed)
{
	static const char *const refused[] = {
		"DELETE FROM object",
		"CREATE TEMP TABLE x(a)",
		"ATTACH '/tmp/x' AS x",
		"PRAGMA query_only = 0",
		"PRAGMA writable_schema = 1",
		"BEGIN",
		"VACUUM INTO '/tmp/x'",
		"SELECT 1; SELECT 2",
		"SELECT 1; nonsense",
		"SELECT load_extension('/tmp/x')",
		"",
		"-- nothing",
		"nonsense",
	};
	static const char *const allowed[] = {
		"SELECT 1;",
		"SELECT 1; -- and a comment",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
		"EXPLAIN QUERY PLAN SELECT * FROM object",
		"PRAGMA table_info(object)",
	};
	struct nec_query *q;
	struct nec_db *db = load_and_open(&options);
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_error(nec_query_sql(db, refused[i], &q), NEC_ERR_USAGE);
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		ck_assert_no_error(nec_query_sql(db, allowed[i], &q));
		ck_assert(step(q));
		nec_query_close(q);
	}
	nec_db_close(db);
}
END_TEST

START_TEST(test_what_is_no_database_of_ours_is_refused)
{
	struct nec_db *db;
	sqlite3 *raw;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	ck_assert_int_eq(write(fd, "SQLite format 3", 16), 16);
	close(fd);
	ck_assert(!nec_is_database(path));
	ck_assert_error(nec_db_open(path, &db), NEC_ERR_FORMAT);
	ck_assert_error(nec_db_open(dir, &db), NEC_ERR_OS);
	unlink(path);
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(raw, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	ck_assert(!nec_is_database(path));
	ck_assert_error(nec_db_open(path, &db), NEC_ERR_FORMAT);
	unlink(path);
	ck_assert_no_error(load(&options, path, NULL));
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(raw, "PRAGMA user_version = 99", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(raw);
	ck_assert(nec_is_database(path));
	ck_assert_error(nec_db_open(path, &db), NEC_ERR_UNSUPPORTED);
}
END_TEST

static void read_all(const char *sql)
{
	struct nec_query *q;
	struct nec_error *err;
	struct nec_db *db;
	bool row = true;

	err = nec_db_open(path, &db);
	if (err) {
		nec_error_destroy(err);
		return;
	}
	err = nec_query_sql(db, sql, &q);
	if (!err) {
		while (!err && row)
			err = nec_query_step(q, &row);
		nec_query_close(q);
	}
	nec_error_destroy(err);
	nec_db_close(db);
}

START_TEST(test_a_damaged_database_is_an_error_and_no_crash)
{
	static const char *const queries[] = {
		"SELECT sum(length(label)) FROM reference",
		"SELECT sum(length(label)) FROM object o CROSS JOIN reference r ON r.dst = o.addr",
		"SELECT sum(addr) FROM instance",
	};
	struct synth_options few = {
		.count = 500, .type_count = 5, .long_list = 30000, .values_of_ten = 5};
	static const char *const damages[] = {
		/* Blobs: cut, exchanged, doubled, gone, of other types; keys and addresses that
		   lie. */
		"UPDATE pack_out SET data = substr(data, 1, length(data) / 2)",
		"UPDATE pack_in SET data = (SELECT data FROM pack_out LIMIT 1)",
		"UPDATE pack_out SET data = (SELECT data FROM pack_in LIMIT 1)",
		"UPDATE pack_out SET data = zeroblob(100000000) WHERE key = 0",
		"UPDATE pack_out SET data = NULL",
		"UPDATE pack_out SET data = 'text'",
		"UPDATE pack_out SET key = key * 2 + 5 WHERE key > 0",
		"UPDATE pack_out SET addr = -addr",
		"DELETE FROM pack_out WHERE key > 0",
		"DELETE FROM pack_in WHERE key > 0",
		"UPDATE pack_in SET key = -key - 1",
		"UPDATE pack_instance SET data = randomblob(200)",
		"UPDATE pack_instance SET data = (SELECT data FROM pack_in LIMIT 1)",
		"DELETE FROM label",
		"DROP TABLE value",
		"DROP TABLE pack_in",
		"UPDATE type SET addr = (SELECT addr FROM object LIMIT 1)",
		"UPDATE type SET id = id + 1000000",
		"DROP TABLE label; CREATE VIEW label AS SELECT 1 AS id, load_extension('x') AS text",
	};
	size_t i, j;
	int round;

	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		sqlite3 *raw;

		ck_assert_no_error(load(&few, path, NULL));
		ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
		ck_assert_msg(sqlite3_exec(raw, damages[i], NULL, NULL, NULL) == SQLITE_OK,
			      "%s: %s", damages[i], sqlite3_errmsg(raw));
		sqlite3_close(raw);
		for (j = 0; j < sizeof(queries) / sizeof(queries[0]); j++)
			read_all(queries[j]);
	}
	/* And bytes of the file itself. */
	for (round = 0; round < 60; round++) {
		struct stat st;
		uint64_t r = (uint64_t)round * UINT64_C(0x9e3779b97f4a7c15) + 1;
		int fd, n;

		ck_assert_no_error(load(&few, path, NULL));
		fd = open(path, O_RDWR);
		ck_assert_int_eq(fstat(fd, &st), 0);
		for (n = 0; n < 20; n++) {
			r = r * UINT64_C(6364136223846793005) + 1442695040888963407u;
			ck_assert_int_eq(
				pwrite(fd, &r, 1, 100 + (off_t)(r >> 16) % (st.st_size - 100)), 1);
		}
		close(fd);
		for (j = 0; j < sizeof(queries) / sizeof(queries[0]); j++)
			read_all(queries[j]);
	}
}
END_TEST

/* Pages forwards, joined, are the whole in order; backwards the same from the end. */
static void check_pages(struct nec_db *db, const char *sort, bool descending)
{
	struct nec_page page = {.sort = sort, .key = "id", .descending = descending, .limit = 7};
	int64_t total = ask_int(db, "SELECT count(*) FROM type", 0), seen, id;
	int64_t order[64];
	struct nec_query *q;
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT id FROM type ORDER BY %s %s, id %s", sort ? sort : "id",
		 descending ? "DESC" : "ASC", descending ? "DESC" : "ASC");
	q = ask(db, sql, 0);
	for (seen = 0; step(q); seen++)
		order[seen] = nec_query_int(q, 0);
	nec_query_close(q);
	for (page.backward = false;; page.backward = true) {
		page.positioned = false;
		for (seen = 0; seen < total;) {
			ck_assert_no_error(nec_query_page(db, "types", &page, &q));
			while (step(q)) {
				int c, sort_column = -1, id_column = -1;

				for (c = 0; c < nec_query_column_count(q); c++) {
					if (strcmp(nec_query_column_name(q, c), "id") == 0)
						id_column = c;
					if (sort && strcmp(nec_query_column_name(q, c), sort) == 0)
						sort_column = c;
				}
				id = nec_query_int(q, id_column);
				ck_assert_int_lt(seen, total);
				ck_assert_int_eq(id,
						 order[page.backward ? total - 1 - seen : seen]);
				seen++;
				page.key_value =
					(struct nec_page_value){.type = NEC_COLUMN_INT, .i = id};
				if (sort)
					page.sort_value = (struct nec_page_value){
						.type = nec_query_column_type(q, sort_column),
						.i = nec_query_int(q, sort_column),
					};
				page.positioned = true;
			}
			nec_query_close(q);
		}
		if (page.backward)
			break;
	}
	page.count = true;
	ck_assert_no_error(nec_query_page(db, "types", &page, &q));
	ck_assert(step(q));
	ck_assert_int_eq(nec_query_int(q, 0), total);
	nec_query_close(q);
}

/* The rows of a page that folds are those of one that does not, with one more column. */
static void check_folded(struct nec_db *db)
{
	struct nec_page page = {.sort = "value", .key = "addr", .descending = true, .limit = 9};
	struct nec_query *plain, *folded;
	int rows = 0, columns;

	ck_assert_no_error(nec_query_page(db, "view_find", &page, &plain));
	ck_assert_no_error(nec_query_bind_text(plain, ":text", ""));
	page.preview = "addr";
	ck_assert_no_error(nec_query_page(db, "view_find", &page, &folded));
	ck_assert_no_error(nec_query_bind_text(folded, ":text", ""));
	columns = nec_query_column_count(plain);
	ck_assert_int_eq(nec_query_column_count(folded), columns + 1);
	ck_assert_str_eq(nec_query_column_name(folded, columns), "nec_preview");
	for (; step(plain); rows++) {
		ck_assert(step(folded));
		ck_assert_int_eq(nec_query_int(plain, 0), nec_query_int(folded, 0));
		/* what has a text of its own is shown by it */
		ck_assert_str_eq(nec_query_text(folded, columns, NULL),
				 nec_query_text(folded, columns - 1, NULL));
	}
	ck_assert(!step(folded));
	ck_assert_int_eq(rows, 9);
	nec_query_close(plain);
	nec_query_close(folded);
}

START_TEST(test_pages_of_a_query_join_to_the_whole)
{
	static const char *const columns[] = {"name", NULL};
	struct nec_page page = {
		.key = "id", .filter_columns = columns, .filter = "TYPE4", .limit = -1};
	struct nec_db *db;
	struct nec_query *q;
	sqlite3 *raw;
	int rows = 0;

	ck_assert_no_error(load(&options, path, NULL));
	/* Ties and NULLs. */
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(raw, "UPDATE type SET retained = CASE WHEN id % 3 THEN id / 10 END",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(raw);
	ck_assert_no_error(nec_db_open(path, &db));
	check_pages(db, NULL, false);
	check_pages(db, NULL, true);
	check_pages(db, "retained", false);
	check_pages(db, "retained", true);
	ck_assert_no_error(nec_query_page(db, "types", &page, &q));
	while (step(q))
		rows++;
	nec_query_close(q);
	ck_assert_int_eq(rows, 11); /* Type4 and Type40 to Type49 */
	check_folded(db);
	nec_db_close(db);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("database");

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_objects_come_back_as_they_were);
	tcase_add_test(tc, test_references_come_back_from_either_end);
	tcase_add_test(tc, test_reference_by_both_ends_kind_and_in_joins);
	tcase_add_test(tc, test_instances_and_sums_by_type);
	tcase_add_test(tc, test_order_and_chunks_of_facts_do_not_matter);
	tcase_add_test(tc, test_a_database_appears_complete_or_not_at_all);
	tcase_add_test(tc, test_cancelling_leaves_nothing);
	tcase_add_test(tc, test_facts_of_all_tables_arrive);
	tcase_add_test(tc, test_text_becomes_utf8);
	tcase_add_test(tc, test_only_reading_is_allowed);
	tcase_add_test(tc, test_what_is_no_database_of_ours_is_refused);
	tcase_add_test(tc, test_a_damaged_database_is_an_error_and_no_crash);
	tcase_add_test(tc, test_pages_of_a_query_join_to_the_whole);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
