/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What runs without a thread of its own: tasks of asyncio and suspended greenlets, each with its
 * stack, and which task waits for which.
 *
 * Greenlets are kept nowhere, and of tasks the interpreter forgets those that are done: who sees
 * all objects adds them here.
 *
 * A task waits for the future that its innermost coroutine awaits. That is another task; or it is
 * made of tasks (asyncio.gather); or a callback of the other task leads back to it
 * (asyncio.shield, wait, wait_for, TaskGroup).
 */
#ifndef NEC_PYTHON_TASKS_H
#define NEC_PYTHON_TASKS_H

#include "base/text.h"
#include "fact.h"
#include "python/suspended.h"
#include "python/threads.h"

struct nec_task_edge {
	uint64_t task, awaited; /* addresses of tasks */
};

struct nec_tasks {
	struct nec_types *types;           /* borrowed */
	const struct nec_threads *threads; /* borrowed */
	uint64_t *items;                   /* owned: addresses; ascending after nec_tasks_end */
	uint32_t count, capacity;
	uint8_t *kinds; /* owned: by type id, 1 + enum of tasks.c; 0: not looked at */
	uint32_t kind_count;
	struct nec_task_edge *edges; /* owned; by task */
	uint32_t edge_count, edge_capacity;
	bool failed; /* out of memory */
	/* Where nec_tasks_next is. */
	uint32_t index, edge;
	bool given;
	struct nec_tasks_frame {
		struct nec_stack_frame frame;
		uint64_t obj;
	} * frames; /* owned: of the task at hand, outermost first */
	uint32_t frame_count, frame_capacity, frame_left;
	char *name, *function, *qualname, *file; /* owned: of the last fact */
	struct nec_text text;
};

void nec_tasks_init(struct nec_tasks *tasks, struct nec_types *types,
		    const struct nec_threads *threads);
void nec_tasks_deinit(struct nec_tasks *tasks);

/* Adds the object at obj when it is a task or a greenlet. */
void nec_tasks_consider(struct nec_tasks *tasks, uint64_t obj, const struct nec_type *type);

/* All have been added: sorts them and finds who waits for whom. */
void nec_tasks_end(struct nec_tasks *tasks);

/* The next TASK with its TASK_FRAMEs, innermost first, and its TASK_WAITs; false behind the last,
 * and when `failed`. Strings are borrowed until the next call. */
bool nec_tasks_next(struct nec_tasks *tasks, struct nec_fact *f);

#endif
