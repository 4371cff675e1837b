/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public side of capturing (necropsy.h): what it would cost, and doing it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "capture/corefile.h"
#include "capture/target.h"
#include "formats/packer.h"
#include "necropsy.h"

/* How long to wait for the end of a process whose memory went away: it is resumed by then. */
enum { DEATH_POLLS = 40, DEATH_POLL_US = 5000 };

enum {
	PROBE_BYTES = 16 << 20, /* of memory that is read to see how fast that goes */
	PROBE_CHUNK = 1 << 20,
	PAGES = 4096, /* of a mapping looked at in one go */
};

/* The directory that path is in; "" when there is no memory for it. */
static struct nec_error *directory_of(const char *path, char **ret)
{
	const char *slash = strrchr(path, '/');

	*ret = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	return *ret ? NULL : &nec_enomem;
}

/* Bytes of own pages of a mapping; reads some of them for the sake of the time it takes. */
static uint64_t own_bytes(struct nec_target *t, const struct nec_vma *v, uint8_t *buf,
			  uint64_t *probed, double *seconds)
{
	static enum nec_page_kind pages[PAGES];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), addr, own = 0;
	size_t n, i;

	for (addr = v->start; addr < v->end; addr += n * page) {
		n = (v->end - addr) / page < PAGES ? (size_t)((v->end - addr) / page) : PAGES;
		nec_target_pages(t, addr, n, pages);
		for (i = 0; i < n; i++) {
			if (pages[i] == NEC_PAGE_NONE || (v->file && pages[i] != NEC_PAGE_OWN))
				continue;
			own += page;
			if (*probed < PROBE_BYTES && addr + i * page + PROBE_CHUNK <= v->end &&
			    i % 256 == 0) {
				double start = nec_capture_clock();

				*probed += nec_target_read(t, addr + i * page, buf, PROBE_CHUNK);
				*seconds += nec_capture_clock() - start;
			}
		}
	}
	return own;
}

static uint64_t count_threads(const struct nec_target *t)
{
	char status[8192];
	size_t n = nec_target_proc(t, "status", status, sizeof(status) - 1);
	const char *at;

	status[n] = 0;
	at = strstr(status, "\nThreads:");
	return at ? strtoull(at + strlen("\nThreads:"), NULL, 10) : 1;
}

static struct nec_error *estimate(struct nec_target *t, int fd, uint64_t min_free,
				  struct nec_capture_estimate *ret)
{
	_cleanup_free_ uint8_t *buf = malloc(PROBE_CHUNK);
	uint64_t probed = 0, written = 0;
	double read_time = 0, write_time = 0, start;
	size_t i;

	if (!buf)
		return &nec_enomem;
	*ret = (struct nec_capture_estimate){.room = nec_corefile_room(fd),
					     .threads = count_threads(t)};
	NEC_TRY(nec_target_read_maps(t, true));
	for (i = 0; i < t->vma_count; i++) {
		if (!t->vmas[i].skip)
			ret->bytes += own_bytes(t, &t->vmas[i], buf, &probed, &read_time);
	}
	/* How fast the file system takes it, without waiting for the disk: that is what the process
	 * waits for. */
	memset(buf, 0x5a, PROBE_CHUNK);
	start = nec_capture_clock();
	while (written < PROBE_BYTES && ret->room > min_free &&
	       ret->room - min_free > written + PROBE_CHUNK &&
	       pwrite(fd, buf, PROBE_CHUNK, (off_t)written) == PROBE_CHUNK)
		written += PROBE_CHUNK;
	write_time = nec_capture_clock() - start;
	ret->seconds = (double)ret->bytes * ((probed ? read_time / (double)probed : 0) +
					     (written ? write_time / (double)written : 0));
	return NULL;
}

struct nec_error *nec_capture_estimate(int pid, const struct nec_capture_options *options,
				       struct nec_capture_estimate *ret)
{
	_cleanup_(nec_target_close) struct nec_target t;
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_(nec_error_destroyp) struct nec_error *opened = nec_target_open(pid, &t);

	if (opened)
		return nec_take(opened);
	NEC_TRY(directory_of(options->output, &dir));
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return nec_error_os(errno, "%s", dir);
	return estimate(&t, fd, options->min_free, ret);
}

static struct nec_error *check_room(const struct nec_capture_estimate *e, uint64_t min_free)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (e->room >= e->bytes && e->room - e->bytes >= min_free)
		return NULL;
	nec_text_puts(&text, "there is room for ");
	nec_text_size(&text, (int64_t)e->room);
	nec_text_puts(&text, ", the memory to copy is ");
	nec_text_size(&text, (int64_t)e->bytes);
	nec_text_puts(&text, ", and ");
	nec_text_size(&text, (int64_t)min_free);
	nec_text_puts(&text, " are to stay free");
	return nec_error_create(NEC_ERR_NOSPACE, "%s", nec_text_str(&text));
}

