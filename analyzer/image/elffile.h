/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ELF file of this machine, mapped. Nothing of it is believed. Inside image/ alone. */
#ifndef NEC_IMAGE_ELFFILE_H
#define NEC_IMAGE_ELFFILE_H

#include "image/elfhead.h"

struct nec_elffile {
	const uint8_t *data; /* mapped read-only; whoever takes it sets it to NULL */
	uint64_t size;       /* bytes */
	struct nec_elf elf;
	uint8_t build_id[64];
	uint32_t build_id_size; /* 0: none */
};

/* Maps the file at path and reads its headers and build id; false when there is no such ELF file. */
bool nec_elffile_map(const char *path, struct nec_elffile *ret);

void nec_elffile_unmap(struct nec_elffile *file); /* of one that is not mapped: nothing */

#define _cleanup_elffile_ _cleanup_(nec_elffile_unmap)

/* The len bytes at a link-time address, NULL where the file does not have them. */
const uint8_t *nec_elffile_at(const struct nec_elffile *file, uint64_t vaddr, uint64_t len);

/*
 * What the dynamic loader is told, a text of DT_NEEDED, DT_RUNPATH or DT_RPATH: the n-th of them. Borrowed; NULL: there are
 * not so many.
 */
const char *nec_elffile_dynamic_text(const struct nec_elffile *file, int64_t tag, uint32_t n);

#endif
