/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dead process as its dump tells it: an address space of segments, the files that were mapped into it,
 * its threads with their registers, and what the kernel noted about it.
 *
 * Knows nothing of Python. A format reader (formats/) fills an image through image/build.h; everything
 * above reads it through this header. An image does not change once it is built, and reading it is safe
 * from several threads.
 *
 * Memory that the dump does not have (left out by a filter, cut off, a file that is gone) is a fault with
 * an address, never zeros.
 */
#ifndef NEC_IMAGE_IMAGE_H
#define NEC_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

struct nec_image;

/* Where the bytes of a segment come from. */
enum nec_origin {
	NEC_ORIGIN_NONE, /* nowhere: every access is a fault */
	NEC_ORIGIN_DUMP, /* the dump itself */
	NEC_ORIGIN_FILE, /* the mapped file, whose build id is that of the process */
	NEC_ORIGIN_INITIAL, /* what that file puts into writable memory at the start: the dump was cut off before what became of it */
};

/* Permission bits, as in Elf64_Phdr.p_flags. */
enum { NEC_PERM_X = 1, NEC_PERM_W = 2, NEC_PERM_R = 4 };

/*
 * A run of addresses with bytes of one origin and the same permissions. Segments are sorted and do not overlap; what
 * continues in the file as well is one segment, also over several mappings.
 */
struct nec_segment {
	uint64_t start;	      /* first address */
	uint64_t end;	      /* first address behind it */
	const uint8_t *data;  /* bytes of [start, end), mapped read-only; NULL when origin is NONE */
	uint32_t perms;	      /* NEC_PERM_* */
	enum nec_origin origin;
	uint32_t mapping;     /* index into nec_image_mappings of its first address */
};

/* A mapping of the process as /proc/PID/maps would have shown it (by PT_LOAD and the FILE note). */
struct nec_mapping {
	uint64_t start, end;
	uint32_t perms;
	uint64_t file_off; /* bytes into path */
	const char *path;  /* owned by the image; NULL for anonymous memory */
	uint32_t objfile;  /* index into nec_image_objfiles, UINT32_MAX when path is no ELF file */
	uint64_t dumped;   /* bytes that the dump has of it */
	uint64_t readable; /* bytes that can be read, from the dump or from the file */
	uint64_t cut;      /* bytes that the dump promises behind those that it has, and was cut off before */
};

/* What is known about the file behind a mapped ELF object. */
enum nec_objfile_state {
	NEC_OBJFILE_GONE,      /* no such file here */
	NEC_OBJFILE_MISMATCH,  /* a file is there, its build id is another: not believed */
	NEC_OBJFILE_UNCHECKED, /* a file is there, and the dump has no build id to compare: not believed */
	NEC_OBJFILE_MATCH,     /* the very file: by its build id; linked without one, by all that the dump has of it */
};

/* An ELF file that was mapped: the executable, the loader, a library, an extension module. */
struct nec_objfile {
	const char *path;  /* as the process had it; its DT_SONAME where only the contents tell */
	const char *found; /* the file that was opened for it; NULL when there is none */
	uint64_t start, end; /* span of its mappings */
	uint64_t bias;	   /* add to a p_vaddr or st_value to get an address */
	uint8_t build_id[64];
	uint32_t build_id_size; /* 0: unknown */
	enum nec_objfile_state state;
	bool is_exe;
};

/* What the kernel or gcore noted about the process. Zero or NULL where the dump does not say. */
struct nec_process {
	uint32_t pid, ppid, uid, gid;
	const char *fname;   /* PRPSINFO.pr_fname: 15 characters of the name */
	const char *psargs;  /* PRPSINFO.pr_psargs: 79 characters of the command line */
	const char *exe;     /* path of the executable, from AT_EXECFN or the FILE note */
	int32_t signo;	     /* the signal it died of, 0 for a gcore of a living one */
	int32_t sigcode;     /* si_code */
	uint64_t sigaddr;    /* si_addr, where the signal has one */
	uint32_t sigpid;     /* si_pid, where the signal was sent */
	uint64_t at_entry, at_phdr, at_base, at_sysinfo_ehdr, at_execfn, at_random; /* AUXV */
	uint64_t page_size;
	uint16_t machine;    /* e_machine: EM_X86_64, EM_AARCH64 */
	const char *writer;  /* "gcore", "kernel", "qemu", "necropsy capture" as far as it shows */
	const char *account; /* lines of a name and a number that capture noted (time, rss, ...) */
	/* From the initial stack, where the dump has it; NULL otherwise. NUL-separated as in /proc. */
	const char *cmdline;
	size_t cmdline_size;
	const char *environ_;
	size_t environ_size;
};

