/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts from the tables of layouts/; see layout.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/layout.h"
#include "python/layouts/layouts.h"

static const struct {
	const char *types, *members;
} specs[NEC_FIELD_COUNT] = {
#define NEC_FIELD(id, type, member) [NEC_F_##id] = {type, member},
#define NEC_SIZE(id, type)	    [NEC_SIZEOF_##id] = {type, ""},
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
};

void nec_field_spec(enum nec_field field, const char **types_ret, const char **members_ret)
{
	*types_ret = specs[field].types;
	*members_ret = specs[field].members;
}

void nec_field_name(enum nec_field field, char *buf, size_t size)
{
	const char *type = specs[field].types, *member = specs[field].members;
	int type_len = (int)strcspn(type, "|"), member_len = (int)strcspn(member, "|");

	if (*member)
		snprintf(buf, size, "%.*s.%.*s", type_len, type, member_len, member);
	else
		snprintf(buf, size, "sizeof %.*s", type_len, type);
}

static int compare_ctypes(const void *a, const void *b)
{
	return strcmp(((const struct nec_ctype *)a)->name, ((const struct nec_ctype *)b)->name);
}

const struct nec_ctype *nec_layout_ctype(const struct nec_layout *layout, const char *tp_name)
{
	struct nec_ctype key = {.name = tp_name};

	return bsearch(&key, layout->ctypes, layout->ctype_count, sizeof(key), compare_ctypes);
}

/* A build with trace-refs of 3.8 on: each object begins with two links (_PyObject_HEAD_EXTRA). */
enum { TRACE_REFS_HEAD = 16 };

static bool has_links(const struct nec_layout_version *v)
{
	return strchr(v->abi, 'r');
}

static const struct {
	const char *name, *types;
} ctype_specs[] = {
#define NEC_CTYPE(name, types) {name, types},
#include "python/ctypes.def"
#undef NEC_CTYPE
};

static bool is_ctype(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ctype_specs) / sizeof(ctype_specs[0]); i++)
		if (!strcmp(ctype_specs[i].name, name))
			return true;
	return false;
}

/* Rows that are of a build without links, in one with them: by how much their offsets are off. */
static int32_t shift_of(const struct nec_layout_version *v, const struct nec_layout_version *of, const char *name)
{
	return has_links(v) && !has_links(of) && is_ctype(name) ? TRACE_REFS_HEAD : 0;
}

/* The C types of a version: its own rows, then those of the tables below it that it does not replace. */
static struct nec_error *collect_ctypes(struct nec_layout *layout, const struct nec_layout_version *v)
{
	const struct nec_layout_version *w;
	uint32_t rows = 0, types = 0, members = 0, i, j, k, own;

	for (w = v; w; w = w->base)
		rows += w->ctype_row_count;
	layout->ctypes = calloc(rows + 1, sizeof(*layout->ctypes));
	layout->members = calloc(rows + 1, sizeof(*layout->members));
	if (!layout->ctypes || !layout->members)
		return &nec_enomem;
	for (w = v; w; w = w->base) {
		own = types; /* types before this index come from tables above */
		for (i = 0; i < w->ctype_row_count; i = j) {
			const char *name = w->ctype_rows[i].type;
			int32_t shift = shift_of(v, w, name);

			for (j = i; j < w->ctype_row_count && !strcmp(w->ctype_rows[j].type, name); j++)
				;
			for (k = 0; k < own && strcmp(layout->ctypes[k].name, name); k++)
				;
			if (k < own)
				continue;
			layout->ctypes[types] = (struct nec_ctype){.name = name, .members = layout->members + members};
			layout->ctypes[types].size = w->ctype_rows[i].off + shift; /* the first row */
			for (k = i + 1; k < j; k++) {
				layout->members[members++] = (struct nec_member){
					.off = w->ctype_rows[k].off + shift,
					.name = w->ctype_rows[k].member,
				};
				layout->ctypes[types].count++;
			}
			if (w->ctype_rows[i].off < 0) /* this version has no such type */
				layout->ctypes[types].members = NULL;
			types++;
		}
	}
	for (i = 0, j = 0; i < types; i++)
		if (layout->ctypes[i].members)
			layout->ctypes[j++] = layout->ctypes[i];
	layout->ctype_count = j;
	qsort(layout->ctypes, j, sizeof(*layout->ctypes), compare_ctypes);
	return NULL;
}

