/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing arrays in unlinked temporary files; see tmparray.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tmparray.h"
#include "base/tmpfile.h"

enum { MIN_CAPACITY = 1 << 16 };

struct nec_error *nec_tmparray_init(struct nec_tmparray *a, const char *dir)
{
	*a = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	return nec_tmpfile_open(dir, "temporary file in", &a->fd);
}

struct nec_error *nec_tmparray_reserve(struct nec_tmparray *a, size_t size)
{
	size_t capacity = a->capacity ? a->capacity : MIN_CAPACITY;
	int err;
	void *p;

	if (size <= a->capacity)
		return NULL;
	if (size > PTRDIFF_MAX / 2)
		return nec_error_create(NEC_ERR_LIMIT, "temporary array of %zu bytes", size);
	while (capacity < size)
		capacity += capacity / 2 + MIN_CAPACITY;
	capacity = (capacity + 0xffff) & ~(size_t)0xffff;
	/* Blocks are claimed now: a full disk is an error here and not a SIGBUS later. */
	err = posix_fallocate(a->fd, (off_t)a->capacity, (off_t)(capacity - a->capacity));
	if (err == EOPNOTSUPP || err == EINVAL)
		err = ftruncate(a->fd, (off_t)capacity) ? errno : 0;
	if (err)
		return nec_error_os(err, "temporary array of %zu bytes", capacity);
	p = a->data ? mremap(a->data, a->capacity, capacity, MREMAP_MAYMOVE)
		    : mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
	if (p == MAP_FAILED)
		return nec_error_os(errno, "temporary array of %zu bytes", capacity);
	a->data = p;
	a->capacity = capacity;
	return NULL;
}

struct nec_error *nec_tmparray_resize(struct nec_tmparray *a, size_t size)
{
	NEC_TRY(nec_tmparray_reserve(a, size));
	a->size = size;
	return NULL;
}

struct nec_error *nec_tmparray_append(struct nec_tmparray *a, const void *data, size_t len)
{
	if (!len)
		return NULL;
	/* What overflows is more than any array can be, and reserve says so. */
	NEC_TRY(nec_tmparray_reserve(a, len > SIZE_MAX - a->size ? SIZE_MAX : a->size + len));
	memcpy((char *)a->data + a->size, data, len);
	a->size += len;
	return NULL;
}

void nec_tmparray_deinit(struct nec_tmparray *a)
{
	if (a->data)
		munmap(a->data, a->capacity);
	if (a->data || a->fd > 0)
		close(a->fd);
	*a = (struct nec_tmparray)NEC_TMPARRAY_INIT;
}
