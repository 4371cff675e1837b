/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing the database of one dump: the only module, with store/read.h, that knows SQLite.
 *
 * The file is written as NAME.partial, mode 0600, without a journal, in one go, and renamed when
 * complete, so an interrupted load leaves NAME.partial or nothing. SQLite runs on a thread of its
 * own behind a bounded queue of batches: whoever calls the functions below computes while rows are
 * inserted. Rows of the two large tables come out of virtual tables (INSERT ... SELECT costs half
 * of bind and step). An error of that thread is returned by the next call.
 *
 * References are packed: a page covers a run of consecutive ids and holds their addresses, their
 * outgoing references with kind and label, and (in rows of their own) their referrers. See
 * store/pack.h for the encoding; the virtual table `reference` (store/reference.c) reads it, in the
 * program and in the loadable extension.
 */
#ifndef NEC_STORE_STORE_H
#define NEC_STORE_STORE_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "fact.h"

struct nec_store;

/* Columns of all objects in order of id (= ascending address). Borrowed until
 * nec_store_objects_end. */
struct nec_object_columns {
	uint32_t count;
	const uint64_t *addr;
	const uint32_t *type;
	const uint32_t *size;           /* bytes; UINT32_MAX: look in large */
	const uint32_t *native;         /* bytes; UINT32_MAX: look in large; NULL: none known */
	const uint32_t *refcount;       /* UINT32_MAX: look in large; NULL: format has none */
	const uint8_t *flags;           /* NEC_OBJECT_* */
	const uint64_t *referrer_start; /* [count + 1]: referrers = difference */
	const uint32_t *idom;           /* ids, UINT32_MAX: none; NULL: not computed */
	const int64_t *retained;        /* bytes; NULL: not computed */
	const uint32_t *distance;       /* 0: unreachable; NULL: not computed */
	/* Exact values of what does not fit 32 bits; column is one of NEC_LARGE_*; sorted by id,
	 * column. */
	const struct nec_large {
		uint32_t id;
		uint32_t column;
		int64_t value;
	} * large;
	uint64_t large_count;
};

enum { NEC_LARGE_SIZE, NEC_LARGE_NATIVE, NEC_LARGE_REFCOUNT };

/* One outgoing reference with ids instead of addresses; label_kind KEY and ATTR hold ids too
 * (UINT32_MAX: key unknown). */
struct nec_packed_ref {
	uint32_t dst;
	uint8_t kind;       /* enum nec_ref_kind */
	uint8_t label_kind; /* enum nec_label_kind */
	uint64_t label;
};

/*
 * Starts path.partial. An existing path is left alone until nec_store_finish, which replaces it.
 * NEC_ERR_STORE when another process is writing the same one.
 */
struct nec_error *nec_store_create(const char *path, struct nec_store **store_ret);

/* Everything but OBJECT, EXTENT and REFERENCES facts; copied. */
struct nec_error *nec_store_put(struct nec_store *store, const struct nec_fact *fact);

/*
 * The outgoing references of one object; ids are consecutive from call to call, addr is that of the
 * object, objects without references included. The same id again adds to its list. refs are encoded
 * before the call returns.
 */
struct nec_error *nec_store_references(struct nec_store *store, uint32_t id, uint64_t addr,
				       uint32_t type, const struct nec_packed_ref *refs,
				       uint32_t count);

/*
 * The same edges from the other end, in compressed rows: the sources of dst are from[start[dst]] ..
 * from[start[dst + 1] - 1], ascending. What is to be read as the reference of an instance to its
 * type is not kept: an edge of src to type_object[type[src]] is left out unless it is in extra.
 */
struct nec_referrer_columns {
	uint32_t count;
	const uint64_t *start; /* [count + 1] */
	const uint32_t *from;
	const uint32_t *type;        /* [count], ids of types */
	const uint32_t *type_object; /* [type_count]: object of a type, UINT32_MAX: none */
	uint32_t type_count;
	const uint64_t *extra; /* (dst << 32 | src), ascending: edges that are kept in any case */
	uint64_t extra_count;
};

/* After all nec_store_references. */
struct nec_error *nec_store_referrers(struct nec_store *store,
				      const struct nec_referrer_columns *columns,
				      struct nec_progress *progress);

/*
 * All object rows; call once. They are written while the caller does something else, and are when
 * nec_store_objects_end returns, which is due even if that something failed.
 */
struct nec_error *nec_store_objects_begin(struct nec_store *store,
					  const struct nec_object_columns *columns);
struct nec_error *nec_store_objects_end(struct nec_store *store,
					const struct nec_object_columns *columns,
					struct nec_progress *progress);

/* A row of table duplicate. */
struct nec_error *nec_store_duplicate(struct nec_store *store, const char *kind, uint32_t rank,
				      uint64_t addr, uint32_t count, int64_t bytes);

/* An object that has more owners than its count says. */
struct nec_error *nec_store_short(struct nec_store *store, uint64_t addr, int64_t owners);

/* What sets of objects retain: retained[] of all types by id, after nec_store_objects_end; a module
 * or a package (kind) by its name; the roots of a thread, after its THREAD. */
struct nec_error *nec_store_type_retained(struct nec_store *store, const int64_t *retained,
					  uint32_t count);
struct nec_error *nec_store_thread_retained(struct nec_store *store, uint32_t id,
					    int64_t retained);
struct nec_error *nec_store_group_retained(struct nec_store *store, const char *kind,
					   const char *name, int64_t retained);

/* One stage of the load: what `stage` rows keep. seconds of wall time, bytes of peak private
 * memory. */
struct nec_error *nec_store_stage(struct nec_store *store, const char *name, int64_t rows,
				  double seconds, int64_t peak_bytes);

/*
 * Indexes, and everything written: the database can be opened for reading at *path_ret (borrowed), by one who closes
 * it before rows of the smaller tables are added: they may be, until nec_store_finish.
 */
struct nec_error *nec_store_readable(struct nec_store *store, const char **path_ret);

/* nec_store_readable where nobody called it, and the rename. Consumes store, also on failure (then .partial is removed). */
struct nec_error *nec_store_finish(struct nec_store *store);

/* Gives up: removes .partial. NULL is fine. */
void nec_store_abandon(struct nec_store *store);

#endif
