/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump file on disk, whatever wraps it; see input.h.
 *
 * What is mapped is always a whole regular file of a size that was taken at open: the dump itself,
 * which base/mapguard.h looks after, or an unlinked file that nobody else can shorten. Unpacking skips
 * blocks of zeros, of which a core has many, so holes take no room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mapguard.h"
#include "base/text.h"
#include "base/tmpfile.h"
#include "formats/decoder.h"
#include "formats/input.h"

enum {
	IN_SIZE = 256 << 10,
	OUT_SIZE = 1 << 20,
	BLOCK = 4096,           /* what is zero in whole is left a hole */
	HEAD_SIZE = 64,         /* enough for every frame header */
	RESERVE = 16 << 20,     /* bytes of the disk that are left to others */
	CHECK_EVERY = 64 << 20, /* bytes between two looks at the room left */
};

struct nec_input {
	char *path;
	const uint8_t *data; /* mapped; NULL when size is 0 */
	uint64_t size;
	uint64_t file_size;
	int64_t mtime;
	const char *compression;
	char *warning;
};

/* The file being unpacked. */
struct unpack {
	struct nec_input *input;
	const char *dir;
	struct nec_progress *progress;
	int in_fd, out_fd;
	uint64_t in_total;   /* bytes of the packed file, 0: not known */
	uint64_t read;       /* of them so far */
	uint64_t written;    /* bytes unpacked so far, holes too */
	uint64_t checked_at; /* value of written when room was last looked at */
	uint8_t *in, *out;   /* IN_SIZE, OUT_SIZE */
	size_t in_have;      /* bytes in `in` */
};

static struct nec_error *room_in(const char *dir, int fd, uint64_t *ret)
{
	struct statvfs v;

	if (fstatvfs(fd, &v))
		return nec_error_os(errno, "%s", dir);
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return NULL;
}

static struct nec_error *no_room(const struct unpack *u, uint64_t need, uint64_t room)
{
	struct nec_text t = {0};
	struct nec_error *err;

	nec_text_puts(&t, "unpacked it takes ");
	nec_text_puts(&t, need ? "" : "more than ");
	nec_text_size(&t, (int64_t)(need ? need : u->written));
	nec_text_printf(&t, ", and %s has ", u->dir);
	nec_text_size(&t, (int64_t)room);
	nec_text_puts(&t, " left (TMPDIR says where else to unpack)");
	err = nec_error_create(NEC_ERR_NOSPACE, "%s: %s", u->input->path, nec_text_str(&t));
	nec_text_deinit(&t);
	return err;
}

static struct nec_error *check_room(struct unpack *u, uint64_t need)
{
	uint64_t room;

	NEC_TRY(room_in(u->dir, u->out_fd, &room));
	u->checked_at = u->written;
	return room < need || room - need < RESERVE ? no_room(u, need, room) : NULL;
}

static bool is_zero(const uint8_t *p, size_t size)
{
	return !size || (!p[0] && !memcmp(p, p + 1, size - 1));
}

