/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identity of a dump; see identity.h. The hash: Fowler, Noll, Vo, RFC draft-eastlake-fnv, 128-bit
 * FNV-1a. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"

enum { SPAN = 1 << 20 };

typedef unsigned __int128 u128;

static u128 hash_bytes(u128 hash, const uint8_t *p, size_t len)
{
	const u128 prime = (u128)1 << 88 | 0x13b;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ p[i]) * prime;
	return hash;
}

/* Adds up to SPAN bytes from off on. */
static struct nec_error *hash_span(int fd, uint64_t off, uint8_t *buf, u128 *hash)
{
	size_t done = 0;
	ssize_t n;

	while (done < SPAN) {
		n = pread(fd, buf + done, SPAN - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return nec_error_os(errno, "reading");
		if (!n)
			break;
		done += (size_t)n;
	}
	*hash = hash_bytes(*hash, buf, done);
	return NULL;
}

struct nec_error *nec_identity_read(const char *path, struct nec_identity *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ uint8_t *buf = malloc(SPAN);
	u128 hash = (u128)UINT64_C(0x6c62272e07bb0142) << 64 | UINT64_C(0x62b821756295c58d);
	struct nec_error *err;
	struct stat st;

	if (!buf)
		return &nec_enomem;
	if (fd < 0 || fstat(fd, &st))
		return nec_error_os(errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return nec_error_create(NEC_ERR_FORMAT, "%s: %s, not a dump", path,
					S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
	ret->size = (uint64_t)st.st_size;
	ret->mtime = st.st_mtime;
	ret->mtime_ms = (uint32_t)(st.st_mtim.tv_nsec / 1000000);
	err = hash_span(fd, 0, buf, &hash);
	if (!err && st.st_size > SPAN)
		err = hash_span(fd, (uint64_t)st.st_size - SPAN, buf, &hash);
	if (err)
		return nec_error_wrap(err, "%s", path);
	snprintf(ret->hash, sizeof(ret->hash), "%016" PRIx64 "%016" PRIx64, (uint64_t)(hash >> 64),
		 (uint64_t)hash);
	return NULL;
}
