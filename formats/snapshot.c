/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots that a service wrote of itself through necropsy_snapshot.py: lines of text, a letter
 * and its fields each. The format is described in docs/snapshot-format.md.
 *
 * The file is mapped and read twice: for everything but references, then for those. Types and
 * strings have numbers that ascend from 0; where a damaged line took one away a nameless one takes
 * its place, so that the others keep theirs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "formats/once.h"
#include "formats/reader.h"

enum {
	GAP = 1024, /* numbers that may be missing in a row before a line is called damaged instead
		     */
};

enum pass { PASS_FACTS, PASS_REFERENCES };

struct snapshot {
	struct nec_reader r;
	enum pass pass;
	char *tmpdir;
	uint64_t lines; /* of this pass */
	bool complete;  /* the last line said so, and it was right */
	bool has_time, roots;
	double time;
	uint32_t types, strings, threads;
	char **type_names; /* by number, owned */
	uint32_t type_capacity;
	struct nec_once once;
	struct nec_text text;
};

/* ---- fields ------------------------------------------------------------------------------------
 */

/* What is left of a line. */
struct rest {
	const char *s, *end;
};

/* The next word; len 0 when there is none. */
static const char *word(struct rest *r, size_t *len_ret)
{
	const char *start = r->s, *space = memchr(start, ' ', (size_t)(r->end - start));

	*len_ret = (size_t)((space ? space : r->end) - start);
	r->s = space ? space + 1 : r->end;
	return start;
}

static bool parse_hex(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len && i < 16; i++) {
		char c = s[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (digit < 0)
			return false;
		v = v << 4 | (unsigned int)digit;
	}
	*ret = v;
	return len && len <= 16;
}

static bool take_hex(struct rest *r, uint64_t *ret)
{
	size_t len;
	const char *s = word(r, &len);

	return parse_hex(s, len, ret);
}

