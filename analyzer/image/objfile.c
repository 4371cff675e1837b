/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which ELF files were mapped into the process.
 *
 * With a FILE note: ranges of the same path belong together as far as the span that the ELF header
 * at their start tells; a library that is mapped twice is two objfiles. Without one (qemu, or a
 * gcore that lost its end), and for the vdso, the memory itself: a mapping that begins with an ELF
 * header, named by the dynamic loader's list of link maps (DT_DEBUG, <link.h>) or its own
 * DT_SONAME. Where the files are now is image/lookup.c.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "image/lookup.h"
#include "image/lostfiles.h"
#include "image/memelf.h"
#include "image/private.h"

enum {
	MAX_BACK = 64,        /* objfiles that a range may be apart from the others of its path */
	MAX_LINK_MAPS = 4096, /* libraries of a process; more is a loop */
	MAX_PATH = 4096,
};

struct nec_error *nec_objfile_add(struct nec_image *image, const struct nec_objfile *obj,
				  const struct nec_elf *elf, bool by_contents)
{
	uint32_t capacity = image->objfile_capacity;

	if (image->objfile_count >= NEC_LIMIT_OBJFILES)
		return NULL;
	/* Two parallel arrays: both grow, or the capacity stays. */
	NEC_TRY(nec_image_grow((void **)&image->objfiles, &capacity, image->objfile_count,
			       sizeof(*image->objfiles)));
	NEC_TRY(nec_image_grow((void **)&image->objfile_data, &image->objfile_capacity,
			       image->objfile_count, sizeof(*image->objfile_data)));
	image->objfile_data[image->objfile_count] = (struct nec_objfile_data){
		.elf = *elf,
		.by_contents = by_contents,
	};
	image->objfiles[image->objfile_count++] = *obj;
	return NULL;
}

static bool contains(const struct nec_objfile *obj, uint64_t addr)
{
	return addr && addr >= obj->start && addr < obj->end;
}

/* Fills in span, bias, build id and whether it is the program. elf->load_count 0: nothing is known.
 */
static void describe(const struct nec_image *image, struct nec_objfile *obj,
		     const struct nec_elf *elf)
{
	const struct nec_process *p = &image->process;
	struct nec_dynamic dyn;

	obj->bias = obj->start;
	if (elf->load_count) {
		obj->bias = obj->start - nec_page_down(image, elf->header_vaddr);
		obj->end = nec_page_up(image, obj->bias + elf->end_vaddr);
		obj->build_id_size = nec_memelf_build_id(image, elf, obj->bias, obj->build_id);
	}
	if (p->at_phdr || p->at_entry)
		obj->is_exe = contains(obj, p->at_phdr) || contains(obj, p->at_entry);
	else if (elf->load_count)
		obj->is_exe =
			elf->type == ET_EXEC ||
			(nec_memelf_dynamic(image, elf, obj->bias, &dyn) && dyn.flags_1 & DF_1_PIE);
}

static bool looks_like_library(const char *path)
{
	const char *base = strrchr(path, '/');

	return strstr(base ? base : path, ".so") != NULL;
}

/* The objfile that this range of a file continues, NULL for none. */
static struct nec_objfile *find_owner(struct nec_image *image, const struct nec_file_range *f)
{
	uint32_t n = image->objfile_count;

	for (uint32_t i = n; i > 0 && n - i < MAX_BACK; i--) {
		struct nec_objfile *obj = &image->objfiles[i - 1];

		if (obj->path != f->path)
			continue;
		if (image->objfile_data[i - 1].elf.load_count ? f->start < obj->end : f->file_off)
			return obj;
	}
	return NULL;
}

