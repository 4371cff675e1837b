/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads; see threads.h. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/ring.h"
#include "python/attr.h"
#include "python/culprit.h"
#include "python/frames.h"
#include "python/linetable.h"
#include "python/str.h"
#include "python/threads.h"
#include "python/waits.h"

/* Names of a class body or of exec'd code that are shown. */
enum { MAX_NAMESPACE = 256 };

/* ---- the list
 * ------------------------------------------------------------------------------------------------
 */

static struct nec_thread *add(struct nec_threads *threads)
{
	struct nec_thread *items;
	uint32_t capacity;

	if (threads->count == threads->capacity) {
		capacity = threads->capacity ? threads->capacity * 2 : 64;
		items = reallocarray(threads->items, capacity, sizeof(*items));
		if (!items)
			return NULL;
		threads->items = items;
		threads->capacity = capacity;
	}
	items = &threads->items[threads->count++];
	*items = (struct nec_thread){.daemon = -1, .holder = NEC_NO_THREAD};
	return items;
}

static const struct nec_image_thread *find_native(const struct nec_target *t, uint64_t ident,
						  uint64_t native_id)
{
	uint32_t count, i;
	const struct nec_image_thread *list = nec_image_threads(t->image, &count);

	for (i = 0; i < count && ident; i++)
		if (list[i].fs_base == ident)
			return &list[i];
	for (i = 0; i < count && native_id; i++)
		if (list[i].tid == native_id)
			return &list[i];
	return NULL;
}

/* The thread states of an interpreter. A list that loops ends where its count is above that of any
 * process. */
static struct nec_error *add_python(struct nec_threads *threads, uint32_t interpreter)
{
	const struct nec_target *t = threads->target;
	uint64_t state = nec_first_thread(t, interpreter), native_id;
	uint64_t first = threads->count;
	struct nec_ring ring = {0};
	struct nec_thread *thread;

	for (;
	     state && !nec_ring_closed(&ring, state) && threads->count - first < NEC_LIMIT_THREADS;
	     state = nec_field(t, state, NEC_F_THREAD_NEXT)) {
		if (nec_field(t, state, NEC_F_THREAD_INTERP) != t->interpreters[interpreter])
			break;
		thread = add(threads);
		if (!thread)
			return &nec_enomem;
		thread->state_addr = state;
		thread->interpreter = interpreter;
		thread->ident = nec_field(t, state, NEC_F_THREAD_IDENT);
		native_id = nec_field(t, state, NEC_F_THREAD_NATIVE_ID);
		thread->native = find_native(t, thread->ident, native_id);
		thread->tid = thread->native ? thread->native->tid : (uint32_t)native_id;
	}
	return NULL;
}

static int by_pointer(const void *a, const void *b)
{
	const void *const *pa = a, *const *pb = b;

	return (*pa > *pb) - (*pa < *pb);
}

/* Threads of the dump that no Python thread was matched with. */
static struct nec_error *add_others(struct nec_threads *threads)
{
	uint32_t count, i, known = threads->count;
	const struct nec_image_thread *list = nec_image_threads(threads->target->image, &count),
				      *key;
	_cleanup_free_ const void **matched = calloc(known + 1, sizeof(*matched));
	struct nec_thread *thread;

	if (!matched)
		return &nec_enomem;
	for (i = 0; i < known; i++)
		matched[i] = threads->items[i].native;
	qsort(matched, known, sizeof(*matched), by_pointer);
	for (i = 0; i < count; i++) {
		key = &list[i];
		if (bsearch(&key, matched, known, sizeof(*matched), by_pointer))
			continue;
		thread = add(threads);
		if (!thread)
			return &nec_enomem;
		thread->native = key;
		thread->tid = key->tid;
	}
	return NULL;
}

static int by_tid(const void *a, const void *b)
{
	const struct nec_thread *ta = a, *tb = b;
	uint32_t x = ta->tid - 1, y = tb->tid - 1; /* those not known go last */

	if (x != y)
		return x < y ? -1 : 1;
	return (ta->interpreter > tb->interpreter) - (ta->interpreter < tb->interpreter);
}

/* A thread that entered a sub-interpreter has a state in each; sorted, they are neighbours. */
static void find_aside(struct nec_threads *threads)
{
	const struct nec_target *t = threads->target;
	uint32_t start, end, i;

	for (start = 0; start < threads->count; start = end) {
		bool any = false;

		for (end = start; end < threads->count &&
				  threads->items[end].native == threads->items[start].native;
		     end++)
			any |= threads->items[end].native && threads->items[end].state_addr &&
			       nec_thread_frame(t, threads->items[end].state_addr);
		for (i = start; any && i < end; i++)
			threads->items[i].aside =
				!nec_thread_frame(t, threads->items[i].state_addr);
	}
}

