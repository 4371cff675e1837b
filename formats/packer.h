/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packing a file that was written here: the other direction of decoder.h. */
#ifndef NEC_FORMATS_PACKER_H
#define NEC_FORMATS_PACKER_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"

/*
 * Packs all of in by zstd into out, which is empty. NEC_ERR_NOSPACE when the file system of out
 * would have less than min_free bytes free; NEC_ERR_UNSUPPORTED when this build lacks the library.
 */
struct nec_error *nec_pack_zstd(int in, int out, uint64_t min_free, struct nec_progress *progress);

#endif
