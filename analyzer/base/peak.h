/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The most private memory (anonymous and shared, what a memory limit cannot write back) that this
 * process had, sampled on a thread of its own from /proc/self/status.
 */
#ifndef NEC_BASE_PEAK_H
#define NEC_BASE_PEAK_H

#include <stdint.h>

struct nec_peak;

/* NULL when it cannot be had; the calls below take that. */
struct nec_peak *nec_peak_start(void);
void nec_peak_stop(struct nec_peak *peak);

/* Bytes of the highest sample since the last call, -1: not known. */
int64_t nec_peak_take(struct nec_peak *peak);

/* RssAnon + RssShmem of now, -1: not known. */
int64_t nec_private_bytes(void);

#endif
