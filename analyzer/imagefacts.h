/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image says of its process and of itself, as facts of kind META. */
#ifndef NEC_IMAGEFACTS_H
#define NEC_IMAGEFACTS_H

#include "base/error.h"
#include "image/image.h"
#include "store/store.h"

/* no_values: without the command line, whose arguments are payload. */
struct nec_error *nec_imagefacts_put(const struct nec_image *image, struct nec_store *store,
				     bool no_values);

/* What the dump is the core of, for a message: command line or name; to be freed, NULL when it does
 * not say. */
char *nec_imagefacts_describe(const struct nec_image *image);

#endif
