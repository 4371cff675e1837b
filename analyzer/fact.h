/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seam between whoever reads a dump and whoever keeps it: a stream of facts.
 *
 * A source is pulled: next(&fact) until it says there is no more. Strings and arrays in a fact are borrowed until the
 * following call. References are addresses; ids exist only after the last object, so a source tells everything about
 * all objects first and their references after:
 *
 *   META, MAPPING, MEMORY, ARENA, PART, LIMIT, SAMPLE, MARK, CENSUS, STRING, TYPE, VALUE, ROOT, THREAD, TRACEBACK, FRAME, LOCAL, TASK,
 *       TASK_FRAME, TASK_WAIT, WARNING    at any time, but
 *       a TYPE and a STRING before the first fact that names it;
 *   FINDING    made at the end of a load (suspects.h), not by sources;
 *   EXTENT     before the first object: where objects may lie (a source that does not know leaves it out);
 *   OBJECT     each object once, in any order; `sorted` sources promise ascending addresses;
 *   REFERENCES after the last OBJECT, in the order of the objects; a long list may come in several facts, one behind the
 *       other.
 *
 * A source that has no objects leaves those out; META "kinds" then says what it has.
 */
#ifndef NEC_FACT_H
#define NEC_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * How sure is it that a root owns a reference? Words that happen to point at objects may be borrowed (variables of C, caches of the
 * interpreter), or left over (native stacks, registers). Whoever gives a root says so, the column root.doubt keeps it, and all who
 * prefer one root to another go by that. To be kept in this order, and these numbers.
 */
enum nec_root_doubt {
	NEC_ROOT_SURE,
	NEC_ROOT_DOUBTFUL, /* the word may own nothing, or nobody knows where it is */
	NEC_ROOT_STALE,    /* the word may be one that nobody cleared, too */
};

enum nec_fact_kind {
	NEC_FACT_END, /* nothing follows */
	NEC_FACT_META,
	NEC_FACT_WARNING,
	NEC_FACT_MAPPING,
	NEC_FACT_MEMORY,
	NEC_FACT_STRING,
	NEC_FACT_TYPE,
	NEC_FACT_EXTENT,
	NEC_FACT_OBJECT,
	NEC_FACT_VALUE,
	NEC_FACT_REFERENCES,
	NEC_FACT_ROOT,
	NEC_FACT_THREAD,
	NEC_FACT_TRACEBACK,
	NEC_FACT_FRAME,
	NEC_FACT_LOCAL,
	NEC_FACT_TASK,
	NEC_FACT_TASK_FRAME,
	NEC_FACT_TASK_WAIT,
	NEC_FACT_CENSUS,
	NEC_FACT_SAMPLE,
	NEC_FACT_LAYOUT,
	NEC_FACT_SPACE,
	NEC_FACT_ARENA,
	NEC_FACT_PART,
	NEC_FACT_MARK,
	NEC_FACT_FINDING,
	NEC_FACT_LIMIT,
};

enum nec_ref_kind {
	NEC_REF_STRONG,       /* owns a reference */
	NEC_REF_WEAK,         /* never retains */
	NEC_REF_TYPE,         /* to the type of the object */
	NEC_REF_CONSERVATIVE, /* a word that points exactly at an object, of a type nobody described
			       */
	NEC_REF_BORROWED,     /* points at an object whose count it is no part of: never retains */
};

enum { NEC_REF_KINDS = NEC_REF_BORROWED + 1 };

/* Does a reference of this kind keep what it points at alive? */
static inline bool nec_ref_holds(uint8_t kind)
{
	return kind != NEC_REF_WEAK && kind != NEC_REF_BORROWED;
}

/* Is it known to be counted? Of a conservative word nobody knows. */
static inline bool nec_ref_owns(uint8_t kind)
{
	return kind == NEC_REF_STRONG || kind == NEC_REF_TYPE;
}

