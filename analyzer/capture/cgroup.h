/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory cgroup of a process, of either version (Documentation/admin-guide/cgroup-v2.rst).
 * Bytes are doubles, as the kernel says "max". */
#ifndef NEC_CAPTURE_CGROUP_H
#define NEC_CAPTURE_CGROUP_H

#include <stdbool.h>

struct nec_cgroup_memory {
	double limit;
	double used; /* what is charged to it but for pages of files that are not in use, which go
			before anybody is killed */
};

/* Of the memory cgroup of pid, or one above it: the one with the least room left. false: none has a
 * limit. */
bool nec_cgroup_memory(int pid, struct nec_cgroup_memory *ret);

/* The file with the memory pressure of its cgroup (psi.rst), to be freed; NULL when there is none.
 */
char *nec_cgroup_pressure(int pid);

#endif
