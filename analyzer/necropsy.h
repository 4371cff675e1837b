/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libnecropsy: open a dump, load it into a database, ask the database. What cli/ and tui/ see; besides this header
 * they use base/ alone. Handles are opaque; errors are values (base/error.h); nothing here prints.
 */
#ifndef NECROPSY_H
#define NECROPSY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "options.h"

#define NEC_SCHEMA_VERSION 4

struct nec_db;
struct nec_query;

/*
 * Loads dump into a database. Where a complete database of the same dump (by identity: size, mtime and a hash of its
 * first and last MiB) is there already, that one is used and *loaded_ret is false. path_ret: to be freed.
 */
struct nec_error *nec_load(const char *dump, const struct nec_load_options *options,
			   char **path_ret, bool *loaded_ret);

/* Is this file a necropsy database (complete or not)? Errors count as no. */
bool nec_is_database(const char *path);

/*
 * The layout table of a CPython build from the debug information of its files (the interpreter or libpython first, extension modules
 * after it; NULL-terminated), as text for analyzer/python/layouts/. What equals the table of version major.minor is left out; major 0: nothing
 * is. links: objects begin with two links (--with-trace-refs), in that version they do not. headers: the files have what headers declare; nothing is said of other structs, nor of C types. text_ret: to be freed.
 */
struct nec_error *nec_layout_table(const char *const *files, unsigned int major, unsigned int minor,
				   const char *abi, bool links, bool headers, char **text_ret);

/* Opens a database read-only. NEC_ERR_FORMAT when it is none, NEC_ERR_UNSUPPORTED for another schema version. */
struct nec_error *nec_db_open(const char *path, struct nec_db **db_ret);
void nec_db_close(struct nec_db *db); /* NULL is fine */

/* A value of `meta`, to be freed; NULL when there is none. */
char *nec_db_meta(struct nec_db *db, const char *key);

/* Makes a running query of this database end with NEC_ERR_CANCELLED; safe from any thread and signal handler. */
void nec_db_interrupt(struct nec_db *db);

/*
 * Queries. name is that of a file in store/sql/ without .sql; parameters are bound by name (":addr"). A query is
 * stepped to its end or closed; columns are borrowed until the next step.
 */
struct nec_error *nec_query_named(struct nec_db *db, const char *name, struct nec_query **query_ret);
/* The user's own SQL; one statement, and only one that reads. */
struct nec_error *nec_query_sql(struct nec_db *db, const char *sql, struct nec_query **query_ret);
void nec_query_close(struct nec_query *query); /* NULL is fine */

enum nec_column_type { NEC_COLUMN_NULL, NEC_COLUMN_INT, NEC_COLUMN_REAL, NEC_COLUMN_TEXT, NEC_COLUMN_BLOB };

/*
 * A page of a named query: some rows before or after a position in its order, found by key and never by OFFSET. The columns
 * named here are those of the query; sort need not be unique, key is, and breaks ties in the same direction. sort may be
 * NULL in some rows, key is not.
 */
struct nec_page {
	const char *sort;	    /* NULL: by key alone */
	const char *key;
	bool descending;
	bool backward;		    /* rows before the position, the nearest first */
	bool inclusive;		    /* begin with the row at the position itself */
	bool positioned;	    /* false: from the beginning, or from the end when backward */
	struct nec_page_value {
		enum nec_column_type type; /* NULL, INT, REAL or TEXT */
		int64_t i;
		double r;
		const char *s;
	} sort_value, key_value;    /* the position */
	const char *const *filter_columns; /* NULL-terminated; NULL: all rows */
	const char *filter;	    /* text that one of filter_columns contains, in ASCII letters of either case */
	int64_t limit;		    /* rows; < 0: all */
	/* Column with addresses of objects: the rows get one more column, nec_preview, with what is there in a line. */
	const char *preview;
	bool count;		    /* one row with the number of rows instead; position, order and limit are ignored */
};

/* What page points to is copied. The query's own parameters are bound by the caller as ever. */
struct nec_error *nec_query_page(struct nec_db *db, const char *name, const struct nec_page *page,
				 struct nec_query **query_ret);

struct nec_error *nec_query_bind_int(struct nec_query *query, const char *param, int64_t value);
struct nec_error *nec_query_bind_real(struct nec_query *query, const char *param, double value);
struct nec_error *nec_query_bind_text(struct nec_query *query, const char *param, const char *value);

