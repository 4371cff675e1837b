/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types of several snapshots as one list; see classes.h. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/sum.h"
#include "compare/classes.h"

/* Names that heapy gives to types, by the module types of Python 2 and 3. */
static const struct {
	const char *from, *to;
} other_names[] = {
	{"types.BuiltinFunctionType", "builtin_function_or_method"},
	{"types.CellType", "cell"},
	{"types.CodeType", "code"},
	{"types.FrameType", "frame"},
	{"types.FunctionType", "function"},
	{"types.GeneratorType", "generator"},
	{"types.GetSetDescriptorType", "getset_descriptor"},
	{"types.MemberDescriptorType", "member_descriptor"},
	{"types.MethodDescriptorType", "method_descriptor"},
	{"types.MethodType", "method"},
	{"types.ModuleType", "module"},
	{"types.NoneType", "NoneType"},
	{"types.WrapperDescriptorType", "wrapper_descriptor"},
	{"instancemethod", "method"},
};

static const struct {
	const char *name;
	uint32_t flags;
} known_classes[] = {
	{"NoneType", NEC_CLASS_SHARED},
	{"NotImplementedType", NEC_CLASS_SHARED},
	{"bool", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"builtin_function_or_method", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"bytes", NEC_CLASS_VALUE},
	{"code", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"collections.deque", NEC_CLASS_SEQUENCE},
	{"complex", NEC_CLASS_VALUE},
	{"datetime.date", NEC_CLASS_VALUE},
	{"datetime.datetime", NEC_CLASS_VALUE},
	{"datetime.timedelta", NEC_CLASS_VALUE},
	{"decimal.Decimal", NEC_CLASS_VALUE},
	{"dict", NEC_CLASS_DICT},
	{"ellipsis", NEC_CLASS_SHARED},
	{"float", NEC_CLASS_VALUE},
	{"frozenset", NEC_CLASS_FIXED | NEC_CLASS_SET},
	{"function", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"getset_descriptor", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"int", NEC_CLASS_VALUE},
	{"list", NEC_CLASS_SEQUENCE},
	{"long", NEC_CLASS_VALUE},
	{"member_descriptor", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"method_descriptor", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"module", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"range", NEC_CLASS_FIXED},
	{"set", NEC_CLASS_SET},
	{"slice", NEC_CLASS_FIXED},
	{"str", NEC_CLASS_VALUE},
	{"tuple", NEC_CLASS_FIXED | NEC_CLASS_SEQUENCE},
	{"type", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
	{"unicode", NEC_CLASS_VALUE},
	{"uuid.UUID", NEC_CLASS_VALUE},
	{"wrapper_descriptor", NEC_CLASS_VALUE | NEC_CLASS_SHARED},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool skip_prefix(const char **s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*s, prefix, len) != 0)
		return false;
	*s += len;
	return true;
}

void nec_class_name(struct nec_text *t, const char *name)
{
	/* heapy: the dicts of the instances of a class, of modules, of nobody. */
	if (strncmp(name, "dict of ", 8) == 0 || strncmp(name, "dict (", 6) == 0)
		name = "dict";
	if (!skip_prefix(&name, "builtins.") && !skip_prefix(&name, "__builtin__."))
		skip_prefix(&name, "exceptions.");
	for (size_t i = 0; i < COUNT(other_names); i++) {
		if (strcmp(name, other_names[i].from) == 0) {
			name = other_names[i].to;
			break;
		}
	}
	nec_text_puts(t, *name ? name : "?");
}

static uint32_t flags_of(const char *name)
{
	for (size_t i = 0; i < COUNT(known_classes); i++)
		if (strcmp(known_classes[i].name, name) == 0)
			return known_classes[i].flags;
	return 0;
}

static struct nec_error *intern(struct nec_classes *classes, const char *raw, const char *module,
				uint32_t *class_ret)
{
	_cleanup_(nec_text_deinit) struct nec_text name = {.limit = NEC_LIMIT_NAME};
	uint32_t before = classes->names.count, want;
	struct nec_class *items;

	nec_class_name(&name, raw);
	if (name.failed)
		return &nec_enomem;
	NEC_TRY(nec_strtab_intern(&classes->names, nec_text_str(&name), name.len, class_ret));
	if (*class_ret >= classes->capacity) {
		want = classes->capacity ? classes->capacity * 2 : 1024;
		items = reallocarray(classes->items, want, sizeof(*items));
		if (!items)
			return &nec_enomem;
		classes->items = items;
		classes->capacity = want;
	}
	if (classes->names.count > before)
		classes->items[*class_ret] =
			(struct nec_class){.flags = flags_of(nec_text_str(&name))};
	if (module && *module && !classes->items[*class_ret].module) {
		classes->items[*class_ret].module = strdup(module);
		if (!classes->items[*class_ret].module)
			return &nec_enomem;
	}
	return NULL;
}

