/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a database of an invented process, always the same, for the tests of the browser: five
 * leaks as one meets them (a registry in a class, an lru_cache on a method, an identity map,
 * exceptions that keep frames, a list of listeners), threads that wait for one lock, tasks, names
 * that try to harm a terminal. Dominators are computed by the program's own stage and everything is
 * written by the program's own store.
 *
 *   tui_sample [-n OBJECTS] FILE       OBJECTS: that many more strings in lists, for measuring
 *   tui_sample -p PERCENT FILE         the process when only so much of each leak was there: what
 * stays is at one address in all tui_sample -s FILE                 a recording over time, without
 * objects
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze.h"
#include "contents.h"
#include "base/text.h"
#include "graph/graph.h"
#include "store/store.h"

#define HEAP_START UINT64_C(0x7f3a10000040)

enum type_id {
	T_TYPE,
	T_DICT,
	T_LIST,
	T_TUPLE,
	T_STR,
	T_INT,
	T_MODULE,
	T_FUNCTION,
	T_METHOD,
	T_FRAME,
	T_TRACEBACK,
	T_ERROR,
	T_LRU,
	T_LRU_LINK,
	T_NDARRAY,
	T_PROCESSOR,
	T_LOADER,
	T_CONFIG,
	T_SESSION,
	T_STATE,
	T_ORDER,
	T_BUS,
	T_WIDGET,
	T_EVIL,
	T_TASK,
	T_COROUTINE,
	T_COUNT,
};

static const struct {
	const char *name, *module;
	int size;
} types[T_COUNT] = {
	[T_TYPE] = {"builtins.type", "builtins", 1064},
	[T_DICT] = {"builtins.dict", "builtins", 232},
	[T_LIST] = {"builtins.list", "builtins", 88},
	[T_TUPLE] = {"builtins.tuple", "builtins", 56},
	[T_STR] = {"builtins.str", "builtins", 53},
	[T_INT] = {"builtins.int", "builtins", 28},
	[T_MODULE] = {"builtins.module", "builtins", 72},
	[T_FUNCTION] = {"builtins.function", "builtins", 152},
	[T_METHOD] = {"builtins.method", "builtins", 64},
	[T_FRAME] = {"builtins.frame", "builtins", 480},
	[T_TRACEBACK] = {"builtins.traceback", "builtins", 64},
	[T_ERROR] = {"app.errors.Timeout", "app.errors", 80},
	[T_LRU] = {"functools._lru_cache_wrapper", "functools", 136},
	[T_LRU_LINK] = {"functools._lru_list_elem", "functools", 64},
	[T_NDARRAY] = {"numpy.ndarray", "numpy", 112},
	[T_PROCESSOR] = {"app.nlp.Processor", "app.nlp", 48},
	[T_LOADER] = {"app.resources.ResourceLoader", "app.resources", 48},
	[T_CONFIG] = {"app.config.Config", "app.config", 48},
	[T_SESSION] = {"sqlalchemy.orm.session.Session", "sqlalchemy.orm.session", 48},
	[T_STATE] = {"sqlalchemy.orm.state.InstanceState", "sqlalchemy.orm.state", 48},
	[T_ORDER] = {"app.models.Order", "app.models", 48},
	[T_BUS] = {"app.events.Bus", "app.events", 48},
	[T_WIDGET] = {"app.ui.Widget", "app.ui", 48},
	[T_EVIL] =
		{"evil.\033[2J\033]0;gotcha\a\xe2\x80\xae\xe4\xbe\x8b\xe3\x81\x88\xf0\x9f\x92\xa3",
		 "evil", 48},
	[T_TASK] = {"_asyncio.Task", "_asyncio", 192},
	[T_COROUTINE] = {"builtins.coroutine", "builtins", 200},
};

struct edge {
	uint32_t src;
	struct nec_packed_ref ref;
};

struct heap {
	uint32_t count, capacity;
	uint64_t *addr;
	uint32_t *type, *size, *native, *refcount;
	uint8_t *flags;
	struct edge *edges;
	uint32_t edge_count, edge_capacity;
	struct nec_analysis_root *roots;
	uint32_t root_count;
	uint32_t type_object[T_COUNT];
	uint64_t next_addr;
	int percent; /* of each leak; 0: all of it, and no room for growth */
	struct nec_store *store;
	struct nec_contents contents;
};

static void check(struct nec_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "tui_sample: %s\n", err->message);
	exit(2);
}

static void put(struct heap *heap, const struct nec_fact *fact)
{
	check(nec_store_put(heap->store, fact));
}

