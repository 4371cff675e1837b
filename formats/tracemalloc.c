/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of tracemalloc (Snapshot.dump): a pickle of the live blocks of memory, each with the
 * stack that allocated it.
 *
 *   tracemalloc.Snapshot {traces: tracemalloc._Traces {_traces: [trace, ...]}, traceback_limit: N}
 *   trace: (size, frames) · (domain, size, frames) from 3.6 · (domain, size, frames, total_nframe)
 * from 3.9 frames: ((file, line), ...), the most recent call first
 *
 * Blocks are added up by line, by file, by traceback and by domain as tracemalloc's own
 * statistics() does; each sum is a CENSUS fact. Equal tracebacks are found by their frames,
 * whatever the pickle shared. There are no addresses and no time in the file. Checked against files
 * of 3.6 to 3.15; the shape of 3.4 and 3.5 is that of their Lib/tracemalloc.py.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/u64map.h"
#include "formats/pickle.h"
#include "formats/reader.h"

enum {
	STEPS = 16384,             /* opcodes a fill */
	TRACEBACK_TEXT = 16 << 10, /* bytes of a traceback as text */
};

/* Instead of a position: this tuple is none, and need not be looked at again. */
#define NO_TRACEBACK UINT32_MAX

enum { CLASS_SNAPSHOT, CLASS_TRACES };

static const char *const classes[] = {
	[CLASS_SNAPSHOT] = "tracemalloc Snapshot",
	[CLASS_TRACES] = "tracemalloc _Traces",
	NULL,
};

struct sum {
	uint64_t key; /* what is added up: frame, string id, offset of a traceback, domain */
	int64_t count, bytes;
};

/* Sums by a key. */
struct tally {
	struct nec_u64map index;  /* key + 1 -> position in rows */
	struct nec_tmparray rows; /* struct sum[] */
};

enum partition { BY_LINE, BY_TRACEBACK, BY_FILE, BY_DOMAIN, PARTITIONS };

static const char *const partition_names[PARTITIONS] = {
	[BY_LINE] = "line",
	[BY_TRACEBACK] = "traceback",
	[BY_FILE] = "file",
	[BY_DOMAIN] = "domain",
};

struct tracemalloc {
	struct nec_reader r;
	char *tmpdir;
	struct nec_pickle pickle;
	bool begun, read;
	struct tally tallies[PARTITIONS];
	/* Frames are (string id << 32 | line). */
	struct nec_tmparray tracebacks; /* uint64_t[]: runs of count, frames */
	struct nec_u64map by_hash;      /* of the frames -> position of the run */
	struct nec_u64map by_tuple;     /* tuple + 1 -> position of the run */
	uint64_t *frames;               /* of the traceback at hand */
	size_t frame_capacity;
	int64_t total_count, total_bytes;
	uint64_t damaged;
	enum partition telling;
	uint64_t told;
	struct nec_text text;
};

/* ---- adding up ---------------------------------------------------------------------- */

static struct nec_error *tally_init(struct tally *t, const char *dir)
{
	NEC_TRY(nec_u64map_init(&t->index, dir));
	return nec_tmparray_init(&t->rows, dir);
}

static struct nec_error *tally_add(struct tally *t, uint64_t key, int64_t bytes)
{
	uint32_t at = (uint32_t)(t->rows.size / sizeof(struct sum));
	struct sum *sum;
	bool added;

	NEC_TRY(nec_u64map_add(&t->index, key + 1, at, &added));
	if (added)
		NEC_TRY(nec_tmparray_append(&t->rows, &(struct sum){.key = key},
					    sizeof(struct sum)));
	else
		at = *nec_u64map_find(&t->index, key + 1);
	sum = (struct sum *)t->rows.data + at;
	sum->count++;
	sum->bytes += bytes;
	return NULL;
}

