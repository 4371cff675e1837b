/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * necropsy threads: what every thread was doing. Threads with the same stack are a group, shown
 * once. A dump is read directly, without a database.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/lists.h"
#include "cli/session.h"
#include "cli/source.h"

/* Names of a group that are printed; frames of one stack, unless --limit says otherwise. */
enum { MAX_NAMES = 8, MAX_FRAMES = 100 };

/* Bytes that a thread or a local keeps alive, from which on a person wants to know. */
enum { NOTABLE = 1 << 20 };

struct group {
	uint32_t first; /* thread */
	uint32_t count;
};

struct view {
	struct nec_stacks *stacks;
	FILE *out;
	uint32_t *order; /* threads, those of a group side by side */
	struct group *groups;
	uint32_t group_count;
	int64_t limit; /* frames of a stack; 0: all */
	bool no_locals;
	struct nec_source_files sources;
	struct nec_text text;
};

/* ---- which frames
 * ---------------------------------------------------------------------------------------------
 */

/* NULL: it has none, as in a dump that was cut off. */
static struct nec_stacks_frame *frames_of(const struct nec_stacks *stacks,
					  const struct nec_stacks_thread *thread)
{
	return thread->frame_count ? &stacks->frames[thread->frame] : NULL;
}

static bool is_kind(const struct nec_stacks_frame *frame, const char *kind)
{
	return frame->kind && !strcmp(frame->kind, kind);
}

/* Leaves out frames of the interpreter's own, and all native ones where they are not wanted. */
static void choose_frames(struct nec_stacks *stacks, bool no_native, bool all_native)
{
	uint32_t i, k, n;

	for (i = 0; i < stacks->thread_count; i++) {
		struct nec_stacks_thread *thread = &stacks->threads[i];
		struct nec_stacks_frame *frames = frames_of(stacks, thread);

		for (k = n = 0; k < thread->frame_count; k++) {
			if (is_kind(&frames[k], "interpreter") && (no_native || !all_native))
				continue;
			if (is_kind(&frames[k], "native") && no_native)
				continue;
			frames[n++] = frames[k];
		}
		thread->frame_count = n;
	}
}

/* ---- groups
 * ---------------------------------------------------------------------------------------------------
 */

static int compare_pointers(const char *a, const char *b)
{
	return (a > b) - (a < b); /* interned: equal texts are the same */
}

static int compare_frames(const struct nec_stacks_frame *a, const struct nec_stacks_frame *b)
{
	bool native = a->library != NULL;
	int order = compare_pointers(a->library, b->library);

	if (!order)
		order = compare_pointers(a->file, b->file);
	if (!order)
		order = compare_pointers(a->qualname, b->qualname);
	if (!order)
		order = compare_pointers(a->function, b->function);
	if (order)
		return order;
	/* Where in a C function it is does not tell what a thread does. */
	if (native && a->function)
		return 0;
	if (native || !a->code)
		return (a->addr > b->addr) - (a->addr < b->addr);
	return (a->line > b->line) - (a->line < b->line);
}

static int compare_stacks(const struct nec_stacks *stacks, const struct nec_stacks_thread *a,
			  const struct nec_stacks_thread *b)
{
	uint32_t i;
	int order;

	order = compare_pointers(a->exception, b->exception);
	if (order)
		return order;
	if (a->frame_count != b->frame_count)
		return a->frame_count < b->frame_count ? -1 : 1;
	/* Without a frame the state alone says what it was doing, and whether it is one of
	 * Python's. */
	if (!a->frame_count)
		return compare_pointers(a->state, b->state);
	for (i = 0; i < a->frame_count; i++) {
		order = compare_frames(&stacks->frames[a->frame + i],
				       &stacks->frames[b->frame + i]);
		if (order)
			return order;
	}
	return 0;
}

static int by_stack(const void *pa, const void *pb, void *arg)
{
	const struct nec_stacks *stacks = arg;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int order = compare_stacks(stacks, &stacks->threads[a], &stacks->threads[b]);

	return order ? order : (a > b) - (a < b);
}

