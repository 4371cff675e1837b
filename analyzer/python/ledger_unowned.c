/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks of malloc that no object has, by size and by what they begin with; see ledger.h. */
#include <stdlib.h>
#include <string.h>

#include "python/ledger_private.h"

/* Groups over this share of the table go by kind alone. */
enum { ROOM = NEC_UNOWNED_SLOTS / 4 * 3 };

static bool is_text(uint64_t word)
{
	unsigned int i, c;

	for (i = 0; i < 8; i++) {
		c = word >> 8 * i & 0xff;
		if (!c)
			return i >= 3 && !(word >> 8 * i);
		if (c < 0x20 || c > 0x7e)
			return false;
	}
	return true;
}

static uint64_t first_of(const struct nec_ledger *l, uint64_t addr)
{
	uint64_t word = nec_word(l->target, addr);
	const struct nec_mapping *map;

	if (!word)
		return NEC_UNOWNED_ZERO;
	if (is_text(word))
		return NEC_UNOWNED_TEXT;
	map = word >= 4096 ? nec_image_mapping_at(l->target->image, word) : NULL;
	if (map && map->path && map->objfile != UINT32_MAX)
		return word;
	return map ? NEC_UNOWNED_POINTER : NEC_UNOWNED_OTHER;
}

static struct nec_unowned *slot_of(const struct nec_ledger *l, uint64_t size, uint64_t first)
{
	uint64_t hash = (size ^ first * 31) * UINT64_C(0x9E3779B97F4A7C15) >> 40;
	struct nec_unowned *u;

	for (;; hash++) {
		u = &l->unowned[hash & (NEC_UNOWNED_SLOTS - 1)];
		if (!u->sum.count || (u->size == size && u->first == first))
			return u;
	}
}

void nec_ledger_unowned(struct nec_ledger *l, uint64_t addr, uint64_t size)
{
	uint64_t first = first_of(l, addr);
	struct nec_unowned *u = slot_of(l, size, first);

	if (!u->sum.count && l->unowned_count >= ROOM)
		u = slot_of(l, 0, first >= NEC_UNOWNED_KINDS ? NEC_UNOWNED_POINTER : first);
	if (!u->sum.count) {
		u->size = l->unowned_count >= ROOM ? 0 : size;
		u->first = l->unowned_count >= ROOM && first >= NEC_UNOWNED_KINDS
				   ? NEC_UNOWNED_POINTER
				   : first;
		l->unowned_count++;
	}
	nec_ledger_add(&u->sum, size);
}

static int by_bytes(const void *pa, const void *pb)
{
	const struct nec_unowned *a = pa, *b = pb;

	if (a->sum.bytes != b->sum.bytes)
		return a->sum.bytes > b->sum.bytes ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

void nec_ledger_sort_unowned(struct nec_ledger *l)
{
	qsort(l->unowned, NEC_UNOWNED_SLOTS, sizeof(*l->unowned), by_bytes);
}

void nec_ledger_unowned_text(const struct nec_ledger *l, const struct nec_unowned *group,
			     struct nec_text *out)
{
	static const char *const kinds[NEC_UNOWNED_KINDS] = {
		[NEC_UNOWNED_ZERO] = "zero",
		[NEC_UNOWNED_TEXT] = "text",
		[NEC_UNOWNED_POINTER] = "an address",
		[NEC_UNOWNED_OTHER] = "a number",
	};
	const struct nec_image *image = l->target->image;
	const struct nec_mapping *map;
	const char *name, *slash;
	uint64_t start;

	if (group->first < NEC_UNOWNED_KINDS) {
		nec_text_puts(out, kinds[group->first]);
		return;
	}
	map = nec_image_mapping_at(image, group->first);
	slash = map && map->path ? strrchr(map->path, '/') : NULL;
	if (nec_image_symbol_at(image, group->first, &name, &start))
		nec_text_printf(out, "%s+%llu", name, (unsigned long long)(group->first - start));
	else
		nec_text_printf(out, "0x%llx", (unsigned long long)group->first);
	if (map && map->path)
		nec_text_printf(out, " in %s", slash ? slash + 1 : map->path);
}
