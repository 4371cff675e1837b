/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries of a dump that was cut off before their first pages and before its notes, as gcore writes them: at the end. Its program
 * headers still tell each mapping. A file that would have been mapped in just that way, at one place alone, was there; so was one whose
 * build id is in the dump, with a name or without one. Inside image/ alone.
 */
#ifndef NEC_IMAGE_LOSTFILES_H
#define NEC_IMAGE_LOSTFILES_H

#include "image/image.h"
#include "options.h"

/*
 * Adds objfiles, not in order, each with a warning, and finds the files of those that only a name without a path or a build id tells of. Files
 * that are tried: what a matching program or library needs (DT_NEEDED), libraries of --lib-path, and paths of programs and libraries that the
 * memory itself has, as sys.executable and __file__ do; those that the dump shows are compared by build id. Call when the objfiles that are in
 * the dump are known and were looked for, and there is no FILE note.
 */
struct nec_error *nec_lostfiles_find(struct nec_image *image,
				     const struct nec_load_options *options);

#endif