static struct nec_error *write_at(const struct unpack *u, const uint8_t *p, size_t size,
				  uint64_t off)
{
	while (size) {
		ssize_t n = pwrite(u->out_fd, p, size, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return nec_error_os(errno, "%s: unpacking into %s", u->input->path, u->dir);
		p += n;
		size -= (size_t)n;
		off += (uint64_t)n;
	}
	return NULL;
}

/* Appends size bytes of u->out; blocks of zeros become holes. */
static struct nec_error *flush_out(struct unpack *u, size_t size)
{
	size_t from = 0;

	if (u->written - u->checked_at >= CHECK_EVERY)
		NEC_TRY(check_room(u, 0));
	for (size_t pos = 0; pos < size;) {
		size_t n = BLOCK - (u->written + pos) % BLOCK;

		n = n < size - pos ? n : size - pos;
		if (is_zero(u->out + pos, n)) {
			NEC_TRY(write_at(u, u->out + from, pos - from, u->written + from));
			from = pos + n;
		}
		pos += n;
	}
	NEC_TRY(write_at(u, u->out + from, size - from, u->written + from));
	u->written += size;
	return nec_progress_step(u->progress, "unpacking", u->in_total ? u->read : u->written,
				 u->in_total);
}

/* Fills u->in from the front; u->in_have is 0 at the end of the file. */
static struct nec_error *refill(struct unpack *u)
{
	ssize_t n;

	do {
		n = read(u->in_fd, u->in, IN_SIZE);
	} while (n < 0 && errno == EINTR && !(u->progress && u->progress->cancel));
	if (n < 0 && errno == EINTR)
		return nec_progress_step(u->progress, "unpacking", u->read, u->in_total);
	if (n < 0)
		return nec_error_os(errno, "%s", u->input->path);
	u->in_have = (size_t)n;
	u->read += (uint64_t)n;
	return NULL;
}

static struct nec_error *warn(struct nec_input *input, const char *what, uint64_t bytes)
{
	free(input->warning);
	if (asprintf(&input->warning, "the %s stream %s: %llu bytes could be unpacked",
		     input->compression, what, (unsigned long long)bytes) < 0) {
		input->warning = NULL;
		return &nec_enomem;
	}
	return NULL;
}

static struct nec_error *decode_all(struct unpack *u, const struct nec_decoder *decoder,
				    struct nec_decode *d)
{
	bool frames = false;

	for (;;) {
		size_t in_before = d->in_pos;

		if (d->in_pos == d->in_size) {
			NEC_TRY(refill(u));
			d->in = u->in;
			d->in_size = u->in_have;
			d->in_pos = in_before = 0;
			if (!d->in_size)
				break;
		}
		if (d->at_end && frames &&
		    !nec_decoder_find(d->in + d->in_pos, d->in_size - d->in_pos))
			return warn(u->input, "is followed by something else", u->written);
		d->out_pos = 0;
		if (!decoder->decode(d)) {
			NEC_TRY(flush_out(u, d->out_pos));
			return warn(u->input, d->problem, u->written);
		}
		frames |= d->at_end;
		NEC_TRY(flush_out(u, d->out_pos));
		if (d->in_pos == in_before && !d->out_pos && !d->at_end)
			return warn(u->input, "is damaged", u->written);
	}
	/* A decoder may still hold output when the input is used up. */
	while (!d->at_end) {
		d->out_pos = 0;
		if (!decoder->decode(d) || !d->out_pos)
			break;
		NEC_TRY(flush_out(u, d->out_pos));
	}
	return d->at_end ? NULL : warn(u->input, "ends early", u->written);
}

static struct nec_error *copy_all(struct unpack *u)
{
	while (u->in_have) {
		memcpy(u->out, u->in, u->in_have);
		NEC_TRY(flush_out(u, u->in_have));
		NEC_TRY(refill(u));
	}
	return NULL;
}

static struct nec_error *map_fd(struct nec_input *input, int fd, uint64_t size)
{
	void *p;

	input->size = size;
	if (!size)
		return NULL;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		input->size = 0;
		return nec_error_os(errno, "%s", input->path);
	}
	input->data = p;
	nec_mapguard_add(p, size, input->path);
	return NULL;
}

/* Unpacks what u->in begins and in_fd continues into a file of its own, and maps that. */
static struct nec_error *unpack(struct unpack *u, const struct nec_decoder *decoder)
{
	struct nec_decode d = {
		.in = u->in, .in_size = u->in_have, .out = u->out, .out_size = OUT_SIZE};
	uint64_t size = 0;
	struct nec_error *err;

	NEC_TRY(nec_tmpfile_open(u->dir, "unpacking into", &u->out_fd));
	if (decoder && decoder->content_size)
		size = decoder->content_size(u->in, u->in_have);
	NEC_TRY(check_room(u, size));
	if (!decoder) {
		err = copy_all(u);
	} else {
		NEC_TRY(decoder->open(&d));
		err = decode_all(u, decoder, &d);
		decoder->close(&d);
	}
	if (err)
		return err;
	if (ftruncate(u->out_fd, (off_t)u->written))
		return nec_error_os(errno, "%s: unpacking into %s", u->input->path, u->dir);
	return map_fd(u->input, u->out_fd, u->written);
}

