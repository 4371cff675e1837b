/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The base layer: text, interned strings, address sets, arrays in files, cursor, errors. The
 * address set is compared with the simplest thing that does the same, a sorted array, on random
 * members; the seed is fixed, so a failure comes back.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/addrset.h"
#include "base/cursor.h"
#include "base/strtab.h"
#include "base/text.h"
#include "base/tmparray.h"
#include "tests/unit.h"

/* Marsaglia's xorshift64. */
static uint64_t random_state = UINT64_C(88172645463325252);

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* ---- text ---- */

START_TEST(test_text_empty_is_a_string)
{
	struct nec_text t = {0};

	ck_assert_str_eq(nec_text_str(&t), "");
	nec_text_deinit(&t);
	nec_text_add(&t, "", 0);
	ck_assert_ptr_nonnull(t.data);
	ck_assert_str_eq(nec_text_str(&t), "");
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_grows_and_stays_terminated)
{
	struct nec_text t = {0};
	int i;

	for (i = 0; i < 10000; i++) {
		nec_text_putc(&t, (char)('a' + i % 26));
		ck_assert_uint_eq(t.data[t.len], '\0');
	}
	ck_assert_uint_eq(t.len, 10000);
	ck_assert_uint_eq(strlen(nec_text_str(&t)), 10000);
	ck_assert_int_eq(t.data[9999], 'a' + 9999 % 26);
	nec_text_clear(&t);
	ck_assert_str_eq(nec_text_str(&t), "");
	nec_text_puts(&t, "again");
	ck_assert_str_eq(nec_text_str(&t), "again");
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_printf_longer_than_its_stack_buffer)
{
	struct nec_text t = {0};
	char expected[1002];

	snprintf(expected, sizeof(expected), "%0*d", 1001, 7);
	nec_text_printf(&t, "%0*d", 255, 7);
	nec_text_printf(&t, "%0*d", 746, 7);
	ck_assert_uint_eq(t.len, 1001);
	nec_text_clear(&t);
	nec_text_printf(&t, "%0*d", 1001, 7);
	ck_assert_str_eq(nec_text_str(&t), expected);
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_limit_cuts_at_a_character)
{
	struct nec_text t = {.limit = 6};

	nec_text_puts(&t, "ab\xc3\xa9\xe2\x82\xac"); /* abé€, 7 bytes */
	ck_assert_str_eq(nec_text_str(&t), "ab\xc3\xa9");
	ck_assert(t.cut);
	nec_text_putc(&t, 'x'); /* would fit, and would be a lie */
	ck_assert_str_eq(nec_text_str(&t), "ab\xc3\xa9");
	nec_text_clear(&t);
	ck_assert(!t.cut);
	nec_text_puts(&t, "abcdef");
	ck_assert(!t.cut);
	ck_assert_str_eq(nec_text_str(&t), "abcdef");
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_limit_cuts_a_character_that_came_in_pieces)
{
	struct nec_text t = {.limit = 4};

	nec_text_puts(&t, "ab\xe2");
	nec_text_putc(&t, (char)0x82);
	nec_text_putc(&t, (char)0xac);
	ck_assert(t.cut);
	ck_assert_str_eq(nec_text_str(&t), "ab");
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_limit_never_cuts_an_escape)
{
	size_t limit;

	for (limit = 1; limit < 12; limit++) {
		struct nec_text t = {.limit = limit};

		nec_text_escape(&t, "a\x1b\n\xe2\x80\xae", 6); /* a\x1b\n\u202e: 1, 5, 7, 13 */
		ck_assert(t.cut);
		ck_assert_uint_eq(t.len, limit < 5 ? 1 : limit < 7 ? 5 : 7);
		ck_assert_uint_eq(strlen(nec_text_str(&t)), t.len);
		nec_text_deinit(&t);
	}
}
END_TEST

