/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The time in a line of a log that a shell loop wrote: seconds since the epoch (date +%s), ISO
 * 8601, or what date prints in the C locale for UTC ("Fri Nov 20 23:47:56 UTC 2026"). Dates in
 * another named zone are not times: what "CST" means, the machine that wrote it knew.
 */
#ifndef NEC_FORMATS_LOGTIME_H
#define NEC_FORMATS_LOGTIME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first time in the first 64 bytes of text, in seconds since the epoch. *zone_ret is false
 * where nothing says how far its clock was from UTC, which is then taken for it.
 */
bool nec_logtime_find(const char *text, size_t len, double *ret, bool *zone_ret);

#endif
