/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Greenlets. When one is suspended its innermost frame object is in its state: until greenlet 1 in
 * the object, later in a C++ object that it points to (greenlet_greenlet.hpp, PythonState). Where
 * exactly changes from release to release, and the extension is mostly stripped, so the frame is
 * found by what it is.
 */
#ifndef NEC_PYTHON_GREENLET_H
#define NEC_PYTHON_GREENLET_H

#include "python/types.h"

/* The innermost frame of a greenlet, as nec_stack has it; 0: it is not suspended. */
uint64_t nec_greenlet_frame(struct nec_types *types, uint64_t obj);

#endif