static const struct {
	const char *in;
	const char *escaped;
	const char *json;
} escapes[] = {
	{"plain", "plain", "\"plain\""},
	{"", "", "\"\""},
	{"q\"b\\", "q\"b\\", "\"q\\\"b\\\\\""},
	{"\n\t\r", "\\n\\t\\r", "\"\\n\\t\\r\""},
	{"\x1b[2J", "\\x1b[2J", "\"\\u001b[2J\""},
	{"\a\x7f", "\\x07\\x7f", "\"\\u0007\\u007f\""},
	{"\xc2\x9b"
	 "31m",
	 "\\u009b31m", "\"\\u009b31m\""}, /* C1: CSI in one character */
	{"\xe2\x80\xae"
	 "exe",
	 "\\u202eexe", "\"\\u202eexe\""}, /* right-to-left override */
	{"\xe2\x81\xa6", "\\u2066", "\"\\u2066\""},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d",
	 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d\""},
	{"\xff", "\\xff", "\"\\udcff\""},
	{"\x9b"
	 "31m",
	 "\\x9b31m", "\"\\udc9b31m\""},                                   /* C1 as a byte */
	{"\xc0\x80", "\\xc0\\x80", "\"\\udcc0\\udc80\""},                 /* overlong NUL */
	{"\xe0\x80\x9b", "\\xe0\\x80\\x9b", "\"\\udce0\\udc80\\udc9b\""}, /* overlong CSI */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\udced\\udca0\\udc80\""}, /* surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\udcf4\\udc90\\udc80\\udc80\""},
	{"\xe2\x82", "\\xe2\\x82", "\"\\udce2\\udc82\""}, /* ends too early */
	{"\xe2\x82z", "\\xe2\\x82z", "\"\\udce2\\udc82z\""},
};

START_TEST(test_text_escape_leaves_nothing_for_the_terminal)
{
	struct nec_text t = {0};

	nec_text_escape(&t, escapes[_i].in, strlen(escapes[_i].in));
	ck_assert_str_eq(nec_text_str(&t), escapes[_i].escaped);
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_json_is_what_a_json_parser_takes)
{
	struct nec_text t = {0};

	nec_text_json(&t, escapes[_i].in, strlen(escapes[_i].in));
	ck_assert_str_eq(nec_text_str(&t), escapes[_i].json);
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_escape_of_random_bytes_is_printable)
{
	struct nec_text t = {0};
	unsigned char in[64];
	size_t i, n;
	int round;

	for (round = 0; round < 20000; round++) {
		n = random_u64() % sizeof(in);
		for (i = 0; i < n; i++)
			in[i] = (unsigned char)(random_u64() >> 33);
		nec_text_clear(&t);
		nec_text_escape(&t, (const char *)in, n);
		for (i = 0; i < t.len && (unsigned char)t.data[i] >= 0x20; i++)
			;
		ck_assert_uint_eq(i, t.len);
		ck_assert_ptr_null(strchr(nec_text_str(&t), 0x7f));
		ck_assert_ptr_null(strstr(nec_text_str(&t), "\xc2\x9b"));
	}
	nec_text_deinit(&t);
}
END_TEST

