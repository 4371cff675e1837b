/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk over glibc's heap: heaps made by hand after every layout, whole, damaged, and with words
 * at random. */
#include <string.h>

#include "image/build.h"
#include "native/glibc.h"
#include "native/malloc.h"
#include "tests/unit.h"

#define DATA   UINT64_C(0x10000)
#define ARENA  (DATA + 0x340)
#define HEAP   UINT64_C(0x200000)
#define THREAD (UINT64_C(64) << 20)
#define MAPPED UINT64_C(0x7000000)

enum { DATA_SIZE = 0x2000, HEAP_SIZE = 0x4000, MAPPED_SIZE = 0x3000 };

static struct process {
	uint8_t data[DATA_SIZE], heap[HEAP_SIZE], thread[HEAP_SIZE], mapped[MAPPED_SIZE];
} process;

static uint8_t *at(uint64_t addr)
{
	if (addr >= MAPPED)
		return process.mapped + (addr - MAPPED);
	if (addr >= THREAD)
		return process.thread + (addr - THREAD);
	return addr >= HEAP ? process.heap + (addr - HEAP) : process.data + (addr - DATA);
}

static void put(uint64_t addr, uint64_t word)
{
	memcpy(at(addr), &word, 8);
}

static void put_arena(const struct nec_glibc *g, uint64_t arena, uint64_t top, uint64_t next)
{
	uint64_t i, bin;

	put(arena + g->bins - 16, top);
	for (i = 0; i < NEC_GLIBC_BINS; i++) {
		bin = arena + g->bins + i * 16;
		put(bin, bin - 16);
		put(bin + 8, bin - 16);
	}
	put(arena + g->next, next);
	put(arena + g->system_mem, HEAP_SIZE);
	put(arena + g->system_mem + 8, HEAP_SIZE);
	/* What older releases have in its place. */
	if (g == &nec_glibcs[1])
		put(arena + g->system_mem - 8, 1);
}

/* Chunks one behind the other: used 64, free 128, used 32, used 4096, in a fast bin 48, used 64,
 * top. */
static const uint64_t sizes[] = {64, 128, 32, 4096, 48, 64};
enum { CHUNKS = sizeof(sizes) / sizeof(sizes[0]), FREE = 1, FAST = 4 };

static uint64_t chunk_at(uint64_t first, int n)
{
	for (int i = 0; i < n; i++)
		first += sizes[i];
	return first;
}

static uint64_t put_chunks(uint64_t first, uint64_t end)
{
	uint64_t addr = first;

	for (int i = 0; i < CHUNKS; i++) {
		put(addr + 8, sizes[i] | (i == FREE + 1 ? 0 : NEC_GLIBC_PREV_INUSE));
		addr += sizes[i];
		if (i == FREE)
			put(addr, sizes[i]);
	}
	put(addr + 8, (end - addr) | NEC_GLIBC_PREV_INUSE);
	return addr;
}

static void make(const struct nec_glibc *g, bool with_main)
{
	uint64_t arena = THREAD + nec_glibc_heap_infos[1], first = (arena + g->size + 15) & ~15ull,
		 top;

	memset(&process, 0, sizeof(process));
	top = put_chunks(HEAP, HEAP + HEAP_SIZE);
	if (with_main)
		put_arena(g, ARENA, top, arena);
	if (g->fastbins && with_main)
		put(ARENA + g->fastbins + 8, chunk_at(HEAP, FAST));
	put(THREAD + NEC_HEAP_ARENA, arena);
	put(THREAD + NEC_HEAP_SIZE, HEAP_SIZE);
	put(THREAD + NEC_HEAP_MPROTECT, HEAP_SIZE);
	top = put_chunks(first, THREAD + HEAP_SIZE);
	put_arena(g, arena, top, ARENA);
	put(MAPPED + 8, MAPPED_SIZE | NEC_GLIBC_MMAPPED);
}

static struct nec_image *build(void)
{
	struct nec_image_builder *b;
	struct nec_image *image;

	ck_assert_no_error(nec_image_builder_create(&b));
	nec_image_builder_dump(b, (const uint8_t *)&process, sizeof(process), NULL, NULL);
#define LOAD(addr, member)                                                                         \
	ck_assert_no_error(nec_image_builder_load(                                                 \
		b, addr, sizeof(process.member), offsetof(struct process, member),                 \
		sizeof(process.member), NEC_PERM_R | NEC_PERM_W))
	LOAD(DATA, data);
	LOAD(HEAP, heap);
	LOAD(THREAD, thread);
	LOAD(MAPPED, mapped);
	ck_assert_no_error(nec_image_build(b, NULL, &image));
	return image;
}

/* Each heap's stretches lie side by side and cover it. */
static void check_cover(const struct nec_malloc *m)
{
	struct nec_chunk_iter it;
	struct nec_chunk c;

	for (uint32_t i = 0; i < m->heap_count; i++) {
		uint64_t next = m->heaps[i].start;

		nec_chunk_iter_init(&it, m, &m->heaps[i]);
		while (nec_chunk_iter_next(&it, &c)) {
			ck_assert_uint_eq(c.start, next);
			ck_assert_uint_gt(c.size, 0);
			ck_assert_int_lt(c.state, NEC_CHUNK_STATES);
			next += c.size;
		}
		ck_assert_uint_eq(next, m->heaps[i].end);
	}
}

