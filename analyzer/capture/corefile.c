/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ELF core of a stopped process; see corefile.h. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "capture/corefile.h"
#include "capture/notes.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "capture: which EM_* is this machine?"
#endif

enum {
	LARGE = 8 << 20,   /* bytes of a segment that is copied last */
	CHUNK = 2 << 20,   /* bytes read and written at once */
	DATA_PAGES = 4096, /* of a file's private writable mapping that is dumped as one: structs in
			      the data of a library go over its pages */
	GAP_PAGES = 16,    /* pages of a file that are dumped rather than make two more headers */
	ROOM_STEP = 64 << 20, /* bytes between looks at the free space */
};

struct writer {
	struct nec_target *t;
	int fd;
	uint64_t page, min_free, until_look;
	struct nec_progress *progress;
	Elf64_Phdr *phdrs; /* [0] is the notes */
	bool *whole;       /* beside phdrs: all pages are to be read, whatever the page table has */
	size_t count, capacity;
	uint64_t total; /* bytes of all segments, for progress */
	uint64_t done;
	uint8_t *buf;              /* CHUNK */
	enum nec_page_kind *pages; /* CHUNK / page, or those of one mapping while planning */
	struct nec_corefile *ret;
};

uint64_t nec_corefile_room(int fd)
{
	struct statvfs st;

	return fstatvfs(fd, &st) ? UINT64_MAX : (uint64_t)st.f_bavail * st.f_frsize;
}

static struct nec_error *put(struct writer *w, const void *data, size_t size, uint64_t off)
{
	ssize_t n;

	if (size >= w->until_look) {
		uint64_t room = nec_corefile_room(w->fd);

		if (room < w->min_free + size)
			return nec_error_create(NEC_ERR_NOSPACE,
						"the disk would have less than %" PRIu64
						" bytes free: capture given up",
						w->min_free);
		w->until_look = ROOM_STEP;
	} else {
		w->until_look -= size;
	}
	while (size) {
		n = pwrite(w->fd, data, size, (off_t)off);
		if (n < 0 && errno != EINTR)
			return nec_error_os(errno, "writing the core");
		if (n > 0) {
			data = (const char *)data + n;
			size -= (size_t)n;
			off += (uint64_t)n;
		}
	}
	return NULL;
}

/* ---- what there is to write ---------------------------------------------------------------------
 */

static struct nec_error *add_segment(struct writer *w, const struct nec_vma *v, uint64_t start,
				     uint64_t end, uint64_t filesz)
{
	Elf64_Phdr *phdrs;
	bool *whole;

	if (w->count == w->capacity) {
		size_t more = w->capacity ? w->capacity * 2 : 512;

		phdrs = realloc(w->phdrs, more * sizeof(*phdrs));
		if (!phdrs)
			return &nec_enomem;
		w->phdrs = phdrs;
		whole = realloc(w->whole, more * sizeof(*whole));
		if (!whole)
			return &nec_enomem;
		w->whole = whole;
		w->capacity = more;
	}
	/* Others may have filled shared memory that this process has not touched yet, and untouched
	 * pages of a file are not zeros. */
	w->whole[w->count] = v->perms[3] == 's' || v->file;
	w->phdrs[w->count++] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_vaddr = start,
		.p_memsz = end - start,
		.p_filesz = filesz,
		.p_flags = (v->perms[0] == 'r' ? PF_R : 0u) | (v->perms[1] == 'w' ? PF_W : 0u) |
			   (v->perms[2] == 'x' ? PF_X : 0u),
		.p_align = w->page,
	};
	w->total += filesz;
	return NULL;
}

