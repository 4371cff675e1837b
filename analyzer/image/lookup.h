/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the files that a process had mapped are now; inside image/ alone. */
#ifndef NEC_IMAGE_LOOKUP_H
#define NEC_IMAGE_LOOKUP_H

#include "image/image.h"
#include "options.h"

/*
 * Looks for the file of every objfile: --exe, --lib-path by name, the recorded path under the sysroot, the recorded path
 * itself, and debuginfod where the environment names a server. A file is believed when its build id is that of the memory, or neither has
 * one and what the dump has of it is the same; then it is mapped. Fills in found and state; a file that is another one is a warning.
 */
struct nec_error *nec_lookup_files(struct nec_image *image, const struct nec_load_options *options);

/* Tries one file for objfile i; true when it has its build id: then it is mapped. */
struct nec_error *nec_lookup_try(struct nec_image *image, uint32_t i, const char *path,
				 bool *match_ret);

/* Asked of each path, which may not exist; *taken_ret true: no further one is wanted. */
typedef struct nec_error *(*nec_lookup_fn)(void *arg, const char *path, bool *taken_ret);

/*
 * The places where the dynamic loader may have found a library: --lib-path, under the sysroot or here the directories of a DT_RUNPATH (NULL:
 * none) of the file origin, and those of the system.
 */
struct nec_error *nec_lookup_library(const struct nec_image *image,
				     const struct nec_load_options *options, const char *name,
				     const char *runpath, const char *origin, nec_lookup_fn fn,
				     void *arg, bool *taken_ret);

/*
 * The path of the separate debug file of objfile i by its build id, under the sysroot and here: to be freed; NULL when there
 * is none.
 */
char *nec_lookup_debug_file(const struct nec_image *image, uint32_t i);

#endif