START_TEST(test_text_escape_keeps_nul_bytes_visible)
{
	struct nec_text t = {0};
	char *s;

	nec_text_escape(&t, "a\0b", 3);
	ck_assert_str_eq(nec_text_str(&t), "a\\x00b");
	nec_text_deinit(&t);
	s = nec_escape("\033c");
	ck_assert_str_eq(s, "\\x1bc");
	free(s);
	s = nec_escape("");
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

START_TEST(test_text_codepoint_is_utf8)
{
	static const struct {
		uint32_t cp;
		const char *text;
	} cases[] = {
		{'A', "A"},
		{0x7f, "\x7f"},
		{0x80, "\xc2\x80"},
		{0x7ff, "\xdf\xbf"},
		{0x800, "\xe0\xa0\x80"},
		{0xd7ff, "\xed\x9f\xbf"},
		{0xd800, "\\ud800"},
		{0xdfff, "\\udfff"},
		{0xe000, "\xee\x80\x80"},
		{0xffff, "\xef\xbf\xbf"},
		{0x10000, "\xf0\x90\x80\x80"},
		{0x10ffff, "\xf4\x8f\xbf\xbf"},
		{0x110000, "\\U00110000"},
		{0xffffffff, "\\Uffffffff"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nec_text t = {0};

		nec_text_put_codepoint(&t, cases[i].cp);
		ck_assert_str_eq(nec_text_str(&t), cases[i].text);
		nec_text_deinit(&t);
	}
}
END_TEST

START_TEST(test_text_size_reads_in_binary_units)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{17, "17 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{4096, "4.0 KiB"},
		{-4096, "-4.0 KiB"},
		{1 << 20, "1.0 MiB"},
		{(1 << 20) - 1, "1.0 MiB"}, /* and not 1024 KiB */
		{1047552, "1023 KiB"},
		{10234, "9.99 KiB"},
		{10235, "10.0 KiB"}, /* and not 10.00 */
		{102348, "99.9 KiB"},
		{102350, "100 KiB"},
		{170917888, "163 MiB"},
		{INT64_C(2372969070), "2.21 GiB"},
		{INT64_MAX, "8.0 EiB"},
		{INT64_MIN, "-8.0 EiB"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nec_text t = {0};

		nec_text_size(&t, cases[i].bytes);
		ck_assert_str_eq(nec_text_str(&t), cases[i].text);
		nec_text_deinit(&t);
	}
}
END_TEST

START_TEST(test_text_count_groups_by_three)
{
	static const struct {
		int64_t count;
		const char *text;
	} cases[] = {
		{0, "0"},
		{999, "999"},
		{1000, "1,000"},
		{-1000, "-1,000"},
		{-999, "-999"},
		{1234567, "1,234,567"},
		{INT64_MIN, "-9,223,372,036,854,775,808"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nec_text t = {0};

		nec_text_count(&t, cases[i].count);
		ck_assert_str_eq(nec_text_str(&t), cases[i].text);
		nec_text_deinit(&t);
	}
}
END_TEST

/* ---- interned strings ---- */

START_TEST(test_strtab_gives_each_string_one_dense_id)
{
	struct nec_strtab tab = {0};
	char name[32];
	uint32_t id, i;
	int len, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 5000; i++) {
			len = snprintf(name, sizeof(name), "name %u", i);
			ck_assert_no_error(nec_strtab_intern(&tab, name, (size_t)len, &id));
			ck_assert_uint_eq(id, i);
		}
	}
	ck_assert_uint_eq(tab.count, 5000);
	ck_assert_str_eq(nec_strtab_get(&tab, 4321), "name 4321");
	nec_strtab_deinit(&tab);
	ck_assert_uint_eq(tab.count, 0);
}
END_TEST

START_TEST(test_strtab_tells_a_prefix_from_the_whole)
{
	struct nec_strtab tab = {0};
	uint32_t whole, prefix, empty, again;

	ck_assert_no_error(nec_strtab_intern(&tab, "abcdef", 6, &whole));
	ck_assert_no_error(nec_strtab_intern(&tab, "abcdef", 3, &prefix));
	ck_assert_no_error(nec_strtab_intern(&tab, "abcdef", 0, &empty));
	ck_assert_no_error(nec_strtab_intern(&tab, "abc", 3, &again));
	ck_assert_uint_ne(whole, prefix);
	ck_assert_uint_ne(prefix, empty);
	ck_assert_uint_eq(prefix, again);
	ck_assert_str_eq(nec_strtab_get(&tab, prefix), "abc");
	ck_assert_str_eq(nec_strtab_get(&tab, empty), "");
	nec_strtab_deinit(&tab);
}
END_TEST

/* ---- address sets ---- */

enum { MODEL_MAX = 20000 };

struct model {
	uint64_t addrs[MODEL_MAX]; /* ascending after model_sort */
	size_t count;
};

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Members below addr. */
static size_t model_below(const struct model *m, uint64_t addr)
{
	size_t n = 0;

	while (n < m->count && m->addrs[n] < addr)
		n++;
	return n;
}

/* The covered ranges: neighbours, a gap, two directories, the end of the address space. */
static const struct {
	uint64_t start, end;
} ranges[] = {
	{0x1000, 0x3000},
	{0x555555554000, 0x555555954000},
	{0x555555a00000, 0x555555a01000},
	{0x7fff00000000 - 0x200000, 0x7fff00200000},
	{0xfffffff00000, 0x1000000000000},
};
enum { RANGES = sizeof(ranges) / sizeof(ranges[0]) };

static uint64_t random_covered(void)
{
	size_t i = random_u64() % RANGES;

	return ranges[i].start + random_u64() % (ranges[i].end - ranges[i].start);
}

static struct nec_addrset *covered_set(void)
{
	struct nec_addrset *set = nec_addrset_create();
	size_t i;

	ck_assert_ptr_nonnull(set);
	for (i = 0; i < RANGES; i++)
		ck_assert_no_error(nec_addrset_cover(set, ranges[i].start, ranges[i].end));
	return set;
}

START_TEST(test_addrset_agrees_with_a_sorted_array)
{
	static struct model m;
	_cleanup_(nec_addrset_destroyp) struct nec_addrset *set = covered_set();
	uint64_t addr, expected;
	size_t i, n;

	/* _i members thinly, or runs of them: both ends of the words matter */
	while (m.count < (size_t)_i) {
		addr = random_covered() & ~UINT64_C(7);
		n = random_u64() % 2 ? 1 : random_u64() % 200;
		for (; n > 0 && m.count < (size_t)_i; n--, addr += 8)
			if (nec_addrset_add(set, addr))
				m.addrs[m.count++] = addr;
	}
	qsort(m.addrs, m.count, sizeof(m.addrs[0]), compare_u64);
	ck_assert_no_error(nec_addrset_index(set));
	ck_assert_uint_eq(set->count, m.count);
	for (i = 0; i < m.count; i++) {
		ck_assert(i == 0 || m.addrs[i] != m.addrs[i - 1]);
		ck_assert_uint_eq(nec_addrset_rank(set, m.addrs[i]), i);
		ck_assert_uint_eq(nec_addrset_next(set, m.addrs[i]), m.addrs[i]);
		ck_assert_uint_eq(nec_addrset_prev(set, m.addrs[i]), m.addrs[i]);
	}
	for (i = 0; i < 3000; i++) {
		addr = i % 3 ? random_covered() : random_u64() >> (i % 20);
		n = model_below(&m, addr);
		expected = n < m.count ? m.addrs[n] : NEC_ADDRSET_NONE;
		ck_assert_uint_eq(nec_addrset_next(set, addr), expected);
		ck_assert(nec_addrset_has(set, addr) == (expected == addr && n < m.count));
		ck_assert_uint_eq(nec_addrset_rank(set, addr),
				  expected == addr && n < m.count ? n : NEC_ADDRSET_NONE);
		if (expected != addr)
			expected = n ? m.addrs[n - 1] : NEC_ADDRSET_NONE;
		ck_assert_uint_eq(nec_addrset_prev(set, addr), expected);
	}
}
END_TEST

START_TEST(test_addrset_takes_each_address_once)
{
	_cleanup_(nec_addrset_destroyp) struct nec_addrset *set = covered_set();

	ck_assert(nec_addrset_add(set, 0x1008));
	ck_assert(!nec_addrset_add(set, 0x1008));
	ck_assert(!nec_addrset_add_atomic(set, 0x1008));
	ck_assert(nec_addrset_add_atomic(set, 0x1010));
	ck_assert(!nec_addrset_add(set, 0x1010));
	nec_addrset_remove(set, 0x1008);
	ck_assert(!nec_addrset_has(set, 0x1008));
	ck_assert(nec_addrset_has(set, 0x1010));
	ck_assert_no_error(nec_addrset_index(set));
	ck_assert_uint_eq(set->count, 1);
	ck_assert(nec_addrset_add(set, 0x1008));
	ck_assert_no_error(nec_addrset_index(set));
	ck_assert_uint_eq(nec_addrset_rank(set, 0x1010), 1);
}
END_TEST

START_TEST(test_addrset_refuses_wild_addresses)
{
	static const uint64_t wild[] = {
		0x1001,             /* not aligned */
		0x200000,           /* beside what is covered */
		0x7f0000000000,     /* directory that does not exist */
		UINT64_C(1) << 48,  /* above user space */
		UINT64_MAX & ~7ULL, /* kernel half */
		UINT64_MAX,
	};
	_cleanup_(nec_addrset_destroyp) struct nec_addrset *set = covered_set();
	uint64_t regions = set->region_count;
	size_t i;

	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		ck_assert(!nec_addrset_add(set, wild[i]));
		ck_assert(!nec_addrset_add_atomic(set, wild[i]));
		nec_addrset_remove(set, wild[i]);
		ck_assert(!nec_addrset_has(set, wild[i]));
	}
	ck_assert_no_error(nec_addrset_cover(set, UINT64_C(1) << 48, UINT64_MAX));
	ck_assert_uint_eq(set->region_count, regions);
	ck_assert_no_error(nec_addrset_index(set));
	ck_assert_uint_eq(set->count, 0);
	ck_assert_uint_eq(nec_addrset_next(set, 0), NEC_ADDRSET_NONE);
	ck_assert_uint_eq(nec_addrset_prev(set, UINT64_MAX), NEC_ADDRSET_NONE);
	ck_assert(nec_addrset_add(set, 0x1000));
	ck_assert_no_error(nec_addrset_index(set));
	ck_assert_uint_eq(nec_addrset_next(set, UINT64_MAX), NEC_ADDRSET_NONE);
	ck_assert_uint_eq(nec_addrset_prev(set, 0xfff), NEC_ADDRSET_NONE);
}
END_TEST

