/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * necropsy tasks: what ran without a thread of its own, as a tree: under each task those that it
 * waits for. Tasks with nothing below them that are at the same place are one entry.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "base/sum.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/session.h"

/* Names of a group that are printed; how far the tree is indented; entries without --limit. */
enum { MAX_NAMES = 6, MAX_INDENT = 20, MAX_ENTRIES = 40 };

struct frame {
	const char *function, *file; /* interned; NULL: not known */
	uint64_t coroutine;
	int64_t line;
};

struct task {
	uint64_t addr, loop, waits_for;
	const char *kind, *name, *state, *thread, *waits; /* interned */
	int64_t retained;                                 /* bytes; -1: not known */
	uint32_t frame, frame_count;
	uint32_t edge, edge_count; /* those that it waits for */
	uint32_t place;            /* id of the text of its state and stack */
	bool awaited, printed;
};

/* A task of the tree that is still to be printed. */
struct node {
	uint32_t task, depth;
};

struct view {
	struct nec_cli *cli;
	FILE *out;
	struct nec_strtab texts;
	struct task *tasks; /* by size */
	uint32_t count, capacity;
	uint32_t *by_addr; /* places in tasks */
	struct frame *frames;
	uint32_t frame_count, frame_capacity;
	uint32_t *edges; /* places in tasks */
	uint32_t edge_count, edge_capacity;
	struct node *stack;
	uint32_t stack_count, stack_capacity;
	uint32_t *list; /* tasks that are sorted to be printed */
	uint32_t list_count, list_capacity;
	int64_t limit, printed; /* entries; limit 0: all */
	struct nec_text text;
};

static struct nec_error *grow(void *array_ptr, size_t size, uint32_t count, uint32_t *capacity)
{
	void **array = array_ptr, *items;
	uint32_t n = *capacity ? *capacity * 2 : 64;

	if (count < *capacity)
		return NULL;
	if (n < *capacity)
		return &nec_enomem;
	items = reallocarray(*array, n, size);
	if (!items)
		return &nec_enomem;
	*array = items;
	*capacity = n;
	return NULL;
}

static void deinit_view(struct view *v)
{
	free(v->tasks);
	free(v->by_addr);
	free(v->frames);
	free(v->edges);
	free(v->stack);
	free(v->list);
	nec_strtab_deinit(&v->texts);
	nec_text_deinit(&v->text);
}

/* ---- reading
 * ----------------------------------------------------------------------------------------------------
 */

static struct nec_error *text_of(struct view *v, const struct nec_query *q, int column,
				 const char **ret)
{
	const char *text;
	uint32_t id;

	*ret = NULL;
	if (nec_query_column_type(q, column) == NEC_COLUMN_NULL)
		return NULL;
	text = nec_query_text(q, column, NULL);
	NEC_TRY(nec_strtab_intern(&v->texts, text, strlen(text), &id));
	*ret = nec_strtab_get(&v->texts, id);
	return NULL;
}

static struct nec_error *add_task(struct view *v, const struct nec_query *q)
{
	struct task *task;

	NEC_TRY(grow(&v->tasks, sizeof(*task), v->count, &v->capacity));
	task = &v->tasks[v->count];
	*task = (struct task){
		.addr = (uint64_t)nec_query_int(q, 0),
		.loop = (uint64_t)nec_query_int(q, 4),
		.waits_for = (uint64_t)nec_query_int(q, 7),
		.retained =
			nec_query_column_type(q, 8) == NEC_COLUMN_NULL ? -1 : nec_query_int(q, 8),
	};
	NEC_TRY(text_of(v, q, 1, &task->kind));
	NEC_TRY(text_of(v, q, 2, &task->name));
	NEC_TRY(text_of(v, q, 3, &task->state));
	NEC_TRY(text_of(v, q, 5, &task->thread));
	NEC_TRY(text_of(v, q, 6, &task->waits));
	v->count++;
	return NULL;
}

static int by_addr(const void *pa, const void *pb, void *arg)
{
	const struct view *v = arg;
	uint64_t a = v->tasks[*(const uint32_t *)pa].addr, b = v->tasks[*(const uint32_t *)pb].addr;

	return (a > b) - (a < b);
}

static struct nec_error *index_tasks(struct view *v)
{
	uint32_t i;

	v->by_addr = calloc((size_t)v->count + 1, sizeof(*v->by_addr));
	if (!v->by_addr)
		return &nec_enomem;
	for (i = 0; i < v->count; i++)
		v->by_addr[i] = i;
	if (v->count)
		qsort_r(v->by_addr, v->count, sizeof(*v->by_addr), by_addr, v);
	return NULL;
}

