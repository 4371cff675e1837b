/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds small ELF cores, and the small ELF file that was mapped into them, for tests of what reads
 *cores.
 *
 *	struct corebuilder cb = {.machine = EM_X86_64};
 *	cb_load(&cb, 0x1000, bytes, 4096, 8192, PF_R | PF_W);	4 KiB dumped of 8
 *	cb_thread(&cb, 42, SIGABRT, pc, sp);
 *	cb_file(&cb, 0x1000, 0x3000, 0, "/usr/lib/libx.so");
 *	data = cb_build(&cb, &size);				to be freed; cb is empty again
 *
 * Running out of memory or room aborts: it is a test.
 */
#ifndef NEC_TESTS_COREBUILDER_H
#define NEC_TESTS_COREBUILDER_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CB_LOADS = 2048, CB_FILES = 16, CB_PAGE = 4096 };

struct corebuilder {
	uint16_t machine;
	bool notes_last; /* as gcore does it, with p_align 1 */
	uint32_t load_count, file_count;
	struct {
		uint64_t vaddr, filesz, memsz;
		uint8_t *data;
		uint32_t flags;
	} loads[CB_LOADS];
	struct {
		uint64_t start, end, off;
		char path[256];
	} files[CB_FILES];
	uint8_t *notes;
	size_t notes_size;
};

static inline void *cb_xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		abort();
	return p;
}

/* A range of memsz bytes, of which the first filesz are dumped; data is copied, NULL is zeros. */
static inline void cb_load(struct corebuilder *cb, uint64_t vaddr, const void *data,
			   uint64_t filesz, uint64_t memsz, uint32_t flags)
{
	uint32_t i = cb->load_count++;

	if (i >= CB_LOADS)
		abort();
	cb->loads[i].vaddr = vaddr;
	cb->loads[i].filesz = filesz;
	cb->loads[i].memsz = memsz;
	cb->loads[i].flags = flags;
	cb->loads[i].data = cb_xrealloc(NULL, filesz);
	if (data)
		memcpy(cb->loads[i].data, data, filesz);
	else
		memset(cb->loads[i].data, 0, filesz);
}

static inline void cb_note(struct corebuilder *cb, const char *owner, uint32_t type,
			   const void *desc, uint32_t size)
{
	uint32_t namesz = (uint32_t)strlen(owner) + 1;
	size_t total = 12 + ((namesz + 3) & ~3u) + ((size + 3) & ~(size_t)3);
	uint32_t head[3] = {namesz, size, type};
	uint8_t *p;

	cb->notes = cb_xrealloc(cb->notes, cb->notes_size + total);
	p = cb->notes + cb->notes_size;
	memset(p, 0, total);
	memcpy(p, head, 12);
	memcpy(p + 12, owner, namesz);
	if (size)
		memcpy(p + 12 + ((namesz + 3) & ~3u), desc, size);
	cb->notes_size += total;
}

/* NT_PRSTATUS; every other register holds 100 + its place in user_regs_struct. */
static inline void cb_thread(struct corebuilder *cb, uint32_t tid, int16_t signo, uint64_t pc,
			     uint64_t sp)
{
	bool arm = cb->machine == EM_AARCH64;
	uint64_t desc[49] = {0};
	uint64_t *regs = desc + 14;

	memcpy((char *)desc + 12, &signo, 2);
	memcpy((char *)desc + 32, &tid, 4);
	for (unsigned i = 0; i < (arm ? 34u : 27u); i++)
		regs[i] = 100 + i;
	regs[arm ? 32 : 16] = pc;
	regs[arm ? 31 : 19] = sp;
	cb_note(cb, "CORE", NT_PRSTATUS, desc, arm ? 392 : 336);
}

static inline void cb_prpsinfo(struct corebuilder *cb, uint32_t pid, const char *fname,
			       const char *psargs)
{
	uint8_t desc[136] = {0};

	memcpy(desc + 24, &pid, 4);
	memcpy(desc + 40, fname, strnlen(fname, 15));
	memcpy(desc + 56, psargs, strnlen(psargs, 79));
	cb_note(cb, "CORE", NT_PRPSINFO, desc, sizeof(desc));
}

