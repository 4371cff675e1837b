/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What workers of one parent share: nec_workers_compare of necropsy.h.
 *
 * After a fork parent and child have the same pages until one of them writes. So every page of each
 * dump is compared with the page at its address in the others. Of one that none of them has like
 * this, each word that differs is looked at: is it the reference count of an object, or a link of
 * the collector before it? Objects come from the database in order of addresses, as the pages do.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/format.h"
#include "formats/input.h"
#include "image/image.h"
#include "necropsy.h"

#include "fact.h"

enum {
	PAGE = 4096,
	WORDS = PAGE / 8,
	MAX_WORKERS = 1024,
	MAX_KINDS = 64, /* of mappings */
	STEP = 1 << 14, /* pages between two looks at the progress */
};

struct dump {
	struct nec_image *image;
	struct nec_db *db;         /* borrowed */
	uint64_t head;             /* bytes of a collector's header */
	struct nec_query *objects; /* owned: in order of addresses */
	uint64_t object;           /* the one that was read last; UINT64_MAX: there are no more */
	bool collected;            /* has it such a header? */
};

struct compare {
	struct dump *dumps; /* owned */
	struct nec_workers *result;
	uint32_t count;
	struct nec_progress *progress;
	uint64_t pages;
};

static struct nec_error *open_image(const char *path, const struct nec_load_options *options,
				    struct nec_image **ret)
{
	const struct nec_format *format;
	struct nec_input *input;

	NEC_TRY(nec_format_detect(path, options, &format, &input));
	if (format->map)
		return nec_error_wrap(format->map(input, options, ret), "%s", path);
	nec_input_close(input);
	return nec_error_create(NEC_ERR_UNSUPPORTED, "%s: it has no memory to compare", path);
}

/* ---- objects
 * ---------------------------------------------------------------------------------------------------------
 */

static struct nec_error *next_object(struct dump *d)
{
	bool row;

	NEC_TRY(nec_query_step(d->objects, &row));
	d->object = row ? (uint64_t)nec_query_int(d->objects, 0) : UINT64_MAX;
	d->collected = row && nec_query_int(d->objects, 1) & NEC_OBJECT_GC;
	return NULL;
}

static struct nec_error *open_objects(struct dump *d)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(d->db, "workers_head", &query));
	NEC_TRY(nec_query_step(query, &row));
	d->head = row ? (uint64_t)nec_query_int(query, 0) : 0;
	NEC_TRY(nec_query_named(d->db, "workers_objects", &d->objects));
	return next_object(d);
}

/* ---- pages
 * -----------------------------------------------------------------------------------------------------------
 */

static const uint8_t *page_at(const struct dump *d, uint64_t addr)
{
	return nec_image_view(d->image, addr, PAGE);
}

static bool is_untouched(const uint8_t *page)
{
	static const uint8_t zeros[PAGE];

	return memcmp(page, zeros, PAGE) == 0;
}

/* Takes from differ the words that the counts and the headers of objects in the page are; did any
 * of them differ? */
static struct nec_error *take_objects(struct dump *d, uint64_t addr, bool *differ, bool *counts_ret,
				      bool *links_ret)
{
	uint64_t off, from, word;

	*counts_ret = *links_ret = false;
	/* The header of the first object behind the page may be in it. */
	while (d->object < addr)
		NEC_TRY(next_object(d));
	while (d->object < addr + PAGE + d->head) {
		if (d->object < addr + PAGE) {
			off = (d->object - addr) / 8;
			*counts_ret |= differ[off];
			differ[off] = false;
		}
		from = d->collected ? d->object - d->head : d->object;
		for (word = from; word < d->object; word += 8) {
			if (word < addr || word >= addr + PAGE)
				continue;
			*links_ret |= differ[(word - addr) / 8];
			differ[(word - addr) / 8] = false;
		}
		/* The next page may need this one, too. */
		if (d->object >= addr + PAGE)
			break;
		NEC_TRY(next_object(d));
	}
	return NULL;
}

static struct nec_error *why(struct compare *c, uint32_t k, uint64_t addr, const uint8_t *page,
			     const uint8_t *other, enum nec_dirt *ret)
{
	bool differ[WORDS], counts, links;
	unsigned int i;

	*ret = NEC_DIRT_ALONE;
	if (!other)
		return NULL;
	for (i = 0; i < WORDS; i++)
		differ[i] = memcmp(page + i * 8, other + i * 8, 8) != 0;
	NEC_TRY(take_objects(&c->dumps[k], addr, differ, &counts, &links));
	*ret = links ? NEC_DIRT_COLLECTOR : NEC_DIRT_REFCOUNTS;
	if (memchr(differ, true, sizeof(differ)))
		*ret = NEC_DIRT_CONTENTS;
	return NULL;
}

static struct nec_error *add_own(struct nec_workers_item *w, const char *kind, enum nec_dirt dirt)
{
	struct nec_workers_kind *kinds;
	uint32_t i;