static struct task *find_task(const struct view *v, uint64_t addr)
{
	uint32_t lo = 0, hi = v->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->tasks[v->by_addr[mid]].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < v->count && v->tasks[v->by_addr[lo]].addr == addr)
		return &v->tasks[v->by_addr[lo]];
	return NULL;
}

/* Rows come task by task. */
static struct nec_error *add_frame(struct view *v, const struct nec_query *q)
{
	struct task *task = find_task(v, (uint64_t)nec_query_int(q, 0));
	struct frame *frame;

	if (!task)
		return NULL;
	NEC_TRY(grow(&v->frames, sizeof(*frame), v->frame_count, &v->frame_capacity));
	frame = &v->frames[v->frame_count];
	*frame = (struct frame){.coroutine = (uint64_t)nec_query_int(q, 5),
				.line = nec_query_int(q, 4)};
	NEC_TRY(text_of(v, q, 2, &frame->function));
	if (!frame->function)
		NEC_TRY(text_of(v, q, 1, &frame->function));
	NEC_TRY(text_of(v, q, 3, &frame->file));
	if (!task->frame_count++)
		task->frame = v->frame_count;
	v->frame_count++;
	return NULL;
}

static struct nec_error *add_wait(struct view *v, const struct nec_query *q)
{
	struct task *task = find_task(v, (uint64_t)nec_query_int(q, 0)),
		    *awaited = find_task(v, (uint64_t)nec_query_int(q, 1));

	if (!task || !awaited)
		return NULL;
	NEC_TRY(grow(&v->edges, sizeof(*v->edges), v->edge_count, &v->edge_capacity));
	if (!task->edge_count++)
		task->edge = v->edge_count;
	awaited->awaited = true;
	v->edges[v->edge_count++] = (uint32_t)(awaited - v->tasks);
	return NULL;
}

static struct nec_error *each(struct view *v, const char *name,
			      struct nec_error *(*add)(struct view *v, const struct nec_query *q))
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, name, &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		NEC_TRY(add(v, query));
	}
}

/* Tasks of the same place are those whose state and stack read the same. */
static struct nec_error *find_places(struct view *v)
{
	uint32_t i, k;

	for (i = 0; i < v->count; i++) {
		struct task *task = &v->tasks[i];

		nec_text_clear(&v->text);
		nec_text_printf(&v->text, "%s\n%s\n", task->kind, task->state);
		for (k = 0; k < task->frame_count; k++) {
			const struct frame *frame = &v->frames[task->frame + k];

			nec_text_printf(&v->text, "%s %s:%lld\n", frame->function ?: "?",
					frame->file ?: "?", (long long)frame->line);
		}
		NEC_TRY(nec_strtab_intern(&v->texts, nec_text_str(&v->text), v->text.len,
					  &task->place));
	}
	return NULL;
}

static struct nec_error *read_all(struct view *v)
{
	NEC_TRY(each(v, "tasks", add_task));
	NEC_TRY(index_tasks(v));
	NEC_TRY(each(v, "task_frames", add_frame));
	NEC_TRY(each(v, "task_waits", add_wait));
	return find_places(v);
}

/* ---- for a person
 * ------------------------------------------------------------------------------------------------
 */

static void print_escaped(struct view *v, const char *text)
{
	nec_text_clear(&v->text);
	nec_text_escape(&v->text, text, strlen(text));
	fputs(nec_text_str(&v->text), v->out);
}

static int indent(uint32_t depth)
{
	return (int)(depth < MAX_INDENT ? depth : MAX_INDENT) * 4;
}

static void print_name(struct view *v, const struct task *task)
{
	if (task->name)
		print_escaped(v, task->name);
	else
		fprintf(v->out, "0x%llx", (unsigned long long)task->addr);
}

