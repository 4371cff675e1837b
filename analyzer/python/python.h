/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPython as an image holds it, turned into facts. The one door to python/ for the drivers.
 */
#ifndef NEC_PYTHON_PYTHON_H
#define NEC_PYTHON_PYTHON_H

#include "base/error.h"
#include "fact.h"
#include "image/image.h"
#include "options.h"

/*
 * Finds the runtime in image, settles its layout, and makes a source of its objects, references, values, roots and
 * threads. image is borrowed until the source is closed. tmpdir: for large arrays. NEC_ERR_NOTFOUND says that
 * there is no CPython in it (the caller says what the core is of); NEC_ERR_UNSUPPORTED names what there is instead.
 */
struct nec_error *nec_python_open(const struct nec_image *image, const struct nec_load_options *options,
				  const char *tmpdir, struct nec_source **source_ret);

/* The same with nothing but threads, their stacks and variables: needs no walk over the heap. */
struct nec_error *nec_python_open_threads(const struct nec_image *image,
					  const struct nec_load_options *options,
					  struct nec_source **source_ret);

#endif
