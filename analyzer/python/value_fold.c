/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Containers and plain instances in one bounded line, as repr would begin: [1, 'a', … 98 more],
 * {'key': [...]}, <Config name='dev', port=80>.
 */
#include <string.h>

#include "python/dict.h"
#include "python/str.h"
#include "python/value_private.h"
#include "python/visit.h"

enum {
	NESTED = 60,        /* bytes of an item */
	MAX_SHOWN = 10,     /* items */
	MAX_SCANNED = 4096, /* entries of a table that are looked at for these */
};

struct fold {
	struct nec_values *values;
	struct nec_text *out;
	int64_t shown;
};

/* Begins an item; false when enough are shown. */
static bool next_item(struct fold *f)
{
	if (f->shown == MAX_SHOWN || f->out->cut)
		return false;
	nec_text_puts(f->out, f->shown++ ? ", " : "");
	return true;
}

static void put_rest(struct fold *f, int64_t total)
{
	if (total > f->shown)
		nec_text_printf(f->out, "%s… %lld more", f->shown ? ", " : "",
				(long long)(total - f->shown));
}

static void put_value(struct fold *f, uint64_t obj)
{
	nec_put_nested(f->values, obj, NESTED, f->out);
}

/* ---- one function a shape ---- */

static void fold_words(struct fold *f, uint64_t addr, int64_t count)
{
	int64_t i;

	for (i = 0; i < count && next_item(f); i++)
		put_value(f, nec_word(f->values->target, addr + (uint64_t)i * 8));
	put_rest(f, count);
}

static void fold_list(struct fold *f, uint64_t obj)
{
	const struct nec_target *t = f->values->target;

	fold_words(f, nec_field(t, obj, NEC_F_LIST_ITEM), nec_ob_size(t, obj));
}

static void fold_tuple(struct fold *f, uint64_t obj)
{
	const struct nec_target *t = f->values->target;

	fold_words(f, obj + nec_off(t, NEC_F_TUPLE_ITEM), nec_ob_size(t, obj));
	if (nec_ob_size(t, obj) == 1)
		nec_text_putc(f->out, ',');
}

/* The first entries of a table: what was deleted leaves holes. */
static void look_at_first(struct nec_dict *dict)
{
	if (dict->keys.count > MAX_SCANNED)
		dict->keys.count = MAX_SCANNED;
}

static void fold_dict(struct fold *f, uint64_t obj)
{
	const struct nec_target *t = f->values->target;
	struct nec_dict dict;
	uint64_t key, value;
	int64_t used = (int64_t)nec_field(t, obj, NEC_F_DICT_USED);

	if (!nec_dict_read(t, obj, &dict))
		return;
	look_at_first(&dict);
	while (nec_dict_next(&dict, &key, &value) && next_item(f)) {
		put_value(f, key);
		nec_text_puts(f->out, ": ");
		put_value(f, value);
	}
	put_rest(f, used);
}

static void fold_set(struct fold *f, uint64_t obj)
{
	const struct nec_target *t = f->values->target;
	uint64_t table = nec_field(t, obj, NEC_F_SET_TABLE), i;
	uint64_t slots = nec_field(t, obj, NEC_F_SET_MASK) + 1;
	uint64_t key_off = nec_off(t, NEC_F_SET_ENTRY_KEY), hash_off = key_off ? 0 : 8;

	for (i = 0; i < slots && i < MAX_SCANNED; i++) {
		uint64_t entry = table + i * nec_off(t, NEC_SIZEOF_SET_ENTRY);
		uint64_t key = nec_word(t, entry + key_off);

		/* No object has this hash, but what stands where one was removed. */
		if (!key || nec_word(t, entry + hash_off) == UINT64_MAX)
			continue;
		if (!next_item(f))
			break;
		put_value(f, key);
	}
	put_rest(f, (int64_t)nec_field(t, obj, NEC_F_SET_USED));
}

static void fold_deque(struct fold *f, uint64_t obj)
{
	const struct nec_type *type = nec_object_type(f->values->types, obj);
	int64_t length = (int64_t)nec_field(f->values->target, obj, NEC_F_DEQUE_LEN);
	struct nec_visit visit;
	uint32_t i;

	nec_visit_init(&visit, f->values->types);
	if (type && length <= MAX_SCANNED)
		nec_visit_object(&visit, obj, type);
	for (i = 0; i < visit.ref_count; i++) {
		if (visit.refs[i].label_kind != NEC_LABEL_INDEX)
			continue;
		if (!next_item(f))
			break;
		put_value(f, visit.refs[i].dst);
	}
	put_rest(f, length);
	nec_visit_deinit(&visit);
}

