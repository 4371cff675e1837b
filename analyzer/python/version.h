/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which CPython it is, and which table is for it. Its own static data has the text of Py_GetVersion() (Python/getversion.c), _Py_DebugOffsets
 * have a number, paths of its files a minor version; where none of these is left, the table that fits best.
 */
#ifndef NEC_PYTHON_VERSION_H
#define NEC_PYTHON_VERSION_H

#include "python/debugoffsets.h"
#include "python/target.h"

/*
 * Takes the table for t->type_type: the version that most speaks for and whose probes hold, else the one whose probes hold best. Needs
 * the extent of the static data. NEC_ERR_UNSUPPORTED: no table fits.
 */
struct nec_error *nec_version_settle(struct nec_target *t, const struct nec_debug_offsets *offsets);

/*
 * Fills in version and micro: by sys.version, else by the static data; and what that micro release keeps in another way. Needs the
 * interpreters.
 */
void nec_version_read(struct nec_target *t);

#endif