/* The thread that the process died in comes before all others. */
static void put_dying_first(struct nec_threads *threads)
{
	struct nec_thread dying;
	uint32_t i;

	for (i = 0; i < threads->count && !nec_culprit_is_dying(threads, i); i++)
		;
	if (i == threads->count)
		return;
	dying = threads->items[i];
	memmove(threads->items + 1, threads->items, i * sizeof(dying));
	threads->items[0] = dying;
}

static struct nec_error *find_culprit(struct nec_threads *threads)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0}, caller = {0};

	if (!threads->count)
		return NULL;
	NEC_TRY(nec_culprit_find(threads, 0, &text, &caller));
	if (!text.len)
		return NULL;
	threads->culprit = strdup(nec_text_str(&text));
	threads->culprit_caller = strdup(nec_text_str(&caller));
	return threads->culprit && threads->culprit_caller ? NULL : &nec_enomem;
}

/* ---- names
 * ----------------------------------------------------------------------------------------------------
 */

static uint64_t attr2(const struct nec_target *t, uint64_t obj, const char *name,
		      const char *old_name)
{
	uint64_t value = nec_attr_find(t, obj, name);

	return value ? value : nec_attr_find(t, obj, old_name);
}

/* What threading.Thread says of the thread that it is an object of. */
static void describe(const struct nec_target *t, struct nec_thread *thread, uint64_t object)
{
	uint64_t daemon;

	if (thread->name)
		return;
	thread->name = nec_str_dup(t, attr2(t, object, "_name", "_Thread__name"), NEC_LIMIT_NAME);
	if (nec_attr_u64(t, attr2(t, object, "_daemonic", "_Thread__daemonic"), &daemon))
		thread->daemon = daemon != 0;
	if (!thread->tid && nec_attr_u64(t, nec_attr_find(t, object, "_native_id"), &daemon))
		thread->tid = (uint32_t)daemon;
}

/* threading._active: {ident: Thread}. */
static void read_names(struct nec_threads *threads, uint32_t interpreter)
{
	const struct nec_target *t = threads->target;
	uint64_t module = nec_module_dict(t, t->interpreters[interpreter], "threading"), key, value,
		 ident, n = 0;
	struct nec_dict dict;
	uint32_t i;

	if (!module || !nec_dict_read(t, nec_dict_find(t, module, "_active"), &dict))
		return;
	while (nec_dict_next(&dict, &key, &value) && n++ < NEC_LIMIT_THREADS) {
		if (!nec_attr_u64(t, key, &ident))
			continue;
		for (i = 0; i < threads->count; i++)
			if (threads->items[i].ident == ident &&
			    threads->items[i].interpreter == interpreter)
				describe(t, &threads->items[i], value);
	}
}

void nec_threads_name(const struct nec_threads *threads, uint32_t i, struct nec_text *out)
{
	const struct nec_thread *thread = &threads->items[i];

	if (thread->name)
		nec_text_printf(out, "'%s'", thread->name);
	else
		nec_text_printf(out, "thread %u", thread->tid);
}

void nec_threads_warn(struct nec_threads *threads, const char *message)
{
	char **messages =
		reallocarray(threads->messages, threads->message_count + 1, sizeof(*messages));

	if (!messages)
		return;
	threads->messages = messages;
	messages[threads->message_count] = strdup(message);
	if (messages[threads->message_count])
		threads->message_count++;
}

struct nec_error *nec_threads_init(struct nec_threads *threads, struct nec_types *types,
				   bool no_native)
{
	const struct nec_target *t = types->target;
	struct nec_error *why;
	uint32_t i;

	*threads = (struct nec_threads){.target = t, .types = types};
	NEC_TRY(nec_values_init(&threads->values, types));
	NEC_TRY(nec_mixed_init(&threads->mixed, t, no_native, &why));
	if (why)
		nec_threads_warn(threads, why->message);
	nec_error_destroy(why);
	for (i = 0; i < t->interpreter_count; i++)
		NEC_TRY(add_python(threads, i));
	NEC_TRY(add_others(threads));
	for (i = 0; i < t->interpreter_count; i++)
		read_names(threads, i);
	if (threads->count)
		qsort(threads->items, threads->count, sizeof(*threads->items), by_tid);
	find_aside(threads);
	put_dying_first(threads);
	NEC_TRY(find_culprit(threads));
	return nec_waits_find(threads);
}

