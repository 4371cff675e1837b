/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields by debug information; see dwarflayout.h. */
#include <stdio.h>
#include <string.h>

#include "python/dwarflayout.h"

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

struct nec_error *nec_dwarf_layout_add(struct nec_dwarf_layout *d, const char *path)
{
	if (d->count == NEC_DWARF_FILES)
		return NULL;
	NEC_TRY(nec_dwarf_open(path, &d->files[d->count]));
	if (d->count)
		nec_dwarf_define_in(d->files[d->count], d->files[0]);
	d->count++;
	return NULL;
}

void nec_dwarf_layout_deinit(struct nec_dwarf_layout *d)
{
	while (d->count)
		nec_dwarf_close(d->files[--d->count]);
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

int32_t nec_dwarf_layout_offset(const struct nec_dwarf_layout *d, enum nec_field field)
{
	const char *types, *members;
	char type[64], member[64];
	int32_t off;
	uint32_t i;

	for (i = 0; i < d->count; i++) {
		nec_field_spec(field, &types, &members);
		while (next_alternative(&types, type, sizeof(type))) {
			const char *m = members;

			while (next_alternative(&m, member, sizeof(member)))
				if (try_member(d->files[i], type, member, &off))
					return off;
		}
	}
	return NEC_NO_FIELD;
}

bool nec_dwarf_layout_knows(const struct nec_dwarf_layout *d, enum nec_field field)
{
	const char *types, *members;
	char type[64];
	int32_t size;
	uint32_t i;

	for (i = 0; i < d->count; i++) {
		nec_field_spec(field, &types, &members);
		while (next_alternative(&types, type, sizeof(type)))
			if (try_member(d->files[i], type, "", &size))
				return true;
	}
	return false;
}

static struct nec_error *add_member(void *arg, const char *name, int64_t off)
{
	struct nec_dwarf_members *list = arg;
	const char *last = strrchr(name, '.');
	uint32_t i, j;

	last = last ? last + 1 : name;
	/* The head itself: links of the trace-refs list, and the type. */
	if (!strcmp(last, "ob_type") || !strcmp(last, "_ob_next") || !strcmp(last, "_ob_prev"))
		return NULL;
	for (i = 0; i < list->count && list->members[i].off < off; i++)
		;
	if (list->count == NEC_DWARF_MEMBERS || (i < list->count && list->members[i].off == off))
		return NULL;
	for (j = list->count++; j > i; j--) {
		list->members[j].off = list->members[j - 1].off;
		memcpy(list->names[j], list->names[j - 1], sizeof(list->names[j]));
	}
	list->members[i].off = (int32_t)off;
	snprintf(list->names[i], sizeof(list->names[i]), "%s", name);
	return NULL;
}

bool nec_dwarf_layout_members(const struct nec_dwarf_layout *d, const char *types,
			      struct nec_dwarf_members *ret)
{
	char type[64];
	uint32_t i, k;

	for (i = 0; i < d->count; i++) {
		const char *alternatives = types;

		while (next_alternative(&alternatives, type, sizeof(type))) {
			struct nec_error *err;

			ret->count = 0;
			err = nec_dwarf_pointers(d->files[i], type, "_object", add_member, ret);
			if (err) {
				nec_error_destroy(err);
				continue;
			}
			for (k = 0; k < ret->count; k++)
				ret->members[k].name = ret->names[k];
			return try_member(d->files[i], type, "", &ret->size);
		}
	}
	return false;
}

static struct nec_error *add_state_member(void *arg, const char *name, int64_t off)
{
	struct nec_dwarf_state *state = arg;
	uint32_t i = state->count;

	if (i == NEC_DWARF_STATE_MEMBERS)
		return NULL;
	for (; i && state->members[i - 1].off > off; i--)
		state->members[i] = state->members[i - 1];
	state->members[i].off = (int32_t)off;
	snprintf(state->members[i].name, sizeof(state->members[i].name), "%s", name);
	state->count++;
	return NULL;
}

bool nec_dwarf_layout_state(const struct nec_dwarf_layout *d, const char *types, struct nec_dwarf_state *ret)
{
	char type[64];
	uint32_t i;

	for (i = 0; i < d->count; i++) {
		const char *alternatives = types;

		while (next_alternative(&alternatives, type, sizeof(type))) {
			struct nec_error *err;

			ret->count = 0;
			err = nec_dwarf_members(d->files[i], type, add_state_member, ret);
			if (!err && ret->count)
				return try_member(d->files[i], type, "", &ret->size);
			nec_error_destroy(err);
		}
	}
	return false;
}

static const struct {
	const char *name, *types;
} ctypes[] = {
#define NEC_CTYPE(name, types) {name, types},
#include "python/ctypes.def"
#undef NEC_CTYPE
};

static bool same_members(const struct nec_ctype *type, const struct nec_dwarf_members *list)
{
	uint32_t i;

	if (type->size != list->size || type->count != list->count)
		return false;
	for (i = 0; i < list->count; i++)
		if (type->members[i].off != list->members[i].off ||
		    strcmp(type->members[i].name, list->members[i].name))
			return false;
	return true;
}

struct nec_error *nec_dwarf_layout_ctypes(const struct nec_dwarf_layout *d,
					  struct nec_layout *layout)
{
	struct nec_dwarf_members list;
	size_t i;

	for (i = 0; i < sizeof(ctypes) / sizeof(ctypes[0]); i++) {
		const struct nec_ctype *type = nec_layout_ctype(layout, ctypes[i].name);

		if (type && nec_dwarf_layout_members(d, ctypes[i].types, &list) &&
		    !same_members(type, &list))
			NEC_TRY(nec_layout_describe(layout, ctypes[i].name, list.members,
						    list.count, list.size));
	}
	return NULL;
}
