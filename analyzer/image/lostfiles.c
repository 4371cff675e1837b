/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Libraries that a dump lost with its notes; see lostfiles.h. */
#include <dirent.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "image/elffile.h"
#include "image/lookup.h"
#include "image/lostfiles.h"
#include "image/memelf.h"
#include "image/private.h"

enum {
	MAX_PATHS = 512,  /* that are tried, each against every mapping */
	MAX_NEEDED = 256, /* of one file */
	MAX_PATH = 4096,
	FEWEST_PAGES = 32, /* of a file: smaller ones look alike */
	/* A path against 65,530 mappings is some 100,000, a question to a dynamic section 256: what
	 * was made up to fit almost everywhere ends here. */
	MAX_STEPS = 1 << 27,
	QUESTION = 256,
};

struct search {
	struct nec_image *image;
	const struct nec_load_options *options;
	struct nec_strtab paths; /* what was tried or is to be */
	uint32_t steps;          /* that are left */
	bool placed;             /* has a file been found that says more of itself than the dump? */
};

/* Takes n of the steps that are left; false when there are not so many. */
static bool may_step(struct search *s, uint32_t n)
{
	bool ret = n < s->steps;

	s->steps = ret ? s->steps - n : 0;
	return ret;
}

/* ---- places ---- */

static int compare_start(const void *key, const void *item)
{
	uint64_t x = *(const uint64_t *)key, y = ((const struct nec_load *)item)->start;

	return x < y ? -1 : x > y;
}

/*
 * The first load of those that are [start, end) together, NULL when they are not. Behind file_end
 * is memory of no file, which the kernel joins with such memory behind it.
 */
static const struct nec_load *tiles(struct search *s, uint64_t start, uint64_t file_end,
				    uint64_t end, const struct nec_load **last_ret)
{
	const struct nec_image *image = s->image;
	const struct nec_load *l = bsearch(&start, image->loads, image->load_count,
					   sizeof(*image->loads), compare_start);
	const struct nec_load *first = l, *behind = image->loads + image->load_count;

	for (; l && l < behind && l->start == start && may_step(s, 1); l++) {
		*last_ret = l;
		start = l->end;
		if (start >= end)
			return start == end || l->start >= file_end ? first : NULL;
	}
	return NULL;
}

