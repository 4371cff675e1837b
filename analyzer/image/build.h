/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building an image: what a format reader (formats/) says about a dump, one call an item, in any order; then
 * nec_image_build turns it into an image and adds what is not in the dump itself: which ELF files were mapped,
 * whether they lie here, and the pages that only they still have.
 *
 * Nothing of it is believed: ranges may overlap, wrap or lie about the file, and a warning says what was left out.
 */
#ifndef NEC_IMAGE_BUILD_H
#define NEC_IMAGE_BUILD_H

#include "image/image.h"
#include "options.h"

struct nec_image_builder;

struct nec_error *nec_image_builder_create(struct nec_image_builder **ret);
void nec_image_builder_destroy(struct nec_image_builder *builder); /* NULL is fine */

/*
 * The dump's bytes, mapped for as long as the image lives; release(arg) is called when it is destroyed, or when the
 * builder is. Call first.
 */
void nec_image_builder_dump(struct nec_image_builder *builder, const uint8_t *data, uint64_t size,
			    void (*release)(void *arg), void *arg);

/*
 * A range of memory: [start, start + size), of which the dump says that the first file_size bytes lie at file_off.
 * What of them is behind the end of the dump is truncated.
 */
struct nec_error *nec_image_builder_load(struct nec_image_builder *builder, uint64_t start,
					 uint64_t size, uint64_t file_off, uint64_t file_size,
					 uint32_t perms);

/* [start, end) was mapped from byte file_off of path. path is copied. */
struct nec_error *nec_image_builder_file(struct nec_image_builder *builder, uint64_t start,
					 uint64_t end, uint64_t file_off, const char *path);

struct nec_error *nec_image_builder_thread(struct nec_image_builder *builder,
					   const struct nec_image_thread *thread);

/* The thread that was added last, NULL for none: notes that follow a thread's first one belong to it. */
struct nec_image_thread *nec_image_builder_last_thread(struct nec_image_builder *builder);

/* The auxiliary vector as the kernel gave it, copied. */
struct nec_error *nec_image_builder_auxv(struct nec_image_builder *builder, const void *auxv,
					 size_t size);

/* To be filled in; text in it must outlive the builder or come from nec_image_builder_text. */
struct nec_process *nec_image_builder_process(struct nec_image_builder *builder);
struct nec_completeness *nec_image_builder_completeness(struct nec_image_builder *builder);

/* A copy of the first len bytes of s, up to a NUL, that lives as long as the image; NULL when out of memory. */
const char *nec_image_builder_text(struct nec_image_builder *builder, const char *s, size_t len);

/* A message for nec_image_warnings. */
void nec_image_builder_warn(struct nec_image_builder *builder, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes the image; consumes builder, also on failure. options may be NULL. */
struct nec_error *nec_image_build(struct nec_image_builder *builder,
				  const struct nec_load_options *options,
				  struct nec_image **image_ret);

#endif