/* False when tuple is no traceback; then nothing is known of *count_ret. */
static struct nec_error *collect_frames(struct tracemalloc *t, nec_pickle_value tuple,
					uint64_t *count_ret, bool *ok_ret)
{
	const nec_pickle_value *items = nec_pickle_tuple(&t->pickle, tuple, count_ret), *frame;
	uint64_t i, n;
	int64_t line;

	*ok_ret = false;
	if (*count_ret > t->frame_capacity) {
		uint64_t *frames = realloc(t->frames, *count_ret * sizeof(*frames));

		if (!frames)
			return &nec_enomem;
		t->frames = frames;
		t->frame_capacity = *count_ret;
	}
	for (i = 0; i < *count_ret; i++) {
		if (nec_pickle_kind(items[i]) != NEC_PICKLE_TUPLE)
			return NULL;
		frame = nec_pickle_tuple(&t->pickle, items[i], &n);
		if (n != 2 || nec_pickle_kind(frame[0]) != NEC_PICKLE_STR ||
		    nec_pickle_kind(frame[1]) != NEC_PICKLE_INT)
			return NULL;
		line = nec_pickle_int(frame[1]);
		if (line < 0 || line > INT32_MAX)
			return NULL;
		t->frames[i] = (frame[0] >> 3) << 32 | (uint64_t)line;
	}
	*ok_ret = true;
	return NULL;
}

static uint64_t hash_frames(const uint64_t *frames, uint64_t count)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ count, i;

	for (i = 0; i < count; i++)
		h = (h ^ frames[i]) * UINT64_C(0x9e3779b97f4a7c15), h ^= h >> 29;
	return h;
}

/* The position of the run that holds these frames. Where two tracebacks have one hash the second
 * lives under the next number. */
static struct nec_error *intern_frames(struct tracemalloc *t, uint64_t count, uint32_t *pos_ret)
{
	uint64_t h = hash_frames(t->frames, count), end = t->tracebacks.size / sizeof(uint64_t);
	const uint64_t *run;
	bool added;

	if (end >= NO_TRACEBACK)
		return nec_error_create(NEC_ERR_LIMIT,
					"more than %" PRIu32 " frames in different tracebacks",
					NO_TRACEBACK);
	for (;; h++) {
		h += !h;
		NEC_TRY(nec_u64map_add(&t->by_hash, h, (uint32_t)end, &added));
		if (added)
			break;
		*pos_ret = *nec_u64map_find(&t->by_hash, h);
		run = (const uint64_t *)t->tracebacks.data + *pos_ret;
		if (run[0] == count && !memcmp(run + 1, t->frames, count * sizeof(*run)))
			return NULL;
	}
	*pos_ret = (uint32_t)end;
	NEC_TRY(nec_tmparray_append(&t->tracebacks, &count, sizeof(count)));
	return count ? nec_tmparray_append(&t->tracebacks, t->frames, count * sizeof(*t->frames))
		     : NULL;
}

static struct nec_error *find_traceback(struct tracemalloc *t, nec_pickle_value tuple,
					uint32_t *pos_ret, bool *ok_ret)
{
	const uint32_t *known = nec_u64map_find(&t->by_tuple, (tuple >> 3) + 1);
	uint64_t count;
	bool added;

	if (known) {
		*pos_ret = *known;
		*ok_ret = *known != NO_TRACEBACK;
		return NULL;
	}
	NEC_TRY(collect_frames(t, tuple, &count, ok_ret));
	*pos_ret = NO_TRACEBACK;
	if (*ok_ret)
		NEC_TRY(intern_frames(t, count, pos_ret));
	return nec_u64map_add(&t->by_tuple, (tuple >> 3) + 1, *pos_ret, &added);
}

static struct nec_error *add_block(struct tracemalloc *t, int64_t domain, int64_t size,
				   nec_pickle_value frames, bool *ok_ret)
{
	const uint64_t *run;
	uint32_t pos;

	NEC_TRY(find_traceback(t, frames, &pos, ok_ret));
	if (!*ok_ret)
		return NULL;
	*ok_ret = !__builtin_add_overflow(t->total_bytes, size, &t->total_bytes);
	if (!*ok_ret)
		return NULL;
	t->total_count++;
	NEC_TRY(tally_add(&t->tallies[BY_TRACEBACK], pos, size));
	NEC_TRY(tally_add(&t->tallies[BY_DOMAIN], (uint64_t)domain, size));
	run = (const uint64_t *)t->tracebacks.data + pos;
	if (!run[0])
		return NULL;
	NEC_TRY(tally_add(&t->tallies[BY_FILE], run[1] >> 32, size));
	return tally_add(&t->tallies[BY_LINE], run[1], size);
}

