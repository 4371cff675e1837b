/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts out of DWARF against what the compiler says: this program asks about itself (it is built
 * with -g). */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "image/dwarf.h"
#include "tests/unit.h"

typedef struct later later_t; /* complete only further down */

struct inner {
	char pad[3];
	int32_t value;
};

typedef struct outer {
	long head;
	struct inner table[3][4];
	union {
		double real;
		struct {
			uint16_t low, high;
		};
	};
	struct {
		unsigned kind : 3;
		unsigned wide : 20;
		unsigned last : 9;
	} bits;
	const struct inner *pointer;
	later_t *forward;
	char tail[];
} outer_t;

typedef const volatile outer_t alias_of_alias;

typedef struct {
	int x, y;
} nameless_t;

struct later {
	char filler[40];
	int end;
};

enum colour { COLOUR_RED = -7, COLOUR_BLUE = 1000 };

outer_t dwarf_test_global;
static __attribute__((used)) alias_of_alias dwarf_test_static;
static __attribute__((used)) nameless_t dwarf_test_nameless;
static __attribute__((used)) enum colour dwarf_test_colour = COLOUR_BLUE;
static __attribute__((used)) later_t dwarf_test_later;

static struct nec_dwarf *dwarf;

static void setup(void)
{
	ck_assert_no_error(nec_dwarf_open("/proc/self/exe", &dwarf));
}

static void teardown(void)
{
	nec_dwarf_close(dwarf);
}

static void expect(const char *type, const char *member, size_t off, size_t size)
{
	int64_t have_off, bit;
	uint64_t have_size;
	struct nec_error *err = nec_dwarf_member(dwarf, type, member, &have_off, &have_size, &bit);

	ck_assert_msg(!err, "%s.%s: %s", type, member, err ? err->message : "");
	ck_assert_msg(have_off == (int64_t)off, "%s.%s: %ld, not %zu", type, member, (long)have_off,
		      off);
	ck_assert_msg(have_size == size, "%s.%s: %lu bytes, not %zu", type, member,
		      (unsigned long)have_size, size);
	ck_assert_int_eq(bit, -1);
}