/* The head of an entry: n tasks of one place. */
static void print_head(struct view *v, const uint32_t *list, uint32_t n, uint32_t depth)
{
	const struct task *first = &v->tasks[list[0]];
	int64_t retained = 0;
	uint32_t i;

	fprintf(v->out, "%*s", indent(depth), "");
	if (n > 1)
		fprintf(v->out, "%u %s: ", n,
			strcmp(first->kind, "greenlet") ? "tasks" : "greenlets");
	for (i = 0; i < n && i < MAX_NAMES; i++) {
		if (i)
			fputs(", ", v->out);
		print_name(v, &v->tasks[list[i]]);
	}
	if (n > MAX_NAMES)
		fprintf(v->out, " and %u more", n - MAX_NAMES);
	if (n == 1 && first->name)
		fprintf(v->out, " (0x%llx)", (unsigned long long)first->addr);
	fprintf(v->out, ": ");
	print_escaped(v, first->state);
	if (n == 1 && first->waits) {
		fputs(", waits for ", v->out);
		print_escaped(v, first->waits);
	}
	for (i = 0; i < n; i++)
		retained = nec_sum(retained, v->tasks[list[i]].retained);
	if (first->retained >= 0) {
		nec_text_clear(&v->text);
		nec_text_size(&v->text, retained);
		fprintf(v->out, "; %s", nec_text_str(&v->text));
	}
	putc('\n', v->out);
}

static void print_stack(struct view *v, const struct task *task, uint32_t depth)
{
	uint32_t i;

	for (i = 0; i < task->frame_count; i++) {
		const struct frame *frame = &v->frames[task->frame + i];

		fprintf(v->out, "%*s  ", indent(depth) + 2, "");
		print_escaped(v, frame->function ?: "?");
		fputs("  ", v->out);
		print_escaped(v, frame->file ?: "?");
		if (frame->line)
			fprintf(v->out, ":%lld", (long long)frame->line);
		putc('\n', v->out);
	}
}

/* Those that wait for others come last; of the rest those of a place are side by side, and in them
 * the largest first. */
static int by_place(const void *pa, const void *pb, void *arg)
{
	const struct view *v = arg;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct task *ta = &v->tasks[a], *tb = &v->tasks[b];
	bool wa = ta->edge_count > 0, wb = tb->edge_count > 0;

	if (wa != wb)
		return wa - wb;
	if (!wa && ta->place != tb->place)
		return ta->place < tb->place ? -1 : 1;
	return (a > b) - (a < b);
}

static bool is_full(const struct view *v)
{
	return v->limit && v->printed >= v->limit;
}

/*
 * Prints the tasks of v->list at a depth: places at once; what waits for others is left for later
 * on the stack, so that it is followed by what it waits for.
 */
static struct nec_error *print_list(struct view *v, uint32_t depth)
{
	uint32_t i, n, waiting;

	if (v->list_count)
		qsort_r(v->list, v->list_count, sizeof(*v->list), by_place, v);
	for (i = 0; i < v->list_count && !v->tasks[v->list[i]].edge_count; i += n) {
		for (n = 0; i + n < v->list_count && !v->tasks[v->list[i + n]].edge_count &&
			    v->tasks[v->list[i + n]].place == v->tasks[v->list[i]].place;
		     n++)
			v->tasks[v->list[i + n]].printed = true;
		if (is_full(v))
			continue;
		v->printed++;
		print_head(v, &v->list[i], n, depth);
		print_stack(v, &v->tasks[v->list[i]], depth);
	}
	for (waiting = v->list_count; waiting-- > i;) {
		NEC_TRY(grow(&v->stack, sizeof(*v->stack), v->stack_count, &v->stack_capacity));
		v->stack[v->stack_count++] = (struct node){v->list[waiting], depth};
	}
	return NULL;
}

static struct nec_error *add_to_list(struct view *v, uint32_t task)
{
	NEC_TRY(grow(&v->list, sizeof(*v->list), v->list_count, &v->list_capacity));
	v->list[v->list_count++] = task;
	return NULL;
}

static struct nec_error *print_below(struct view *v)
{
	uint32_t k;

	while (v->stack_count > 0) {
		struct node node = v->stack[--v->stack_count];
		struct task *task = &v->tasks[node.task];

		if (is_full(v))
			continue;
		v->printed++;
		print_head(v, &node.task, 1, node.depth);
		if (task->printed) {
			fprintf(v->out, "%*s    (see above)\n", indent(node.depth), "");
			continue;
		}
		task->printed = true;
		print_stack(v, task, node.depth);
		v->list_count = 0;
		for (k = 0; k < task->edge_count; k++)
			NEC_TRY(add_to_list(v, v->edges[task->edge + k]));
		NEC_TRY(print_list(v, node.depth + 1));
	}
	return NULL;
}

static struct nec_error *print_tree(struct view *v)
{
	uint32_t i, left = 0;