static bool is_mapped(const struct nec_image *image, uint64_t start, uint64_t end)
{
	uint32_t low = 0, high = image->load_count;

	while (low < high) { /* the first load that ends behind start */
		uint32_t middle = low + (high - low) / 2;

		if (image->loads[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->load_count && image->loads[low].start < end;
}

/*
 * Would this file, put at that bias, be mapped as the dump says? Data that is written to is always
 * among the loads; of the rest what is there must be whole.
 */
static bool fits(struct search *s, const struct nec_elf *elf, uint64_t bias)
{
	const struct nec_image *image = s->image;

	for (uint32_t i = 0; i < elf->load_count; i++) {
		const struct nec_elf_load *l = &elf->loads[i];
		uint64_t start = nec_page_down(image, bias + l->vaddr);
		uint64_t end = nec_page_up(image, bias + l->vaddr + l->memsz);
		const struct nec_load *first, *last = NULL;

		if (!l->memsz)
			continue;
		if (start >= end || !may_step(s, 1)) /* it would wrap around */
			return false;
		if (!(l->perms & NEC_PERM_W) && !is_mapped(image, start, end))
			continue;
		first = tiles(s, start, nec_page_up(image, bias + l->vaddr + l->filesz), end,
			      &last);
		if (!first || first->perms & NEC_PERM_X & ~l->perms ||
		    (l->perms & NEC_PERM_W && !(last->perms & NEC_PERM_W)))
			return false;
	}
	if (bias + elf->header_vaddr >= bias + elf->end_vaddr || !may_step(s, image->objfile_count))
		return false;
	for (uint32_t i = 0; i < image->objfile_count; i++) {
		const struct nec_objfile *obj = &image->objfiles[i];

		if (obj->start < bias + elf->end_vaddr && obj->end > bias + elf->header_vaddr)
			return false;
	}
	return true;
}

/* The one bias at which it fits. */
static bool find_bias(struct search *s, const struct nec_elf *elf, uint64_t *ret)
{
	const struct nec_image *image = s->image;
	const struct nec_elf_load *written = NULL;
	uint32_t found = 0;

	for (uint32_t i = 0; i < elf->load_count; i++)
		if (elf->loads[i].perms & NEC_PERM_W)
			written = &elf->loads[i];
	if (!written || elf->type != ET_DYN || elf->machine != image->process.machine ||
	    (elf->end_vaddr - elf->header_vaddr) / image->process.page_size < FEWEST_PAGES)
		return false;
	for (uint32_t i = 0; i < image->load_count && found < 2; i++) {
		uint64_t bias = image->loads[i].start - nec_page_down(image, written->vaddr);

		if (!fits(s, elf, bias))
			continue;
		*ret = bias;
		found++;
	}
	return found == 1;
}

/* ---- files ---- */

/* Is this path new, and may it be tried? It is remembered. */
static struct nec_error *is_new(struct search *s, const char *path, bool *ret)
{
	uint32_t known = s->paths.count, id;

	*ret = false;
	if (known >= MAX_PATHS)
		return NULL;
	NEC_TRY(nec_strtab_intern(&s->paths, path, strlen(path), &id));
	*ret = id == known;
	return NULL;
}

/* Without the sysroot that a path of this machine may begin with. */
static const char *as_the_process_had_it(const struct search *s, const char *path)
{
	const char *root = s->options->sysroot;
	size_t len = root ? strlen(root) : 0;

	while (len && root[len - 1] == '/')
		len--;
	return len && !strncmp(path, root, len) && path[len] == '/' ? path + len : path;
}

/* Takes a file of which the dump has the build id, and not the path. */
static struct nec_error *try_unplaced(struct search *s, const struct nec_elffile *file,
				      const char *path, bool *taken_ret)
{
	struct nec_image *image = s->image;

	for (uint32_t i = 0; i < image->objfile_count && may_step(s, 1); i++) {
		struct nec_objfile *obj = &image->objfiles[i];

		if (strchr(obj->path, '/') || obj->state == NEC_OBJFILE_MATCH ||
		    !obj->build_id_size || obj->build_id_size != file->build_id_size ||
		    memcmp(obj->build_id, file->build_id, obj->build_id_size) != 0)
			continue;
		NEC_TRY(nec_lookup_try(image, i, path, taken_ret));
		if (!*taken_ret)
			continue;
		obj->path = as_the_process_had_it(s, obj->found);
		s->placed = true;
		return NULL;
	}
	return NULL;
}

/* Takes a library that lies here when the dump has its build id, or there is one place for it. */
static struct nec_error *try_library(void *arg, const char *path, bool *taken_ret)
{
	struct search *s = arg;
	struct nec_image *image = s->image;
	_cleanup_elffile_ struct nec_elffile file = {0};
	struct nec_objfile obj = {.state = NEC_OBJFILE_MATCH};
	uint32_t before = image->objfile_count;
	bool new;

	*taken_ret = false;
	NEC_TRY(is_new(s, path, &new));
	if (!new || !nec_elffile_map(path, &file))
		return NULL;
	NEC_TRY(try_unplaced(s, &file, path, taken_ret));
	if (*taken_ret || !find_bias(s, &file.elf, &obj.bias))
		return NULL;
	obj.start = nec_page_down(image, obj.bias + file.elf.header_vaddr);
	obj.end = nec_page_up(image, obj.bias + file.elf.end_vaddr);
	memcpy(obj.build_id, file.build_id, file.build_id_size);
	obj.build_id_size = file.build_id_size;
	NEC_TRY(nec_image_string(image, path, strlen(path), &obj.found));
	obj.path = as_the_process_had_it(s, obj.found);
	NEC_TRY(nec_objfile_add(image, &obj, &file.elf, true));
	if (image->objfile_count == before)
		return NULL;
	image->objfile_data[before].map = nec_take(file.data);
	image->objfile_data[before].map_size = file.size;
	nec_image_warn(
		image,
		"%s: the dump was cut off before its list of files; used because there is one place alone where its mappings fit",
		path);
	*taken_ret = true;
	return NULL;
}

/* What the dynamic loader was told of objfile i, by its file or by what the dump has of it. */
static const char *told(struct search *s, uint32_t i, int64_t tag, uint32_t n)
{
	const struct nec_image *image = s->image;
	const struct nec_objfile_data *data = &image->objfile_data[i];
	const struct nec_elffile file = {
		.data = data->map, .size = data->map_size, .elf = data->elf};

	if (!may_step(s, QUESTION))
		return NULL;
	return data->map ? nec_elffile_dynamic_text(&file, tag, n)
			 : nec_memelf_dynamic_text(image, &data->elf, image->objfiles[i].bias, tag,
						   n);
}

/* What objfile i needs. */
static struct nec_error *try_needed(struct search *s, uint32_t i)
{
	const char *runpath = told(s, i, DT_RUNPATH, 0), *name;

	if (!runpath)
		runpath = told(s, i, DT_RPATH, 0);
	for (uint32_t n = 0; n < MAX_NEEDED; n++) {
		bool taken;

		name = told(s, i, DT_NEEDED, n);
		if (!name)
			return NULL;
		NEC_TRY(nec_lookup_library(s->image, s->options, name, runpath,
					   s->image->objfiles[i].found, try_library, s, &taken));
	}
	return NULL;
}

static bool is_library(const char *name)
{
	return strstr(name, ".so") != NULL;
}

static struct nec_error *try_lib_path(struct search *s, const char *dir)
{
	_cleanup_free_ struct dirent **names = NULL;
	int count = scandir(dir, &names, NULL, alphasort);
	struct nec_error *err = NULL;

	for (int i = 0; i < count; i++) {
		char path[MAX_PATH];
		bool taken;

		if (!err && is_library(names[i]->d_name) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) <
			    sizeof(path))
			err = try_library(s, path, &taken);
		free(names[i]);
	}
	return err;
}

/* ---- paths in memory ---- */

/* A text in memory, its characters `width` bytes each: char, or the wchar_t that Python's own
 * configuration is in. */
struct text {
	const uint8_t *start, *end; /* of the memory that it lies in */
	size_t width;
};

static bool char_at(const struct text *t, const uint8_t *p, char *ret)
{
	static const uint8_t zeros[4];

	if ((size_t)(t->end - p) < t->width || memcmp(p + 1, zeros, t->width - 1))
		return false;
	*ret = (char)*p;
	return true;
}

static bool path_char_at(const struct text *t, const uint8_t *p, char *ret)
{
	return char_at(t, p, ret) && *ret > ' ' && *ret < 127;
}

/* Is `at` in the path of a file, from its slash to its NUL? Whatever it is ends at end_ret. */
static bool path_around(const struct text *t, const uint8_t *at, char ret[MAX_PATH],
			const uint8_t **end_ret)
{
	const uint8_t *start = at, *p;
	size_t n = 0;
	char c;

	while ((size_t)(start - t->start) >= t->width &&
	       (size_t)(at - start) < MAX_PATH / 2 * t->width &&
	       path_char_at(t, start - t->width, &c))
		start -= t->width;
	for (p = start; n < MAX_PATH - 1 && path_char_at(t, p, &c); p += t->width)
		ret[n++] = c;
	ret[n] = 0;
	*end_ret = p;
	return char_at(t, p, &c) && !c && *ret == '/';
}

/* The program of an objfile whose build id the dump has. */
static struct nec_error *try_program(struct search *s, const char *path)
{
	struct nec_image *image = s->image;
	bool new;

	NEC_TRY(is_new(s, path, &new));
	if (!new)
		return NULL;
	for (uint32_t i = 0; i < image->objfile_count; i++) {
		struct nec_objfile *obj = &image->objfiles[i], before = *obj;
		bool match;

		if (!obj->is_exe || obj->state == NEC_OBJFILE_MATCH)
			continue;
		NEC_TRY(nec_lookup_try(image, i, path, &match));
		if (!match) {
			*obj = before; /* that it is another says nothing: it was a guess */
			continue;
		}
		obj->path = as_the_process_had_it(s, obj->found);
		return try_needed(s, i);
	}
	return NULL;
}

static struct nec_error *try_path(struct search *s, const char *path)
{
	const char *root = s->options->sysroot ? s->options->sysroot : "";
	const char *base = strrchr(path, '/') + 1;
	char here[MAX_PATH * 2];
	bool taken;

	/* Sources are in lib/python3.8/ too. */
	if (!is_library(base) && strncmp(base, "python", 6) != 0)
		return NULL;
	if ((size_t)snprintf(here, sizeof(here), "%s%s", root, path) >= sizeof(here))
		return NULL;
	return is_library(base) ? try_library(s, here, &taken) : try_program(s, here);
}

static struct nec_error *try_paths_in(struct search *s, const struct text *t, const char *mark)
{
	uint8_t pattern[4 * 16] = {0};
	size_t size = strlen(mark) * t->width, i;
	const uint8_t *p = t->start, *end;
	char path[MAX_PATH];

	for (i = 0; mark[i]; i++)
		pattern[i * t->width] = (uint8_t)mark[i];
	while (s->paths.count < MAX_PATHS && (p = memmem(p, (size_t)(t->end - p), pattern, size))) {
		if (path_around(t, p, path, &end))
			NEC_TRY(try_path(s, path));
		p = end > p + size ? end : p + size;
	}
	return NULL;
}

/* mark: a part of the path, of at most 15 characters. */
static struct nec_error *try_memory(struct search *s, const char *mark, size_t width)
{
	const struct nec_segment *segments = s->image->segments;

	for (uint32_t i = 0; i < s->image->segment_count && s->paths.count < MAX_PATHS; i++) {
		const struct nec_segment *seg = &segments[i];
		struct text t = {.width = width};

		if (seg->origin != NEC_ORIGIN_DUMP || !(seg->perms & NEC_PERM_W))
			continue;
		t.start = seg->data;
		t.end = seg->data + (seg->end - seg->start);
		NEC_TRY(try_paths_in(s, &t, mark));
	}
	return NULL;
}

static struct nec_error *find_all(struct search *s)
{
	uint32_t known = s->image->objfile_count, i;

	for (i = 0; s->options->lib_paths && s->options->lib_paths[i]; i++)
		NEC_TRY(try_lib_path(s, s->options->lib_paths[i]));
	for (i = 0; i < known; i++) {
		struct nec_objfile *obj = &s->image->objfiles[i];

		/* The program of --exe has no name in the dump. */
		if (obj->is_exe && obj->state == NEC_OBJFILE_MATCH && *obj->path == '[')
			obj->path = as_the_process_had_it(s, obj->found);
		NEC_TRY(try_needed(s, i));
	}
	NEC_TRY(try_memory(s, "/python", sizeof(char)));
	NEC_TRY(try_memory(s, "/python", sizeof(wchar_t)));
	NEC_TRY(try_memory(s, ".so", sizeof(char)));
	do { /* each time one less is not placed */
		s->placed = false;
		for (i = 0; i < s->image->objfile_count; i++)
			NEC_TRY(try_needed(s, i));
	} while (s->placed);
	return NULL;
}

struct nec_error *nec_lostfiles_find(struct nec_image *image,
				     const struct nec_load_options *options)
{
	struct search s = {.image = image, .options = options, .steps = MAX_STEPS};
	struct nec_error *err = find_all(&s);

	nec_strtab_deinit(&s.paths);
	return err;
}