static void *grow(void *p, size_t count, size_t size)
{
	p = realloc(p, count * size);
	if (!p)
		check(&nec_enomem);
	return p;
}

static uint32_t object(struct heap *heap, enum type_id type, const char *value)
{
	uint32_t id = heap->count, size = (uint32_t)types[type].size;

	if (id == heap->capacity) {
		heap->capacity = heap->capacity ? 2 * heap->capacity : 4096;
		heap->addr = grow(heap->addr, heap->capacity, sizeof(*heap->addr));
		heap->type = grow(heap->type, heap->capacity, sizeof(*heap->type));
		heap->size = grow(heap->size, heap->capacity, sizeof(*heap->size));
		heap->native = grow(heap->native, heap->capacity, sizeof(*heap->native));
		heap->refcount = grow(heap->refcount, heap->capacity, sizeof(*heap->refcount));
		heap->flags = grow(heap->flags, heap->capacity, sizeof(*heap->flags));
	}
	if (type == T_STR && value)
		size = 49 + (uint32_t)strlen(value);
	heap->count++;
	heap->addr[id] = heap->next_addr;
	heap->type[id] = type;
	heap->size[id] = size;
	heap->native[id] = 0;
	heap->refcount[id] = 0;
	heap->flags[id] = type == T_STR || type == T_INT ? 0 : NEC_OBJECT_GC | NEC_OBJECT_TRACKED;
	heap->next_addr += (size + 31) / 16 * 16;
	check(nec_tmparray_resize(&heap->contents.digest, heap->count * sizeof(uint64_t)));
	if (value)
		nec_contents_value(&heap->contents, id, type, value, (uint32_t)strlen(value));
	if (value)
		put(heap,
		    &(struct nec_fact){.kind = NEC_FACT_VALUE,
				       .value = {heap->addr[id], value, (uint32_t)strlen(value)}});
	return id;
}

/* How much of a leak is there. */
static int upto(const struct heap *heap, int count)
{
	return heap->percent ? count * heap->percent / 100 : count;
}

/* What follows does not depend on how much was made before it. */
static void begin_region(struct heap *heap)
{
	if (heap->percent)
		heap->next_addr = (heap->next_addr | 0x3ffffff) + 0x41;
}

static void refer(struct heap *heap, uint32_t src, uint32_t dst, enum nec_ref_kind kind,
		  enum nec_label_kind label_kind, uint64_t label)
{
	if (heap->edge_count == heap->edge_capacity) {
		heap->edge_capacity = heap->edge_capacity ? 2 * heap->edge_capacity : 4096;
		heap->edges = grow(heap->edges, heap->edge_capacity, sizeof(*heap->edges));
	}
	heap->edges[heap->edge_count++] =
		(struct edge){src, {dst, (uint8_t)kind, (uint8_t)label_kind, label}};
	if (kind != NEC_REF_WEAK)
		heap->refcount[dst]++;
}

enum {
	L_DICT,
	L_FUNC,
	L_SELF,
	L_FRAME,
	L_NEXT,
	L_CACHE,
	L_RESULT,
	L_TB,
	L_WRAPPED,
	L_CORO,
	L_FEED,
	L_COUNT
};

static const char *const labels[L_COUNT] = {
	".__dict__", ".__func__",      ".__self__",    ".tb_frame", ".tb_next",     ".cache",
	".result",   ".__traceback__", ".__wrapped__", "._coro",    "local 'feed'",
};

static void named(struct heap *heap, uint32_t src, uint32_t dst, int label)
{
	refer(heap, src, dst, NEC_REF_STRONG, NEC_LABEL_STRING, (uint64_t)label);
}

static void item(struct heap *heap, uint32_t dict, const char *key, uint32_t dst)
{
	char quoted[128];
	uint32_t name;

	snprintf(quoted, sizeof(quoted), "'%s'", key);
	name = object(heap, T_STR, quoted);
	refer(heap, dict, name, NEC_REF_STRONG, NEC_LABEL_NONE, 0);
	refer(heap, dict, dst, NEC_REF_STRONG, NEC_LABEL_KEY, name);
}

static void root(struct heap *heap, uint32_t id, const char *kind, const char *label)
{
	heap->roots = grow(heap->roots, heap->root_count + 1, sizeof(*heap->roots));
	heap->roots[heap->root_count++] = (struct nec_analysis_root){id, NEC_ROOT_SURE};
	put(heap,
	    &(struct nec_fact){.kind = NEC_FACT_ROOT,
			       .root = {.addr = heap->addr[id], .kind = kind, .label = label}});
}

