/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a process died; see culprit.h. */
#include "python/culprit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/linetable.h"
#include "python/str.h"

/* Frames above the innermost Python function that are looked at. */
enum { MAX_FRAMES = 4096 };

/* A fault this far below the stack pointer, or this little above, is a stack that is full: bytes.
 */
enum { STACK_BELOW = 65536, STACK_ABOVE = 4096 };

/* Libraries that do what they are told, by the beginning of their file's name. To add one: a line.
 */
static const char *const servants[] = {
	"ld-linux", "ld-musl",  "libc-2",     "libc.so",
	"libffi",   "libgcc_s", "libpthread", "linux-vdso",
};

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static bool is_ffi(const struct nec_place *place)
{
	const char *name = base_name(place->library);

	return (name && !strncmp(name, "libffi", 6)) ||
	       (place->function && !strncmp(place->function, "ffi_call", 8));
}

static bool is_servant(const struct nec_place *place)
{
	const char *name = base_name(place->library);

	for (size_t i = 0; name && i < sizeof(servants) / sizeof(servants[0]); i++)
		if (!strncmp(name, servants[i], strlen(servants[i])))
			return true;
	/* Some builds of _ctypes have a libffi of their own in them. */
	return !name || is_ffi(place);
}

bool nec_culprit_is_dying(const struct nec_threads *threads, uint32_t i)
{
	const struct nec_process *process = nec_image_process(threads->target->image);
	const struct nec_thread *thread = &threads->items[i];
	uint32_t count;

	/* The kernel writes the thread that the signal hit first. */
	return process->signo && thread->native && !thread->aside &&
	       thread->native == nec_image_threads(threads->target->image, &count);
}

/* Of a fault, or of a signal that it sent to itself. */
static bool died_by_itself(const struct nec_process *p)
{
	return p->sigcode > 0 || p->sigpid == p->pid;
}

static void put_place(const struct nec_place *place, uint64_t pc, struct nec_text *out)
{
	if (place->function)
		nec_text_puts(out, place->function);
	else
		nec_text_printf(out, "0x%llx", (unsigned long long)pc);
	if (place->library)
		nec_text_printf(out, " (%s)", base_name(place->library));
}

static void put_python(const struct nec_target *t, const struct nec_stack_frame *frame,
		       struct nec_text *out)
{
	_cleanup_free_ char *name =
		nec_str_dup(t, nec_field(t, frame->code, NEC_F_CODE_NAME), NEC_LIMIT_NAME);
	_cleanup_free_ char *file =
		nec_str_dup(t, nec_field(t, frame->code, NEC_F_CODE_FILENAME), NEC_LIMIT_NAME);
	struct nec_position pos;

	nec_code_position(t, frame->code, frame->lasti, &pos);
	nec_text_printf(out, "%s at %s:%d", name ? name : "?", file ? file : "?",
			frame->traced_line > 0 ? frame->traced_line : pos.line);
}

/* What of a stack is worth saying. */
struct guess {
	struct nec_mixed_frame extension, interpreter, innermost, called, caller;
	bool has_extension, has_interpreter, has_innermost, has_called, has_caller;
};

/* Goes out to the first Python function. */
static struct nec_error *look(struct nec_threads *threads, uint32_t i, struct guess *g)
{
	struct nec_mixed *m = &threads->mixed;
	struct nec_mixed_frame frame;
	unsigned int n;
	bool more;

	NEC_TRY(nec_mixed_start(m, threads->items[i].state_addr, threads->items[i].native));
	for (n = 0; n < MAX_FRAMES; n++) {
		NEC_TRY(nec_mixed_next(m, &frame, &more));
		if (!more)
			return NULL;
		if (frame.kind == NEC_MIXED_PYTHON) {
			g->caller = frame;
			g->has_caller = true;
			return NULL;
		}
		if (!g->has_innermost) {
			g->innermost = frame;
			g->has_innermost = true;
		}
		if (g->has_extension)
			continue;
		if (is_servant(&frame.place)) {
			/* Of those behind one another the outermost is what was called. */
			if (!g->has_interpreter && !is_ffi(&frame.place)) {
				g->called = frame;
				g->has_called = frame.place.function != NULL;
			}
		} else if (frame.place.objfile != m->interpreter) {
			g->extension = frame;
			g->has_extension = true;
		} else if (!g->has_interpreter && frame.kind == NEC_MIXED_NATIVE) {
			g->interpreter = frame;
			g->has_interpreter = true;
		}
	}
	return NULL;
}

static void put_guess(const struct guess *g, struct nec_text *out)
{
	const struct nec_mixed_frame *guilty = g->has_extension     ? &g->extension
					       : g->has_interpreter ? &g->interpreter
								    : &g->innermost;

	put_place(&guilty->place, guilty->pc, out);
	if (g->has_extension && g->has_interpreter) {
		nec_text_puts(out, ", in ");
		put_place(&g->interpreter.place, g->interpreter.pc, out);
	}
	if (g->has_called && guilty != &g->innermost)
		nec_text_printf(out, ", in %s", g->called.place.function);
	if (guilty->place.file && guilty->place.line)
		nec_text_printf(out, ", at %s:%d", guilty->place.file, guilty->place.line);
}

struct nec_error *nec_culprit_find(struct nec_threads *threads, uint32_t i, struct nec_text *out,
				   struct nec_text *caller)
{
	const struct nec_process *p = nec_image_process(threads->target->image);
	struct guess g = {0};

	if (!nec_culprit_is_dying(threads, i) || !died_by_itself(p) || !threads->mixed.unwind)
		return NULL;
	NEC_TRY(look(threads, i, &g));
	if (!g.has_innermost)
		return NULL;
	put_guess(&g, out);
	if (g.has_caller)
		put_python(threads->target, &g.caller.python, caller);
	if (p->signo == SIGSEGV && p->sigcode > 0 &&
	    p->sigaddr - (threads->items[i].native->sp - STACK_BELOW) < STACK_BELOW + STACK_ABOVE)
		nec_text_puts(out, "; its stack was full");
	return NULL;
}
