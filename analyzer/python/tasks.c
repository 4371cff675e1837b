/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks; see tasks.h. Modules/_asynciomodule.c, Lib/asyncio/tasks.py. */
#include "python/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/attr.h"
#include "python/greenlet.h"
#include "python/linetable.h"
#include "python/str.h"

enum kind { KIND_NONE, KIND_TASK, KIND_PYTHON_TASK, KIND_GREENLET };

/* fut_state of Modules/_asynciomodule.c. */
enum { FUTURE_PENDING, FUTURE_CANCELLED, FUTURE_FINISHED };

/* Items of a list that are followed. */
enum { MAX_CHILDREN = 1 << 20 };

/* ---- the list
 * ----------------------------------------------------------------------------------------------------
 */

static enum kind find_kind(const struct nec_type *type)
{
	unsigned int n;

	for (n = 0; type && n < NEC_LIMIT_BASES; n++, type = type->base) {
		if (!strcmp(type->tp_name, "_asyncio.Task"))
			return KIND_TASK;
		if (!strcmp(type->tp_name, "greenlet.greenlet"))
			return KIND_GREENLET;
		/* The one in Python, which the one in C takes the place of. */
		if (type->python_made && (!strcmp(type->name, "asyncio.tasks.Task") ||
					  !strcmp(type->name, "asyncio.tasks._PyTask")))
			return KIND_PYTHON_TASK;
	}
	return KIND_NONE;
}

static enum kind kind_of(struct nec_tasks *tasks, const struct nec_type *type)
{
	uint32_t count;
	uint8_t *kinds;

	if (!type || type->id == UINT32_MAX)
		return KIND_NONE;
	if (type->id >= tasks->kind_count) {
		count = type->id + 1024;
		kinds = realloc(tasks->kinds, count);
		if (!kinds) {
			tasks->failed = true;
			return KIND_NONE;
		}
		memset(kinds + tasks->kind_count, 0, count - tasks->kind_count);
		tasks->kinds = kinds;
		tasks->kind_count = count;
	}
	if (!tasks->kinds[type->id])
		tasks->kinds[type->id] = (uint8_t)(1 + find_kind(type));
	return tasks->kinds[type->id] - 1;
}

static void *grow(struct nec_tasks *tasks, void *items, uint32_t count, uint32_t *capacity,
		  size_t size)
{
	uint32_t n = *capacity ? *capacity * 2 : 64;
	void *bigger;

	if (count < *capacity)
		return items;
	bigger = reallocarray(items, n, size);
	if (!bigger) {
		tasks->failed = true;
		return NULL;
	}
	*capacity = n;
	return bigger;
}

