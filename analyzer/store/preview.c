/* SPDX-License-Identifier: GPL-3.0-or-later */
/* preview(addr); see preview.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/preview.h"

enum {
	MAX_SHOWN = 8,   /* items of a container */
	MAX_LOOKED = 64, /* references that are looked at for these */
	MAX_DEPTH = 4,   /* objects inside each other */
	MAX_TEXT = 400,  /* bytes of the whole */
	MAX_NESTED = 60, /* bytes of an item */
	MAX_BASES = 64,
};

enum statement { VALUE, TYPE, BASE, ITEMS, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[VALUE] = "SELECT text FROM value WHERE addr = ?1",
	[TYPE] =
		"SELECT t.name, t.base FROM object o JOIN type t ON t.id = o.type WHERE o.addr = ?1",
	[BASE] = "SELECT name, base FROM type WHERE addr = ?1",
	/* Borrowed ones are in a __dict__ whose values lie in the instance (3.13 on). */
	[ITEMS] = "SELECT label, dst FROM reference WHERE src = ?1 AND kind IN ('strong', 'borrowed') LIMIT 64",
};

struct preview {
	sqlite3 *db; /* borrowed */
	sqlite3_stmt *statements[STATEMENTS];
	int64_t inside[MAX_DEPTH]; /* objects whose text is being made */
	int depth;
};

/* What is written of a shape: "name([1, 2])". */
static const struct shape {
	const char *type; /* without the module of built-in types */
	const char *name; /* in front of it; NULL: nothing */
	const char *open, *close;
	enum { BY_INDEX, BY_KEY, IN_SET } items;
} shapes[] = {
	{"list", NULL, "[", "]", BY_INDEX},
	{"tuple", NULL, "(", ")", BY_INDEX},
	{"dict", NULL, "{", "}", BY_KEY},
	{"set", NULL, "{", "}", IN_SET},
	{"frozenset", "frozenset", "{", "}", IN_SET},
	{"collections.deque", "deque", "[", "]", BY_INDEX},
};

struct item {
	char *label; /* owned */
	int64_t addr;
};

static const char *without_builtins(const char *name)
{
	if (!strncmp(name, "builtins.", 9))
		return name + 9;
	return strncmp(name, "__builtin__.", 12) ? name : name + 12;
}

