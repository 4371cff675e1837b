/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of source files, to be shown under frames. A path comes from a dump: it is only looked for
 * below directories that the user named, and of one with ".." in it only what is behind that.
 */
#ifndef NEC_CLI_SOURCE_H
#define NEC_CLI_SOURCE_H

#include <stdint.h>

#include "base/text.h"

struct nec_source_files {
	const char *const *dirs; /* borrowed; NULL-terminated */
	struct nec_source_file {
		char *path; /* as the dump has it */
		char *data; /* NUL-terminated; NULL: not found */
		size_t size;
		size_t *lines; /* where each begins */
		uint32_t line_count;
	} * files; /* owned */
	uint32_t count, capacity;
	bool failed; /* out of memory */
};

void nec_source_files_deinit(struct nec_source_files *files);

/* The line of a file without its indentation, and its length; NULL when it is not here. A file is
 * looked for in each directory by its whole path, then by less and less of it from the left. */
const char *nec_source_files_line(struct nec_source_files *files, const char *path, int64_t line,
				  size_t *len_ret);

#endif
