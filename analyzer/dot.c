/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_dot: the neighbourhood of an object as a Graphviz text. Breadth first from the object,
 * referrers first, until depth or the number of objects is reached; where an object has more
 * neighbours than fit, it says how many are left out. Drawn as objgraph draws:
 * https://objgraph.readthedocs.io.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "necropsy.h"

enum {
	MAX_OBJECTS = 10000, /* nobody looks at more, and Graphviz takes minutes */
	MAX_VALUE = 40,      /* bytes of a preview */
};

struct node {
	uint64_t addr;
	uint32_t depth;
};

struct drawing {
	struct nec_db *db;
	const struct nec_dot_options *options;
	struct nec_text *out;
	struct node *nodes;
	uint32_t count, max;
	struct nec_query *object, *neighbours;
};

/* Adds text of a dump to a string in double quotes, cut at limit bytes. */
static void add_quoted(struct nec_text *out, const char *s, size_t limit)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {.limit = limit};
	const char *p;

	nec_text_escape(&text, s, strlen(s));
	for (p = nec_text_str(&text); *p; p++) {
		if (*p == '"' || *p == '\\')
			nec_text_putc(out, '\\');
		nec_text_putc(out, *p);
	}
	if (text.cut)
		nec_text_puts(out, "…");
	out->failed |= text.failed;
}

static bool is_drawn(const struct drawing *d, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < d->count; i++)
		if (d->nodes[i].addr == addr)
			return true;
	return false;
}

/* The box of an object: class, value, sizes; red: the object asked for, green: a root, grey:
 * garbage. */
static struct nec_error *draw_object(struct drawing *d, uint64_t addr)
{
	int64_t distance;
	bool row;

	nec_query_reset(d->object);
	NEC_TRY(nec_query_bind_int(d->object, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(d->object, &row));
	if (!row)
		return nec_error_create(NEC_ERR_NOTFOUND, "no object at 0x%llx",
					(unsigned long long)addr);
	nec_text_printf(d->out, "\t\"0x%llx\" [label=\"", (unsigned long long)addr);
	add_quoted(d->out, nec_query_text(d->object, 0, NULL), 200);
	if (nec_query_column_type(d->object, 4) != NEC_COLUMN_NULL) {
		nec_text_puts(d->out, "\\n");
		add_quoted(d->out, nec_query_text(d->object, 4, NULL), MAX_VALUE);
	}
	nec_text_puts(d->out, "\\n");
	nec_text_size(d->out, nec_query_int(d->object, 1) + nec_query_int(d->object, 2));
	if (nec_query_column_type(d->object, 3) != NEC_COLUMN_NULL) {
		nec_text_puts(d->out, ", retains ");
		nec_text_size(d->out, nec_query_int(d->object, 3));
	}
	nec_text_printf(d->out, "\\n0x%llx\"", (unsigned long long)addr);
	distance = nec_query_column_type(d->object, 5) == NEC_COLUMN_NULL
			   ? -1
			   : nec_query_int(d->object, 5);
	if (addr == d->nodes[0].addr)
		nec_text_puts(d->out, ", fillcolor=\"#ff9999\", penwidth=2");
	else if (distance == 1)
		nec_text_puts(d->out, ", fillcolor=\"#aaddaa\"");
	else if (!distance)
		nec_text_puts(d->out, ", fillcolor=\"#dddddd\"");
	nec_text_puts(d->out, "];\n");
	return d->out->failed ? &nec_enomem : NULL;
}

static struct nec_error *add_node(struct drawing *d, uint64_t addr, uint32_t depth)
{
	d->nodes[d->count++] = (struct node){addr, depth};
	return draw_object(d, addr);
}

/* Row of neighbours: label, kind, addr. */
static void draw_reference(struct drawing *d, uint64_t from, uint64_t to)
{
	const char *kind = nec_query_text(d->neighbours, 1, NULL);

	nec_text_printf(d->out, "\t\"0x%llx\" -> \"0x%llx\" [label=\"", (unsigned long long)from,
			(unsigned long long)to);
	add_quoted(d->out, nec_query_text(d->neighbours, 0, NULL), MAX_VALUE);
	nec_text_puts(d->out, !strcmp(kind, "weak")           ? "\", style=dashed];\n"
			      : !strcmp(kind, "conservative") ? "\", style=dotted];\n"
							      : "\"];\n");
}

/* What does not fit any more, as a box of its own. */
static void draw_rest(struct drawing *d, uint64_t addr, bool back, int64_t rest)
{
	const char *more = back ? "more referrers" : "more references";
	int len = (int)strlen(more) - (rest == 1);

	nec_text_printf(d->out,
			"\t\"0x%llx %s\" [label=\"%lld %.*s\", shape=plaintext, style=\"\"];\n",
			(unsigned long long)addr, more, (long long)rest, len, more);
	if (back)
		nec_text_printf(d->out, "\t\"0x%llx %s\" -> \"0x%llx\" [style=dotted];\n",
				(unsigned long long)addr, more, (unsigned long long)addr);
	else
		nec_text_printf(d->out, "\t\"0x%llx\" -> \"0x%llx %s\" [style=dotted];\n",
				(unsigned long long)addr, (unsigned long long)addr, more);
}

static struct nec_error *draw_neighbours(struct drawing *d, const struct node *node, bool back)
{
	int64_t rest = 0, seen = 0;
	uint64_t other;
	bool row;

