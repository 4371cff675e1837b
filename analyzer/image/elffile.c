/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ELF file of this machine, mapped; see elffile.h. The format: System V ABI, chapters 4 and 5.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/elffile.h"

enum { MAX_DYNAMIC = 1024 }; /* entries: libraries have about 30 */

void nec_elffile_unmap(struct nec_elffile *file)
{
	if (file->data)
		munmap((void *)(uintptr_t)file->data, file->size);
	file->data = NULL;
}

bool nec_elffile_map(const char *path, struct nec_elffile *ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	void *p;

	*ret = (struct nec_elffile){0};
	/* The path is out of a dump: nothing but plain files is opened. */
	if (stat(path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	ret->data = p;
	ret->size = (uint64_t)st.st_size;
	if (!nec_elf_parse(ret->data, ret->size, &ret->elf)) {
		nec_elffile_unmap(ret);
		return false;
	}
	for (uint32_t i = 0; i < ret->elf.note_count && !ret->build_id_size; i++) {
		uint64_t off = ret->elf.notes[i].off, size = ret->elf.notes[i].size;

		if (off <= ret->size && size <= ret->size - off)
			ret->build_id_size = nec_elf_build_id(ret->data + off, size, ret->build_id);
	}
	return true;
}

const uint8_t *nec_elffile_at(const struct nec_elffile *file, uint64_t vaddr, uint64_t len)
{
	const struct nec_elf_load *load = nec_elf_load_at(&file->elf, vaddr);
	uint64_t in, off;

	if (!load || vaddr < load->vaddr)
		return NULL;
	in = vaddr - load->vaddr;
	if (in >= load->filesz || len > load->filesz - in ||
	    __builtin_add_overflow(load->off, in, &off))
		return NULL;
	return off < file->size && len <= file->size - off ? file->data + off : NULL;
}

/* The value of the n-th entry of that tag. */
static bool dynamic(const struct nec_elffile *file, int64_t tag, uint32_t n, uint64_t *ret)
{
	uint64_t count = file->elf.dynamic_size / sizeof(Elf64_Dyn);

	for (uint64_t i = 0; i < count && i < MAX_DYNAMIC; i++) {
		const uint8_t *p = nec_elffile_at(
			file, file->elf.dynamic_vaddr + i * sizeof(Elf64_Dyn), sizeof(Elf64_Dyn));
		Elf64_Dyn d;

		if (!p)
			return false;
		memcpy(&d, p, sizeof(d));
		if (d.d_tag == DT_NULL)
			return false;
		if (d.d_tag != tag || n--)
			continue;
		*ret = d.d_un.d_val;
		return true;
	}
	return false;
}

const char *nec_elffile_dynamic_text(const struct nec_elffile *file, int64_t tag, uint32_t n)
{
	uint64_t off, table, size;
	const char *text;

	if (!dynamic(file, tag, n, &off) || !dynamic(file, DT_STRTAB, 0, &table) ||
	    !dynamic(file, DT_STRSZ, 0, &size) || off >= size)
		return NULL;
	text = (const char *)nec_elffile_at(file, table, size);
	return text && memchr(text + off, 0, size - off) ? text + off : NULL;
}
