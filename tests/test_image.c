/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cores that are built here, then damaged here, as an image. tests/test_image_real.c has real ones.
 */
#include <signal.h>
#include <sys/stat.h>

#include "formats/format.h"
#include "formats/input.h"
#include "image/image.h"
#include "tests/corebuilder.h"
#include "tests/unit.h"

enum { RW = PF_R | PF_W, RX = PF_R | PF_X };

static char dir[64];
static struct corebuilder cb;
static struct nec_load_options options;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/nec-test-image-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	cb = (struct corebuilder){.machine = EM_X86_64};
	options = (struct nec_load_options){0};
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
	static char path[2][256];
	static int turn;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

/* A path that stays, for options. */
static const char *keep(const char *path)
{
	static char kept[256];

	snprintf(kept, sizeof(kept), "%s", path);
	return kept;
}

static struct nec_error *open_bytes(const void *data, size_t size, struct nec_image **ret)
{
	const struct nec_format *format;
	struct nec_input *input;

	cb_write(in_dir("core"), data, size);
	NEC_TRY(nec_format_detect(in_dir("core"), &options, &format, &input));
	ck_assert_str_eq(format->name, "elf-core");
	return format->map(input, &options, ret);
}

static struct nec_image *open_core(void)
{
	struct nec_image *image = NULL;
	size_t size;
	uint8_t *data = cb_build(&cb, &size);

	ck_assert_no_error(open_bytes(data, size, &image));
	free(data);
	return image;
}

static bool has_warning(const struct nec_image *image, const char *text)
{
	uint32_t n;
	const char *const *w = nec_image_warnings(image, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (strstr(w[i], text))
			return true;
	}
	return false;
}

