/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mappings and segments out of what a dump says.
 *
 * A dump tells of memory twice: program headers say which ranges it has bytes of, a FILE note says
 * what was mapped from files. gcore leaves ranges that are only in files out of its program headers
 * altogether; the kernel keeps the header and writes no bytes, or the first page. So both lists are
 * sorted, freed of overlaps and swept together: every stretch that lies in the same load and the
 * same file range is a mapping, and its bytes come from the dump as far as that goes, then from the
 * file.
 *
 * When is the file as good as memory was? The kernel (fs/coredump.c, vma_dump_size) and gcore write
 * a private mapping as soon as one of its pages was written to. What they left out on purpose is as
 * in the file, unless the filter left all private memory out. What was promised and cut off may
 * have been written to, and comes from the file only where the file's own headers say that it is
 * never writable. For what is writable stands what it was at the start (relocate.h), so that types
 * are known; it counts as missing all the same, and a warning says so.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "image/private.h"
#include "image/relocate.h"

static int compare_loads(const void *a, const void *b)
{
	const struct nec_load *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int compare_files(const void *a, const void *b)
{
	const struct nec_file_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Sorts, and cuts off what an earlier range has already. */
static void settle_loads(struct nec_image *image)
{
	uint64_t behind = 0;
	uint32_t n = 0;

	if (!image->load_count)
		return;
	qsort(image->loads, image->load_count, sizeof(*image->loads), compare_loads);
	for (uint32_t i = 0; i < image->load_count; i++) {
		struct nec_load l = image->loads[i];

		if (l.start < behind) {
			uint64_t cut = l.end <= behind ? l.end - l.start : behind - l.start;

			nec_image_warn(
				image,
				"memory at 0x%llx is in the dump twice: the second time left out",
				(unsigned long long)l.start);
			l.start += cut;
			l.file_off += cut;
			l.promised -= l.promised < cut ? l.promised : cut;
			l.present -= l.present < cut ? l.present : cut;
		}
		if (l.start == l.end)
			continue;
		behind = l.end;
		image->loads[n++] = l;
	}
	image->load_count = n;
}

static void settle_files(struct nec_image *image)
{
	uint64_t behind = 0;
	uint32_t n = 0;

	if (!image->file_count)
		return;
	qsort(image->files, image->file_count, sizeof(*image->files), compare_files);
	for (uint32_t i = 0; i < image->file_count; i++) {
		struct nec_file_range f = image->files[i];

		if (f.start < behind) {
			uint64_t cut = f.end <= behind ? f.end - f.start : behind - f.start;

			f.start += cut;
			f.file_off += cut;
		}
		if (f.start == f.end)
			continue;
		behind = f.end;
		image->files[n++] = f;
	}
	image->file_count = n;
}

/* Did the dump's filter let written-to pages of files through? Then what it left out was not
 * written to. */
static bool has_written_file_pages(const struct nec_image *image)
{
	uint32_t f = 0;

	for (uint32_t i = 0; i < image->load_count; i++) {
		const struct nec_load *l = &image->loads[i];

		while (f < image->file_count && image->files[f].end <= l->start)
			f++;
		if (f < image->file_count && image->files[f].start < l->end && l->promised &&
		    l->perms & NEC_PERM_W)
			return true;
	}
	return false;
}

/* The output under construction; counts were settled by the caller. */
struct output {
	struct nec_image *image;
	bool trust_writable;
	uint64_t initial;  /* bytes that stand in for what was cut off */
	uint32_t contents; /* first objfile that ends above the current address */
};

static void add_segment(struct nec_image *image, uint64_t start, uint64_t end, const uint8_t *data,
			enum nec_origin origin, uint32_t perms)
{
	struct nec_segment *last;

	if (start >= end)
		return;
	last = image->segment_count ? &image->segments[image->segment_count - 1] : NULL;
	if (last && last->end == start && last->origin == origin && last->perms == perms &&
	    (origin == NEC_ORIGIN_NONE || last->data + (last->end - last->start) == data)) {
		last->end = end;
		return;
	}
	image->segments[image->segment_count++] = (struct nec_segment){
		.start = start,
		.end = end,
		.data = data,
		.perms = perms,
		.origin = origin,
		.mapping = image->mapping_count,
	};
}

/*
 * Adds [start, end) of mapping m, which the dump does not have, from its file, where it is known
 * which part of one it is; what that cannot give has no bytes.
 */
static void add_missing(struct output *out, struct nec_mapping *m, uint64_t start, uint64_t end,
			bool file_known, bool cut_off)
{
	struct nec_image *image = out->image;
	const struct nec_objfile_data *data;
	const struct nec_elf_load *load;
	uint64_t off, avail;

	if (start >= end)
		return;
	if (m->objfile != UINT32_MAX && file_known) {
		data = &image->objfile_data[m->objfile];
		load = nec_elf_load_at(&data->elf, start - image->objfiles[m->objfile].bias);
		off = m->file_off + (start - m->start);
		/* The rest of the last page of a file reads as zeros, here as there. */
		avail = (data->map_size + 4095) & -UINT64_C(4096);
		if (data->map && load && off < avail &&
		    (!(load->perms & NEC_PERM_W) || (out->trust_writable && !cut_off))) {
			uint64_t n = avail - off < end - start ? avail - off : end - start;

			add_segment(image, start, start + n, data->map + off, NEC_ORIGIN_FILE,
				    m->perms);
			m->readable += n;
			image->completeness.from_files += n;
			start += n;
		} else if (cut_off && load && load->perms & NEC_PERM_W && off < avail) {
			const uint8_t *initial = nec_relocated(image, m->objfile);
			uint64_t n = avail - off < end - start ? avail - off : end - start;

			if (initial) {
				add_segment(image, start, start + n, initial + off,
					    NEC_ORIGIN_INITIAL, m->perms);
				image->completeness.initial += n;
				start += n;
			}
		}
	}
	add_segment(image, start, end, NULL, NEC_ORIGIN_NONE, m->perms);
}

/* One stretch in the same load and the same file range; either may be NULL. */
static void add_piece(struct output *out, uint64_t start, uint64_t end, const struct nec_load *l,
		      const struct nec_file_range *f)
{
	struct nec_image *image = out->image;
	struct nec_mapping *m = &image->mappings[image->mapping_count];
	uint64_t present = start, promised = start;

	*m = (struct nec_mapping){
		.start = start,
		.end = end,
		.perms = l ? l->perms : NEC_PERM_R,
		.objfile = UINT32_MAX,
	};
	while (out->contents < image->objfile_count && image->objfiles[out->contents].end <= start)
		out->contents++;
	if (f) {
		m->file_off = f->file_off + (start - f->start);
		m->path = f->path;
		m->objfile = f->objfile;
	} else if (out->contents < image->objfile_count &&
		   image->objfile_data[out->contents].by_contents &&
		   image->objfiles[out->contents].start <= start) {
		m->path = image->objfiles[out->contents].path;
		m->objfile = out->contents;
	}
	if (!l && m->objfile != UINT32_MAX) {
		const struct nec_elf_load *e =
			nec_elf_load_at(&image->objfile_data[m->objfile].elf,
					start - image->objfiles[m->objfile].bias);

		m->perms = e ? e->perms : m->perms;
	}
	if (l) {
		present = l->start + l->present < end ? l->start + l->present : end;
		promised = l->start + l->promised < end ? l->start + l->promised : end;
		present = present < start ? start : present;
		promised = promised < present ? present : promised;
		if (present > start)
			add_segment(image, start, present,
				    image->dump + l->file_off + (start - l->start), NEC_ORIGIN_DUMP,
				    m->perms);
	}
	m->dumped = present - start;
	m->readable = m->dumped;
	m->cut = promised - present;
	add_missing(out, m, present, promised, f != NULL, true);
	add_missing(out, m, promised, end, f != NULL, false);
	image->completeness.mapped += end - start;
	image->completeness.dumped += m->dumped;
	image->mapping_count++;
}

struct nec_error *nec_image_merge(struct nec_image *image)
{
	struct output out = {.image = image};
	uint32_t li = 0, fi = 0;
	uint64_t pos = 0;
	size_t most;

	settle_loads(image);
	settle_files(image);
	/* Every boundary of either list ends at most one piece; a piece has at most three segments.
	 */
	most = 2 * ((size_t)image->load_count + image->file_count) + 1;
	free(image->mappings);
	free(image->segments);
	image->mappings = calloc(most, sizeof(*image->mappings));
	image->segments = calloc(3 * most, sizeof(*image->segments));
	if (!image->mappings || !image->segments)
		return &nec_enomem;
	image->mapping_count = 0;
	image->segment_count = 0;
	image->completeness.mapped = 0;
	image->completeness.dumped = 0;
	image->completeness.from_files = 0;
	image->completeness.initial = 0;
	out.trust_writable = has_written_file_pages(image);
	while (li < image->load_count || fi < image->file_count) {
		const struct nec_load *l = li < image->load_count ? &image->loads[li] : NULL;
		const struct nec_file_range *f = fi < image->file_count ? &image->files[fi] : NULL;
		uint64_t l_start = l ? (l->start > pos ? l->start : pos) : UINT64_MAX;
		uint64_t f_start = f ? (f->start > pos ? f->start : pos) : UINT64_MAX;
		uint64_t start = l_start < f_start ? l_start : f_start, end = UINT64_MAX;
		bool in_load = l && l_start == start, in_file = f && f_start == start;

		/* Up to whatever begins or ends first. */
		if (l)
			end = in_load ? l->end : l_start;
		if (f && (in_file ? f->end : f_start) < end)
			end = in_file ? f->end : f_start;
		add_piece(&out, start, end, in_load ? l : NULL, in_file ? f : NULL);
		pos = end;
		if (l && l->end <= pos)
			li++;
		if (f && f->end <= pos)
			fi++;
	}
	if (image->completeness.initial)
		nec_image_warn(
			image,
			"%llu bytes of static data were cut off: what their files put there at the start stands in",
			(unsigned long long)image->completeness.initial);
	image->completeness.missing = image->completeness.mapped - image->completeness.dumped -
				      image->completeness.from_files;
	return nec_image_reindex(image);
}
