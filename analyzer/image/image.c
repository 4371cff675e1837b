/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading an image; see image.h. How one comes about is in build.c, merge.c and objfile.c. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "image/private.h"

/* More segments than this in one region are searched and not stepped over. */
enum { MAX_STEPS = 8 };

struct nec_error *nec_image_create(struct nec_image **ret)
{
	struct nec_image *image = calloc(1, sizeof(*image));

	if (!image)
		return &nec_enomem;
	pthread_mutex_init(&image->lock, NULL);
	image->process.page_size = 4096;
	*ret = image;
	return NULL;
}

void nec_image_destroy(struct nec_image *image)
{
	if (!image)
		return;
	for (uint32_t i = 0; i < image->objfile_count; i++)
		nec_objfile_data_deinit(&image->objfile_data[i]);
	for (uint32_t i = 0; i < image->warning_count; i++)
		free(image->warnings[i]);
	for (uint32_t i = 0; i < NEC_INDEX_DIRS; i++)
		free(image->dir_memory[i]);
	free(image->empty_dir);
	free(image->readable);
	free(image->segments);
	free(image->mappings);
	free(image->objfiles);
	free(image->objfile_data);
	free(image->threads);
	free(image->warnings);
	free(image->loads);
	free(image->files);
	free(image->auxv);
	free(image->sysroot);
	nec_strtab_deinit(&image->strings);
	pthread_mutex_destroy(&image->lock);
	if (image->release)
		image->release(image->release_arg);
	free(image);
}

struct nec_error *nec_image_grow(void **array, uint32_t *capacity, uint32_t count, size_t size)
{
	uint32_t more = *capacity + *capacity / 2 + 16;
	void *p;

	if (count < *capacity)
		return NULL;
	p = reallocarray(*array, more, size);
	if (!p)
		return &nec_enomem;
	*array = p;
	*capacity = more;
	return NULL;
}

struct nec_error *nec_image_string(struct nec_image *image, const char *s, size_t len,
				   const char **ret)
{
	uint32_t id;

	NEC_TRY(nec_strtab_intern(&image->strings, s, len, &id));
	*ret = nec_strtab_get(&image->strings, id);
	return NULL;
}

/* A warning that there is no memory for is lost: whoever needs the memory next says so. */
void nec_image_warn(struct nec_image *image, const char *fmt, ...)
{
	char *message;
	va_list ap;
	int n;

	if (image->warning_count >= NEC_LIMIT_WARNINGS)
		return;
	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (nec_image_grow((void **)&image->warnings, &image->warning_capacity,
			   image->warning_count, sizeof(*image->warnings))) {
		free(message);
		return;
	}
	image->warnings[image->warning_count++] = message;
}

/* Gives the directory of addr memory of its own; all its entries say `next`. */
static struct nec_error *own_dir(struct nec_image *image, uint64_t addr, uint32_t **dir_ret)
{
	uint64_t i = addr >> NEC_INDEX_DIR_SHIFT;

	if (!image->dir_memory[i]) {
		image->dir_memory[i] = malloc(NEC_INDEX_DIR_SIZE * sizeof(uint32_t));
		if (!image->dir_memory[i])
			return &nec_enomem;
		memcpy(image->dir_memory[i], image->empty_dir,
		       NEC_INDEX_DIR_SIZE * sizeof(uint32_t));
		image->index.dirs[i] = image->dir_memory[i];
	}
	*dir_ret = image->dir_memory[i];
	return NULL;
}

/* Enters segment i into all regions that it touches. */
static struct nec_error *index_segment(struct nec_image *image, uint32_t i)
{
	const uint64_t region = UINT64_C(1) << NEC_INDEX_REGION_SHIFT;
	const struct nec_segment *s = &image->readable[i];

	for (uint64_t addr = s->start & -region; addr < s->end && addr >> 48 == 0; addr += region) {
		uint32_t *dir, *entry;

		NEC_TRY(own_dir(image, addr, &dir));
		entry = &dir[addr >> NEC_INDEX_REGION_SHIFT & (NEC_INDEX_DIR_SIZE - 1)];
		if (*entry == image->index.count)
			*entry = i;
		else if (i - (*entry & ~NEC_INDEX_CROWDED) > MAX_STEPS)
			*entry |= NEC_INDEX_CROWDED;
	}
	return NULL;
}

struct nec_error *nec_image_reindex(struct nec_image *image)
{
	struct nec_image_index *index = &image->index;
	uint32_t count = 0;