static inline void cb_siginfo(struct corebuilder *cb, int32_t signo, int32_t code, uint64_t addr)
{
	uint8_t desc[128] = {0};

	memcpy(desc, &signo, 4);
	memcpy(desc + 8, &code, 4);
	memcpy(desc + 16, &addr, 8);
	cb_note(cb, "CORE", NT_SIGINFO, desc, sizeof(desc));
}

/* An entry of the FILE note, which cb_build adds. off in bytes. */
static inline void cb_file(struct corebuilder *cb, uint64_t start, uint64_t end, uint64_t off,
			   const char *path)
{
	uint32_t i = cb->file_count++;

	if (i >= CB_FILES)
		abort();
	cb->files[i].start = start;
	cb->files[i].end = end;
	cb->files[i].off = off;
	snprintf(cb->files[i].path, sizeof(cb->files[i].path), "%s", path);
}

static inline void cb_add_file_note(struct corebuilder *cb)
{
	uint64_t head[2 + 3 * CB_FILES] = {cb->file_count, CB_PAGE};
	size_t size = 16 + 24 * (size_t)cb->file_count;
	char *desc = cb_xrealloc(NULL, size + cb->file_count * sizeof(cb->files[0].path));

	if (cb->file_count) {
		for (uint32_t i = 0; i < cb->file_count; i++) {
			head[2 + 3 * i] = cb->files[i].start;
			head[3 + 3 * i] = cb->files[i].end;
			head[4 + 3 * i] = cb->files[i].off / CB_PAGE;
		}
		memcpy(desc, head, size);
		for (uint32_t i = 0; i < cb->file_count; i++) {
			strcpy(desc + size, cb->files[i].path);
			size += strlen(cb->files[i].path) + 1;
		}
		cb_note(cb, "CORE", NT_FILE, desc, (uint32_t)size);
	}
	free(desc);
}

/* The core's bytes, to be freed. cb is emptied, its machine stays. */
static inline uint8_t *cb_build(struct corebuilder *cb, size_t *size_ret)
{
	Elf64_Ehdr eh = {0};
	size_t phs = sizeof(Elf64_Phdr) * (cb->load_count + 1), off = sizeof(eh) + phs;
	uint8_t *out = cb_xrealloc(NULL, off);
	Elf64_Phdr ph;

	cb_add_file_note(cb);
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	eh.e_type = ET_CORE;
	eh.e_machine = cb->machine;
	eh.e_version = EV_CURRENT;
	eh.e_phoff = sizeof(eh);
	eh.e_ehsize = sizeof(eh);
	eh.e_phentsize = sizeof(ph);
	eh.e_phnum = (uint16_t)(cb->load_count + 1);
	for (int notes = 0; notes < 2; notes++) {
		if (notes == (cb->notes_last ? 1 : 0)) {
			ph = (Elf64_Phdr){
				.p_type = PT_NOTE, .p_offset = off, .p_filesz = cb->notes_size};
			out = cb_xrealloc(out, off + cb->notes_size);
			if (cb->notes_size)
				memcpy(out + off, cb->notes, cb->notes_size);
			memcpy(out + sizeof(eh), &ph, sizeof(ph));
			off += cb->notes_size;
			continue;
		}
		for (uint32_t i = 0; i < cb->load_count; i++) {
			ph = (Elf64_Phdr){
				.p_type = PT_LOAD,
				.p_flags = cb->loads[i].flags,
				.p_offset = off,
				.p_vaddr = cb->loads[i].vaddr,
				.p_filesz = cb->loads[i].filesz,
				.p_memsz = cb->loads[i].memsz,
				.p_align = cb->notes_last ? 1 : CB_PAGE,
			};
			out = cb_xrealloc(out, off + ph.p_filesz);
			memcpy(out + off, cb->loads[i].data, ph.p_filesz);
			memcpy(out + sizeof(eh) + sizeof(ph) * (i + 1), &ph, sizeof(ph));
			off += ph.p_filesz;
			free(cb->loads[i].data);
		}
	}
	memcpy(out, &eh, sizeof(eh));
	free(cb->notes);
	cb->notes = NULL;
	cb->notes_size = cb->load_count = cb->file_count = 0;
	*size_ret = off;
	return out;
}