void nec_threads_deinit(struct nec_threads *threads)
{
	uint32_t i;

	for (i = 0; i < threads->count; i++) {
		free(threads->items[i].name);
		free(threads->items[i].state);
	}
	for (i = 0; i < threads->message_count; i++)
		free(threads->messages[i]);
	free(threads->messages);
	free(threads->culprit);
	free(threads->culprit_caller);
	free(threads->items);
	free(threads->function);
	free(threads->qualname);
	free(threads->file);
	nec_mixed_deinit(&threads->mixed);
	nec_values_deinit(&threads->values);
	nec_text_deinit(&threads->text);
}

/* ---- facts
 * ----------------------------------------------------------------------------------------------------
 */

static void replace(char **where, char *text)
{
	free(*where);
	*where = text;
}

/* As repr has it: built-in types without their module. */
static const char *python_name(const struct nec_type *type)
{
	static const char *const builtins[] = {"builtins.", "__builtin__.", "exceptions."};
	size_t i;

	for (i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strncmp(type->name, builtins[i], strlen(builtins[i])))
			return type->name + strlen(builtins[i]);
	return type->name;
}

/* A preview of an object, in threads->text. */
static void put_object(struct nec_threads *threads, uint64_t obj)
{
	const struct nec_type *type = nec_object_type(threads->types, obj);

	nec_text_clear(&threads->text);
	if (type && !threads->no_values &&
	    !nec_values_text(&threads->values, obj, type, &threads->text) &&
	    !nec_values_fold(&threads->values, obj, type, &threads->text))
		nec_text_printf(&threads->text, "<%s object at 0x%llx>", python_name(type),
				(unsigned long long)obj);
}

/* The exception that the thread deals with. */
static void give_exception(struct nec_threads *threads, struct nec_fact *f)
{
	const struct nec_thread *thread = &threads->items[threads->index];

	threads->exception = (struct nec_exception){0};
	f->thread.exception = NULL;
	if (thread->state_addr)
		nec_exception_find(threads->types, thread->state_addr, &threads->exception);
	f->thread.exception_addr = threads->exception.value;
	if (!threads->exception.value)
		return;
	put_object(threads, threads->exception.value);
	if (threads->text.len)
		f->thread.exception = nec_text_str(&threads->text);
}

static void give_thread(struct nec_threads *threads, struct nec_fact *f)
{
	static const char *const gil[] = {
		[NEC_GIL_NONE] = "none", [NEC_GIL_WAITING] = "waiting", [NEC_GIL_HELD] = "held"};
	const struct nec_thread *thread = &threads->items[threads->index];

	f->kind = NEC_FACT_THREAD;
	f->thread.id = threads->index;
	f->thread.tid = thread->tid;
	f->thread.ident = thread->ident;
	f->thread.addr = thread->state_addr;
	f->thread.name = thread->name;
	f->thread.state = thread->state;
	f->thread.gil = gil[thread->gil];
	f->thread.daemon = thread->daemon;
	f->thread.interpreter = thread->interpreter;
	give_exception(threads, f);
}

/* What a code object is called, in threads->function, qualname and file. */
static void read_code(struct nec_threads *threads, uint64_t code)
{
	const struct nec_target *t = threads->target;

	replace(&threads->function,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_NAME), NEC_LIMIT_NAME));
	replace(&threads->qualname,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_QUALNAME), NEC_LIMIT_NAME));
	replace(&threads->file,
		nec_str_dup(t, nec_field(t, code, NEC_F_CODE_FILENAME), NEC_LIMIT_NAME));
}

static bool next_traceback(struct nec_threads *threads, struct nec_fact *f)
{
	uint32_t depth = threads->exception.count;
	uint64_t code;
	int32_t line;

	if (!nec_exception_next(threads->target, &threads->exception, &code, &line))
		return false;
	read_code(threads, code);
	f->kind = NEC_FACT_TRACEBACK;
	f->traceback.thread = threads->index;
	f->traceback.depth = depth;
	f->traceback.function = threads->function;
	f->traceback.qualname = threads->qualname;
	f->traceback.file = threads->file;
	f->traceback.line = line;
	return true;
}

static bool give_interval(struct nec_threads *threads, struct nec_fact *f)
{
	if (threads->interval_given || threads->switch_interval < 0)
		return false;
	threads->interval_given = true;
	nec_text_clear(&threads->text);
	nec_text_printf(&threads->text, "%lld", (long long)threads->switch_interval);
	f->kind = NEC_FACT_META;
	f->meta.key = "switch_interval";
	f->meta.value = nec_text_str(&threads->text);
	return true;
}

