/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed pages: what goes in comes out, and damage is noticed and harmless. */
#include <string.h>

#include "base/tmparray.h"
#include "store/pack.h"
#include "unit.h"

enum { OBJECTS = 20000, LONG = 300000, LONG_ID = 7001 };

/* Pages as they come, in memory. */
struct pages {
	struct page {
		uint64_t key;
		uint8_t *data;
		size_t size;
		uint32_t count;
	} page[4096];
	unsigned int count;
};

static struct nec_error *keep(void *arg, const struct nec_pack_row *row)
{
	struct pages *pages = arg;
	struct page *p = &pages->page[pages->count++];

	ck_assert_uint_lt(pages->count, 4096);
	ck_assert_uint_le(row->size, NEC_PACK_MAX_PAGE);
	p->key = row->key;
	p->count = row->count;
	p->size = row->size;
	/* Exactly as large as it is, so that a read behind the end is seen. */
	p->data = malloc(row->size);
	memcpy(p->data, row->data, row->size);
	return NULL;
}

static void drop(struct pages *pages)
{
	while (pages->count)
		free(pages->page[--pages->count].data);
	free(pages);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
	x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

static uint64_t addr_of(uint32_t id)
{
	return UINT64_C(0x7f0000000000) + id * 48 + (id > 12000 ? UINT64_C(1) << 40 : 0);
}

static uint32_t count_of(uint32_t id)
{
	return id == LONG_ID ? LONG : id % 4 ? 0 : (uint32_t)(mix(id) % 30);
}

static struct nec_packed_ref ref_of(uint32_t id, uint32_t n)
{
	uint64_t r = mix((uint64_t)id << 32 | n);
	struct nec_packed_ref ref = {
		.dst = (uint32_t)(r >> 20) % OBJECTS,
		.kind = r % 4,
		.label_kind = r / 4 % 6,
		.label = r >> 50,
	};

	/* Runs of indexes from 0, jumps, and what a dict looks like. */
	if (id % 8 == 0) {
		ref.kind = NEC_REF_STRONG;
		ref.label_kind = NEC_LABEL_INDEX;
		ref.label = n > 10 ? n + 1 : n;
	} else if (id % 8 == 4 && n % 2) {
		ref.kind = NEC_REF_STRONG;
		ref.label_kind = NEC_LABEL_KEY;
		ref.label = ref_of(id, n - 1).dst;
	}
	return ref;
}

static struct pages *pack_all(void)
{
	struct pages *pages = calloc(1, sizeof(*pages));
	struct nec_pack_out *pack = nec_pack_out_create(keep, pages);
	struct nec_packed_ref refs[1000];
	uint32_t id, n, done;

	for (id = 0; id < OBJECTS; id++) {
		ck_assert_no_error(nec_pack_out_object(pack, id, addr_of(id), id % 300));
		for (done = 0; done < count_of(id); done += n) {
			for (n = 0; n < 1000 && done + n < count_of(id); n++)
				refs[n] = ref_of(id, done + n);
			ck_assert_no_error(nec_pack_out_refs(pack, refs, n));
		}
	}
	ck_assert_no_error(nec_pack_out_flush(pack));
	nec_pack_out_destroy(pack);
	return pages;
}

START_TEST(test_every_reference_comes_back)
{
	struct pages *pages = pack_all();
	uint32_t next = 0, n = 0, i, parts = 0;
	unsigned int p;

	for (p = 0; p < pages->count; p++) {
		struct nec_pack_page page;
		bool nomem;

		ck_assert(nec_pack_page_open_out(&page, pages->page[p].key, pages->page[p].data,
						 pages->page[p].size, &nomem));
		ck_assert_uint_eq(page.count, pages->page[p].count);
		ck_assert_uint_eq(page.first, page.part ? next - 1 : next);
		parts += page.part > 0;
		for (i = 0; i < page.count; i++) {
			struct nec_pack_iter it;
			struct nec_packed_ref ref;
			uint32_t id = page.first + i;

			if (!page.part)
				n = 0;
			ck_assert_uint_eq(page.addr[i], addr_of(id));
			ck_assert_uint_eq(page.type[i], id % 300);
			nec_pack_iter_init(&it, &page, i);
			while (nec_pack_next_ref(&it, &ref) == NEC_PACK_ROW) {
				struct nec_packed_ref expected = ref_of(id, n++);

				ck_assert_uint_eq(ref.dst, expected.dst);
				ck_assert_uint_eq(ref.kind, expected.kind);
				ck_assert_uint_eq(ref.label_kind, expected.label_kind);
				ck_assert_uint_eq(ref.label, expected.label);
			}
			ck_assert_int_eq(nec_pack_next_ref(&it, &ref), NEC_PACK_DONE);
			next = id + 1;
			if (!page.more || i + 1 < page.count)
				ck_assert_uint_eq(n, count_of(id));
		}
		nec_pack_page_deinit(&page);
	}
	ck_assert_uint_eq(next, OBJECTS);
	ck_assert_uint_gt(parts, 10);
	drop(pages);
}
END_TEST

/* Sources of dst: multiples, each twice, and the long one has one from everybody, again and again
 * above. */
static uint32_t source_of(uint32_t dst, uint32_t n)
{
	return dst == LONG_ID ? n * 13 : dst * 3 + n / 2;
}

static uint32_t sources_of(uint32_t dst)
{
	return dst == LONG_ID ? LONG : dst % 5;
}

START_TEST(test_every_referrer_comes_back_once)
{
	struct pages *pages = calloc(1, sizeof(*pages));
	struct nec_pack_in *pack = nec_pack_in_create(keep, pages);
	uint32_t dst, n = 0, i, next = 0, src, parts = 0;
	unsigned int p;

	for (dst = 0; dst < OBJECTS; dst++) {
		ck_assert_no_error(nec_pack_in_object(pack));
		for (n = 0; n < sources_of(dst); n++)
			ck_assert_no_error(nec_pack_in_source(pack, source_of(dst, n)));
	}
	ck_assert_no_error(nec_pack_in_flush(pack));
	nec_pack_in_destroy(pack);
	for (p = 0; p < pages->count; p++) {
		struct nec_pack_page page;
		bool nomem;

		ck_assert(nec_pack_page_open_in(&page, pages->page[p].key, pages->page[p].data,
						pages->page[p].size, &nomem));
		ck_assert_uint_eq(page.first, page.part ? next - 1 : next);
		parts += page.part > 0;
		for (i = 0; i < page.count; i++) {
			struct nec_pack_iter it;

			dst = page.first + i;
			if (!page.part)
				n = 0;
			nec_pack_iter_init(&it, &page, i);
			while (nec_pack_next_source(&it, &src) == NEC_PACK_ROW) {
				ck_assert_uint_eq(src, source_of(dst, n));
				/* The second of two equal ones is left out. */
				n += dst == LONG_ID || n + 1 == sources_of(dst) ? 1 : 2;
			}
			next = dst + 1;
			if (!page.more || i + 1 < page.count)
				ck_assert_uint_eq(n, sources_of(dst));
		}
		nec_pack_page_deinit(&page);
	}
	ck_assert_uint_eq(next, OBJECTS);
	ck_assert_uint_gt(parts, 3);
	drop(pages);
}
END_TEST

START_TEST(test_instances_come_back)
{
	struct pages *pages = calloc(1, sizeof(*pages));
	uint32_t *ids = malloc(OBJECTS * sizeof(*ids)), i, n = 0, id;
	unsigned int p;

	for (i = 0; i < OBJECTS; i++)
		ids[i] = i * 7 + 3;
	ck_assert_no_error(nec_pack_instances(42, ids, OBJECTS, keep, pages));
	ck_assert_uint_gt(pages->count, 1);
	for (p = 0; p < pages->count; p++) {
		struct nec_pack_instances_iter it;

		ck_assert_uint_eq(pages->page[p].key, nec_pack_key(42, p));
		ck_assert(nec_pack_instances_open(&it, pages->page[p].data, pages->page[p].size));
		while (nec_pack_next_instance(&it, &id) == NEC_PACK_ROW)
			ck_assert_uint_eq(id, ids[n++]);
		ck_assert_int_eq(nec_pack_next_instance(&it, &id), NEC_PACK_DONE);
	}
	ck_assert_uint_eq(n, OBJECTS);
	free(ids);
	drop(pages);
}
END_TEST

/* Reads all of a page that may be anything; ids that come out are ids, however wrong. */
static void read_anything(uint64_t key, const uint8_t *data, size_t size)
{
	struct nec_pack_instances_iter instances;
	struct nec_pack_page page;
	struct nec_packed_ref ref;
	struct nec_pack_iter it;
	uint32_t id, i;
	bool nomem;

	if (nec_pack_page_open_out(&page, key, data, size, &nomem)) {
		for (i = 0; i < page.count; i++) {
			nec_pack_iter_init(&it, &page, i);
			while (nec_pack_next_ref(&it, &ref) == NEC_PACK_ROW)
				ck_assert(ref.dst != NEC_PACK_NONE && ref.kind < NEC_REF_KINDS &&
					  ref.label_kind < 6);
			ck_assert(!i || page.addr[i] > page.addr[i - 1]);
		}
	}
	nec_pack_page_deinit(&page);
	if (nec_pack_page_open_in(&page, key, data, size, &nomem)) {
		for (i = 0; i < page.count; i++) {
			nec_pack_iter_init(&it, &page, i);
			while (nec_pack_next_source(&it, &id) == NEC_PACK_ROW)
				ck_assert_uint_ne(id, NEC_PACK_NONE);
		}
	}
	nec_pack_page_deinit(&page);
	if (nec_pack_instances_open(&instances, data, size))
		while (nec_pack_next_instance(&instances, &id) == NEC_PACK_ROW)
			ck_assert_uint_ne(id, NEC_PACK_NONE);
}

START_TEST(test_pages_cut_anywhere_are_refused)
{
	struct pages *pages = pack_all();
	struct page *p = &pages->page[0];
	struct nec_pack_page page;
	size_t size;
	bool nomem;

	for (size = 0; size < p->size; size += 1 + size / 64) {
		/* A copy of that size, so that reading on is seen. */
		uint8_t *cut = malloc(size + !size);

		memcpy(cut, p->data, size);
		ck_assert(!nec_pack_page_open_out(&page, p->key, cut, size, &nomem));
		ck_assert(!nomem);
		nec_pack_page_deinit(&page);
		read_anything(p->key, cut, size);
		free(cut);
	}
	drop(pages);
}
END_TEST

START_TEST(test_damaged_pages_do_no_harm)
{
	struct pages *pages = pack_all();
	uint32_t round;

	for (round = 0; round < 3000; round++) {
		struct page *p = &pages->page[round % pages->count];
		uint8_t *data = malloc(p->size);
		uint64_t r = mix(round);
		unsigned int flips = 1 + r % 4;

		memcpy(data, p->data, p->size);
		/* The columns in front are where most can go wrong. */
		while (flips--) {
			r = mix(r);
			data[(r >> 8) % (round % 2 || p->size < 64 ? p->size : 64)] =
				(uint8_t)(r >> 40);
		}
		read_anything(round % 3 ? p->key : mix(round), data, p->size);
		free(data);
	}
	drop(pages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *tc = tcase_create("pages");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_every_reference_comes_back);
	tcase_add_test(tc, test_every_referrer_comes_back_once);
	tcase_add_test(tc, test_instances_come_back);
	tcase_add_test(tc, test_pages_cut_anywhere_are_refused);
	tcase_add_test(tc, test_damaged_pages_do_no_harm);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
