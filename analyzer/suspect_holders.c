/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rule "holder": one object that alone keeps a large share of the heap alive: a container, a class
 * attribute, a cache, a thread, one big buffer.
 *
 * Every dominator above such an object retains as much, so what counts is what remains of an
 * object's retained size when the large ones below it are taken off: sys.modules retains nearly
 * everything and holds, but for the culprit, modules. What remains as modules, classes, functions
 * and code is the program and no data.
 */
#include <stdlib.h>
#include <string.h>

#include "suspects.h"

/* Of these a program consists. */
static const char *const program_types[] = {
	"module",
	"type",
	"classobj",
	"function",
	"code",
	"builtin_function_or_method",
	"method_descriptor",
	"wrapper_descriptor",
	"getset_descriptor",
	"member_descriptor",
	"property",
	"classmethod",
	"staticmethod",
	"cell",
};

enum {
	GROUPS = 3,      /* types that the evidence names */
	MAX_HOLDERS = 8, /* that many shares of 10 % there can hardly be */
};

struct group {
	char *type;
	int64_t count, bytes;
};

/* A holder, while its rows come by. */
struct holder {
	uint64_t addr;
	char *type;
	int64_t retained, own;
	bool is_root; /* nothing above it */
	int64_t count, remains, program, strings;
	struct group groups[GROUPS];
	int group_count;
};

static void deinit_holder(struct holder *h)
{
	free(h->type);
	while (h->group_count)
		free(h->groups[--h->group_count].type);
}

static const char *short_type(const char *type)
{
	const char *dot = strchr(type, '.');

	return !strncmp(type, "builtins.", 9) || !strncmp(type, "__builtin__.", 12) ? dot + 1
										    : type;
}

static bool is_program(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof(program_types) / sizeof(program_types[0]); i++)
		if (!strcmp(short_type(type), program_types[i]))
			return true;
	return false;
}

static bool is_string(const char *type)
{
	return !strcmp(short_type(type), "str") || !strcmp(short_type(type), "unicode");
}

static bool is_suspect(const struct nec_suspects *s, const struct holder *h)
{
	if (h->own > s->heap || h->remains < s->large || h->program > h->remains / 2)
		return false;
	/* A dict of nothing but strings that C holds is the table of interned ones. */
	return !(h->is_root && h->strings > h->remains / 10 * 9 &&
		 !strcmp(short_type(h->type), "dict"));
}

static void describe(const struct nec_suspects *s, const struct holder *h, const char *name,
		     struct nec_text *title, struct nec_text *detail)
{
	const struct group *most = &h->groups[0];
	bool one = h->own > h->remains / 2;
	int i;

	nec_text_printf(title, "%s holds ", name);
	nec_suspects_share(s, title, h->retained);
	nec_text_puts(title, " of the heap");
	if (one || !h->group_count) {
		nec_text_printf(title, ": one %s", short_type(h->type));
	} else {
		nec_text_puts(title, ": ");
		nec_text_count(title, most->count);
		nec_text_printf(title, " %s%s", short_type(most->type),
				h->count > most->count ? " and more" : "");
	}
	nec_text_printf(detail, " The %s at 0x%llx alone keeps ", short_type(h->type),
			(unsigned long long)h->addr);
	nec_text_size(detail, h->retained);
	nec_text_puts(detail, " alive; ");
	nec_text_size(detail, h->own);
	nec_text_puts(detail, " are its own");
	for (i = 0; i < h->group_count; i++) {
		nec_text_puts(detail, ", ");
		nec_text_size(detail, h->groups[i].bytes);
		nec_text_puts(detail, " in ");
		nec_text_count(detail, h->groups[i].count);
		nec_text_printf(detail, " %s", short_type(h->groups[i].type));
	}
	nec_text_printf(detail, ". What would go: whatif --drop 0x%llx, or --weak 0x%llx.",
			(unsigned long long)h->addr, (unsigned long long)h->addr);
}

static struct nec_error *finish_holder(struct nec_suspects *s, struct holder *h)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0}, name = {0};
	bool known;

	h->remains += h->own;
	if (!h->type || !is_suspect(s, h))
		return NULL;
	NEC_TRY(nec_suspects_known(s, h->addr, h->retained, &known));
	if (known || s->found->count >= MAX_HOLDERS)
		return NULL;
	NEC_TRY(nec_suspects_name(s, h->addr, &name, &detail));
	describe(s, h, nec_text_str(&name), &title, &detail);
	return nec_suspects_add(s, "holder", &title, &detail, h->retained, h->addr);
}

static struct nec_error *begin_holder(struct holder *h, const struct nec_query *row)
{
	deinit_holder(h);
	*h = (struct holder){
		.addr = (uint64_t)nec_query_int(row, 0),
		.type = strdup(nec_query_text(row, 1, NULL)),
		.retained = nec_query_int(row, 2),
		.own = nec_query_int(row, 3),
		.is_root = nec_query_column_type(row, 4) == NEC_COLUMN_NULL,
	};
	return h->type ? NULL : &nec_enomem;
}

static struct nec_error *add_group(struct holder *h, const struct nec_query *row)
{
	const char *type = nec_query_text(row, 5, NULL);
	int64_t count = nec_query_int(row, 7), bytes = nec_query_int(row, 8);

	if (!count)
		return NULL;
	h->count += count;
	h->remains += bytes;
	if (nec_query_int(row, 6) || is_program(type))
		h->program += bytes;
	if (is_string(type))
		h->strings += bytes;
	if (h->group_count == GROUPS)
		return NULL;
	h->groups[h->group_count] =
		(struct group){.type = strdup(type), .count = count, .bytes = bytes};
	return h->groups[h->group_count++].type ? NULL : &nec_enomem;
}

static struct nec_error *run(struct nec_suspects *s, struct nec_query *query, struct holder *h)
{
	bool row;

	NEC_TRY(nec_query_bind_int(query, ":least", s->large));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return finish_holder(s, h);
		if (!h->type || h->addr != (uint64_t)nec_query_int(query, 0)) {
			NEC_TRY(finish_holder(s, h));
			NEC_TRY(begin_holder(h, query));
		}
		NEC_TRY(add_group(h, query));
	}
}

struct nec_error *nec_suspects_holders(struct nec_suspects *s)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	struct holder h = {0};
	struct nec_error *err;

	NEC_TRY(nec_query_named(s->db, "suspect_holders", &query));
	err = run(s, query, &h);
	deinit_holder(&h);
	return err;
}
