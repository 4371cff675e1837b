/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of a comparison (difference.c, growth.c, holders.c, threads.c): what the last
 * merge gathers, and where results go. nec_diff of necropsy.h is the way in.
 */
#ifndef NEC_COMPARE_DIFFERENCE_H
#define NEC_COMPARE_DIFFERENCE_H

#include "compare/pairing.h"
#include "store/edges.h"
#include "store/sheet.h"

/* An object that is in one snapshot alone. */
struct nec_change {
	uint64_t addr, idom;    /* idom 0: none, or not asked for */
	int64_t size, retained; /* retained -1: not known */
	uint32_t class, id;     /* id in its snapshot */
};

/* Bytes of the change of what the object at addr retains that are no growth: of objects that were
 * there before, and below another one; less those that now are below another one, or fewer. */
struct nec_moved {
	uint64_t addr;
	int64_t bytes;
};

/* An object with more below it than before. */
struct nec_holder {
	uint64_t addr, idom;
	int64_t retained_a, retained_b, change; /* retained_a 0 when it was born */
	int64_t growth;                         /* change without what only moved */
	int64_t remains;                        /* growth without that of the holders below */
	uint32_t class;
	bool born;
	bool moved;       /* was below another one: no part of the growth of the one above */
	bool one_of_many; /* born with others of its kind below the same holder */
};

struct nec_container {
	uint64_t addr;
	uint32_t class, length_a, length_b;
	int64_t size_a, size_b, change, score;
};

struct nec_class_change {
	int64_t added, added_bytes, gone, gone_bytes, grown, grown_bytes;
};

/* The largest of something, as a binary heap with the smallest on top. */
enum { NEC_TOP_HOLDERS = 4096, NEC_TOP_CONTAINERS = 500, NEC_TOP_FRONTIER = 200 };

struct nec_difference {
	struct nec_db *a, *b;
	const struct nec_diff_options *options;
	struct nec_classes classes;
	struct nec_class_side side_a, side_b;
	struct nec_pairing pairing;
	struct nec_sheet *sheet;
	struct nec_difference_part {
		struct nec_class_change *classes; /* [classes.names.count] */
		struct nec_tmparray born, gone;   /* struct nec_change, ascending */
		struct nec_tmparray moved;        /* struct nec_moved */
		struct nec_holder *holders;       /* heap by change; [NEC_TOP_HOLDERS] */
		uint32_t holder_count;
		struct nec_container *containers; /* heap by score; [NEC_TOP_CONTAINERS] */
		uint32_t container_count;
		uint64_t grown_next; /* of pairing.grown */
	} parts[NEC_MERGE_WORKERS];
	double paths_seconds; /* spent on paths */
};

/* Growth below holders, containers, and the frontier, into the sheet. */
struct nec_error *nec_difference_holders(struct nec_difference *d);
struct nec_error *nec_difference_containers(struct nec_difference *d);
struct nec_error *nec_difference_frontier(struct nec_difference *d);
/* What holds most of the born objects of each class; [classes.names.count], 0: none. Needs the
 * frontier. */
struct nec_error *nec_difference_class_holders(struct nec_difference *d, uint64_t *holders);
struct nec_error *nec_difference_threads(struct nec_difference *d);

/* How addr of B is reached; NULL when nothing reaches it or time for paths is up. path_ret: to be
 * freed. */
struct nec_error *nec_difference_path(struct nec_difference *d, uint64_t addr, char **path_ret);

static inline const char *nec_difference_class(const struct nec_difference *d, uint32_t class)
{
	return class < d->classes.names.count ? nec_strtab_get(&d->classes.names, class) : "?";
}

#endif
