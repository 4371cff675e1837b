/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the files that a process had mapped are now; inside image/ alone. */
#ifndef NEC_IMAGE_LOOKUP_H
#define NEC_IMAGE_LOOKUP_H

#include "image/image.h"
#include "options.h"

/*
 * Looks for the file of every objfile: --exe, --lib-path by name, the recorded path under the sysroot, the recorded path
 * itself, and debuginfod where the environment names a server. A file is believed when its build id is that of the memory;
 * then it is mapped. Fills in found and state; a file that is another one is a warning.
 */
struct nec_error *nec_lookup_files(struct nec_image *image, const struct nec_load_options *options);

/*
 * The path of the separate debug file of objfile i by its build id, under the sysroot and here: to be freed; NULL when there
 * is none.
 */
char *nec_lookup_debug_file(const struct nec_image *image, uint32_t i);

#endif
