/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the files that a process had mapped are now; see lookup.h. */
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/elffile.h"
#include "image/lookup.h"
#include "image/private.h"

/* Where libraries live that are known by their DT_SONAME alone; %s is the multiarch name. */
static const char *const library_dirs[] = {
	"/usr/lib/%s", "/lib/%s", "/usr/lib64", "/lib64", "/usr/lib", "/lib", "/usr/local/lib",
};
enum { LIBRARY_DIRS = sizeof(library_dirs) / sizeof(library_dirs[0]) };

void nec_objfile_data_deinit(struct nec_objfile_data *data)
{
	if (data->map)
		munmap((void *)(uintptr_t)data->map, data->map_size);
	nec_symbols_destroy(data->symbols);
	free(data->initial);
}

static void hex(const uint8_t *bytes, uint32_t size, char *ret)
{
	for (uint32_t i = 0; i < size; i++)
		sprintf(ret + 2 * i, "%02x", bytes[i]);
	ret[2 * size] = 0;
}

/* Would this file have been mapped as the ranges of objfile i were? */
static bool ranges_fit(const struct nec_image *image, uint32_t i, const struct nec_elf *elf)
{
	uint64_t bias = image->objfiles[i].start - nec_page_down(image, elf->header_vaddr);
	uint32_t fitting = 0;

	for (uint32_t k = 0; k < image->file_count; k++) {
		const struct nec_file_range *f = &image->files[k];
		const struct nec_elf_load *load = NULL;

		if (f->objfile != i)
			continue;
		for (uint32_t n = 0; n < elf->load_count && !load; n++) {
			const struct nec_elf_load *l = &elf->loads[n];
			uint64_t start = bias + nec_page_down(image, l->vaddr);

			if (f->start >= start &&
			    f->end <= nec_page_up(image, bias + l->vaddr + l->filesz) &&
			    f->file_off == nec_page_down(image, l->off) + (f->start - start))
				load = l;
		}
		if (!load)
			return false;
		fitting++;
	}
	return fitting >= elf->load_count / 2; /* a FILE note tells of each, RELRO of some twice */
}

/*
 * The build id lies in a file's first page, and a dump that was cut off may have lost that. Then
 * the file that lies where the process had it is taken when it would have been mapped in just this
 * way: with a warning, and the probes of who reads it still have to hold.
 */
static bool is_likely(const struct nec_image *image, uint32_t i, const struct nec_elffile *f)
{
	const struct nec_objfile *obj = &image->objfiles[i];

	return !obj->build_id_size && image->completeness.truncated &&
	       !nec_image_segment_at(image, obj->start) &&
	       f->elf.machine == image->process.machine && f->elf.load_count &&
	       ranges_fit(image, i, &f->elf);
}

/* Is what the dump has of the file's own pages, which nobody wrote to, the same in this one? */
static bool pages_are_same(const struct nec_image *image, uint64_t bias,
			   const struct nec_elffile *f)
{
	const uint64_t page = image->process.page_size;
	uint64_t compared = 0;

	for (uint32_t i = 0; i < f->elf.load_count; i++) {
		const struct nec_elf_load *l = &f->elf.loads[i];
		uint64_t addr = nec_page_down(image, bias + l->vaddr),
			 off = nec_page_down(image, l->off);
		uint64_t end = bias + l->vaddr + l->filesz;

		if (l->perms & NEC_PERM_W)
			continue;
		for (; addr < end && off < f->size; addr += page, off += page) {
			const struct nec_segment *s = nec_image_segment_at(image, addr);
			uint64_t n = f->size - off < page ? f->size - off : page;

			if (!s || s->origin != NEC_ORIGIN_DUMP || s->end - addr < n)
				continue;
			if (memcmp(s->data + (addr - s->start), f->data + off, n) != 0)
				return false;
			compared++;
		}
	}
	return compared > 0;
}

/* Where files are linked without a build id, as in distributions with musl: the first page has the
 * program headers, gcore keeps more. */
