/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files without a name; see tmpfile.h. */
#include "base/tmpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

struct nec_error *nec_tmpfile_open(const char *dir, const char *what, int *fd_ret)
{
	_cleanup_free_ char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* Not every file system can do that. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		if (asprintf(&path, "%s/.necropsy-XXXXXX", dir) < 0)
			return &nec_enomem;
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return nec_error_os(errno, "%s %s", what, dir);
	*fd_ret = fd;
	return NULL;
}
