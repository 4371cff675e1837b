/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_diff_select: objects of one snapshot that are in all of some others and in none of yet
 * others. Each other snapshot is paired with the first one in order of time, and takes away what it
 * rules out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "compare/difference.h"
#include "whole.h"

struct selection {
	struct nec_db *base;
	const struct nec_diff_options *options;
	struct nec_tmparray
		chosen; /* uint8_t, by id of base; UINT8_MAX while no other ruled it out */
	uint32_t count;
	struct nec_sheet *sheet;
};

static struct nec_error *start(struct selection *s)
{
	uint64_t middle;

	NEC_TRY(nec_scan_extent(s->base, &s->count, &middle));
	NEC_TRY(nec_tmparray_init(&s->chosen, nec_tmpdir()));
	NEC_TRY(nec_tmparray_resize(&s->chosen, s->count));
	memset(s->chosen.data, 1, s->count);
	return NULL;
}

/* Takes out of chosen who is (wanted: is not) in other, which is before or after the base. */
static struct nec_error *rule_out(struct selection *s, struct nec_db *other, bool before,
				  bool wanted)
{
	struct nec_classes classes = {0};
	struct nec_class_side base = {0}, side = {0};
	struct nec_pairing p = {
		.a = before ? other : s->base,
		.b = before ? s->base : other,
		.classes = &classes,
		.side_a = before ? &side : &base,
		.side_b = before ? &base : &side,
		.progress = s->options->progress,
	};
	uint8_t *chosen = s->chosen.data;
	struct nec_error *err;
	uint32_t id;

	err = nec_classes_add(&classes, s->base, -1, &base);
	if (!err)
		err = nec_classes_add(&classes, other, -1, &side);
	if (!err)
		err = nec_classes_join(&classes, &base, &side);
	if (!err)
		err = nec_pairing_run(&p);
	for (id = 0; !err && id < s->count; id++) {
		bool is =
			before ? nec_pairing_same(&p, id) : nec_pairing_b(&p, id) != NEC_PAIR_NONE;

		if (is != wanted)
			chosen[id] = 0;
	}
	nec_pairing_deinit(&p);
	nec_class_side_deinit(&base);
	nec_class_side_deinit(&side);
	nec_classes_deinit(&classes);
	return err;
}

/* Decimal numbers of meta, for an order in time: ISO times compare as text. */
static bool is_before(struct nec_db *a, struct nec_db *b)
{
	_cleanup_free_ char *x = nec_db_meta(a, "captured_at"), *y = nec_db_meta(b, "captured_at");

	return x && y && strcmp(x, y) < 0;
}

/* ---- rows ---- */

static struct nec_error *put_object(struct selection *s, struct nec_scan *scan,
				    const struct nec_scan_object *o, uint32_t class,
				    struct nec_class_sum *sums)
{
	struct nec_scan_figures f;

	NEC_TRY(nec_scan_figures(scan, &f));
	sums[class].count++;
	sums[class].bytes = nec_sum(sums[class].bytes, f.size);
	if (!s->options->all_objects && sums[class].count > 1000)
		return NULL;
	return nec_sheet_put(s->sheet, "object", "ntaittrik", "B", o->addr, (int64_t) class + 1,
			     "chosen", "chosen", 1.0, f.size,
			     f.retained < 0 ? NEC_SHEET_NULL : f.retained);
}

static struct nec_error *put_rows(struct selection *s, const struct nec_classes *classes,
				  const struct nec_class_side *side, struct nec_class_sum *sums)
{
	_cleanup_(nec_scan_closep) struct nec_scan *scan = NULL;
	const uint8_t *chosen = s->chosen.data;
	struct nec_scan_object o;
	bool more;

	NEC_TRY(nec_scan_open(s->base, NEC_SCAN_FIGURES, 0, UINT64_MAX, &scan));
	for (;;) {
		NEC_TRY(nec_scan_next(scan, &o, &more));
		if (!more)
			break;
		if (chosen[o.id] && nec_class_of(side, o.type) != NEC_CLASS_NONE)
			NEC_TRY(put_object(s, scan, &o, nec_class_of(side, o.type), sums));
	}
	for (uint32_t i = 0; i < classes->names.count; i++)
		if (sums[i].count)
			NEC_TRY(nec_sheet_put(s->sheet, "class", "ittnininnnnnnnn", (int64_t)i + 1,
					      nec_strtab_get(&classes->names, i),
					      classes->items[i].module, sums[i].count,
					      sums[i].bytes));
	return NULL;
}

static struct nec_error *run(struct selection *s, const struct nec_diff_sets *sets)
{
	struct nec_classes classes = {0};
	struct nec_class_side side = {0};
	struct nec_class_sum *sums = NULL;
	struct nec_error *err;
	size_t i;

	NEC_TRY(start(s));
	for (i = 1; sets->alive[i]; i++)
		NEC_TRY(rule_out(s, sets->alive[i], is_before(sets->alive[i], s->base), true));
	for (i = 0; sets->born_after && sets->born_after[i]; i++)
		NEC_TRY(rule_out(s, sets->born_after[i], true, false));
	for (i = 0; sets->gone_in && sets->gone_in[i]; i++)
		NEC_TRY(rule_out(s, sets->gone_in[i], false, false));
	err = nec_classes_add(&classes, s->base, -1, &side);
	if (!err) {
		sums = calloc(classes.names.count + 1u, sizeof(*sums));
		err = sums ? put_rows(s, &classes, &side, sums) : &nec_enomem;
	}
	free(sums);
	nec_class_side_deinit(&side);
	nec_classes_deinit(&classes);
	return err;
}

struct nec_error *nec_diff_select(const struct nec_diff_sets *sets,
				  const struct nec_diff_options *options, struct nec_db **diff_ret)
{
	static const struct nec_diff_options defaults;
	struct selection s = {
		.base = sets->alive[0],
		.options = options ? options : &defaults,
		.chosen = NEC_TMPARRAY_INIT,
	};
	struct nec_error *err;

	NEC_TRY(nec_sheet_create("difference", &s.sheet));
	err = run(&s, sets);
	nec_tmparray_deinit(&s.chosen);
	if (err) {
		nec_sheet_destroy(s.sheet);
		return err;
	}
	return nec_sheet_finish(s.sheet, diff_ret);
}
