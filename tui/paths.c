/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths to an object (nec_paths_find) as rows: one tree from the roots, each step once; see
 * maker.h. */
#include <stdlib.h>

#include "base/text.h"
#include "tui/maker.h"

#define NONE UINT32_MAX

enum { LABEL, ADDR, TYPE, RETAINED, VALUE, TEXT, COLUMNS };

static const char *const columns[] = {
	[LABEL] = "label", [ADDR] = "addr", [TYPE] = "type",  [RETAINED] = "retained",
	[VALUE] = "value", [TEXT] = "text", [COLUMNS] = NULL,
};

/* The tree the other way round: parents know their children. */
struct tree {
	uint32_t *child, *sibling; /* [step_count]; NONE: no more */
	uint32_t *line; /* [step_count]: a line that begins or ends there; NONE: none does */
	uint32_t first; /* of the steps without a parent */
};

static void tree_deinit(struct tree *tree)
{
	free(tree->child);
	free(tree->sibling);
	free(tree->line);
}

static struct nec_error *tree_init(struct tree *tree, const struct nec_paths *paths)
{
	uint32_t n = paths->step_count;

	tree->first = NONE;
	tree->child = malloc(n * sizeof(uint32_t) + 1);
	tree->sibling = malloc(n * sizeof(uint32_t) + 1);
	tree->line = malloc(n * sizeof(uint32_t) + 1);
	if (!tree->child || !tree->sibling || !tree->line)
		return &nec_enomem;
	for (uint32_t i = 0; i < n; i++)
		tree->child[i] = tree->line[i] = NONE;
	/* backward, so that siblings keep their order */
	for (uint32_t i = n; i-- > 0;) {
		uint32_t parent = paths->steps[i].parent;
		uint32_t *head = parent < i ? &tree->child[parent] : &tree->first;

		tree->sibling[i] = *head;
		*head = i;
	}
	for (uint32_t i = paths->line_count; i-- > 0;) {
		uint32_t step = paths->lines[i].last;

		while (step < n) {
			uint32_t parent = paths->steps[step].parent;

			if (step == paths->lines[i].last || parent >= step)
				tree->line[step] = i;
			if (parent >= step)
				break;
			step = parent;
		}
	}
	return NULL;
}

/* What the object is, in a line; *text_ret is owned by query until it is asked again. */
static struct nec_error *fold(struct nec_query *query, uint64_t addr, const char **text_ret)
{
	bool row;

	nec_query_reset(query);
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	if (row && nec_query_column_type(query, 0) == NEC_COLUMN_TEXT)
		*text_ret = nec_query_text(query, 0, NULL);
	return NULL;
}

static struct nec_error *add_row(struct nec_query *query, const struct nec_paths *paths,
				 const struct tree *tree, uint32_t at, uint16_t depth,
				 struct nec_rowlist *rows)
{
	const struct nec_path_step *step = &paths->steps[at];
	const struct nec_path_line *line =
		tree->line[at] == NONE ? NULL : &paths->lines[tree->line[at]];
	_cleanup_(nec_text_deinit) struct nec_text label = {0};
	const char *texts[COLUMNS] = {[TYPE] = step->type, [VALUE] = step->value};
	struct nec_row *row;

	if (depth == 0 && line && line->root_kind) {
		nec_text_printf(&label, "%s%s%s", line->root_kind, line->root_label ? " " : "",
				line->root_label ? line->root_label : "");
		texts[LABEL] = nec_text_str(&label);
	} else {
		texts[LABEL] = step->label;
	}
	if (line && line->last == at)
		texts[TEXT] = line->text;
	if (!step->value)
		NEC_TRY(fold(query, step->addr, &texts[VALUE]));
	NEC_TRY(nec_row_texts(COLUMNS, texts, &row));
	row->values[ADDR] = nec_value_int((int64_t)step->addr);
	if (step->retained >= 0)
		row->values[RETAINED] = nec_value_int(step->retained);
	row->depth = depth;
	return nec_rowlist_add(rows, row);
}

static struct nec_error *make(struct nec_db *db, const struct nec_params *params, int max,
			      struct nec_progress *progress, struct nec_rowlist *rows)
{
	struct nec_path_options options = {.max_paths = (uint32_t)max, .progress = progress};
	const struct nec_value *addr = nec_params_find(params, "addr");
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(tree_deinit) struct tree tree = {0};
	uint16_t depth = 0;
	uint32_t at;

	NEC_TRY(nec_paths_find(db, addr ? (uint64_t)addr->i : 0, &options, &paths));
	NEC_TRY(tree_init(&tree, paths));
	NEC_TRY(nec_query_named(db, "preview", &query));
	for (at = tree.first; at != NONE;) {
		NEC_TRY(add_row(query, paths, &tree, at, depth, rows));
		if (tree.child[at] != NONE) {
			at = tree.child[at];
			depth += depth < UINT16_MAX;
			continue;
		}
		while (tree.sibling[at] == NONE && paths->steps[at].parent < at) {
			at = paths->steps[at].parent;
			depth -= depth > 0;
		}
		at = tree.sibling[at];
	}
	return NULL;
}

const struct nec_maker nec_maker_path = {.columns = columns, .make = make, .max = 1};
const struct nec_maker nec_maker_paths = {.columns = columns, .make = make, .max = 20};
