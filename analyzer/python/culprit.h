/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a process died that died by itself: of a fault, or because it called abort(). The innermost
 * frame is seldom who is to blame: strlen() was given a bad pointer, and the allocator found what
 * somebody else had damaged. So the C library and libffi are passed over, and the interpreter where
 * an extension module called it.
 */
#ifndef NEC_PYTHON_CULPRIT_H
#define NEC_PYTHON_CULPRIT_H

#include "python/threads.h"

/* Is thread i the one that the process died in? */
bool nec_culprit_is_dying(const struct nec_threads *threads, uint32_t i);

/*
 * Adds "string_at (_ctypes.so), in strlen" for thread i, and to caller the Python function that
 * this was called by, "string_at at ctypes/__init__.py:517"; nothing where it did not die by
 * itself, or its frames are not known. Begins a new stack in threads->mixed. Errors: no memory.
 */
struct nec_error *nec_culprit_find(struct nec_threads *threads, uint32_t i, struct nec_text *out,
				   struct nec_text *caller);

#endif
