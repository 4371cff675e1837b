/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_paths_find: paths of ids from graph/, made into what a person reads. The search runs on the
 * packed pages of the database, which answers in milliseconds as long as it need not look far;
 * where exclusions send it through much of the heap, all references are loaded instead, and
 * distances without what is excluded lead it straight.
 */
#include <stdlib.h>
#include <string.h>

#include "fact.h"
#include "graph/path.h"
#include "graph/reach.h"
#include "label.h"
#include "necropsy.h"
#include "pattern.h"
#include "whole.h"

/* Referrers to look at before all references are loaded: some 50 ms. */
enum { BUDGET = 20000 };

struct question {
	struct nec_db *db;
	const struct nec_path_options *options;
	enum nec_root_doubt doubted; /* no path begins at a root of this doubt or more; NEC_ROOT_SURE: at any */
	struct nec_edges *edges;
	struct nec_neighbours *neighbours; /* where the search walks */
	struct nec_patterns without;
	uint32_t **types; /* [type_lists] of not_types */
	uint32_t *type_counts, type_lists;
	uint32_t target, from; /* from NEC_NODE_NONE: roots */
	bool loaded;           /* neighbours are a whole graph without what is excluded */
	struct nec_query *roots, *step;
	struct nec_error *error; /* of a callback that cannot return one */
};

static bool failed(struct question *q, struct nec_error *err)
{
	if (err && !q->error)
		q->error = err;
	else
		nec_error_destroy(err);
	return q->error;
}

/* Nodes of excluded types, but for the ends of a path. */
static struct nec_error *is_crossable(struct question *q, uint32_t id, bool *ret)
{
	uint64_t addr;
	uint32_t type, i, j;

	*ret = true;
	if (!q->type_lists || id == q->target || id == q->from)
		return NULL;
	NEC_TRY(nec_edges_object(q->edges, id, &addr, &type));
	for (i = 0; i < q->type_lists; i++)
		for (j = 0; j < q->type_counts[i]; j++)
			if (q->types[i][j] == type)
				*ret = false;
	return NULL;
}

static struct nec_error *edge_allowed(struct question *q, const struct nec_edge *edge, bool *ret)
{
	enum nec_match match;
	uint64_t addr;
	uint32_t type, i;

	*ret = false;
	if (!nec_ref_holds(edge->kind) && !q->options->weak)
		return NULL;
	NEC_TRY(is_crossable(q, edge->src, ret));
	for (i = 0; i < q->without.count && *ret; i++) {
		NEC_TRY(nec_edges_object(q->edges, edge->src, &addr, &type));
		NEC_TRY(nec_pattern_match(q->without.items[i], edge, type, &match));
		if (match == NEC_MATCH_BY_TYPE) {
			NEC_TRY(nec_edges_object(q->edges, edge->dst, &addr, &type));
			if (nec_pattern_match_type(q->without.items[i], type))
				match = NEC_MATCH_YES;
		}
		*ret = match != NEC_MATCH_YES;
	}
	return NULL;
}

static bool allow(void *arg, const struct nec_edge *edge)
{
	struct question *q = arg;
	bool ok = false;

	return !failed(q, edge_allowed(q, edge, &ok)) && ok;
}

/* Types are all that a loaded graph still has. */
static bool allow_loaded(void *arg, const struct nec_edge *edge)
{
	struct question *q = arg;
	bool ok = false;

	return !failed(q, is_crossable(q, edge->src, &ok)) && ok;
}

static struct nec_error *root_allowed(struct question *q, uint32_t id, bool *ret)
{
	uint64_t addr;
	uint32_t type;
	bool row;

	*ret = false;
	NEC_TRY(nec_edges_object(q->edges, id, &addr, &type));
	nec_query_close(nec_take(q->roots));
	NEC_TRY(nec_query_named(q->db, "roots_at", &q->roots));
	NEC_TRY(nec_query_bind_int(q->roots, ":addr", (int64_t)addr));
	for (;;) {
		NEC_TRY(nec_query_step(q->roots, &row));
		if (!row)
			return NULL;
		*ret = !nec_list_has(q->options->not_roots, nec_query_text(q->roots, 0, NULL)) &&
		       (!q->doubted || nec_query_int(q->roots, 2) < q->doubted);
		if (*ret)
			return NULL;
	}
}

