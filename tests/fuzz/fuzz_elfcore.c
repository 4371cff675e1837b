/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzzes the reader of ELF cores: opens, then reads every byte that the image says it has. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/format.h"
#include "formats/formats.h"
#include "formats/input.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keeps the reads. */
static volatile uint8_t sum;

static void read_all(const struct nec_image *image)
{
	const struct nec_completeness *c = nec_image_completeness(image);
	uint64_t end = 0, addr, symbol_size;
	uint32_t count, threads;
	const struct nec_segment *s = nec_image_segments(image, &count);
	const struct nec_image_thread *t = nec_image_threads(image, &threads);
	const char *name;

	for (uint32_t i = 0; i < count; i++) {
		if (s[i].start < end || s[i].end <= s[i].start)
			abort();
		end = s[i].end;
		for (uint64_t k = 0; s[i].data && k < end - s[i].start; k += 512)
			sum = (uint8_t)(sum + s[i].data[k]);
		if (s[i].data && nec_image_segment_at(image, end - 1)->start != s[i].start)
			abort();
	}
	if (c->mapped != c->dumped + c->from_files + c->missing)
		abort();
	for (uint32_t i = 0; i < threads; i++)
		nec_image_symbol_at(image, t[i].pc, &name, &addr);
	nec_error_destroy(nec_image_symbol(image, UINT32_MAX, "main", &addr, &symbol_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nec_image *image = NULL;
	struct nec_input *input = NULL;
	struct nec_error *err;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	nec_format_elfcore.bid(data, size, "core");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = nec_input_open(path, "/tmp", NULL, &input);
	if (!err)
		err = nec_format_elfcore.map(input, NULL, &image);
	if (image)
		read_all(image);
	nec_image_destroy(image);
	nec_error_destroy(err);
	close(fd);
	return 0;
}