/* In the order of their first threads: the main thread's comes first. */
static int by_first(const void *pa, const void *pb, void *arg)
{
	const uint32_t *order = arg;
	uint32_t a = order[((const struct group *)pa)->first],
		 b = order[((const struct group *)pb)->first];

	return (a > b) - (a < b);
}

static struct nec_error *make_groups(struct view *v)
{
	const struct nec_stacks *stacks = v->stacks;
	uint32_t i;

	v->order = calloc(stacks->thread_count + 1, sizeof(*v->order));
	v->groups = calloc(stacks->thread_count + 1, sizeof(*v->groups));
	if (!v->order || !v->groups)
		return &nec_enomem;
	for (i = 0; i < stacks->thread_count; i++)
		v->order[i] = i;
	qsort_r(v->order, stacks->thread_count, sizeof(*v->order), by_stack, (void *)stacks);
	for (i = 0; i < stacks->thread_count; i++) {
		if (!i || compare_stacks(stacks, &stacks->threads[v->order[i - 1]],
					 &stacks->threads[v->order[i]]))
			v->groups[v->group_count++].first = i;
		v->groups[v->group_count - 1].count++;
	}
	qsort_r(v->groups, v->group_count, sizeof(*v->groups), by_first, v->order);
	return NULL;
}

static void deinit_view(struct view *v)
{
	free(v->order);
	free(v->groups);
	nec_source_files_deinit(&v->sources);
	nec_text_deinit(&v->text);
}

/* ---- for a person
 * --------------------------------------------------------------------------------------------- */

static void print_escaped(struct view *v, const char *text)
{
	nec_text_clear(&v->text);
	nec_text_escape(&v->text, text, strlen(text));
	fputs(nec_text_str(&v->text), v->out);
}

static void print_name(struct view *v, const struct nec_stacks_thread *thread)
{
	if (thread->name)
		print_escaped(v, thread->name);
	else if (thread->tid)
		fprintf(v->out, "thread %u", thread->tid);
	else
		fprintf(v->out, "thread 0x%llx", (unsigned long long)thread->ident);
}

/* What it keeps alive, where that is worth a word. */
static void print_retained(struct view *v, int64_t retained)
{
	if (retained < NOTABLE)
		return;
	nec_text_clear(&v->text);
	nec_text_size(&v->text, retained);
	fprintf(v->out, " (keeps %s alive)", nec_text_str(&v->text));
}

static void print_head(struct view *v, const struct group *group)
{
	const struct nec_stacks_thread *thread = &v->stacks->threads[v->order[group->first]];
	uint32_t i;

	if (group->count == 1) {
		print_name(v, thread);
		if (thread->name && thread->tid)
			fprintf(v->out, " (%u)", thread->tid);
		if (thread->daemon > 0)
			fputs(", daemon", v->out);
		if (thread->interpreter)
			fprintf(v->out, ", interpreter %u", thread->interpreter);
		fputs(": ", v->out);
		print_escaped(v, thread->state ? thread->state : "in a state that is not known");
		print_retained(v, thread->retained);
		putc('\n', v->out);
		return;
	}
	fprintf(v->out, "%u threads with this stack: ", group->count);
	for (i = 0; i < group->count && i < MAX_NAMES; i++) {
		if (i)
			fputs(", ", v->out);
		print_name(v, &v->stacks->threads[v->order[group->first + i]]);
	}
	if (group->count > MAX_NAMES)
		fprintf(v->out, " and %u more", group->count - MAX_NAMES);
	putc('\n', v->out);
}

/* Each state of a group once, with how many threads are in it. */
static void print_states(struct view *v, const struct group *group)
{
	uint32_t i, k, n;

	for (i = 0; i < group->count; i++) {
		const char *state = v->stacks->threads[v->order[group->first + i]].state;
		bool before = false;

		for (k = 0, n = 0; k < group->count; k++) {
			bool same = v->stacks->threads[v->order[group->first + k]].state == state;

			before |= same && k < i;
			n += same;
		}
		if (before)
			continue;
		fprintf(v->out, "  %u: ", n);
		print_escaped(v, state ? state : "in a state that is not known");
		putc('\n', v->out);
	}
}