/* An instance with attributes in a dictionary of its own; returns that dictionary. */
static uint32_t instance(struct heap *heap, enum type_id type, const char *value, uint32_t *id_ret)
{
	*id_ret = object(heap, type, value);
	uint32_t dict = object(heap, T_DICT, NULL);

	named(heap, *id_ret, dict, L_DICT);
	return dict;
}

static uint32_t module(struct heap *heap, const char *name)
{
	char text[128];
	uint32_t id, dict;

	snprintf(text, sizeof(text), "<module '%s'>", name);
	id = object(heap, T_MODULE, text);
	dict = object(heap, T_DICT, NULL);
	named(heap, id, dict, L_DICT);
	snprintf(text, sizeof(text), "sys.modules['%s']", name);
	root(heap, id, "module", text);
	return dict;
}

/* class Processor: instance_map = {} -- every request adds one and nobody takes one out. */
static void leak_registry(struct heap *heap)
{
	uint32_t globals = module(heap, "app.nlp"), class_dict = object(heap, T_DICT, NULL);
	uint32_t map = object(heap, T_DICT, "{'req-0': <Processor>, ...} 27 items");

	item(heap, globals, "Processor", heap->type_object[T_PROCESSOR]);
	named(heap, heap->type_object[T_PROCESSOR], class_dict, L_DICT);
	item(heap, class_dict, "instance_map", map);
	for (int i = 0; i < upto(heap, 27); i++) {
		char key[32];
		uint32_t processor, dict, loader, loader_dict, array;

		snprintf(key, sizeof(key), "req-%d", i);
		dict = instance(heap, T_PROCESSOR, NULL, &processor);
		loader_dict = instance(heap, T_LOADER, NULL, &loader);
		array = object(heap, T_NDARRAY, "ndarray (1048576,) float32");
		heap->native[array] = 4 << 20;
		item(heap, loader_dict, "embeddings", array);
		item(heap, dict, "resource_loader", loader);
		item(heap, map, key, processor);
	}
}

/* @lru_cache(maxsize=None) on a method: the cache keeps every self it was called with. */
static void leak_cache(struct heap *heap)
{
	uint32_t globals = module(heap, "app.pricing"), class_dict = object(heap, T_DICT, NULL);
	uint32_t function = object(heap, T_FUNCTION, "<function Config.price at pricing.py:41>");
	uint32_t wrapper = object(heap, T_LRU, "<lru_cache of Config.price, 300 of unlimited>");
	uint32_t cache = object(heap, T_DICT, "{...} 300 items");

	item(heap, globals, "Config", heap->type_object[T_CONFIG]);
	named(heap, heap->type_object[T_CONFIG], class_dict, L_DICT);
	item(heap, class_dict, "price", wrapper);
	named(heap, wrapper, function, L_WRAPPED);
	named(heap, wrapper, cache, L_CACHE);
	for (int i = 0; i < upto(heap, 300); i++) {
		char key[32], value[64];
		uint32_t config, dict, blob, link = object(heap, T_LRU_LINK, NULL);

		snprintf(key, sizeof(key), "%d", i);
		snprintf(value, sizeof(value), "Config('tenant-%d')", i);
		dict = instance(heap, T_CONFIG, value, &config);
		snprintf(value, sizeof(value), "'price list of tenant %d, ...'", i);
		blob = object(heap, T_STR, value);
		heap->size[blob] = 60000 + (uint32_t)i;
		heap->next_addr += 61000;
		item(heap, dict, "prices", blob);
		item(heap, cache, key, link);
		named(heap, link, config, L_RESULT);
	}
}

/* A session that is never closed and keeps every object it has loaded. */
static void leak_identity_map(struct heap *heap)
{
	uint32_t globals = module(heap, "app.db"), session, session_dict, map, map_dict;

	session_dict = instance(heap, T_SESSION, "<Session>", &session);
	item(heap, globals, "session", session);
	map = object(heap, T_DICT, "{(Order, (0,)): <InstanceState>, ...} 500 items");
	item(heap, session_dict, "identity_map", map);
	for (int i = 0; i < upto(heap, 500); i++) {
		char key[48];
		uint32_t state, order, dict;

		snprintf(key, sizeof(key), "Order/%d", i);
		map_dict = instance(heap, T_STATE, NULL, &state);
		dict = instance(heap, T_ORDER, NULL, &order);
		item(heap, map, key, state);
		item(heap, map_dict, "obj", order);
		refer(heap, order, state, NEC_REF_STRONG, NEC_LABEL_STRING, L_DICT);
		item(heap, dict, "number", object(heap, T_INT, "1000"));
	}
}

