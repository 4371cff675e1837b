/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files without a name: nothing is left behind when the process dies. */
#ifndef NEC_BASE_TMPFILE_H
#define NEC_BASE_TMPFILE_H

#include "base/error.h"

/* Opens an empty file in directory dir, to read and write. An error says "WHAT DIR: ...". The caller closes it. */
struct nec_error *nec_tmpfile_open(const char *dir, const char *what, int *fd_ret);

#endif
