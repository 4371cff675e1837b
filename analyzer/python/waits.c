/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What threads wait for; see waits.h. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/culprit.h"
#include "python/descriptor.h"
#include "python/frames.h"
#include "python/locks.h"
#include "python/str.h"
#include "python/waits.h"

/* ---- the GIL
 * --------------------------------------------------------------------------------------------------
 */

struct gil {
	uint64_t start, end; /* addresses that a thread waits at for it; empty: not known */
	uint64_t holder;     /* thread state, 0: nobody */
	bool known;
	int64_t interval; /* microseconds (2.7: instructions); -1: not known */
};

static uint64_t symbol(const struct nec_target *t, const char *name)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint64_t addr, size;
	struct nec_error *err =
		nec_image_symbol(t->image, own ? own->objfile : UINT32_MAX, name, &addr, &size);

	nec_error_destroy(err);
	return err ? 0 : addr;
}

/* 2.7 and 3.6 keep it in variables of the file, most of them static. */
static void read_static_gil(const struct nec_target *t, struct gil *gil)
{
	uint64_t current = symbol(t, "_PyThreadState_Current"),
		 lock = symbol(t, "interpreter_lock");

	uint64_t interval = symbol(t, "_Py_CheckInterval"), old = interval;

	if (!interval)
		interval = symbol(t, "gil_interval");
	if (interval)
		gil->interval = old ? nec_int32(t, interval) : (int64_t)nec_word(t, interval);
	gil->known = current;
	gil->holder = nec_word(t, current);
	if (lock) { /* 2.7: a semaphore */
		gil->start = nec_word(t, lock);
		gil->end = gil->start + 1;
	} else if (t->layout.traits.strs !=
		   NEC_STR_BYTES) { /* 3.6: a condition among the static data; all other locks are
				       allocated */
		gil->start = t->data_start;
		gil->end = t->data_end;
	}
}

static void read_gil(const struct nec_target *t, uint32_t interpreter, struct gil *gil)
{
	uint64_t addr = 0;

	*gil = (struct gil){.interval = -1};
	if (t->layout.traits.free_threaded)
		return;
	if (nec_has(t, NEC_F_INTERP_GIL))
		addr = nec_field(t, t->interpreters[interpreter], NEC_F_INTERP_GIL);
	else if (nec_has(t, NEC_F_RUNTIME_GIL) && t->runtime)
		addr = t->runtime + nec_off(t, NEC_F_RUNTIME_GIL);
	else if (!nec_has(t, NEC_F_GIL_LOCKED))
		read_static_gil(t, gil);
	if (!addr)
		return;
	gil->known = true;
	gil->interval = (int64_t)nec_field(t, addr, NEC_F_GIL_INTERVAL);
	gil->start = addr;
	gil->end = addr + nec_off(t, NEC_SIZEOF_GIL);
	if (nec_field32(t, addr, NEC_F_GIL_LOCKED) == 1)
		gil->holder = nec_field(t, addr, NEC_F_GIL_HOLDER);
}

/* 2.7 without symbols: the semaphore is one that a static variable points at, and no lock object.
 */
static bool static_points_at(const struct nec_target *t, uint64_t word)
{
	uint64_t addr;

	for (addr = t->data_start; addr + 8 <= t->data_end; addr += 8)
		if (nec_word(t, addr) == word)
			return true;
	return false;
}

/* ---- in words
 * -------------------------------------------------------------------------------------------------
 */

/*
 * Functions of the library whose frame says more than the lock inside. The first row that one of
 * the innermost frames fits counts, so what calls others stands first. To add one: a row.
 */
static const struct {
	const char *file, *function, *words;
} library[] = {
	{"queue.py", "get", "waits for an item in the queue"},
	{"queue.py", "put", "waits for room in the queue"},
	{"Queue.py", "get", "waits for an item in the queue"},
	{"Queue.py", "put", "waits for room in the queue"},
	{"queue.py", "join", "waits until the queue is done"},
	{"thread.py", "_worker", "waits for work in the thread pool"},
	{"threading.py", "join", "waits for the end of the thread"},
	{"threading.py", "_wait_for_tstate_lock", "waits for the end of the thread"},
	{"threading.py", "acquire", "waits for the semaphore"},
	{"threading.py", "wait", "waits for the condition or event"},
	{"_base.py", "result", "waits for the result of the future"},
};

enum { LIBRARY_ROWS = sizeof(library) / sizeof(library[0]), LIBRARY_FRAMES = 4 };

static bool frame_is(const struct nec_target *t, const struct nec_stack_frame *frame,
		     const char *file, const char *function)
{
	_cleanup_free_ char *path = NULL;
	const char *slash;

	if (!nec_str_equals(t, nec_field(t, frame->code, NEC_F_CODE_NAME), function))
		return false;
	path = nec_str_dup(t, nec_field(t, frame->code, NEC_F_CODE_FILENAME), NEC_LIMIT_NAME);
	slash = path ? strrchr(path, '/') : NULL;
	return path && !strcmp(slash ? slash + 1 : path, file);
}

