/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which dump is it? Size, time of the last change, and a hash of its first and last MiB: device and
 * inode change when a file is copied, and reading all of a large dump takes as long as loading it.
 */
#ifndef NEC_IDENTITY_H
#define NEC_IDENTITY_H

#include <stdint.h>

#include "base/error.h"

struct nec_identity {
	uint64_t size; /* bytes */
	int64_t mtime; /* seconds since the epoch */
	uint32_t mtime_ms; /* and thousandths */
	char hash[33]; /* FNV-1a, 128 bits, in hexadecimal */
};

/* NEC_ERR_FORMAT when path is no regular file. */
struct nec_error *nec_identity_read(const char *path, struct nec_identity *ret);

#endif