	for (i = 0; i < w->kind_count && strcmp(w->kinds[i].name, kind) != 0; i++)
		;
	if (i == w->kind_count && i < MAX_KINDS) {
		kinds = realloc(w->kinds, (i + 1) * sizeof(*kinds));
		if (!kinds)
			return &nec_enomem;
		w->kinds = kinds;
		kinds[i] = (struct nec_workers_kind){.name = strdup(kind)};
		if (!kinds[i].name)
			return &nec_enomem;
		w->kind_count++;
	}
	if (i < w->kind_count)
		w->kinds[i].bytes[dirt] += PAGE;
	w->own += PAGE;
	return NULL;
}

static struct nec_error *count_page(struct compare *c, uint32_t k, uint64_t addr, const char *kind)
{
	struct nec_workers_item *w = &c->result->items[k];
	const uint8_t *page = page_at(&c->dumps[k], addr), *other, *differs = NULL;
	uint32_t i, same = 0, first = k;
	enum nec_dirt dirt;

	if (!page || is_untouched(page)) {
		w->untouched += PAGE;
		return NULL;
	}
	for (i = 0; i < c->count; i++) {
		other = i == k ? NULL : page_at(&c->dumps[i], addr);
		if (!other)
			continue;
		if (memcmp(page, other, PAGE) == 0) {
			same++;
			first = i < first ? i : first;
		} else if (!differs) {
			differs = other;
		}
	}
	if (first == k)
		c->result->together += PAGE;
	if (same == c->count - 1) {
		w->same += PAGE;
		return NULL;
	}
	if (same) {
		w->some += PAGE;
		return NULL;
	}
	NEC_TRY(why(c, k, addr, page, differs, &dirt));
	return add_own(w, kind, dirt);
}

static struct nec_error *count_mapping(struct compare *c, uint32_t k, uint64_t start, uint64_t end,
				       bool fixed, const char *kind)
{
	struct nec_workers_item *w = &c->result->items[k];
	uint64_t addr;

	w->bytes += (int64_t)(end - start);
	if (fixed) {
		w->files += (int64_t)(end - start);
		return NULL;
	}
	for (addr = start; addr < end; addr += PAGE) {
		if (c->pages++ % STEP == 0)
			NEC_TRY(nec_progress_step(c->progress, "comparing pages", c->pages, 0));
		NEC_TRY(count_page(c, k, addr, kind));
	}
	return NULL;
}

static struct nec_error *count_dump(struct compare *c, uint32_t k)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(open_objects(&c->dumps[k]));
	NEC_TRY(nec_query_named(c->dumps[k].db, "workers_mappings", &query));
	for (;;) {
		uint64_t start, end;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		start = (uint64_t)nec_query_int(query, 0);
		end = (uint64_t)nec_query_int(query, 1);
		if (start & (PAGE - 1) || end & (PAGE - 1) || start >= end || end >> 48)
			continue;
		NEC_TRY(count_mapping(c, k, start, end, nec_query_int(query, 2),
				      nec_query_text(query, 3, NULL)));
	}
}

/* ---- all of it
 * -------------------------------------------------------------------------------------------------------
 */

static struct nec_error *compare(struct compare *c, const char *const *dumps,
				 struct nec_db *const *dbs, const struct nec_load_options *options)
{
	uint32_t i;

	for (i = 0; i < c->count; i++) {
		c->dumps[i].db = dbs[i];
		NEC_TRY(open_image(dumps[i], options, &c->dumps[i].image));
		c->result->items[i].pid = nec_image_process(c->dumps[i].image)->pid;
	}
	for (i = 0; i < c->count; i++)
		NEC_TRY(count_dump(c, i));
	return NULL;
}

struct nec_error *nec_workers_compare(const char *const *dumps, struct nec_db *const *dbs,
				      uint32_t count, const struct nec_load_options *options,
				      struct nec_workers **workers_ret)
{
	struct compare c = {.count = count, .progress = options->progress};
	struct nec_error *err;
	uint32_t i;

	if (count < 2 || count > MAX_WORKERS)
		return nec_error_create(NEC_ERR_USAGE, "from 2 to %d dumps are compared",
					MAX_WORKERS);
	c.dumps = calloc(count, sizeof(*c.dumps));
	c.result = calloc(1, sizeof(*c.result));
	if (c.result)
		c.result->items = calloc(count, sizeof(*c.result->items));
	if (!c.dumps || !c.result || !c.result->items) {
		free(c.dumps);
		nec_workers_destroy(c.result);
		return &nec_enomem;
	}
	c.result->count = count;
	err = compare(&c, dumps, dbs, options);
	for (i = 0; i < count; i++) {
		nec_query_close(c.dumps[i].objects);
		if (c.dumps[i].image)
			nec_image_destroy(c.dumps[i].image);
	}
	free(c.dumps);
	if (err) {
		nec_workers_destroy(c.result);
		return err;
	}
	*workers_ret = c.result;
	return NULL;
}

void nec_workers_destroy(struct nec_workers *workers)
{
	uint32_t i, k;

	if (!workers)
		return;
	for (i = 0; workers->items && i < workers->count; i++) {
		for (k = 0; k < workers->items[i].kind_count; k++)
			free(workers->items[i].kinds[k].name);
		free(workers->items[i].kinds);
	}
	free(workers->items);
	free(workers);
}