START_TEST(test_memory_reads_back_whatever_its_order)
{
	uint8_t page[3 * CB_PAGE];
	struct nec_image *image;
	uint64_t word;

	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * 7 + i / CB_PAGE);
	cb_load(&cb, 0x7f0000003000, page + CB_PAGE, CB_PAGE, CB_PAGE, RW);
	cb_load(&cb, 0x10000, page, CB_PAGE, CB_PAGE, RW);
	cb_load(&cb, 0xffffffffff600000, page + 2 * CB_PAGE, CB_PAGE, CB_PAGE, RX);
	image = open_core();
	ck_assert_mem_eq(nec_image_view(image, 0x10000, CB_PAGE), page, CB_PAGE);
	ck_assert_mem_eq(nec_image_view(image, 0x7f0000003000, CB_PAGE), page + CB_PAGE, CB_PAGE);
	ck_assert_mem_eq(nec_image_view(image, 0xffffffffff600000, CB_PAGE), page + 2 * CB_PAGE,
			 CB_PAGE);
	ck_assert_ptr_null(nec_image_view(image, 0x10000, CB_PAGE + 1));
	ck_assert_ptr_null(nec_image_view(image, 0x10008, UINT64_MAX));
	ck_assert_ptr_null(nec_image_view(image, 0xffff, 1));
	ck_assert(!nec_image_u64(image, 0x10000 + CB_PAGE - 7, &word));
	ck_assert(nec_image_u64(image, 0x10000 + CB_PAGE - 8, &word));
	ck_assert_mem_eq(&word, page + CB_PAGE - 8, 8);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_neighbours_that_continue_in_the_file_are_one_segment)
{
	uint8_t page[2 * CB_PAGE] = {1, 2, 3};
	uint8_t buf[CB_PAGE];
	struct nec_image *image;
	uint32_t n;

	cb_load(&cb, 0x10000, page, CB_PAGE, CB_PAGE, RW);
	cb_load(&cb, 0x11000, page + CB_PAGE, CB_PAGE, CB_PAGE, RW);
	cb_load(&cb, 0x12000, page, CB_PAGE, CB_PAGE, PF_R);
	image = open_core();
	nec_image_segments(image, &n);
	ck_assert_uint_eq(n, 2);
	nec_image_mappings(image, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_ptr_nonnull(nec_image_view(image, 0x10800, CB_PAGE));
	/* Not over a change of permissions, but a copy is possible. */
	ck_assert_ptr_null(nec_image_view(image, 0x11800, CB_PAGE));
	ck_assert_no_error(nec_image_read(image, 0x11800, buf, CB_PAGE));
	ck_assert_mem_eq(buf + 0x800, page, 3);
	ck_assert_error(nec_image_read(image, 0x12800, buf, CB_PAGE), NEC_ERR_FAULT);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_what_was_not_dumped_is_a_fault_and_no_zeros)
{
	const struct nec_completeness *c;
	struct nec_image *image;
	struct nec_error *err;
	uint8_t buf[16];

	cb_load(&cb, 0x10000, NULL, CB_PAGE, 4 * CB_PAGE, RW);
	cb_load(&cb, 0x20000, NULL, 0, CB_PAGE, RW);
	image = open_core();
	ck_assert_ptr_nonnull(nec_image_segment_at(image, 0x10fff));
	ck_assert_ptr_null(nec_image_segment_at(image, 0x11000));
	ck_assert_ptr_null(nec_image_segment_at(image, 0x20000));
	ck_assert_ptr_nonnull(nec_image_mapping_at(image, 0x20fff));
	err = nec_image_read(image, 0x10ff8, buf, 16);
	ck_assert_ptr_nonnull(err);
	ck_assert_int_eq(err->code, NEC_ERR_FAULT);
	ck_assert_ptr_nonnull(strstr(err->message, "0x11000"));
	nec_error_destroy(err);
	c = nec_image_completeness(image);
	ck_assert_uint_eq(c->mapped, 5 * CB_PAGE);
	ck_assert_uint_eq(c->dumped, CB_PAGE);
	ck_assert_uint_eq(c->missing, 4 * CB_PAGE);
	ck_assert_uint_eq(c->truncated, 0);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_of_two_that_overlap_the_lower_is_believed)
{
	uint8_t a[2 * CB_PAGE], b[2 * CB_PAGE];
	struct nec_image *image;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	cb_load(&cb, 0x11000, b, sizeof(b), sizeof(b), RW);
	cb_load(&cb, 0x10000, a, sizeof(a), sizeof(a), RW);
	cb_load(&cb, 0x10000, b, CB_PAGE, CB_PAGE, RW);
	/* One that wraps around the end of the address space is left out, and one that ends there. */
	cb_load(&cb, UINT64_MAX - 10, b, CB_PAGE, CB_PAGE, RW);
	cb_load(&cb, UINT64_MAX - CB_PAGE, b, CB_PAGE, CB_PAGE, RW);
	image = open_core();
	ck_assert_int_eq(*(const char *)nec_image_view(image, 0x10000, 1), 'a');
	ck_assert_int_eq(*(const char *)nec_image_view(image, 0x11fff, 1), 'a');
	ck_assert_int_eq(*(const char *)nec_image_view(image, 0x12000, 1), 'b');
	ck_assert_ptr_null(nec_image_segment_at(image, 0x13000));
	ck_assert_ptr_null(nec_image_segment_at(image, UINT64_MAX));
	ck_assert_ptr_null(nec_image_segment_at(image, UINT64_MAX - 1));
	ck_assert(has_warning(image, "twice"));
	ck_assert(has_warning(image, "2 ranges of the dump make no sense"));
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_lookup_agrees_with_a_list_in_a_crowded_region)
{
	/* 1,024 segments of 16 bytes with gaps between them, in one region of 2 MiB, and one behind
	 * it. */
	struct nec_image *image;
	uint8_t byte[16];

	for (int i = 0; i < 1024; i++) {
		memset(byte, i, sizeof(byte));
		cb_load(&cb, 0x40000000 + (uint64_t)i * 48, byte, 16, 16, i & 1 ? RW : RX);
	}
	cb_load(&cb, 0x40200000, byte, 16, 16, RW);
	image = open_core();
	for (uint64_t addr = 0x40000000 - 20; addr < 0x40000000 + 1024 * 48 + 64; addr++) {
		uint64_t i = (addr - 0x40000000) / 48;
		bool in = addr >= 0x40000000 && i < 1024 && (addr - 0x40000000) % 48 < 16;
		const uint8_t *p = nec_image_view(image, addr, 1);

		ck_assert_int_eq(p != NULL, in);
		if (p)
			ck_assert_uint_eq(*p, (uint8_t)i);
	}
	ck_assert_ptr_nonnull(nec_image_segment_at(image, 0x40200008));
	ck_assert_ptr_null(nec_image_segment_at(image, 0x401fffff));
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_notes_of_the_kernel)
{
	const struct nec_image_thread *t;
	const struct nec_process *p;
	struct nec_image *image;
	uint32_t n;

	cb_load(&cb, 0x10000, NULL, CB_PAGE, CB_PAGE, RW);
	cb_thread(&cb, 42, SIGSEGV, 0xabc, 0x10800);
	cb_prpsinfo(&cb, 42, "a-name-of-15-by", "prog -x");
	cb_siginfo(&cb, SIGSEGV, 1, 0xdead0);
	cb_file(&cb, 0x10000, 0x11000, 0x5000, "/var/data");
	cb_thread(&cb, 43, 0, 0xdef, 0x10900);
	image = open_core();
	p = nec_image_process(image);
	ck_assert_uint_eq(p->pid, 42);
	ck_assert_str_eq(p->fname, "a-name-of-15-by");
	ck_assert_str_eq(p->psargs, "prog -x");
	ck_assert_int_eq(p->signo, SIGSEGV);
	ck_assert_uint_eq(p->sigaddr, 0xdead0);
	ck_assert_uint_eq(p->sigpid, 0);
	ck_assert_str_eq(p->writer, "kernel");
	t = nec_image_threads(image, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(t[0].tid, 42);
	ck_assert_int_eq(t[0].signo, SIGSEGV);
	ck_assert_uint_eq(t[0].pc, 0xabc);
	ck_assert_uint_eq(t[0].sp, 0x10800);
	ck_assert_uint_eq(t[0].regs[16], 0xabc);
	ck_assert_uint_eq(t[0].regs[7], 0x10800);
	ck_assert_uint_eq(t[0].regs[0], 110); /* rax */
	ck_assert_uint_eq(t[0].regs[15], 100);
	ck_assert_uint_eq(t[0].fp, 104);
	ck_assert_uint_eq(t[0].fs_base, 121);
	ck_assert_uint_eq(t[1].tid, 43);
	ck_assert_str_eq(nec_image_mapping_at(image, 0x10000)->path, "/var/data");
	ck_assert_uint_eq(nec_image_mapping_at(image, 0x10000)->file_off, 0x5000);
	ck_assert_uint_eq(nec_image_mapping_at(image, 0x10000)->objfile, UINT32_MAX);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_registers_of_aarch64)
{
	const struct nec_image_thread *t;
	uint64_t tls = 0x7f1234;
	struct nec_image *image;
	uint32_t n;

	cb.machine = EM_AARCH64;
	cb_load(&cb, 0x10000, NULL, CB_PAGE, CB_PAGE, RW);
	cb_thread(&cb, 7, 0, 0xabc, 0x10800);
	cb_note(&cb, "LINUX", 0x401, &tls, 8);
	image = open_core();
	t = nec_image_threads(image, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(t->pc, 0xabc);
	ck_assert_uint_eq(t->sp, 0x10800);
	ck_assert_uint_eq(t->fp, 129);
	ck_assert_uint_eq(t->regs[0], 100);
	ck_assert_uint_eq(t->regs[30], 130);
	ck_assert_uint_eq(t->fs_base, tls);
	ck_assert_str_eq(nec_image_process(image)->writer, "qemu");
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_a_living_process_did_not_die_of_a_signal)
{
	struct nec_image *image;

	cb.notes_last = true;
	cb_load(&cb, 0x10000, NULL, CB_PAGE, CB_PAGE, RW);
	cb_siginfo(&cb, SIGSTOP, 0, 0x1234);
	image = open_core();
	ck_assert_str_eq(nec_image_process(image)->writer, "gcore");
	ck_assert_int_eq(nec_image_process(image)->signo, 0);
	nec_image_destroy(image);
}
END_TEST

/* ---- files ---- */

static const uint64_t base = 0x7f0000000000;

/* A core in which libcb.so was mapped at `base`; as the kernel dumps it: its first page and what
 * was written to. */
static void core_with_library(const char *path, uint8_t id, bool with_note, bool gnu_hash)
{
	uint8_t elf[CB_ELF_SIZE];

	cb_elf(elf, EM_X86_64, id, 'm', gnu_hash);
	cb_load(&cb, base, elf, CB_PAGE, CB_PAGE, PF_R);
	cb_load(&cb, base + CB_PAGE, NULL, 0, CB_PAGE, RX);
	cb_load(&cb, base + 2 * CB_PAGE, elf + 2 * CB_PAGE, CB_PAGE, CB_PAGE, RW);
	if (with_note) {
		cb_file(&cb, base, base + CB_PAGE, 0, path);
		cb_file(&cb, base + CB_PAGE, base + 2 * CB_PAGE, CB_PAGE, path);
		cb_file(&cb, base + 2 * CB_PAGE, base + 3 * CB_PAGE, 2 * CB_PAGE, path);
	}
}

static void write_library(const char *path, uint8_t id, uint8_t fill)
{
	uint8_t elf[CB_ELF_SIZE];

	cb_elf(elf, EM_X86_64, id, fill, false);
	cb_write(path, elf, sizeof(elf));
}

static const struct nec_objfile *only_objfile(const struct nec_image *image)
{
	uint32_t n;
	const struct nec_objfile *obj = nec_image_objfiles(image, &n);

	ck_assert_uint_eq(n, 1);
	return obj;
}

START_TEST(test_pages_come_from_a_file_with_the_same_build_id)
{
	const struct nec_objfile *obj;
	struct nec_image *image;

	write_library(in_dir("libcb.so"), 5, 'f');
	core_with_library(in_dir("libcb.so"), 5, true, false);
	image = open_core();
	obj = only_objfile(image);
	ck_assert_int_eq(obj->state, NEC_OBJFILE_MATCH);
	ck_assert_uint_eq(obj->bias, base);
	ck_assert_uint_eq(obj->start, base);
	ck_assert_uint_eq(obj->end, base + CB_ELF_SIZE);
	ck_assert_uint_eq(obj->build_id_size, 20);
	ck_assert_str_eq(obj->found, in_dir("libcb.so"));
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + CB_PAGE, CB_PAGE), 'f');
	ck_assert_int_eq(nec_image_segment_at(image, base + CB_PAGE)->origin, NEC_ORIGIN_FILE);
	/* What the dump has is never taken from the file. */
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + 3 * CB_PAGE - 1, 1), 'm');
	ck_assert_uint_eq(nec_image_completeness(image)->from_files, CB_PAGE);
	ck_assert_uint_eq(nec_image_completeness(image)->missing, 0);
	ck_assert_uint_eq(nec_image_mapping_at(image, base + CB_PAGE)->readable, CB_PAGE);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_a_file_of_another_build_is_not_believed)
{
	struct nec_image *image;

	write_library(in_dir("libcb.so"), 6, 'f');
	core_with_library(in_dir("libcb.so"), 5, true, false);
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MISMATCH);
	ck_assert_ptr_null(nec_image_view(image, base + CB_PAGE, 1));
	ck_assert_uint_eq(nec_image_completeness(image)->missing, CB_PAGE);
	ck_assert(has_warning(image, "another build"));
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_a_file_cannot_be_checked_without_a_build_id_in_the_dump)
{
	struct nec_image *image;

	write_library(in_dir("libcb.so"), 5, 'f');
	cb_load(&cb, base, NULL, 0, CB_PAGE, PF_R);
	cb_file(&cb, base, base + CB_PAGE, 0, in_dir("libcb.so"));
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_UNCHECKED);
	ck_assert_ptr_null(nec_image_view(image, base, 1));
	nec_image_destroy(image);
}
END_TEST

