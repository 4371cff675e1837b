/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dump files as they lie on disk: plain, packed, cut off, through a pipe; and which format they
 * are. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif

#include "formats/format.h"
#include "formats/input.h"
#include "tests/corebuilder.h"
#include "tests/unit.h"

enum { PLAIN_SIZE = 3 << 20 };

static char dir[64];
static uint8_t *plain;

/* Noise, a hole, text: 3 MiB that no unpacker gives in one go. */
static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/nec-test-input-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	plain = cb_xrealloc(NULL, PLAIN_SIZE);
	srandom(1);
	for (size_t i = 0; i < PLAIN_SIZE; i++)
		plain[i] = i < PLAIN_SIZE / 3       ? (uint8_t)random()
			   : i < 2 * PLAIN_SIZE / 3 ? 0
						    : (uint8_t)('a' + i % 23);
}

static void teardown(void)
{
	char command[128];

	free(plain);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* ---- packers: size of what they made in out ---- */

#ifdef HAVE_ZLIB
static size_t pack_gzip(const void *in, size_t size, uint8_t *out, size_t room)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
		      .avail_in = (uInt)size,
		      .next_out = out,
		      .avail_out = (uInt)room};

	ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}
#endif

#ifdef HAVE_LZMA
static size_t pack_xz(const void *in, size_t size, uint8_t *out, size_t room)
{
	size_t n = 0;

	ck_assert_int_eq(
		lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, in, size, out, &n, room),
		LZMA_OK);
	return n;
}
#endif

#ifdef HAVE_ZSTD
static size_t pack_zstd(const void *in, size_t size, uint8_t *out, size_t room)
{
	size_t n = ZSTD_compress(out, room, in, size, 1);

	ck_assert(!ZSTD_isError(n));
	return n;
}
#endif

#ifdef HAVE_LZ4
static size_t pack_lz4(const void *in, size_t size, uint8_t *out, size_t room)
{
	LZ4F_preferences_t prefs = {.frameInfo.contentSize = size};
	size_t n = LZ4F_compressFrame(out, room, in, size, &prefs);

	ck_assert(!LZ4F_isError(n));
	return n;
}
#endif

static const struct {
	const char *name;
	size_t (*pack)(const void *in, size_t size, uint8_t *out, size_t room);
} packers[] = {
#ifdef HAVE_ZLIB
	{"gzip", pack_gzip},
#endif
#ifdef HAVE_LZMA
	{"xz", pack_xz},
#endif
#ifdef HAVE_ZSTD
	{"zstd", pack_zstd},
#endif
#ifdef HAVE_LZ4
	{"lz4", pack_lz4},
#endif
};

enum { PACKERS = sizeof(packers) / sizeof(packers[0]) };

/* The plain bytes, packed; to be freed. */
static uint8_t *packed(int i, size_t *size_ret)
{
	size_t room = PLAIN_SIZE + PLAIN_SIZE / 8;
	uint8_t *out = cb_xrealloc(NULL, room);

	*size_ret = packers[i].pack(plain, PLAIN_SIZE, out, room);
	return out;
}

static struct nec_input *open_file(const void *data, size_t size)
{
	struct nec_input *input = NULL;

	cb_write(in_dir("dump"), data, size);
	ck_assert_no_error(nec_input_open(in_dir("dump"), dir, NULL, &input));
	ck_assert_uint_eq(nec_input_file_size(input), size);
	return input;
}

/* The dump is a prefix of the plain bytes, of this size. */
static void check_bytes(const struct nec_input *input, uint64_t size)
{
	uint64_t have;
	const uint8_t *data = nec_input_data(input, &have);

	ck_assert_uint_eq(have, size);
	ck_assert(!size || !memcmp(data, plain, size));
}