/* ---- arrays in files ---- */

START_TEST(test_tmparray_keeps_what_was_appended_when_it_moves)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray a = NEC_TMPARRAY_INIT;
	uint32_t i;

	ck_assert_no_error(nec_tmparray_init(&a, "."));
	for (i = 0; i < 300000; i++)
		ck_assert_no_error(nec_tmparray_append(&a, &i, sizeof(i)));
	ck_assert_uint_eq(a.size, 300000 * sizeof(i));
	for (i = 0; i < 300000 && ((uint32_t *)a.data)[i] == i; i++)
		;
	ck_assert_uint_eq(i, 300000);
}
END_TEST

START_TEST(test_tmparray_new_bytes_are_zeros)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray a = NEC_TMPARRAY_INIT;
	size_t i = 100000;

	ck_assert_no_error(nec_tmparray_init(&a, "."));
	ck_assert_no_error(nec_tmparray_resize(&a, 100000));
	memset(a.data, 0xff, 100000);
	ck_assert_no_error(nec_tmparray_resize(&a, 1000000));
	while (i < 1000000 && !((uint8_t *)a.data)[i])
		i++;
	ck_assert_uint_eq(i, 1000000);
}
END_TEST

START_TEST(test_tmparray_leaves_no_file_behind)
{
	char dir[] = "tmparray-XXXXXX";
	struct nec_tmparray a;
	struct dirent *entry;
	int entries = 0;
	DIR *d;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_no_error(nec_tmparray_init(&a, dir));
	ck_assert_no_error(nec_tmparray_append(&a, "x", 1));
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)))
		entries++;
	closedir(d);
	nec_tmparray_deinit(&a);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(entries, 2); /* . and .. */
	nec_tmparray_deinit(&a);      /* once more does no harm */
}
END_TEST

