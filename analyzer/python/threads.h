/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads of a process: those that Python knows, those that only the dump has, and both
 * matched; their names, stacks and variables, as facts. Needs no walk over the heap. What each was
 * waiting for is waits.h.
 *
 * A Python thread is that one of the dump whose thread pointer is its ident (pthread_self), else
 * the one whose number is its native_thread_id (3.11 on).
 */
#ifndef NEC_PYTHON_THREADS_H
#define NEC_PYTHON_THREADS_H

#include "base/text.h"
#include "fact.h"
#include "image/syscall.h"
#include "python/dict.h"
#include "python/exception.h"
#include "python/mixed.h"
#include "python/stack.h"
#include "python/types.h"
#include "python/value.h"

#define NEC_NO_THREAD UINT32_MAX

struct nec_thread {
	uint32_t tid;                          /* 0: not known */
	uint64_t ident;                        /* threading.get_ident(); 0: no Python thread */
	uint64_t state_addr;                   /* PyThreadState; 0: no Python thread */
	uint32_t interpreter;                  /* index into the target's */
	int daemon;                            /* -1: not known */
	char *name;                            /* owned; NULL: threading does not say */
	const struct nec_image_thread *native; /* NULL: the dump has no such thread */
	bool aside; /* has no frame, while its thread has some in another interpreter */
	struct nec_syscall call;
	/* What it waits for, by waits.c. */
	enum nec_gil_word { NEC_GIL_UNKNOWN, NEC_GIL_NONE, NEC_GIL_WAITING, NEC_GIL_HELD } gil;
	uint64_t lock;   /* the lock object it waits for, 0: none */
	uint32_t holder; /* index of the thread that has that lock, NEC_NO_THREAD: not known */
	const char *holder_how; /* how that was found */
	char *state;            /* owned: in words */
};

/* Kinds of ends of native stacks that are told apart. */
enum { NEC_THREADS_ENDS = 32 };

struct nec_threads {
	const struct nec_target *target; /* borrowed */
	struct nec_types *types;         /* borrowed */
	struct nec_thread *items;        /* owned; by tid */
	uint32_t count, capacity;
	int64_t switch_interval; /* of the GIL, microseconds (2.7: instructions); -1: not known */
	char *culprit;   /* owned: where it died (culprit.h); NULL: not by itself, or not known */
	char *culprit_caller; /* owned: the Python function it was called by, "": none */
	char **messages; /* owned: what is worth a warning */
	uint32_t message_count;
	bool no_values; /* variables get no text; set by the owner */
	struct nec_values values;
	/* Where nec_threads_next is. */
	uint32_t index, message;
	bool interval_given, thread_given, in_frame;
	struct nec_exception exception; /* of the thread at hand */
	uint32_t depth;
	uint64_t variable;
	bool in_namespace;
	struct nec_dict namespace;
	struct nec_mixed mixed;
	struct nec_stack_frame frame;
	bool failed; /* out of memory */
	struct nec_thread_end {
		enum nec_unwind_end kind;
		uint32_t objfile, count;
		uint32_t thread; /* the first of them */
		uint64_t addr;
	} ends[NEC_THREADS_ENDS]; /* of native stacks that are not complete */
	uint32_t end_count;
	char *function, *qualname, *file; /* of the last fact */
	struct nec_text text;
};

/* Finds the threads and what they wait for. no_native: without native frames. Errors: no memory. */
struct nec_error *nec_threads_init(struct nec_threads *threads, struct nec_types *types,
				   bool no_native);
void nec_threads_deinit(struct nec_threads *threads);

/* The next META, THREAD, TRACEBACK, FRAME, LOCAL or WARNING; false behind the last, and when `failed`. A frame's variables follow it.
 * Strings are borrowed until the next call. */
bool nec_threads_next(struct nec_threads *threads, struct nec_fact *f);

/* "'worker-3'" or "thread 4711"; adds to out. */
void nec_threads_name(const struct nec_threads *threads, uint32_t i, struct nec_text *out);

/* Keeps a message for a WARNING. */
void nec_threads_warn(struct nec_threads *threads, const char *message);

#endif
