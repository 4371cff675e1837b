/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ELF core dumps of 64-bit little-endian Linux processes, by the kernel, gcore and qemu-user.
 *
 * A core is program headers, PT_NOTE segments and PT_LOAD segments (System V ABI; the notes:
 * linux/elfcore.h, asm/ptrace.h, fs/coredump.c). The kernel puts the notes before the memory, gcore
 * behind it, so a gcore that was cut off has no threads. To add a machine: a row in `machines` with
 * the order of its registers.
 */
#include <elf.h>
#include <signal.h>
#include <stdlib.h>

#include "base/corenote.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "formats/format.h"
#include "formats/formats.h"
#include "formats/input.h"
#include "image/build.h"

enum { ACCOUNT_MAX = 4096 /* bytes of our own note; some 200 are written */ };

/* Offsets into struct elf_prstatus, the same on every 64-bit machine. */
enum {
	PRSTATUS_CURSIG = 12,
	PRSTATUS_PID = 32,
	PRSTATUS_REGS = 112,
};

/* struct elf_prpsinfo. */
enum {
	PRPSINFO_UID = 16,
	PRPSINFO_GID = 20,
	PRPSINFO_PID = 24,
	PRPSINFO_PPID = 28,
	PRPSINFO_FNAME = 40,
	PRPSINFO_PSARGS = 56,
	PRPSINFO_SIZE = 136,
	FNAME_SIZE = 16,
	PSARGS_SIZE = 80,
};

#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

struct machine {
	uint16_t machine;
	const char *name;
	uint8_t reg_count;  /* words of user_regs_struct */
	int8_t dwarf[34];   /* DWARF number of each word, -1: none */
	uint8_t pc, sp, fp; /* DWARF numbers */
	int8_t fs_base;     /* word that holds the thread pointer, -1: in a note of its own */
	uint8_t syscall;    /* word that holds the number of a system call */
};

static const struct machine machines[] = {
	{
		.machine = EM_X86_64,
		.name = "x86-64",
		.reg_count = 27,
		/* r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags
		   rsp ss fs_base ... */
		.dwarf = {15, 14, 13, 12, 6,  3, 11, 10, 9,  8,  0,  2,  1, 4,
			  5,  -1, 16, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1},
		.pc = 16,
		.sp = 7,
		.fp = 6,
		.fs_base = 21,
		.syscall = 15,
	},
	{
		.machine = EM_AARCH64,
		.name = "aarch64",
		.reg_count = 34,
		/* x0-x30 sp pc pstate */
		.dwarf = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
			  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, -1},
		.pc = 32,
		.sp = 31,
		.fp = 29,
		.fs_base = -1,
		.syscall = 8,
	},
};

static const struct machine *find_machine(uint16_t e_machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == e_machine)
			return &machines[i];
	}
	return NULL;
}

struct core {
	const char *path;
	const uint8_t *data;
	uint64_t size;
	const struct machine *machine;
	struct nec_image_builder *builder;
	uint64_t phoff;
	uint32_t phnum;
	uint64_t first_load, first_note; /* offsets in the file; UINT64_MAX: none */
	uint64_t align;                  /* largest p_align of a PT_LOAD */
	bool has_file_note, has_gdb_note, has_siginfo;
	bool notes_cut;
};

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- notes ---- */

static struct nec_error *note_prstatus(struct core *core, const uint8_t *desc, uint32_t size)
{
	const struct machine *m = core->machine;
	struct nec_image_thread t = {0};

	if (size < PRSTATUS_REGS + 8u * m->reg_count)
		return NULL;
	t.tid = get_u32(desc + PRSTATUS_PID);
	t.signo = (int16_t)(desc[PRSTATUS_CURSIG] | desc[PRSTATUS_CURSIG + 1] << 8);
	for (int i = 0; i < m->reg_count; i++) {
		uint64_t v = get_u64(desc + PRSTATUS_REGS + 8 * i);

		if (m->dwarf[i] >= 0)
			t.regs[m->dwarf[i]] = v;
		if (i == m->fs_base)
			t.fs_base = v;
		if (i == m->syscall)
			t.syscall_word = (int64_t)v;
	}
	t.pc = t.regs[m->pc];
	t.sp = t.regs[m->sp];
	t.fp = t.regs[m->fp];
	return nec_image_builder_thread(core->builder, &t);
}

static struct nec_error *note_prpsinfo(struct core *core, const uint8_t *desc, uint32_t size)
{
	struct nec_process *p = nec_image_builder_process(core->builder);

