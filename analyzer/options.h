/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user may say about a load; part of the public interface (necropsy.h). */
#ifndef NEC_OPTIONS_H
#define NEC_OPTIONS_H

#include <stdbool.h>

#include "base/progress.h"

struct nec_load_options {
	const char *output;	/* the database; NULL: beside the dump, else $XDG_CACHE_HOME/necropsy */
	const char *sysroot;	/* directory that stands for the root of the machine that died */
	const char *exe;	/* executable to use instead of the recorded path */
	const char *const *lib_paths; /* directories to look for libraries in, by name; NULL-terminated */
	bool no_values;		/* leave every payload out of the database */
	bool no_native;		/* leave native stacks out */
	bool all_native;	/* threads alone: debug information of the interpreter's own functions, too; it takes its time */
	bool force;		/* load again although there is a database */
	struct nec_progress *progress; /* may be NULL */
};

#endif
