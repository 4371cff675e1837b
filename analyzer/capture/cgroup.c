/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool read_number(const char *dir, const char *name, double *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return false;
	}
	f = fopen(path, "re");
	return f && fscanf(f, "%lf", ret) == 1; /* "max" is none */
}

char *nec_cgroup_of(int pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[64], *dir = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && !dir && getline(&line, &size, f) > 0) {
		char *name = strchr(line, ':'), *where = name ? strchr(name + 1, ':') : NULL;
		const char *base;

		if (!where)
			continue;
		*where++ = 0;
		where[strcspn(where, "\n")] = 0;
		base = !name[1]                 ? "/sys/fs/cgroup"
		       : strstr(name, "memory") ? "/sys/fs/cgroup/memory"
						: NULL;
		if (base && asprintf(&dir, "%s%s", base, where) < 0)
			dir = NULL;
	}
	return dir;
}

bool nec_cgroup_limit(int pid, double *ret)
{
	_cleanup_free_ char *dir = nec_cgroup_of(pid);
	bool found = false;
	double v;
	char *slash;

	while (dir && strlen(dir) >= strlen("/sys/fs/cgroup")) {
		if ((read_number(dir, "memory.max", &v) ||
		     read_number(dir, "memory.limit_in_bytes", &v)) &&
		    v < 1e18 && (!found || v < *ret)) {
			*ret = v;
			found = true;
		}
		slash = strrchr(dir, '/');
		*slash = 0;
	}
	return found;
}

bool nec_cgroup_usage(int pid, double *ret)
{
	_cleanup_free_ char *dir = nec_cgroup_of(pid);

	return dir && (read_number(dir, "memory.current", ret) ||
		       read_number(dir, "memory.usage_in_bytes", ret));
}