/* Errors that are kept for a report, and with them the frames they went through and all of their
 * locals. */
static void leak_tracebacks(struct heap *heap)
{
	uint32_t globals = module(heap, "app.jobs"),
		 list = object(heap, T_LIST, "[Timeout(...), ...] 40 items");

	item(heap, globals, "recent_errors", list);
	for (int i = 0; i < upto(heap, 40); i++) {
		uint32_t error = object(heap, T_ERROR, "Timeout('no answer in 30 s')");
		uint32_t traceback = object(heap, T_TRACEBACK, "<traceback at jobs.py:88>");
		uint32_t frame = object(heap, T_FRAME, "<frame of fetch at jobs.py:88>");
		uint32_t body = object(heap, T_STR, "'<html><head><title>504 Gateway Time-out'");

		heap->size[body] = 200000;
		heap->next_addr += 200000;
		refer(heap, list, error, NEC_REF_STRONG, NEC_LABEL_INDEX, (uint64_t)i);
		named(heap, error, traceback, L_TB);
		named(heap, traceback, frame, L_FRAME);
		refer(heap, frame, body, NEC_REF_STRONG, NEC_LABEL_ATTR,
		      object(heap, T_STR, "'body'"));
	}
}

/* Widgets that subscribed and are gone from the screen, but not from the list. */
static void leak_listeners(struct heap *heap)
{
	uint32_t globals = module(heap, "app.events"), bus, bus_dict, list;
	uint32_t function = object(heap, T_FUNCTION, "<function Widget.refresh at ui.py:12>");

	bus_dict = instance(heap, T_BUS, "<Bus>", &bus);
	item(heap, globals, "bus", bus);
	list = object(heap, T_LIST, "[<bound method Widget.refresh>, ...] 150 items");
	item(heap, bus_dict, "listeners", list);
	for (int i = 0; i < upto(heap, 150); i++) {
		uint32_t method = object(heap, T_METHOD, "<bound method Widget.refresh>"), widget,
			 dict, text;

		dict = instance(heap, T_WIDGET, NULL, &widget);
		text = object(heap, T_STR, "'a page of text'");
		heap->size[text] = 30000;
		heap->next_addr += 30000;
		item(heap, dict, "content", text);
		refer(heap, list, method, NEC_REF_STRONG, NEC_LABEL_INDEX, (uint64_t)i);
		named(heap, method, function, L_FUNC);
		named(heap, method, widget, L_SELF);
		refer(heap, bus, widget, NEC_REF_WEAK, NEC_LABEL_NONE, 0);
	}
}

/* Text that would clear the screen, ring the bell, change the title or turn the line around. */
static void hostile_names(struct heap *heap)
{
	uint32_t globals = module(heap, "evil\033[31m"), id;

	for (int i = 0; i < 3; i++) {
		id = object(heap, T_EVIL,
			    "\033[2J\033[H\a\x9b"
			    "31m\r\n\xe2\x80\xae"
			    "backwards \xff\xfe");
		item(heap, globals, "\033c", id);
	}
	id = object(
		heap, T_STR,
		"'\xe4\xbe\x8b\xe3\x81\x88 \xed\x95\x9c\xea\xb8\x80 e\xcc\x81 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb "
		"\xef\xb8\x8f \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d'");
	item(heap, globals, "\xe4\xbe\x8b\xe3\x81\x88", id);
}

/* Objects of no interest, for measuring: strings in lists of a thousand. */
static void bulk(struct heap *heap, uint32_t count)
{
	uint32_t globals = module(heap, "bulk"), all = object(heap, T_LIST, "[...]"), list = 0;

	item(heap, globals, "lists", all);
	for (uint32_t i = 0; i < count; i++) {
		if (i % 1000 == 0) {
			list = object(heap, T_LIST, NULL);
			refer(heap, all, list, NEC_REF_STRONG, NEC_LABEL_INDEX, i / 1000);
		}
		refer(heap, list, object(heap, T_STR, NULL), NEC_REF_STRONG, NEC_LABEL_INDEX,
		      i % 1000);
	}
}

/* The first object of a type. */
static uint64_t first_of(const struct heap *heap, enum type_id type)
{
	uint32_t id = 0;

	while (heap->type[id] != type)
		id++;
	return heap->addr[id];
}

