/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Growing arrays in unlinked temporary files.
 *
 * The arrays of a large dump (addresses, edges, ...) are larger than the memory a machine can spare. Each
 * lives in an unlinked file beside the output, mapped shared, so that the page cache decides what is
 * resident and nothing is left behind when the process dies. On a file system in memory (tmpfs) they
 * are memory all the same.
 */
#ifndef NEC_BASE_TMPARRAY_H
#define NEC_BASE_TMPARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nec_tmparray {
	void *data;	 /* mapped; moves when the array grows */
	size_t size;	 /* bytes in use */
	size_t capacity; /* bytes mapped */
	int fd;
};

#define NEC_TMPARRAY_INIT {.fd = -1}

/* Makes an empty array in directory dir. */
struct nec_error *nec_tmparray_init(struct nec_tmparray *a, const char *dir);

/* Room for at least size bytes in all; what is new reads as zeros. Does not change a->size. */
struct nec_error *nec_tmparray_reserve(struct nec_tmparray *a, size_t size);

/* Reserves and sets a->size = size. */
struct nec_error *nec_tmparray_resize(struct nec_tmparray *a, size_t size);

/* Appends len bytes. */
struct nec_error *nec_tmparray_append(struct nec_tmparray *a, const void *data, size_t len);

/* Unmaps and closes; a may be used again after nec_tmparray_init. A zeroed-out or INIT one is fine. */
void nec_tmparray_deinit(struct nec_tmparray *a);

#endif
