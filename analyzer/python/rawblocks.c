/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of native code that points at objects; see rawblocks.h. */
#include "python/rawblocks.h"

#include <stdlib.h>
#include <string.h>

#include "python/blocks.h"

/* A block larger than this is data: visit.c follows none either. */
enum { MAX_BLOCK = 1 << 20 };

/* An object begins so many words into its block at most: headers of the collector, of managed
 * words, of debug hooks. */
enum { LEADS = 8 };

static bool is_objects(const struct nec_walk *walk, uint64_t start, uint64_t end)
{
	uint64_t lead;

	if (nec_addrset_has(walk->parts, start))
		return true;
	for (lead = 0; lead < LEADS && start + 8 * lead < end; lead++)
		if (nec_addrset_has(walk->objects, start + 8 * lead))
			return true;
	return false;
}

static bool points_at_objects(const struct nec_walk *walk, uint64_t start, uint64_t end)
{
	const struct nec_image *image = walk->target->image;
	uint64_t addr, word;

	for (addr = start; addr + 8 <= end; addr += 8) {
		if (!nec_image_u64(image, addr, &word))
			return false;
		if (word >= 4096 && !(word & 7) && nec_addrset_has(walk->objects, word))
			return true;
	}
	return false;
}

static struct nec_error *consider(struct nec_rawblocks *raw, uint64_t start, uint64_t size)
{
	struct nec_rawblock block = {.start = start, .size = size};

	if (size > MAX_BLOCK || is_objects(raw->walk, start, start + size) ||
	    !points_at_objects(raw->walk, start, start + size) ||
	    nec_block_is_kept(raw->walk, start, size))
		return NULL;
	return nec_tmparray_append(&raw->blocks, &block, sizeof(block));
}

static struct nec_error *add_pymalloc(struct nec_rawblocks *raw)
{
	struct nec_block_iter it;
	uint64_t start, size;

	nec_block_iter_init(&it, raw->walk->heap);
	while (nec_block_iter_next(&it, &start, &size))
		NEC_TRY(consider(raw, start, size));
	return NULL;
}

