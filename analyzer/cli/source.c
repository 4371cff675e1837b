/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of source files; see source.h. */
#include "cli/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Bytes of a source file, and files that are kept: above it is no source that a person wrote. */
enum { MAX_SIZE = 16 << 20, MAX_FILES = 4096 };

void nec_source_files_deinit(struct nec_source_files *files)
{
	uint32_t i;

	for (i = 0; i < files->count; i++) {
		free(files->files[i].path);
		free(files->files[i].data);
		free(files->files[i].lines);
	}
	free(files->files);
}

/* The part of a path behind its last "..": nothing of it leads out of a directory. */
static const char *without_dots(const char *path)
{
	const char *at = path, *rest = path;
	size_t len;

	for (; *at; at += len + (at[len] == '/')) {
		len = strcspn(at, "/");
		if (len == 2 && !strncmp(at, "..", 2))
			rest = at + 2;
	}
	return rest;
}

/* The contents of a regular file; false when there is none, or it is too large. */
static bool read_file(const char *path, struct nec_source_file *file)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > MAX_SIZE)
		return false;
	file->data = malloc((size_t)st.st_size + 1);
	if (!file->data)
		return false;
	while (file->size < (size_t)st.st_size &&
	       (n = read(fd, file->data + file->size, (size_t)st.st_size - file->size)) > 0)
		file->size += (size_t)n;
	file->data[file->size] = '\0';
	return true;
}

static bool find_lines(struct nec_source_file *file)
{
	size_t i, n = 1;

	for (i = 0; i < file->size; i++)
		n += file->data[i] == '\n';
	file->lines = calloc(n, sizeof(*file->lines));
	if (!file->lines)
		return false;
	file->line_count = 1;
	for (i = 0; i < file->size; i++)
		if (file->data[i] == '\n')
			file->lines[file->line_count++] = i + 1;
	return true;
}

/* Below a directory: the whole path, then what is behind its first slash, and so on. */
static bool find_below(const char *dir, const char *path, struct nec_source_file *file)
{
	const char *rest;
	char *full;
	bool found;

	for (rest = path; rest; rest = strchr(rest, '/')) {
		rest += strspn(rest, "/");
		if (!*rest)
			return false;
		if (asprintf(&full, "%s/%s", dir, rest) < 0)
			return false;
		found = read_file(full, file);
		free(full);
		if (found)
			return true;
	}
	return false;
}

static struct nec_source_file *open_file(struct nec_source_files *files, const char *path)
{
	struct nec_source_file *file;
	uint32_t i;

	for (i = files->count; i-- > 0;)
		if (!strcmp(files->files[i].path, path))
			return &files->files[i];
	if (files->count == MAX_FILES)
		return NULL;
	if (files->count == files->capacity) {
		uint32_t capacity = files->capacity ? files->capacity * 2 : 16;

		file = reallocarray(files->files, capacity, sizeof(*file));
		if (!file) {
			files->failed = true;
			return NULL;
		}
		files->files = file;
		files->capacity = capacity;
	}
	file = &files->files[files->count];
	*file = (struct nec_source_file){.path = strdup(path)};
	if (!file->path) {
		files->failed = true;
		return NULL;
	}
	files->count++;
	for (i = 0; files->dirs[i]; i++)
		if (find_below(files->dirs[i], without_dots(path), file)) {
			files->failed |= !find_lines(file);
			break;
		}
	return file;
}

const char *nec_source_files_line(struct nec_source_files *files, const char *path, int64_t line,
				  size_t *len_ret)
{
	const struct nec_source_file *file;
	const char *start;

	if (!files->dirs || !files->dirs[0] || !path || line < 1)
		return NULL;
	file = open_file(files, path);
	if (!file || !file->lines || line > file->line_count)
		return NULL;
	start = file->data + file->lines[line - 1];
	start += strspn(start, " \t\f");
	*len_ret = strcspn(start, "\r\n");
	return *len_ret ? start : NULL;
}