/* "function  file:line", of a native frame with its library. */
static void print_place(struct view *v, const struct nec_stacks_frame *frame)
{
	const char *library = frame->library ? strrchr(frame->library, '/') : NULL;

	if (frame->qualname || frame->function)
		print_escaped(v, frame->qualname ? frame->qualname : frame->function);
	else if (frame->code)
		putc('?', v->out);
	else
		fprintf(v->out, "0x%llx", (unsigned long long)frame->addr);
	if (frame->file) {
		fputs("  ", v->out);
		print_escaped(v, frame->file);
	}
	if (frame->line)
		fprintf(v->out, ":%d", frame->line);
	if (frame->library) {
		fputs("  (", v->out);
		print_escaped(v, library ? library + 1 : frame->library);
		putc(')', v->out);
	}
	putc('\n', v->out);
}

static void print_frame(struct view *v, const struct nec_stacks_frame *frame)
{
	const char *line;
	size_t len;
	uint32_t i;

	fputs("    ", v->out);
	print_place(v, frame);
	line = nec_source_files_line(&v->sources, frame->file, frame->line, &len);
	if (line) {
		nec_text_clear(&v->text);
		nec_text_escape(&v->text, line, len);
		fprintf(v->out, "      > %s\n", nec_text_str(&v->text));
	}
	for (i = 0; i < frame->local_count && !v->no_locals; i++) {
		const struct nec_stacks_local *local = &v->stacks->locals[frame->local + i];

		fputs("        ", v->out);
		print_escaped(v, local->name ? local->name : "?");
		fputs(" = ", v->out);
		if (local->text)
			print_escaped(v, local->text);
		else
			fprintf(v->out, "<object at 0x%llx>", (unsigned long long)local->addr);
		print_retained(v, local->retained);
		putc('\n', v->out);
	}
}

/* How many of the frames from i on are the same as frame i. */
static uint32_t repeats(const struct nec_stacks_frame *frames, uint32_t i, uint32_t count)
{
	uint32_t n = 1;

	while (i + n < count && !compare_frames(&frames[i], &frames[i + n]))
		n++;
	return n;
}

static void print_stack(struct view *v, const struct nec_stacks_thread *thread)
{
	const struct nec_stacks_frame *frames = frames_of(v->stacks, thread);
	uint32_t i = 0, n;
	int64_t printed = 0;

	while (i < thread->frame_count) {
		if (v->limit && printed >= v->limit) {
			fprintf(v->out, "    … and %u more frames: --limit 0 prints all\n",
				thread->frame_count - i);
			return;
		}
		n = repeats(frames, i, thread->frame_count);
		print_frame(v, &frames[i]);
		printed++;
		/* A recursion: what its first and its last frame hold is worth reading. */
		if (n > 3 && v->limit) {
			fprintf(v->out, "    … the same %u more times\n", n - 2);
			i += n - 1;
		} else {
			i++;
		}
	}
}

static void print_gil(struct view *v)
{
	const struct nec_stacks *stacks = v->stacks;
	uint32_t i, waiting = 0, python = 0, holder = UINT32_MAX;

	for (i = 0; i < stacks->thread_count; i++) {
		const struct nec_stacks_thread *thread = &stacks->threads[i];

		python += thread->addr != 0;
		waiting += thread->gil && !strcmp(thread->gil, "waiting");
		if (thread->gil && !strcmp(thread->gil, "held"))
			holder = i;
	}
	fprintf(v->out, "%u %s", stacks->thread_count,
		stacks->thread_count == 1 ? "thread" : "threads");
	if (python != stacks->thread_count)
		fprintf(v->out, ", %u of Python", python);
	if (holder != UINT32_MAX) {
		fputs("; ", v->out);
		print_name(v, &stacks->threads[holder]);
		fputs(" has the GIL", v->out);
	}
	if (waiting)
		fprintf(v->out, "; %u of %u wait for the GIL", waiting, python);
	/* 2.7 counts instructions. */
	if (waiting && stacks->switch_interval > 100)
		fprintf(v->out, ", which changes hands every %lld µs",
			(long long)stacks->switch_interval);
	putc('\n', v->out);
}

