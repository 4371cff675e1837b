/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Previews that are put together from other objects: enum members, exceptions, named tuples, paths,
 * patterns.
 *
 * A preview inside a preview is bounded twice, by bytes and by depth, so the few calls that go
 * round end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/frames.h"
#include "python/linetable.h"
#include "python/str.h"
#include "python/value_private.h"
#include "python/visit.h"

enum { MAX_SHOWN = 10, NESTED = 60 };

const char *nec_short_type_name(const struct nec_type *type)
{
	size_t len = strlen(type->module);

	return len && !strncmp(type->name, type->module, len) && type->name[len] == '.'
		       ? type->name + len + 1
		       : type->name;
}

/* "1, 'b', … 97 more" of the count words at addr. */
static void put_items(struct nec_values *values, uint64_t addr, int64_t count, struct nec_text *out)
{
	int64_t i;

	for (i = 0; i < count && i < MAX_SHOWN; i++) {
		if (i)
			nec_text_puts(out, ", ");
		nec_put_nested(values, nec_word(values->target, addr + (uint64_t)i * 8), NESTED,
			       out);
	}
	if (i < count)
		nec_text_printf(out, ", … %lld more", (long long)(count - i));
}

bool nec_values_enter(struct nec_values *values, uint64_t obj)
{
	unsigned int i;

	for (i = 0; i < values->depth; i++)
		if (values->inside[i] == obj)
			return false;
	if (values->depth == NEC_VALUE_DEPTH)
		return false;
	values->inside[values->depth++] = obj;
	return true;
}

void nec_values_leave(struct nec_values *values)
{
	values->depth--;
}

void nec_put_nested(struct nec_values *values, uint64_t obj, size_t max, struct nec_text *out)
{
	const struct nec_type *type = obj ? nec_object_type(values->types, obj) : NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {.limit = max};

	if (!type) {
		nec_text_putc(out, '?');
		return;
	}
	if (!nec_values_text(values, obj, type, &text) &&
	    !nec_values_fold(values, obj, type, &text))
		nec_text_printf(&text, "<%s object>", nec_short_type_name(type));
	out->failed |= text.failed;
	nec_text_puts(out, nec_text_str(&text));
	if (text.cut)
		nec_text_puts(out, "…");
}

uint64_t nec_value_attr(struct nec_values *values, uint64_t obj, const char *name)
{
	const struct nec_target *t = values->target;
	const struct nec_type *type = obj ? nec_object_type(values->types, obj) : NULL;
	uint64_t key, value;
	struct nec_dict dict;
	uint32_t i;

	for (i = 0; type && i < type->slot_count; i++) {
		const char *label = nec_strtab_get(&values->types->labels, type->slots[i].label);

		if (label && label[0] == '.' && !strcmp(label + 1, name))
			return nec_word(t, obj + type->slots[i].off);
	}
	if (!type || type->is_type)
		return 0;
	if (type->inline_values &&
	    nec_values_read(t, obj, type->addr, (uint64_t)type->basicsize, &dict))
		while (nec_dict_next(&dict, &key, &value))
			if (nec_str_equals(t, key, name))
				return value;
	if (type->managed_dict)
		return nec_dict_find(t, nec_managed_dict(t, obj), name);
	if (type->dictoffset < 0)
		return nec_dict_find(t, nec_dict_at_end(t, obj, type), name);
	return type->dictoffset > 0
		       ? nec_dict_find(t, nec_word(t, obj + (uint64_t)type->dictoffset), name)
		       : 0;
}

static void put_raw_name(struct nec_values *values, uint64_t str, struct nec_text *out)
{
	_cleanup_free_ char *name = nec_str_dup(values->target, str, NEC_LIMIT_PREVIEW);

	nec_text_puts(out, name ? name : "?");
}

