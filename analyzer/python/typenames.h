/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of static types whose text is gone: tp_name points into the read-only data of a file that neither the dump nor this machine
 * has. Memory still says them: as keys of module dictionaries (builtins, types, _collections_abc, the module that defines the type), as
 * the types of well-known objects, by subclass bits of tp_flags, and by attributes that one type alone has.
 */
#ifndef NEC_PYTHON_TYPENAMES_H
#define NEC_PYTHON_TYPENAMES_H

#include "python/target.h"

struct nec_typename {
	uint64_t type;
	char *name; /* owned; as tp_name would say it */
	bool known; /* a name that a visitor or a table of members has */
};

struct nec_typenames {
	struct nec_typename *names; /* owned; ascending by type */
	uint32_t count, capacity;
};

/* Collects names of static types that cannot be read. Nothing to do where they all can. */
struct nec_error *nec_typenames_init(struct nec_typenames *names, const struct nec_target *t);
void nec_typenames_deinit(struct nec_typenames *names);

/* The name of the type at addr, NULL when none was found. */
const char *nec_typenames_get(const struct nec_typenames *names, uint64_t addr);

#endif