/* As if it had been linked without a build id. */
static void forget_build_id(uint8_t *elf)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	memcpy(&eh, elf, sizeof(eh));
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, elf + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_NOTE)
			ph.p_type = PT_NULL;
		memcpy(elf + eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph));
	}
}

/* The state of the file when that byte of its first page is another one; -1: all are the same. */
static enum nec_objfile_state state_without_id(int differs)
{
	uint8_t elf[CB_ELF_SIZE];
	enum nec_objfile_state state;
	struct nec_image *image;

	cb_elf(elf, EM_X86_64, 5, 'f', false);
	forget_build_id(elf);
	cb_load(&cb, base, elf, CB_PAGE, CB_PAGE, PF_R);
	cb_load(&cb, base + CB_PAGE, NULL, 0, CB_PAGE, RX);
	cb_load(&cb, base + 2 * CB_PAGE, elf + 2 * CB_PAGE, CB_PAGE, CB_PAGE, RW);
	for (uint64_t i = 0; i < 3; i++)
		cb_file(&cb, base + i * CB_PAGE, base + (i + 1) * CB_PAGE, i * CB_PAGE, in_dir("libcb.so"));
	if (differs >= 0)
		elf[differs] ^= 1;
	elf[2 * CB_PAGE] ^= 1; /* what the process wrote to */
	cb_write(in_dir("libcb.so"), elf, sizeof(elf));
	image = open_core();
	state = only_objfile(image)->state;
	ck_assert_int_eq(nec_image_view(image, base + CB_PAGE, 1) != NULL, state == NEC_OBJFILE_MATCH);
	nec_image_destroy(image);
	return state;
}

