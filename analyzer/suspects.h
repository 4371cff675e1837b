/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suspects: the few things that a person would write down after a day with a dump, each with its
 * bytes, its share, a path and the evidence. Rules ask a database whose objects are analysed; a
 * family of rules is a file, and a rule a line in the table of suspects.c.
 *
 * A healthy process has no finding: a rule stays silent below the shares and sizes here, which were
 * chosen so that no healthy twin of the programs in fixtures/stories and no idle interpreter of any
 * version comes near them.
 */
#ifndef NEC_SUSPECTS_H
#define NEC_SUSPECTS_H

#include "base/text.h"
#include "necropsy.h"

struct nec_finding {
	const char *rule; /* static */
	char *title, *detail;
	int64_t bytes;
	uint64_t addr; /* 0: none */
};

struct nec_findings {
	struct nec_finding *items; /* the most bytes first */
	uint32_t count;
};

void nec_findings_deinit(struct nec_findings *findings);

/* Runs all rules. A dump without objects has no findings. findings_ret is to be zeroed. */
struct nec_error *nec_suspects_find(struct nec_db *db, struct nec_progress *progress,
				    struct nec_findings *findings_ret);

/* ---- for rules ---- */

struct nec_suspects {
	struct nec_db *db;
	int64_t heap;    /* bytes of all objects, reachable or not */
	int64_t large;   /* what one holder has to retain to be worth a finding */
	int64_t notable; /* what is worth one where the kind of thing is suspicious by itself */
	struct nec_progress *progress;
	struct nec_findings *found;
	struct nec_query *object; /* suspect_object */
};

/* Adds a finding; text is taken out of title and detail, which are empty then. */
struct nec_error *nec_suspects_add(struct nec_suspects *s, const char *rule, struct nec_text *title,
				   struct nec_text *detail, int64_t bytes, uint64_t addr);

/* Is the object at addr, or what alone holds it and not much more, the subject of a finding
 * already? */
struct nec_error *nec_suspects_known(struct nec_suspects *s, uint64_t addr, int64_t bytes,
				     bool *known_ret);

/*
 * The nearest object that alone holds addr and at least `bytes`: the common holder of many things,
 * by one of them. 0: there is none.
 */
struct nec_error *nec_suspects_holder(struct nec_suspects *s, uint64_t addr, int64_t bytes,
				      uint64_t *holder_ret, int64_t *retained_ret);

/*
 * What the object at addr is called: "mindmeld.Processor.instance_map" by way of a module where
 * there is one, else from its root. Adds the name to name, and to detail where the path begins.
 */
struct nec_error *nec_suspects_name(struct nec_suspects *s, uint64_t addr, struct nec_text *name,
				    struct nec_text *detail);

/* Adds "80 %" of the heap. */
void nec_suspects_share(const struct nec_suspects *s, struct nec_text *text, int64_t bytes);

/* The families. */
struct nec_error *nec_suspects_caches(struct nec_suspects *s);
struct nec_error *nec_suspects_hoards(struct nec_suspects *s);
struct nec_error *nec_suspects_garbage(struct nec_suspects *s);
struct nec_error *nec_suspects_uncollectable(struct nec_suspects *s);
struct nec_error *nec_suspects_overdrawn(struct nec_suspects *s);
struct nec_error *nec_suspects_leaked(struct nec_suspects *s);
struct nec_error *nec_suspects_holders(struct nec_suspects *s);
struct nec_error *nec_suspects_threads(struct nec_suspects *s);

#endif