/* Back to before the first row, to bind other values; those that are bound stay. */
void nec_query_reset(struct nec_query *query);

/* *row_ret: is there a row? */
struct nec_error *nec_query_step(struct nec_query *query, bool *row_ret);

int nec_query_column_count(const struct nec_query *query);
const char *nec_query_column_name(const struct nec_query *query, int column);
enum nec_column_type nec_query_column_type(const struct nec_query *query, int column);
int64_t nec_query_int(const struct nec_query *query, int column);
double nec_query_real(const struct nec_query *query, int column);
/* UTF-8, or the bytes of a blob; "" for NULL. size_ret may be NULL. */
const char *nec_query_text(const struct nec_query *query, int column, size_t *size_ret);

/*
 * Who holds what. References and objects are called as Python would write them: `.name`, `['key']`, `0x7f..['key'].name`,
 * `module.Class.name`, `module.Class().name`, `X->Y` (analyzer/pattern.h has all of it). Lists of strings end with NULL and may
 * be NULL. Roots of some kinds (root.kind) can be left out everywhere.
 */
struct nec_path_options {
	uint32_t max_paths;	      /* 0: one */
	const char *const *not_edges; /* references that no path uses */
	const char *const *not_types; /* classes whose instances no path crosses */
	/*
	 * NULL: words on stacks and in registers (root.doubt 2) begin a path only where nothing else does; and C globals, thread states and
	 * native memory (1) come after modules and frames.
	 */
	const char *const *not_roots;
	bool weak;     /* weak references, too */
	uint64_t from; /* paths begin at this object and not at a root; 0: at roots */
	struct nec_progress *progress;
};

/* An object on a path: a node of the tree that all paths make. */
struct nec_path_step {
	uint64_t addr;
	uint32_t parent; /* index of the step before; UINT32_MAX: the path begins here */
	uint32_t paths;	 /* how many of the paths come through */
	char *label;	 /* what the step before calls it; "" when that is not known, and for the first */
	char *type, *value; /* value NULL: none is kept */
	int64_t size;	    /* with native bytes */
	int64_t retained;   /* -1: not known */
};

struct nec_path_line {
	uint32_t last;	 /* step of the object in question; the others are its parents */
	uint32_t length; /* steps */
	char *root_kind, *root_label; /* NULL when it begins at an object, or has no label */
	char *text;	 /* sys.modules['mindmeld'].Processor.instance_map['a'] */
};

struct nec_paths {
	struct nec_path_step *steps; /* parents stand before their children */
	uint32_t step_count;
	struct nec_path_line *lines; /* from modules and frames first; then the shortest, see graph/path.h */
	uint32_t line_count;
};

/* Paths to the object at addr. NEC_ERR_NOTFOUND: no such object, class or reference; no path is no error. */
struct nec_error *nec_paths_find(struct nec_db *db, uint64_t addr,
				 const struct nec_path_options *options, struct nec_paths **paths_ret);
void nec_paths_destroy(struct nec_paths *paths); /* NULL is fine */

static inline void nec_paths_destroyp(struct nec_paths **pathsp)
{
	nec_paths_destroy(*pathsp);
}

/*
 * What if: objects and bytes that nothing would reach any more. Lists hold patterns as above; all that they name goes at once.
 */
struct nec_whatif_options {
	const char *const *cut;	      /* references that are not there */
	const char *const *weaken;    /* objects whose items (['key'], [3], .name) are held weakly, or references that are weak */
	const char *const *drop;      /* objects that are not there */
	const char *const *not_roots; /* kinds of roots that are not there */
	const char *cap;	      /* "lru_cache=N": caches keep their N newest entries; NULL: as they are */
	struct nec_progress *progress;
};

struct nec_whatif {
	uint64_t cut; /* references that the patterns named */
	uint64_t count;
	int64_t bytes; /* with native bytes */
	struct nec_whatif_type {
		char *name;
		uint64_t count;
		int64_t bytes;
	} *types; /* the largest first */
	uint32_t type_count;
};

struct nec_error *nec_whatif(struct nec_db *db, const struct nec_whatif_options *options,
			     struct nec_whatif **whatif_ret);
void nec_whatif_destroy(struct nec_whatif *whatif); /* NULL is fine */

static inline void nec_whatif_destroyp(struct nec_whatif **whatifp)
{
	nec_whatif_destroy(*whatifp);
}

