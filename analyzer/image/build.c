/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building an image; see build.h. The builder is the image, not finished yet. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "image/build.h"
#include "image/private.h"

struct nec_image_builder {
	struct nec_image *image;
	uint64_t bytes;   /* of the dump that loads use */
	uint32_t dropped; /* ranges above a cap */
};

struct nec_error *nec_image_builder_create(struct nec_image_builder **ret)
{
	struct nec_image_builder *b = calloc(1, sizeof(*b));
	struct nec_error *err;

	if (!b)
		return &nec_enomem;
	err = nec_image_create(&b->image);
	if (err) {
		free(b);
		return err;
	}
	*ret = b;
	return NULL;
}

void nec_image_builder_destroy(struct nec_image_builder *builder)
{
	if (!builder)
		return;
	nec_image_destroy(builder->image);
	free(builder);
}

void nec_image_builder_dump(struct nec_image_builder *builder, const uint8_t *data, uint64_t size,
			    void (*release)(void *arg), void *arg)
{
	builder->image->dump = data;
	builder->image->dump_size = size;
	builder->image->release = release;
	builder->image->release_arg = arg;
}

struct nec_error *nec_image_builder_load(struct nec_image_builder *builder, uint64_t start,
					 uint64_t size, uint64_t file_off, uint64_t file_size,
					 uint32_t perms)
{
	struct nec_image *image = builder->image;
	struct nec_load *l;
	uint64_t present = 0;

	if (file_size > size)
		file_size = size;
	if (!size)
		return NULL;
	if (file_off < image->dump_size)
		present = image->dump_size - file_off < file_size ? image->dump_size - file_off
								  : file_size;
	/* No real dump has the same bytes at two addresses; one that does would make work without
	 * end. */
	if (start > NEC_LIMIT_ADDR || size > NEC_LIMIT_ADDR - start ||
	    image->load_count >= NEC_LIMIT_SEGMENTS ||
	    present > 2 * image->dump_size - builder->bytes) {
		builder->dropped++;
		return NULL;
	}
	NEC_TRY(nec_image_grow((void **)&image->loads, &image->load_capacity, image->load_count,
			       sizeof(*image->loads)));
	builder->bytes += present;
	image->completeness.truncated += file_size - present;
	l = &image->loads[image->load_count];
	*l = (struct nec_load){
		.start = start,
		.end = start + size,
		.file_off = file_off,
		.promised = file_size,
		.present = present,
		.perms = perms & (NEC_PERM_R | NEC_PERM_W | NEC_PERM_X),
		.order = image->load_count,
	};
	image->load_count++;
	return NULL;
}

struct nec_error *nec_image_builder_file(struct nec_image_builder *builder, uint64_t start,
					 uint64_t end, uint64_t file_off, const char *path)
{
	struct nec_image *image = builder->image;
	struct nec_file_range *f;

	if (start >= end || end > NEC_LIMIT_ADDR || image->file_count >= NEC_LIMIT_SEGMENTS) {
		builder->dropped++;
		return NULL;
	}
	NEC_TRY(nec_image_grow((void **)&image->files, &image->file_capacity, image->file_count,
			       sizeof(*image->files)));
	f = &image->files[image->file_count];
	*f = (struct nec_file_range){
		.start = start,
		.end = end,
		.file_off = file_off,
		.objfile = UINT32_MAX,
		.order = image->file_count,
	};
	NEC_TRY(nec_image_string(image, path, strlen(path), &f->path));
	image->file_count++;
	return NULL;
}

struct nec_error *nec_image_builder_thread(struct nec_image_builder *builder,
					   const struct nec_image_thread *thread)
{
	struct nec_image *image = builder->image;

	if (image->thread_count >= NEC_LIMIT_THREADS) {
		builder->dropped++;
		return NULL;
	}
	NEC_TRY(nec_image_grow((void **)&image->threads, &image->thread_capacity,
			       image->thread_count, sizeof(*image->threads)));
	image->threads[image->thread_count++] = *thread;
	return NULL;
}

struct nec_image_thread *nec_image_builder_last_thread(struct nec_image_builder *builder)
{
	struct nec_image *image = builder->image;

	return image->thread_count ? &image->threads[image->thread_count - 1] : NULL;
}

struct nec_error *nec_image_builder_auxv(struct nec_image_builder *builder, const void *auxv,
					 size_t size)
{
	struct nec_image *image = builder->image;
	uint8_t *copy;

	if (image->auxv || !size)
		return NULL;
	copy = malloc(size);
	if (!copy)
		return &nec_enomem;
	memcpy(copy, auxv, size);
	image->auxv = copy;
	image->auxv_size = size;
	return NULL;
}

struct nec_process *nec_image_builder_process(struct nec_image_builder *builder)
{
	return &builder->image->process;
}

struct nec_completeness *nec_image_builder_completeness(struct nec_image_builder *builder)
{
	return &builder->image->completeness;
}

const char *nec_image_builder_text(struct nec_image_builder *builder, const char *s, size_t len)
{
	const char *ret = NULL;

	nec_error_destroy(nec_image_string(builder->image, s, len, &ret));
	return ret;
}

void nec_image_builder_warn(struct nec_image_builder *builder, const char *fmt, ...)
{
	char *message;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	nec_image_warn(builder->image, "%s", message);
	free(message);
}

static struct nec_error *finish(struct nec_image *image, const struct nec_load_options *options)
{
	nec_process_read_auxv(image);
	NEC_TRY(nec_image_merge(image));
	NEC_TRY(nec_image_find_objfiles(image, options));
	NEC_TRY(nec_image_merge(image));
	nec_process_read_stack(image);
	return NULL;
}

struct nec_error *nec_image_build(struct nec_image_builder *builder,
				  const struct nec_load_options *options,
				  struct nec_image **image_ret)
{
	static const struct nec_load_options none;
	struct nec_image *image = nec_take(builder->image);
	struct nec_error *err;

	if (builder->dropped)
		nec_image_warn(image, "%u ranges of the dump make no sense and were left out",
			       builder->dropped);
	nec_image_builder_destroy(builder);
	err = finish(image, options ? options : &none);
	if (err) {
		nec_image_destroy(image);
		return err;
	}
	*image_ret = image;
	return NULL;
}