/* "waits for an item in the queue: <queue.Queue at 0x7f..>" */
static bool put_library(const struct nec_threads *threads, const struct nec_thread *thread,
			struct nec_text *out)
{
	const struct nec_target *t = threads->target;
	struct nec_stack_frame frames[LIBRARY_FRAMES];
	const struct nec_type *type;
	struct nec_stack stack;
	unsigned int n = 0, row, k;
	uint64_t self;

	if (!thread->state_addr)
		return false;
	nec_stack_init(&stack, t, thread->state_addr);
	while (n < LIBRARY_FRAMES && nec_stack_next(&stack, &frames[n]))
		n++;
	for (row = 0; row < LIBRARY_ROWS; row++) {
		for (k = n; k-- > 0;) {
			if (!frame_is(t, &frames[k], library[row].file, library[row].function))
				continue;
			self = nec_stack_variable(t, &frames[k], 0);
			if (self && self == thread->lock)
				continue; /* a lock made in Python: it says no more than that */
			nec_text_puts(out, library[row].words);
			type = self ? nec_object_type(threads->types, self) : NULL;
			if (type && type->python_made)
				nec_text_printf(out, " <%s at 0x%llx>", type->name,
						(unsigned long long)self);
			return true;
		}
	}
	return false;
}

static void put_lock(const struct nec_threads *threads, const struct nec_thread *thread,
		     struct nec_text *out)
{
	nec_text_printf(out, "waits for the lock at 0x%llx", (unsigned long long)thread->lock);
	if (thread->holder == NEC_NO_THREAD)
		return;
	nec_text_puts(out, ", which ");
	nec_threads_name(threads, thread->holder, out);
	nec_text_printf(out, " has (%s)", thread->holder_how);
}

static void put_futex(const struct nec_threads *threads, const struct nec_thread *thread,
		      struct nec_text *out)
{
	if (thread->gil == NEC_GIL_WAITING)
		nec_text_puts(out, "waits for the GIL");
	else if (thread->lock && thread->holder != NEC_NO_THREAD)
		put_lock(threads, thread, out);
	else if (put_library(threads, thread, out))
		return;
	else if (thread->lock)
		put_lock(threads, thread, out);
	else
		nec_text_printf(out, "waits at a futex, 0x%llx",
				(unsigned long long)thread->call.args[0]);
}

static void put_call(struct nec_threads *threads, const struct nec_thread *thread,
		     struct nec_text *out)
{
	const struct nec_syscall *call = &thread->call;

	switch (call->kind) {
	case NEC_SYSCALL_NONE:
		nec_text_puts(out, thread->gil == NEC_GIL_HELD ? "runs Python" : "runs");
		break;
	case NEC_SYSCALL_FUTEX:
		put_futex(threads, thread, out);
		break;
	case NEC_SYSCALL_SELECT: /* of nothing: time.sleep until 3.10 */
		if (call->args[0])
			nec_text_printf(out, "waits in %s", call->name);
		else
			nec_text_puts(out, "sleeps");
		break;
	case NEC_SYSCALL_SLEEP:
		nec_text_puts(out, "sleeps");
		break;
	case NEC_SYSCALL_POLL:
		nec_text_printf(out, "waits in %s of %llu descriptors", call->name,
				(unsigned long long)call->args[1]);
		break;
	case NEC_SYSCALL_EPOLL:
		nec_text_printf(out, "waits in %s of descriptor %d", call->name,
				(int)call->args[0]);
		break;
	case NEC_SYSCALL_FD:
		nec_text_printf(out, "in %s of descriptor %d", call->name, (int)call->args[0]);
		nec_descriptor_describe(threads, thread, (int32_t)call->args[0], out);
		break;
	case NEC_SYSCALL_CHILD:
		nec_text_puts(out, "waits for a child process");
		break;
	case NEC_SYSCALL_SIGNAL:
		nec_text_puts(out, "waits for a signal");
		break;
	case NEC_SYSCALL_OTHER:
		if (call->name)
			nec_text_printf(out, "in %s", call->name);
		else
			nec_text_printf(out, "in system call %lld", (long long)call->number);
		break;
	}
}

static bool is_collecting(const struct nec_target *t, uint32_t interpreter)
{
	uint64_t gc = 0;

	if (t->layout.traits.gc_static) {
		gc = symbol(t, "collecting");
		return gc && nec_int32(t, gc) == 1;
	}
	if (t->layout.traits.gc_in_interp)
		gc = t->interpreters[interpreter] + nec_off(t, NEC_F_INTERP_GC);
	else if (nec_has(t, NEC_F_RUNTIME_GC) && t->runtime)
		gc = t->runtime + nec_off(t, NEC_F_RUNTIME_GC);
	return gc && nec_has(t, NEC_F_GC_COLLECTING) &&
	       nec_field32(t, gc, NEC_F_GC_COLLECTING) == 1;
}