/* Writes bytes to a new file. */
static inline void cb_write(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
}

/*
 * A shared library of three pages, linked at 0: headers, build id and symbol table (R); bytes of
 * `fill` (RX); the dynamic section and bytes of `fill` (RW). It exports cb_function at CB_PAGE + 16
 * (32 bytes) and cb_variable at 2 * CB_PAGE + 2048 (8 bytes), and is called libcb.so.
 */
enum {
	CB_ELF_SIZE = 3 * CB_PAGE,
	CB_ELF_FUNCTION = CB_PAGE + 16,
	CB_ELF_VARIABLE = 2 * CB_PAGE + 2048
};

static inline void cb_elf(uint8_t out[CB_ELF_SIZE], uint16_t machine, uint8_t id, uint8_t fill,
			  bool gnu_hash)
{
	enum { NOTE = 0x300, SYMTAB = 0x400, STRTAB = 0x500, HASH = 0x600, DYNAMIC = 2 * CB_PAGE };
	static const char strings[] = "\0cb_function\0cb_variable\0libcb.so";
	const Elf64_Ehdr eh = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_entry = CB_PAGE,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 5,
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	const Elf64_Phdr ph[] = {
		{PT_LOAD, PF_R, 0, 0, 0, CB_PAGE, CB_PAGE, CB_PAGE},
		{PT_LOAD, PF_R | PF_X, CB_PAGE, CB_PAGE, CB_PAGE, CB_PAGE, CB_PAGE, CB_PAGE},
		{PT_LOAD, PF_R | PF_W, 2 * CB_PAGE, 2 * CB_PAGE, 0, CB_PAGE, CB_PAGE, CB_PAGE},
		{PT_NOTE, PF_R, NOTE, NOTE, NOTE, 36, 36, 4},
		{PT_DYNAMIC, PF_R | PF_W, DYNAMIC, DYNAMIC, 0, 128, 128, 8},
	};
	const uint32_t note[] = {4, 20, NT_GNU_BUILD_ID, 0x554e47 /* GNU */};
	const Elf64_Sym symbols[] = {
		{0},
		{1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 2, CB_ELF_FUNCTION, 32},
		{13, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 3, CB_ELF_VARIABLE, 8},
	};
	const uint32_t hash[] = {1, 3, 1, 0, 0, 2};
	/* One bucket, symbols from 1, one word of Bloom filter; the second chain entry is the last.
	 */
	const uint32_t gnu[] = {1, 1, 1, 0, 0, 0, 1, 0x1000, 0x1001};
	const uint64_t dynamic[] = {
		DT_SONAME,
		25,
		DT_SYMTAB,
		SYMTAB,
		DT_STRTAB,
		STRTAB,
		DT_STRSZ,
		sizeof(strings),
		gnu_hash ? DT_GNU_HASH : DT_HASH,
		HASH,
		DT_NULL,
		0,
	};

	memset(out, 0, CB_ELF_SIZE);
	memset(out + CB_PAGE, fill, 2 * CB_PAGE);
	memcpy(out, &eh, sizeof(eh));
	memcpy(out + sizeof(eh), ph, sizeof(ph));
	memcpy(out + NOTE, note, sizeof(note));
	memset(out + NOTE + sizeof(note), id, 20);
	memcpy(out + SYMTAB, symbols, sizeof(symbols));
	memcpy(out + STRTAB, strings, sizeof(strings));
	memcpy(out + HASH, gnu_hash ? gnu : hash, gnu_hash ? sizeof(gnu) : sizeof(hash));
	memcpy(out + DYNAMIC, dynamic, sizeof(dynamic));
}

#endif