/* The exception that a thread deals with, and where that was raised. */
static void print_exception(struct view *v, const struct nec_stacks_thread *thread)
{
	uint32_t i;

	if (!thread->exception_addr)
		return;
	fputs("  deals with ", v->out);
	if (thread->exception)
		print_escaped(v, thread->exception);
	else
		fprintf(v->out, "the exception at 0x%llx",
			(unsigned long long)thread->exception_addr);
	fputs(thread->raised_count ? "; its traceback:\n" : "\n", v->out);
	for (i = 0; i < thread->raised_count; i++) {
		const struct nec_stacks_raised *raised = &v->stacks->tracebacks[thread->raised + i];

		if (v->limit && i >= v->limit) {
			fprintf(v->out, "      … and %u more\n", thread->raised_count - i);
			return;
		}
		fputs("      ", v->out);
		print_escaped(v, raised->qualname ? raised->qualname : raised->function ? raised->function : "?");
		fputs("  ", v->out);
		print_escaped(v, raised->file ? raised->file : "?");
		fprintf(v->out, ":%d\n", raised->line);
	}
}

static void print_text(struct view *v)
{
	const struct nec_stacks *stacks = v->stacks;
	uint32_t i;

	print_gil(v);
	for (i = 0; i < stacks->warning_count; i++) {
		print_escaped(v, stacks->warnings[i]);
		putc('\n', v->out);
	}
	for (i = 0; i < v->group_count; i++) {
		const struct group *group = &v->groups[i];

		putc('\n', v->out);
		print_head(v, group);
		if (group->count > 1)
			print_states(v, group);
		print_exception(v, &stacks->threads[v->order[group->first]]);
		print_stack(v, &stacks->threads[v->order[group->first]]);
	}
}

/* ---- all stacks as one tree
 * ----------------------------------------------------------------------------------- */

/* Frame `depth` from the outside of a thread; NULL: its stack is not that deep. */
static const struct nec_stacks_frame *outer_frame(const struct view *v, uint32_t thread,
						  uint32_t depth)
{
	const struct nec_stacks_thread *t = &v->stacks->threads[thread];

	return depth < t->frame_count ? &v->stacks->frames[t->frame + t->frame_count - 1 - depth]
				      : NULL;
}

static int by_outer(const void *pa, const void *pb, void *arg)
{
	const struct view *v = arg;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb, depth;

	for (depth = 0;; depth++) {
		const struct nec_stacks_frame *fa = outer_frame(v, a, depth),
					      *fb = outer_frame(v, b, depth);
		int order = fa && fb ? compare_frames(fa, fb) : (fa != NULL) - (fb != NULL);

		if (order)
			return order;
		if (!fa)
			return (a > b) - (a < b);
	}
}

/* How many frames from the outside two threads share. */
static uint32_t shared_depth(const struct view *v, uint32_t a, uint32_t b)
{
	uint32_t depth;

	for (depth = 0;; depth++) {
		const struct nec_stacks_frame *fa = outer_frame(v, a, depth),
					      *fb = outer_frame(v, b, depth);

		if (!fa || !fb || compare_frames(fa, fb))
			return depth;
	}
}

/* Threads sorted by their outermost frames: a node is a run of neighbours that share it, printed by
 * the first of them. */
static void print_tree(struct view *v)
{
	const struct nec_stacks *stacks = v->stacks;
	uint32_t i, k, depth, shared;

	qsort_r(v->order, stacks->thread_count, sizeof(*v->order), by_outer, v);
	for (i = 0; i < stacks->thread_count; i++) {
		const struct nec_stacks_thread *thread = &stacks->threads[v->order[i]];
		const struct nec_stacks_frame *frame;

		shared = i ? shared_depth(v, v->order[i - 1], v->order[i]) : 0;
		for (depth = shared; (frame = outer_frame(v, v->order[i], depth)); depth++) {
			for (k = i + 1; k < stacks->thread_count &&
					shared_depth(v, v->order[i], v->order[k]) > depth;
			     k++)
				;
			fprintf(v->out, "%*s%u  ", (int)(depth < 60 ? depth * 2 : 120), "", k - i);
			print_place(v, frame);
		}
		fprintf(v->out, "%*s- ", (int)(depth < 60 ? depth * 2 : 120), "");
		print_name(v, thread);
		fputs(": ", v->out);
		print_escaped(v, thread->state ? thread->state : "in a state that is not known");
		putc('\n', v->out);
	}
}