void nec_text_enum(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	uint64_t name = nec_value_attr(values, obj, "_name_");

	nec_text_printf(out, "<%s", nec_short_type_name(type));
	if (name) {
		nec_text_putc(out, '.');
		put_raw_name(values, name, out);
	}
	nec_text_puts(out, ": ");
	nec_put_nested(values, nec_value_attr(values, obj, "_value_"), NESTED, out);
	nec_text_putc(out, '>');
}

/* Where it was raised: the last of its tracebacks, whose line is -1 where it was not worked out
 * yet. */
static void put_raised(struct nec_values *values, uint64_t traceback, struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t next, frame, code;
	struct nec_position pos;
	unsigned int n;
	int32_t line;

	for (n = 0; n < NEC_LIMIT_BASES && (next = nec_field(t, traceback, NEC_F_TRACEBACK_NEXT));
	     n++)
		traceback = next;
	frame = nec_field(t, traceback, NEC_F_TRACEBACK_FRAME);
	code = nec_has(t, NEC_F_FRAME_FRAME)
		       ? nec_iframe_code(t, nec_field(t, frame, NEC_F_FRAME_FRAME))
		       : nec_field(t, frame, NEC_F_FRAME_CODE);
	if (!code || !nec_field(t, code, NEC_F_CODE_FILENAME))
		return;
	line = nec_field32(t, traceback, NEC_F_TRACEBACK_LINENO);
	if (line < 0) { /* 3.12 on: nobody has asked for it yet */
		nec_code_position(t, code, nec_field32(t, traceback, NEC_F_TRACEBACK_LASTI), &pos);
		line = pos.line;
	}
	nec_text_puts(out, " raised in ");
	put_raw_name(values, nec_field(t, code, NEC_F_CODE_NAME), out);
	nec_text_puts(out, " (");
	put_raw_name(values, nec_field(t, code, NEC_F_CODE_FILENAME), out);
	if (line > 0)
		nec_text_printf(out, ":%d", (int)line);
	nec_text_putc(out, ')');
}

void nec_text_exception(struct nec_values *values, uint64_t obj, const struct nec_type *type,
			struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t args = nec_field(t, obj, NEC_F_EXCEPTION_ARGS);
	const struct nec_type *tuple = args ? nec_object_type(values->types, args) : NULL;

	nec_text_printf(out, "%s(", nec_short_type_name(type));
	if (tuple && tuple->flags & NEC_TYPE_TUPLE_SUBCLASS)
		put_items(values, args + nec_off(t, NEC_F_TUPLE_ITEM), nec_ob_size(t, args), out);
	nec_text_putc(out, ')');
	if (nec_field(t, obj, NEC_F_EXCEPTION_TRACEBACK))
		put_raised(values, nec_field(t, obj, NEC_F_EXCEPTION_TRACEBACK), out);
}

void nec_text_namedtuple(struct nec_values *values, uint64_t obj, const struct nec_type *type,
			 struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t fields = nec_dict_find(t, nec_type_dict(t, type->addr), "_fields"),
		 items = nec_off(t, NEC_F_TUPLE_ITEM);
	const struct nec_type *tuple = fields ? nec_object_type(values->types, fields) : NULL;
	int64_t n = nec_ob_size(t, obj), i;

	if (!tuple || !(tuple->flags & NEC_TYPE_TUPLE_SUBCLASS) || nec_ob_size(t, fields) < n)
		return;
	nec_text_printf(out, "%s(", nec_short_type_name(type));
	for (i = 0; i < n && i < MAX_SHOWN; i++) {
		nec_text_puts(out, i ? ", " : "");
		put_raw_name(values, nec_word(t, fields + items + (uint64_t)i * 8), out);
		nec_text_putc(out, '=');
		nec_put_nested(values, nec_word(t, obj + items + (uint64_t)i * 8), NESTED, out);
	}
	if (i < n)
		nec_text_printf(out, ", … %lld more", (long long)(n - i));
	nec_text_putc(out, ')');
}

