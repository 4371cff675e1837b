/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stages of a load, from a source of facts to the rows of a store: intake, the graph turned
 * round, analysis, referrers, objects. Each is timed, and leaves a row in the table stage.
 */
#ifndef NEC_STAGES_H
#define NEC_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/peak.h"
#include "base/progress.h"
#include "fact.h"
#include "store/store.h"

struct nec_stages {
	/* The caller's; everything is borrowed. */
	struct nec_store *store;
	const char *tmpdir;
	struct nec_progress *progress; /* may be NULL */
	struct nec_peak *peak;         /* may be NULL */
	bool no_values;
	double started; /* of the stage that runs, see nec_stages_begin */
};

/* Begins a stage now. */
void nec_stages_begin(struct nec_stages *stages);
/* Ends it: a row in the table stage. The next one begins. */
struct nec_error *nec_stages_end(struct nec_stages *stages, const char *name, int64_t rows);

/* Everything that source says, analysed, into the store; all that is left is nec_store_finish. */
struct nec_error *nec_stages_run(struct nec_stages *stages, struct nec_source *source);

/* A row of meta. */
struct nec_error *nec_stages_meta(struct nec_store *store, const char *key, const char *value);
struct nec_error *nec_stages_meta_int(struct nec_store *store, const char *key, int64_t value);

#endif