/* The neighbourhood of an object as a drawing. */
struct nec_dot_options {
	uint32_t referrers;   /* steps back */
	uint32_t referents;   /* steps on */
	uint32_t max_objects; /* 0: 30 */
	struct nec_progress *progress;
};

/* A text for Graphviz, to be freed. NEC_ERR_NOTFOUND: no object at addr. */
struct nec_error *nec_dot(struct nec_db *db, uint64_t addr, const struct nec_dot_options *options,
			  char **text_ret);

/*
 * What changed between two snapshots, a before b, as a database of its own (store/difference.sql): by class, holder, module and
 * thread, containers with their lengths, and objects where both snapshots have them and are of one process. Objects are the
 * same where address, class, value and references say so (compare/pairing.h).
 */
struct nec_diff_options {
	bool all_objects; /* list every object that was added or is gone; otherwise some of each class */
	bool no_paths;	  /* do not look for how holders are reached */
	struct nec_progress *progress;
};

struct nec_error *nec_diff(struct nec_db *a, struct nec_db *b, const struct nec_diff_options *options,
			   struct nec_db **diff_ret);

/*
 * Objects by the snapshots that they are in. Lists end with NULL and may be NULL; alive has one at least, and figures are those of its
 * first. The result has the tables class (count_b, bytes_b) and object of a difference.
 */
struct nec_diff_sets {
	struct nec_db *const *alive;	  /* in each of these */
	struct nec_db *const *born_after; /* and in none of these */
	struct nec_db *const *gone_in;	  /* and in none of these */
};

struct nec_error *nec_diff_select(const struct nec_diff_sets *sets, const struct nec_diff_options *options,
				  struct nec_db **diff_ret);

/*
 * A series of snapshots of any kind, in any order, as a database of its own (store/trend.sql): memory, types, holders and
 * containers over time, with what each does (compare/fit.h), and when memory reaches its limit.
 */
struct nec_trend_options {
	int64_t limit;	      /* bytes; 0: what a snapshot says of a cgroup or address space */
	const char *limit_of; /* which memory is limited: rss, size, ... NULL: what there is */
	struct nec_progress *progress;
};

struct nec_error *nec_trend(struct nec_db *const *snapshots, size_t count,
			    const struct nec_trend_options *options, struct nec_db **trend_ret);

/*
 * The stacks of a dump or a database. Of a dump they are read straight from its memory, without loading the heap. Strings live as long as
 * the result; NULL: not known.
 */
struct nec_stacks {
	struct nec_stacks_thread {
		uint32_t id;	/* as in `thread` */
		uint32_t tid;	/* 0: not known */
		uint64_t ident, addr; /* 0: no Python thread */
		const char *name, *state, *gil;
		int daemon;	/* -1: not known */
		uint32_t interpreter;
		uint32_t frame, frame_count;	/* first of frames, innermost first */
		const char *exception;	/* that it deals with */
		uint64_t exception_addr; /* 0: none */
		uint32_t raised, raised_count; /* first of tracebacks, outermost first */
		int64_t retained; /* bytes that it alone keeps alive; -1: not known, as without a database */
	} *threads;
	uint32_t thread_count;
	struct nec_stacks_frame {
		const char *kind, *function, *qualname, *file, *library;
		int32_t line, column; /* 0: not known */
		uint64_t addr, code;
		uint32_t local, local_count; /* first of locals */
	} *frames;
	uint32_t frame_count;
	struct nec_stacks_local {
		const char *name, *text;
		uint64_t addr;
		int64_t retained; /* by the object it holds; -1: not known, as without a database */
	} *locals;
	uint32_t local_count;
	struct nec_stacks_raised {
		const char *function, *qualname, *file;
		int32_t line; /* 0: not known */
	} *tracebacks; /* where their exceptions were raised */
	uint32_t traceback_count;
	int64_t switch_interval; /* of the GIL, microseconds (2.7: instructions); -1: not known */
	const char **warnings; /* what was odd about them, deadlocks too */
	uint32_t warning_count;
};

struct nec_error *nec_stacks_read(const char *path, const struct nec_load_options *options,
				  struct nec_stacks **stacks_ret);
void nec_stacks_destroy(struct nec_stacks *stacks); /* NULL is fine */

static inline void nec_stacks_destroyp(struct nec_stacks **stacksp)
{
	nec_stacks_destroy(*stacksp);
}