static bool is_same_without_id(const struct nec_image *image, uint32_t i,
			       const struct nec_elffile *f)
{
	const struct nec_objfile *obj = &image->objfiles[i];

	return !obj->build_id_size && !f->build_id_size && image->objfile_data[i].elf.load_count &&
	       f->elf.machine == image->process.machine &&
	       nec_image_segment_at(image, obj->bias + f->elf.header_vaddr) &&
	       pages_are_same(image, obj->bias, f);
}

/* What is there and is another is remembered, so that the user sees which file was looked at. */
struct nec_error *nec_lookup_try(struct nec_image *image, uint32_t i, const char *path,
				 bool *match_ret)
{
	struct nec_objfile *obj = &image->objfiles[i];
	struct nec_objfile_data *data = &image->objfile_data[i];
	struct nec_elffile f;

	*match_ret = false;
	if (!nec_elffile_map(path, &f))
		return NULL;
	*match_ret = obj->build_id_size && f.build_id_size == obj->build_id_size &&
		     !memcmp(f.build_id, obj->build_id, f.build_id_size) &&
		     f.elf.machine == image->process.machine;
	*match_ret |= is_same_without_id(image, i, &f);
	if (!*match_ret && is_likely(image, i, &f)) {
		nec_image_warn(
			image,
			"%s: the dump was cut off before its build id; used because its mappings fit",
			path);
		obj->bias = obj->start - nec_page_down(image, f.elf.header_vaddr);
		*match_ret = true;
	}
	if (*match_ret) {
		obj->state = NEC_OBJFILE_MATCH;
		data->map = f.data;
		data->map_size = f.size;
		data->elf = f.elf;
		return nec_image_string(image, path, strlen(path), &obj->found);
	}
	nec_elffile_unmap(&f);
	if (obj->state != NEC_OBJFILE_GONE)
		return NULL;
	obj->state = obj->build_id_size ? NEC_OBJFILE_MISMATCH : NEC_OBJFILE_UNCHECKED;
	return nec_image_string(image, path, strlen(path), &obj->found);
}

/*
 * Asks debuginfod for what has the build id of objfile i, by way of libdwfl, which also knows about
 * its cache. Only where the user named a server: nothing of a dump goes anywhere by itself.
 */
static struct nec_error *try_debuginfod(struct nec_image *image, uint32_t i, bool *match_ret)
{
	static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf};
	const struct nec_objfile *obj = &image->objfiles[i];
	const char *servers = getenv("DEBUGINFOD_URLS");
	_cleanup_free_ char *path = NULL;
	struct nec_error *err = NULL;
	Dwfl_Module *module;
	Elf *elf = NULL;
	Dwfl *dwfl;
	int fd = -1;

	if (!servers || !*servers || !obj->build_id_size)
		return NULL;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return &nec_enomem;
	dwfl_report_begin(dwfl);
	module = dwfl_report_module(dwfl, obj->path, obj->start, obj->end);
	if (module && !dwfl_module_report_build_id(module, obj->build_id, obj->build_id_size, 0)) {
		void **userdata;
		Dwarf_Addr start;

		dwfl_module_info(module, &userdata, &start, NULL, NULL, NULL, NULL, NULL);
		fd = dwfl_build_id_find_elf(module, userdata, obj->path, start, &path, &elf);
	}
	/* libdwfl names what it finds on disk; what the server sent lies in a cache. */
	if (fd >= 0 && !path) {
		char link[64], target[PATH_MAX];
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof(target) - 1);
		path = n > 0 ? strndup(target, (size_t)n) : NULL;
	}
	if (path)
		err = nec_lookup_try(image, i, path, match_ret);
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	dwfl_report_end(dwfl, NULL, NULL);
	dwfl_end(dwfl);
	return err;
}