static struct nec_error *add_sum(struct nec_class_side *side, uint32_t class, int64_t count,
				 int64_t bytes)
{
	if (class >= side->sum_count) {
		uint32_t want = side->sum_count ? side->sum_count : 1024;
		struct nec_class_sum *sums;

		while (want <= class)
			want *= 2;
		sums = reallocarray(side->sums, want, sizeof(*sums));
		if (!sums)
			return &nec_enomem;
		for (uint32_t i = side->sum_count; i < want; i++)
			sums[i] = (struct nec_class_sum){-1, 0};
		side->sums = sums;
		side->sum_count = want;
	}
	if (side->sums[class].count < 0)
		side->sums[class].count = 0;
	side->sums[class].count = nec_sum(side->sums[class].count, count);
	side->sums[class].bytes = nec_sum(side->sums[class].bytes, bytes);
	return NULL;
}

static struct nec_error *add_type(struct nec_classes *classes, const struct nec_query *query,
				  struct nec_class_side *side)
{
	int64_t id = nec_query_int(query, 0);
	uint32_t class;

	NEC_TRY(intern(classes, nec_query_text(query, 1, NULL), nec_query_text(query, 2, NULL),
		       &class));
	if (id >= 0 && id < (int64_t)NEC_LIMIT_TYPES) {
		if (id >= side->type_count) {
			uint32_t want = side->type_count ? side->type_count : 1024;
			uint32_t *p;

			while (want <= id)
				want *= 2;
			p = reallocarray(side->of_type, want, sizeof(*p));
			if (!p)
				return &nec_enomem;
			memset(p + side->type_count, 0xff, (want - side->type_count) * sizeof(*p));
			side->of_type = p;
			side->type_count = want;
		}
		side->of_type[id] = class;
	}
	return add_sum(side, class, nec_query_int(query, 3), nec_query_int(query, 4));
}

struct nec_error *nec_classes_add(struct nec_classes *classes, struct nec_db *db, int64_t series,
				  struct nec_class_side *side_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct nec_class_side *side = side_ret;
	bool row, any = false;

	NEC_TRY(nec_query_named(db, "compare_types", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		any = true;
		NEC_TRY(add_type(classes, query, side));
	}
	if (any)
		return NULL;
	nec_query_close(nec_take(query));
	NEC_TRY(nec_query_named(db, "compare_census", &query));
	NEC_TRY(nec_query_bind_int(query, ":series", series));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		NEC_TRY(add_type(classes, query, side));
	}
}

/* ---- bare names ---- */

struct bare {
	const char *last; /* component */
	uint32_t class;
	bool in_a, in_b;
};

static int compare_bare(const void *a, const void *b)
{
	const struct bare *x = a, *y = b;

	return strcmp(x->last, y->last);
}

static const char *last_component(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot[1] ? dot + 1 : name;
}

static bool is_bare(const struct nec_classes *classes, uint32_t class)
{
	return !strchr(nec_strtab_get(&classes->names, class), '.');
}

static void rename_class(struct nec_class_side *side, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = 0; i < side->type_count; i++)
		if (side->of_type[i] == from)
			side->of_type[i] = to;
	side->sums[to] = side->sums[from];
	side->sums[from] = (struct nec_class_sum){-1, 0};
}

/* Classes of one last component that one side alone has: a bare one on one side and a single full
 * one on the other are the same. */
static struct nec_error *join_group(struct nec_classes *classes, struct nec_class_side *a,
				    struct nec_class_side *b, const struct bare *group,
				    size_t count)
{
	const struct bare *bare = NULL, *full = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (is_bare(classes, group[i].class)) {
			bare = &group[i];
		} else if (full) {
			return NULL;
		} else {
			full = &group[i];
		}
	}
	if (!bare || !full || bare->in_a == full->in_a)
		return NULL;
	/* Room for the class in the side that gets it. */
	NEC_TRY(add_sum(bare->in_a ? a : b, full->class, 0, 0));
	rename_class(bare->in_a ? a : b, bare->class, full->class);
	return NULL;
}

struct nec_error *nec_classes_join(struct nec_classes *classes, struct nec_class_side *a,
				   struct nec_class_side *b)
{
	_cleanup_free_ struct bare *list = calloc(classes->names.count + 1u, sizeof(*list));
	size_t count = 0, i, j;
	uint32_t class;

	if (!list)
		return &nec_enomem;
	for (class = 0; class < classes->names.count; class ++) {
		bool in_a = nec_class_sum(a, class).count >= 0,
		     in_b = nec_class_sum(b, class).count >= 0;

		if (in_a != in_b)
			list[count++] = (struct bare){
				last_component(nec_strtab_get(&classes->names, class)), class, in_a,
				in_b};
	}
	qsort(list, count, sizeof(*list), compare_bare);
	for (i = 0; i < count; i = j) {
		for (j = i + 1; j < count && strcmp(list[i].last, list[j].last) == 0; j++)
			;
		if (j - i > 1)
			NEC_TRY(join_group(classes, a, b, list + i, j - i));
	}
	return NULL;
}

void nec_classes_deinit(struct nec_classes *classes)
{
	for (uint32_t i = 0; i < classes->names.count && classes->items && i < classes->capacity;
	     i++)
		free(classes->items[i].module);
	free(classes->items);
	nec_strtab_deinit(&classes->names);
	*classes = (struct nec_classes){0};
}

void nec_class_side_deinit(struct nec_class_side *side)
{
	free(side->of_type);
	free(side->sums);
	*side = (struct nec_class_side){0};
}
