/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All references of a database as a graph; see whole.h. */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

#include "fact.h"

/* A reference that is left out if the type of where it leads says so. */
struct pending {
	uint64_t edge;
	uint32_t pattern;
	uint32_t src;
};

struct load {
	struct nec_whole *whole;
	const struct nec_whole_options *options;
	struct nec_tmparray row;     /* uint32_t[]: edges of the object at work */
	struct nec_tmparray pending; /* struct pending[] */
	/* Addresses of roots, ascending, and how far the objects have passed them. */
	struct nec_query *query;
	bool more;
};

const char *nec_tmpdir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp";
}

bool nec_list_has(const char *const *list, const char *text)
{
	for (; list && *list; list++)
		if (!strcmp(*list, text))
			return true;
	return false;
}

static bool is_wanted(const struct nec_whole_options *options, struct nec_query *root)
{
	return !nec_list_has(options->not_roots, nec_query_text(root, 1, NULL)) &&
	       (!options->doubted || nec_query_int(root, 2) < options->doubted);
}

/* Moves on to the next root that is wanted. */
static struct nec_error *next_root(struct load *l)
{
	do {
		NEC_TRY(nec_query_step(l->query, &l->more));
	} while (l->more && !is_wanted(l->options, l->query));
	return NULL;
}

static struct nec_error *add_roots(struct load *l, uint32_t id, uint64_t addr)
{
	bool found = false;

	while (l->more && (uint64_t)nec_query_int(l->query, 0) <= addr) {
		found |= (uint64_t)nec_query_int(l->query, 0) == addr;
		NEC_TRY(next_root(l));
	}
	if (!found)
		return NULL;
	l->whole->root_count++;
	return nec_tmparray_append(&l->whole->roots, &id, sizeof(id));
}

/* Is the edge left out? number: what it will be in the graph. */
static struct nec_error *is_cut(struct load *l, const struct nec_edge *edge, uint32_t type,
				uint64_t number, bool *ret)
{
	const struct nec_patterns *without = l->options->without;
	enum nec_match match;
	uint32_t i;

	*ret = false;
	for (i = 0; without && i < without->count && !*ret; i++) {
		struct pending pending = {.edge = number, .pattern = i, .src = edge->src};

		NEC_TRY(nec_pattern_match(without->items[i], edge, type, &match));
		*ret = match == NEC_MATCH_YES;
		if (match == NEC_MATCH_BY_TYPE)
			NEC_TRY(nec_tmparray_append(&l->pending, &pending, sizeof(pending)));
	}
	l->whole->cut_count += *ret;
	return NULL;
}

static struct nec_error *add_object(void *arg, uint32_t id, uint64_t addr, uint32_t type,
				    const struct nec_edge *edges, uint32_t count)
{
	struct load *l = arg;
	struct nec_graph *g = &l->whole->graph;
	uint32_t i, n = 0, *to;
	bool cut;

	NEC_TRY(nec_tmparray_append(&l->whole->types, &type, sizeof(type)));
	NEC_TRY(add_roots(l, id, addr));
	NEC_TRY(nec_tmparray_reserve(&l->row, (size_t)count * sizeof(*to)));
	to = l->row.data;
	for (i = 0; i < count; i++) {
		if (!nec_ref_holds(edges[i].kind) && !l->options->weak)
			continue;
		NEC_TRY(is_cut(l, &edges[i], type, g->edge_count + n, &cut));
		to[n++] = cut ? id : edges[i].dst;
	}
	return n ? nec_graph_add(g, id, to, n) : NULL;
}

/* All types are known now. */
static void cut_pending(struct load *l)
{
	const struct pending *p = l->pending.data, *end = p + l->pending.size / sizeof(*p);
	const uint32_t *types = l->whole->types.data;
	uint32_t *to = l->whole->graph.to_array.data;

	for (; p < end; p++) {
		if (to[p->edge] == p->src ||
		    !nec_pattern_match_type(l->options->without->items[p->pattern],
					    types[to[p->edge]]))
			continue;
		to[p->edge] = p->src;
		l->whole->cut_count++;
	}
}

static struct nec_error *load_all(struct load *l, struct nec_db *db, struct nec_edges *edges)
{
	const char *dir = nec_tmpdir();

	NEC_TRY(nec_graph_init(&l->whole->graph, dir, nec_edges_count(edges)));
	NEC_TRY(nec_tmparray_init(&l->whole->types, dir));
	NEC_TRY(nec_tmparray_init(&l->whole->roots, dir));
	NEC_TRY(nec_tmparray_init(&l->row, dir));
	NEC_TRY(nec_tmparray_init(&l->pending, dir));
	NEC_TRY(nec_query_named(db, "roots_by_addr", &l->query));
	NEC_TRY(next_root(l));
	NEC_TRY(nec_edges_scan(edges, add_object, l, l->options->progress));
	NEC_TRY(nec_graph_finish(&l->whole->graph));
	cut_pending(l);
	return NULL;
}

struct nec_error *nec_whole_load(struct nec_db *db, struct nec_edges *edges,
				 const struct nec_whole_options *options,
				 struct nec_whole *whole_ret)
{
	struct load l = {
		.whole = whole_ret,
		.options = options,
		.row = NEC_TMPARRAY_INIT,
		.pending = NEC_TMPARRAY_INIT,
	};
	struct nec_error *err;

	*whole_ret = (struct nec_whole){
		.graph = {.start_array = NEC_TMPARRAY_INIT, .to_array = NEC_TMPARRAY_INIT},
		.types = NEC_TMPARRAY_INIT,
		.roots = NEC_TMPARRAY_INIT,
	};
	err = load_all(&l, db, edges);
	nec_tmparray_deinit(&l.row);
	nec_tmparray_deinit(&l.pending);
	nec_query_close(l.query);
	if (err)
		nec_whole_deinit(whole_ret);
	return err;
}

void nec_whole_deinit(struct nec_whole *whole)
{
	nec_graph_deinit(&whole->graph);
	nec_tmparray_deinit(&whole->types);
	nec_tmparray_deinit(&whole->roots);
}