	if (size < PRPSINFO_SIZE)
		return NULL;
	p->uid = get_u32(desc + PRPSINFO_UID);
	p->gid = get_u32(desc + PRPSINFO_GID);
	p->pid = get_u32(desc + PRPSINFO_PID);
	p->ppid = get_u32(desc + PRPSINFO_PPID);
	p->fname = nec_image_builder_text(core->builder, (const char *)desc + PRPSINFO_FNAME,
					  FNAME_SIZE);
	p->psargs = nec_image_builder_text(core->builder, (const char *)desc + PRPSINFO_PSARGS,
					   PSARGS_SIZE);
	return p->fname && p->psargs ? NULL : &nec_enomem;
}

static struct nec_error *note_auxv(struct core *core, const uint8_t *desc, uint32_t size)
{
	return nec_image_builder_auxv(core->builder, desc, size);
}

/* siginfo_t: which member of the union is valid depends on signal and code (sigaction(2)). */
static struct nec_error *note_siginfo(struct core *core, const uint8_t *desc, uint32_t size)
{
	struct nec_process *p = nec_image_builder_process(core->builder);

	/* gcore writes one for every thread, the kernel one: the first is that of the thread that
	 * died. */
	if (size < 32 || core->has_siginfo)
		return NULL;
	core->has_siginfo = true;
	p->signo = (int32_t)get_u32(desc);
	p->sigcode = (int32_t)get_u32(desc + 8);
	if (p->sigcode <= 0) {
		p->sigpid = get_u32(desc + 16);
		return NULL;
	}
	switch (p->signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		p->sigaddr = get_u64(desc + 16);
	}
	return NULL;
}

/*
 * NT_FILE: count and page size, then start, end and offset in pages of every range, then the paths
 * (fs/binfmt_elf.c, fill_files_note). What was cut off or lies is left out.
 */
static struct nec_error *note_file(struct core *core, const uint8_t *desc, uint32_t size)
{
	struct nec_cursor head = nec_cursor_init(desc, size), names;
	uint64_t count = nec_cursor_u64(&head), page = nec_cursor_u64(&head);

	core->has_file_note = true;
	if (head.failed || count > nec_cursor_left(&head) / 24) {
		nec_image_builder_warn(core->builder,
				       "FILE note: %llu ranges do not fit its %u bytes: left out",
				       (unsigned long long)count, size);
		return NULL;
	}
	names = head;
	nec_cursor_bytes(&names, count * 24);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t start = nec_cursor_u64(&head), end = nec_cursor_u64(&head);
		uint64_t off = nec_cursor_u64(&head);
		const char *path = nec_cursor_cstr(&names);

		if (!path)
			break;
		if (__builtin_mul_overflow(off, page, &off))
			continue;
		NEC_TRY(nec_image_builder_file(core->builder, start, end, off, path));
	}
	return NULL;
}

static struct nec_error *note_arm_tls(struct core *core, const uint8_t *desc, uint32_t size)
{
	struct nec_image_thread *t = nec_image_builder_last_thread(core->builder);

	if (t && size >= 8)
		t->fs_base = get_u64(desc);
	return NULL;
}

/* A note of our own, with what only the living process could say. */
static struct nec_error *note_account(struct core *core, const uint8_t *desc, uint32_t size)
{
	struct nec_process *p = nec_image_builder_process(core->builder);

	if (size > ACCOUNT_MAX)
		return NULL;
	p->account = nec_image_builder_text(core->builder, (const char *)desc, size);
	return p->account ? NULL : &nec_enomem;
}

static const struct {
	const char *owner;
	uint32_t type;
	struct nec_error *(*read)(struct core *core, const uint8_t *desc, uint32_t size);
} note_readers[] = {
	{"CORE", NT_PRSTATUS, note_prstatus}, {"CORE", NT_PRPSINFO, note_prpsinfo},
	{"CORE", NT_AUXV, note_auxv},         {"CORE", NT_SIGINFO, note_siginfo},
	{"CORE", NT_FILE, note_file},         {"LINUX", NT_ARM_TLS, note_arm_tls},
	{NEC_NOTE_OWNER, NEC_NOTE_ACCOUNT, note_account},
};

static struct nec_error *read_note(struct core *core, const char *owner, size_t owner_size,
				   uint32_t type, const uint8_t *desc, uint32_t size)
{
	core->has_gdb_note |= owner_size >= 3 && !memcmp(owner, "GDB", 3);
	for (size_t i = 0; i < sizeof(note_readers) / sizeof(note_readers[0]); i++) {
		size_t len = strlen(note_readers[i].owner);

		if (note_readers[i].type == type && owner_size >= len &&
		    !memcmp(owner, note_readers[i].owner, len))
			return note_readers[i].read(core, desc, size);
	}
	return NULL;
}

static struct nec_error *read_notes(struct core *core, const Elf64_Phdr *ph)
{
	uint64_t size = ph->p_filesz;
	struct nec_cursor c;