static const struct shape {
	const char *type; /* tp_name of the C type */
	const char *name; /* in front of the brackets, as repr has it; NULL: nothing */
	const char *open, *close;
	void (*fold)(struct fold *f, uint64_t obj);
} shapes[] = {
	{"list", NULL, "[", "]", fold_list},
	{"tuple", NULL, "(", ")", fold_tuple},
	{"dict", NULL, "{", "}", fold_dict},
	{"set", NULL, "{", "}", fold_set},
	{"frozenset", "frozenset", "{", "}", fold_set},
	{"collections.deque", "deque", "[", "]", fold_deque},
};

/* The shape of a type or of what it is made from. */
static const struct shape *shape_of(const struct nec_type *type)
{
	size_t i;

	for (; type; type = type->base)
		for (i = 0; !type->python_made && i < sizeof(shapes) / sizeof(shapes[0]); i++)
			if (!strcmp(type->tp_name, shapes[i].type))
				return &shapes[i];
	return NULL;
}

static void fold_container(struct fold *f, uint64_t obj, const struct nec_type *type,
			   const struct shape *shape)
{
	const char *name = shape->name;

	if (type->python_made || strcmp(type->tp_name, shape->type))
		name = nec_short_type_name(type);
	nec_text_printf(f->out, "%s%s%s", name ? name : "", name ? "(" : "", shape->open);
	shape->fold(f, obj);
	nec_text_printf(f->out, "%s%s", shape->close, name ? ")" : "");
}

/* ---- instances ---- */

/* False when enough are shown. */
static bool put_attribute(struct fold *f, const char *name, uint64_t value)
{
	if (!value)
		return true;
	if (!next_item(f))
		return false;
	nec_text_printf(f->out, "%s=", name);
	put_value(f, value);
	return true;
}

static void fold_pairs(struct fold *f, struct nec_dict *pairs)
{
	uint64_t key, value;
	bool room = true;

	look_at_first(pairs);
	while (room && nec_dict_next(pairs, &key, &value)) {
		_cleanup_free_ char *name = nec_str_dup(f->values->target, key, NESTED);

		room = put_attribute(f, name ? name : "?", value);
	}
	if (!room)
		nec_text_puts(f->out, ", …");
}

/* Slots, then the values in the instance or in its __dict__. */
static void fold_attributes(struct fold *f, uint64_t obj, const struct nec_type *type)
{
	const struct nec_target *t = f->values->target;
	struct nec_dict pairs;
	uint64_t dict = 0;
	uint32_t i;

	for (i = 0; i < type->slot_count; i++) {
		const char *label = nec_strtab_get(&f->values->types->labels, type->slots[i].label);

		if (label && label[0] == '.' && label[1] != '_')
			put_attribute(f, label + 1, nec_word(t, obj + type->slots[i].off));
	}
	if (type->inline_values &&
	    nec_values_read(t, obj, type->addr, (uint64_t)type->basicsize, &pairs))
		fold_pairs(f, &pairs);
	if (type->managed_dict)
		dict = nec_managed_dict(t, obj);
	else if (type->dictoffset < 0)
		dict = nec_dict_at_end(t, obj, type);
	else if (type->dictoffset > 0)
		dict = nec_word(t, obj + (uint64_t)type->dictoffset);
	if (dict && nec_dict_read(t, dict, &pairs))
		fold_pairs(f, &pairs);
}

bool nec_values_fold(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		     struct nec_text *out)
{
	const struct shape *shape = shape_of(type);
	struct fold f = {.values = values, .out = out};
	size_t start;

	if (!shape && !type->python_made)
		return false;
	if (!nec_values_enter(values, obj)) {
		nec_text_printf(out, "%s...%s", shape ? shape->open : "<",
				shape ? shape->close : ">");
		return true;
	}
	if (shape) {
		fold_container(&f, obj, type, shape);
	} else {
		nec_text_printf(out, "<%s ", nec_short_type_name(type));
		start = out->len;
		fold_attributes(&f, obj, type);
		if (out->len == start)
			nec_text_puts(out, "object");
		nec_text_putc(out, '>');
	}
	nec_values_leave(values);
	return true;
}