/* Stops the target, copies, lets it go. Whatever happens, it goes on. */
static struct nec_error *copy_stopped(struct nec_target *t, int fd,
				      const struct nec_capture_options *o,
				      struct nec_capture_result *ret)
{
	struct nec_corefile core = {0};
	struct nec_error *err;
	struct nec_vma *flagged = t->vmas;
	size_t flagged_count = t->vma_count, i, j;
	int priority;

	/* The mappings are read again when they cannot change any more; what only smaps knows is
	 * kept from before. */
	t->vmas = NULL;
	t->vma_count = 0;
	/* Whoever may gives this process the right of way while another one waits for it. */
	errno = 0;
	priority = getpriority(PRIO_PROCESS, 0);
	if (!errno)
		setpriority(PRIO_PROCESS, 0, -20);
	err = nec_target_stop(t);
	if (!err)
		err = nec_target_read_maps(t, false);
	for (i = j = 0; !err && i < t->vma_count; i++) {
		while (j < flagged_count && flagged[j].end <= t->vmas[i].start)
			j++;
		if (j < flagged_count && flagged[j].start <= t->vmas[i].start && flagged[j].skip)
			t->vmas[i].skip = true;
	}
	if (!err)
		err = nec_corefile_write(t, fd, o->min_free, o->progress, &core);
	ret->pause = nec_target_resume(t);
	setpriority(PRIO_PROCESS, 0, priority);
	ret->bytes = core.written;
	ret->missing = core.missing;
	ret->died = core.died;
	/* A process that was killed gives up its memory a moment before it is seen to have ended.
	 */
	for (i = 0; core.missing && !ret->died && i < DEATH_POLLS; i++) {
		usleep(DEATH_POLL_US);
		ret->died = !nec_target_lives(t);
	}
	for (i = 0; i < flagged_count; i++)
		free(flagged[i].path);
	free(flagged);
	return err;
}

/* Packs the core into a file beside it, which takes its place. */
static struct nec_error *pack(int fd, const char *partial, const struct nec_capture_options *o)
{
	_cleanup_free_ char *packed = NULL;
	_cleanup_close_ int out = -1;
	struct nec_error *err;

	if (asprintf(&packed, "%s.zst", partial) < 0) {
		packed = NULL;
		return &nec_enomem;
	}
	out = open(packed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return nec_error_os(errno, "%s", packed);
	err = nec_pack_zstd(fd, out, o->min_free, o->progress);
	if (!err && rename(packed, partial))
		err = nec_error_os(errno, "%s", packed);
	if (err)
		unlink(packed);
	return err;
}

static struct nec_error *capture_to(struct nec_target *t, int fd, const char *partial,
				    const struct nec_capture_options *o,
				    struct nec_capture_result *ret)
{
	struct nec_capture_estimate cost;
	struct nec_error *err = NULL;
	struct stat st;

	NEC_TRY(estimate(t, fd, o->min_free, &cost));
	if (ftruncate(fd, 0))
		return nec_error_os(errno, "%s", partial);
	NEC_TRY(check_room(&cost, o->min_free));
	NEC_TRY(copy_stopped(t, fd, o, ret));
	if (o->zstd)
		err = pack(fd, partial, o);
	/* A core that is not packed is worth more than none. */
	if (err && err->code == NEC_ERR_NOSPACE) {
		ret->unpacked = true;
		nec_error_destroy(nec_take(err));
	}
	if (err)
		return err;
	if (!stat(partial, &st))
		ret->disk = (uint64_t)st.st_blocks * 512;
	return rename(partial, o->output) ? nec_error_os(errno, "%s", o->output) : NULL;
}

struct nec_error *nec_capture(int pid, const struct nec_capture_options *o,
			      struct nec_capture_result *ret)
{
	_cleanup_(nec_target_close) struct nec_target t;
	_cleanup_free_ char *partial = NULL;
	_cleanup_close_ int fd = -1;
	struct nec_error *err = nec_target_open(pid, &t);

	*ret = (struct nec_capture_result){0};
	if (err)
		return err;
	if (asprintf(&partial, "%s.partial", o->output) < 0) {
		partial = NULL;
		return &nec_enomem;
	}
	fd = open(partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return nec_error_os(errno, "%s", partial);
	err = capture_to(&t, fd, partial, o, ret);
	if (err)
		unlink(partial);
	return err;
}
