/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits on the memory of the process, as far as its dump tells: capture noted them; the
 * environment and the command line name some; the text of /proc/PID/limits or of a cgroup's
 * memory.stat is still in memory when the process has read it. A dump has no rlimit and no cgroup
 * of its own, so what is not told is not known.
 *
 * And what is compared with them: how much of the private memory was ever written to.
 */
#ifndef NEC_MEMLIMITS_H
#define NEC_MEMLIMITS_H

#include "base/error.h"
#include "image/image.h"
#include "store/store.h"

/* Facts of kind LIMIT, and META memory_touched. */
struct nec_error *nec_memlimits_put(const struct nec_image *image, struct nec_store *store);

/* "512Mi", "2 GB", "64m"; a number alone is in `unit` bytes. 0: it is no size. For tests. */
int64_t nec_memlimits_parse(const char *text, size_t len, int64_t unit);

#endif
