/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the table of a CPython build from its debug information: `necropsy layout FILE...`.
 *
 * The files are searched in order (the interpreter or libpython first, extension modules after it), each field's alternatives as
 * fields.def has them. What equals the version that the table inherits from is left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "necropsy.h"
#include "python/dwarflayout.h"

static bool same_members(const struct nec_ctype *base, const struct nec_dwarf_members *list)
{
	uint32_t i;

	if (!base || base->count != list->count || base->size != list->size)
		return false;
	for (i = 0; i < list->count; i++)
		if (base->members[i].off != list->members[i].off ||
		    strcmp(base->members[i].name, list->members[i].name))
			return false;
	return true;
}

static const struct {
	const char *name, *types;
} ctypes[] = {
#define NEC_CTYPE(name, types) {name, types},
#include "python/ctypes.def"
#undef NEC_CTYPE
};

static const struct {
	const char *name, *types;
} states[] = {
#define NEC_CTYPE(name, types)
#define NEC_STATE(name, types) {name, types},
#include "python/ctypes.def"
#undef NEC_STATE
#undef NEC_CTYPE
};

/* A struct moves as a whole more often than not: all of it, or nothing where the base has just the same. */
static void write_state(const struct nec_dwarf_layout *g, const struct nec_layout *base, size_t which, bool headers,
			struct nec_text *out)
{
	const struct nec_ctype *old = base ? nec_layout_ctype(base, states[which].name) : NULL;
	struct nec_dwarf_state *state = calloc(1, sizeof(*state));
	bool same;
	uint32_t i;

	if (!state) {
		out->failed = true;
		return;
	}
	if (!nec_dwarf_layout_state(g, states[which].types, state)) {
		if (old && !headers)
			nec_text_printf(out, "{\"%s\", -1, \"\"},\n", states[which].name);
		free(state);
		return;
	}
	same = old && old->count == state->count && old->size == state->size;
	for (i = 0; same && i < state->count; i++)
		same = old->members[i].off == state->members[i].off && !strcmp(old->members[i].name, state->members[i].name);
	if (!same)
		nec_text_printf(out, "{\"%s\", %d, \"\"},\n", states[which].name, (int)state->size);
	for (i = 0; !same && i < state->count; i++)
		nec_text_printf(out, "{\"%s\", %d, \"%s\"},\n", states[which].name, (int)state->members[i].off,
				state->members[i].name);
	free(state);
}

static const char *const field_ids[] = {
#define NEC_FIELD(id, type, member) "NEC_F_" #id,
#define NEC_SIZE(id, type)	    "NEC_SIZEOF_" #id,
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
};

static void write_table(const struct nec_dwarf_layout *g, const struct nec_layout *base, bool headers, struct nec_text *out)
{
	struct nec_dwarf_members list;
	uint32_t i, j;
	char name[160];

	nec_text_puts(out, "#ifdef NEC_LAYOUT_OFFSETS\n");
	for (i = 0; i < NEC_FIELD_COUNT; i++) {
		int32_t off = nec_dwarf_layout_offset(g, i);

		if (off == (base ? base->off[i] : NEC_NO_FIELD) ||
		    (headers && off == NEC_NO_FIELD && !nec_dwarf_layout_knows(g, i)))
			continue;
		nec_field_name(i, name, sizeof(name));
		if (off == NEC_NO_FIELD)
			nec_text_printf(out, "{%s, NEC_NO_FIELD}, /* %s */\n", field_ids[i], name);
		else
			nec_text_printf(out, "{%s, %d}, /* %s */\n", field_ids[i], off, name);
	}
	nec_text_puts(out, "#endif\n#ifdef NEC_LAYOUT_CTYPES\n");
	/* What points at a struct that only a .c file defines does not show that it is an object. */
	for (i = 0; i < sizeof(ctypes) / sizeof(ctypes[0]) && !headers; i++) {
		const struct nec_ctype *old = base ? nec_layout_ctype(base, ctypes[i].name) : NULL;
		bool found = nec_dwarf_layout_members(g, ctypes[i].types, &list);

		if (!found)
			list.count = 0;
		if ((!found && !old) || (found && old && same_members(old, &list)))
			continue;
		nec_text_printf(out, "{\"%s\", %d, \"\"},\n", ctypes[i].name, found ? list.size : -1);
		for (j = 0; j < list.count; j++)
			nec_text_printf(out, "{\"%s\", %d, \"%s\"},\n", ctypes[i].name,
					(int)list.members[j].off, list.members[j].name);
	}
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		write_state(g, base, i, headers, out);
	nec_text_puts(out, "#endif\n");
}

struct nec_error *nec_layout_table(const char *const *files, unsigned int major, unsigned int minor,
				   const char *abi, bool links, bool headers, char **text_ret)
{
	struct nec_dwarf_layout g = {.count = 0};
	struct nec_layout base, *inherits = NULL;
	struct nec_text out = {0};
	struct nec_error *err = NULL;
	unsigned int i;

	for (i = 0; files[i]; i++) {
		err = nec_dwarf_layout_add(&g, files[i]);
		if (err && !i)
			break; /* the interpreter itself is needed; a stripped module is not */
		nec_error_destroy(i ? err : NULL);
		err = NULL;
	}
	if (!err && major) {
		err = nec_layout_init(&base, major, minor, abi);
		if (!err && links)
			nec_layout_add_links(&base);
		inherits = &base;
	}
	if (!err) {
		write_table(&g, inherits, headers, &out);
		*text_ret = nec_take(out.data);
		if (out.failed)
			err = &nec_enomem;
		if (inherits)
			nec_layout_deinit(inherits);
	}
	nec_text_deinit(&out);
	nec_dwarf_layout_deinit(&g);
	return err;
}