/* "DIR/NAME", where dir ends as it likes; NULL when out of memory. */
static char *join(const char *dir, const char *name)
{
	char *ret;

	while (*name == '/')
		name++;
	return asprintf(&ret, "%s%s%s", dir, *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", name) <
			       0
		       ? NULL
		       : ret;
}

static struct nec_error *try_in(struct nec_image *image, uint32_t i, const char *dir,
				const char *name, bool *match_ret)
{
	_cleanup_free_ char *path = join(dir, name);

	return path ? nec_lookup_try(image, i, path, match_ret) : &nec_enomem;
}

/* One of library_dirs under root; NULL when out of memory. */
static char *library_dir(const struct nec_image *image, const char *root, size_t k)
{
	const char *triplet =
		image->process.machine == EM_AARCH64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
	char dir[64];

	snprintf(dir, sizeof(dir), library_dirs[k], triplet);
	return join(root, dir);
}

static struct nec_error *try_library_dirs(struct nec_image *image, uint32_t i, const char *root,
					  const char *name, bool *match_ret)
{
	*match_ret = false;
	for (size_t k = 0; k < LIBRARY_DIRS && !*match_ret; k++) {
		_cleanup_free_ char *path = library_dir(image, root, k);

		if (!path)
			return &nec_enomem;
		NEC_TRY(try_in(image, i, path, name, match_ret));
	}
	return NULL;
}

/* Who is asked of each place. */
struct taker {
	nec_lookup_fn fn;
	void *arg;
};

static struct nec_error *ask(const struct taker *t, const char *dir, const char *name,
			     bool *taken_ret)
{
	_cleanup_free_ char *path = join(dir, name);

	return path ? t->fn(t->arg, path, taken_ret) : &nec_enomem;
}

/*
 * The directories of a DT_RUNPATH, under root; $ORIGIN stands for that of the file it is in, which
 * lies here. Those of one that does not (origin NULL) are nowhere.
 */
static struct nec_error *ask_runpath(const struct taker *t, const char *root, const char *runpath,
				     const char *origin, const char *name, bool *taken_ret)
{
	static const char variable[] = "$ORIGIN";
	const char *slash = origin ? strrchr(origin, '/') : NULL;

	*taken_ret = false;
	while (*runpath && !*taken_ret) {
		size_t len = strcspn(runpath, ":");
		_cleanup_free_ char *dir = NULL;
		int n = 0;

		if (strncmp(runpath, variable, sizeof(variable) - 1))
			n = asprintf(&dir, "%s%.*s", root, (int)len, runpath);
		else if (slash)
			n = asprintf(&dir, "%.*s%.*s", (int)(slash - origin), origin,
				     (int)(len - sizeof(variable) + 1),
				     runpath + sizeof(variable) - 1);
		if (n < 0)
			return &nec_enomem;
		if (n && *dir == '/')
			NEC_TRY(ask(t, dir, name, taken_ret));
		runpath += len;
		runpath += *runpath == ':';
	}
	return NULL;
}

struct nec_error *nec_lookup_library(const struct nec_image *image,
				     const struct nec_load_options *options, const char *name,
				     const char *runpath, const char *origin, nec_lookup_fn fn,
				     void *arg, bool *taken_ret)
{
	const struct taker t = {fn, arg};
	const char *root = options->sysroot ? options->sysroot : "";

	*taken_ret = false;
	for (size_t k = 0; !*taken_ret && options->lib_paths && options->lib_paths[k]; k++)
		NEC_TRY(ask(&t, options->lib_paths[k], name, taken_ret));
	if (!*taken_ret && runpath)
		NEC_TRY(ask_runpath(&t, root, runpath, origin, name, taken_ret));
	for (size_t k = 0; k < LIBRARY_DIRS && !*taken_ret; k++) {
		_cleanup_free_ char *dir = library_dir(image, *root ? root : "/", k);

		if (!dir)
			return &nec_enomem;
		NEC_TRY(ask(&t, dir, name, taken_ret));
	}
	return NULL;
}

/* Says why the file at path is not the one that ran. */
static void explain(struct nec_image *image, const struct nec_objfile *obj, const char *path)
{
	struct nec_elffile f;
	char want[129], have[129];

	if (!nec_elffile_map(path, &f)) {
		nec_image_warn(image, "%s: no ELF program or library", path);
		return;
	}
	hex(obj->build_id, obj->build_id_size, want);
	hex(f.build_id, f.build_id_size, have);
	if (obj->build_id_size)
		nec_image_warn(image, "%s is another build (%s) than what ran (%s): not used", path,
			       f.build_id_size ? have : "no build id", want);
	else
		nec_image_warn(image, "%s: the dump has no build id to compare with: not used",
			       path);
	nec_elffile_unmap(&f);
}

/* All the places in their order. */
static struct nec_error *look_for(struct nec_image *image, uint32_t i,
				  const struct nec_load_options *options)
{
	struct nec_objfile *obj = &image->objfiles[i];
	_cleanup_free_ char *path = NULL;
	const char *base;
	bool match = false;
	size_t len = strlen(obj->path);
	static const char deleted[] = " (deleted)";

	if (len > sizeof(deleted) && !strcmp(obj->path + len - sizeof(deleted) + 1, deleted))
		len -= sizeof(deleted) - 1;
	path = strndup(obj->path, len);
	if (!path)
		return &nec_enomem;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	if (obj->is_exe && options->exe) {
		NEC_TRY(nec_lookup_try(image, i, options->exe, &match));
		if (!match)
			explain(image, obj, options->exe);
	}
	/* No name is known: only the build id helps. */
	if (!match && (!*base || *path == '['))
		return try_debuginfod(image, i, &match);
	for (size_t k = 0; !match && options->lib_paths && options->lib_paths[k]; k++)
		NEC_TRY(try_in(image, i, options->lib_paths[k], base, &match));
	if (!match && options->sysroot)
		NEC_TRY(*path == '/' ? try_in(image, i, options->sysroot, path, &match)
				     : try_library_dirs(image, i, options->sysroot, base, &match));
	if (!match)
		NEC_TRY(*path == '/' ? nec_lookup_try(image, i, path, &match)
				     : try_library_dirs(image, i, "/", base, &match));
	return match ? NULL : try_debuginfod(image, i, &match);
}

struct nec_error *nec_lookup_files(struct nec_image *image, const struct nec_load_options *options)
{
	bool has_exe = false;

	if (options->sysroot) {
		image->sysroot = strdup(options->sysroot);
		if (!image->sysroot)
			return &nec_enomem;
	}
	for (uint32_t i = 0; i < image->objfile_count; i++) {
		struct nec_objfile *obj = &image->objfiles[i];

		has_exe |= obj->is_exe;
		NEC_TRY(look_for(image, i, options));
		if (obj->state == NEC_OBJFILE_MISMATCH && !(obj->is_exe && options->exe))
			explain(image, obj, obj->found);
	}
	if (options->exe && !has_exe)
		nec_image_warn(image, "%s: the dump does not show where its program was mapped",
			       options->exe);
	return NULL;
}

char *nec_lookup_debug_file(const struct nec_image *image, uint32_t i)
{
	const struct nec_objfile *obj = &image->objfiles[i];
	const char *roots[] = {image->sysroot ? image->sysroot : "", ""};
	char id[129];

	if (obj->build_id_size < 2)
		return NULL;
	hex(obj->build_id, obj->build_id_size, id);
	for (size_t k = 0; k < 2; k++) {
		char *path;

		if (asprintf(&path, "%s/usr/lib/debug/.build-id/%.2s/%s.debug", roots[k], id,
			     id + 2) < 0)
			return NULL;
		if (!access(path, R_OK))
			return path;
		free(path);
	}
	return NULL;
}

char *nec_image_debug_file(const struct nec_image *image, uint32_t objfile)
{
	const struct nec_objfile *obj = &image->objfiles[objfile];
	char *path = nec_lookup_debug_file(image, objfile);

	return path || obj->state != NEC_OBJFILE_MATCH ? path : strdup(obj->found);
}
