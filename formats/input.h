/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump file on disk, whatever wraps it: plain, gzip, xz, zstd, lz4, or standard input ("-"). A plain file is mapped as it
 * lies; anything else is unpacked once, streaming, into an unlinked sparse temporary file (room is checked first where the
 * size is known, and while writing where not). Never read whole into memory.
 */
#ifndef NEC_FORMATS_INPUT_H
#define NEC_FORMATS_INPUT_H

#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/progress.h"

struct nec_input;

/* tmpdir: where to unpack. */
struct nec_error *nec_input_open(const char *path, const char *tmpdir, struct nec_progress *progress,
				 struct nec_input **input_ret);
void nec_input_close(struct nec_input *input); /* NULL is fine */

/* The unpacked bytes, mapped read-only until the input is closed. Size 0: data is NULL. */
const uint8_t *nec_input_data(const struct nec_input *input, uint64_t *size_ret);
const char *nec_input_path(const struct nec_input *input);
const char *nec_input_compression(const struct nec_input *input); /* "none", "gzip", "xz", "zstd", "lz4" */
uint64_t nec_input_file_size(const struct nec_input *input);	 /* bytes as it lies on disk */
int64_t nec_input_mtime(const struct nec_input *input);		 /* seconds since the epoch */
/* What was odd while unpacking ("ends early after N bytes"), NULL when nothing was; borrowed. */
const char *nec_input_warning(const struct nec_input *input);

#endif