/* ---- JSON
 * -----------------------------------------------------------------------------------------------------
 */

static void int_or_null(struct nec_json *json, const char *name, int64_t value, bool known)
{
	if (known)
		nec_json_int(json, name, value);
	else
		nec_json_null(json, name);
}

static void addr_or_null(struct nec_json *json, const char *name, uint64_t addr)
{
	if (addr)
		nec_json_addr(json, name, addr);
	else
		nec_json_null(json, name);
}

static void json_frame(const struct view *v, struct nec_json *json,
		       const struct nec_stacks_frame *frame)
{
	uint32_t i;

	nec_json_item(json);
	nec_json_text(json, "kind", frame->kind);
	nec_json_text(json, "function", frame->function);
	nec_json_text(json, "qualname", frame->qualname);
	nec_json_text(json, "file", frame->file);
	nec_json_text(json, "library", frame->library);
	int_or_null(json, "line", frame->line, frame->line);
	int_or_null(json, "column", frame->column, frame->column);
	addr_or_null(json, "addr", frame->addr);
	addr_or_null(json, "code", frame->code);
	if (!v->no_locals) {
		nec_json_list(json, "locals");
		for (i = 0; i < frame->local_count; i++) {
			const struct nec_stacks_local *local = &v->stacks->locals[frame->local + i];

			nec_json_item(json);
			nec_json_text(json, "name", local->name);
			addr_or_null(json, "addr", local->addr);
			nec_json_text(json, "text", local->text);
			int_or_null(json, "retained", local->retained, local->retained >= 0);
			nec_json_close(json);
		}
		nec_json_list_close(json);
	}
	nec_json_close(json);
}

static void json_raised(struct nec_json *json, const struct nec_stacks_raised *raised)
{
	nec_json_item(json);
	nec_json_text(json, "function", raised->function);
	nec_json_text(json, "qualname", raised->qualname);
	nec_json_text(json, "file", raised->file);
	int_or_null(json, "line", raised->line, raised->line);
	nec_json_close(json);
}

static struct nec_error *print_json(struct view *v)
{
	const struct nec_stacks *stacks = v->stacks;
	struct nec_json json;
	uint32_t g, i, k;