static void give_frame(struct nec_threads *threads, struct nec_fact *f)
{
	const struct nec_target *t = threads->target;
	const struct nec_stack_frame *frame = &threads->frame;
	struct nec_position pos;

	read_code(threads, frame->code);
	nec_code_position(t, frame->code, frame->lasti, &pos);
	f->kind = NEC_FACT_FRAME;
	f->frame.thread = threads->index;
	f->frame.depth = threads->depth;
	f->frame.kind = "python";
	f->frame.function = threads->function;
	f->frame.qualname = threads->qualname;
	f->frame.file = threads->file;
	f->frame.library = NULL;
	f->frame.line = frame->traced_line > 0 ? frame->traced_line : pos.line;
	f->frame.column = pos.column;
	f->frame.addr = frame->addr;
	f->frame.code = frame->code;
}

static void give_local(struct nec_threads *threads, char *name, uint64_t value, struct nec_fact *f)
{
	replace(&threads->function, name);
	put_object(threads, value);
	f->kind = NEC_FACT_LOCAL;
	f->local.thread = threads->index;
	f->local.depth = threads->depth;
	f->local.name = threads->function;
	f->local.addr = value;
	f->local.text = threads->text.len ? nec_text_str(&threads->text) : NULL;
}

/* The next variable of the frame. */
static bool next_local(struct nec_threads *threads, struct nec_fact *f)
{
	const struct nec_target *t = threads->target;
	uint64_t key, value;

	while (threads->variable < threads->frame.slot_count) {
		uint64_t i = threads->variable++;

		value = nec_stack_variable(t, &threads->frame, i);
		if (!value)
			continue;
		give_local(threads, nec_code_local_name(t, threads->frame.code, i), value, f);
		return true;
	}
	if (!threads->in_namespace || !nec_dict_next(&threads->namespace, &key, &value) ||
	    threads->variable++ >= threads->frame.slot_count + MAX_NAMESPACE)
		return false;
	give_local(threads, nec_str_dup(t, key, NEC_LIMIT_NAME), value, f);
	return true;
}

static void begin_python(struct nec_threads *threads, struct nec_fact *f)
{
	const struct nec_target *t = threads->target;
	const struct nec_stack_frame *frame = &threads->frame;

	threads->in_frame = true;
	threads->variable = 0;
	/* A module's names are its globals: not shown. */
	threads->in_namespace = frame->locals && frame->locals != frame->globals &&
				nec_field(t, nec_type_of(t, frame->locals), NEC_F_TYPE_FLAGS) &
					NEC_TYPE_DICT_SUBCLASS &&
				nec_dict_read(t, frame->locals, &threads->namespace);
	give_frame(threads, f);
}

static void give_native(struct nec_threads *threads, const struct nec_mixed_frame *frame,
			struct nec_fact *f)
{
	f->kind = NEC_FACT_FRAME;
	f->frame.thread = threads->index;
	f->frame.depth = threads->depth++;
	f->frame.kind = frame->kind == NEC_MIXED_INTERPRETER ? "interpreter" : "native";
	f->frame.function = frame->place.function;
	f->frame.qualname = NULL;
	f->frame.file = frame->place.file;
	f->frame.library = frame->place.library;
	f->frame.line = frame->place.line;
	f->frame.column = 0;
	f->frame.addr = frame->pc;
	f->frame.code = 0;
}

static bool next_frame(struct nec_threads *threads, struct nec_fact *f)
{
	struct nec_mixed_frame frame;
	struct nec_error *err;
	bool more;

	err = nec_mixed_next(&threads->mixed, &frame, &more);
	if (err) {
		nec_error_destroy(err);
		threads->failed = true;
		return false;
	}
	if (!more)
		return false;
	if (frame.kind == NEC_MIXED_PYTHON) {
		threads->frame = frame.python;
		begin_python(threads, f);
	} else {
		give_native(threads, &frame, f);
	}
	return true;
}

static bool give_warning(struct nec_threads *threads, struct nec_fact *f)
{
	if (threads->message >= threads->message_count)
		return false;
	f->kind = NEC_FACT_WARNING;
	f->warning.stage = "threads";
	f->warning.message = threads->messages[threads->message++];
	f->warning.addr = 0;
	return true;
}