static void threads(struct heap *heap)
{
	for (uint32_t i = 0; i < 2u + (uint32_t)upto(heap, 10); i++) {
		char name[32];
		bool holder = i == 0;

		snprintf(name, sizeof(name), holder ? "MainThread" : "worker-%u", i);
		put(heap,
		    &(struct nec_fact){
			    .kind = NEC_FACT_THREAD,
			    .thread = {.id = i,
				       .tid = 4100 + i,
				       .ident = UINT64_C(0x7f39f0000700) + i * 0x800000,
				       .name = name,
				       .state = holder ? "runs Python" : "waits for a lock",
				       .gil = holder ? "held" : "none",
				       .daemon = !holder,
				       .exception = i == 1 ? "Timeout('10 s')" : NULL,
				       .exception_addr = i == 1 ? first_of(heap, T_ERROR) : 0},
		    });
		for (uint32_t depth = 0; i == 1 && depth < 2; depth++)
			put(heap, &(struct nec_fact){
					  .kind = NEC_FACT_TRACEBACK,
					  .traceback = {.thread = i,
							.depth = depth,
							.function = depth ? "fetch" : "handle",
							.file = "/srv/app/jobs.py",
							.line = depth ? 88 : 24},
				  });
		for (uint32_t depth = 0; depth < (holder ? 2 : 4); depth++) {
			static const char *const stack[] = {"acquire", "charge", "handle", "run"};
			static const char *const main_stack[] = {"sum_up", "<module>"};

			put(heap,
			    &(struct nec_fact){
				    .kind = NEC_FACT_FRAME,
				    .frame = {.thread = i,
					      .depth = depth,
					      .kind = depth == 0 && !holder ? "native" : "python",
					      .function = holder ? main_stack[depth] : stack[depth],
					      .file = holder ? "/srv/app/main.py"
							     : "/srv/app/billing.py",
					      .line = (int32_t)(10 + 7 * depth) +
						      (holder ? heap->percent : 0)},
			    });
		}
		put(heap,
		    &(struct nec_fact){.kind = NEC_FACT_LOCAL,
				       .local = {i, 1, "self",
						 heap->addr[heap->type_object[T_BUS] + 1], NULL}});
		put(heap, &(struct nec_fact){.kind = NEC_FACT_LOCAL,
					     .local = {i, 1, "amount", 0, "19.90"}});
	}
}

static uint32_t task(struct heap *heap, uint32_t set, const char *name, const char *state,
		     const char *waits)
{
	uint32_t id = object(heap, T_TASK, NULL);

	item(heap, set, name, id);
	put(heap, &(struct nec_fact){.kind = NEC_FACT_TASK,
				     .task = {.addr = heap->addr[id],
					      .kind = "asyncio",
					      .name = name,
					      .state = state,
					      .loop = heap->addr[set],
					      .thread = 0,
					      .waits = waits}});
	return id;
}

/* A frame of a task, innermost first; its coroutine has the local `feed`. */
static void suspended(struct heap *heap, uint32_t task, uint32_t depth, const char *function,
		      uint32_t feed)
{
	uint32_t coroutine = object(heap, T_COROUTINE, NULL);

	if (depth == 0)
		named(heap, task, coroutine, L_CORO);
	named(heap, coroutine, feed, L_FEED);
	put(heap, &(struct nec_fact){.kind = NEC_FACT_TASK_FRAME,
				     .task_frame = {.task = heap->addr[task],
						    .depth = depth,
						    .function = function,
						    .file = "/srv/app/feed.py",
						    .line = 40 - 9 * (int32_t)depth,
						    .addr = heap->addr[coroutine]}});
}

static void waits_for(struct heap *heap, uint32_t task, uint32_t awaited)
{
	put(heap, &(struct nec_fact){.kind = NEC_FACT_TASK_WAIT,
				     .task_wait = {heap->addr[task], heap->addr[awaited]}});
}

/* A report that waits for a merge of two feeds, more feeds at the same place, two tasks that wait
 * for each other, and tasks that are done and kept. */