static bool take_u32(struct rest *r, uint32_t *ret)
{
	uint64_t v;
	size_t len;
	const char *s = word(r, &len);

	if (!nec_parse_u64(s, len, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool take_i64(struct rest *r, int64_t *ret)
{
	size_t len;
	const char *s = word(r, &len);

	return nec_parse_i64(s, len, ret) && *ret >= 0;
}

/* All that is left, its escapes undone, as text of a fact. */
static const char *take_text(struct snapshot *s, struct rest *r, size_t limit)
{
	const char *p;

	nec_text_clear(&s->text);
	for (p = r->s; p < r->end && s->text.len <= limit; p++) {
		if (*p == '\\' && p + 1 < r->end) {
			p++;
			nec_text_putc(&s->text, *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p);
		} else {
			nec_text_putc(&s->text, *p);
		}
	}
	s->r.oom |= s->text.failed;
	return nec_reader_text(&s->r, nec_text_str(&s->text), s->text.len, limit);
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

static struct nec_error *add_type(struct snapshot *s, uint64_t addr, const char *name)
{
	struct nec_fact *fact;

	if (s->types == s->type_capacity) {
		uint32_t capacity = s->type_capacity ? s->type_capacity * 2 : 256;
		char **names = realloc(s->type_names, capacity * sizeof(*names));

		if (!names)
			return &nec_enomem;
		s->type_names = names;
		s->type_capacity = capacity;
	}
	s->type_names[s->types] = strdup(name);
	if (!s->type_names[s->types])
		return &nec_enomem;
	fact = nec_reader_emit(&s->r, NEC_FACT_TYPE);
	fact->type.id = s->types++;
	fact->type.addr = addr;
	fact->type.name = name;
	fact->type.module = strncmp(name, "builtins.", strlen("builtins.")) ? NULL : "builtins";
	fact->type.basicsize = fact->type.itemsize = NEC_UNKNOWN;
	return NULL;
}

static void add_string(struct snapshot *s, const char *text)
{
	struct nec_fact *fact = nec_reader_emit(&s->r, NEC_FACT_STRING);

	fact->string.id = s->strings++;
	fact->string.text = text;
}

/* Makes the numbers below id exist; false when that is too many to be a matter of a lost line. */
static struct nec_error *fill_types(struct snapshot *s, uint32_t id, bool *ok_ret)
{
	*ok_ret = id <= s->types || (id - s->types <= GAP && id < NEC_LIMIT_TYPES);
	while (*ok_ret && s->types < id)
		NEC_TRY(add_type(s, 0, "?"));
	return NULL;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static struct nec_error *on_meta(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	size_t len;
	const char *key = word(r, &len);

	key = nec_reader_name(&s->r, key, len);
	if (!strcmp(key, "captured_at"))
		s->has_time = nec_parse_double(r->s, (size_t)(r->end - r->s), &s->time);
	if (!strcmp(key, "scope")) {
		bool objects = r->end - r->s == 7 && !memcmp(r->s, "objects", 7);

		s->roots = objects;
		nec_reader_meta(&s->r, "kinds",
				objects ? "objects,references,census,threads,samples"
					: "census,threads,samples");
	}
	fact = nec_reader_emit(&s->r, NEC_FACT_META);
	fact->meta.key = key;
	fact->meta.value = take_text(s, r, NEC_LIMIT_NAME);
	*ok = len > 0;
	return NULL;
}

static struct nec_error *on_usage(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	const char *name, *unit;
	size_t len, unit_len;
	int64_t value;

	name = word(r, &len);
	*ok = len && take_i64(r, &value);
	unit = word(r, &unit_len);
	if (!*ok || !s->has_time)
		return NULL;
	name = nec_reader_name(&s->r, name, len);
	unit = nec_reader_name(&s->r, unit, unit_len);
	fact = nec_reader_emit(&s->r, NEC_FACT_SAMPLE);
	fact->sample.time = s->time;
	fact->sample.name = name;
	fact->sample.value = value;
	fact->sample.unit = unit;
	return NULL;
}

static struct nec_error *on_thread(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	uint32_t id, daemon;
	int64_t ident;
	const char *name;

	*ok = take_u32(r, &id) && take_i64(r, &ident) && take_u32(r, &daemon) && id == s->threads;
	if (!*ok)
		return NULL;
	name = take_text(s, r, NEC_LIMIT_NAME);
	s->threads++;
	fact = nec_reader_emit(&s->r, NEC_FACT_THREAD);
	fact->thread.id = id;
	fact->thread.ident = (uint64_t)ident;
	fact->thread.name = name;
	fact->thread.daemon = daemon != 0;
	return NULL;
}

static struct nec_error *on_frame(struct snapshot *s, struct rest *r, bool *ok)
{
	uint32_t thread, depth, line;
	const char *function, *file;
	struct nec_fact *fact;
	size_t len;

	*ok = take_u32(r, &thread) && take_u32(r, &depth) && take_u32(r, &line) &&
	      thread < s->threads && depth < NEC_LIMIT_FRAMES && line <= INT32_MAX;
	if (!*ok)
		return NULL;
	function = word(r, &len);
	function = nec_reader_name(&s->r, function, len);
	file = take_text(s, r, NEC_LIMIT_NAME);
	fact = nec_reader_emit(&s->r, NEC_FACT_FRAME);
	fact->frame.thread = thread;
	fact->frame.depth = depth;
	fact->frame.kind = "python";
	fact->frame.function = function;
	fact->frame.file = file;
	fact->frame.line = (int32_t)line;
	return NULL;
}

static void add_root(struct snapshot *s, uint64_t addr, const char *kind, const char *label)
{
	struct nec_fact *fact = nec_reader_emit(&s->r, NEC_FACT_ROOT);

	fact->root.addr = addr;
	fact->root.kind = kind;
	fact->root.label = label;
}

static struct nec_error *on_local(struct snapshot *s, struct rest *r, bool *ok)
{
	uint32_t thread, depth;
	struct nec_fact *fact;
	const char *name;
	uint64_t addr;

	*ok = take_u32(r, &thread) && take_u32(r, &depth) && take_hex(r, &addr) &&
	      thread < s->threads && depth < NEC_LIMIT_FRAMES;
	if (!*ok)
		return NULL;
	name = take_text(s, r, NEC_LIMIT_NAME);
	fact = nec_reader_emit(&s->r, NEC_FACT_LOCAL);
	fact->local.thread = thread;
	fact->local.depth = depth;
	fact->local.name = name;
	fact->local.addr = addr;
	if (s->roots && nec_reader_addr_ok(addr))
		add_root(s, addr, "frame", name);
	return NULL;
}

static struct nec_error *on_type(struct snapshot *s, struct rest *r, bool *ok)
{
	uint64_t addr;
	uint32_t id;

	*ok = take_u32(r, &id) && take_hex(r, &addr) && id >= s->types;
	if (*ok)
		NEC_TRY(fill_types(s, id, ok));
	return *ok ? add_type(s, addr, take_text(s, r, NEC_LIMIT_NAME)) : NULL;
}

static struct nec_error *on_string(struct snapshot *s, struct rest *r, bool *ok)
{
	uint32_t id;

	*ok = take_u32(r, &id) && id >= s->strings && id - s->strings <= GAP;
	if (!*ok)
		return NULL;
	while (s->strings < id)
		add_string(s, "?");
	add_string(s, take_text(s, r, NEC_LIMIT_NAME));
	return NULL;
}

static struct nec_error *on_census(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	int64_t count, bytes;
	uint32_t id;

	*ok = take_u32(r, &id) && take_i64(r, &count) && take_i64(r, &bytes) && id < s->types;
	if (!*ok)
		return NULL;
	fact = nec_reader_emit(&s->r, NEC_FACT_CENSUS);
	fact->census.name = s->type_names[id];
	fact->census.count = count;
	fact->census.bytes = bytes;
	fact->census.kind = "type";
	return NULL;
}

static struct nec_error *on_object(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	uint64_t addr;
	uint32_t type;
	int64_t size;
	bool first;

	*ok = take_hex(r, &addr) && take_u32(r, &type) && take_i64(r, &size) && r->s < r->end &&
	      nec_reader_addr_ok(addr);
	if (*ok)
		NEC_TRY(fill_types(s, type + (type < UINT32_MAX), ok));
	if (!*ok)
		return NULL;
	NEC_TRY(nec_once_first(&s->once, addr, s->r.off, &first));
	if (!first)
		return NULL;
	fact = nec_reader_emit(&s->r, NEC_FACT_OBJECT);
	fact->object.addr = addr;
	fact->object.type = type;
	fact->object.size = size;
	fact->object.refcount = NEC_UNKNOWN;
	return NULL;
}

static struct nec_error *on_value(struct snapshot *s, struct rest *r, bool *ok)
{
	struct nec_fact *fact;
	const char *text;
	uint64_t addr;

	*ok = take_hex(r, &addr) && addr;
	if (!*ok)
		return NULL;
	text = take_text(s, r, NEC_LIMIT_PREVIEW);
	fact = nec_reader_emit(&s->r, NEC_FACT_VALUE);
	fact->value.addr = addr;
	fact->value.text = text;
	fact->value.len = (uint32_t)strlen(text);
	return NULL;
}

static struct nec_error *on_root(struct snapshot *s, struct rest *r, bool *ok)
{
	const char *kind;
	uint64_t addr;
	size_t len;

	*ok = take_hex(r, &addr) && nec_reader_addr_ok(addr);
	kind = word(r, &len);
	*ok = *ok && len;
	if (*ok) {
		kind = nec_reader_name(&s->r, kind, len);
		add_root(s, addr, kind, take_text(s, r, NEC_LIMIT_NAME));
	}
	return NULL;
}

static struct nec_error *on_end(struct snapshot *s, struct rest *r, bool *ok)
{
	size_t len;
	uint64_t lines;
	const char *text = word(r, &len);

	*ok = nec_parse_u64(text, len, &lines);
	s->complete = *ok && lines == s->lines - 1;
	return NULL;
}

/* To add one: its letter, and a section in docs/snapshot-format.md. */
static struct nec_error *(*const lines['Z' + 1])(struct snapshot *s, struct rest *r, bool *ok) = {
	['C'] = on_census, ['F'] = on_frame, ['H'] = on_thread, ['K'] = on_root,
	['L'] = on_local,  ['M'] = on_meta,  ['O'] = on_object, ['S'] = on_string,
	['T'] = on_type,   ['U'] = on_usage, ['V'] = on_value,  ['Z'] = on_end,
};

/* ---- references --------------------------------------------------------------------------------
 */

/* One word: ADDR or sNUMBER:ADDR. */
static bool parse_ref(const struct snapshot *s, const char *text, size_t len, struct nec_ref *ref)
{
	const char *colon = len && *text == 's' ? memchr(text, ':', len) : NULL;
	uint64_t string;

	*ref = (struct nec_ref){0};
	if (!colon)
		return parse_hex(text, len, &ref->dst);
	if (!nec_parse_u64(text + 1, (size_t)(colon - text - 1), &string) ||
	    !parse_hex(colon + 1, len - (size_t)(colon + 1 - text), &ref->dst))
		return false;
	if (string < s->strings) {
		ref->label = string;
		ref->label_kind = NEC_LABEL_STRING;
	}
	return true;
}

static void label_ref(char shape, struct nec_ref *refs, uint32_t i)
{
	if (shape == 'l') {
		refs[i].label_kind = NEC_LABEL_INDEX;
		refs[i].label = i;
	} else if (shape == 'd' && i % 2) {
		refs[i].label_kind = NEC_LABEL_KEY;
		refs[i].label = refs[i - 1].dst;
	}
}

static struct nec_error *tell_references(struct snapshot *s, struct rest *r)
{
	uint64_t addr, room = 1;
	struct nec_ref *refs;
	struct nec_fact *fact;
	const char *p, *text;
	uint32_t type, count = 0;
	int64_t size;
	size_t len;
	char shape;

	if (!take_hex(r, &addr) || !take_u32(r, &type) || !take_i64(r, &size) || r->s == r->end ||
	    !nec_reader_addr_ok(addr) || type >= s->types || !nec_once_counts(&s->once, s->r.off))
		return NULL;
	shape = *word(r, &len);
	for (p = r->s; p < r->end; p++)
		room += *p == ' ';
	if (room > UINT32_MAX)
		return nec_error_create(NEC_ERR_LIMIT,
					"object at 0x%" PRIx64 ": %" PRIu64 " references", addr,
					room);
	refs = nec_reader_alloc(&s->r, room * sizeof(*refs));
	while (refs && r->s < r->end) {
		text = word(r, &len);
		if (!parse_ref(s, text, len, &refs[count])) {
			nec_reader_warn(&s->r, addr, "reference %u is damaged", count);
			break;
		}
		label_ref(shape, refs, count);
		count++;
	}
	fact = nec_reader_emit(&s->r, NEC_FACT_REFERENCES);
	fact->references.src = addr;
	fact->references.refs = refs;
	fact->references.count = count;
	return NULL;
}

/* ---- passes ------------------------------------------------------------------------------------
 */

static struct nec_error *one_line(struct snapshot *s, const struct nec_line *line)
{
	struct rest rest = {.s = line->text + 2, .end = line->text + line->len};
	unsigned char letter =
		line->len > 2 && line->text[1] == ' ' ? (unsigned char)line->text[0] : 0;
	bool ok = false;

	if (s->pass == PASS_REFERENCES)
		return letter == 'O' && line->whole ? tell_references(s, &rest) : NULL;
	/* The number or name at the end of a line without its end may be half of one. */
	if (line->whole && letter <= 'Z' && lines[letter])
		NEC_TRY(lines[letter](s, &rest, &ok));
	if (!ok)
		nec_reader_warn(&s->r, 0,
				line->whole ? "line that ends at byte %" PRIu64 " is damaged"
					    : "the file ends at byte %" PRIu64 ", within a line",
				s->r.off);
	return NULL;
}

static void end_pass(struct snapshot *s)
{
	if (s->pass == PASS_REFERENCES) {
		s->r.ended = true;
		return;
	}
	if (!s->complete)
		nec_reader_warn(&s->r, 0,
				"the snapshot was not completed: it has no end that fits");
	if (s->once.repeat_count)
		nec_reader_warn(&s->r, 0, "%" PRIu64 " lines repeat an object and were left out",
				s->once.repeat_count);
	nec_once_seal(&s->once);
	s->pass = PASS_REFERENCES;
	s->r.off = 0;
	s->lines = 0;
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct snapshot *s = (struct snapshot *)r;
	unsigned int count = 0;
	struct nec_line line;

	while (!nec_reader_full(r) && count++ < 4096) {
		if (!nec_reader_line(r, &line)) {
			end_pass(s);
			return NULL;
		}
		if (s->lines++)
			NEC_TRY(one_line(s, &line));
	}
	return NULL;
}

static void deinit(struct nec_reader *r)
{
	struct snapshot *s = (struct snapshot *)r;

	while (s->types)
		free(s->type_names[--s->types]);
	free(s->type_names);
	nec_once_deinit(&s->once);
	nec_text_deinit(&s->text);
	free(s->tmpdir);
}

static struct nec_error *snapshot_open(struct nec_input *input,
				       const struct nec_load_options *options,
				       struct nec_source **source_ret)
{
	struct nec_error *err;
	struct nec_reader *r;
	struct snapshot *s;

	NEC_TRY(nec_reader_create(sizeof(*s), "snapshot", input, options, fill, deinit, &r));
	s = (struct snapshot *)r;
	s->tmpdir = nec_reader_tmpdir(options);
	err = s->tmpdir ? nec_once_init(&s->once, s->tmpdir) : &nec_enomem;
	if (err) {
		r->source.close(&r->source);
		return err;
	}
	*source_ret = &r->source;
	return NULL;
}

static int snapshot_bid(const uint8_t *head, size_t size, const char *name)
{
	static const char magic[] = "necropsy-snapshot 1\n";

	(void)name;
	return size >= strlen(magic) && !memcmp(head, magic, strlen(magic)) ? 8 * (int)strlen(magic)
									    : 0;
}

const struct nec_format nec_format_snapshot = {
	.name = "snapshot",
	.description = "snapshot that a service wrote of itself",
	.bid = snapshot_bid,
	.open = snapshot_open,
};
