/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF files in the memory of the process; see memelf.h. */
#include <elf.h>

#include "image/memelf.h"
#include "image/private.h"

enum {
	MAX_DYNAMIC = 1024,    /* entries: libraries have about 30 */
	MAX_TEXT = 1 << 16,    /* bytes: a DT_RUNPATH of many directories has a few KiB */
	MAX_NOTES = 1 << 16,   /* bytes of a PT_NOTE: build id, ABI tag, properties, package */
	MAX_SYMBOLS = 1 << 24, /* the largest libraries export some 100,000 */
	MAX_HASH_BUCKETS = 1 << 24,
};

bool nec_memelf_read(const struct nec_image *image, uint64_t start, struct nec_elf *ret)
{
	const struct nec_segment *s = nec_image_segment_at(image, start);

	return s && nec_elf_parse(s->data + (start - s->start), s->end - start, ret) &&
	       ret->machine == image->process.machine;
}

uint32_t nec_memelf_build_id(const struct nec_image *image, const struct nec_elf *elf,
			     uint64_t bias, uint8_t build_id[64])
{
	for (uint32_t i = 0; i < elf->note_count; i++) {
		const void *notes;
		uint32_t size;

		if (elf->notes[i].size > MAX_NOTES)
			continue;
		notes = nec_image_view(image, bias + elf->notes[i].vaddr, elf->notes[i].size);
		size = notes ? nec_elf_build_id(notes, elf->notes[i].size, build_id) : 0;
		if (size)
			return size;
	}
	return 0;
}

bool nec_memelf_dynamic(const struct nec_image *image, const struct nec_elf *elf, uint64_t bias,
			struct nec_dynamic *ret)
{
	uint64_t addr = bias + elf->dynamic_vaddr, low = bias + elf->header_vaddr;
	uint64_t *tables[] = {&ret->symtab, &ret->strtab, &ret->hash, &ret->gnu_hash};

	*ret = (struct nec_dynamic){0};
	if (!elf->dynamic_size)
		return false;
	for (uint64_t i = 0; i < MAX_DYNAMIC && i < elf->dynamic_size / 16; i++) {
		uint64_t tag, value;

		if (!nec_image_u64(image, addr + 16 * i, &tag) ||
		    !nec_image_u64(image, addr + 16 * i + 8, &value))
			return false;
		switch (tag) {
		case DT_NULL:
			i = MAX_DYNAMIC;
			break;
		case DT_SYMTAB:
			ret->symtab = value;
			break;
		case DT_STRTAB:
			ret->strtab = value;
			break;
		case DT_STRSZ:
			ret->strsz = value;
			break;
		case DT_HASH:
			ret->hash = value;
			break;
		case DT_GNU_HASH:
			ret->gnu_hash = value;
			break;
		case DT_SONAME:
			ret->soname = value;
			break;
		case DT_DEBUG:
			ret->debug = value;
			break;
		case DT_FLAGS_1:
			ret->flags_1 = value;
			break;
		}
	}
	/* glibc adds the bias to these in place, musl and the vdso leave them as they were linked.
	 */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (*tables[i] && *tables[i] < low)
			*tables[i] += bias;
	}
	return true;
}

const char *nec_memelf_dynamic_text(const struct nec_image *image, const struct nec_elf *elf,
				    uint64_t bias, int64_t tag, uint32_t n)
{
	uint64_t addr = bias + elf->dynamic_vaddr, value, most;
	struct nec_dynamic dyn;
	int64_t own;

	if (!nec_memelf_dynamic(image, elf, bias, &dyn) || !dyn.strtab)
		return NULL;
	for (uint64_t i = 0; i < MAX_DYNAMIC && i < elf->dynamic_size / 16; i++) {
		if (!nec_image_u64(image, addr + 16 * i, (uint64_t *)&own) || own == DT_NULL ||
		    !nec_image_u64(image, addr + 16 * i + 8, &value))
			return NULL;
		if (own != tag || n--)
			continue;
		if (value >= dyn.strsz)
			return NULL;
		most = dyn.strsz - value < MAX_TEXT ? dyn.strsz - value : MAX_TEXT;
		return nec_image_cstr(image, dyn.strtab + value, most);
	}
	return NULL;
}

static uint32_t count_by_gnu_hash(const struct nec_image *image, uint64_t table)
{
	uint32_t head[4]; /* buckets, first symbol, words of the Bloom filter, its shift */
	uint32_t last = 0, word;
	uint64_t buckets, chains;

	if (!nec_image_u32(image, table, &head[0]) || !nec_image_u32(image, table + 4, &head[1]) ||
	    !nec_image_u32(image, table + 8, &head[2]) || head[0] > MAX_HASH_BUCKETS)
		return 0;
	buckets = table + 16 + (uint64_t)head[2] * 8;
	chains = buckets + (uint64_t)head[0] * 4;
	for (uint32_t i = 0; i < head[0]; i++) {
		if (!nec_image_u32(image, buckets + 4 * (uint64_t)i, &word))
			return 0;
		last = word > last ? word : last;
	}
	if (last < head[1])
		return head[1];
	for (; last < MAX_SYMBOLS; last++) {
		if (!nec_image_u32(image, chains + 4 * (uint64_t)(last - head[1]), &word))
			return 0;
		if (word & 1)
			return last + 1;
	}
	return 0;
}

uint32_t nec_memelf_symbol_count(const struct nec_image *image, const struct nec_dynamic *dyn)
{
	uint32_t count = 0;

	if (dyn->hash && nec_image_u32(image, dyn->hash + 4, &count) && count &&
	    count < MAX_SYMBOLS)
		return count;
	return dyn->gnu_hash ? count_by_gnu_hash(image, dyn->gnu_hash) : 0;
}