static void tasks(struct heap *heap)
{
	uint32_t globals = module(heap, "app.feed"), set = object(heap, T_DICT, NULL);
	uint32_t report, merge, feed, ring[2];

	item(heap, globals, "background", set);
	report = task(heap, set, "report", "pending", "a task");
	merge = task(heap, set, "merge", "pending", "2 tasks");
	feed = object(heap, T_STR, "'all feeds'");
	suspended(heap, report, 0, "report", feed);
	suspended(heap, merge, 0, "gather", feed);
	suspended(heap, merge, 1, "merge", feed);
	waits_for(heap, report, merge);
	for (int i = 0; i < 6; i++) {
		char name[32];
		uint32_t poll;

		snprintf(name, sizeof(name), "poll-%d", i);
		poll = task(heap, set, name, "pending", "a future");
		snprintf(name, sizeof(name), "'feed-%d'", i);
		feed = object(heap, T_STR, name);
		suspended(heap, poll, 0, "read", feed);
		suspended(heap, poll, 1, "poll", feed);
		if (i < 2)
			waits_for(heap, merge, poll);
	}
	for (int i = 0; i < 2; i++) {
		ring[i] = task(heap, set, i ? "hen" : "egg", "pending", "a task");
		suspended(heap, ring[i], 0, "after", feed);
	}
	waits_for(heap, ring[0], ring[1]);
	waits_for(heap, ring[1], ring[0]);
	task(heap, set, "first", "finished", NULL);
	task(heap, set, "second", "failed", NULL);
}

/* A minute for each percent: when it was, how much memory it had, and how much it may have. */
static void moment(struct heap *heap)
{
	const double time = 1770505200 + 60 * heap->percent;
	const int64_t mib = 1 << 20;
	char text[40];

	snprintf(text, sizeof(text), "/srv/dumps/core.%03d", heap->percent);
	put(heap, &(struct nec_fact){.kind = NEC_FACT_META, .meta = {"source", text}});
	snprintf(text, sizeof(text), "%.3f", time);
	put(heap, &(struct nec_fact){.kind = NEC_FACT_META, .meta = {"captured_at", text}});
	put(heap, &(struct nec_fact){
			  .kind = NEC_FACT_SAMPLE,
			  .sample = {time, "rss", (80 + 3 * heap->percent) * mib, "bytes", 0}});
	put(heap, &(struct nec_fact){.kind = NEC_FACT_SAMPLE,
				     .sample = {time, "cgroup_limit", 512 * mib, "bytes", 0}});
}