	for (uint32_t i = 0; i < NEC_INDEX_DIRS; i++) {
		free(image->dir_memory[i]);
		image->dir_memory[i] = NULL;
	}
	free(image->readable);
	image->readable = calloc((size_t)image->segment_count + 1, sizeof(*image->readable));
	if (!image->empty_dir)
		image->empty_dir = malloc(NEC_INDEX_DIR_SIZE * sizeof(uint32_t));
	if (!image->readable || !image->empty_dir)
		return &nec_enomem;
	for (uint32_t i = 0; i < image->segment_count; i++) {
		if (image->segments[i].data)
			image->readable[count++] = image->segments[i];
	}
	image->readable[count].start = UINT64_MAX;
	image->readable[count].end = UINT64_MAX;
	index->segments = image->readable;
	index->count = count;
	for (uint32_t i = 0; i < NEC_INDEX_DIR_SIZE; i++)
		image->empty_dir[i] = count;
	for (uint32_t i = 0; i < NEC_INDEX_DIRS; i++)
		index->dirs[i] = image->empty_dir;
	for (uint32_t i = 0; i < count; i++)
		NEC_TRY(index_segment(image, i));
	return NULL;
}

/* The first segment with bytes that ends above addr; the one at UINT64_MAX when there is none. */
static const struct nec_segment *first_above(const struct nec_image *image, uint64_t addr)
{
	const struct nec_segment *s = image->index.segments;
	uint32_t lo = 0, hi = image->index.count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &s[lo];
}

const struct nec_segment *nec_image_segment_search(const struct nec_image *image, uint64_t addr)
{
	const struct nec_segment *s = first_above(image, addr);

	return s < image->index.segments + image->index.count && addr >= s->start ? s : NULL;
}

uint64_t nec_image_next_page(const struct nec_image *image, uint64_t addr)
{
	const uint64_t last = -UINT64_C(4096), next = (addr | 4095) + 1;
	uint64_t start;

	if (addr >= last)
		return last;
	start = first_above(image, next)->start & last;
	return start < next ? next : start;
}

uint32_t nec_image_objfile_at(const struct nec_image *image, uint64_t addr)
{
	uint32_t lo = 0, hi = image->objfile_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (image->objfiles[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < image->objfiles[lo - 1].end ? lo - 1 : UINT32_MAX;
}

const struct nec_mapping *nec_image_mapping_at(const struct nec_image *image, uint64_t addr)
{
	const struct nec_mapping *m = image->mappings;
	uint32_t lo = 0, hi = image->mapping_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < image->mapping_count && addr >= m[lo].start ? &m[lo] : NULL;
}

struct nec_error *nec_image_read(const struct nec_image *image, uint64_t addr, void *buf,
				 uint64_t len)
{
	uint8_t *out = buf;

	while (len) {
		const struct nec_segment *s = nec_image_segment_at(image, addr);
		uint64_t n;

		if (!s)
			return nec_error_create(NEC_ERR_FAULT, "no memory at 0x%llx in the dump",
						(unsigned long long)addr);
		n = s->end - addr < len ? s->end - addr : len;
		memcpy(out, s->data + (addr - s->start), n);
		out += n;
		addr += n;
		len -= n;
	}
	return NULL;
}

const char *nec_image_cstr(const struct nec_image *image, uint64_t addr, size_t max)
{
	const struct nec_segment *s = nec_image_segment_at(image, addr);
	const uint8_t *p;
	uint64_t left;

	if (!s)
		return NULL;
	p = s->data + (addr - s->start);
	left = s->end - addr;
	return memchr(p, 0, left < max ? left : max) ? (const char *)p : NULL;
}

const struct nec_segment *nec_image_segments(const struct nec_image *image, uint32_t *count_ret)
{
	*count_ret = image->segment_count;
	return image->segments;
}

const struct nec_mapping *nec_image_mappings(const struct nec_image *image, uint32_t *count_ret)
{
	*count_ret = image->mapping_count;
	return image->mappings;
}

const struct nec_objfile *nec_image_objfiles(const struct nec_image *image, uint32_t *count_ret)
{
	*count_ret = image->objfile_count;
	return image->objfiles;
}

const struct nec_image_thread *nec_image_threads(const struct nec_image *image, uint32_t *count_ret)
{
	*count_ret = image->thread_count;
	return image->threads;
}

const struct nec_process *nec_image_process(const struct nec_image *image)
{
	return &image->process;
}

const struct nec_completeness *nec_image_completeness(const struct nec_image *image)
{
	return &image->completeness;
}

const char *const *nec_image_warnings(const struct nec_image *image, uint32_t *count_ret)
{
	*count_ret = image->warning_count;
	return (const char *const *)image->warnings;
}
