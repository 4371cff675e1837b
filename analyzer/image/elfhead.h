/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The headers of an ELF file as its first bytes tell them, be they those of a file or of the page of memory that it was
 * mapped to. Bounded: neither a file nor a dump is believed. For 64-bit little-endian files only.
 */
#ifndef NEC_IMAGE_ELFHEAD_H
#define NEC_IMAGE_ELFHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NEC_ELF_LOADS = 16, /* libraries have four or five */
	NEC_ELF_NOTES = 8,
};

struct nec_elf_load {
	uint64_t off, vaddr, filesz, memsz;
	uint32_t perms; /* NEC_PERM_* */
};

struct nec_elf {
	uint16_t type, machine;
	uint32_t load_count, note_count;
	struct nec_elf_load loads[NEC_ELF_LOADS];
	struct {
		uint64_t off, vaddr, size;
	} notes[NEC_ELF_NOTES];
	uint64_t header_vaddr; /* link-time address of the ELF header itself */
	uint64_t end_vaddr;    /* behind the last PT_LOAD */
	uint64_t dynamic_vaddr, dynamic_size; /* PT_DYNAMIC; 0: none */
	uint64_t eh_frame_hdr_vaddr, eh_frame_hdr_size; /* PT_GNU_EH_FRAME; size 0: none */
};

/* False when data is no ELF program or library, or damaged. */
bool nec_elf_parse(const uint8_t *data, size_t size, struct nec_elf *ret);

/* The PT_LOAD that covers vaddr, NULL for none. */
const struct nec_elf_load *nec_elf_load_at(const struct nec_elf *elf, uint64_t vaddr);

/* The GNU build id in the bytes of a PT_NOTE: its size, 0 for none. */
uint32_t nec_elf_build_id(const uint8_t *notes, size_t size, uint8_t build_id[64]);

#endif