START_TEST(test_a_file_without_build_id_is_compared_with_what_was_dumped)
{
	ck_assert_int_eq(state_without_id(-1), NEC_OBJFILE_MATCH);
	ck_assert_int_eq(state_without_id(CB_PAGE - 1), NEC_OBJFILE_UNCHECKED);
}
END_TEST

START_TEST(test_files_are_found_elsewhere)
{
	const char *paths[] = {dir, NULL};
	struct nec_image *image;

	/* Under the sysroot, past a wrong one at the recorded path. */
	ck_assert_int_eq(mkdir(in_dir("root"), 0700) | mkdir(in_dir("root/opt"), 0700), 0);
	write_library(in_dir("root/opt/libcb.so"), 5, 's');
	core_with_library("/opt/libcb.so", 5, true, false);
	options.sysroot = keep(in_dir("root"));
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MATCH);
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + CB_PAGE, 1), 's');
	nec_image_destroy(image);

	/* By name in a directory; a file that was deleted keeps its name. */
	write_library(in_dir("libcb.so"), 5, 'l');
	core_with_library("/nowhere/libcb.so (deleted)", 5, true, false);
	options.sysroot = NULL;
	options.lib_paths = paths;
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MATCH);
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + CB_PAGE, 1), 'l');
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_exe_that_is_another_build_is_said_and_not_used)
{
	uint64_t auxv[] = {AT_PHDR, base + 64, AT_ENTRY, base + CB_PAGE, AT_NULL, 0};
	struct nec_image *image;

	write_library(in_dir("prog"), 6, 'f');
	core_with_library("/nowhere/prog", 5, true, false);
	cb_note(&cb, "CORE", NT_AUXV, auxv, sizeof(auxv));
	options.exe = keep(in_dir("prog"));
	image = open_core();
	ck_assert(only_objfile(image)->is_exe);
	ck_assert_str_eq(nec_image_process(image)->exe, "/nowhere/prog");
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MISMATCH);
	ck_assert(has_warning(image, "prog is another build"));
	ck_assert_ptr_null(nec_image_view(image, base + CB_PAGE, 1));
	nec_image_destroy(image);

	write_library(in_dir("prog"), 5, 'f');
	core_with_library("/nowhere/prog", 5, true, false);
	cb_note(&cb, "CORE", NT_AUXV, auxv, sizeof(auxv));
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MATCH);
	ck_assert_ptr_nonnull(nec_image_view(image, base + CB_PAGE, 1));
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_for_written_pages_that_were_cut_off_stands_what_the_file_began_with)
{
	struct nec_image *image = NULL;
	uint8_t *data;
	size_t size;

	write_library(in_dir("libcb.so"), 5, 'f');
	core_with_library(in_dir("libcb.so"), 5, true, false);
	data = cb_build(&cb, &size);
	/* The last page of the file is the one that was written to. */
	ck_assert_no_error(open_bytes(data, size - CB_PAGE, &image));
	free(data);
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MATCH);
	ck_assert_ptr_nonnull(nec_image_view(image, base + CB_PAGE, 1));
	ck_assert_ptr_nonnull(nec_image_view(image, base + 2 * CB_PAGE, 1));
	ck_assert_int_eq(nec_image_segment_at(image, base + 2 * CB_PAGE)->origin, NEC_ORIGIN_INITIAL);
	ck_assert_uint_eq(nec_image_completeness(image)->truncated, CB_PAGE);
	ck_assert_uint_eq(nec_image_completeness(image)->initial, CB_PAGE);
	ck_assert(has_warning(image, "static data were cut off"));
	ck_assert(has_warning(image, "cut off"));
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_ranges_that_only_the_file_note_names)
{
	uint8_t elf[CB_ELF_SIZE];
	struct nec_image *image;
	uint32_t n;

	/* As gcore does it: no program header at all for what was not written to. */
	cb.notes_last = true;
	write_library(in_dir("libcb.so"), 5, 'f');
	cb_elf(elf, EM_X86_64, 5, 'm', false);
	cb_load(&cb, base, elf, CB_PAGE, CB_PAGE, PF_R);
	cb_load(&cb, base + 2 * CB_PAGE, elf + 2 * CB_PAGE, CB_PAGE, CB_PAGE, RW);
	cb_file(&cb, base, base + CB_PAGE, 0, in_dir("libcb.so"));
	cb_file(&cb, base + CB_PAGE, base + 2 * CB_PAGE, CB_PAGE, in_dir("libcb.so"));
	cb_file(&cb, base + 2 * CB_PAGE, base + 3 * CB_PAGE, 2 * CB_PAGE, in_dir("libcb.so"));
	image = open_core();
	nec_image_mappings(image, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(nec_image_mapping_at(image, base + CB_PAGE)->perms, RX);
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + CB_PAGE, 1), 'f');
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_symbols_of_a_file_that_is_gone)
{
	uint64_t addr, size, start;
	struct nec_image *image;
	const char *name;

	core_with_library("/nowhere/libcb.so", 5, true, _i);
	image = open_core();
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_GONE);
	ck_assert_no_error(nec_image_symbol(image, UINT32_MAX, "cb_variable", &addr, &size));
	ck_assert_uint_eq(addr, base + CB_ELF_VARIABLE);
	ck_assert_uint_eq(size, 8);
	ck_assert_no_error(nec_image_symbol(image, 0, "cb_function", &addr, NULL));
	ck_assert(nec_image_symbol_at(image, addr + 31, &name, &start));
	ck_assert_str_eq(name, "cb_function");
	ck_assert_uint_eq(start, addr);
	ck_assert(!nec_image_symbol_at(image, addr + 32, &name, &start));
	ck_assert(!nec_image_symbol_at(image, 0x1000, &name, &start));
	ck_assert_error(nec_image_symbol(image, UINT32_MAX, "nothing", &addr, &size),
			NEC_ERR_NOTFOUND);
	ck_assert_error(nec_image_section(image, UINT32_MAX, ".data", &addr, &size),
			NEC_ERR_NOTFOUND);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_without_file_note_the_contents_tell)
{
	const char *paths[] = {dir, NULL};
	struct nec_image *image;

	write_library(in_dir("libcb.so"), 5, 'f');
	core_with_library(NULL, 5, false, false);
	options.lib_paths = paths;
	image = open_core();
	ck_assert_str_eq(only_objfile(image)->path, "libcb.so");
	ck_assert_int_eq(only_objfile(image)->state, NEC_OBJFILE_MATCH);
	ck_assert_uint_eq(only_objfile(image)->end, base + CB_ELF_SIZE);
	ck_assert_str_eq(nec_image_mapping_at(image, base + CB_PAGE)->path, "libcb.so");
	ck_assert_int_eq(*(const char *)nec_image_view(image, base + CB_PAGE, 1), 'f');
	nec_image_destroy(image);
}
END_TEST

