/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name of an object: how a program would reach it, from a module where that is possible. */
#ifndef NEC_OBJECTNAME_H
#define NEC_OBJECTNAME_H

#include "base/text.h"
#include "necropsy.h"

/*
 * Adds the name, `package.module.Class.attribute['key']`, or the address where nothing reaches it;
 * and to detail the whole path with its root, as a sentence. NEC_ERR_NOTFOUND: no object is there.
 */
struct nec_error *nec_object_name(struct nec_db *db, uint64_t addr, struct nec_progress *progress,
				  struct nec_text *name, struct nec_text *detail);

#endif