/* One element of _traces. */
static struct nec_error *on_item(void *arg, nec_pickle_value item)
{
	struct tracemalloc *t = arg;
	const nec_pickle_value *trace = NULL;
	int64_t domain = 0, size;
	nec_pickle_value frames;
	uint64_t n = 0;
	bool ok = false;

	if (nec_pickle_kind(item) == NEC_PICKLE_TUPLE)
		trace = nec_pickle_tuple(&t->pickle, item, &n);
	if (n >= 2 && n <= 4) {
		bool has_domain = n > 2;

		domain = has_domain ? nec_pickle_int(trace[0]) : 0;
		size = nec_pickle_int(trace[has_domain]);
		frames = trace[has_domain + 1];
		ok = (!has_domain || nec_pickle_kind(trace[0]) == NEC_PICKLE_INT) && domain >= 0 &&
		     size >= 0 && nec_pickle_kind(trace[has_domain]) == NEC_PICKLE_INT &&
		     nec_pickle_kind(frames) == NEC_PICKLE_TUPLE;
		if (ok)
			NEC_TRY(add_block(t, domain, size, frames, &ok));
	}
	t->damaged += !ok;
	return NULL;
}

static struct nec_error *on_pair(void *arg, nec_pickle_value key, nec_pickle_value value)
{
	struct tracemalloc *t = arg;

	if (!strcmp(nec_pickle_str(&t->pickle, key), "traceback_limit") &&
	    nec_pickle_kind(value) == NEC_PICKLE_INT)
		nec_reader_meta(&t->r, "traceback_limit",
				nec_reader_printf(&t->r, "%" PRId64, nec_pickle_int(value)));
	return NULL;
}

/* ---- telling ------------------------------------------------------------------------ */

static void put_frame(struct tracemalloc *t, uint64_t frame)
{
	const char *file = nec_strtab_get(&t->pickle.strings, (uint32_t)(frame >> 32));

	nec_text_printf(&t->text, "%.*s:%u", NEC_LIMIT_NAME, file, (uint32_t)frame);
}

static void put_traceback(struct tracemalloc *t, uint64_t pos)
{
	const uint64_t *run = (const uint64_t *)t->tracebacks.data + pos;
	uint64_t i;

	if (!run[0])
		nec_text_puts(&t->text, "(no frames)");
	for (i = 0; i < run[0] && !t->text.cut && !t->text.failed; i++) {
		if (i)
			nec_text_puts(&t->text, " < ");
		put_frame(t, run[1 + i]);
	}
}

static void tell_sum(struct tracemalloc *t, const struct sum *sum)
{
	struct nec_fact *fact;

	nec_text_clear(&t->text);
	t->text.cut = false;
	t->text.limit = TRACEBACK_TEXT;
	switch (t->telling) {
	case BY_LINE:
		put_frame(t, sum->key);
		break;
	case BY_TRACEBACK:
		put_traceback(t, sum->key);
		break;
	case BY_FILE:
		nec_text_puts(&t->text, nec_strtab_get(&t->pickle.strings, (uint32_t)sum->key));
		break;
	default:
		nec_text_printf(&t->text, "%" PRIu64, sum->key);
	}
	t->r.oom |= t->text.failed;
	fact = nec_reader_emit(&t->r, NEC_FACT_CENSUS);
	fact->census.name =
		nec_reader_text(&t->r, nec_text_str(&t->text), t->text.len, TRACEBACK_TEXT);
	fact->census.count = sum->count;
	fact->census.bytes = sum->bytes;
	fact->census.kind = partition_names[t->telling];
}

static void tell_sums(struct tracemalloc *t)
{
	while (!nec_reader_full(&t->r) && t->telling < PARTITIONS) {
		const struct nec_tmparray *rows = &t->tallies[t->telling].rows;

		if (t->told == rows->size / sizeof(struct sum)) {
			t->telling++;
			t->told = 0;
			continue;
		}
		tell_sum(t, (const struct sum *)rows->data + t->told++);
	}
	t->r.ended = t->telling == PARTITIONS;
}