/*
 * Dumps of workers of one parent: page by page, what is still the same at the same address, and of what is not, what made it so.
 * Pages of files that nobody writes are the system's and in no worker twice. A page that was written and says the same as before
 * counts as the same: a dump does not tell.
 */
enum nec_dirt {
	NEC_DIRT_REFCOUNTS, /* reference counts alone */
	NEC_DIRT_COLLECTOR, /* links and marks of the collector, and perhaps counts */
	NEC_DIRT_CONTENTS,  /* anything else */
	NEC_DIRT_ALONE,	    /* no other worker has a page there */
	NEC_DIRTS,
};

struct nec_workers {
	struct nec_workers_item {
		uint32_t pid; /* 0: not known */
		/* Bytes: all of them, of files that nobody writes, of pages that nobody touched, the same in all dumps, the same in
		 * some, its own. */
		int64_t bytes, files, untouched, same, some, own;
		/* Its own by the kind of memory (mapping.kind) and what made it so. */
		struct nec_workers_kind {
			char *name;
			int64_t bytes[NEC_DIRTS];
		} *kinds;
		uint32_t kind_count;
	} *items;
	uint32_t count;
	int64_t together; /* what all of them take, what is the same counted once; files and untouched pages left out */
};

/* dbs[i] is the database of dumps[i], of which the core is read again. */
struct nec_error *nec_workers_compare(const char *const *dumps, struct nec_db *const *dbs, uint32_t count,
				      const struct nec_load_options *options, struct nec_workers **workers_ret);
void nec_workers_destroy(struct nec_workers *workers); /* NULL is fine */

static inline void nec_workers_destroyp(struct nec_workers **workersp)
{
	nec_workers_destroy(*workersp);
}

static inline void nec_db_closep(struct nec_db **dbp)
{
	nec_db_close(*dbp);
}

static inline void nec_query_closep(struct nec_query **queryp)
{
	nec_query_close(*queryp);
}

/*
 * Capturing a living process: an ELF core that any debugger opens, of what is its own (memory that it never touched and pages that
 * are as their file has them are left out). It stands still while its memory is copied to a plain file; packing happens
 * when it runs again.
 */
struct nec_capture_options {
	const char *output;	/* the file to make */
	bool zstd;		/* pack it */
	uint64_t min_free;	/* bytes that the disk keeps free */
	struct nec_progress *progress; /* may be NULL */
};

struct nec_capture_estimate {
	uint64_t bytes;	  /* of memory to copy, and of disk while it is done */
	uint64_t threads;
	double seconds;	  /* that the process would stand still */
	uint64_t room;	  /* bytes free where the output goes */
};

struct nec_capture_result {
	uint64_t bytes;	  /* of memory in the file */
	uint64_t missing; /* bytes that could not be read */
	uint64_t disk;	  /* bytes of disk that the file takes */
	double pause;	  /* seconds that the process stood still */
	bool died;	  /* it ended meanwhile; what was read until then is in the file */
	bool unpacked;	  /* there was no room to pack it */
};

/* What a capture would cost, measured on the process as it runs. */
struct nec_error *nec_capture_estimate(int pid, const struct nec_capture_options *options,
				       struct nec_capture_estimate *ret);

/* NEC_ERR_NOSPACE when the disk has too little room, before or meanwhile: then there is no file. */
struct nec_error *nec_capture(int pid, const struct nec_capture_options *options, struct nec_capture_result *ret);

/*
 * A condition to wait for: "rss>90%" (memory, of the limit of its cgroup or of its own address space), "rss>4GiB", "psi>20"
 * (percent of the last 10 s in which somebody waited for memory), "growth>100MiB" (in a minute); "rss", "psi" and "growth"
 * alone mean 90%, 10 and 100MiB. NEC_ERR_USAGE says what is wrong with it.
 */
struct nec_watch;
struct nec_error *nec_watch_create(const char *condition, struct nec_watch **watch_ret);
void nec_watch_destroy(struct nec_watch *watch); /* NULL is fine */

/*
 * Looks at process pid once. *met_ret: the condition holds and did not at the look before (the first look counts). why:
 * what was seen, in words. NEC_ERR_NOTFOUND when the process is gone.
 */
struct nec_error *nec_watch_look(struct nec_watch *watch, int pid, bool *met_ret, char *why, size_t why_size);

/* The process with the most resident memory in a cgroup (a directory below /sys/fs/cgroup). */
struct nec_error *nec_capture_cgroup(const char *directory, int *pid_ret);

#endif