START_TEST(test_tmparray_refuses_what_cannot_be)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray a = NEC_TMPARRAY_INIT;

	ck_assert_error(nec_tmparray_init(&a, "no/such/directory"), NEC_ERR_OS);
	ck_assert_no_error(nec_tmparray_init(&a, "."));
	ck_assert_no_error(nec_tmparray_append(&a, "abc", 3));
	ck_assert_error(nec_tmparray_resize(&a, SIZE_MAX), NEC_ERR_LIMIT);
	ck_assert_error(nec_tmparray_reserve(&a, SIZE_MAX / 2 + 1), NEC_ERR_LIMIT);
	ck_assert_error(nec_tmparray_append(&a, "x", SIZE_MAX - 1), NEC_ERR_LIMIT);
	ck_assert_uint_eq(a.size, 3);
	ck_assert_mem_eq(a.data, "abc", 3);
}
END_TEST

/* ---- cursor ---- */

START_TEST(test_cursor_reads_both_byte_orders)
{
	static const uint8_t data[] = {1, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8,
				       1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
	struct nec_cursor c = nec_cursor_init(data, sizeof(data));

	ck_assert_uint_eq(nec_cursor_u8(&c), 1);
	ck_assert_uint_eq(nec_cursor_u16(&c), 0x0201);
	ck_assert_uint_eq(nec_cursor_u32(&c), 0x04030201);
	ck_assert_uint_eq(nec_cursor_u64(&c), UINT64_C(0x0807060504030201));
	ck_assert_uint_eq(nec_cursor_u16be(&c), 0x0102);
	ck_assert_uint_eq(nec_cursor_u32be(&c), 0x01020304);
	ck_assert_uint_eq(nec_cursor_u64be(&c), UINT64_C(0x0102030405060708));
	ck_assert(!c.failed);
	ck_assert_uint_eq(nec_cursor_left(&c), 0);
}
END_TEST

START_TEST(test_cursor_fails_once_and_for_all)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6};
	struct nec_cursor c = nec_cursor_init(data, sizeof(data));

	ck_assert_uint_eq(nec_cursor_u32(&c), 0x04030201);
	ck_assert_uint_eq(nec_cursor_u32(&c), 0); /* two of four bytes */
	ck_assert(c.failed);
	ck_assert_uint_eq(nec_cursor_u8(&c), 0); /* there, but after a failure */
	ck_assert_ptr_null(nec_cursor_bytes(&c, 0));
	c = nec_cursor_init(data, sizeof(data));
	ck_assert_ptr_null(nec_cursor_bytes(&c, SIZE_MAX));
	ck_assert(c.failed);
	c = nec_cursor_init(data, sizeof(data));
	ck_assert_ptr_eq(nec_cursor_bytes(&c, sizeof(data)), data);
	ck_assert(!c.failed);
}
END_TEST