	for (i = 0; i < v->count; i++)
		if (!v->tasks[i].awaited)
			NEC_TRY(add_to_list(v, i));
	NEC_TRY(print_list(v, 0));
	NEC_TRY(print_below(v));
	/* Circles have no beginning. */
	for (i = 0; i < v->count && !is_full(v); i++) {
		if (v->tasks[i].printed)
			continue;
		v->list_count = 0;
		NEC_TRY(add_to_list(v, i));
		NEC_TRY(print_list(v, 0));
		NEC_TRY(print_below(v));
	}
	for (i = 0; i < v->count; i++)
		left += !v->tasks[i].printed;
	if (is_full(v) && left)
		fprintf(v->out, "… and more: --limit 0 prints all\n");
	return NULL;
}

static struct nec_error *print_loop(struct view *v, const struct nec_query *q)
{
	fputs("loop ", v->out);
	print_escaped(v, nec_query_text(q, 1, NULL) ?: "object");
	fprintf(v->out, " at 0x%llx", (unsigned long long)nec_query_int(q, 0));
	if (nec_query_column_type(q, 2) != NEC_COLUMN_NULL) {
		fputs(", run by ", v->out);
		print_escaped(v, nec_query_text(q, 2, NULL));
	}
	fprintf(v->out, ": %lld tasks, %lld not done\n", (long long)nec_query_int(q, 3),
		(long long)nec_query_int(q, 4));
	return NULL;
}

/* ---- JSON
 * --------------------------------------------------------------------------------------------------------
 */

static void addr_or_null(struct nec_json *json, const char *name, uint64_t addr)
{
	if (addr)
		nec_json_addr(json, name, addr);
	else
		nec_json_null(json, name);
}

static void json_task(const struct view *v, struct nec_json *json, const struct task *task)
{
	char addr[32];
	uint32_t i;

	nec_json_item(json);
	nec_json_addr(json, "addr", task->addr);
	nec_json_text(json, "kind", task->kind);
	nec_json_text(json, "name", task->name);
	nec_json_text(json, "state", task->state);
	addr_or_null(json, "loop", task->loop);
	nec_json_text(json, "thread", task->thread);
	nec_json_text(json, "waits", task->waits);
	addr_or_null(json, "waits_for", task->waits_for);
	if (task->retained < 0)
		nec_json_null(json, "retained");
	else
		nec_json_int(json, "retained", task->retained);
	nec_json_list(json, "tasks");
	for (i = 0; i < task->edge_count; i++) {
		snprintf(addr, sizeof(addr), "0x%llx",
			 (unsigned long long)v->tasks[v->edges[task->edge + i]].addr);
		nec_json_item_text(json, addr);
	}
	nec_json_list_close(json);
	nec_json_list(json, "frames");
	for (i = 0; i < task->frame_count; i++) {
		const struct frame *frame = &v->frames[task->frame + i];

		nec_json_item(json);
		nec_json_text(json, "function", frame->function);
		nec_json_text(json, "file", frame->file);
		if (frame->line)
			nec_json_int(json, "line", frame->line);
		else
			nec_json_null(json, "line");
		addr_or_null(json, "addr", frame->coroutine);
		nec_json_close(json);
	}
	nec_json_list_close(json);
	nec_json_close(json);
}

static struct nec_error *print_json(struct view *v)
{
	struct nec_json json;
	uint32_t i;

	nec_json_begin(&json, v->out);
	nec_json_list(&json, "tasks");
	for (i = 0; i < v->count; i++)
		json_task(v, &json, &v->tasks[i]);
	nec_json_list_close(&json);
	return nec_json_end(&json);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(deinit_view) struct view v = {.cli = cli, .out = out};

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(read_all(&v));
	v.limit = nec_cli_limit(cli, MAX_ENTRIES);
	if (cli->output == NEC_OUTPUT_JSON)
		return print_json(&v);
	if (!v.count) {
		fputs("no tasks of asyncio, and no greenlets\n", out);
		return NULL;
	}
	NEC_TRY(each(&v, "task_loops", print_loop));
	putc('\n', out);
	NEC_TRY(print_tree(&v));
	return v.text.failed ? &nec_enomem : NULL;
}

const struct nec_command nec_command_tasks = {
	.name = "tasks",
	.operands = "DUMP",
	.summary = "asyncio tasks and greenlets, and who waits for whom",
	.help = "Prints every event loop and every task of asyncio, also those that are done and\n"
		"kept, with the stack of its coroutine down to the innermost await, what it waits\n"
		"for, and the bytes that it retains; and every greenlet with its stack. It is a\n"
		"tree: under a task are those that it waits for. Tasks at the same place that\n"
		"wait for no other task are shown once, with their number. --limit is for the\n"
		"entries.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
