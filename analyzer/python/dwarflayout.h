/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the debug information of CPython's files says of the fields of fields.def and the C types of
 * ctypes.def. Files are searched in order, the interpreter or libpython first and extension modules
 * after it; a field's alternatives as fields.def has them.
 */
#ifndef NEC_PYTHON_DWARFLAYOUT_H
#define NEC_PYTHON_DWARFLAYOUT_H

#include "image/dwarf.h"
#include "python/layout.h"

enum { NEC_DWARF_FILES = 256, NEC_DWARF_MEMBERS = 64, NEC_DWARF_STATE_MEMBERS = 1024 };

struct nec_dwarf_layout {
	struct nec_dwarf *files[NEC_DWARF_FILES];
	uint32_t count;
};

/* The members of a C type that hold references, by offset. */
struct nec_dwarf_members {
	struct nec_member members[NEC_DWARF_MEMBERS]; /* names in `names` */
	char names[NEC_DWARF_MEMBERS][64];
	uint32_t count;
	int32_t size; /* of the struct */
};

/* Opens one more file. NEC_ERR_NOTFOUND when it has no debug information; above the cap nothing
 * happens. */
struct nec_error *nec_dwarf_layout_add(struct nec_dwarf_layout *d, const char *path);
void nec_dwarf_layout_deinit(struct nec_dwarf_layout *d);

/* The offset (in bits for a bit field) or size; NEC_NO_FIELD where no file has it. */
int32_t nec_dwarf_layout_offset(const struct nec_dwarf_layout *d, enum nec_field field);

/* Does a file describe the struct of the field, whether it has the member or not? */
bool nec_dwarf_layout_knows(const struct nec_dwarf_layout *d, enum nec_field field);

/* What the files say of the C types that layout describes, into it. */
struct nec_error *nec_dwarf_layout_ctypes(const struct nec_dwarf_layout *d,
					  struct nec_layout *layout);

/* Of the C type that has one of the names of types (a|b); false when no file describes it. */
bool nec_dwarf_layout_members(const struct nec_dwarf_layout *d, const char *types,
			      struct nec_dwarf_members *ret);

/* The members of a struct of the interpreter's own that are no numbers, by offset; see NEC_STATE. */
struct nec_dwarf_state {
	struct {
		int32_t off;
		char name[64];
	} members[NEC_DWARF_STATE_MEMBERS];
	uint32_t count;
	int32_t size; /* of the struct */
};

/* Of the struct that has one of the names of types (a|b); false when no file describes it. */
bool nec_dwarf_layout_state(const struct nec_dwarf_layout *d, const char *types, struct nec_dwarf_state *ret);

#endif