/* Does [start, end) hold one of the interpreter's own structures, or an arena of pymalloc? */
static bool is_taken(const struct nec_rawblocks *raw, const struct nec_ledger *ledger,
		     uint64_t start, uint64_t end)
{
	const uint64_t *runtime = ledger->runtime.data;
	uint64_t low = 0, high = ledger->runtime.size / sizeof(*runtime), middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (runtime[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < ledger->runtime.size / sizeof(*runtime) && runtime[low] < end)
		return true;
	return nec_heap_arena(raw->walk->heap, start) || nec_heap_arena(raw->walk->heap, end - 1) ||
	       nec_heap_arena(raw->walk->heap, start + (end - start) / 2);
}

static struct nec_error *add_malloc(struct nec_rawblocks *raw, const struct nec_ledger *ledger)
{
	const struct nec_malloc *m = raw->walk->visit.malloc;
	struct nec_chunk_iter it;
	struct nec_chunk c;
	uint32_t i;

	for (i = 0; m && i < m->heap_count; i++) {
		nec_chunk_iter_init(&it, m, &m->heaps[i]);
		while (nec_chunk_iter_next(&it, &c))
			if (c.state == NEC_CHUNK_USED && c.size > 16 &&
			    !is_taken(raw, ledger, c.start + 16, c.start + c.size + 8))
				NEC_TRY(consider(raw, c.start + 16, c.size - 8));
	}
	return NULL;
}

static int by_start(const void *pa, const void *pb)
{
	const struct nec_rawblock *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Words of [start, end) that are addresses of blocks own them. */
static void find_owned(struct nec_rawblocks *raw, uint64_t start, uint64_t end)
{
	struct nec_rawblock *blocks = raw->blocks.data, *found, key;
	uint64_t count = raw->blocks.size / sizeof(*blocks), addr;

	for (addr = (start + 7) & ~7ull; count && addr + 8 <= end; addr += 8) {
		if (!nec_image_u64(raw->walk->target->image, addr, &key.start)) {
			addr = nec_image_next_page(raw->walk->target->image, addr) - 8;
			continue;
		}
		if (key.start < blocks[0].start || key.start > blocks[count - 1].start)
			continue;
		found = bsearch(&key, blocks, count, sizeof(*blocks), by_start);
		if (found && !found->owner)
			found->owner = addr;
	}
}

static void find_owners(struct nec_rawblocks *raw)
{
	const struct nec_target *t = raw->walk->target;
	const struct nec_mapping *maps;
	const char *path;
	uint32_t count, i;

	for (i = 0; i < t->interpreter_count; i++)
		find_owned(raw, t->interpreters[i],
			   t->interpreters[i] + nec_off(t, NEC_SIZEOF_INTERP));
	maps = nec_image_mappings(t->image, &count);
	for (i = 0; i < count; i++)
		find_owned(raw, maps[i].start, nec_static_end(t, i, &path));
}

struct nec_error *nec_rawblocks_init(struct nec_rawblocks *raw, const struct nec_walk *walk,
				     const struct nec_ledger *ledger, const char *tmpdir)
{
	*raw = (struct nec_rawblocks){.walk = walk, .blocks = NEC_TMPARRAY_INIT};
	NEC_TRY(nec_tmparray_init(&raw->blocks, tmpdir));
	NEC_TRY(add_pymalloc(raw));
	NEC_TRY(add_malloc(raw, ledger));
	if (raw->blocks.size)
		qsort(raw->blocks.data, raw->blocks.size / sizeof(struct nec_rawblock),
		      sizeof(struct nec_rawblock), by_start);
	find_owners(raw);
	return NULL;
}

void nec_rawblocks_deinit(struct nec_rawblocks *raw)
{
	nec_tmparray_deinit(&raw->blocks);
}

const struct nec_rawblock *nec_rawblocks_get(const struct nec_rawblocks *raw, uint32_t i)
{
	const struct nec_rawblock *blocks = raw->blocks.data;

	return i < raw->blocks.size / sizeof(*blocks) ? &blocks[i] : NULL;
}

/* The interpreter that addr lies in, -1 for none. */
static int64_t interpreter_of(const struct nec_target *t, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < t->interpreter_count; i++)
		if (addr - t->interpreters[i] < nec_off(t, NEC_SIZEOF_INTERP))
			return i;
	return -1;
}

static void name_owner(const struct nec_rawblocks *raw, uint64_t owner, struct nec_text *out)
{
	const struct nec_target *t = raw->walk->target;
	const struct nec_mapping *map = nec_image_mapping_at(t->image, owner);
	int64_t interpreter = interpreter_of(t, owner);
	const char *name, *slash;
	uint64_t start;

	if (interpreter >= 0) {
		nec_text_printf(out, "interpreter %lld +0x%llx: ", (long long)interpreter,
				(unsigned long long)(owner - t->interpreters[interpreter]));
		return;
	}
	if (nec_image_symbol_at(t->image, owner, &name, &start)) {
		nec_text_puts(out, name);
		owner -= start;
	} else {
		slash = map && map->path ? strrchr(map->path, '/') : NULL;
		nec_text_puts(out, slash              ? slash + 1
				   : map && map->path ? map->path
						      : "static data");
		owner -= map ? map->start : 0;
	}
	if (owner)
		nec_text_printf(out, "+0x%llx", (unsigned long long)owner);
	nec_text_puts(out, ": ");
}

void nec_rawblock_name(const struct nec_rawblocks *raw, const struct nec_rawblock *block,
		       struct nec_text *out)
{
	if (block->owner)
		name_owner(raw, block->owner, out);
	nec_text_printf(out, "%llu bytes at 0x%llx", (unsigned long long)block->size,
			(unsigned long long)block->start);
}
