/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cores of a real process, by gcore and by the kernel, against what /proc says of it while it
 * lives. */
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/format.h"
#include "formats/input.h"
#include "image/image.h"
#include "tests/corebuilder.h"
#include "tests/unit.h"

static char dir[64];
static pid_t child;

/* Until the child is the program it runs and has nothing more to do: its memory stays what it is
 * from then on. */
static void wait_until_it_sleeps(void)
{
	char path[64], stat[256];
	int calm = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	while (calm < 5) {
		_cleanup_fclose_ FILE *f = fopen(path, "r");

		ck_assert_ptr_nonnull(f);
		ck_assert_ptr_nonnull(fgets(stat, sizeof(stat), f));
		calm = strstr(stat, "(sleep) S ") ? calm + 1 : 0;
		usleep(20000);
	}
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/nec-test-real-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	child = fork();
	if (!child) {
		struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

		setrlimit(RLIMIT_CORE, &unlimited);
		/* The kernel writes the number of the CPU into the area of rseq(2), whenever it likes. */
		setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
		if (chdir(dir) == 0)
			execlp("sleep", "a-sleep", "1000", (char *)NULL);
		_exit(1);
	}
	wait_until_it_sleeps();
}

static void teardown(void)
{
	char command[128];

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct nec_image *open_dump(const char *path)
{
	const struct nec_format *format;
	struct nec_image *image = NULL;
	struct nec_input *input;

	ck_assert_no_error(nec_format_detect(path, NULL, &format, &input));
	ck_assert_no_error(format->map(input, NULL, &image));
	return image;
}

static size_t read_proc(const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", child, name);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	n = read(fd, buf, size);
	ck_assert_int_gt((int)n, 0);
	close(fd);
	return (size_t)n;
}

/* What the living process says of itself. */
static struct truth {
	char cmdline[256], environ_[16384], maps[65536], exe[256];
	size_t cmdline_size, environ_size;
} truth;

static void ask_process(void)
{
	char link[64];
	ssize_t n;

	truth.cmdline_size = read_proc("cmdline", truth.cmdline, sizeof(truth.cmdline));
	truth.environ_size = read_proc("environ", truth.environ_, sizeof(truth.environ_));
	truth.maps[read_proc("maps", truth.maps, sizeof(truth.maps) - 1)] = 0;
	snprintf(link, sizeof(link), "/proc/%d/exe", child);
	n = readlink(link, truth.exe, sizeof(truth.exe) - 1);
	ck_assert_int_gt((int)n, 0);
	truth.exe[n] = 0;
}

/* Every mapping of /proc/PID/maps is there, with its path and its bytes; [vvar] cannot be read by
 * anybody. */
static void check_maps(const struct nec_image *image, bool alive)
{
	static uint8_t want[1 << 16], have[1 << 16];
	unsigned checked = 0, compared = 0;
	char *save = NULL;

	for (char *line = strtok_r(truth.maps, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned long start, end, off;
		char perms[8], path[256] = "";
		const struct nec_mapping *m;

		ck_assert_int_ge(sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &start, &end, perms,
					&off, path),
				 4);
		if (!strncmp(path, "[v", 2))
			continue;
		m = nec_image_mapping_at(image, start);
		ck_assert_msg(m && m->start == start && m->end == end, "%s", line);
		if (path[0] == '/') {
			ck_assert_str_eq(m->path, path);
			ck_assert_uint_eq(m->file_off, off);
		}
		checked++;
		if (!strstr(path, ".so") && strcmp(path, truth.exe) && path[0] == '/')
			continue; /* no ELF file: may be left out */
		ck_assert_msg(m->readable == end - start, "%s: %lu readable", line, m->readable);
		for (unsigned long at = start; alive && at < end; at += sizeof(want)) {
			size_t n = end - at < sizeof(want) ? end - at : sizeof(want);
			struct iovec here = {want, n}, there = {(void *)at, n};

			if (process_vm_readv(child, &here, 1, &there, 1, 0) != (ssize_t)n)
				continue;
			ck_assert_no_error(nec_image_read(image, at, have, n));
			ck_assert_msg(!memcmp(want, have, n), "%s: bytes at %lx differ", line, at);
			compared++;
		}
	}
	ck_assert_uint_gt(checked, 8);
	ck_assert(!alive || compared > 8);
}

static void check_process(const struct nec_image *image)
{
	const struct nec_process *p = nec_image_process(image);
	const struct nec_image_thread *t;
	const struct nec_objfile *o;
	uint64_t addr, size, start;
	const char *name;
	uint32_t n;

	ck_assert_int_eq((int)p->pid, child);
	ck_assert_str_eq(p->exe, truth.exe);
	ck_assert_uint_eq(p->cmdline_size, truth.cmdline_size);
	ck_assert_mem_eq(p->cmdline, truth.cmdline, truth.cmdline_size);
	ck_assert_uint_eq(p->environ_size, truth.environ_size);
	ck_assert_mem_eq(p->environ_, truth.environ_, truth.environ_size);
	t = nec_image_threads(image, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq((int)t->tid, child);
	ck_assert_ptr_nonnull(nec_image_view(image, t->sp, 8));
	ck_assert(nec_image_mapping_at(image, t->pc)->perms & NEC_PERM_X);
	o = nec_image_objfiles(image, &n);
	ck_assert_uint_ge(n, 3); /* sleep, libc, the loader */
	for (uint32_t i = 0; i < n; i++) {
		if (!strstr(o[i].path, "vdso"))
			ck_assert_msg(o[i].state == NEC_OBJFILE_MATCH, "%s", o[i].path);
		ck_assert_int_eq(o[i].is_exe, !strcmp(o[i].path, truth.exe));
	}
	/* Symbols and sections lead into memory that can be read, and back. */
	ck_assert_no_error(nec_image_symbol(image, UINT32_MAX, "malloc", &addr, &size));
	ck_assert(nec_image_symbol_at(image, addr + size - 1, &name, &start));
	ck_assert_uint_eq(start, addr);
	ck_assert_no_error(nec_image_section(image, UINT32_MAX, ".dynamic", &addr, &size));
	ck_assert_ptr_nonnull(nec_image_view(image, addr, size));
}

START_TEST(test_gcore_of_a_living_process)
{
	char command[256], path[128];
	struct nec_image *image;

	snprintf(command, sizeof(command), "gcore -o %s/g %d >/dev/null 2>&1", dir, child);
	ck_assert_int_eq(system(command), 0);
	snprintf(path, sizeof(path), "%s/g.%d", dir, child);
	ask_process();
	image = open_dump(path);
	check_process(image);
	check_maps(image, true);
	ck_assert_str_eq(nec_image_process(image)->writer, "gcore");
	ck_assert_int_eq(nec_image_process(image)->signo, 0);
	ck_assert_uint_eq(nec_image_completeness(image)->truncated, 0);
	nec_image_destroy(image);
}
END_TEST

START_TEST(test_core_by_the_kernel)
{
	struct nec_image *image;
	char path[128];

	ask_process();
	ck_assert_int_eq(kill(child, SIGABRT), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	snprintf(path, sizeof(path), "%s/core", dir);
	if (access(path, R_OK)) {
		snprintf(path, sizeof(path), "%s/core.%d", dir, child);
		ck_assert_msg(!access(path, R_OK), "the kernel wrote no core");
	}
	image = open_dump(path);
	check_process(image);
	check_maps(image, false);
	ck_assert_str_eq(nec_image_process(image)->writer, "kernel");
	ck_assert_int_eq(nec_image_process(image)->signo, SIGABRT);
	ck_assert_int_eq((int)nec_image_process(image)->sigpid, getpid());
	nec_image_destroy(image);
	child = fork(); /* for teardown */
	if (!child)
		_exit(0);
}
END_TEST

static bool have_gcore(void)
{
	return !system("command -v gcore >/dev/null");
}

/* Does the kernel write cores into the directory of the process? */
static bool have_kernel_cores(void)
{
	char pattern[128] = "";
	FILE *f = fopen("/proc/sys/kernel/core_pattern", "r");
	bool have = f && fgets(pattern, sizeof(pattern), f) && !strcmp(pattern, "core\n");

	if (f)
		fclose(f);
	return have;
}

/* What cannot be tried here is not counted as passed, and is named. */
int main(void)
{
	Suite *suite = suite_create("image_real");
	TCase *tc = tcase_create("real");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	if (have_gcore())
		tcase_add_test(tc, test_gcore_of_a_living_process);
	else
		fprintf(stderr, "not tested: test_gcore_of_a_living_process: no gcore here\n");
	if (have_kernel_cores())
		tcase_add_test(tc, test_core_by_the_kernel);
	else
		fprintf(stderr, "not tested: test_core_by_the_kernel: core_pattern is not \"core\"\n");
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