	if (ph->p_offset >= core->size) {
		core->notes_cut |= size != 0;
		return NULL;
	}
	if (size > core->size - ph->p_offset) {
		size = core->size - ph->p_offset;
		core->notes_cut = true;
	}
	if (size > NEC_LIMIT_NOTES) {
		nec_image_builder_warn(core->builder,
				       "%llu bytes of notes: only the first GiB is read",
				       (unsigned long long)size);
		size = NEC_LIMIT_NOTES;
	}
	c = nec_cursor_init(core->data + ph->p_offset, size);
	while (nec_cursor_left(&c) >= sizeof(Elf64_Nhdr)) {
		uint32_t namesz = nec_cursor_u32(&c), descsz = nec_cursor_u32(&c);
		uint32_t type = nec_cursor_u32(&c);
		const char *name = nec_cursor_bytes(&c, namesz);
		const uint8_t *desc;

		nec_cursor_align(&c, 4);
		desc = nec_cursor_bytes(&c, descsz);
		nec_cursor_align(&c, 4);
		if (c.failed) {
			if (!core->notes_cut)
				nec_image_builder_warn(
					core->builder,
					"a note at byte %llu is longer than its segment",
					(unsigned long long)(ph->p_offset + c.off));
			break;
		}
		NEC_TRY(read_note(core, name, namesz, type, desc, descsz));
	}
	return NULL;
}

/* ---- headers ---- */

/* The i-th program header; false when the file ends before it. */
static bool get_phdr(const struct core *core, uint32_t i, Elf64_Phdr *ret)
{
	uint64_t off = core->phoff + (uint64_t)i * sizeof(*ret);

	if (off < core->phoff || off > core->size || core->size - off < sizeof(*ret))
		return false;
	memcpy(ret, core->data + off, sizeof(*ret));
	return true;
}

static const char *type_name(uint16_t e_type)
{
	switch (e_type) {
	case ET_REL:
		return "an ELF object file";
	case ET_EXEC:
		return "an ELF program";
	case ET_DYN:
		return "an ELF program or shared library";
	}
	return "an ELF file of an unknown type";
}

/* Is this a core that can be read here? Each refusal says what it is instead. */
static struct nec_error *check_header(struct core *core)
{
	const uint8_t *id = core->data;
	Elf64_Ehdr eh;
	uint16_t type, machine;

	if (core->size < EI_NIDENT + 4)
		return nec_error_create(NEC_ERR_FORMAT,
					"%s: an ELF header cut off after %llu bytes", core->path,
					(unsigned long long)core->size);
	type = (uint16_t)(id[16] | id[17] << 8);
	if (id[EI_DATA] == ELFDATA2MSB)
		type = (uint16_t)(id[17] | id[16] << 8);
	if (type != ET_CORE)
		return nec_error_create(NEC_ERR_FORMAT, "%s is %s, not a core dump of a process",
					core->path, type_name(type));
	if (id[EI_DATA] != ELFDATA2LSB)
		return nec_error_create(NEC_ERR_UNSUPPORTED,
					"%s is the core of a big-endian machine: not supported",
					core->path);
	if (id[EI_CLASS] != ELFCLASS64)
		return nec_error_create(NEC_ERR_UNSUPPORTED,
					"%s is the core of a 32-bit process: not supported",
					core->path);
	machine = (uint16_t)(id[18] | id[19] << 8);
	core->machine = find_machine(machine);
	if (!core->machine)
		return nec_error_create(
			NEC_ERR_UNSUPPORTED,
			"%s is the core of another machine (e_machine %u): x86-64 and aarch64 are supported",
			core->path, machine);
	if (core->size < sizeof(eh))
		return nec_error_create(NEC_ERR_FORMAT,
					"%s: an ELF header cut off after %llu bytes", core->path,
					(unsigned long long)core->size);
	memcpy(&eh, core->data, sizeof(eh));
	if (eh.e_phentsize != sizeof(Elf64_Phdr) || eh.e_phoff < sizeof(eh))
		return nec_error_create(NEC_ERR_FORMAT,
					"%s: program headers of %u bytes at %llu make no sense",
					core->path, eh.e_phentsize, (unsigned long long)eh.e_phoff);
	core->phoff = eh.e_phoff;
	core->phnum = eh.e_phnum;
	/* More than fit 16 bits: the number is in sh_info of the first section header. */
	if (eh.e_phnum == PN_XNUM) {
		Elf64_Shdr sh;

		if (eh.e_shoff > core->size || core->size - eh.e_shoff < sizeof(sh))
			nec_image_builder_warn(
				core->builder,
				"the number of program headers is cut off: 65535 are read");
		else
			core->phnum =
				(memcpy(&sh, core->data + eh.e_shoff, sizeof(sh)), sh.sh_info);
	}
	return NULL;
}

/* What else of the file there should be: behind the last byte that a program header names nothing
 * is missing. */