#define EXPECT(type, tag, member)                                                                  \
	expect(tag, #member, offsetof(type, member), sizeof(((type *)NULL)->member))

START_TEST(test_members_by_struct_and_typedef)
{
	EXPECT(outer_t, "outer_t", head);
	EXPECT(outer_t, "outer", pointer);
	EXPECT(outer_t, "alias_of_alias", forward);
	EXPECT(nameless_t, "nameless_t", y);
	EXPECT(struct later, "later_t", end);
	expect("outer_t", "", 0, sizeof(outer_t));
	expect("nameless_t", "", 0, sizeof(nameless_t));
	expect("int32_t", "", 0, 4);
	expect("colour", "", 0, sizeof(enum colour));
}
END_TEST

START_TEST(test_anonymous_members_belong_to_the_struct)
{
	EXPECT(outer_t, "outer", real);
	EXPECT(outer_t, "outer", low);
	EXPECT(outer_t, "outer", high);
}
END_TEST

START_TEST(test_steps_into_arrays)
{
	EXPECT(outer_t, "outer", table);
	EXPECT(outer_t, "outer", table[2]);
	EXPECT(outer_t, "outer", table[1][3]);
	EXPECT(outer_t, "outer", table[2][1].value);
	expect("outer", "tail", offsetof(outer_t, tail), 0);
	expect("outer", "tail[5]", offsetof(outer_t, tail) + 5, 1);
}
END_TEST

START_TEST(test_bit_fields)
{
	static const struct {
		const char *member;
		int64_t bit;
		uint64_t width;
	} cases[] = {{"bits.kind", 0, 3}, {"bits.wide", 3, 20}, {"bits.last", 23, 9}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t off, bit, start = 8 * (int64_t)offsetof(outer_t, bits);
		uint64_t size;

		ck_assert_no_error(
			nec_dwarf_member(dwarf, "outer", cases[i].member, &off, &size, &bit));
		ck_assert_int_eq(bit, start + cases[i].bit);
		ck_assert_int_eq(off, bit / 8);
		ck_assert_uint_eq(size, cases[i].width);
	}
}
END_TEST

START_TEST(test_what_is_not_there_is_not_found)
{
	static const struct {
		const char *type, *member;
		enum nec_errc code;
	} cases[] = {
		{"no_such_type", "", NEC_ERR_NOTFOUND},
		{"outer", "no_member", NEC_ERR_NOTFOUND},
		{"outer", "head.x", NEC_ERR_NOTFOUND},
		{"outer", "head[0]", NEC_ERR_NOTFOUND},
		{"outer", "pointer.value", NEC_ERR_NOTFOUND},
		{"outer", "table[x]", NEC_ERR_USAGE},
		{"outer", "table[", NEC_ERR_USAGE},
		{"other.c:outer", "head", NEC_ERR_NOTFOUND},
	};
	int64_t off, value;
	uint64_t size;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_error(
			nec_dwarf_member(dwarf, cases[i].type, cases[i].member, &off, &size, NULL),
			cases[i].code);
	ck_assert_error(nec_dwarf_enumerator(dwarf, "COLOUR_GREEN", &value), NEC_ERR_NOTFOUND);
	ck_assert_error(nec_dwarf_variable(dwarf, "no_variable", &size, &size), NEC_ERR_NOTFOUND);
}
END_TEST

START_TEST(test_enumerators_and_variables)
{
	uint64_t global, local, colour, later, size;
	int64_t value;

	ck_assert_no_error(nec_dwarf_enumerator(dwarf, "COLOUR_RED", &value));
	ck_assert_int_eq(value, -7);
	ck_assert_no_error(nec_dwarf_enumerator(dwarf, "COLOUR_BLUE", &value));
	ck_assert_int_eq(value, 1000);
	ck_assert_no_error(nec_dwarf_variable(dwarf, "dwarf_test_global", &global, &size));
	ck_assert_uint_eq(size, sizeof(dwarf_test_global));
	ck_assert_no_error(
		nec_dwarf_variable(dwarf, "test_dwarf.c:dwarf_test_colour", &colour, &size));
	ck_assert_uint_eq(size, sizeof(dwarf_test_colour));
	ck_assert_no_error(nec_dwarf_variable(dwarf, "dwarf_test_static", &local, &size));
	ck_assert_no_error(nec_dwarf_variable(dwarf, "dwarf_test_later", &later, &size));
	ck_assert_uint_eq(size, sizeof(dwarf_test_later));
	/* Link-time addresses: the same distances as in memory. */
	ck_assert_int_eq((int64_t)(global - local),
			 (int64_t)((uintptr_t)&dwarf_test_global - (uintptr_t)&dwarf_test_static));
	ck_assert_int_eq((int64_t)(global - colour),
			 (int64_t)((uintptr_t)&dwarf_test_global - (uintptr_t)&dwarf_test_colour));
	ck_assert_int_ge(dwarf_test_nameless.x + dwarf_test_later.end, 0);
}
END_TEST

START_TEST(test_files_without_debug_information)
{
	struct nec_dwarf *none;

	ck_assert_error(nec_dwarf_open("/etc/passwd", &none), NEC_ERR_FORMAT);
	ck_assert_error(nec_dwarf_open("/nonexistent", &none), NEC_ERR_OS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dwarf");
	TCase *tc = tcase_create("dwarf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_members_by_struct_and_typedef);
	tcase_add_test(tc, test_anonymous_members_belong_to_the_struct);
	tcase_add_test(tc, test_steps_into_arrays);
	tcase_add_test(tc, test_bit_fields);
	tcase_add_test(tc, test_what_is_not_there_is_not_found);
	tcase_add_test(tc, test_enumerators_and_variables);
	tcase_add_test(tc, test_files_without_debug_information);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