static bool is_root(void *arg, uint32_t id)
{
	struct question *q = arg;
	uint32_t distance;
	bool ok = true;

	if (q->from != NEC_NODE_NONE)
		return id == q->from;
	if (failed(q, q->neighbours->distance(q->neighbours, id, &distance)))
		return true;
	if (distance != 1)
		return false;
	if ((q->options->not_roots || q->doubted) && !q->loaded)
		failed(q, root_allowed(q, id, &ok));
	if (!ok || q->error)
		return q->error;
	/* A root of a class that no path may cross is none. */
	return failed(q, is_crossable(q, id, &ok)) || ok;
}

static struct nec_error *search(struct question *q, uint64_t budget, struct nec_path_set *set)
{
	const struct nec_path_query query = {
		.neighbours = q->neighbours,
		.node = q->target,
		.max_paths = q->options->max_paths ? q->options->max_paths : 1,
		.is_root = is_root,
		.allow = !q->loaded      ? allow
			 : q->type_lists ? allow_loaded
					 : NULL,
		.arg = q,
		.unguided = !q->loaded && (q->options->weak || q->from != NEC_NODE_NONE),
		.budget = budget,
		.progress = q->options->progress,
	};
	struct nec_error *err = nec_path_find(&query, set);

	if (!err && q->error)
		nec_path_set_deinit(set);
	if (!err || !q->error)
		return err ? err : nec_take(q->error);
	nec_error_destroy(err);
	return nec_take(q->error);
}

static struct nec_error *search_loaded(struct question *q, const struct nec_whole *whole,
				       struct nec_path_set *set)
{
	struct nec_graph_neighbours neighbours;
	struct nec_tmparray distance = NEC_TMPARRAY_INIT;
	const uint32_t *roots = whole->roots.data;
	uint32_t root_count = whole->root_count;
	struct nec_graph reverse;
	struct nec_error *err;

	if (q->from != NEC_NODE_NONE) {
		roots = &q->from;
		root_count = 1;
	}
	NEC_TRY(nec_graph_reverse(&whole->graph, nec_tmpdir(), &reverse, q->options->progress));
	err = nec_tmparray_init(&distance, nec_tmpdir());
	if (!err)
		err = nec_tmparray_resize(&distance,
					  (size_t)whole->graph.node_count * sizeof(uint32_t));
	if (!err)
		err = nec_graph_distances(&whole->graph, roots, root_count, nec_tmpdir(),
					  distance.data, q->options->progress);
	if (!err) {
		nec_graph_neighbours_init(&neighbours, &whole->graph, &reverse, distance.data);
		q->neighbours = &neighbours.base;
		q->loaded = true;
		err = search(q, 0, set);
		q->neighbours = nec_edges_neighbours(q->edges);
		q->loaded = false;
	}
	nec_tmparray_deinit(&distance);
	nec_graph_deinit(&reverse);
	return err;
}

static struct nec_error *find_ids(struct question *q, struct nec_path_set *set)
{
	const struct nec_whole_options options = {
		.without = &q->without,
		.not_roots = q->options->not_roots,
		.doubted = q->doubted,
		.weak = q->options->weak,
		.progress = q->options->progress,
	};
	struct nec_whole whole;
	struct nec_error *err;

	NEC_TRY(search(q, BUDGET, set));
	if (!set->exhausted)
		return NULL;
	nec_path_set_deinit(set);
	NEC_TRY(nec_whole_load(q->db, q->edges, &options, &whole));
	err = search_loaded(q, &whole, set);
	nec_whole_deinit(&whole);
	return err;
}

/* The best label among the references from one step to the next. */
struct labelled {
	struct question *q;
	uint32_t dst;
	bool found;
	struct nec_edge edge;
};

