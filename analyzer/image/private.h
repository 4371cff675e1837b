/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image is made of; for the files of image/ alone. */
#ifndef NEC_IMAGE_PRIVATE_H
#define NEC_IMAGE_PRIVATE_H

#include <elf.h>
#include <pthread.h>

#include "base/strtab.h"
#include "image/elfhead.h"
#include "image/image.h"
#include "options.h"

struct nec_symbols; /* image/symbols.c */

/* What only the inside knows of an objfile; parallel to nec_image.objfiles. */
struct nec_objfile_data {
	const uint8_t *map; /* the matching file, mapped read-only; NULL for none */
	uint64_t map_size;  /* bytes of the file */
	struct nec_elf elf; /* its headers, from memory; load_count 0: unknown */
	struct nec_symbols *symbols; /* made by the first question; under lock */
	bool by_contents;   /* no FILE note told of it */
	uint8_t *initial;   /* see image/relocate.h; owned, NULL until it is asked for */
};

/* A range of the address space as the dump describes it. Sorted and free of overlaps after nec_image_merge. */
struct nec_load {
	uint64_t start, end;
	uint64_t file_off;
	uint64_t promised; /* bytes that the dump should have from start on */
	uint64_t present;  /* bytes that it has, <= promised */
	uint32_t perms;
	uint32_t order; /* in the dump: the first of two that overlap is believed */
};

/* A range that was mapped from a file. */
struct nec_file_range {
	uint64_t start, end;
	uint64_t file_off;
	const char *path; /* in nec_image.strings */
	uint32_t objfile; /* UINT32_MAX: none */
	uint32_t order;
};

struct nec_image {
	struct nec_image_index index; /* first: nec_image_segment_at casts */
	uint32_t *dir_memory[NEC_INDEX_DIRS]; /* what index.dirs owns; NULL: shared */
	uint32_t *empty_dir;
	struct nec_segment *readable; /* index.segments */

	struct nec_segment *segments;
	struct nec_mapping *mappings;
	struct nec_objfile *objfiles; /* by start */
	struct nec_objfile_data *objfile_data;
	struct nec_image_thread *threads;
	char **warnings;
	uint32_t segment_count, mapping_count, objfile_count, thread_count, warning_count;
	uint32_t objfile_capacity, thread_capacity, warning_capacity;

	struct nec_load *loads;
	struct nec_file_range *files;
	uint32_t load_count, load_capacity, file_count, file_capacity;

	struct nec_process process;
	struct nec_completeness completeness;
	uint8_t *auxv;
	size_t auxv_size;

	const uint8_t *dump;
	uint64_t dump_size;
	void (*release)(void *arg);
	void *release_arg;

	struct nec_strtab strings; /* paths and other text, owned */
	char *sysroot;		   /* for debug files; NULL: none */
	pthread_mutex_t lock;	   /* for objfile_data[].symbols */
};

/* image/image.c */
struct nec_error *nec_image_create(struct nec_image **ret);
void nec_image_warn(struct nec_image *image, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Room for one more item of size bytes in an array; 1.5 times as many when it is full. */
struct nec_error *nec_image_grow(void **array, uint32_t *capacity, uint32_t count, size_t size);
/* A copy that lives as long as the image. */
struct nec_error *nec_image_string(struct nec_image *image, const char *s, size_t len,
				   const char **ret);
/* Makes index over those segments that have bytes. */
struct nec_error *nec_image_reindex(struct nec_image *image);

/* image/merge.c: mappings and segments out of loads and file ranges. May be called again when files changed. */
struct nec_error *nec_image_merge(struct nec_image *image);

/* image/objfile.c: which ELF files were mapped, and where they are now. */
struct nec_error *nec_image_find_objfiles(struct nec_image *image,
					  const struct nec_load_options *options);
/* One more, copied, not in order; above the cap nothing is added. */
struct nec_error *nec_objfile_add(struct nec_image *image, const struct nec_objfile *obj,
				  const struct nec_elf *elf, bool by_contents);
void nec_objfile_data_deinit(struct nec_objfile_data *data);

/* image/process.c: auxiliary vector, command line and environment. */
void nec_process_read_auxv(struct nec_image *image);
void nec_process_read_stack(struct nec_image *image);

/* image/symbols.c */
void nec_symbols_destroy(struct nec_symbols *symbols);

static inline uint64_t nec_page_down(const struct nec_image *image, uint64_t v)
{
	return v & -image->process.page_size;
}

static inline uint64_t nec_page_up(const struct nec_image *image, uint64_t v)
{
	return nec_page_down(image, v + image->process.page_size - 1);
}

#endif