static struct nec_error *from_file_ranges(struct nec_image *image)
{
	for (uint32_t i = 0; i < image->file_count; i++) {
		struct nec_file_range *f = &image->files[i];
		struct nec_objfile *owner = find_owner(image, f);
		struct nec_objfile obj = {.path = f->path, .start = f->start, .end = f->end};
		struct nec_elf elf = {0};
		bool is_elf;

		if (owner) {
			owner->end = owner->end < f->end ? f->end : owner->end;
			owner->is_exe |= contains(&obj, image->process.at_entry);
			f->objfile = (uint32_t)(owner - image->objfiles);
			continue;
		}
		is_elf = nec_memelf_read(image, f->start, &elf);
		/* The first page was left out: the name is all there is. */
		if (!is_elf && !nec_image_segment_at(image, f->start))
			is_elf = !f->file_off && (looks_like_library(f->path) ||
						  contains(&obj, image->process.at_phdr));
		if (!is_elf)
			continue;
		describe(image, &obj, &elf);
		NEC_TRY(nec_objfile_add(image, &obj, &elf, false));
		/* Above the cap nothing was added. */
		if (image->objfiles[image->objfile_count - 1].start == f->start)
			f->objfile = image->objfile_count - 1;
	}
	return NULL;
}

/* Is this address in an objfile already? Mappings come in order, so the last ones tell, and those
 * added before them. */
static bool known_start(const struct nec_image *image, uint64_t start)
{
	uint32_t n = image->objfile_count;

	for (uint32_t i = 0; i < n; i++) {
		if (contains(&image->objfiles[i], start))
			return true;
		if (i == MAX_BACK && n > 2 * MAX_BACK)
			i = n - MAX_BACK;
	}
	return false;
}

static struct nec_error *add_by_contents(struct nec_image *image, uint64_t start)
{
	struct nec_objfile obj = {.start = start, .end = start};
	struct nec_dynamic dyn;
	struct nec_elf elf;
	const char *name = NULL;
	char buf[64];

	if (!start || known_start(image, start) || !nec_memelf_read(image, start, &elf))
		return NULL;
	describe(image, &obj, &elf);
	if (nec_memelf_dynamic(image, &elf, obj.bias, &dyn) && dyn.soname)
		name = nec_image_cstr(image, dyn.strtab + dyn.soname, MAX_PATH);
	if (!name && obj.is_exe && image->process.at_execfn)
		name = nec_image_cstr(image, image->process.at_execfn, MAX_PATH);
	if (!name || !*name) {
		snprintf(buf, sizeof(buf), "[ELF file at 0x%llx]", (unsigned long long)start);
		name = buf;
	}
	NEC_TRY(nec_image_string(image, name, strlen(name), &obj.path));
	return nec_objfile_add(image, &obj, &elf, true);
}

/* Full paths for what only the contents told of: the dynamic loader's own list. */
static struct nec_error *name_by_link_maps(struct nec_image *image, const struct nec_objfile *exe,
					   const struct nec_elf *elf)
{
	struct nec_dynamic dyn;
	uint64_t map, word;

	if (!nec_memelf_dynamic(image, elf, exe->bias, &dyn) || !dyn.debug ||
	    !nec_image_u64(image, dyn.debug + 8, &map)) /* r_debug.r_map */
		return NULL;
	for (int n = 0; map && n < MAX_LINK_MAPS; n++) {
		const char *name = NULL;
		uint64_t bias; /* struct link_map: l_addr, l_name, l_ld, l_next */

		if (!nec_image_u64(image, map, &bias))
			break;
		if (nec_image_u64(image, map + 8, &word))
			name = nec_image_cstr(image, word, MAX_PATH);
		for (uint32_t i = 0; name && *name && i < image->objfile_count; i++) {
			struct nec_objfile *obj = &image->objfiles[i];

			if (obj->bias == bias && image->objfile_data[i].by_contents && !obj->is_exe)
				NEC_TRY(nec_image_string(image, name, strlen(name), &obj->path));
		}
		if (!nec_image_u64(image, map + 24, &map))
			break;
	}
	return NULL;
}

static struct nec_error *from_contents(struct nec_image *image)
{
	const struct nec_process *p = &image->process;

