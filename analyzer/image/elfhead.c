/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF headers from their first bytes; see elfhead.h. The format: System V ABI, chapters 4 and 5. */
#include <elf.h>
#include <string.h>

#include "base/cursor.h"
#include "image/elfhead.h"
#include "image/image.h"

/* A span of a file in memory above this is damage: the largest libraries are a few GiB. */
#define MAX_SPAN (UINT64_C(1) << 38)

#define PAGE     UINT64_C(4096)

static void add_segment(struct nec_elf *elf, const Elf64_Phdr *ph)
{
	switch (ph->p_type) {
	case PT_LOAD:
		if (elf->load_count < NEC_ELF_LOADS)
			elf->loads[elf->load_count++] = (struct nec_elf_load){
				.off = ph->p_offset,
				.vaddr = ph->p_vaddr,
				.filesz = ph->p_filesz,
				.memsz = ph->p_memsz,
				.perms = ph->p_flags & (PF_R | PF_W | PF_X),
			};
		break;
	case PT_NOTE:
		if (elf->note_count < NEC_ELF_NOTES) {
			elf->notes[elf->note_count].off = ph->p_offset;
			elf->notes[elf->note_count].vaddr = ph->p_vaddr;
			elf->notes[elf->note_count++].size = ph->p_filesz;
		}
		break;
	case PT_DYNAMIC:
		elf->dynamic_vaddr = ph->p_vaddr;
		elf->dynamic_size = ph->p_memsz;
		break;
	case PT_GNU_EH_FRAME:
		elf->eh_frame_hdr_vaddr = ph->p_vaddr;
		elf->eh_frame_hdr_size = ph->p_memsz;
		break;
	}
}

bool nec_elf_parse(const uint8_t *data, size_t size, struct nec_elf *ret)
{
	struct nec_cursor c = nec_cursor_init(data, size);
	const struct nec_elf_load *first;
	Elf64_Ehdr eh;

	*ret = (struct nec_elf){0};
	if (size < sizeof(eh))
		return false;
	memcpy(&eh, data, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB || (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) ||
	    eh.e_phentsize != sizeof(Elf64_Phdr) || eh.e_phoff > size)
		return false;
	ret->type = eh.e_type;
	ret->machine = eh.e_machine;
	c.off = eh.e_phoff;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		const void *p = nec_cursor_bytes(&c, sizeof(Elf64_Phdr));
		Elf64_Phdr ph;

		if (!p)
			break;
		memcpy(&ph, p, sizeof(ph));
		add_segment(ret, &ph);
	}
	if (!ret->load_count)
		return false;
	first = &ret->loads[0];
	ret->header_vaddr = first->vaddr - first->off;
	for (uint32_t i = 0; i < ret->load_count; i++) {
		uint64_t end;

		if (__builtin_add_overflow(ret->loads[i].vaddr, ret->loads[i].memsz, &end) ||
		    end < ret->header_vaddr || end - ret->header_vaddr > MAX_SPAN)
			return false;
		if (end > ret->end_vaddr)
			ret->end_vaddr = end;
	}
	return true;
}

const struct nec_elf_load *nec_elf_load_at(const struct nec_elf *elf, uint64_t vaddr)
{
	/* A page that two share belongs to the later one: it is mapped last. */
	for (uint32_t i = elf->load_count; i-- > 0;) {
		const struct nec_elf_load *l = &elf->loads[i];
		uint64_t start = l->vaddr & -PAGE, end = (l->vaddr + l->memsz + PAGE - 1) & -PAGE;

		if (vaddr >= start && vaddr < end)
			return l;
	}
	return NULL;
}

uint32_t nec_elf_build_id(const uint8_t *notes, size_t size, uint8_t build_id[64])
{
	struct nec_cursor c = nec_cursor_init(notes, size);

	while (nec_cursor_left(&c) >= 12) {
		uint32_t namesz = nec_cursor_u32(&c), descsz = nec_cursor_u32(&c);
		uint32_t type = nec_cursor_u32(&c);
		const char *name = nec_cursor_bytes(&c, namesz);
		const uint8_t *desc;

		nec_cursor_align(&c, 4);
		desc = nec_cursor_bytes(&c, descsz);
		nec_cursor_align(&c, 4);
		if (c.failed)
			return 0;
		if (type != NT_GNU_BUILD_ID || namesz != 4 || memcmp(name, "GNU", 4) || !descsz)
			continue;
		if (descsz > 64)
			return 0;
		memcpy(build_id, desc, descsz);
		return descsz;
	}
	return 0;
}