void nec_tasks_consider(struct nec_tasks *tasks, uint64_t obj, const struct nec_type *type)
{
	uint64_t *items;

	if (kind_of(tasks, type) == KIND_NONE || tasks->count >= NEC_LIMIT_TASKS)
		return;
	items = grow(tasks, tasks->items, tasks->count, &tasks->capacity, sizeof(*items));
	if (!items)
		return;
	tasks->items = items;
	items[tasks->count++] = obj;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_listed(const struct nec_tasks *tasks, uint64_t obj)
{
	return tasks->count && bsearch(&obj, tasks->items, tasks->count, sizeof(obj), by_address);
}

void nec_tasks_init(struct nec_tasks *tasks, struct nec_types *types,
		    const struct nec_threads *threads)
{
	*tasks = (struct nec_tasks){.types = types, .threads = threads};
}

void nec_tasks_deinit(struct nec_tasks *tasks)
{
	free(tasks->items);
	free(tasks->kinds);
	free(tasks->edges);
	free(tasks->frames);
	free(tasks->name);
	free(tasks->function);
	free(tasks->qualname);
	free(tasks->file);
	nec_text_deinit(&tasks->text);
}

/* ---- what a task says
 * --------------------------------------------------------------------------------------------- */

/* A member of a task in C, or the attribute of one in Python. */
static uint64_t member(struct nec_tasks *tasks, uint64_t task, enum nec_field field,
		       const char *name)
{
	const struct nec_target *t = tasks->types->target;

	if (kind_of(tasks, nec_object_type(tasks->types, task)) == KIND_TASK)
		return nec_field(t, task, field);
	return nec_attr_find(t, task, name);
}

static bool is_none(const struct nec_tasks *tasks, uint64_t obj)
{
	const char *name =
		nec_image_cstr(tasks->types->target->image,
			       nec_field(tasks->types->target,
					 nec_type_of(tasks->types->target, obj), NEC_F_TYPE_NAME),
			       16);

	return name && !strcmp(name, "NoneType");
}

static uint64_t waiter_of(struct nec_tasks *tasks, uint64_t task)
{
	uint64_t waiter = member(tasks, task, NEC_F_TASK_WAITER, "_fut_waiter");

	return waiter && is_none(tasks, waiter) ? 0 : waiter;
}

static const char *state_of(struct nec_tasks *tasks, uint64_t task, bool running)
{
	const struct nec_target *t = tasks->types->target;
	uint64_t exception = member(tasks, task, NEC_F_FUTURE_EXCEPTION, "_exception"), word;
	int32_t state = FUTURE_PENDING;

	if (kind_of(tasks, nec_object_type(tasks->types, task)) == KIND_TASK) {
		state = nec_field32(t, task, NEC_F_TASK_STATE);
	} else {
		word = nec_attr_find(t, task, "_state");
		if (nec_str_equals(t, word, "CANCELLED"))
			state = FUTURE_CANCELLED;
		else if (nec_str_equals(t, word, "FINISHED"))
			state = FUTURE_FINISHED;
	}
	if (state == FUTURE_CANCELLED)
		return "cancelled";
	if (state == FUTURE_FINISHED)
		return exception && !is_none(tasks, exception) ? "failed" : "finished";
	return running ? "running" : "pending";
}

static char *name_of(struct nec_tasks *tasks, uint64_t task)
{
	const struct nec_target *t = tasks->types->target;
	uint64_t name = member(tasks, task, NEC_F_TASK_NAME, "_name"), number;
	char *text;

	/* From 3.13 on a task that nobody named has its number there, until somebody asks. */
	if (name && nec_attr_u64(t, name, &number))
		return asprintf(&text, "Task-%llu", (unsigned long long)number) < 0 ? NULL : text;
	return name ? nec_str_dup(t, name, NEC_LIMIT_NAME) : NULL;
}

/* ---- who waits for whom
 * ------------------------------------------------------------------------------------------- */

struct waiter {
	uint64_t future, task;
};

static int by_future(const void *a, const void *b)
{
	const struct waiter *x = a, *y = b;

	return (x->future > y->future) - (x->future < y->future);
}

static int by_task(const void *a, const void *b)
{
	const struct nec_task_edge *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return (x->awaited > y->awaited) - (x->awaited < y->awaited);
}

static void add_edge(struct nec_tasks *tasks, uint64_t task, uint64_t awaited)
{
	struct nec_task_edge *edges;

	if (task == awaited || tasks->edge_count >= NEC_LIMIT_TASKS)
		return;
	edges = grow(tasks, tasks->edges, tasks->edge_count, &tasks->edge_capacity, sizeof(*edges));
	if (!edges)
		return;
	tasks->edges = edges;
	edges[tasks->edge_count++] = (struct nec_task_edge){task, awaited};
}

/* The items of a list or a tuple. */
static uint64_t items_of(const struct nec_tasks *tasks, uint64_t obj, uint64_t *count_ret)
{
	const struct nec_target *t = tasks->types->target;
	uint64_t flags = obj ? nec_field(t, nec_type_of(t, obj), NEC_F_TYPE_FLAGS) : 0;
	int64_t count = obj ? nec_ob_size(t, obj) : 0;

	*count_ret = count > 0 && count < MAX_CHILDREN ? (uint64_t)count : 0;
	if (flags & NEC_TYPE_LIST_SUBCLASS)
		return nec_field(t, obj, NEC_F_LIST_ITEM);
	if (flags & NEC_TYPE_TUPLE_SUBCLASS)
		return obj + nec_off(t, NEC_F_TUPLE_ITEM);
	*count_ret = 0;
	return 0;
}

/* The task itself, or those that gather() made a future of. */
static void add_direct(struct nec_tasks *tasks, uint64_t task, uint64_t future)
{
	const struct nec_target *t = tasks->types->target;
	uint64_t at, count, i;

	if (is_listed(tasks, future)) {
		add_edge(tasks, task, future);
		return;
	}
	at = items_of(tasks, nec_attr_find(t, future, "_children"), &count);
	for (i = 0; i < count; i++)
		if (is_listed(tasks, nec_word(t, at + i * 8)))
			add_edge(tasks, task, nec_word(t, at + i * 8));
}

struct waiters {
	struct waiter *items; /* by future */
	uint32_t count;
};

/* obj is what a callback of `awaited` is bound to: is it what a task waits for? */
static void add_if_awaited(struct nec_tasks *tasks, const struct waiters *w, uint64_t obj,
			   uint64_t awaited)
{
	struct waiter key = {.future = obj}, *found;

	found = obj && w->count ? bsearch(&key, w->items, w->count, sizeof(key), by_future) : NULL;
	if (found)
		add_edge(tasks, found->task, awaited);
}

/* What a callback leads to: arguments of a partial, variables of a closure, the object of a method.
 */
static void follow_callback(struct nec_tasks *tasks, const struct waiters *w, uint64_t callback,
			    uint64_t awaited)
{
	const struct nec_target *t = tasks->types->target;
	const struct nec_type *type = callback ? nec_object_type(tasks->types, callback) : NULL;
	uint64_t at, count, i, value;
	bool cells;

	if (!type)
		return;
	if (!strcmp(type->tp_name, "method")) {
		/* asyncio.TaskGroup */
		value = nec_field(t, callback, NEC_F_METHOD_SELF);
		add_if_awaited(tasks, w, nec_attr_find(t, value, "_on_completed_fut"), awaited);
		return;
	}
	cells = !strcmp(type->tp_name, "function");
	if (cells)
		value = nec_field(t, callback, NEC_F_FUNCTION_CLOSURE);
	else if (!strcmp(type->tp_name, "functools.partial"))
		value = nec_field(t, callback, NEC_F_PARTIAL_ARGS);
	else
		return;
	at = items_of(tasks, value, &count);
	for (i = 0; i < count && i < NEC_LIMIT_CALLBACKS; i++) {
		value = nec_word(t, at + i * 8);
		add_if_awaited(tasks, w, cells ? nec_field(t, value, NEC_F_CELL_REF) : value,
			       awaited);
	}
}

static void follow_callbacks(struct nec_tasks *tasks, const struct waiters *w, uint64_t task)
{
	const struct nec_target *t = tasks->types->target;
	uint64_t list = member(tasks, task, NEC_F_FUTURE_CALLBACKS, "_callbacks"), at, count, i,
		 pair, pair_at;

	if (kind_of(tasks, nec_object_type(tasks->types, task)) == KIND_TASK)
		follow_callback(tasks, w, nec_field(t, task, NEC_F_TASK_CALLBACK), task);
	at = items_of(tasks, list, &count);
	for (i = 0; i < count && i < NEC_LIMIT_CALLBACKS; i++) {
		/* With its context from 3.7 on. */
		pair = nec_word(t, at + i * 8);
		pair_at = items_of(tasks, pair, &(uint64_t){0});
		follow_callback(tasks, w, pair_at ? nec_word(t, pair_at) : pair, task);
	}
}

static void find_edges(struct nec_tasks *tasks)
{
	struct waiters w = {calloc(tasks->count + 1, sizeof(*w.items)), 0};
	uint32_t i, n = 0;
	uint64_t future;

	if (!w.items) {
		tasks->failed = true;
		return;
	}
	for (i = 0; i < tasks->count; i++) {
		if (kind_of(tasks, nec_object_type(tasks->types, tasks->items[i])) == KIND_GREENLET)
			continue;
		future = waiter_of(tasks, tasks->items[i]);
		if (!future)
			continue;
		add_direct(tasks, tasks->items[i], future);
		w.items[w.count++] = (struct waiter){future, tasks->items[i]};
	}
	qsort(w.items, w.count, sizeof(*w.items), by_future);
	for (i = 0; i < tasks->count; i++)
		if (kind_of(tasks, nec_object_type(tasks->types, tasks->items[i])) != KIND_GREENLET)
			follow_callbacks(tasks, &w, tasks->items[i]);
	free(w.items);
	if (tasks->edge_count)
		qsort(tasks->edges, tasks->edge_count, sizeof(*tasks->edges), by_task);
	for (i = 0; i < tasks->edge_count; i++)
		if (!n || by_task(&tasks->edges[i], &tasks->edges[n - 1]))
			tasks->edges[n++] = tasks->edges[i];
	tasks->edge_count = n;
}

void nec_tasks_end(struct nec_tasks *tasks)
{
	uint32_t i, n = 0;

	if (!tasks->count)
		return;
	qsort(tasks->items, tasks->count, sizeof(*tasks->items), by_address);
	for (i = 0; i < tasks->count; i++)
		if (!n || tasks->items[i] != tasks->items[n - 1])
			tasks->items[n++] = tasks->items[i];
	tasks->count = n;
	find_edges(tasks);
}

/* ---- facts
 * --------------------------------------------------------------------------------------------------------
 */

static bool add_frame(struct nec_tasks *tasks, const struct nec_stack_frame *frame, uint64_t obj)
{
	struct nec_tasks_frame *frames = grow(tasks, tasks->frames, tasks->frame_count,
					      &tasks->frame_capacity, sizeof(*frames));

	if (!frames)
		return false;
	tasks->frames = frames;
	frames[tasks->frame_count++] = (struct nec_tasks_frame){*frame, obj};
	return true;
}

/* Reads the stack of a task: outermost first. */
static void read_task(struct nec_tasks *tasks, uint64_t coro)
{
	struct nec_suspended s;
	struct nec_stack_frame frame;
	uint64_t obj;

	nec_suspended_init(&s, tasks->types->target, coro);
	while (nec_suspended_next(&s, &frame, &obj) && add_frame(tasks, &frame, obj))
		;
}

static void read_greenlet(struct nec_tasks *tasks, uint64_t innermost)
{
	struct nec_stack stack;
	struct nec_stack_frame frame;
	uint32_t i;

	nec_stack_init_at(&stack, tasks->types->target, innermost);
	while (nec_stack_next(&stack, &frame) && add_frame(tasks, &frame, 0))
		;
	for (i = 0; i < tasks->frame_count / 2; i++) {
		struct nec_tasks_frame swap = tasks->frames[i];

		tasks->frames[i] = tasks->frames[tasks->frame_count - 1 - i];
		tasks->frames[tasks->frame_count - 1 - i] = swap;
	}
}

static void put_waits(struct nec_tasks *tasks, uint64_t future)
{
	const struct nec_target *t = tasks->types->target;
	const struct nec_type *type = nec_object_type(tasks->types, future);
	uint64_t count;

	if (is_listed(tasks, future)) {
		nec_text_puts(&tasks->text, "a task");
		return;
	}
	items_of(tasks, nec_attr_find(t, future, "_children"), &count);
	if (count)
		nec_text_printf(&tasks->text, "all of %llu", (unsigned long long)count);
	else
		nec_text_printf(&tasks->text, "<%s at 0x%llx>", type ? type->name : "object",
				(unsigned long long)future);
}

/* The thread that runs a loop, UINT32_MAX: none, or not known. */
static uint32_t thread_of(const struct nec_tasks *tasks, uint64_t loop)
{
	uint64_t ident, i;

	if (!loop || !nec_attr_u64(tasks->types->target,
				   nec_attr_find(tasks->types->target, loop, "_thread_id"), &ident))
		return UINT32_MAX;
	for (i = 0; i < tasks->threads->count; i++)
		if (tasks->threads->items[i].ident == ident)
			return (uint32_t)i;
	return UINT32_MAX;
}

static void replace(char **where, char *text)
{
	free(*where);
	*where = text;
}

static void give_task(struct nec_tasks *tasks, uint64_t task, struct nec_fact *f)
{
	const struct nec_target *t = tasks->types->target;
	struct nec_stack_frame frame;
	uint64_t loop = member(tasks, task, NEC_F_TASK_LOOP, "_loop"), waiter;

	f->task.kind = "asyncio";
	f->task.coro = member(tasks, task, NEC_F_TASK_CORO, "_coro");
	f->task.state = state_of(
		tasks, task, nec_suspended_frame(t, f->task.coro, &frame) == NEC_SUSPENDED_RUNNING);
	f->task.loop = loop;
	f->task.thread = thread_of(tasks, loop);
	replace(&tasks->name, name_of(tasks, task));
	waiter = waiter_of(tasks, task);
	if (waiter) {
		put_waits(tasks, waiter);
		f->task.waits = nec_text_str(&tasks->text);
		f->task.waits_for = waiter;
	}
	/* What runs is on the stack of its thread. */
	read_task(tasks, f->task.coro);
}

static void give_greenlet(struct nec_tasks *tasks, uint64_t obj, struct nec_fact *f)
{
	const struct nec_type *type = nec_object_type(tasks->types, obj);
	uint64_t frame = nec_greenlet_frame(tasks->types, obj);

	f->task.kind = "greenlet";
	f->task.state = frame ? "suspended" : "not suspended";
	f->task.thread = UINT32_MAX;
	replace(&tasks->name, type ? strdup(type->name) : NULL);
	read_greenlet(tasks, frame);
}

static void give_frame(struct nec_tasks *tasks, uint64_t task, struct nec_fact *f)
{
	const struct nec_target *t = tasks->types->target;
	const struct nec_tasks_frame *at = &tasks->frames[--tasks->frame_left];
	uint64_t code = at->frame.code;
	struct nec_position pos;

	replace(&tasks->function,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_NAME), NEC_LIMIT_NAME));
	replace(&tasks->qualname,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_QUALNAME), NEC_LIMIT_NAME));
	/* Until 3.10 the coroutine has it and its code has not. */
	if (!tasks->qualname && at->obj)
		tasks->qualname =
			nec_str_dup(t, nec_field(t, at->obj, NEC_F_GEN_QUALNAME), NEC_LIMIT_NAME);
	replace(&tasks->file,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_FILENAME), NEC_LIMIT_NAME));
	nec_code_position(t, code, at->frame.lasti, &pos);
	f->kind = NEC_FACT_TASK_FRAME;
	f->task_frame.task = task;
	f->task_frame.depth = tasks->frame_count - 1 - tasks->frame_left;
	f->task_frame.function = tasks->function;
	f->task_frame.qualname = tasks->qualname;
	f->task_frame.file = tasks->file;
	f->task_frame.line = at->frame.traced_line > 0 ? at->frame.traced_line : pos.line;
	f->task_frame.addr = at->obj;
	f->task_frame.code = code;
}

