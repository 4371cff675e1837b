/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Locks; see locks.h. */
#include <stdlib.h>
#include <string.h>

#include "python/attr.h"
#include "python/frames.h"
#include "python/locks.h"
#include "python/str.h"

/* Frames of a waiting thread that are searched for the lock: its own, and those of threading.py and
 * the like around it. */
enum { WAITING_FRAMES = 4 };

/* Frames of each thread that are searched for a `with` statement. */
enum { HOLDING_FRAMES = 100000 };

/* Bytes of a native stack above its pointer where a parked thread says which mutex it wants (3.14
 * on). */
enum { PARKED_STACK = 1024 };

enum lock_kind { NO_LOCK, PLAIN_LOCK, RLOCK, PYTHON_RLOCK };

static enum lock_kind lock_kind(struct nec_threads *threads, uint64_t obj)
{
	const struct nec_type *type = obj & 7 ? NULL : nec_object_type(threads->types, obj);

	if (!type)
		return NO_LOCK;
	if (!strcmp(type->name, "_thread.lock") || !strcmp(type->name, "thread.lock"))
		return PLAIN_LOCK;
	if (!strcmp(type->name, "_thread.RLock"))
		return RLOCK;
	return !strcmp(type->name, "threading._RLock") ? PYTHON_RLOCK : NO_LOCK;
}

/*
 * Has a thread parked at the mutex at addr? Its entry of the parking lot lies on its stack. Where
 * the dump does not have that, any thread may be the one that the mutex says is parked.
 */
static bool is_parked(const struct nec_threads *threads, const struct nec_thread *thread,
		      uint64_t addr)
{
	enum { LOCKED = 1, HAS_PARKED = 2 };
	uint64_t at, word, seen = 0;

	for (at = thread->native->sp & ~UINT64_C(7); at < thread->native->sp + PARKED_STACK;
	     at += 8) {
		word = nec_word(threads->target, at);
		if (word == addr)
			return true;
		seen |= word;
	}
	return !seen &&
	       (nec_byte(threads->target, addr) & (LOCKED | HAS_PARKED)) == (LOCKED | HAS_PARKED);
}

/*
 * Is this field of a lock object what the thread waits at? It points at a semaphore with its word,
 * or is a mutex: which of the two changed within 3.13.
 */
static bool is_word(const struct nec_threads *threads, const struct nec_thread *thread,
		    uint64_t obj, enum nec_field field, uint64_t word)
{
	const struct nec_target *t = threads->target;

	if (!nec_has(t, field))
		return false;
	return nec_field(t, obj, field) == word ||
	       is_parked(threads, thread, obj + nec_off(t, field));
}

/* Does the thread wait for the lock at obj, with a futex at `word`? */
static bool waits_for(struct nec_threads *threads, const struct nec_thread *thread, uint64_t obj,
		      uint64_t word)
{
	const struct nec_target *t = threads->target;
	uint64_t block;

	switch (lock_kind(threads, obj)) {
	case PLAIN_LOCK:
		return is_word(threads, thread, obj, NEC_F_LOCK_LOCK, word) ||
		       is_word(threads, thread, obj, NEC_F_LOCK_MUTEX, word);
	case RLOCK:
		return is_word(threads, thread, obj, NEC_F_RLOCK_LOCK, word) ||
		       is_word(threads, thread, obj, NEC_F_RLOCK_MUTEX, word);
	case PYTHON_RLOCK:
		block = nec_attr_find(t, obj, "_RLock__block");
		return block && nec_field(t, block, NEC_F_LOCK_LOCK) == word;
	case NO_LOCK:
		break;
	}
	return false;
}

/* The lock itself, or the one that a bound method is of. */
static uint64_t lock_of(struct nec_threads *threads, const struct nec_thread *thread, uint64_t obj,
			uint64_t word)
{
	const struct nec_type *type;

	if (waits_for(threads, thread, obj, word))
		return obj;
	type = nec_object_type(threads->types, obj);
	if (type && !strcmp(type->tp_name, "builtin_function_or_method")) {
		obj = nec_field(threads->target, obj, NEC_F_CFUNCTION_SELF);
		if (waits_for(threads, thread, obj, word))
			return obj;
	}
	return 0;
}

uint64_t nec_locks_awaited(struct nec_threads *threads, uint32_t i, uint64_t word)
{
	const struct nec_target *t = threads->target;
	const struct nec_thread *thread = &threads->items[i];
	uint64_t k, lock, found = 0;
	struct nec_stack_frame frame;
	struct nec_stack stack;
	unsigned int n;

	nec_stack_init(&stack, t, thread->state_addr);
	for (n = 0; n < WAITING_FRAMES && nec_stack_next(&stack, &frame); n++) {
		for (k = 0; k < frame.slot_count + frame.stack_count; k++) {
			uint64_t obj = k < frame.slot_count
					       ? nec_stack_variable(t, &frame, k)
					       : nec_stack_word(t, &frame, k - frame.slot_count);

			lock = obj ? lock_of(threads, thread, obj, word) : 0;
			/* An RLock made in Python is more than the lock in it. */
			if (lock && (!found || lock_kind(threads, lock) == PYTHON_RLOCK))
				found = lock;
		}
	}
	return found;
}

/* ---- holders
 * --------------------------------------------------------------------------------------------------
 */