/* One thread. Registers in DWARF numbering of the machine (x86-64: 0 rax 1 rdx 2 rcx 3 rbx 4 rsi 5 rdi 6 rbp
 * 7 rsp 8-15 r8-r15 16 rip; aarch64: 0-30 x0-x30 31 sp 32 pc). */
enum { NEC_REG_MAX = 33 };

struct nec_image_thread {
	uint32_t tid;
	int32_t signo; /* pr_cursig */
	uint64_t regs[NEC_REG_MAX];
	uint64_t fs_base; /* thread pointer: fs_base, tpidr_el0 (0 where not dumped) */
	uint64_t pc, sp, fp;
	int64_t syscall_word; /* orig_rax, x8: see image/syscall.h */
};

/* How complete the dump is. */
struct nec_completeness {
	uint64_t file_size;	 /* bytes of the dump as it lies there */
	uint64_t expected_size;	 /* bytes it should have by its own program headers */
	uint64_t mapped;	 /* bytes of address space of all mappings */
	uint64_t dumped;	 /* of these, in the dump */
	uint64_t from_files;	 /* of these, supplied by matching files */
	uint64_t missing;	 /* mapped - dumped - from_files */
	uint64_t initial;	 /* of what is missing: what a file began with stands in (NEC_ORIGIN_INITIAL) */
	uint64_t truncated;	 /* bytes that the program headers promise and the file does not have */
};

void nec_image_destroy(struct nec_image *image);

const struct nec_segment *nec_image_segments(const struct nec_image *image, uint32_t *count_ret);
const struct nec_mapping *nec_image_mappings(const struct nec_image *image, uint32_t *count_ret);
const struct nec_objfile *nec_image_objfiles(const struct nec_image *image, uint32_t *count_ret);
const struct nec_image_thread *nec_image_threads(const struct nec_image *image, uint32_t *count_ret);
const struct nec_process *nec_image_process(const struct nec_image *image);
const struct nec_completeness *nec_image_completeness(const struct nec_image *image);

/* What was odd about the dump, one message each; borrowed. */
const char *const *nec_image_warnings(const struct nec_image *image, uint32_t *count_ret);

/*
 * Where the segments that have bytes lie: every image begins with one of these. An address space is cut into regions of
 * 2 MiB, and a directory of them spans 64 GiB; an entry is the number of the first segment that ends above the start
 * of the region. Here only so that the look-up below can be inlined.
 */
enum {
	NEC_INDEX_REGION_SHIFT = 21,
	NEC_INDEX_DIR_SHIFT = 36,
	NEC_INDEX_DIR_SIZE = 1 << (NEC_INDEX_DIR_SHIFT - NEC_INDEX_REGION_SHIFT),
	NEC_INDEX_DIRS = 1 << (48 - NEC_INDEX_DIR_SHIFT),
};
#define NEC_INDEX_CROWDED UINT32_C(0x80000000) /* many segments begin in this region: search */

struct nec_image_index {
	const uint32_t *dirs[NEC_INDEX_DIRS];
	const struct nec_segment *segments; /* those with bytes, then one at UINT64_MAX */
	uint32_t count;
};

/* The rare case of nec_image_segment_at: by bisection. */
const struct nec_segment *nec_image_segment_search(const struct nec_image *image, uint64_t addr);

