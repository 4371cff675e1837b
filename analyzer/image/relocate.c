/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Relocating a file as the dynamic loader did; see relocate.h. The formats are those of the gABI
 * and its DT_RELR. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image/elffile.h"
#include "image/private.h"
#include "image/relocate.h"

/* Relocations of a library are tens of thousands; the sum of what one may name. */
enum { MAX_SYMBOLIC = 1 << 20 };

struct relocation {
	struct nec_image *image;
	const struct nec_objfile *obj;
	struct nec_elffile file; /* its data is the copy */
	uint64_t rela, rela_size, relr, relr_size, symtab, strtab, strtab_size; /* p_vaddr, bytes */
};

/* Where len bytes at a link-time address lie in the copy; NULL when they are not in the file. */
static uint8_t *at(const struct relocation *r, uint64_t vaddr, uint64_t len)
{
	return (uint8_t *)(uintptr_t)nec_elffile_at(&r->file, vaddr, len);
}

static bool is_writable(const struct relocation *r, uint64_t vaddr)
{
	const struct nec_elf_load *load = nec_elf_load_at(&r->file.elf, vaddr);

	return load && load->perms & NEC_PERM_W;
}

static void put(const struct relocation *r, uint64_t vaddr, uint64_t value)
{
	uint8_t *p = is_writable(r, vaddr) ? at(r, vaddr, 8) : NULL;

	if (p)
		memcpy(p, &value, 8);
}

static void read_dynamic(struct relocation *r)
{
	uint64_t n = r->file.elf.dynamic_size / sizeof(Elf64_Dyn), i;

	for (i = 0; i < n; i++) {
		const uint8_t *p =
			at(r, r->file.elf.dynamic_vaddr + i * sizeof(Elf64_Dyn), sizeof(Elf64_Dyn));
		Elf64_Dyn d;

		if (!p)
			return;
		memcpy(&d, p, sizeof(d));
		switch (d.d_tag) {
		case DT_NULL:
			return;
		case DT_RELA:
			r->rela = d.d_un.d_ptr;
			break;
		case DT_RELASZ:
			r->rela_size = d.d_un.d_val;
			break;
		case 36: /* DT_RELR, since 2022 */
			r->relr = d.d_un.d_ptr;
			break;
		case 35: /* DT_RELRSZ */
			r->relr_size = d.d_un.d_val;
			break;
		case DT_SYMTAB:
			r->symtab = d.d_un.d_ptr;
			break;
		case DT_STRTAB:
			r->strtab = d.d_un.d_ptr;
			break;
		case DT_STRSZ:
			r->strtab_size = d.d_un.d_val;
			break;
		}
	}
}

/* The address of symbol number i of the file, 0 where nothing defines it. */
static uint64_t symbol(const struct relocation *r, uint64_t i)
{
	const uint8_t *p = at(r, r->symtab + i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
	uint64_t addr, size;
	struct nec_error *err;
	const char *name;
	Elf64_Sym sym;

	if (!p)
		return 0;
	memcpy(&sym, p, sizeof(sym));
	if (sym.st_shndx != SHN_UNDEF)
		return sym.st_shndx == SHN_ABS ? sym.st_value : r->obj->bias + sym.st_value;
	if (sym.st_name >= r->strtab_size)
		return 0;
	name = (const char *)at(r, r->strtab + sym.st_name, 1);
	if (!name ||
	    !memchr(name, 0, r->file.size - (uint64_t)((const uint8_t *)name - r->file.data)))
		return 0;
	err = nec_image_symbol(r->image, UINT32_MAX, name, &addr, &size);
	if (!err)
		return addr;
	nec_error_destroy(err);
	return 0;
}

static void apply_rela(const struct relocation *r)
{
	uint64_t n = r->rela_size / sizeof(Elf64_Rela), i, symbolic = 0, value;
	bool arm = r->image->process.machine == EM_AARCH64;

	for (i = 0; i < n; i++) {
		const uint8_t *p = at(r, r->rela + i * sizeof(Elf64_Rela), sizeof(Elf64_Rela));
		Elf64_Rela rela;
		uint32_t type;

		if (!p)
			return;
		memcpy(&rela, p, sizeof(rela));
		type = (uint32_t)ELF64_R_TYPE(rela.r_info);
		if (type == (arm ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE)) {
			put(r, rela.r_offset, r->obj->bias + (uint64_t)rela.r_addend);
		} else if ((type == (arm ? R_AARCH64_ABS64 : R_X86_64_64) ||
			    type == (arm ? R_AARCH64_GLOB_DAT : R_X86_64_GLOB_DAT)) &&
			   symbolic++ < MAX_SYMBOLIC) {
			value = symbol(r, ELF64_R_SYM(rela.r_info));
			if (value)
				put(r, rela.r_offset, value + (uint64_t)rela.r_addend);
		}
	}
}

/* Of a relative relocation whose addend is what is there. */
static void relocate_in_place(const struct relocation *r, uint64_t vaddr)
{
	const uint8_t *p = at(r, vaddr, 8);
	uint64_t value;

	if (!p)
		return;
	memcpy(&value, p, 8);
	put(r, vaddr, r->obj->bias + value);
}

/* An even word is an address, an odd one a bitmap of the 63 words behind the last. */
static void apply_relr(const struct relocation *r)
{
	uint64_t n = r->relr_size / 8, where = 0, word, i, bit;

	for (i = 0; i < n; i++) {
		const uint8_t *p = at(r, r->relr + i * 8, 8);

		if (!p)
			return;
		memcpy(&word, p, 8);
		if (!(word & 1)) {
			relocate_in_place(r, word);
			where = word + 8;
			continue;
		}
		for (bit = 0; word >>= 1; bit++)
			if (word & 1)
				relocate_in_place(r, where + bit * 8);
		where += UINT64_C(63) * 8;
	}
}

const uint8_t *nec_relocated(struct nec_image *image, uint32_t i)
{
	struct nec_objfile_data *data = &image->objfile_data[i];
	struct relocation r = {.image = image, .obj = &image->objfiles[i]};
	uint8_t *copy;

	if (data->initial || !data->map)
		return data->initial;
	copy = calloc(1, (data->map_size + 4095) & -UINT64_C(4096));
	if (!copy)
		return NULL;
	memcpy(copy, data->map, data->map_size);
	r.file = (struct nec_elffile){.data = copy, .size = data->map_size, .elf = data->elf};
	read_dynamic(&r);
	apply_relr(&r);
	apply_rela(&r);
	data->initial = copy;
	return copy;
}
