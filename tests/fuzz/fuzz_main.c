/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzz target without a fuzzer, the same way every time:
 *
 *   fuzz_NAME [-r ROUNDS] FILE...
 *
 * feeds each file, then ROUNDS damaged copies of it: cut at any byte, bytes and bits changed,
 * stretches removed, doubled or zeroed, numbers replaced by extreme ones. A crash, a broken promise
 * (abort) or a sanitizer's report ends the program; before each copy its number is known, so `-r`
 * with it repeats the crash.
 */
#include "tests/fuzz/fuzz.h"

static uint64_t state;

/* splitmix64 */
static uint64_t rnd(uint64_t below)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % (below ? below : 1);
}

static void damage_once(uint8_t *data, size_t *size)
{
	static const char extremes[4][9] = {"\xff\xff\xff\xff\xff\xff\xff\xff",
					    "\0\0\0\0\0\0\0\x80", "99999999",
					    "\x7f\xff\xff\xff\xff\xff\xff\xff"};
	size_t at = rnd(*size), len = 1 + rnd(rnd(8) ? 16 : 4096);

	if (!*size)
		return;
	if (len > *size - at)
		len = *size - at;
	switch (rnd(7)) {
	case 0:
		data[at] ^= (uint8_t)(1 << rnd(8));
		break;
	case 1:
		data[at] = (uint8_t)rnd(256);
		break;
	case 2:
		*size = rnd(4) ? *size - rnd(*size < 64 ? *size : 64) : at;
		break;
	case 3:
		memmove(data + at, data + at + len, *size - at - len);
		*size -= len;
		break;
	case 4:
		memset(data + at, 0, len);
		break;
	case 5:
		memmove(data + at, data + rnd(*size - len + 1), len);
		break;
	case 6:
		memcpy(data + at, extremes[rnd(4)], len < 8 ? len : 8);
		break;
	}
}

static int run_file(const char *path, uint64_t rounds)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data, *copy;
	size_t size, copy_size;
	uint64_t i, j, times;
	long end;

	if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0) {
		perror(path);
		return 1;
	}
	rewind(f);
	size = (size_t)end;
	data = malloc(size + 1);
	copy = malloc(size + 1);
	if (!data || !copy || fread(data, 1, size, f) != size) {
		perror(path);
		return 1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	for (i = 0; i < rounds; i++) {
		state = i;
		memcpy(copy, data, size);
		copy_size = size;
		times = 1 + rnd(8);
		for (j = 0; j < times; j++)
			damage_once(copy, &copy_size);
		LLVMFuzzerTestOneInput(copy, copy_size);
	}
	free(data);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;
	int i = 1, failed = 0;

	if (argc > 2 && !strcmp(argv[1], "-r")) {
		rounds = strtoull(argv[2], NULL, 10);
		i = 3;
	}
	if (i == argc) {
		fprintf(stderr, "usage: %s [-r ROUNDS] FILE...\n", argv[0]);
		return 2;
	}
	for (; i < argc; i++)
		failed |= run_file(argv[i], rounds);
	return failed;
}