static const char *const bare[] = {
#define NEC_FIELD(id, type, member)
#define NEC_SIZE(id, type)
#define NEC_BARE(type) type,
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
};

static bool is_bit_field(enum nec_field field)
{
	switch (field) {
#define NEC_FIELD(id, type, member)
#define NEC_SIZE(id, type)
#define NEC_BITS(id, type, member) case NEC_F_##id:
#include "python/fields.def"
#undef NEC_FIELD
#undef NEC_SIZE
		return true;
	default:
		return false;
	}
}

static bool is_object_field(enum nec_field field)
{
	size_t i;

	for (i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		if (nec_field_in(field, bare[i]))
			return false;
	return true;
}

/* What objects have lies behind the links, but for an object that another one begins with. */
static void shift_objects(struct nec_layout *layout)
{
	enum nec_field f;

	for (f = 0; f < NEC_FIELD_COUNT; f++)
		if (layout->off[f] != NEC_NO_FIELD && is_object_field(f) &&
		    (layout->off[f] || nec_field_in(f, "_object")))
			layout->off[f] += is_bit_field(f) ? TRACE_REFS_HEAD * 8 : TRACE_REFS_HEAD;
}

static void apply_offsets(struct nec_layout *layout, const struct nec_layout_version *v)
{
	uint32_t i;

	for (i = 0; i < v->offset_count; i++) {
		layout->off[v->offsets[i].field] = v->offsets[i].off;
		layout->source[v->offsets[i].field] =
			v->offsets[i].off == NEC_NO_FIELD ? NEC_FIELD_ABSENT : NEC_FIELD_TABLE;
	}
}

void nec_layout_add_links(struct nec_layout *layout)
{
	uint32_t i, j;

	shift_objects(layout);
	for (i = 0; i < layout->ctype_count; i++) {
		struct nec_ctype *type = &layout->ctypes[i];
		struct nec_member *members = layout->members + (type->members - layout->members);

		if (!is_ctype(type->name))
			continue;
		type->size += TRACE_REFS_HEAD;
		for (j = 0; j < type->count; j++)
			members[j].off += TRACE_REFS_HEAD;
	}
}

struct nec_error *nec_layout_init(struct nec_layout *layout, unsigned int major, unsigned int minor,
				  const char *abi)
{
	const struct nec_layout_version *v = nec_layout_find(major, minor, abi), *chain[32];
	struct nec_error *err;
	char there_are[NEC_LAYOUT_VERSIONS];
	unsigned int i, n = 0;

	*layout = (struct nec_layout){0};
	if (!v) {
		nec_layout_versions(there_are, sizeof(there_are));
		return nec_error_create(NEC_ERR_UNSUPPORTED, "no layout for CPython %u.%u%s (there are %s)",
					major, minor, abi, there_are);
	}
	for (i = 0; i < NEC_FIELD_COUNT; i++)
		layout->off[i] = NEC_NO_FIELD;
	layout->version = v->name;
	layout->abi = v->abi;
	layout->traits = nec_layout_traits(v);
	err = collect_ctypes(layout, v);
	if (err) {
		nec_layout_deinit(layout);
		return err;
	}
	for (; v && n < 32; v = v->base)
		chain[n++] = v;
	while (n--) {
		if (has_links(chain[n]))
			shift_objects(layout);
		apply_offsets(layout, chain[n]);
	}
	for (i = 0; i < NEC_FIELD_PROBE; i++)
		for (n = 0; n < NEC_FIELD_COUNT; n++)
			layout->claims[i][n] = i == NEC_FIELD_TABLE ? layout->off[n] : NEC_NO_CLAIM;
	return NULL;
}

const char *nec_field_source_name(enum nec_field_source source)
{
	static const char *const names[NEC_FIELD_SOURCES] = {
		[NEC_FIELD_ABSENT] = "absent", [NEC_FIELD_TABLE] = "table", [NEC_FIELD_OFFSETS] = "debug offsets",
		[NEC_FIELD_DWARF] = "DWARF",   [NEC_FIELD_PROBE] = "probe",
	};

	return names[source];
}

void nec_layout_disagreement(const struct nec_layout *layout, enum nec_field field, char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	*buf = 0;
	for (i = NEC_FIELD_TABLE; i < NEC_FIELD_PROBE && len < size; i++) {
		int32_t off = layout->claims[i][field];

		if (off == NEC_NO_CLAIM || off == layout->off[field])
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s ", len ? ", " : "", nec_field_source_name(i));
		if (len < size)
			len += (size_t)(off == NEC_NO_FIELD ? snprintf(buf + len, size - len, "none")
							    : snprintf(buf + len, size - len, "%d", (int)off));
	}
}

void nec_layout_deinit(struct nec_layout *layout)
{
	struct nec_layout *other, *after;

	for (other = layout->others; other; other = after) {
		after = other->others;
		free(other->ctypes);
		free(other->members);
		free(other);
	}
	free(layout->ctypes);
	free(layout->members);
	*layout = (struct nec_layout){0};
}

/* Is the first name of `types` (a|b) among those of `list`? */
static bool shares_type(const char *types, const char *list)
{
	size_t len = strcspn(types, "|");

	for (;;) {
		size_t n = strcspn(list, "|");

		if (n == len && !strncmp(types, list, n))
			return true;
		if (!list[n])
			return false;
		list += n + 1;
	}
}

bool nec_field_in(enum nec_field field, const char *types)
{
	return shares_type(specs[field].types, types);
}

static void take_fields(struct nec_layout *layout, const struct nec_layout *from, const char *tp_name)
{
	size_t i, f;

	for (i = 0; i < sizeof(ctype_specs) / sizeof(ctype_specs[0]); i++) {
		if (strcmp(ctype_specs[i].name, tp_name))
			continue;
		for (f = 0; f < NEC_FIELD_COUNT; f++) {
			if (!shares_type(specs[f].types, ctype_specs[i].types))
				continue;
			layout->off[f] = from->off[f];
			layout->source[f] = NEC_FIELD_PROBE;
		}
	}
}

struct nec_error *nec_layout_describe(struct nec_layout *layout, const char *tp_name, const struct nec_member *members,
				      uint32_t count, int32_t size)
{
	struct nec_ctype *own = (struct nec_ctype *)nec_layout_ctype(layout, tp_name);
	size_t bytes = count * sizeof(*members);
	struct nec_layout *other;
	struct nec_member *copy;
	char *text;
	uint32_t i;

	if (!own) /* a type that the version does not have, or that its table has no members of: nothing reads it */
		return NULL;
	for (i = 0; i < count; i++)
		bytes += strlen(members[i].name) + 1;
	other = calloc(1, sizeof(*other));
	copy = calloc(1, bytes + 1);
	if (!other || !copy) {
		free(other);
		free(copy);
		return &nec_enomem;
	}
	/* The names lie behind the members, in the same block. */
	text = (char *)(copy + count);
	for (i = 0; i < count; i++) {
		copy[i].off = members[i].off;
		copy[i].name = strcpy(text, members[i].name);
		text += strlen(text) + 1;
	}
	other->members = copy;
	other->others = layout->others;
	layout->others = other;
	own->members = copy;
	own->count = count;
	own->size = size;
	return NULL;
}

const struct nec_ctype *nec_layout_adopt(struct nec_layout *layout, const char *tp_name, int64_t size)
{
	struct nec_ctype *own = (struct nec_ctype *)nec_layout_ctype(layout, tp_name);
	const struct nec_layout_version *v;
	const struct nec_ctype *theirs;
	struct nec_layout *other;
	struct nec_error *err;

	/* Newer ones first: a backport is what moves members within a version. */
	for (v = nec_layout_newest(); v; v = v->base) {
		if (!nec_layout_find(v->major, v->minor, layout->abi))
			continue;
		other = calloc(1, sizeof(*other));
		if (!other)
			return NULL;
		err = nec_layout_init(other, v->major, v->minor, layout->abi);
		theirs = err ? NULL : nec_layout_ctype(other, tp_name);
		if (theirs && theirs->size == size) {
			other->others = layout->others;
			layout->others = other;
			*own = *theirs;
			take_fields(layout, other, tp_name);
			return own;
		}
		nec_error_destroy(err);
		nec_layout_deinit(other);
		free(other);
	}
	return NULL;
}