	nec_query_close(nec_take(d->neighbours));
	NEC_TRY(nec_query_named(d->db, back ? "referrers" : "items", &d->neighbours));
	NEC_TRY(nec_query_bind_int(d->neighbours, ":addr", (int64_t)node->addr));
	for (;;) {
		NEC_TRY(nec_query_step(d->neighbours, &row));
		if (!row)
			break;
		if (!(++seen & 0xfff))
			NEC_TRY(nec_progress_step(d->options->progress, "drawing", d->count,
						  d->max));
		other = (uint64_t)nec_query_int(d->neighbours, 2);
		/* Instances are drawn with their class in the box. */
		if (!strcmp(nec_query_text(d->neighbours, 1, NULL), "type"))
			continue;
		if (!is_drawn(d, other)) {
			if (d->count >= d->max ||
			    nec_query_column_type(d->neighbours, 3) == NEC_COLUMN_NULL) {
				rest++;
				continue;
			}
			NEC_TRY(add_node(d, other, node->depth + 1));
		}
		draw_reference(d, back ? other : node->addr, back ? node->addr : other);
	}
	if (rest)
		draw_rest(d, node->addr, back, rest);
	return d->out->failed ? &nec_enomem : NULL;
}

/* All of one direction; the nodes that are drawn already come from the other one. */
static struct nec_error *draw_side(struct drawing *d, uint32_t depth, bool back)
{
	uint32_t first = d->count, i;

	if (!depth)
		return NULL;
	NEC_TRY(draw_neighbours(d, &(struct node){d->nodes[0].addr, 0}, back));
	for (i = first; i < d->count; i++)
		if (d->nodes[i].depth < depth)
			NEC_TRY(draw_neighbours(
				d, &(struct node){d->nodes[i].addr, d->nodes[i].depth}, back));
	return NULL;
}

static struct nec_error *draw(struct drawing *d, uint64_t addr)
{
	d->max = d->options->max_objects ? d->options->max_objects : 30;
	if (d->max > MAX_OBJECTS)
		d->max = MAX_OBJECTS;
	d->nodes = calloc(d->max, sizeof(*d->nodes));
	if (!d->nodes)
		return &nec_enomem;
	NEC_TRY(nec_query_named(d->db, "dot_object", &d->object));
	nec_text_puts(d->out, "digraph necropsy {\n"
			      "\tnode [shape=box, style=filled, fillcolor=white, "
			      "fontname=\"sans-serif\", fontsize=10];\n"
			      "\tedge [fontname=\"sans-serif\", fontsize=9];\n");
	NEC_TRY(add_node(d, addr, 0));
	NEC_TRY(draw_side(d, d->options->referrers, true));
	NEC_TRY(draw_side(d, d->options->referents, false));
	nec_text_puts(d->out, "}\n");
	return d->out->failed ? &nec_enomem : NULL;
}

struct nec_error *nec_dot(struct nec_db *db, uint64_t addr, const struct nec_dot_options *options,
			  char **text_ret)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct drawing d = {.db = db, .options = options, .out = &text};
	struct nec_error *err = draw(&d, addr);

	free(d.nodes);
	nec_query_close(d.object);
	nec_query_close(d.neighbours);
	if (!err)
		*text_ret = nec_take(text.data);
	return err;
}