static void account(struct core *core)
{
	struct nec_completeness *c = nec_image_builder_completeness(core->builder);
	Elf64_Phdr ph;

	c->file_size = core->size;
	c->expected_size = core->phoff + (uint64_t)core->phnum * sizeof(ph);
	for (uint32_t i = 0; i < core->phnum && get_phdr(core, i, &ph); i++) {
		uint64_t end;

		if ((ph.p_type == PT_LOAD || ph.p_type == PT_NOTE) && ph.p_filesz &&
		    !__builtin_add_overflow(ph.p_offset, ph.p_filesz, &end) &&
		    end > c->expected_size)
			c->expected_size = end;
	}
	if (c->expected_size > c->file_size)
		nec_image_builder_warn(
			core->builder,
			"the file is cut off: %llu of %llu bytes are there (%.1f %%)",
			(unsigned long long)c->file_size, (unsigned long long)c->expected_size,
			100.0 * (double)c->file_size / (double)c->expected_size);
}

/* Who wrote it, as far as it shows. A dump of a process that was only stopped did not die of that
 * signal. */
static void find_writer(struct core *core)
{
	struct nec_process *p = nec_image_builder_process(core->builder);

	if (p->account)
		p->writer = "necropsy capture";
	else if (core->has_gdb_note || (core->first_note != UINT64_MAX &&
				   core->first_load < core->first_note && core->align <= 1))
		p->writer = "gcore";
	else if (core->has_file_note && core->has_siginfo)
		p->writer = "kernel";
	else if (core->first_note < core->first_load && !core->has_file_note && !core->notes_cut)
		p->writer = "qemu";
	if (p->writer && !strcmp(p->writer, "gcore") && (p->signo == SIGSTOP || p->signo == SIGTRAP)) {
		p->signo = 0;
		p->sigcode = 0;
		p->sigpid = 0;
		p->sigaddr = 0;
	}
}

static struct nec_error *read_core(struct core *core)
{
	uint32_t loads = 0, i;
	Elf64_Phdr ph;

	NEC_TRY(check_header(core));
	nec_image_builder_process(core->builder)->machine = core->machine->machine;
	core->first_load = core->first_note = UINT64_MAX;
	account(core);
	for (i = 0; i < core->phnum && get_phdr(core, i, &ph); i++) {
		if (ph.p_type == PT_NOTE) {
			core->first_note =
				ph.p_offset < core->first_note ? ph.p_offset : core->first_note;
			NEC_TRY(read_notes(core, &ph));
		} else if (ph.p_type == PT_LOAD) {
			core->first_load =
				ph.p_offset < core->first_load ? ph.p_offset : core->first_load;
			core->align = ph.p_align > core->align ? ph.p_align : core->align;
			NEC_TRY(nec_image_builder_load(core->builder, ph.p_vaddr, ph.p_memsz,
						       ph.p_offset, ph.p_filesz, ph.p_flags));
			loads++;
		}
	}
	if (!loads)
		return nec_error_create(
			NEC_ERR_FORMAT,
			"%s: a core without any memory: %u of %u program headers are there",
			core->path, i, core->phnum);
	if (i < core->phnum)
		nec_image_builder_warn(core->builder, "%u of %u program headers are cut off",
				       core->phnum - i, core->phnum);
	if (core->notes_cut)
		nec_image_builder_warn(
			core->builder,
			"notes are cut off: threads, signal or files may be missing");
	find_writer(core);
	return NULL;
}

static int bid(const uint8_t *head, size_t size, const char *name)
{
	(void)name;
	/* Every ELF file is taken, so that what is not a core is refused by the name of what it is.
	 */
	if (size < SELFMAG || memcmp(head, ELFMAG, SELFMAG))
		return 0;
	return size >= 18 && (head[16] == ET_CORE || head[17] == ET_CORE) ? 48 : 32;
}

static void close_input(void *arg)
{
	nec_input_close(arg);
}

static struct nec_error *map(struct nec_input *input, const struct nec_load_options *options,
			     struct nec_image **image_ret)
{
	struct core core = {.path = nec_input_path(input)};
	struct nec_error *err;

	err = nec_image_builder_create(&core.builder);
	if (err) {
		nec_input_close(input);
		return err;
	}
	core.data = nec_input_data(input, &core.size);
	nec_image_builder_dump(core.builder, core.data, core.size, close_input, input);
	if (nec_input_warning(input))
		nec_image_builder_warn(core.builder, "%s", nec_input_warning(input));
	err = read_core(&core);
	if (err) {
		nec_image_builder_destroy(core.builder);
		return err;
	}
	return nec_image_build(core.builder, options, image_ret);
}

const struct nec_format nec_format_elfcore = {
	.name = "elf-core",
	.description = "ELF core dump",
	.bid = bid,
	.map = map,
};