static void facts(struct heap *heap)
{
	static const char *const meta[][2] = {
		{"format", "elf core"},
		{"source", "/srv/dumps/core.app.4100"},
		{"kinds", "objects,memory,threads"},
		{"pid", "4100"},
		{"exe", "/usr/bin/python3.11"},
		{"cmdline", "/usr/bin/python3 -m app.server --workers 12"},
		{"signal", "SIGKILL (9)"},
		{"python_version", "3.11.2"},
		{"abi", "cp311"},
		{"arch", "x86_64"},
		{"captured_at", "2026-02-07T22:59:58Z"},
	};
	static const struct {
		const char *category;
		int64_t bytes, count;
	} memory[] = {
		{"Python objects", 158 << 20, 9000},
		{"native memory of objects", 108 << 20, 27},
		{"pymalloc: free blocks", 31 << 20, 812},
		{"malloc: free", 46 << 20, 1204},
		{"thread stacks", 12 << 20, 12},
		{"mapped files", 38 << 20, 96},
		{"unknown", 3 << 20, NEC_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(meta) / sizeof(meta[0]); i++)
		put(heap,
		    &(struct nec_fact){.kind = NEC_FACT_META, .meta = {meta[i][0], meta[i][1]}});
	if (heap->percent)
		moment(heap);
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		put(heap, &(struct nec_fact){.kind = NEC_FACT_MEMORY,
					     .memory = {memory[i].category, memory[i].bytes,
							memory[i].count}});
	for (uint64_t i = 0; i < 40; i++)
		put(heap,
		    &(struct nec_fact){
			    .kind = NEC_FACT_MAPPING,
			    .mapping = {
				    .start = HEAP_START - 0x40 + i * (8 << 20),
				    .end = HEAP_START - 0x40 + i * (8 << 20) + (i + 1) * 65536,
				    .dumped = (i + 1) * 65536,
				    .perms = 6,
				    .kind = i % 3 ? "anon" : "file",
				    .path = i % 3 ? NULL
						  : "/usr/lib/python3/dist-packages/numpy/core/_multiarray.so"}});
	for (uint64_t i = 0; i < 70; i++)
		put(heap,
		    &(struct nec_fact){.kind = NEC_FACT_ARENA,
				       .arena = {.kind = i < 68 ? "pymalloc" : "malloc",
						 .number = i < 68 ? 0 : (uint32_t)i - 68,
						 .start = i < 68 ? HEAP_START + i * (1 << 20)
								 : 0x5000000 + i * (64 << 20),
						 .bytes = 1 << 20,
						 .used = (int64_t)(i * 15421),
						 .used_count = (int64_t)i * 100,
						 .free = 9000,
						 .free_count = 90,
						 .whole = (1 << 20) - 9000 - (int64_t)(i * 15421),
						 .release = i < 68 ? 0 : 65536}});
	for (uint64_t i = 0; i < 3; i++)
		put(heap,
		    &(struct nec_fact){.kind = NEC_FACT_SPACE,
				       .space = {"pymalloc block", (int64_t)(i + 1) * 16,
						 25600 >> i, 20000 >> i, (int64_t)(409600 >> i)}});
	put(heap,
	    &(struct nec_fact){
		    .kind = NEC_FACT_WARNING,
		    .warning = {
			    "python",
			    "dict keys at 0x7f3a10ffee00: 1000000000 entries in a 4096-byte segment: the dict is left out",
			    HEAP_START}});
	put(heap,
	    &(struct nec_fact){
		    .kind = NEC_FACT_WARNING,
		    .warning = {
			    "image",
			    "/usr/lib/x86_64-linux-gnu/libc.so.6 is not the file that was mapped: its build id differs",
			    0}});
	put(heap, &(struct nec_fact){.kind = NEC_FACT_LAYOUT,
				     .layout = {"PyListObject.ob_item", 24, "table 3.11", NULL}});
}

/* Edges grouped by their source, in the order in which they were made. */
static void sort_edges(struct heap *heap)
{
	struct edge *sorted = grow(NULL, heap->edge_count ? heap->edge_count : 1, sizeof(*sorted));
	uint32_t *start = calloc((size_t)heap->count + 1, sizeof(uint32_t));

	if (!start)
		check(&nec_enomem);
	for (uint32_t i = 0; i < heap->edge_count; i++)
		start[heap->edges[i].src + 1]++;
	for (uint32_t i = 0; i < heap->count; i++)
		start[i + 1] += start[i];
	for (uint32_t i = 0; i < heap->edge_count; i++)
		sorted[start[heap->edges[i].src]++] = heap->edges[i];
	free(heap->edges);
	free(start);
	heap->edges = sorted;
}

static void finish(struct heap *heap)
{
	struct nec_graph graph, reverse;
	struct nec_analysis analysis = {.tmpdir = "/tmp", .graph = &graph, .reverse = &reverse};
	struct nec_object_columns columns = {.count = heap->count};
	struct nec_packed_ref *refs = grow(NULL, heap->edge_count + 1, sizeof(*refs));
	uint32_t *to = grow(NULL, heap->edge_count + 2, sizeof(*to));
	uint32_t at = 0;

	check(nec_graph_init(&graph, "/tmp", heap->count));
	for (uint32_t id = 0; id < heap->count; id++) {
		uint32_t n = 0, strong = 0;

		for (; at < heap->edge_count && heap->edges[at].src == id; at++) {
			refs[n++] = heap->edges[at].ref;
			if (heap->edges[at].ref.kind != NEC_REF_WEAK)
				to[strong++] = heap->edges[at].ref.dst;
		}
		nec_contents_references(&heap->contents, id, heap->type[id], refs, n, true);
		check(nec_store_references(heap->store, id, heap->addr[id], heap->type[id], refs,
					   n));
		to[strong++] = heap->type_object[heap->type[id]];
		check(nec_graph_add(&graph, id, to, strong));
	}
	check(nec_graph_finish(&graph));
	check(nec_graph_reverse(&graph, "/tmp", &reverse, NULL));
	check(nec_store_referrers(heap->store,
				  &(struct nec_referrer_columns){
					  .count = heap->count,
					  .start = nec_graph_start(&reverse),
					  .from = nec_graph_to(&reverse),
					  .type = heap->type,
					  .type_object = heap->type_object,
					  .type_count = T_COUNT,
				  },
				  NULL));
	analysis.roots = heap->roots;
	analysis.root_count = heap->root_count;
	analysis.retained = grow(NULL, heap->count, sizeof(int64_t));
	analysis.idom = grow(NULL, heap->count, sizeof(uint32_t));
	analysis.distance = grow(NULL, heap->count, sizeof(uint32_t));
	for (uint32_t i = 0; i < heap->count; i++)
		analysis.retained[i] = (int64_t)heap->size[i] + heap->native[i];
	check(nec_analyze(&analysis));
	columns.addr = heap->addr;
	columns.type = heap->type;
	columns.size = heap->size;
	columns.native = heap->native;
	columns.refcount = heap->refcount;
	columns.flags = heap->flags;
	columns.referrer_start = nec_graph_start(&reverse);
	columns.idom = analysis.idom;
	columns.retained = analysis.retained;
	columns.distance = analysis.distance;
	check(nec_store_objects_begin(heap->store, &columns));
	check(nec_contents_put(&heap->contents,
			       &(struct nec_contents_objects){.addr = heap->addr,
							      .type = heap->type,
							      .size = heap->size,
							      .flags = heap->flags,
							      .graph = &graph,
							      .count = heap->count,
							      .tmpdir = "/tmp"},
			       heap->store));
	check(nec_store_objects_end(heap->store, &columns, NULL));
	check(nec_store_stage(heap->store, "objects", heap->count, 0.25, 64 << 20));
	check(nec_store_finish(heap->store));
	nec_contents_deinit(&heap->contents);
	nec_analysis_deinit(&analysis);
	nec_graph_deinit(&graph);
	nec_graph_deinit(&reverse);
	free(analysis.retained);
	free(analysis.idom);
	free(analysis.distance);
	free(refs);
	free(to);
}

static void make_heap(struct heap *heap, uint32_t extra)
{
	static void (*const parts[])(struct heap * heap) = {
		leak_registry,   leak_cache,     leak_identity_map,
		leak_tracebacks, leak_listeners, hostile_names,
	};

	for (uint32_t i = 0; i < L_COUNT; i++)
		put(heap, &(struct nec_fact){.kind = NEC_FACT_STRING, .string = {i, labels[i]}});
	heap->next_addr = HEAP_START;
	nec_contents_init(&heap->contents);
	check(nec_contents_begin(&heap->contents, "/tmp"));
	for (uint32_t i = 0; i < T_COUNT; i++)
		check(nec_contents_type(&heap->contents, i, types[i].name));
	for (uint32_t i = 0; i < T_COUNT; i++) {
		char value[128];

		snprintf(value, sizeof(value), "<class '%s'>", types[i].name);
		heap->type_object[i] = object(heap, T_TYPE, value);
		put(heap, &(struct nec_fact){.kind = NEC_FACT_TYPE,
					     .type = {.id = i,
						      .addr = heap->addr[heap->type_object[i]],
						      .name = types[i].name,
						      .module = types[i].module,
						      .basicsize = types[i].size,
						      .visitor = "exact"}});
	}
	facts(heap);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		begin_region(heap);
		parts[i](heap);
	}
	threads(heap);
	begin_region(heap);
	tasks(heap);
	if (extra)
		bulk(heap, extra);
	sort_edges(heap);
	finish(heap);
}