static struct nec_error *choose_label(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct labelled *l = arg;
	bool ok;

	if (edge->dst != l->dst)
		return NULL;
	NEC_TRY(edge_allowed(l->q, edge, &ok));
	if (!ok)
		return NULL;
	l->edge = *edge;
	l->found = true;
	*stop = edge->label_kind != NEC_LABEL_NONE;
	return NULL;
}

static struct nec_error *add_label(struct question *q, uint32_t src, uint32_t dst, char **ret)
{
	struct nec_neighbours *n = nec_edges_neighbours(q->edges);
	struct labelled l = {.q = q, .dst = dst};
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	NEC_TRY(n->references(n, src, choose_label, &l));
	if (l.found && l.edge.kind == NEC_REF_TYPE && l.edge.label_kind == NEC_LABEL_NONE)
		nec_text_puts(&text, ".__class__");
	else if (l.found)
		NEC_TRY(nec_edges_label(q->edges, &l.edge, &text));
	*ret = strdup(nec_text_str(&text));
	return *ret && !text.failed ? NULL : &nec_enomem;
}

static char *copy_column(const struct nec_query *query, int column)
{
	return strdup(nec_query_text(query, column, NULL));
}

static struct nec_error *describe(struct question *q, uint32_t id, struct nec_path_step *step)
{
	uint32_t type;
	bool row;

	NEC_TRY(nec_edges_object(q->edges, id, &step->addr, &type));
	nec_query_close(nec_take(q->step));
	NEC_TRY(nec_query_named(q->db, "path_step", &q->step));
	NEC_TRY(nec_query_bind_int(q->step, ":addr", (int64_t)step->addr));
	NEC_TRY(nec_query_step(q->step, &row));
	if (!row)
		return nec_error_create(NEC_ERR_STORE, "object 0x%llx has no row",
					(unsigned long long)step->addr);
	step->type = copy_column(q->step, 0);
	step->size = nec_query_int(q->step, 1) + nec_query_int(q->step, 2);
	step->retained = nec_query_column_type(q->step, 3) == NEC_COLUMN_NULL
				 ? -1
				 : nec_query_int(q->step, 3);
	if (nec_query_column_type(q->step, 4) != NEC_COLUMN_NULL) {
		step->value = copy_column(q->step, 4);
		if (!step->value)
			return &nec_enomem;
	}
	return step->type ? NULL : &nec_enomem;
}

/* A cell of a closure is one of the function's free variables: "[0]" becomes "[0] (name)". at: the
 * step, which is not the first. */
static struct nec_error *name_cell(struct question *q, struct nec_path_step *steps, uint32_t at)
{
	struct nec_path_step *cell = &steps[at];
	const struct nec_path_step *closure = &steps[cell->parent], *function;
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ char *index = NULL;
	bool row;

	if (cell->label[0] != '[' || strcmp(closure->label, ".__closure__"))
		return NULL;
	function = &steps[closure->parent];
	NEC_TRY(nec_query_named(q->db, "closure_name", &query));
	NEC_TRY(nec_query_bind_int(query, ":function", (int64_t)function->addr));
	NEC_TRY(nec_query_bind_int(query, ":closure", (int64_t)closure->addr));
	NEC_TRY(nec_query_bind_int(query, ":cell", strtoll(cell->label + 1, NULL, 10)));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	index = nec_take(cell->label);
	if (asprintf(&cell->label, "%s (%s)", index, nec_query_text(query, 0, NULL)) < 0)
		cell->label = NULL;
	return cell->label ? NULL : &nec_enomem;
}

/* Steps that a path shares with one before it. */
static uint32_t shared(const struct nec_path *a, const struct nec_path *b)
{
	uint32_t n = 0;

	while (n < a->count && n < b->count && a->ids[n] == b->ids[n])
		n++;
	return n;
}