/* What a reference is called; the text is made when somebody asks for it. */
enum nec_label_kind {
	NEC_LABEL_NONE,
	NEC_LABEL_STRING, /* label is the id of a STRING fact: ".__dict__", ".fn" */
	NEC_LABEL_INDEX,  /* [label] */
	NEC_LABEL_KEY,	  /* ['key']: label is the address of the key object */
	NEC_LABEL_ATTR,	  /* .name: label is the address of a str object */
	NEC_LABEL_WORD,	  /* +label: an offset in bytes into the object */
};

struct nec_ref {
	uint64_t dst;	/* address of an object; one that is not there is counted as dangling */
	uint64_t label; /* by label_kind */
	uint8_t kind;	/* enum nec_ref_kind */
	uint8_t label_kind;
};

#define NEC_UNKNOWN INT64_MIN

struct nec_fact {
	enum nec_fact_kind kind;
	union {
		struct {
			const char *key, *value;
		} meta;
		struct {
			const char *stage, *message;
			uint64_t addr; /* 0: none */
		} warning;
		struct {
			uint64_t start, end, dumped;
			uint32_t perms;
			const char *path, *kind; /* kind: heap, stack, file, anon, vdso, ... */
			uint64_t missing; /* bytes at its end that are nowhere */
			uint64_t into;	  /* references of objects that lead into these */
		} mapping;
		struct {
			const char *category;
			int64_t bytes, count;
			const char *area; /* what it belongs to; NULL: not said */
		} memory;
		struct {
			uint32_t id; /* dense, from 0, ascending */
			const char *text;
		} string;
		struct {
			uint32_t id;	 /* dense, from 0, ascending */
			uint64_t addr;	 /* 0: not known */
			const char *name; /* module.qualname */
			const char *module;
			int64_t basicsize, itemsize;
			uint64_t flags;
			uint64_t base;	  /* address of tp_base, 0: none */
			bool lends;       /* counts of it need not have its instances */
			const char *visitor; /* which tier describes it: "exact", "fields", "conservative" */
		} type;
		struct {
			uint64_t start, end;
		} extent;
		struct {
			uint64_t addr;
			uint32_t type; /* id of a TYPE fact */
			uint32_t flags; /* NEC_OBJECT_* */
			int64_t size;	  /* sys.getsizeof, bytes */
			int64_t native;	  /* bytes it alone owns outside `size` */
			int64_t refcount; /* NEC_UNKNOWN where a format has none */
			uint64_t content; /* of strings and numbers: the same for all of the type that are equal; 0: not known */
		} object;
		struct {
			uint64_t addr;
			const char *text; /* UTF-8, as Python's repr would begin */
			uint32_t len;
		} value;
		struct {
			uint64_t src;
			const struct nec_ref *refs;
			uint32_t count;
		} references;
		struct {
			uint64_t addr;
			const char *kind, *label;
			/* The thread that it belongs to: its PyThreadState, or its number; 0: not
			 * known, or none. After the THREAD. */
			uint64_t thread;
			uint32_t tid;
			bool counted; /* the object's count has it for sure */
			enum nec_root_doubt doubt;
		} root;
		struct {
			uint32_t id; /* dense, from 0 */
			uint32_t tid;
			uint64_t ident, addr; /* pthread_self; PyThreadState */
			const char *name, *state, *gil;
			int daemon; /* -1: not known */
			uint32_t interpreter;
			const char *exception;   /* that it deals with; NULL: none, or no values */
			uint64_t exception_addr; /* 0: none */
		} thread;
		struct { /* where a thread's exception was raised */
			uint32_t thread, depth; /* depth 0 is the outermost call */
			const char *function, *qualname, *file;
			int32_t line;
		} traceback;
		struct {
			uint32_t thread, depth; /* depth 0 is the innermost */
			/* "python", "native", "interpreter" (native: its own loop and the
			 * calls around it) */
			const char *kind;
			const char *function, *qualname, *file;
			const char *library; /* path of the ELF file of a native frame */
			int32_t line, column; /* 0: not known */
			uint64_t addr, code;  /* of the frame (pc of a native one) and its code object */
		} frame;
		struct {
			uint32_t thread, depth;
			const char *name;
			uint64_t addr;
			const char *text; /* may be NULL: look in value */
		} local;
		struct { /* a task of asyncio, a greenlet; its frames and waits follow */
			uint64_t addr;
			const char *kind, *name, *state;
			uint64_t loop, coro;  /* 0: none */
			uint32_t thread;      /* that runs its loop, UINT32_MAX: none */
			const char *waits;    /* for what, in words */
			uint64_t waits_for;   /* that object, 0: none */
		} task;
		struct {
			uint64_t task;
			uint32_t depth; /* 0 is the innermost */
			const char *function, *qualname, *file;
			int32_t line;
			uint64_t addr, code; /* of the coroutine and its code object */
		} task_frame;
		struct {
			uint64_t task, awaited; /* TASK addr */
		} task_wait;
		struct {
			const char *name; /* of a type or another key of the partition */
			int64_t count, bytes;
			const char *kind; /* what the partition is by: "type", "module", ... */
			uint32_t series;  /* which package of a file that holds several */
		} census;
		struct {
			double time; /* seconds since the epoch */
			const char *name; /* "rss", "pss", "cpu", ... */
			int64_t value;
			const char *unit; /* "bytes", "count" */
			uint32_t pid;
		} sample;
		struct { /* a stretch of time that the program gave a name: a call, a block */
			double start, end; /* seconds since the epoch */
			const char *name;
			int64_t bytes_start, bytes_end; /* memory at either end */
			int32_t level;	/* how deep it is nested, from 0; -1: not known */
		} mark;
		struct {
			const char *field; /* "PyListObject.ob_item" */
			int64_t offset;
			const char *source; /* "table", "debug offsets", "DWARF", "probe" */
			const char *disagrees; /* what other sources say; NULL when none does */
		} layout;
		struct { /* what a rule found worth saying */
			const char *rule, *title, *detail;
			int64_t bytes; /* NEC_UNKNOWN: not a matter of bytes */
			uint64_t addr; /* 0: none */
		} finding;
		struct { /* a stretch that an allocator hands out memory from */
			const char *kind; /* "pymalloc", "malloc" */
			uint32_t number;  /* of the arena that a heap of malloc belongs to: 0 is the main one */
			uint64_t start;
			int64_t bytes, used, used_count, free, free_count;
			int64_t cached, cached_count; /* freed and kept for the next caller */
			int64_t whole;	 /* free in whole: pools, the top */
			int64_t release; /* what the system would get back now if the allocator let go of it */
			uint64_t last;	 /* the last memory in use, 0: not known */
		} arena;
		struct { /* memory of an object that lies outside of it, where somebody will ask whose it is */
			uint64_t addr, owner;
			int64_t bytes;
		} part;
		struct { /* a limit on memory that the dump tells of */
			const char *source; /* "environment", "command line", ... */
			const char *name;   /* "MEMORY_LIMIT", "RLIMIT_AS", ... */
			const char *of;	    /* "resident", "address space" */
			const char *text;   /* as it stood there, with its unit; NULL: a number of bytes */
			int64_t bytes;
		} limit;
		struct { /* Python's own allocator: one row a size class or kind of space */
			const char *kind; /* "pymalloc arena", "pymalloc block", ... */
			int64_t size, count, used, bytes;
		} space;
	};
};

enum {
	NEC_OBJECT_GC = 1,	    /* has a collector header */
	NEC_OBJECT_TRACKED = 2,	    /* is in a collector list */
	NEC_OBJECT_IMMORTAL = 4,    /* its refcount says so */
	NEC_OBJECT_STATIC = 8,	    /* not in a heap: lies in a mapped file's data */
	NEC_OBJECT_SHARES = 32,	    /* a dict whose keys are in a table that others have too */
	NEC_OBJECT_UNREACHED = 16,  /* no reference led to it: found by the collector's lists or in a block */
};

/* One reader at work. next and close are set by whoever made it. */
struct nec_source {
	/* The next fact; kind NEC_FACT_END when there is none. An error ends the stream. */
	struct nec_error *(*next)(struct nec_source *source, struct nec_fact *fact);
	void (*close)(struct nec_source *source); /* frees source */
	bool sorted; /* OBJECT facts come in ascending order of address */
	uint64_t expected; /* OBJECT facts that there will be; 0: not known */
};

#endif