START_TEST(test_cursor_string_ends_inside)
{
	struct nec_cursor c = nec_cursor_init("one\0\0two", 8); /* two has no NUL within */

	ck_assert_str_eq(nec_cursor_cstr(&c), "one");
	ck_assert_str_eq(nec_cursor_cstr(&c), "");
	ck_assert_uint_eq(nec_cursor_left(&c), 3);
	ck_assert_ptr_null(nec_cursor_cstr(&c));
	ck_assert(c.failed);
	ck_assert_ptr_null(nec_cursor_cstr(&c));
}
END_TEST

START_TEST(test_cursor_align_counts_from_the_start)
{
	static const uint8_t data[10];
	struct nec_cursor c = nec_cursor_init(data, sizeof(data));

	nec_cursor_align(&c, 4);
	ck_assert_uint_eq(c.off, 0);
	nec_cursor_u8(&c);
	nec_cursor_align(&c, 4);
	ck_assert_uint_eq(c.off, 4);
	nec_cursor_u32(&c);
	nec_cursor_u8(&c);
	nec_cursor_align(&c, 4); /* 12 is over the end: padding at the end may be missing */
	ck_assert_uint_eq(c.off, 10);
	ck_assert(!c.failed);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_error_wrap_keeps_the_code_and_says_where)
{
	struct nec_error *err = nec_error_create(NEC_ERR_FORMAT, "note of %d bytes", 7);

	err = nec_error_wrap(err, "segment %d", 3);
	err = nec_error_wrap(err, "%s", "core");
	ck_assert_int_eq(err->code, NEC_ERR_FORMAT);
	ck_assert_str_eq(err->message, "core: segment 3: note of 7 bytes");
	nec_error_destroy(err);
	ck_assert_ptr_null(nec_error_wrap(NULL, "nothing"));
	nec_error_destroy(NULL);
}
END_TEST

START_TEST(test_error_os_tells_no_room_from_the_rest)
{
	struct nec_error *err = nec_error_os(ENOENT, "opening %s", "x");

	ck_assert_int_eq(err->code, NEC_ERR_OS);
	ck_assert_str_eq(err->message, "opening x: No such file or directory");
	nec_error_destroy(err);
	ck_assert_error(nec_error_os(ENOSPC, "x"), NEC_ERR_NOSPACE);
	ck_assert_error(nec_error_os(EDQUOT, "x"), NEC_ERR_NOSPACE);
	ck_assert_error(nec_error_os(ENOMEM, "x"), NEC_ERR_NOMEM);
}
END_TEST

