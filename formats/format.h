/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One reader a file format: bid, then either map (the file is an image: memory that still has to be understood) or open (the
 * file holds facts). The highest bid wins; a bid looks at the first bytes alone. To add a format: one file here, one line in
 * formats/registry.c, a sample or a generator in tests/, and a fuzz target.
 */
#ifndef NEC_FORMATS_FORMAT_H
#define NEC_FORMATS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "fact.h"
#include "image/image.h"
#include "options.h"

struct nec_input; /* an opened dump file: formats/input.h */

struct nec_format {
	const char *name;	 /* "elf-core", "meliae", ... as meta.format says it */
	const char *description; /* "ELF core dump" */
	/* 0: not mine; otherwise the number of bits that matched. head: the first bytes of the (decompressed) file. */
	int (*bid)(const uint8_t *head, size_t size, const char *name);
	/* One of the two is NULL. Both consume input, also on failure. */
	struct nec_error *(*map)(struct nec_input *input, const struct nec_load_options *options,
				 struct nec_image **image_ret);
	struct nec_error *(*open)(struct nec_input *input, const struct nec_load_options *options,
				  struct nec_source **source_ret);
};

/* All formats, NULL-terminated. */
extern const struct nec_format *const nec_formats[];

/*
 * The format that bids highest for path. NEC_ERR_FORMAT says what the file looks like instead, and which formats
 * there are. *input_ret is to be given to the format's open, or closed.
 */
struct nec_error *nec_format_detect(const char *path, const struct nec_load_options *options,
				    const struct nec_format **format_ret, struct nec_input **input_ret);

#endif
