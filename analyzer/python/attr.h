/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of instances by name, and small numbers, wherever a version keeps them. */
#ifndef NEC_PYTHON_ATTR_H
#define NEC_PYTHON_ATTR_H

#include "python/target.h"

/* The value that an instance itself has for an attribute: of its __dict__, or of its inline values.
 * 0: none. */
uint64_t nec_attr_find(const struct nec_target *t, uint64_t obj, const char *name);

/* The __dict__ of the module called name in the main interpreter's sys.modules, 0: not imported. */
uint64_t nec_module_dict(const struct nec_target *t, uint64_t interpreter, const char *name);

/* The int (2.7: or long) at obj as a number; false when it is none, negative, or longer than 64
 * bits. */
bool nec_attr_u64(const struct nec_target *t, uint64_t obj, uint64_t *ret);

#endif