/* A process that grows by 40 MiB a minute, seen for 200 minutes, and three censuses of it. */
static void make_series(struct heap *heap)
{
	put(heap, &(struct nec_fact){.kind = NEC_FACT_META, .meta = {"format", "mprof"}});
	put(heap, &(struct nec_fact){.kind = NEC_FACT_META,
				     .meta = {"source", "/srv/dumps/mprofile.dat"}});
	put(heap, &(struct nec_fact){.kind = NEC_FACT_META, .meta = {"kinds", "samples,census"}});
	for (int i = 0; i < 200; i++)
		put(heap, &(struct nec_fact){.kind = NEC_FACT_SAMPLE,
					     .sample = {1770505200.0 + 60 * i, "rss",
							(int64_t)(200 + 40 * i + 7 * (i % 5)) << 20,
							"bytes", 4100}});
	for (uint32_t series = 0; series < 3; series++)
		for (uint32_t i = 0; i < T_COUNT; i++)
			put(heap, &(struct nec_fact){
					  .kind = NEC_FACT_CENSUS,
					  .census = {types[i].name, 10 * (i + 1) * (series + 1),
						     (int64_t)types[i].size * 10 * (i + 1) *
							     (i % 3 ? series + 1 : 1),
						     "type", series}});
	check(nec_store_finish(heap->store));
}

int main(int argc, char **argv)
{
	struct heap heap = {0};
	uint32_t extra = 0;
	bool series = false;
	int option;

	while ((option = getopt(argc, argv, "n:p:s")) != -1) {
		if (option == 'n')
			extra = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			heap.percent = atoi(optarg);
		else if (option == 's')
			series = true;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: tui_sample [-n OBJECTS | -p PERCENT | -s] FILE\n");
		return 2;
	}
	check(nec_store_create(argv[optind], &heap.store));
	if (series)
		make_series(&heap);
	else
		make_heap(&heap, extra);
	free(heap.addr);
	free(heap.type);
	free(heap.size);
	free(heap.native);
	free(heap.refcount);
	free(heap.flags);
	free(heap.edges);
	free(heap.roots);
	return 0;
}