static uint32_t by_ident(const struct nec_threads *threads, uint64_t ident)
{
	uint32_t i;

	for (i = 0; i < threads->count && ident; i++)
		if (threads->items[i].ident == ident)
			return i;
	return NEC_NO_THREAD;
}

/* The lock whose __exit__ is word k of a value stack: a bound method, or (3.14 on) the method and
 * behind it the lock. */
static uint64_t entered(struct nec_threads *threads, const struct nec_stack_frame *frame,
			uint64_t k)
{
	const struct nec_target *t = threads->target;
	uint64_t obj = nec_stack_word(t, frame, k), lock = 0;
	const struct nec_type *type =
		obj && !(obj & 7) ? nec_object_plausible(threads->types, obj) : NULL;
	const char *name = NULL;

	if (!type)
		return 0;
	if (!strcmp(type->tp_name, "builtin_function_or_method")) {
		name = nec_image_cstr(t->image, nec_word(t, nec_field(t, obj, NEC_F_CFUNCTION_ML)),
				      16);
		lock = nec_field(t, obj, NEC_F_CFUNCTION_SELF);
	} else if (!strcmp(type->tp_name, "method_descriptor") &&
		   nec_str_equals(t, nec_field(t, obj, NEC_F_DESCR_NAME), "__exit__")) {
		name = "__exit__";
		lock = nec_stack_word(t, frame, k + 1);
	}
	return name && !strcmp(name, "__exit__") && lock_kind(threads, lock) == PLAIN_LOCK ? lock
											   : 0;
}

/* Thread i has entered `lock`: whoever waits for it waits for i. */
static void set_holder(struct nec_threads *threads, uint32_t i, uint64_t lock)
{
	uint32_t k;

	for (k = 0; k < threads->count; k++) {
		if (threads->items[k].lock != lock || threads->items[k].holder != NEC_NO_THREAD ||
		    k == i)
			continue;
		threads->items[k].holder = i;
		threads->items[k].holder_how = "its __exit__ is on the stack there";
	}
}

static void find_entered(struct nec_threads *threads, uint32_t i)
{
	const struct nec_target *t = threads->target;
	struct nec_stack_frame frame;
	struct nec_stack stack;
	unsigned int n;
	uint64_t k, lock;

	nec_stack_init(&stack, t, threads->items[i].state_addr);
	for (n = 0; n < HOLDING_FRAMES && nec_stack_next(&stack, &frame); n++) {
		for (k = 0; k < frame.stack_count; k++) {
			lock = entered(threads, &frame, k);
			/* A thread at the gate has not entered. */
			if (lock && lock != threads->items[i].lock)
				set_holder(threads, i, lock);
		}
	}
}

/* The owner that a lock itself knows. */
static uint32_t owner(struct nec_threads *threads, uint64_t lock)
{
	const struct nec_target *t = threads->target;
	uint64_t ident = 0;

	switch (lock_kind(threads, lock)) {
	case RLOCK:
		return by_ident(threads, nec_field(t, lock, NEC_F_RLOCK_OWNER));
	case PYTHON_RLOCK:
		if (nec_attr_u64(t, nec_attr_find(t, lock, "_RLock__owner"), &ident) ||
		    nec_attr_u64(t, nec_attr_find(t, lock, "_owner"), &ident))
			return by_ident(threads, ident);
		break;
	case PLAIN_LOCK:
	case NO_LOCK:
		break;
	}
	return NEC_NO_THREAD;
}

void nec_locks_find_holders(struct nec_threads *threads)
{
	bool unknown = false;
	uint32_t i;

	for (i = 0; i < threads->count; i++) {
		struct nec_thread *thread = &threads->items[i];

		if (!thread->lock)
			continue;
		thread->holder = owner(threads, thread->lock);
		if (thread->holder != NEC_NO_THREAD)
			thread->holder_how = "the lock knows its owner";
		else
			unknown = true;
	}
	for (i = 0; unknown && i < threads->count; i++)
		if (threads->items[i].state_addr)
			find_entered(threads, i);
}

/* ---- deadlocks
 * ------------------------------------------------------------------------------------------------
 */

static void warn(struct nec_threads *threads, uint32_t first)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	uint32_t i = first;

	nec_text_puts(&text, "deadlock: ");
	do {
		const struct nec_thread *thread = &threads->items[i];

		if (i != first)
			nec_text_puts(&text, "; ");
		nec_threads_name(threads, i, &text);
		nec_text_printf(&text, " waits for the lock at 0x%llx that ",
				(unsigned long long)thread->lock);
		nec_threads_name(threads, thread->holder, &text);
		nec_text_puts(&text, " has");
		i = thread->holder;
	} while (i != first);
	nec_threads_warn(threads, nec_text_str(&text));
}

/* Each thread waits for one other at most: from each unseen one the chain is followed until it ends
 * or meets a seen thread. */
void nec_locks_find_deadlocks(struct nec_threads *threads)
{
	_cleanup_free_ uint32_t *seen =
		calloc(threads->count + 1, sizeof(*seen)); /* by which walk, from 1 */
	uint32_t i, k;

	for (i = 0; seen && i < threads->count; i++) {
		for (k = i; k != NEC_NO_THREAD && !seen[k]; k = threads->items[k].holder)
			seen[k] = i + 1;
		if (k != NEC_NO_THREAD && seen[k] == i + 1)
			warn(threads, k);
	}
}