	nec_json_begin(&json, v->out);
	int_or_null(&json, "switch_interval", stacks->switch_interval, stacks->switch_interval >= 0);
	nec_json_list(&json, "threads");
	for (g = 0; g < v->group_count; g++) {
		for (i = 0; i < v->groups[g].count; i++) {
			const struct nec_stacks_thread *thread =
				&stacks->threads[v->order[v->groups[g].first + i]];

			nec_json_item(&json);
			nec_json_int(&json, "id", thread->id);
			nec_json_int(&json, "group", g);
			int_or_null(&json, "tid", thread->tid, thread->tid);
			int_or_null(&json, "ident", (int64_t)thread->ident, thread->ident);
			addr_or_null(&json, "addr", thread->addr);
			nec_json_text(&json, "name", thread->name);
			int_or_null(&json, "daemon", thread->daemon, thread->daemon >= 0);
			nec_json_int(&json, "interpreter", thread->interpreter);
			nec_json_text(&json, "state", thread->state);
			nec_json_text(&json, "gil", thread->gil);
			nec_json_text(&json, "exception", thread->exception);
			addr_or_null(&json, "exception_addr", thread->exception_addr);
			int_or_null(&json, "retained", thread->retained, thread->retained >= 0);
			nec_json_list(&json, "traceback");
			for (k = 0; k < thread->raised_count; k++)
				json_raised(&json, &stacks->tracebacks[thread->raised + k]);
			nec_json_list_close(&json);
			nec_json_list(&json, "frames");
			for (k = 0; k < thread->frame_count; k++)
				json_frame(v, &json, &stacks->frames[thread->frame + k]);
			nec_json_list_close(&json);
			nec_json_close(&json);
		}
	}
	nec_json_list_close(&json);
	nec_json_list(&json, "warnings");
	for (i = 0; i < stacks->warning_count; i++)
		nec_json_item_text(&json, stacks->warnings[i]);
	nec_json_list_close(&json);
	return nec_json_end(&json);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_stacks_destroyp) struct nec_stacks *stacks = NULL;
	_cleanup_(deinit_view) struct view v = {.out = out};
	_cleanup_free_ const char **lib_paths = nec_cli_list(cli, "lib-path");
	_cleanup_free_ const char **sources = nec_cli_list(cli, "source");
	const struct nec_load_options load = {
		.sysroot = nec_cli_text(cli, "sysroot"),
		.exe = nec_cli_text(cli, "exe"),
		.lib_paths = lib_paths,
		.no_native = nec_cli_has(cli, "no-native"),
		.all_native = nec_cli_has(cli, "all-native"),
		.progress = nec_session_progress(),
	};

	if (!lib_paths || !sources)
		return &nec_enomem;
	NEC_TRY(nec_stacks_read(cli->operands[0], &load, &stacks));
	if (!stacks->thread_count)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: this snapshot has no threads",
					cli->operands[0]);
	choose_frames(stacks, load.no_native, nec_cli_has(cli, "all-native"));
	v.stacks = stacks;
	v.sources.dirs = sources;
	v.no_locals = nec_cli_has(cli, "no-locals");
	v.limit = nec_cli_limit(cli, MAX_FRAMES);
	NEC_TRY(make_groups(&v));
	if (cli->output == NEC_OUTPUT_JSON)
		return print_json(&v);
	if (nec_cli_has(cli, "tree"))
		print_tree(&v);
	else
		print_text(&v);
	return v.text.failed || v.sources.failed ? &nec_enomem : NULL;
}

static const struct nec_option options[] = {
	{"no-native", 0, NEC_OPTION_FLAG, NULL, "only the frames of Python"},
	{"all-native", 0, NEC_OPTION_FLAG, NULL, "the interpreter's own frames as well"},
	{"no-locals", 0, NEC_OPTION_FLAG, NULL, "leave the local variables out"},
	{"tree", 0, NEC_OPTION_FLAG, NULL, "merge all stacks into one tree of calls"},
	{"source", 0, NEC_OPTION_LIST, "DIR", "show source lines found below DIR (repeatable)"},
	{"sysroot", 0, NEC_OPTION_TEXT, "DIR", "stands for / of the machine that died"},
	{"exe", 0, NEC_OPTION_TEXT, "FILE", "the executable, where it is not in its place"},
	{"lib-path", 0, NEC_OPTION_LIST, "DIR", "look for libraries in DIR (repeatable)"},
	{0},
};

const struct nec_command nec_command_threads = {
	.name = "threads",
	.operands = "DUMP|DB",
	.summary = "what every thread was doing",
	.help = "Prints the stack of every thread, Python's and the native one in one, with the\n"
		"local variables of Python's frames, what the thread waits for, and who has\n"
		"that: the GIL, or a lock. C functions stand where Python called them, with\n"
		"their library, and file and line where there is debug information; the\n"
		"interpreter's own are left out between them. Threads with the same stack\n"
		"are shown once, with the variables of the first; --limit is for the frames of\n"
		"a stack. Circles of threads that wait for one another are named.\n"
		"\n"
		"A dump is read directly, which takes a moment whatever its size: then the\n"
		"interpreter's own functions are named by its symbols, and --all-native reads\n"
		"its debug information, too, for lines and inlined calls. Of a database the\n"
		"same is printed from its tables thread, frame and local.",
	.sets = NEC_OPTIONS_JSON | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
