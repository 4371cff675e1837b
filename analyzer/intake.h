/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first stage of a load: facts become rows, columns and edges.
 *
 * Objects go into columns (temporary arrays) until the last one was seen; then they are sorted
 * where the source did not, get dense ids by address, and references are turned from addresses into
 * ids, handed to the store packed, and kept as a graph for the analysis. Everything else goes to
 * the store as it comes.
 */
#ifndef NEC_INTAKE_H
#define NEC_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrset.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/strtab.h"
#include "base/tmparray.h"
#include "contents.h"
#include "fact.h"
#include "graph/graph.h"
#include "store/store.h"

struct nec_intake_thread {
	uint64_t addr; /* its PyThreadState, 0: none */
	uint32_t tid;  /* 0: not known */
	uint32_t id;   /* of the THREAD fact */
};

struct nec_intake {
	/* The caller's. */
	struct nec_source *source;
	struct nec_store *store;
	const char *tmpdir;
	struct nec_progress *progress; /* may be NULL */
	bool no_values;                /* VALUE facts are left out, and texts of locals */

	/* Columns of objects; by id once indexed. As in struct nec_object_columns. */
	uint32_t count;
	struct nec_tmparray addr, type, size, native, refcount, flags;
	struct nec_tmparray large;     /* struct nec_large */
	bool has_native, has_refcount; /* some object had one */
	bool unsorted;                 /* an object came below the one before */

	struct nec_tmparray roots;      /* struct nec_analysis_root, after nec_intake_references */
	struct nec_tmparray root_group; /* uint32_t of each, in threads; NEC_NODE_NONE: of none */
	struct nec_tmparray threads;    /* struct nec_intake_thread */
	struct nec_tmparray type_addr;  /* uint64_t by id of the type */
	struct nec_tmparray
		type_object; /* uint32_t ids of objects by id of the type, NEC_NODE_NONE: none */
	struct nec_tmparray type_module, type_package; /* uint32_t in these, by id of the type */
	struct nec_strtab modules, packages;
	struct nec_tmparray type_lends; /* uint8_t by id of the type: counts of it need not have its
					   instances */
	struct nec_tmparray
		unowned; /* uint64_t, (id of the object << 32) + that of who refers to it: edges of the graph
			    that its count need not have */
	struct nec_tmparray counted; /* uint64_t addresses: roots that their counts have */
	struct nec_graph graph;      /* all but weak and borrowed references */
	struct nec_contents contents;
	struct nec_tmparray extra; /* uint64_t, see struct nec_referrer_columns */

	/* What was seen. */
	uint64_t facts;
	uint64_t references; /* rows that the table reference has */
	uint64_t dangling;   /* references to what is no object */
	uint64_t weak;
	uint64_t twice;     /* objects at an address that had one */
	uint64_t misplaced; /* addresses that no user process has */
	uint64_t stray;     /* lists of references that belong to no object, or come out of order */
	int64_t value_count;

	/* Between the two halves. */
	struct nec_addrset *set;         /* NULL: addresses are searched in the column */
	struct nec_tmparray root_addr;   /* uint64_t: of roots */
	struct nec_tmparray root_doubt;  /* uint8_t: enum nec_root_doubt of each */
	struct nec_tmparray root_thread; /* uint32_t: of each, in threads; NEC_NODE_NONE: of none */
	uint32_t last_thread;            /* that a root belonged to */
	bool pending;                    /* fact is the first REFERENCES */
	struct nec_fact fact;
};

void nec_intake_init(struct nec_intake *intake);
void nec_intake_deinit(struct nec_intake *intake);

/* Reads up to the first REFERENCES or the end; ids are settled afterwards. */
struct nec_error *nec_intake_objects(struct nec_intake *intake);
/* Reads the rest. */
struct nec_error *nec_intake_references(struct nec_intake *intake);

/* The id of the object at addr, NEC_NODE_NONE when there is none. After nec_intake_objects. */
uint32_t nec_intake_find(const struct nec_intake *intake, uint64_t addr);

#endif