static void check_chunks(const struct nec_malloc *m, uint64_t first, bool fast)
{
	struct nec_chunk c;

	for (int i = 0; i < CHUNKS; i++) {
		ck_assert(nec_malloc_chunk(m, chunk_at(first, i) + 17, &c));
		ck_assert_uint_eq(c.start, chunk_at(first, i));
		ck_assert_uint_eq(c.size, sizes[i]);
		ck_assert_int_eq(c.state, i == FREE           ? NEC_CHUNK_FREE
					  : i == FAST && fast ? NEC_CHUNK_FAST
							      : NEC_CHUNK_USED);
	}
}

START_TEST(test_every_layout)
{
	const struct nec_glibc *g = &nec_glibcs[_i];
	struct nec_image *image;
	struct nec_malloc m;

	make(g, true);
	image = build();
	ck_assert_no_error(nec_malloc_init(&m, image));
	ck_assert_ptr_eq(m.glibc, g);
	ck_assert_uint_eq(m.arena_count, 2);
	ck_assert_uint_eq(m.heap_count, 2);
	ck_assert(m.arenas[0].is_main && !m.arenas[1].is_main);
	ck_assert_uint_eq(m.arenas[0].system_mem, HEAP_SIZE);
	ck_assert_uint_eq(m.corrupt_count, 0);
	ck_assert_uint_eq(m.bad_lists, 0);
	check_cover(&m);
	check_chunks(&m, HEAP, g->fastbins);
	check_chunks(&m, m.heaps[1].first, false);
	ck_assert_uint_eq(m.heaps[0].last.start, chunk_at(HEAP, CHUNKS - 1));
	ck_assert_uint_eq(m.mapped_count, 1);
	ck_assert_uint_eq(m.mapped[0].end, MAPPED + MAPPED_SIZE);
	nec_malloc_deinit(&m);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_arenas_of_threads_without_the_main_one)
{
	struct nec_image *image;
	struct nec_malloc m;

	make(&nec_glibcs[_i], false);
	image = build();
	ck_assert_no_error(nec_malloc_init(&m, image));
	ck_assert_uint_eq(m.arena_count, 1);
	ck_assert_uint_eq(m.heap_count, 1);
	ck_assert(!m.arenas[0].is_main);
	check_cover(&m);
	check_chunks(&m, m.heaps[0].first, false);
	nec_malloc_deinit(&m);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_damage_is_named_and_passed)
{
	uint64_t bad = chunk_at(HEAP, 3);
	struct nec_image *image;
	struct nec_chunk c;
	struct nec_malloc m;

	make(&nec_glibcs[2], true);
	put(bad + 8, UINT64_C(0x4141414141414141));
	image = build();
	ck_assert_no_error(nec_malloc_init(&m, image));
	check_cover(&m);
	ck_assert_uint_eq(m.corrupt_count, 1);
	ck_assert_uint_eq(m.corrupt[0].addr, bad);
	ck_assert_uint_eq(m.corrupt[0].word, UINT64_C(0x4141414141414141));
	ck_assert_uint_eq(m.corrupt[0].before, chunk_at(HEAP, 2));
	ck_assert_uint_eq(m.corrupt[0].after, chunk_at(HEAP, 4));
	ck_assert(!nec_malloc_chunk(&m, bad + 32, &c) || c.state == NEC_CHUNK_DAMAGED);
	ck_assert(nec_malloc_chunk(&m, chunk_at(HEAP, 5) + 16, &c));
	ck_assert_int_eq(c.state, NEC_CHUNK_USED);
	/* The heap of the thread has nothing of it. */
	check_chunks(&m, m.heaps[1].first, false);
	nec_malloc_deinit(&m);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_words_at_random)
{
	enum { ROUNDS = 400 };
	uint64_t seed = 88172645463325252u + (uint64_t)_i;

	for (int round = 0; round < ROUNDS; round++) {
		struct nec_image *image;
		struct nec_malloc m;
		int n = 1 + round % 40;

		make(&nec_glibcs[_i], round % 3);
		while (n--) {
			static const uint64_t bases[] = {ARENA, HEAP, THREAD, MAPPED};
			static const uint64_t words[] = {0,    16,     17,         33, 4097,
							 HEAP, THREAD, UINT64_MAX, 1};
			uint64_t where, what;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			where = bases[seed % 4] +
				(seed >> 8) % (seed & 64 ? 0x1800 : 0x180) / 8 * 8;
			what = seed & 128 ? words[(seed >> 32) % 9] : seed >> (seed & 63);
			put(where, what);
		}
		image = build();
		ck_assert_no_error(nec_malloc_init(&m, image));
		check_cover(&m);
		nec_malloc_deinit(&m);
		nec_image_destroy(image);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("malloc");
	TCase *tc = tcase_create("glibc");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_every_layout, 0, (int)nec_glibc_count);
	tcase_add_loop_test(tc, test_arenas_of_threads_without_the_main_one, 0,
			    (int)nec_glibc_count);
	tcase_add_test(tc, test_damage_is_named_and_passed);
	tcase_add_loop_test(tc, test_words_at_random, 0, (int)nec_glibc_count);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