void nec_text_partial(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t args = nec_value_attr(values, obj, "args");
	const struct nec_type *tuple = args ? nec_object_type(values->types, args) : NULL;

	(void)type;
	nec_text_puts(out, "functools.partial(");
	nec_put_nested(values, nec_value_attr(values, obj, "func"), 100, out);
	if (tuple && tuple->flags & NEC_TYPE_TUPLE_SUBCLASS && nec_ob_size(t, args) > 0) {
		nec_text_puts(out, ", ");
		put_items(values, args + nec_off(t, NEC_F_TUPLE_ITEM), nec_ob_size(t, args), out);
	}
	nec_text_putc(out, ')');
}

/* Parts with slashes between them; the first may be the root itself. */
static void put_joined(struct nec_values *values, uint64_t parts, struct nec_text *out)
{
	const struct nec_target *t = values->target;
	const struct nec_type *type = nec_object_type(values->types, parts);
	uint64_t items;
	int64_t n = type ? nec_ob_size(t, parts) : 0, i;

	if (!type || !(type->flags & (NEC_TYPE_LIST_SUBCLASS | NEC_TYPE_TUPLE_SUBCLASS)))
		return;
	items = type->flags & NEC_TYPE_LIST_SUBCLASS ? nec_field(t, parts, NEC_F_LIST_ITEM)
						     : parts + nec_off(t, NEC_F_TUPLE_ITEM);
	for (i = 0; i < n && i < MAX_SHOWN * 2; i++) {
		if (i && out->data[out->len - 1] != '/')
			nec_text_putc(out, '/');
		put_raw_name(values, nec_word(t, items + (uint64_t)i * 8), out);
	}
	if (!n)
		nec_text_putc(out, '.');
}

/* Lib/pathlib.py: _str once it was asked for; else _raw_paths (3.12 on) or _parts, whose first is
 * drive and root. */
void nec_text_path(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	uint64_t str = nec_value_attr(values, obj, "_str"),
		 parts = nec_value_attr(values, obj, "_raw_paths");

	if (!parts)
		parts = nec_value_attr(values, obj, "_parts");
	if (!str && !parts)
		return;
	nec_text_printf(out, "%s('", nec_short_type_name(type));
	if (str)
		put_raw_name(values, str, out);
	else
		put_joined(values, parts, out);
	nec_text_puts(out, "')");
}

void nec_text_pattern(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	(void)type;
	nec_text_puts(out, "re.compile(");
	nec_put_nested(values, nec_value_attr(values, obj, "pattern"), 160, out);
	nec_text_putc(out, ')');
}

void nec_text_range(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		    struct nec_text *out)
{
	static const char *const parts[] = {"start", "stop", "step"};
	size_t i;

	nec_text_printf(out, "%s(", type->tp_name);
	for (i = 0; i < 3; i++) {
		nec_text_puts(out, i ? ", " : "");
		nec_put_nested(values, nec_value_attr(values, obj, parts[i]), 40, out);
	}
	nec_text_putc(out, ')');
}

void nec_text_cell(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		   struct nec_text *out)
{
	uint64_t content = nec_field(values->target, obj, NEC_F_CELL_REF);

	(void)type;
	nec_text_puts(out, "<cell: ");
	if (content)
		nec_put_nested(values, content, 100, out);
	else
		nec_text_puts(out, "empty");
	nec_text_putc(out, '>');
}

void nec_text_weakref(struct nec_values *values, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	uint64_t to = nec_field(values->target, obj, NEC_F_WEAKREF_OBJECT);
	const struct nec_type *kind = to ? nec_object_plausible(values->types, to) : NULL;
	const char *what =
		nec_type_is(type, "weakref") || nec_type_is(type, "weakref.ReferenceType")
			? "weakref"
			: "weakproxy";

	if (kind && strcmp(kind->tp_name, "NoneType"))
		nec_text_printf(out, "<%s to %s at 0x%llx>", what, kind->name,
				(unsigned long long)to);
	else
		nec_text_printf(out, "<%s, dead>", what);
}