static bool begins_elf(const struct nec_target *t, const struct nec_vma *v)
{
	char magic[SELFMAG];

	return !v->offset && v->perms[0] == 'r' &&
	       nec_target_read(t, v->start, magic, SELFMAG) == SELFMAG &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/* Runs of pages that the process wrote to, between those that its file has. */
static struct nec_error *plan_file(struct writer *w, const struct nec_vma *v)
{
	uint64_t count = (v->end - v->start) / w->page, i, j, start, own_end;
	bool shared = v->perms[3] == 's';
	enum nec_page_kind *pages;

	if (shared)
		return add_segment(w, v, v->start, v->end, begins_elf(w->t, v) ? w->page : 0);
	pages = malloc(count * sizeof(*pages));
	if (!pages)
		return &nec_enomem;
	nec_target_pages(w->t, v->start, count, pages);
	if (begins_elf(w->t, v))
		pages[0] = NEC_PAGE_OWN;
	w->pages = pages; /* freed by the caller, also on failure */
	for (i = 0; i < count && pages[i] != NEC_PAGE_OWN; i++)
		;
	if (i < count && v->perms[1] == 'w' && count <= DATA_PAGES)
		for (i = 0; i < count; i++)
			pages[i] = NEC_PAGE_OWN;
	for (i = 0; i < count; i = j) {
		start = i;
		if (pages[i] != NEC_PAGE_OWN) {
			for (j = i; j < count && pages[j] != NEC_PAGE_OWN; j++)
				;
			NEC_TRY(add_segment(w, v, v->start + start * w->page,
					    v->start + j * w->page, 0));
			continue;
		}
		own_end = i + 1;
		for (j = own_end; j < count && j - own_end < GAP_PAGES; j++) {
			if (pages[j] == NEC_PAGE_OWN)
				own_end = j + 1;
		}
		j = own_end;
		NEC_TRY(add_segment(w, v, v->start + start * w->page, v->start + j * w->page,
				    (j - start) * w->page));
	}
	return NULL;
}

static struct nec_error *plan(struct writer *w)
{
	struct nec_error *err = NULL;
	size_t i;

	NEC_TRY(add_segment(w, &(struct nec_vma){0}, 0, 0, 0));
	for (i = 0; !err && i < w->t->vma_count; i++) {
		const struct nec_vma *v = &w->t->vmas[i];

		if (v->skip) {
			err = add_segment(w, v, v->start, v->end, 0);
		} else if (v->file) {
			err = plan_file(w, v);
			free(w->pages);
			w->pages = NULL;
		} else {
			err = add_segment(w, v, v->start, v->end, v->end - v->start);
		}
	}
	return err;
}

/* ---- writing ------------------------------------------------------------------------------------
 */

/* More than 65,534 headers: their number stands in the first section header. */
static struct nec_error *put_headers(struct writer *w)
{
	bool many = w->count >= PN_XNUM;
	Elf64_Shdr section = {.sh_info = (Elf64_Word)w->count};
	Elf64_Ehdr head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
			    ELFOSABI_NONE},
		.e_type = ET_CORE,
		.e_machine = MACHINE,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head) + sizeof(section),
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = many ? PN_XNUM : (Elf64_Half)w->count,
		.e_shoff = many ? sizeof(head) : 0,
		.e_shentsize = many ? sizeof(section) : 0,
		.e_shnum = many,
	};

	NEC_TRY(put(w, &head, sizeof(head), 0));
	NEC_TRY(put(w, &section, sizeof(section), sizeof(head)));
	return put(w, w->phdrs, w->count * sizeof(*w->phdrs), head.e_phoff);
}

static bool is_zero(const uint8_t *p, size_t size)
{
	return !p[0] && !memcmp(p, p + 1, size - 1);
}

/* Writes [addr, addr + size) but for its pages of zeros; those are holes. */
static struct nec_error *put_memory(struct writer *w, const uint8_t *data, size_t size,
				    uint64_t off)
{
	size_t i, j;

	for (i = 0; i < size; i = j) {
		size_t n = size - i < w->page ? size - i : w->page;

		j = i + n;
		if (is_zero(data + i, n))
			continue;
		while (j < size && !is_zero(data + j, size - j < w->page ? size - j : w->page))
			j += size - j < w->page ? size - j : w->page;
		NEC_TRY(put(w, data + i, j - i, off + i));
		w->ret->written += j - i;
	}
	return NULL;
}

/* One run of pages that are there. *got_ret: bytes of it that could be read, counted from its
 * start. */
static struct nec_error *copy_run(struct writer *w, uint64_t addr, size_t size, uint64_t off,
				  size_t *got_ret)
{
	*got_ret = nec_target_read(w->t, addr, w->buf, size);
	return *got_ret ? put_memory(w, w->buf, *got_ret, off) : NULL;
}

/* Copies one segment. Pages that cannot be read although the target lives are left out, as guards
 * within a mapping are; after so many the segment ends. */
static struct nec_error *copy_segment(struct writer *w, Elf64_Phdr *ph, bool whole)
{
	enum { UNREADABLE_PAGES = 4096 };
	size_t i, j, got, unreadable = 0;
	uint64_t pos = 0, n;