/* The segment that holds addr and has bytes, NULL for none. Constant time. */
static inline const struct nec_segment *nec_image_segment_at(const struct nec_image *image,
							     uint64_t addr)
{
	const struct nec_image_index *index = (const struct nec_image_index *)(const void *)image;
	const struct nec_segment *s;
	uint32_t first;

	if (__builtin_expect(addr >> 48 != 0, 0))
		return nec_image_segment_search(image, addr);
	first = index->dirs[addr >> NEC_INDEX_DIR_SHIFT]
			   [addr >> NEC_INDEX_REGION_SHIFT & (NEC_INDEX_DIR_SIZE - 1)];
	if (__builtin_expect(first & NEC_INDEX_CROWDED, 0))
		return nec_image_segment_search(image, addr);
	for (s = &index->segments[first]; addr >= s->end; s++)
		;
	return addr >= s->start ? s : NULL;
}

/*
 * The start of the first page behind that of addr that has bytes; the last page of the address space when there is none.
 * A walk over a mapping steps over what is not there by it: a mapping may be as long as a program header says.
 */
uint64_t nec_image_next_page(const struct nec_image *image, uint64_t addr);

/* The objfile whose span holds addr, UINT32_MAX for none. */
uint32_t nec_image_objfile_at(const struct nec_image *image, uint64_t addr);

/* The mapping that holds addr, NULL for none. */
const struct nec_mapping *nec_image_mapping_at(const struct nec_image *image, uint64_t addr);

/*
 * Borrows len bytes at addr until the image is destroyed; NULL when any of them is missing, or when they lie
 * in two segments (adjacent ones that continue each other in the file are one segment). Does not wrap.
 */
static inline const void *nec_image_view(const struct nec_image *image, uint64_t addr, uint64_t len)
{
	const struct nec_segment *s = nec_image_segment_at(image, addr);

	return s && len <= s->end - addr ? s->data + (addr - s->start) : NULL;
}

/* Copies len bytes, across segments too. NEC_ERR_FAULT names the first address that is missing. */
struct nec_error *nec_image_read(const struct nec_image *image, uint64_t addr, void *buf, uint64_t len);

/* One little-endian word; false when it is missing. */
static inline bool nec_image_u64(const struct nec_image *image, uint64_t addr, uint64_t *ret)
{
	const void *p = nec_image_view(image, addr, 8);

	if (p)
		memcpy(ret, p, 8);
	return p;
}

static inline bool nec_image_u32(const struct nec_image *image, uint64_t addr, uint32_t *ret)
{
	const void *p = nec_image_view(image, addr, 4);

	if (p)
		memcpy(ret, p, 4);
	return p;
}

/* Borrows a NUL-terminated string of at most max bytes; NULL when there is none. */
const char *nec_image_cstr(const struct nec_image *image, uint64_t addr, size_t max);

/*
 * Symbols. Looked up in .dynsym and .symtab of matching files and of separate debug files of their build id, and where
 * the file is gone in the .dynsym that the dump itself has (through PT_DYNAMIC), as far as its pages were dumped. objfile UINT32_MAX means any, in mapping order. NEC_ERR_NOTFOUND has no warning in it.
 */
struct nec_error *nec_image_symbol(const struct nec_image *image, uint32_t objfile, const char *name,
				   uint64_t *addr_ret, uint64_t *size_ret);

/* The symbol that covers addr: its name (borrowed), start; false when none does. */
bool nec_image_symbol_at(const struct nec_image *image, uint64_t addr, const char **name_ret,
			 uint64_t *start_ret);

/*
 * The file that debug information of an objfile is to be read from: its separate debug file (by build id, under the sysroot and here),
 * else the matching file itself. To be freed; NULL when there is none.
 */
char *nec_image_debug_file(const struct nec_image *image, uint32_t objfile);

/*
 * Address and size in memory of a named section of a matching file, or of its separate debug file: ".PyRuntime", ".data",
 * ".bss".
 */
struct nec_error *nec_image_section(const struct nec_image *image, uint32_t objfile, const char *name,
				    uint64_t *addr_ret, uint64_t *size_ret);

#endif
