/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ELF file as the dynamic loader left it in the memory of the process: headers, notes and
 * dynamic section. Works without the file, as far as the dump has the pages.
 */
#ifndef NEC_IMAGE_MEMELF_H
#define NEC_IMAGE_MEMELF_H

#include "image/elfhead.h"
#include "image/image.h"

/* Entries of PT_DYNAMIC, tables as addresses in the process; 0 where there is none. */
struct nec_dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
	uint64_t soname;  /* offset into strtab */
	uint64_t debug;   /* address of struct r_debug */
	uint64_t flags_1; /* DF_1_* */
};

/* The headers of the ELF file whose first byte is at start; false when there is none of this
 * machine. */
bool nec_memelf_read(const struct nec_image *image, uint64_t start, struct nec_elf *ret);

uint32_t nec_memelf_build_id(const struct nec_image *image, const struct nec_elf *elf,
			     uint64_t bias, uint8_t build_id[64]);

bool nec_memelf_dynamic(const struct nec_image *image, const struct nec_elf *elf, uint64_t bias,
			struct nec_dynamic *ret);

/* The n-th text of a tag (DT_NEEDED, DT_RUNPATH), borrowed; NULL: there are not so many, or it was
 * not dumped. */
const char *nec_memelf_dynamic_text(const struct nec_image *image, const struct nec_elf *elf,
				    uint64_t bias, int64_t tag, uint32_t n);

/*
 * The number of symbols in .dynsym, which only the hash tables tell: DT_HASH says it, of
 * DT_GNU_HASH the last chain is walked to its end. 0 when neither is there.
 */
uint32_t nec_memelf_symbol_count(const struct nec_image *image, const struct nec_dynamic *dyn);

#endif