static bool next_part(struct nec_tasks *tasks, uint64_t task, struct nec_fact *f)
{
	if (tasks->frame_left > 0) {
		give_frame(tasks, task, f);
		return true;
	}
	while (tasks->edge < tasks->edge_count && tasks->edges[tasks->edge].task < task)
		tasks->edge++;
	if (tasks->edge >= tasks->edge_count || tasks->edges[tasks->edge].task != task)
		return false;
	f->kind = NEC_FACT_TASK_WAIT;
	f->task_wait.task = task;
	f->task_wait.awaited = tasks->edges[tasks->edge++].awaited;
	return true;
}

bool nec_tasks_next(struct nec_tasks *tasks, struct nec_fact *f)
{
	for (; tasks->index < tasks->count && !tasks->failed; tasks->index++) {
		uint64_t task = tasks->items[tasks->index];

		if (tasks->given) {
			if (next_part(tasks, task, f))
				return true;
			tasks->given = false;
			continue;
		}
		nec_text_clear(&tasks->text);
		tasks->frame_count = 0;
		*f = (struct nec_fact){.kind = NEC_FACT_TASK, .task = {.addr = task}};
		if (kind_of(tasks, nec_object_type(tasks->types, task)) == KIND_GREENLET)
			give_greenlet(tasks, task, f);
		else
			give_task(tasks, task, f);
		f->task.name = tasks->name;
		tasks->frame_left = tasks->frame_count;
		tasks->given = true;
		return true;
	}
	return false;
}