/* "in the finalizer Owner.__del__": the innermost one that runs. Weak references' callbacks have no name of their own. */
static void put_finalizer(const struct nec_threads *threads, const struct nec_thread *thread, struct nec_text *out)
{
	enum { FRAMES = 256 };
	const struct nec_target *t = threads->target;
	struct nec_stack_frame frame;
	struct nec_stack stack;
	unsigned int n;

	if (!thread->state_addr)
		return;
	nec_stack_init(&stack, t, thread->state_addr);
	for (n = 0; n < FRAMES && nec_stack_next(&stack, &frame); n++) {
		_cleanup_free_ char *qualname = NULL;

		if (!nec_str_equals(t, nec_field(t, frame.code, NEC_F_CODE_NAME), "__del__"))
			continue;
		if (nec_has(t, NEC_F_CODE_QUALNAME))
			qualname = nec_str_dup(t, nec_field(t, frame.code, NEC_F_CODE_QUALNAME), NEC_LIMIT_NAME);
		nec_text_printf(out, ", in the finalizer %s", qualname ? qualname : "__del__");
		return;
	}
}

static struct nec_error *put_state(struct nec_threads *threads, struct nec_thread *thread)
{
	const struct nec_process *process = nec_image_process(threads->target->image);
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	uint32_t i = (uint32_t)(thread - threads->items), known;

	if (nec_culprit_is_dying(threads, i)) {
		nec_text_printf(&text, "died of signal %d", process->signo);
		/* Of a signal that was sent the sender is in the place of the address. */
		if (process->sigcode > 0)
			nec_text_printf(&text, " at address 0x%llx",
					(unsigned long long)process->sigaddr);
		if (threads->culprit)
			nec_text_printf(&text, " in %s", threads->culprit);
		if (threads->culprit && *threads->culprit_caller)
			nec_text_printf(&text, ", called by %s", threads->culprit_caller);
		nec_text_puts(&text, ": ");
	}
	nec_image_threads(threads->target->image, &known);
	if (!thread->native)
		nec_text_puts(&text, known ? "not in the dump: ended, or left behind by a fork"
					   : "not known: its registers were cut off");
	else if (thread->aside)
		nec_text_puts(&text, "not running: its thread is in another interpreter");
	else
		put_call(threads, thread, &text);
	if (thread->gil == NEC_GIL_HELD) {
		nec_text_puts(&text, ", has the GIL");
		if (is_collecting(threads->target, thread->interpreter))
			nec_text_puts(&text, ", in the garbage collector");
	}
	put_finalizer(threads, thread, &text);
	if (!thread->state_addr)
		nec_text_puts(&text, ", no Python thread");
	thread->state = text.failed ? NULL : strdup(nec_text_str(&text));
	return thread->state ? NULL : &nec_enomem;
}

/* ---- all of them
 * ---------------------------------------------------------------------------------------------- */

/* What the futex that a Python thread waits at belongs to. */
static void find_futex(struct nec_threads *threads, uint32_t i, const struct gil *gil)
{
	struct nec_thread *thread = &threads->items[i];
	uint64_t word = thread->call.args[0];

	if (word >= gil->start && word < gil->end) {
		thread->gil = NEC_GIL_WAITING;
		return;
	}
	thread->lock = nec_locks_awaited(threads, i, word);
	if (!thread->lock && gil->known && !gil->end && static_points_at(threads->target, word))
		thread->gil = NEC_GIL_WAITING;
}

struct nec_error *nec_waits_find(struct nec_threads *threads)
{
	const struct nec_target *t = threads->target;
	uint32_t i, interpreter = NEC_NO_THREAD;
	struct gil gil = {.interval = -1};

	threads->switch_interval = -1;
	for (i = 0; i < threads->count; i++) {
		struct nec_thread *thread = &threads->items[i];

		if (thread->native)
			nec_syscall_read(t->image, thread->native, &thread->call);
		if (!thread->state_addr || thread->aside)
			continue;
		if (thread->interpreter != interpreter) {
			interpreter = thread->interpreter;
			read_gil(t, interpreter, &gil);
			if (threads->switch_interval < 0)
				threads->switch_interval = gil.interval;
		}
		if (gil.known)
			thread->gil =
				gil.holder == thread->state_addr ? NEC_GIL_HELD : NEC_GIL_NONE;
		if (thread->call.kind == NEC_SYSCALL_FUTEX)
			find_futex(threads, i, &gil);
	}
	nec_locks_find_holders(threads);
	nec_locks_find_deadlocks(threads);
	for (i = 0; i < threads->count; i++)
		NEC_TRY(put_state(threads, &threads->items[i]));
	return NULL;
}