/* ---- the initial stack ---- */

/* The words of an initial stack at 0x7ffe00000000, then its strings at +1024. */
static void core_with_stack(const uint64_t *words, size_t count, const char *strings, size_t size,
			    const uint64_t *auxv, size_t auxv_size)
{
	uint8_t page[CB_PAGE] = {0};

	memcpy(page, words, 8 * count);
	memcpy(page + 8 * count, auxv, auxv_size);
	memcpy(page + 1024, strings, size);
	cb_load(&cb, 0x7ffe00000000, page, CB_PAGE, CB_PAGE, RW);
	cb_note(&cb, "CORE", NT_AUXV, auxv, (uint32_t)auxv_size);
}

START_TEST(test_command_line_and_environment)
{
	const uint64_t s = 0x7ffe00000400; /* 1 KiB into the stack: the strings */
	const uint64_t auxv[] = {AT_RANDOM, s - 16, AT_EXECFN, s + 19, AT_PAGESZ, 4096, AT_NULL, 0};
	const uint64_t usual[] = {2, s, s + 5, 0, s + 8, s + 12, 0};
	const uint64_t no_env[] = {2, s, s + 5, 0, 0};
	const uint64_t unset[] = {2, s, s + 5, 0, s + 8, 0, 0};
	const uint64_t wrong[] = {3, s, s + 5, 0, s + 8, s + 12, 0};
	const char strings[] = "prog\0-x\0A=1\0B=four\0prog";
	const struct nec_process *p;
	struct nec_image *image;

	core_with_stack(usual, 7, strings, sizeof(strings), auxv, sizeof(auxv));
	image = open_core();
	p = nec_image_process(image);
	ck_assert_uint_eq(p->cmdline_size, 8);
	ck_assert_mem_eq(p->cmdline, "prog\0-x", 8);
	ck_assert_uint_eq(p->environ_size, 11);
	ck_assert_mem_eq(p->environ_, "A=1\0B=four", 11);
	ck_assert_str_eq(p->exe, "prog");
	nec_image_destroy(image);

	core_with_stack(no_env, 5, strings, sizeof(strings), auxv, sizeof(auxv));
	image = open_core();
	p = nec_image_process(image);
	ck_assert_mem_eq(p->cmdline, "prog\0-x", 8);
	ck_assert_uint_eq(p->environ_size, 0);
	nec_image_destroy(image);

	core_with_stack(unset, 7, strings, sizeof(strings), auxv, sizeof(auxv));
	image = open_core();
	p = nec_image_process(image);
	ck_assert_uint_eq(p->cmdline_size, 8);
	ck_assert_mem_eq(p->environ_, "A=1", 4);
	nec_image_destroy(image);

	/* argc does not agree: no guess. */
	core_with_stack(wrong, 7, strings, sizeof(strings), auxv, sizeof(auxv));
	image = open_core();
	ck_assert_ptr_null(nec_image_process(image)->cmdline);
	nec_image_destroy(image);
}
END_TEST

