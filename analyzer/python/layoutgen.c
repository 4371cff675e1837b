/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the table of a CPython build from its debug information: `necropsy layout FILE...`.
 *
 * The files are searched in order (the interpreter or libpython first, extension modules after it), each field's alternatives as
 * fields.def has them. What equals the version that the table inherits from is left out.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "image/dwarf.h"
#include "necropsy.h"
#include "python/layout.h"

enum { MAX_FILES = 256, MAX_MEMBERS = 64 };

struct generator {
	struct nec_dwarf *files[MAX_FILES];
	unsigned int count;
};

/* One alternative of an 'a|b|c' list, copied; false when there are no more. */
static bool next_alternative(const char **list, char *buf, size_t size)
{
	size_t len;

	if (!*list)
		return false;
	len = strcspn(*list, "|");
	snprintf(buf, size, "%.*s", (int)len, *list);
	*list = (*list)[len] ? *list + len + 1 : NULL;
	return true;
}

static bool try_member(struct nec_dwarf *dwarf, const char *type, const char *member, int32_t *ret)
{
	int64_t off, bit;
	uint64_t size;
	struct nec_error *err = nec_dwarf_member(dwarf, type, member, &off, &size, &bit);

	if (err) {
		nec_error_destroy(err);
		return false;
	}
	*ret = *member ? (int32_t)(bit >= 0 ? bit : off) : (int32_t)size;
	return *member || size;
}

static int32_t find_offset(const struct generator *g, enum nec_field field)
{
	const char *types, *members;
	char type[64], member[64];
	unsigned int i;
	int32_t off;

	for (i = 0; i < g->count; i++) {
		nec_field_spec(field, &types, &members);
		while (next_alternative(&types, type, sizeof(type))) {
			const char *m = members;

			while (next_alternative(&m, member, sizeof(member)))
				if (try_member(g->files[i], type, member, &off))
					return off;
		}
	}
	return NEC_NO_FIELD;
}

struct member_list {
	struct {
		int64_t off;
		char name[64];
	} members[MAX_MEMBERS];
	uint32_t count;
	int32_t size; /* of the struct */
};

static struct nec_error *add_member(void *arg, const char *name, int64_t off)
{
	struct member_list *list = arg;
	const char *last = strrchr(name, '.');
	uint32_t i, j;

	last = last ? last + 1 : name;
	/* The head itself: links of the trace-refs list, and the type. */
	if (!strcmp(last, "ob_type") || !strcmp(last, "_ob_next") || !strcmp(last, "_ob_prev"))
		return NULL;
	for (i = 0; i < list->count && list->members[i].off < off; i++)
		;
	if (list->count == MAX_MEMBERS || (i < list->count && list->members[i].off == off))
		return NULL;
	for (j = list->count++; j > i; j--)
		list->members[j] = list->members[j - 1];
	list->members[i].off = off;
	snprintf(list->members[i].name, sizeof(list->members[i].name), "%s", name);
	return NULL;
}

/* The members of a C type; false when no file describes it. */
static bool find_members(const struct generator *g, const char *types, struct member_list *list)
{
	char type[64];
	unsigned int i;

	for (i = 0; i < g->count; i++) {
		const char *alternatives = types;

		while (next_alternative(&alternatives, type, sizeof(type))) {
			struct nec_error *err;

			list->count = 0;
			err = nec_dwarf_pointers(g->files[i], type, "_object", add_member, list);
			if (!err)
				return try_member(g->files[i], type, "", &list->size);
			nec_error_destroy(err);
		}
	}
	return false;
}

static bool same_members(const struct nec_ctype *base, const struct member_list *list)
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

static const char *const field_ids[] = {
#define NEC_FIELD(id, type, member) "NEC_F_" #id,
#define NEC_SIZE(id, type)	    "NEC_SIZEOF_" #id,
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
};

static void write_table(const struct generator *g, const struct nec_layout *base, struct nec_text *out)
{
	struct member_list list;
	uint32_t i, j;
	char name[160];

	nec_text_puts(out, "#ifdef NEC_LAYOUT_OFFSETS\n");
	for (i = 0; i < NEC_FIELD_COUNT; i++) {
		int32_t off = find_offset(g, i);

		if (off == (base ? base->off[i] : NEC_NO_FIELD))
			continue;
		nec_field_name(i, name, sizeof(name));
		if (off == NEC_NO_FIELD)
			nec_text_printf(out, "{%s, NEC_NO_FIELD}, /* %s */\n", field_ids[i], name);
		else
			nec_text_printf(out, "{%s, %d}, /* %s */\n", field_ids[i], off, name);
	}
	nec_text_puts(out, "#endif\n#ifdef NEC_LAYOUT_CTYPES\n");
	for (i = 0; i < sizeof(ctypes) / sizeof(ctypes[0]); i++) {
		const struct nec_ctype *old = base ? nec_layout_ctype(base, ctypes[i].name) : NULL;
		bool found = find_members(g, ctypes[i].types, &list);

		if (!found)
			list.count = 0;
		if ((!found && !old) || (found && old && same_members(old, &list)))
			continue;
		nec_text_printf(out, "{\"%s\", %d, \"\"},\n", ctypes[i].name, found ? list.size : -1);
		for (j = 0; j < list.count; j++)
			nec_text_printf(out, "{\"%s\", %d, \"%s\"},\n", ctypes[i].name,
					(int)list.members[j].off, list.members[j].name);
	}
	nec_text_puts(out, "#endif\n");
}

struct nec_error *nec_layout_table(const char *const *files, unsigned int major, unsigned int minor,
				   const char *abi, char **text_ret)
{
	struct generator g = {.count = 0};
	struct nec_layout base, *inherits = NULL;
	struct nec_text out = {0};
	struct nec_error *err = NULL;
	unsigned int i;

	for (i = 0; files[i] && i < MAX_FILES; i++) {
		err = nec_dwarf_open(files[i], &g.files[g.count]);
		if (!err)
			g.count++;
		else if (!i)
			break; /* the interpreter itself is needed; a stripped module is not */
		nec_error_destroy(i ? err : NULL);
		err = NULL;
	}
	if (!err && major) {
		err = nec_layout_init(&base, major, minor, abi);
		inherits = &base;
	}
	if (!err) {
		write_table(&g, inherits, &out);
		*text_ret = nec_take(out.data);
		if (out.failed)
			err = &nec_enomem;
		if (inherits)
			nec_layout_deinit(inherits);
	}
	nec_text_deinit(&out);
	while (g.count)
		nec_dwarf_close(g.files[--g.count]);
	return err;
}
