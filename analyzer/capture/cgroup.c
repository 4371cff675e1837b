/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a memory cgroup say; see cgroup.h. */
#include "capture/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ROOT "/sys/fs/cgroup"

/* The names of what is read, by version. Where both are mounted version 1 has the memory
 * controller, and pressure is in version 2 all the same. */
static const struct version {
	const char *base, *limit, *usage, *inactive;
} versions[] = {
	{ROOT, "memory.max", "memory.current", "inactive_file"},
	{ROOT "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
};

static FILE *open_in(const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return NULL;
	}
	return fopen(path, "re");
}

static bool read_number(const char *dir, const char *name, double *ret)
{
	_cleanup_fclose_ FILE *f = open_in(dir, name);

	return f && fscanf(f, "%lf", ret) == 1; /* "max" is none */
}

/* A line "NAME NUMBER" of memory.stat; 0 when it is not there. */
static double read_stat(const char *dir, const char *name)
{
	_cleanup_fclose_ FILE *f = open_in(dir, "memory.stat");
	char key[64];
	double v;

	while (f && fscanf(f, "%63s %lf", key, &v) == 2)
		if (!strcmp(key, name))
			return v;
	return 0;
}

/* The path of a process's cgroup below the mount of the version, to be freed; NULL: not in one. */
static char *path_in(int pid, bool v1)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char name[64];
	size_t size = 0;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	while (f && getline(&line, &size, f) > 0) {
		/* ID:CONTROLLERS:PATH, no controllers in version 2 (cgroups(7)) */
		char *controllers = strchr(line, ':');
		char *where = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!where)
			continue;
		*controllers++ = *where++ = 0;
		where[strcspn(where, "\n")] = 0;
		if (v1 ? strstr(controllers, "memory") != NULL : !*controllers)
			return strdup(where);
	}
	return NULL;
}

static void consider(const struct version *v, const char *dir, struct nec_cgroup_memory *best,
		     bool *found)
{
	struct nec_cgroup_memory m;

	if (!read_number(dir, v->limit, &m.limit) || m.limit >= 1e18 ||
	    !read_number(dir, v->usage, &m.used))
		return;
	m.used -= read_stat(dir, v->inactive);
	if (!*found || m.limit - m.used < best->limit - best->used)
		*best = m;
	*found = true;
}

bool nec_cgroup_memory(int pid, struct nec_cgroup_memory *ret)
{
	bool found = false;

	for (int v1 = 0; v1 < 2; v1++) {
		_cleanup_free_ char *path = path_in(pid, v1), *dir = NULL;

		if (!path || asprintf(&dir, "%s%s", versions[v1].base, path) < 0) {
			dir = NULL;
			continue;
		}
		/* Inside of a container its own cgroup is what is mounted, whatever its path is. */
		for (size_t base = strlen(versions[v1].base); strlen(dir) >= base;
		     *strrchr(dir, '/') = 0)
			consider(&versions[v1], dir, ret, &found);
	}
	return found;
}

char *nec_cgroup_pressure(int pid)
{
	static const char *const bases[] = {ROOT, ROOT "/unified"};
	_cleanup_free_ char *path = path_in(pid, false);
	char *file;

	for (size_t i = 0; path && i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (asprintf(&file, "%s%s/memory.pressure", bases[i], path) < 0)
			return NULL;
		if (!access(file, R_OK))
			return file;
		free(file);
	}
	return NULL;
}
