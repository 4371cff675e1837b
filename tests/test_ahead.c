/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that reads ahead says what the one behind it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "base/text.h"
#include "tests/unit.h"

enum {
	FACTS = 60000,       /* more than the queue holds */
	LONG_LIST = 50000,   /* references of one object: more than one fact has */
	LONG_TEXT = 1 << 20, /* more than a block */
};

/* Numbers its facts; everything it lends is overwritten by the next call. */
struct numbers {
	struct nec_source source;
	uint64_t at, end;
	bool fails; /* with an error at the end */
	char name[64], *text;
	struct nec_ref *refs;
	bool *closed;
};

static struct nec_error *numbers_next(struct nec_source *source, struct nec_fact *f)
{
	struct numbers *n = (struct numbers *)source;
	uint64_t i = n->at++, k;

	memset(n->name, 'x', sizeof(n->name));
	memset(n->text, 'x', i == 2 ? LONG_TEXT : 8);
	if (i == n->end) {
		f->kind = NEC_FACT_END;
		return n->fails ? nec_error_create(NEC_ERR_FORMAT, "cut off") : NULL;
	}
	snprintf(n->name, sizeof(n->name), "name %llu", (unsigned long long)i);
	switch (i % 5) {
	case 0:
		*f = (struct nec_fact){.kind = NEC_FACT_OBJECT, .object = {.addr = i, .size = -1}};
		break;
	case 1:
		*f = (struct nec_fact){.kind = NEC_FACT_VALUE,
				       .value = {i, n->text, i == 1 ? LONG_TEXT : i % 7}};
		memset(n->text, 'a' + (int)(i % 26), f->value.len);
		break;
	case 2:
		*f = (struct nec_fact){
			.kind = NEC_FACT_FRAME,
			.frame = {.thread = (uint32_t)i, .function = n->name, .file = n->name + 5}};
		break;
	case 3:
		*f = (struct nec_fact){.kind = NEC_FACT_ROOT, .root = {.addr = i, .kind = n->name}};
		break;
	case 4:
		*f = (struct nec_fact){
			.kind = NEC_FACT_REFERENCES,
			.references = {i, n->refs, i == 4 ? LONG_LIST : (uint32_t)(i % 11)}};
		for (k = 0; k < f->references.count; k++)
			n->refs[k] = (struct nec_ref){.dst = i + k, .label = k};
		break;
	}
	return NULL;
}

static void numbers_close(struct nec_source *source)
{
	struct numbers *n = (struct numbers *)source;

	*n->closed = true;
	free(n->text);
	free(n->refs);
	free(n);
}

static struct nec_source *make_numbers(uint64_t end, bool fails, bool *closed)
{
	struct numbers *n = calloc(1, sizeof(*n));

	ck_assert_ptr_nonnull(n);
	n->source = (struct nec_source){
		.next = numbers_next, .close = numbers_close, .sorted = true, .expected = end};
	n->end = end;
	n->fails = fails;
	n->text = malloc(LONG_TEXT);
	n->refs = malloc(LONG_LIST * sizeof(*n->refs));
	n->closed = closed;
	*closed = false;
	ck_assert(n->text && n->refs);
	return &n->source;
}

/* Is f what numbers_next says at `i`, or a part of it? Returns how many references it had. */
static uint32_t check_fact(const struct nec_fact *f, uint64_t i, uint32_t before)
{
	char name[64];
	uint32_t k;

	snprintf(name, sizeof(name), "name %llu", (unsigned long long)i);
	switch (i % 5) {
	case 0:
		ck_assert_int_eq(f->kind, NEC_FACT_OBJECT);
		ck_assert_uint_eq(f->object.addr, i);
		ck_assert_int_eq(f->object.size, -1);
		break;
	case 1:
		ck_assert_int_eq(f->kind, NEC_FACT_VALUE);
		ck_assert_uint_eq(f->value.addr, i);
		ck_assert_uint_eq(f->value.len, i == 1 ? LONG_TEXT : i % 7);
		for (k = 0; k < f->value.len; k++)
			if (f->value.text[k] != 'a' + (char)(i % 26))
				ck_abort_msg("text of %llu", (unsigned long long)i);
		break;
	case 2:
		ck_assert_int_eq(f->kind, NEC_FACT_FRAME);
		ck_assert_uint_eq(f->frame.thread, i);
		ck_assert_str_eq(f->frame.function, name);
		ck_assert_str_eq(f->frame.file, name + 5);
		ck_assert_ptr_null(f->frame.qualname);
		break;
	case 3:
		ck_assert_int_eq(f->kind, NEC_FACT_ROOT);
		ck_assert_uint_eq(f->root.addr, i);
		ck_assert_str_eq(f->root.kind, name);
		ck_assert_ptr_null(f->root.label);
		break;
	case 4:
		ck_assert_int_eq(f->kind, NEC_FACT_REFERENCES);
		ck_assert_uint_eq(f->references.src, i);
		for (k = 0; k < f->references.count; k++)
			if (f->references.refs[k].dst != i + before + k ||
			    f->references.refs[k].label != before + k)
				ck_abort_msg("reference %u of %llu", k, (unsigned long long)i);
		return f->references.count;
	}
	return 0;
}

/* Every fact arrives, in order, with what it borrows; then the end, or the error. */
START_TEST(test_facts_arrive_in_order)
{
	bool closed, fails = _i;
	struct nec_source *source;
	struct nec_error *err = NULL;
	struct nec_fact f;
	uint64_t i = 0;
	uint32_t refs = 0;

	ck_assert_no_error(nec_ahead_open(make_numbers(FACTS, fails, &closed), &source));
	ck_assert(source->sorted);
	ck_assert_uint_eq(source->expected, FACTS);
	for (;;) {
		err = source->next(source, &f);
		if (err || f.kind == NEC_FACT_END)
			break;
		refs += check_fact(&f, i, refs);
		if (f.kind == NEC_FACT_REFERENCES && i == 4 && refs < LONG_LIST)
			continue;
		i++;
		refs = 0;
	}
	ck_assert_uint_eq(i, FACTS);
	ck_assert_int_eq(err ? err->code == NEC_ERR_FORMAT : 0, fails);
	nec_error_destroy(err);
	source->close(source);
	ck_assert(closed);
}
END_TEST

/* Whoever has enough closes; the thread, which may wait for room, ends. */
START_TEST(test_closing_early_ends_the_thread)
{
	struct nec_source *source;
	struct nec_fact f;
	bool closed;
	int i;

	ck_assert_no_error(nec_ahead_open(make_numbers(UINT64_MAX, false, &closed), &source));
	for (i = 0; i < _i * 100; i++)
		ck_assert_no_error(source->next(source, &f));
	source->close(source);
	ck_assert(closed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ahead");
	TCase *tcase = tcase_create("ahead");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_facts_arrive_in_order, 0, 2);
	tcase_add_loop_test(tcase, test_closing_early_ends_the_thread, 0, 3);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