static sqlite3_stmt *start(struct preview *p, enum statement which, int64_t addr)
{
	if (!p->statements[which] &&
	    sqlite3_prepare_v3(p->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
			       &p->statements[which], NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(p->statements[which], 1, addr);
	return p->statements[which];
}

/* The text that the load left; false when there is none. */
static bool put_value(struct preview *p, int64_t addr, size_t max, sqlite3_str *out)
{
	sqlite3_stmt *s = start(p, VALUE, addr);
	bool found = s && sqlite3_step(s) == SQLITE_ROW;
	const char *text = found ? (const char *)sqlite3_column_text(s, 0) : NULL;
	size_t len = text ? strlen(text) : 0, cut = len;

	if (len > max)
		for (cut = max; cut && (text[cut] & 0xc0) == 0x80; cut--)
			;
	if (len)
		sqlite3_str_append(out, text, (int)cut);
	if (cut < len)
		sqlite3_str_appendall(out, "…");
	sqlite3_reset(s);
	return len;
}

/* The class of an object, to be freed by sqlite3_free, NULL: not known; and the shape that it or
 * one of its bases has. */
static char *class_of(struct preview *p, int64_t addr, const struct shape **shape_ret)
{
	sqlite3_stmt *s = start(p, TYPE, addr);
	char *name = NULL;
	size_t i;
	int n;

	*shape_ret = NULL;
	for (n = 0; n < MAX_BASES && s && sqlite3_step(s) == SQLITE_ROW; n++) {
		const char *type = (const char *)sqlite3_column_text(s, 0);
		int64_t base = sqlite3_column_int64(s, 1);

		if (!type)
			break;
		if (!name)
			name = sqlite3_mprintf("%s", without_builtins(type));
		for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && !*shape_ret; i++)
			if (!strcmp(without_builtins(type), shapes[i].type))
				*shape_ret = &shapes[i];
		sqlite3_reset(s);
		if (!base || *shape_ret)
			return name;
		s = start(p, BASE, base);
	}
	if (s)
		sqlite3_reset(s);
	return name;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot[1] ? dot + 1 : name;
}

/* Copies the first references of addr, so that the statement is free for what they lead to. */
static int read_items(struct preview *p, int64_t addr, struct item *items)
{
	sqlite3_stmt *s = start(p, ITEMS, addr);
	int n = 0;

	while (s && n < MAX_LOOKED && sqlite3_step(s) == SQLITE_ROW) {
		const char *label = (const char *)sqlite3_column_text(s, 0);

		items[n].label = sqlite3_mprintf("%s", label ? label : "");
		items[n].addr = sqlite3_column_int64(s, 1);
		if (!items[n].label)
			break;
		n++;
	}
	sqlite3_reset(s);
	return n;
}

static void put(struct preview *p, int64_t addr, size_t max, sqlite3_str *out);

/* "['k']" as 'k', what is in brackets. */
static void put_bracketed(const char *label, sqlite3_str *out)
{
	size_t len = strlen(label);

	if (len > 2)
		sqlite3_str_append(out, label + 1, (int)(len - 2));
}

/* One reference as an item; false when it is none. */
static bool put_item(struct preview *p, const struct shape *shape, const struct item *item,
		     int shown, sqlite3_str *out)
{
	const char *label = item->label;
	bool is_item = shape->items == IN_SET ? !strcmp(label, "{}") : label[0] == '[';

	if (!is_item)
		return false;
	sqlite3_str_appendall(out, shown ? ", " : "");
	if (shape->items == BY_KEY) {
		put_bracketed(label, out);
		sqlite3_str_appendall(out, ": ");
	}
	put(p, item->addr, MAX_NESTED, out);
	return true;
}

static void put_container(struct preview *p, int64_t addr, const char *class,
			  const struct shape *shape, size_t max, sqlite3_str *out)
{
	const char *name = strcmp(class, shape->type) ? last_part(class) : shape->name;
	int start = sqlite3_str_length(out), count, shown = 0, i;
	struct item items[MAX_LOOKED];
	bool more = false;

	sqlite3_str_appendf(out, "%s%s%s", name ? name : "", name ? "(" : "", shape->open);
	count = read_items(p, addr, items);
	for (i = 0; i < count; i++) {
		more = shown == MAX_SHOWN || sqlite3_str_length(out) - start > (int)max;
		if (more)
			break;
		shown += put_item(p, shape, &items[i], shown, out);
	}
	for (i = 0; i < count; i++)
		sqlite3_free(items[i].label);
	if (more)
		sqlite3_str_appendall(out, ", …");
	else if (shown == 1 && !strcmp(shape->type, "tuple"))
		sqlite3_str_appendall(out, ",");
	sqlite3_str_appendf(out, "%s%s", shape->close, name ? ")" : "");
}

/* Attributes: of slots and values in the instance, or in its __dict__. */
static void put_attributes(struct preview *p, int64_t addr, bool of_dict, size_t max, int start,
			   int *shown, sqlite3_str *out)
{
	struct item items[MAX_LOOKED];
	int count = read_items(p, addr, items), i;
	bool more = false;

	for (i = 0; i < count && !more; i++) {
		const char *label = items[i].label;
		size_t len = strlen(label);
		bool plain = of_dict ? len > 4 && label[0] == '[' && label[1] == '\''
				     : label[0] == '.' && strncmp(label, ".__", 3);

		if (!of_dict && !strcmp(label, ".__dict__"))
			put_attributes(p, items[i].addr, true, max, start, shown, out);
		if (!plain)
			continue;
		more = *shown == MAX_SHOWN || sqlite3_str_length(out) - start > (int)max;
		sqlite3_str_appendall(out, *shown ? ", " : " ");
		if (more) {
			sqlite3_str_appendall(out, "…");
			break;
		}
		++*shown;
		if (of_dict)
			sqlite3_str_append(out, label + 2, (int)len - 4);
		else
			sqlite3_str_append(out, label + 1, (int)len - 1);
		sqlite3_str_appendall(out, "=");
		put(p, items[i].addr, MAX_NESTED, out);
	}
	for (i = 0; i < count; i++)
		sqlite3_free(items[i].label);
}

static bool is_inside(const struct preview *p, int64_t addr)
{
	int i;

	for (i = 0; i < p->depth; i++)
		if (p->inside[i] == addr)
			return true;
	return p->depth == MAX_DEPTH;
}

static void put_folded(struct preview *p, int64_t addr, const char *class,
		       const struct shape *shape, size_t max, sqlite3_str *out)
{
	int start = sqlite3_str_length(out), shown = 0;

	if (is_inside(p, addr)) {
		sqlite3_str_appendf(out, "%s...%s", shape ? shape->open : "<",
				    shape ? shape->close : ">");
		return;
	}
	p->inside[p->depth++] = addr;
	if (shape) {
		put_container(p, addr, class, shape, max, out);
	} else {
		sqlite3_str_appendf(out, "<%s", last_part(class));
		put_attributes(p, addr, false, max, start, &shown, out);
		sqlite3_str_appendall(out, shown ? ">" : " object>");
	}
	p->depth--;
}

/* What a person calls the object, inside another one. */
static void put(struct preview *p, int64_t addr, size_t max, sqlite3_str *out)
{
	const struct shape *shape;
	char *class;

	if (put_value(p, addr, max, out))
		return;
	class = class_of(p, addr, &shape);
	if (class)
		put_folded(p, addr, class, shape, max, out);
	else
		sqlite3_str_appendall(out, "?");
	sqlite3_free(class);
}

/* Is there anything to show of an object without a text of its own? A class that C made and that is
 * no container has fields and no attributes. */
static bool has_fold(const char *class, const struct shape *shape)
{
	return shape || strchr(class, '.');
}

static void preview(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct preview p = {.db = sqlite3_context_db_handle(context)};
	sqlite3_str *out;
	const struct shape *shape;
	int64_t addr;
	char *class;
	int i;

	(void)argc;
	if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER)
		return;
	addr = sqlite3_value_int64(argv[0]);
	out = sqlite3_str_new(p.db);
	if (!put_value(&p, addr, SIZE_MAX, out)) {
		class = class_of(&p, addr, &shape);
		if (class && has_fold(class, shape))
			put_folded(&p, addr, class, shape, MAX_TEXT, out);
		sqlite3_free(class);
	}
	if (sqlite3_str_errcode(out) == SQLITE_NOMEM)
		sqlite3_result_error_nomem(context);
	else if (sqlite3_str_length(out))
		sqlite3_result_text(context, sqlite3_str_value(out), -1, SQLITE_TRANSIENT);
	sqlite3_free(sqlite3_str_finish(out));
	/* Not kept: a connection with a statement left does not close. */
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(p.statements[i]);
}

int nec_preview_register(sqlite3 *db)
{
	return sqlite3_create_function_v2(db, "preview", 1, SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL,
					  preview, NULL, NULL, NULL);
}
