/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ELF core of a stopped process, as the kernel would have written it (fs/binfmt_elf.c), for gdb
 * and every other reader.
 *
 * Header, program headers and notes come first, then small segments, then large ones: a file that
 * ends early is loadable as far as it goes, and has what tells how to read the rest. Memory that
 * was never touched is a hole in a sparse file. Pages that are as their file has them are left out
 * (p_filesz of 0 for their part of the mapping), but for the first page of an ELF file, which tells
 * which file it was.
 */
#ifndef NEC_CAPTURE_COREFILE_H
#define NEC_CAPTURE_COREFILE_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "capture/target.h"

struct nec_corefile {
	uint64_t written; /* bytes of memory in the file, holes not counted */
	uint64_t missing; /* bytes that could not be read, and are left out */
	uint64_t size;    /* of the file, holes included */
	bool died;        /* the target did, before all was read */
};

/*
 * Writes to fd, which is empty and stays open, while the target is stopped. min_free: bytes that
 * the file system keeps free; NEC_ERR_NOSPACE when it would not.
 */
struct nec_error *nec_corefile_write(struct nec_target *target, int fd, uint64_t min_free,
				     struct nec_progress *progress, struct nec_corefile *ret);

/* Bytes free for this user in the file system of fd; UINT64_MAX when that is not known. */
uint64_t nec_corefile_room(int fd);

#endif