static struct nec_error *add_steps(struct question *q, const struct nec_path_set *set,
				   uint32_t which, struct nec_paths *paths)
{
	const struct nec_path *path = &set->paths[which];
	uint32_t best = 0, n = 0, i, at = UINT32_MAX;
	struct nec_path_step *steps, *step;

	for (i = 0; i < which; i++) {
		if (shared(path, &set->paths[i]) > n) {
			n = shared(path, &set->paths[i]);
			best = i;
		}
	}
	if (n) {
		at = paths->lines[best].last;
		for (i = set->paths[best].count; i > n; i--)
			at = paths->steps[at].parent;
		for (i = at; i != UINT32_MAX; i = paths->steps[i].parent)
			paths->steps[i].paths++;
	}
	steps = reallocarray(paths->steps, (size_t)paths->step_count + path->count - n + 1,
			     sizeof(*steps));
	if (!steps)
		return &nec_enomem;
	paths->steps = steps;
	for (i = n; i < path->count; i++) {
		step = &steps[paths->step_count];
		*step = (struct nec_path_step){.parent = at, .paths = 1};
		at = paths->step_count++;
		NEC_TRY(describe(q, path->ids[i], step));
		if (i)
			NEC_TRY(add_label(q, path->ids[i - 1], path->ids[i], &step->label));
		else
			step->label = strdup("");
		if (!step->label)
			return &nec_enomem;
		if (i)
			NEC_TRY(name_cell(q, steps, at));
	}
	paths->lines[which].last = at;
	paths->lines[which].length = path->count;
	return NULL;
}

/* The first root of those that are wanted that the path begins with. */
static struct nec_error *name_root(struct question *q, uint32_t id, struct nec_path_line *line)
{
	bool ok;

	if (q->from != NEC_NODE_NONE)
		return NULL;
	NEC_TRY(root_allowed(q, id, &ok));
	if (!ok)
		return NULL;
	line->root_kind = copy_column(q->roots, 0);
	if (!line->root_kind)
		return &nec_enomem;
	if (nec_query_column_type(q->roots, 1) == NEC_COLUMN_NULL)
		return NULL;
	line->root_label = copy_column(q->roots, 1);
	return line->root_label ? NULL : &nec_enomem;
}

static struct nec_error *add_line(struct question *q, const struct nec_path_set *set,
				  uint32_t which, struct nec_paths *paths)
{
	struct nec_path_line *line = &paths->lines[which];
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	NEC_TRY(add_steps(q, set, which, paths));
	NEC_TRY(name_root(q, set->paths[which].ids[0], line));
	NEC_TRY(nec_path_text(paths, line, &text));
	line->text = strdup(nec_text_str(&text));
	return line->text ? NULL : &nec_enomem;
}

static struct nec_error *find_types(struct question *q)
{
	const char *const *names = q->options->not_types;
	uint32_t count = 0;

	while (names && names[count])
		count++;
	q->types = calloc((size_t)count + 1, sizeof(*q->types));
	q->type_counts = calloc((size_t)count + 1, sizeof(*q->type_counts));
	if (!q->types || !q->type_counts)
		return &nec_enomem;
	for (; q->type_lists < count; q->type_lists++) {
		NEC_TRY(nec_find_types(q->db, names[q->type_lists], &q->types[q->type_lists],
				       &q->type_counts[q->type_lists]));
		if (!q->type_counts[q->type_lists])
			return nec_error_create(NEC_ERR_NOTFOUND,
						"%s: no class of that name in this dump",
						names[q->type_lists]);
	}
	return NULL;
}

/* Adds to set the paths of more that begin at roots which q->doubted does not allow; more loses them. */
static struct nec_error *add_disallowed(struct question *q, struct nec_path_set *set, struct nec_path_set *more)
{
	uint32_t most = q->options->max_paths ? q->options->max_paths : 1, i;
	struct nec_path *paths;
	bool ok;

	paths = reallocarray(set->paths, (size_t)set->count + more->count + 1, sizeof(*paths));
	if (!paths)
		return &nec_enomem;
	set->paths = paths;
	for (i = 0; i < more->count && set->count < most; i++) {
		NEC_TRY(root_allowed(q, more->paths[i].ids[0], &ok));
		if (ok)
			continue;
		paths[set->count++] = more->paths[i];
		more->paths[i] = (struct nec_path){0};
	}
	return NULL;
}