/* ---- refusals and damage ---- */

START_TEST(test_what_is_no_core_is_named)
{
	static const struct {
		size_t off; /* of a byte in the ELF header, and what it becomes */
		uint8_t value;
		enum nec_errc code;
		const char *message;
	} cases[] = {
		{16, ET_EXEC, NEC_ERR_FORMAT, "an ELF program, not a core"},
		{16, ET_DYN, NEC_ERR_FORMAT, "shared library, not a core"},
		{16, ET_REL, NEC_ERR_FORMAT, "object file, not a core"},
		{EI_CLASS, ELFCLASS32, NEC_ERR_UNSUPPORTED, "32-bit"},
		{18, EM_PPC64, NEC_ERR_UNSUPPORTED, "another machine (e_machine 21)"},
		{54, 57, NEC_ERR_FORMAT, "program headers of 57 bytes"},
	};
	struct nec_image *image;
	struct nec_error *err;
	uint8_t *data, *copy;
	size_t size;

	cb_load(&cb, 0x10000, NULL, CB_PAGE, CB_PAGE, RW);
	data = cb_build(&cb, &size);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		copy = cb_xrealloc(NULL, size);
		memcpy(copy, data, size);
		copy[cases[i].off] = cases[i].value;
		err = open_bytes(copy, size, &image);
		ck_assert_ptr_nonnull(err);
		ck_assert_int_eq(err->code, cases[i].code);
		ck_assert_msg(strstr(err->message, cases[i].message) != NULL, "%s", err->message);
		nec_error_destroy(err);
		free(copy);
	}
	/* Big-endian: the type is the other way round too. */
	data[EI_DATA] = ELFDATA2MSB;
	data[16] = 0;
	data[17] = ET_CORE;
	ck_assert_error(open_bytes(data, size, &image), NEC_ERR_UNSUPPORTED);
	free(data);
	data = cb_build(&cb, &size);
	ck_assert_error(open_bytes(data, size, &image), NEC_ERR_FORMAT);
	free(data);
	ck_assert_error(open_bytes("", 0, &image), NEC_ERR_FORMAT);
	ck_assert_error(open_bytes("hello, world\n", 13, &image), NEC_ERR_FORMAT);
}
END_TEST