static struct nec_error *open_stream(struct nec_input *input, int fd, const char *tmpdir,
				     uint64_t known_size, struct nec_progress *progress)
{
	_cleanup_free_ uint8_t *in = malloc(IN_SIZE), *out = malloc(OUT_SIZE);
	struct unpack u = {
		.input = input,
		.dir = tmpdir,
		.progress = progress,
		.in_fd = fd,
		.out_fd = -1,
		.in_total = known_size,
		.in = in,
		.out = out,
	};
	const struct nec_decoder *decoder;
	struct nec_error *err;
	ssize_t n;

	if (!in || !out)
		return &nec_enomem;
	/* A pipe gives what it has: a frame header may come in pieces. */
	do {
		n = read(fd, in + u.in_have, IN_SIZE - u.in_have);
		u.in_have += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && u.in_have < HEAD_SIZE) ||
		 (n < 0 && errno == EINTR && !(progress && progress->cancel)));
	if (n < 0)
		return nec_error_os(errno, "%s", input->path);
	u.read = u.in_have;
	decoder = nec_decoder_find(in, u.in_have);
	if (decoder) {
		input->compression = decoder->name;
		if (!decoder->open)
			return nec_error_create(
				NEC_ERR_UNSUPPORTED,
				"%s is packed by %s, which this build cannot unpack", input->path,
				decoder->name);
	}
	err = unpack(&u, decoder);
	if (u.out_fd >= 0)
		close(u.out_fd);
	input->file_size = u.read;
	return err;
}

static struct nec_error *open_fd(struct nec_input *input, int fd, const char *tmpdir,
				 struct nec_progress *progress)
{
	uint8_t head[HEAD_SIZE];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return nec_error_os(errno, "%s", input->path);
	if (S_ISDIR(st.st_mode))
		return nec_error_create(NEC_ERR_FORMAT, "%s is a directory, not a dump",
					input->path);
	/* Some never end. */
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return nec_error_create(NEC_ERR_FORMAT, "%s is a device, not a dump", input->path);
	input->mtime = st.st_mtime;
	/* Standard input may be a file that somebody read from already: only from its start on can
	 * it be mapped. */
	if (!S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
		return open_stream(input, fd, tmpdir, 0, progress);
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return nec_error_os(errno, "%s", input->path);
	input->file_size = (uint64_t)st.st_size;
	if (nec_decoder_find(head, (size_t)n))
		return open_stream(input, fd, tmpdir, (uint64_t)st.st_size, progress);
	return map_fd(input, fd, (uint64_t)st.st_size);
}

struct nec_error *nec_input_open(const char *path, const char *tmpdir,
				 struct nec_progress *progress, struct nec_input **input_ret)
{
	bool is_stdin = !strcmp(path, "-");
	_cleanup_close_ int fd = -1;
	struct nec_input *input;
	struct nec_error *err;

	fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return nec_error_os(errno, "%s", is_stdin ? "standard input" : path);
	input = calloc(1, sizeof(*input));
	if (!input)
		return &nec_enomem;
	input->path = strdup(is_stdin ? "standard input" : path);
	input->compression = "none";
	err = input->path ? open_fd(input, fd, tmpdir, progress) : &nec_enomem;
	if (err) {
		nec_input_close(input);
		return err;
	}
	*input_ret = input;
	return NULL;
}

void nec_input_close(struct nec_input *input)
{
	if (!input)
		return;
	nec_mapguard_remove(input->data);
	if (input->data)
		munmap((void *)(uintptr_t)input->data, input->size);
	free(input->path);
	free(input->warning);
	free(input);
}

const uint8_t *nec_input_data(const struct nec_input *input, uint64_t *size_ret)
{
	*size_ret = input->size;
	return input->data;
}

const char *nec_input_path(const struct nec_input *input)
{
	return input->path;
}

const char *nec_input_compression(const struct nec_input *input)
{
	return input->compression;
}

uint64_t nec_input_file_size(const struct nec_input *input)
{
	return input->file_size;
}

int64_t nec_input_mtime(const struct nec_input *input)
{
	return input->mtime;
}

const char *nec_input_warning(const struct nec_input *input)
{
	return input->warning;
}