/* Paths from sure roots first, *best_ret of them; then from doubtful ones, and from stale ones where there is no other. */
static struct nec_error *find_by_choice(struct question *q, struct nec_path_set *set, uint32_t *best_ret)
{
	uint32_t most = q->options->max_paths ? q->options->max_paths : 1;
	struct nec_path_set more = {0};
	struct nec_error *err;

	q->doubted = NEC_ROOT_SURE;
	if (q->options->not_roots || q->options->from) {
		err = find_ids(q, set);
		*best_ret = set->count;
		return err;
	}
	/* Not worth more than the budget: a doubtful root may be near, and all others far. */
	q->doubted = NEC_ROOT_DOUBTFUL;
	NEC_TRY(search(q, BUDGET, set));
	set->exhausted = false;
	*best_ret = set->count;
	if (set->count >= most)
		return NULL;
	q->doubted = NEC_ROOT_STALE;
	err = find_ids(q, &more);
	q->doubted = NEC_ROOT_DOUBTFUL;
	if (!err)
		err = add_disallowed(q, set, &more);
	nec_path_set_deinit(&more);
	if (err || set->count)
		return err;
	q->doubted = NEC_ROOT_SURE;
	nec_path_set_deinit(set); /* has none, but may have room for some */
	return find_ids(q, set);
}

static struct nec_error *answer(struct question *q, uint64_t addr, struct nec_paths *paths,
				struct nec_path_set *set)
{
	uint32_t best;

	NEC_TRY(nec_edges_open(q->db, &q->edges));
	q->neighbours = nec_edges_neighbours(q->edges);
	NEC_TRY(nec_edges_id(q->edges, addr, &q->target));
	if (q->options->from)
		NEC_TRY(nec_edges_id(q->edges, q->options->from, &q->from));
	NEC_TRY(nec_patterns_init(&q->without, q->db, q->edges, q->options->not_edges));
	NEC_TRY(find_types(q));
	NEC_TRY(find_by_choice(q, set, &best));
	paths->lines = calloc((size_t)set->count + 1, sizeof(*paths->lines));
	if (!paths->lines)
		return &nec_enomem;
	for (; paths->line_count < set->count; paths->line_count++) {
		if (paths->line_count == best && q->doubted == NEC_ROOT_DOUBTFUL)
			q->doubted = NEC_ROOT_STALE;
		NEC_TRY(add_line(q, set, paths->line_count, paths));
	}
	return NULL;
}

struct nec_error *nec_paths_find(struct nec_db *db, uint64_t addr,
				 const struct nec_path_options *options,
				 struct nec_paths **paths_ret)
{
	static const struct nec_path_options none;
	struct question q = {.db = db, .options = options ? options : &none, .from = NEC_NODE_NONE};
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = calloc(1, sizeof(*paths));
	struct nec_path_set set = {0};
	struct nec_error *err;

	if (!paths)
		return &nec_enomem;
	err = answer(&q, addr, paths, &set);
	nec_path_set_deinit(&set);
	nec_patterns_deinit(&q.without);
	while (q.type_lists)
		free(q.types[--q.type_lists]);
	free(q.types);
	free(q.type_counts);
	nec_query_close(q.roots);
	nec_query_close(q.step);
	nec_edges_close(q.edges);
	if (!err)
		*paths_ret = nec_take(paths);
	return err;
}

void nec_paths_destroy(struct nec_paths *paths)
{
	uint32_t i;

	if (!paths)
		return;
	for (i = 0; i < paths->step_count; i++) {
		free(paths->steps[i].label);
		free(paths->steps[i].type);
		free(paths->steps[i].value);
	}
	/* One more than line_count may be half made. */
	for (i = 0; paths->lines && i <= paths->line_count; i++) {
		free(paths->lines[i].root_kind);
		free(paths->lines[i].root_label);
		free(paths->lines[i].text);
	}
	free(paths->steps);
	free(paths->lines);
	free(paths);
}