/* The words for a Python stack that has not ended well; false where it has. */
static bool put_python_end(const struct nec_threads *threads, struct nec_text *out)
{
	const struct nec_stack *stack = &threads->mixed.python;

	if (stack->looped)
		nec_text_printf(out, " loops behind %u frames", threads->depth);
	else if (stack->damaged)
		nec_text_printf(out, " leads to something that is no frame behind %u frames",
				threads->depth);
	else if (stack->pieced)
		nec_text_puts(out, " leads over a C stack that the dump does not have: generators "
				   "may be missing");
	else
		return false;
	return true;
}

static void warn_of_end(struct nec_threads *threads)
{
	nec_text_clear(&threads->text);
	nec_text_puts(&threads->text, "the stack of ");
	nec_threads_name(threads, threads->index, &threads->text);
	if (put_python_end(threads, &threads->text))
		nec_threads_warn(threads, nec_text_str(&threads->text));
}

/* Counts how native stacks ended before their outermost frame. */
static void count_end(struct nec_threads *threads)
{
	const struct nec_native_stack *native = &threads->mixed.native;
	struct nec_thread_end *end;
	uint32_t i;

	if (!native->count || native->end == NEC_UNWIND_COMPLETE)
		return;
	for (i = 0; i < threads->end_count; i++) {
		end = &threads->ends[i];
		if (end->kind == native->end && end->objfile == native->objfile)
			break;
	}
	if (i == NEC_THREADS_ENDS)
		return;
	end = &threads->ends[i];
	if (i == threads->end_count) {
		threads->end_count++;
		*end = (struct nec_thread_end){native->end, native->objfile, 0, threads->index,
					       native->addr};
	}
	end->count++;
}

static void warn_of_native_end(struct nec_threads *threads, const struct nec_thread_end *end)
{
	static const char *const words[] = {
		[NEC_UNWIND_NO_CODE] = "at a return address that is no code",
		[NEC_UNWIND_FAULT] = "at memory that the dump does not have",
		[NEC_UNWIND_DAMAGED] = "at an unwind table that makes no sense",
		[NEC_UNWIND_LOOP] = "where it would turn back",
		[NEC_UNWIND_LIMIT] = "where it was given up",
	};
	const struct nec_objfile *objfiles;
	struct nec_text *out = &threads->text;
	uint32_t count;

	nec_text_clear(out);
	if (end->count > 1) {
		nec_text_printf(out, "the native stacks of %u threads end ", end->count);
	} else {
		nec_text_puts(out, "the native stack of ");
		nec_threads_name(threads, end->thread, out);
		nec_text_puts(out, " ends ");
	}
	objfiles = nec_image_objfiles(threads->target->image, &count);
	if (end->kind != NEC_UNWIND_NO_TABLE)
		nec_text_printf(out, "%s (0x%llx)", words[end->kind],
				(unsigned long long)end->addr);
	else if (end->objfile >= count)
		nec_text_puts(out, "in code that belongs to no file");
	else if (objfiles[end->objfile].state == NEC_OBJFILE_MATCH)
		nec_text_printf(out, "in %s, which has no unwind table for it",
				objfiles[end->objfile].path);
	else
		nec_text_printf(
			out, "in %s: neither the dump nor a file here has its unwind tables",
			objfiles[end->objfile].path);
	nec_threads_warn(threads, nec_text_str(out));
}

/* Begins with the thread at `index`. */
static void start_thread(struct nec_threads *threads, struct nec_fact *f)
{
	const struct nec_thread *thread = &threads->items[threads->index];
	struct nec_error *err;

	give_thread(threads, f);
	err = nec_mixed_start(&threads->mixed, thread->state_addr,
			      thread->aside ? NULL : thread->native);
	threads->failed |= err != NULL;
	nec_error_destroy(err);
	threads->thread_given = true;
	threads->in_frame = false;
	threads->depth = 0;
}

bool nec_threads_next(struct nec_threads *threads, struct nec_fact *f)
{
	if (give_interval(threads, f))
		return true;
	for (; threads->index < threads->count; threads->index++, threads->thread_given = false) {
		if (threads->failed)
			return false;
		if (!threads->thread_given) {
			start_thread(threads, f);
			return true;
		}
		if (next_traceback(threads, f))
			return true;
		if (threads->in_frame) {
			if (next_local(threads, f))
				return true;
			threads->in_frame = false;
			threads->depth++;
		}
		if (next_frame(threads, f))
			return true;
		warn_of_end(threads);
		count_end(threads);
	}
	while (threads->end_count > 0)
		warn_of_native_end(threads, &threads->ends[--threads->end_count]);
	return give_warning(threads, f);
}