	while (pos < ph->p_filesz) {
		n = ph->p_filesz - pos < CHUNK ? ph->p_filesz - pos : CHUNK;
		nec_target_pages(w->t, ph->p_vaddr + pos, n / w->page, w->pages);
		for (i = 0; i < n / w->page; i = j) {
			bool there = whole || w->pages[i] != NEC_PAGE_NONE;

			for (j = i;
			     j < n / w->page && there == (whole || w->pages[j] != NEC_PAGE_NONE);
			     j++)
				;
			if (!there)
				continue;
			NEC_TRY(copy_run(w, ph->p_vaddr + pos + i * w->page, (j - i) * w->page,
					 ph->p_offset + pos + i * w->page, &got));
			if (got == (j - i) * w->page)
				continue;
			if (unreadable++ < UNREADABLE_PAGES && nec_target_has_memory(w->t)) {
				w->ret->missing += w->page;
				j = i + got / w->page + 1;
			} else {
				w->ret->missing += ph->p_filesz - (pos + i * w->page + got);
				ph->p_filesz = pos + i * w->page + got;
				return NULL;
			}
		}
		pos += n;
		w->done += n;
		NEC_TRY(nec_progress_step(w->progress, "capture", w->done, w->total));
	}
	return NULL;
}

/* Which go first: what is large can be done without, what is small tells how to read the rest. */
static bool is_late(const Elf64_Phdr *ph)
{
	return ph->p_filesz > LARGE;
}

static struct nec_error *copy_all(struct writer *w, bool late)
{
	size_t i;

	for (i = 1; i < w->count; i++) {
		Elf64_Phdr *ph = &w->phdrs[i];
		uint64_t before = w->ret->missing;

		if (is_late(ph) != late)
			continue;
		if (w->ret->died) {
			w->ret->missing += ph->p_filesz;
			ph->p_filesz = 0;
			continue;
		}
		NEC_TRY(copy_segment(w, ph, w->whole[i]));
		/* Nobody reads the memory of a process that was killed: what comes is gone as well.
		 */
		if (w->ret->missing > before && !nec_target_has_memory(w->t))
			w->ret->died = true;
	}
	return NULL;
}

/* Places segments in the file in the order in which they are copied. */
static void place(struct writer *w, bool late, uint64_t *off)
{
	size_t i;

	for (i = 1; i < w->count; i++) {
		if (is_late(&w->phdrs[i]) != late)
			continue;
		*off = (*off + w->page - 1) / w->page * w->page;
		w->phdrs[i].p_offset = *off;
		*off += w->phdrs[i].p_filesz;
	}
}

static struct nec_error *write_core(struct writer *w)
{
	_cleanup_(nec_text_deinit) struct nec_text notes = {0};
	uint64_t off;

	nec_notes_make(w->t, &notes);
	if (notes.failed)
		return &nec_enomem;
	NEC_TRY(plan(w));
	off = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) + w->count * sizeof(*w->phdrs);
	w->phdrs[0] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = off, .p_filesz = notes.len, .p_align = 4};
	off += notes.len;
	place(w, false, &off);
	place(w, true, &off);
	w->ret->size = off;
	NEC_TRY(put_headers(w));
	NEC_TRY(put(w, notes.data, notes.len, w->phdrs[0].p_offset));
	w->pages = malloc(CHUNK / w->page * sizeof(*w->pages));
	w->buf = malloc(CHUNK);
	if (!w->pages || !w->buf)
		return &nec_enomem;
	NEC_TRY(copy_all(w, false));
	NEC_TRY(copy_all(w, true));
	if (ftruncate(w->fd, (off_t)off))
		return nec_error_os(errno, "writing the core");
	/* Again, for what turned out to be shorter than planned. */
	return w->ret->missing ? put_headers(w) : NULL;
}

struct nec_error *nec_corefile_write(struct nec_target *target, int fd, uint64_t min_free,
				     struct nec_progress *progress, struct nec_corefile *ret)
{
	struct writer w = {.t = target,
			   .fd = fd,
			   .page = (uint64_t)sysconf(_SC_PAGESIZE),
			   .min_free = min_free,
			   .progress = progress,
			   .ret = ret};
	struct nec_error *err;

	*ret = (struct nec_corefile){0};
	err = write_core(&w);
	free(w.phdrs);
	free(w.whole);
	free(w.pages);
	free(w.buf);
	return err;
}