	NEC_TRY(add_by_contents(image, p->at_sysinfo_ehdr));
	if (image->file_count)
		return NULL;
	NEC_TRY(add_by_contents(image, p->at_base));
	NEC_TRY(add_by_contents(image, nec_page_down(image, p->at_phdr)));
	for (uint32_t i = 0; i < image->mapping_count; i++) {
		const uint8_t *magic = nec_image_view(image, image->mappings[i].start, SELFMAG);

		if (magic && !memcmp(magic, ELFMAG, SELFMAG))
			NEC_TRY(add_by_contents(image, image->mappings[i].start));
	}
	for (uint32_t i = 0; i < image->objfile_count; i++) {
		if (image->objfiles[i].is_exe)
			return name_by_link_maps(image, &image->objfiles[i],
						 &image->objfile_data[i].elf);
	}
	return NULL;
}

/* An objfile with its private part and its old place, for sorting. */
struct pair {
	struct nec_objfile obj;
	struct nec_objfile_data data;
	uint32_t old;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->obj.start != y->obj.start)
		return x->obj.start < y->obj.start ? -1 : 1;
	return x->old < y->old ? -1 : 1;
}

/* Into order of address; file ranges follow. */
static struct nec_error *sort_objfiles(struct nec_image *image)
{
	uint32_t n = image->objfile_count;
	_cleanup_free_ struct pair *pairs = calloc((size_t)n + 1, sizeof(*pairs));
	_cleanup_free_ uint32_t *place = calloc((size_t)n + 1, sizeof(*place));

	if (!pairs || !place)
		return &nec_enomem;
	for (uint32_t i = 0; i < n; i++)
		pairs[i] = (struct pair){image->objfiles[i], image->objfile_data[i], i};
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (uint32_t i = 0; i < n; i++) {
		image->objfiles[i] = pairs[i].obj;
		image->objfile_data[i] = pairs[i].data;
		place[pairs[i].old] = i;
	}
	for (uint32_t i = 0; i < image->file_count; i++) {
		if (image->files[i].objfile != UINT32_MAX)
			image->files[i].objfile = place[image->files[i].objfile];
	}
	return NULL;
}

/* The file ranges that a FILE note would have told of, from the headers of a file that matches. */
static struct nec_error *add_file_ranges(struct nec_image *image, uint32_t i)
{
	const struct nec_objfile *obj = &image->objfiles[i];
	const struct nec_elf *elf = &image->objfile_data[i].elf;

	for (uint32_t k = 0; k < elf->load_count; k++) {
		const struct nec_elf_load *l = &elf->loads[k];
		uint64_t start = nec_page_down(image, obj->bias + l->vaddr);
		uint64_t end = nec_page_up(image, obj->bias + l->vaddr + l->filesz);

		if (end <= start || start < obj->start || end > obj->end || end > NEC_LIMIT_ADDR)
			continue;
		NEC_TRY(nec_image_grow((void **)&image->files, &image->file_capacity,
				       image->file_count, sizeof(*image->files)));
		image->files[image->file_count] = (struct nec_file_range){
			.start = start,
			.end = end,
			.file_off = nec_page_down(image, l->off),
			.path = obj->path,
			.objfile = i,
			/* Of two that share a page, the later one was mapped over the earlier. */
			.order = UINT32_MAX - image->file_count,
		};
		image->file_count++;
	}
	return NULL;
}

struct nec_error *nec_image_find_objfiles(struct nec_image *image,
					  const struct nec_load_options *options)
{
	bool has_note = image->file_count != 0;

	NEC_TRY(from_file_ranges(image));
	NEC_TRY(from_contents(image));
	NEC_TRY(sort_objfiles(image));
	NEC_TRY(nec_lookup_files(image, options));
	if (!has_note && image->completeness.truncated) {
		NEC_TRY(nec_lostfiles_find(image, options));
		NEC_TRY(sort_objfiles(image));
	}
	for (uint32_t i = 0; i < image->objfile_count && !has_note; i++) {
		if (image->objfile_data[i].map)
			NEC_TRY(add_file_ranges(image, i));
	}
	return NULL;
}