/* What could be read stands, whatever comes of the rest. */
static struct nec_error *end_reading(struct tracemalloc *t, struct nec_error *err)
{
	nec_pickle_value result = t->pickle.result;

	if (err && err->code != NEC_ERR_FORMAT)
		return err;
	t->read = true;
	if (err)
		nec_reader_warn(&t->r, 0, "%s; %" PRId64 " traces before it were read",
				err->message, t->total_count);
	else if (nec_pickle_kind(result) != NEC_PICKLE_OBJECT || result >> 3 != CLASS_SNAPSHOT)
		nec_reader_warn(&t->r, 0, "what was pickled is no tracemalloc.Snapshot");
	nec_error_destroy(err);
	if (t->damaged)
		nec_reader_warn(&t->r, 0, "%" PRIu64 " traces are damaged and were left out",
				t->damaged);
	nec_reader_meta(&t->r, "traced_blocks",
			nec_reader_printf(&t->r, "%" PRId64, t->total_count));
	nec_reader_meta(&t->r, "traced_bytes",
			nec_reader_printf(&t->r, "%" PRId64, t->total_bytes));
	return NULL;
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct tracemalloc *t = (struct tracemalloc *)r;
	struct nec_error *err;
	bool more;

	if (!t->begun) {
		t->begun = true;
		nec_reader_meta(r, "kinds", "census");
	}
	if (t->read) {
		tell_sums(t);
		return NULL;
	}
	err = nec_pickle_run(&t->pickle, STEPS, &more);
	r->off = t->pickle.c.off;
	return err || !more ? end_reading(t, err) : NULL;
}

static void deinit(struct nec_reader *r)
{
	struct tracemalloc *t = (struct tracemalloc *)r;
	int i;

	for (i = 0; i < PARTITIONS; i++) {
		nec_u64map_deinit(&t->tallies[i].index);
		nec_tmparray_deinit(&t->tallies[i].rows);
	}
	nec_tmparray_deinit(&t->tracebacks);
	nec_u64map_deinit(&t->by_hash);
	nec_u64map_deinit(&t->by_tuple);
	nec_pickle_deinit(&t->pickle);
	nec_text_deinit(&t->text);
	free(t->frames);
	free(t->tmpdir);
}

static struct nec_error *init(struct tracemalloc *t, const struct nec_load_options *options)
{
	int i;

	t->tmpdir = nec_reader_tmpdir(options);
	if (!t->tmpdir)
		return &nec_enomem;
	t->pickle.classes = classes;
	t->pickle.arg = t;
	t->pickle.item = on_item;
	t->pickle.pair = on_pair;
	NEC_TRY(nec_pickle_init(&t->pickle, t->r.data, t->r.size, t->tmpdir));
	for (i = 0; i < PARTITIONS; i++)
		NEC_TRY(tally_init(&t->tallies[i], t->tmpdir));
	NEC_TRY(nec_tmparray_init(&t->tracebacks, t->tmpdir));
	NEC_TRY(nec_u64map_init(&t->by_hash, t->tmpdir));
	return nec_u64map_init(&t->by_tuple, t->tmpdir);
}

static struct nec_error *tracemalloc_open(struct nec_input *input,
					  const struct nec_load_options *options,
					  struct nec_source **source_ret)
{
	struct nec_error *err;
	struct nec_reader *r;

	NEC_TRY(nec_reader_create(sizeof(struct tracemalloc), "tracemalloc", input, options, fill,
				  deinit, &r));
	err = init((struct tracemalloc *)r, options);
	if (err) {
		r->source.close(&r->source);
		return err;
	}
	*source_ret = &r->source;
	return NULL;
}

/* A pickle of protocol 2 or later that names the class within its first bytes. */
static int tracemalloc_bid(const uint8_t *head, size_t size, const char *name)
{
	static const char module[] = "tracemalloc";

	(void)name;
	if (size < 32 || head[0] != 0x80 || head[1] < 2 || head[1] > 5)
		return 0;
	return memmem(head, 32, module, strlen(module)) ? 16 + 8 * (int)strlen(module) : 0;
}

const struct nec_format nec_format_tracemalloc = {
	.name = "tracemalloc",
	.description = "snapshot of tracemalloc",
	.bid = tracemalloc_bid,
	.open = tracemalloc_open,
};