START_TEST(test_a_plain_file_is_mapped_as_it_is)
{
	struct nec_input *input = open_file(plain, PLAIN_SIZE);
	struct stat st;

	check_bytes(input, PLAIN_SIZE);
	ck_assert_str_eq(nec_input_compression(input), "none");
	ck_assert_str_eq(nec_input_path(input), in_dir("dump"));
	ck_assert_int_eq(stat(in_dir("dump"), &st), 0);
	ck_assert_int_eq(nec_input_mtime(input), st.st_mtime);
	ck_assert_ptr_null(nec_input_warning(input));
	nec_input_close(input);
	input = open_file("", 0);
	check_bytes(input, 0);
	nec_input_close(input);
}
END_TEST

START_TEST(test_packed_bytes_come_back)
{
	size_t size;
	uint8_t *data = packed(_i, &size);
	struct nec_input *input = open_file(data, size);

	check_bytes(input, PLAIN_SIZE);
	ck_assert_str_eq(nec_input_compression(input), packers[_i].name);
	ck_assert_ptr_null(nec_input_warning(input));
	nec_input_close(input);
	free(data);
}
END_TEST

START_TEST(test_frames_may_follow_one_another)
{
	size_t room = 2 << 20, first, second;
	uint8_t *data = cb_xrealloc(NULL, room);
	struct nec_input *input;

	first = packers[_i].pack(plain, 1000, data, room);
	second = packers[_i].pack(plain + 1000, 2000, data + first, room - first);
	input = open_file(data, first + second);
	check_bytes(input, 3000);
	ck_assert_ptr_null(nec_input_warning(input));
	nec_input_close(input);
	/* Something else behind it is not lost in silence. */
	memcpy(data + first, "garbage!", 8);
	input = open_file(data, first + 8);
	check_bytes(input, 1000);
	ck_assert_ptr_nonnull(nec_input_warning(input));
	nec_input_close(input);
	free(data);
}
END_TEST

START_TEST(test_a_stream_that_ends_early_gives_what_it_has)
{
	size_t size;
	uint8_t *data = packed(_i, &size);
	struct nec_input *input = open_file(data, size - size / 8);
	uint64_t have;

	nec_input_data(input, &have);
	ck_assert_uint_gt(have, PLAIN_SIZE / 4);
	ck_assert_uint_lt(have, PLAIN_SIZE);
	check_bytes(input, have);
	ck_assert_ptr_nonnull(strstr(nec_input_warning(input), "ends early"));
	nec_input_close(input);
	free(data);
}
END_TEST

START_TEST(test_a_damaged_stream_gives_what_was_before)
{
	size_t size;
	uint8_t *data = packed(_i, &size);
	struct nec_input *input;
	uint64_t have;

	for (size_t i = size / 2; i < size / 2 + 64; i++)
		data[i] ^= 0x55;
	input = open_file(data, size);
	nec_input_data(input, &have);
	/* lz4 and gzip may only notice at the end, by their checksum or not at all. */
	ck_assert_uint_le(have, PLAIN_SIZE + (1 << 20));
	ck_assert(nec_input_warning(input) || have == PLAIN_SIZE);
	nec_input_close(input);
	free(data);
}
END_TEST

START_TEST(test_standard_input_may_be_a_pipe)
{
	size_t size = PLAIN_SIZE;
	uint8_t *data = _i < PACKERS ? packed(_i, &size) : plain;
	struct nec_input *input = NULL;
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		/* In pieces: even the magic number is torn apart. */
		for (size_t at = 0, n = 2; at < size; at += n, n = 50000) {
			n = n < size - at ? n : size - at;
			if (write(fds[1], data + at, n) != (ssize_t)n)
				_exit(1);
		}
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	ck_assert_no_error(nec_input_open("-", dir, NULL, &input));
	check_bytes(input, PLAIN_SIZE);
	ck_assert_uint_eq(nec_input_file_size(input), size);
	nec_input_close(input);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fds[0]);
	if (data != plain)
		free(data);
}
END_TEST

static void count_calls(void *arg, const char *stage, uint64_t done, uint64_t total)
{
	ck_assert_str_eq(stage, "unpacking");
	ck_assert_uint_le(done, total);
	++*(int *)arg;
}