/* What holds for every image, however damaged its dump was. Touches every byte that it says can be
 * read. */
static void check_image(const struct nec_image *image)
{
	const struct nec_completeness *c = nec_image_completeness(image);
	uint32_t segments, mappings, objfiles, threads;
	const struct nec_segment *s = nec_image_segments(image, &segments);
	const struct nec_mapping *m = nec_image_mappings(image, &mappings);
	const struct nec_objfile *o = nec_image_objfiles(image, &objfiles);
	const struct nec_image_thread *t = nec_image_threads(image, &threads);
	uint64_t behind = 0, readable = 0, addr, size, sum = 0;
	const char *name;

	for (uint32_t i = 0; i < segments; i++) {
		ck_assert(s[i].start >= behind && s[i].end > s[i].start);
		behind = s[i].end;
		ck_assert_int_eq(s[i].data == NULL, s[i].origin == NEC_ORIGIN_NONE);
		ck_assert_uint_lt(s[i].mapping, mappings);
		for (uint64_t k = 0; s[i].data && k < s[i].end - s[i].start; k++)
			sum += s[i].data[k];
		readable += s[i].data ? s[i].end - s[i].start : 0;
		if (s[i].data) {
			ck_assert_ptr_nonnull(
				nec_image_view(image, s[i].start, s[i].end - s[i].start));
			ck_assert_ptr_nonnull(nec_image_segment_at(image, s[i].end - 1));
		} else {
			ck_assert_ptr_null(nec_image_segment_at(image, s[i].start));
		}
	}
	ck_assert_uint_eq(readable, c->dumped + c->from_files + c->initial);
	ck_assert_uint_eq(c->mapped, c->dumped + c->from_files + c->missing);
	for (uint32_t i = 0; i < mappings; i++) {
		ck_assert_ptr_eq(nec_image_mapping_at(image, m[i].start), &m[i]);
		ck_assert(m[i].objfile == UINT32_MAX || m[i].objfile < objfiles);
		sum += m[i].path ? strlen(m[i].path) : 0;
	}
	for (uint32_t i = 0; i < objfiles; i++)
		nec_image_symbol_at(image, o[i].start + CB_ELF_FUNCTION, &name, &addr);
	for (uint32_t i = 0; i < threads; i++)
		nec_image_symbol_at(image, t[i].pc, &name, &addr);
	nec_error_destroy(nec_image_symbol(image, UINT32_MAX, "nothing", &addr, &size));
	ck_assert_uint_ne(sum, UINT64_MAX);
}