START_TEST(test_error_out_of_memory_is_never_freed)
{
	nec_error_destroy(&nec_enomem);
	nec_error_destroy(&nec_enomem);
	ck_assert_str_eq(nec_enomem.message, "out of memory");
}
END_TEST

static struct nec_error *passes_on(struct nec_error *err, int *reached)
{
	NEC_TRY(err);
	*reached = 1;
	return NULL;
}

START_TEST(test_error_try_returns_at_once)
{
	int reached = 0;

	ck_assert_error(passes_on(nec_error_create(NEC_ERR_FAULT, "x"), &reached), NEC_ERR_FAULT);
	ck_assert_int_eq(reached, 0);
	ck_assert_no_error(passes_on(NULL, &reached));
	ck_assert_int_eq(reached, 1);
}
END_TEST

static Suite *base_suite(void)
{
	Suite *s = suite_create("base");
	TCase *text = tcase_create("text"), *strtab = tcase_create("strtab");
	TCase *addrset = tcase_create("addrset"), *tmparray = tcase_create("tmparray");
	TCase *cursor = tcase_create("cursor"), *error = tcase_create("error");
	int escape_count = sizeof(escapes) / sizeof(escapes[0]);

	tcase_add_test(text, test_text_empty_is_a_string);
	tcase_add_test(text, test_text_grows_and_stays_terminated);
	tcase_add_test(text, test_text_printf_longer_than_its_stack_buffer);
	tcase_add_test(text, test_text_limit_cuts_at_a_character);
	tcase_add_test(text, test_text_limit_cuts_a_character_that_came_in_pieces);
	tcase_add_test(text, test_text_limit_never_cuts_an_escape);
	tcase_add_loop_test(text, test_text_escape_leaves_nothing_for_the_terminal, 0,
			    escape_count);
	tcase_add_loop_test(text, test_text_json_is_what_a_json_parser_takes, 0, escape_count);
	tcase_add_test(text, test_text_escape_of_random_bytes_is_printable);
	tcase_add_test(text, test_text_escape_keeps_nul_bytes_visible);
	tcase_add_test(text, test_text_codepoint_is_utf8);
	tcase_add_test(text, test_text_size_reads_in_binary_units);
	tcase_add_test(text, test_text_count_groups_by_three);
	suite_add_tcase(s, text);

	tcase_add_test(strtab, test_strtab_gives_each_string_one_dense_id);
	tcase_add_test(strtab, test_strtab_tells_a_prefix_from_the_whole);
	suite_add_tcase(s, strtab);

	tcase_add_loop_test(addrset, test_addrset_agrees_with_a_sorted_array, 0, 3);
	tcase_add_loop_test(addrset, test_addrset_agrees_with_a_sorted_array, 5000, 5001);
	tcase_add_loop_test(addrset, test_addrset_agrees_with_a_sorted_array, MODEL_MAX,
			    MODEL_MAX + 1);
	tcase_add_test(addrset, test_addrset_takes_each_address_once);
	tcase_add_test(addrset, test_addrset_refuses_wild_addresses);
	suite_add_tcase(s, addrset);

	tcase_add_test(tmparray, test_tmparray_keeps_what_was_appended_when_it_moves);
	tcase_add_test(tmparray, test_tmparray_new_bytes_are_zeros);
	tcase_add_test(tmparray, test_tmparray_leaves_no_file_behind);
	tcase_add_test(tmparray, test_tmparray_refuses_what_cannot_be);
	suite_add_tcase(s, tmparray);

	tcase_add_test(cursor, test_cursor_reads_both_byte_orders);
	tcase_add_test(cursor, test_cursor_fails_once_and_for_all);
	tcase_add_test(cursor, test_cursor_string_ends_inside);
	tcase_add_test(cursor, test_cursor_align_counts_from_the_start);
	suite_add_tcase(s, cursor);

	tcase_add_test(error, test_error_wrap_keeps_the_code_and_says_where);
	tcase_add_test(error, test_error_os_tells_no_room_from_the_rest);
	tcase_add_test(error, test_error_out_of_memory_is_never_freed);
	tcase_add_test(error, test_error_try_returns_at_once);
	suite_add_tcase(s, error);
	return s;
}

int main(void)
{
	return unit_run(base_suite());
}
