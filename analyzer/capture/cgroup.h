/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory cgroup of a process, of either version (Documentation/admin-guide/cgroup-v2.rst).
 * Bytes are doubles, as the kernel says "max". */
#ifndef NEC_CAPTURE_CGROUP_H
#define NEC_CAPTURE_CGROUP_H

#include <stdbool.h>

/* Its directory, to be freed; NULL when there is none to be seen. */
char *nec_cgroup_of(int pid);

/* The limit on the memory of pid: of its cgroup, or of one above it, whichever is the lowest.
 * false: none. */
bool nec_cgroup_limit(int pid, double *ret);

/* What is charged to its cgroup. */
bool nec_cgroup_usage(int pid, double *ret);

#endif