START_TEST(test_unpacking_reports_and_can_be_cancelled)
{
	int calls = 0;
	struct nec_progress progress = {.report = count_calls, .arg = &calls};
	struct nec_input *input = NULL;
	size_t size;
	uint8_t *data = packed(0, &size);

	cb_write(in_dir("dump"), data, size);
	ck_assert_no_error(nec_input_open(in_dir("dump"), dir, &progress, &input));
	ck_assert_int_gt(calls, 1);
	nec_input_close(input);
	progress.cancel = 1;
	ck_assert_error(nec_input_open(in_dir("dump"), dir, &progress, &input), NEC_ERR_CANCELLED);
	free(data);
}
END_TEST

START_TEST(test_nothing_is_left_in_the_directory)
{
	char command[128];
	size_t size;
	uint8_t *data = packed(0, &size);
	struct nec_input *input = open_file(data, size);

	snprintf(command, sizeof(command), "test \"$(ls -A %s)\" = dump", dir);
	ck_assert_int_eq(system(command), 0);
	nec_input_close(input);
	free(data);
}
END_TEST

#ifdef HAVE_ZSTD
START_TEST(test_no_room_is_said_before_unpacking)
{
	/* A frame that promises 2^60 bytes. */
	const uint8_t frame[18] = {0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x00, 0, 0, 0, 0, 0, 0, 0, 0x10};
	struct nec_input *input;

	cb_write(in_dir("dump"), frame, sizeof(frame));
	ck_assert_error(nec_input_open(in_dir("dump"), dir, NULL, &input), NEC_ERR_NOSPACE);
}
END_TEST
#endif

START_TEST(test_refusals_name_what_it_is)
{
	struct nec_load_options options = {0};
	const struct nec_format *format;
	struct nec_input *input;
	static const struct {
		const char *bytes;
		size_t size;
		const char *message;
	} cases[] = {
		{"", 0, "an empty file"},
		{"#!/bin/sh\n", 10, "a script"},
		{"SQLite format 3\0...", 19, "an SQLite database"},
		{"\1\2\3\4\0\0\0\0\5", 9, "no file format that is known"},
		{"\0\0\0\0\0\0\0\0", 8, "a file of zeros"},
		{"to be or not\n", 13, "text of some kind"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nec_error *err;

		cb_write(in_dir("dump"), cases[i].bytes, cases[i].size);
		err = nec_format_detect(in_dir("dump"), &options, &format, &input);
		ck_assert_ptr_nonnull(err);
		ck_assert_int_eq(err->code, NEC_ERR_FORMAT);
		ck_assert_msg(strstr(err->message, cases[i].message) != NULL, "%s", err->message);
		nec_error_destroy(err);
	}
	ck_assert_error(nec_format_detect(dir, &options, &format, &input), NEC_ERR_FORMAT);
	ck_assert_error(nec_format_detect(in_dir("none"), &options, &format, &input), NEC_ERR_OS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input");
	TCase *tc = tcase_create("input");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_a_plain_file_is_mapped_as_it_is);
	tcase_add_loop_test(tc, test_packed_bytes_come_back, 0, PACKERS);
	tcase_add_loop_test(tc, test_frames_may_follow_one_another, 0, PACKERS);
	tcase_add_loop_test(tc, test_a_stream_that_ends_early_gives_what_it_has, 0, PACKERS);
	tcase_add_loop_test(tc, test_a_damaged_stream_gives_what_was_before, 0, PACKERS);
	tcase_add_loop_test(tc, test_standard_input_may_be_a_pipe, 0, PACKERS + 1);
	tcase_add_test(tc, test_unpacking_reports_and_can_be_cancelled);
	tcase_add_test(tc, test_nothing_is_left_in_the_directory);
#ifdef HAVE_ZSTD
	tcase_add_test(tc, test_no_room_is_said_before_unpacking);
#endif
	tcase_add_test(tc, test_refusals_name_what_it_is);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
