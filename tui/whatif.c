/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What would go, as rows; see maker.h. */
#include <stdlib.h>

#include "base/text.h"
#include "tui/maker.h"

enum { ID, TYPE, COUNT, BYTES, SHARE, COLUMNS };

static const char *const columns[] = {
	[ID] = "id",       [TYPE] = "type",   [COUNT] = "count",
	[BYTES] = "bytes", [SHARE] = "share", [COLUMNS] = NULL,
};

static struct nec_error *add(struct nec_rowlist *rows, const char *type, uint64_t count,
			     int64_t bytes, int64_t whole)
{
	const char *texts[COLUMNS] = {[TYPE] = type};
	struct nec_row *row;

	NEC_TRY(nec_row_texts(COLUMNS, texts, &row));
	row->values[ID] = nec_value_int((int64_t)rows->count);
	row->values[COUNT] = nec_value_int((int64_t)count);
	row->values[BYTES] = nec_value_int(bytes);
	if (whole > 0)
		row->values[SHARE] =
			nec_value_int((int64_t)(10000.0 * (double)bytes / (double)whole + 0.5));
	return nec_rowlist_add(rows, row);
}

/* Bytes of all objects, which shares are of. */
static int64_t whole_heap(struct nec_db *db)
{
	_cleanup_free_ char *reachable = nec_db_meta(db, "reachable_bytes");

	return reachable ? strtoll(reachable, NULL, 10) : 0;
}

static struct nec_error *make(struct nec_db *db, const struct nec_params *params, int max,
			      struct nec_progress *progress, struct nec_rowlist *rows)
{
	const struct nec_value *cut = nec_params_find(params, "cut");
	const struct nec_value *drop = nec_params_find(params, "drop");
	const char *cuts[] = {cut ? cut->s : NULL, NULL};
	const char *drops[] = {drop ? drop->s : NULL, NULL};
	const struct nec_whatif_options options = {
		.cut = cuts,
		.drop = drops,
		.progress = progress,
	};
	_cleanup_(nec_whatif_destroyp) struct nec_whatif *whatif = NULL;
	int64_t whole = whole_heap(db);

	NEC_TRY(nec_whatif(db, &options, &whatif));
	NEC_TRY(add(rows, "all of it", whatif->count, whatif->bytes, whole));
	for (uint32_t i = 0; i < whatif->type_count && i < (uint32_t)max; i++)
		NEC_TRY(add(rows, whatif->types[i].name, whatif->types[i].count,
			    whatif->types[i].bytes, whole));
	return NULL;
}

const struct nec_maker nec_maker_whatif = {.columns = columns, .make = make, .max = 1000};
