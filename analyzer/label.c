/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths as expressions; see label.h. Rules:
 *
 *   .__dict__ and then ['x']	.x, where x is an identifier
 *   a module			begins anew: sys.modules['NAME'] says all that came before it
 *   a local of a root's frame	local 'x' in FUNCTION (FILE), whatever the root is called
 *   no label			-> and the class of what it leads to
 *   the root			its label, or the class of the first object
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "label.h"

/* "['name']" of an identifier: its name, not terminated; NULL for anything else. */
static const char *identifier(const char *label, size_t *len_ret)
{
	size_t len = strlen(label), i;
	bool plain = len > 4 && label[0] == '[' && (label[1] == '\'' || label[1] == '"') &&
		     label[len - 1] == ']' && label[len - 2] == label[1];

	if (plain && isdigit((unsigned char)label[2]))
		plain = false;
	for (i = 2; plain && i < len - 2; i++)
		plain = isalnum((unsigned char)label[i]) || label[i] == '_' || label[i] & 0x80;
	*len_ret = plain ? len - 4 : 0;
	return plain ? label + 2 : NULL;
}

static const char *short_type(const char *type)
{
	if (!strncmp(type, "builtins.", 9))
		return type + 9;
	return strncmp(type, "__builtin__.", 12) ? type : type + 12;
}

/* The name of a module by its preview, "<module 'os' from '/usr/..'>". */
static const char *module_name(const struct nec_path_step *step, size_t *len_ret)
{
	const char *name = step->value, *end;

	if (strcmp(short_type(step->type), "module") || !name || strncmp(name, "<module '", 9))
		return NULL;
	name += 9;
	end = strchr(name, '\'');
	*len_ret = end ? (size_t)(end - name) : 0;
	return end ? name : NULL;
}

static void begin_anew(struct nec_text *text, size_t start)
{
	if (text->data)
		text->data[text->len = start] = '\0';
}

/* A local, of the frame before it: "<frame main (app.py:7)>" says whose. */
static void add_local(const char *label, const struct nec_path_step *frame, bool is_root,
		      struct nec_text *text, size_t start)
{
	const char *place = frame->value, *line;

	if (!is_root || !place || strncmp(place, "<frame ", 7) || !(line = strrchr(place, ':'))) {
		nec_text_printf(text, " -> %s", label);
		return;
	}
	place += 7;
	begin_anew(text, start);
	nec_text_printf(text, "%s in %.*s)", label, (int)(line - place), place);
}

static void add_start(const struct nec_path_step *step, const struct nec_path_line *line,
		      struct nec_text *text)
{
	if (line->root_label && *line->root_label)
		nec_text_puts(text, line->root_label);
	else
		nec_text_printf(text, "<%s at 0x%llx>", short_type(step->type),
				(unsigned long long)step->addr);
}

struct nec_error *nec_path_text(const struct nec_paths *paths, const struct nec_path_line *line,
				struct nec_text *text)
{
	_cleanup_free_ uint32_t *order = calloc((size_t)line->length + 1, sizeof(*order));
	uint32_t at = line->last, i;
	const char *name;
	size_t len, start = text->len;

	if (!order)
		return &nec_enomem;
	for (i = line->length; i-- > 0; at = paths->steps[at].parent)
		order[i] = at;
	for (i = 0; i < line->length; i++) {
		const struct nec_path_step *step = &paths->steps[order[i]];
		const char *next = i + 1 < line->length ? paths->steps[order[i + 1]].label : NULL;

		name = module_name(step, &len);
		if (name) {
			begin_anew(text, start);
			nec_text_printf(text, "sys.modules['%.*s']", (int)len, name);
		} else if (!i) {
			add_start(step, line, text);
		} else if (!strcmp(step->label, ".__dict__") && next && identifier(next, &len)) {
			name = identifier(next, &len);
			nec_text_printf(text, ".%.*s", (int)len, name);
			/* A module behind it begins anew all the same. */
			if (module_name(&paths->steps[order[i + 1]], &len))
				continue;
			i++;
		} else if (!strncmp(step->label, "local '", 7)) {
			add_local(step->label, &paths->steps[order[i - 1]], i == 1, text, start);
		} else if (*step->label) {
			nec_text_puts(text, step->label);
		} else {
			nec_text_printf(text, " -> %s", short_type(step->type));
		}
	}
	return text->failed ? &nec_enomem : NULL;
}