/* A core with one of everything. */
static uint8_t *rich_core(size_t *size_ret)
{
	const uint64_t s = 0x7ffe00000400;
	const uint64_t auxv[] = {AT_RANDOM,       s - 16,          AT_EXECFN, s + 8,
				 AT_PHDR,         base + 64,       AT_PAGESZ, 4096,
				 AT_SYSINFO_EHDR, base + 0x100000, AT_NULL,   0};
	const uint64_t words[] = {1, s, 0, s + 5, 0};
	uint8_t elf[CB_ELF_SIZE];

	write_library(in_dir("libcb.so"), 5, 'f');
	core_with_library(in_dir("libcb.so"), 5, true, false);
	cb_elf(elf, EM_X86_64, 9, 'v', true);
	cb_load(&cb, base + 0x100000, elf, sizeof(elf), sizeof(elf), RX);
	core_with_stack(words, 5, "prog\0E=\0prog", 13, auxv, sizeof(auxv));
	cb_thread(&cb, 1, SIGABRT, base + CB_ELF_FUNCTION, 0x7ffe00000000);
	cb_prpsinfo(&cb, 1, "prog", "prog");
	cb_siginfo(&cb, SIGABRT, -6, 1);
	return cb_build(&cb, size_ret);
}

START_TEST(test_cut_anywhere_gives_what_is_there_or_says_no)
{
	size_t size, opened = 0;
	uint8_t *data;

	cb.notes_last = _i;
	data = rich_core(&size);
	for (size_t cut = 0; cut <= size; cut += cut < 1200 ? 1 : 61) {
		struct nec_image *image = NULL;
		struct nec_error *err = open_bytes(data, cut, &image);

		if (err) {
			ck_assert_int_eq(err->code, NEC_ERR_FORMAT);
			nec_error_destroy(err);
			continue;
		}
		opened++;
		check_image(image);
		ck_assert_uint_eq(nec_image_completeness(image)->file_size, cut);
		if (cut < size)
			ck_assert(has_warning(image, "cut off"));
		nec_image_destroy(image);
	}
	ck_assert_uint_gt(opened, 100);
	free(data);
}
END_TEST

START_TEST(test_flipped_bytes_are_harmless)
{
	size_t size, opened = 0, copy_size;
	uint8_t *data, *copy;

	srandom(20 + (unsigned)_i);
	cb.notes_last = _i & 1;
	data = rich_core(&size);
	copy = cb_xrealloc(NULL, size);
	for (int round = 0; round < 500; round++) {
		struct nec_image *image = NULL;
		struct nec_error *err;

		memcpy(copy, data, size);
		for (long n = 1 + random() % 8; n > 0; n--) {
			/* Headers, notes and the ELF files: where numbers are. */
			size_t at = (size_t)random() % (random() % 2 ? 1500 : size);

			copy[at] = random() % 3 ? (uint8_t)random()
						: (uint8_t)(random() % 2 ? 0xff : 0);
		}
		copy_size = random() % 4 ? size : (size_t)random() % size;
		err = open_bytes(copy, copy_size, &image);
		if (!err) {
			opened++;
			check_image(image);
		}
		nec_error_destroy(err);
		nec_image_destroy(image);
	}
	ck_assert_uint_gt(opened, 100);
	free(copy);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *tc = tcase_create("memory");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_memory_reads_back_whatever_its_order);
	tcase_add_test(tc, test_neighbours_that_continue_in_the_file_are_one_segment);
	tcase_add_test(tc, test_what_was_not_dumped_is_a_fault_and_no_zeros);
	tcase_add_test(tc, test_of_two_that_overlap_the_lower_is_believed);
	tcase_add_test(tc, test_lookup_agrees_with_a_list_in_a_crowded_region);
	suite_add_tcase(suite, tc);

	tc = tcase_create("notes");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_notes_of_the_kernel);
	tcase_add_test(tc, test_registers_of_aarch64);
	tcase_add_test(tc, test_a_living_process_did_not_die_of_a_signal);
	tcase_add_test(tc, test_command_line_and_environment);
	suite_add_tcase(suite, tc);

	tc = tcase_create("files");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_pages_come_from_a_file_with_the_same_build_id);
	tcase_add_test(tc, test_a_file_of_another_build_is_not_believed);
	tcase_add_test(tc, test_a_file_cannot_be_checked_without_a_build_id_in_the_dump);
	tcase_add_test(tc, test_a_file_without_build_id_is_compared_with_what_was_dumped);
	tcase_add_test(tc, test_files_are_found_elsewhere);
	tcase_add_test(tc, test_exe_that_is_another_build_is_said_and_not_used);
	tcase_add_test(tc, test_for_written_pages_that_were_cut_off_stands_what_the_file_began_with);
	tcase_add_test(tc, test_ranges_that_only_the_file_note_names);
	tcase_add_loop_test(tc, test_symbols_of_a_file_that_is_gone, 0, 2);
	tcase_add_test(tc, test_without_file_note_the_contents_tell);
	suite_add_tcase(suite, tc);

	tc = tcase_create("damage");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_what_is_no_core_is_named);
	tcase_add_loop_test(tc, test_cut_anywhere_gives_what_is_there_or_says_no, 0, 2);
	tcase_add_loop_test(tc, test_flipped_bytes_are_harmless, 0, 2);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
