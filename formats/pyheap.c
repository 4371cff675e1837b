/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dumps of PyHeap, format version 1: big-endian, without padding.
 *
 *   magic version date flags · well-known types · threads with frames and locals · frequent
 * attribute names · types whose instances share their attributes · count, objects · names of types
 * · magic
 *
 * The file is mapped and its objects are gone over three times: for the names of types, which stand
 * behind them and in the reprs of type objects ("<class 'module.Name'>"); for the objects; for
 * their references. A dump whose writer was killed has a count of 0 and ends anywhere: what lies
 * before the end is read.
 *
 * Attributes are a list of all that the object's class answers to, most of which it does not itself
 * refer to: an attribute names a reference when the object refers to its value. Locals of frames
 * are roots; so are modules, which the interpreter's own table holds and the format does not.
 *
 * Checked against files of PyHeap 0.7.0.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "base/strtab.h"
#include "base/u64map.h"
#include "formats/once.h"
#include "formats/reader.h"

enum {
	VERSION = 1,
	FLAG_REPRS = 1,
	/* Comparisons of one object's attributes with its references; beyond them the references
	   stay without names. */
	LABEL_WORK = 1 << 24,
};

static const uint64_t magic = 123000321;

enum pass { PASS_HEADER, PASS_TYPES, PASS_OBJECTS, PASS_REFERENCES };

/* Types that the format treats apart. To add one: its name as the dump has it. */
enum well_known { WK_LIST, WK_TUPLE, WK_DICT, WK_SET, WK_STR, WK_COUNT };

static const char *const well_known_names[WK_COUNT] = {
	[WK_LIST] = "list", [WK_TUPLE] = "tuple", [WK_DICT] = "dict",
	[WK_SET] = "set",   [WK_STR] = "str",
};

/* Bytes of a name in the file. */
struct name {
	const char *text;
	uint32_t len;
};

struct record {
	uint64_t addr, type;
	uint32_t size;
	bool is_dict, is_sequence;
	uint32_t content_count, extra_count, attr_count;
	const uint8_t *content, *extra; /* big-endian addresses; a dict's come in pairs */
	size_t attrs;                   /* offset in the file */
	struct name repr;               /* text NULL: none */
};

struct pyheap {
	struct nec_reader r;
	enum pass pass;
	char *tmpdir;
	uint64_t flags;
	uint64_t well_known[WK_COUNT];
	struct name *frequent;
	uint32_t frequent_count;
	struct nec_u64map
		common; /* addresses of types without attributes in their instances' records */

	size_t objects_off, off; /* of the first object; of the next one */
	uint32_t object_count;   /* 0: the writer was killed */
	uint64_t done;           /* objects of this pass */
	bool cut;

	struct nec_strtab names;   /* of types and modules */
	struct nec_u64map reprs;   /* address -> name in "<class '...'>" */
	struct nec_u64map bare;    /* address of a type -> its __name__ */
	struct nec_u64map modules; /* id of a name + 1 -> there is such a module */
	struct nec_u64map types;   /* address of a type -> id of its TYPE fact */
	struct nec_once once;
	struct nec_strtab labels;
	uint32_t labels_told;
	struct nec_text text;
};

static uint64_t be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static struct name read_bytes(struct nec_cursor *c, size_t len)
{
	const char *text = nec_cursor_bytes(c, len);

	return (struct name){.text = text ? text : "", .len = text ? (uint32_t)len : 0};
}

static struct name read_str(struct nec_cursor *c)
{
	return read_bytes(c, nec_cursor_u16be(c));
}

static struct name read_attr_name(const struct pyheap *h, struct nec_cursor *c)
{
	int16_t k = (int16_t)nec_cursor_u16be(c);
	uint32_t index = (uint32_t)(-(int32_t)k - 1);

	if (k >= 0)
		return read_bytes(c, (size_t)k);
	if (index < h->frequent_count)
		return h->frequent[index];
	c->failed = true;
	return (struct name){.text = ""};
}

static const char *name_text(struct pyheap *h, struct name name)
{
	return nec_reader_name(&h->r, name.text, name.len);
}

/* ---- the header --------------------------------------------------------------------- */

static void read_well_known(struct pyheap *h, struct nec_cursor *c)
{
	uint32_t n = nec_cursor_u32be(c), i;
	int k;

	for (i = 0; i < n && !c->failed; i++) {
		struct name name = read_str(c);
		uint64_t addr = nec_cursor_u64be(c);

		for (k = 0; k < WK_COUNT; k++) {
			if (name.len == strlen(well_known_names[k]) &&
			    !memcmp(name.text, well_known_names[k], name.len))
				h->well_known[k] = addr;
		}
	}
}

static void read_local(struct pyheap *h, struct nec_cursor *c, uint32_t thread, uint32_t depth,
		       const char *where)
{
	struct name name = read_str(c);
	uint64_t addr = nec_cursor_u64be(c);
	const char *text = name_text(h, name);
	struct nec_fact *fact;

	if (c->failed)
		return;
	fact = nec_reader_emit(&h->r, NEC_FACT_LOCAL);
	fact->local.thread = thread;
	fact->local.depth = depth;
	fact->local.name = text;
	fact->local.addr = addr;
	if (!nec_reader_addr_ok(addr))
		return;
	fact = nec_reader_emit(&h->r, NEC_FACT_ROOT);
	fact->root.addr = addr;
	fact->root.kind = "frame";
	fact->root.label = nec_reader_printf(&h->r, "%s %s", where, text);
}

static void read_frame(struct pyheap *h, struct nec_cursor *c, uint32_t thread, uint32_t depth,
		       const char *thread_name)
{
	struct name file = read_str(c), function;
	uint32_t line = nec_cursor_u32be(c), n, i;
	struct nec_fact *fact;
	const char *where;

	function = read_str(c);
	n = nec_cursor_u32be(c);
	if (c->failed)
		return;
	where = nec_reader_printf(&h->r, "%s %s", thread_name, name_text(h, function));
	fact = nec_reader_emit(&h->r, NEC_FACT_FRAME);
	fact->frame.thread = thread;
	fact->frame.depth = depth;
	fact->frame.kind = "python";
	fact->frame.function = name_text(h, function);
	fact->frame.file = name_text(h, file);
	fact->frame.line = line <= INT32_MAX ? (int32_t)line : 0;
	for (i = 0; i < n && !c->failed; i++)
		read_local(h, c, thread, depth, where);
}

static void read_threads(struct pyheap *h, struct nec_cursor *c)
{
	uint32_t n = nec_cursor_u32be(c), frames, i, depth;

	for (i = 0; i < n && !c->failed && !h->r.oom; i++) {
		const char *name = name_text(h, read_str(c));
		bool alive = nec_cursor_u8(c), daemon = nec_cursor_u8(c);
		struct nec_fact *fact;

		frames = nec_cursor_u32be(c);
		if (c->failed)
			return;
		fact = nec_reader_emit(&h->r, NEC_FACT_THREAD);
		fact->thread.id = i;
		fact->thread.name = name;
		fact->thread.state = alive ? "alive" : "finished";
		fact->thread.daemon = daemon;
		for (depth = 0; depth < frames && !c->failed && !h->r.oom; depth++)
			read_frame(h, c, i, depth, name);
	}
}

static struct nec_error *read_frequent(struct pyheap *h, struct nec_cursor *c)
{
	uint32_t n = nec_cursor_u32be(c), i;

	/* The index of a name is an i16. */
	if (c->failed || n > 1 << 15 || n > nec_cursor_left(c) / sizeof(uint16_t)) {
		c->failed = true;
		return NULL;
	}
	h->frequent = calloc(n + 1, sizeof(*h->frequent));
	if (!h->frequent)
		return &nec_enomem;
	for (i = 0; i < n; i++)
		h->frequent[i] = read_str(c);
	h->frequent_count = n;
	return NULL;
}

static struct nec_error *read_common(struct pyheap *h, struct nec_cursor *c)
{
	uint32_t n = nec_cursor_u32be(c), m, i, j;
	bool added;

	for (i = 0; i < n && !c->failed; i++) {
		uint64_t type = nec_cursor_u64be(c);

		m = nec_cursor_u32be(c);
		for (j = 0; j < m && !c->failed; j++) {
			read_attr_name(h, c);
			nec_cursor_u64be(c);
		}
		if (!c->failed && type)
			NEC_TRY(nec_u64map_add(&h->common, type, 0, &added));
	}
	return NULL;
}

static struct nec_error *read_header(struct pyheap *h)
{
	struct nec_cursor c = nec_cursor_init(h->r.data, h->r.size);
	struct nec_fact *fact;
	uint32_t version;

	if (nec_cursor_u64be(&c) != magic)
		return nec_error_create(NEC_ERR_FORMAT,
					"no dump of PyHeap: its first bytes are others");
	version = nec_cursor_u32be(&c);
	if (!c.failed && version != VERSION)
		return nec_error_create(NEC_ERR_UNSUPPORTED, "dump of PyHeap in version %u, not %d",
					version, VERSION);
	fact = nec_reader_emit(&h->r, NEC_FACT_META);
	fact->meta.key = "captured_at";
	fact->meta.value = name_text(h, read_str(&c));
	h->flags = nec_cursor_u64be(&c);
	nec_reader_meta(&h->r, "kinds",
			h->flags & FLAG_REPRS ? "objects,references,values,threads"
					      : "objects,references,threads");
	nec_reader_meta(&h->r, "roots",
			"locals of frames, and modules for want of more in the format");
	read_well_known(h, &c);
	read_threads(h, &c);
	NEC_TRY(read_frequent(h, &c));
	NEC_TRY(read_common(h, &c));
	h->object_count = nec_cursor_u32be(&c);
	if (c.failed) {
		nec_reader_warn(&h->r, 0, "the file ends or is damaged before its objects");
		h->r.ended = true;
	}
	h->objects_off = h->off = c.off;
	return NULL;
}

/* ---- objects ------------------------------------------------------------------------ */

static const uint8_t *read_addrs(struct nec_cursor *c, uint32_t count, size_t words)
{
	return nec_cursor_bytes(c, count * (sizeof(uint64_t) * words));
}

static bool read_record(const struct pyheap *h, struct nec_cursor *c, struct record *rec)
{
	const uint64_t *wk = h->well_known;
	uint32_t i;

	*rec = (struct record){.addr = nec_cursor_u64be(c)};
	rec->type = nec_cursor_u64be(c);
	rec->size = nec_cursor_u32be(c);
	rec->is_dict = rec->type == wk[WK_DICT];
	rec->is_sequence = rec->type == wk[WK_LIST] || rec->type == wk[WK_TUPLE];
	if (rec->is_dict || rec->is_sequence || rec->type == wk[WK_SET]) {
		rec->content_count = nec_cursor_u32be(c);
		rec->content = read_addrs(c, rec->content_count, rec->is_dict ? 2 : 1);
	}
	rec->extra_count = nec_cursor_u32be(c);
	rec->extra = read_addrs(c, rec->extra_count, 1);
	if (c->failed || !rec->type)
		return false;
	if (!nec_u64map_find(&h->common, rec->type)) {
		rec->attr_count = nec_cursor_u32be(c);
		rec->attrs = c->off;
		for (i = 0; i < rec->attr_count && !c->failed; i++) {
			read_attr_name(h, c);
			nec_cursor_u64be(c);
		}
	}
	if (h->flags & FLAG_REPRS && !rec->is_dict && !rec->is_sequence && rec->type != wk[WK_SET])
		rec->repr = read_str(c);
	return !c->failed;
}

/* The name between the quotes of "<class 'a.B'>" or "<module 'a' from ...>"; reprs may be cut, a
 * name must not. */
static bool name_in_repr(struct name repr, const char *before, bool to_end, struct name *ret)
{
	size_t len = strlen(before);
	const char *end;

	if (repr.len <= len || memcmp(repr.text, before, len))
		return false;
	ret->text = repr.text + len;
	end = memchr(ret->text, '\'', repr.len - len);
	if (!end || (to_end && (size_t)(end - repr.text) + strlen("'>") != repr.len))
		return false;
	ret->len = (uint32_t)(end - ret->text);
	return ret->len > 0;
}

static struct nec_error *intern_for(struct pyheap *h, struct nec_u64map *map, uint64_t addr,
				    struct name name)
{
	bool added;
	uint32_t id;

	if (!addr || !name.len)
		return NULL;
	NEC_TRY(nec_strtab_intern(&h->names, name.text,
				  name.len < NEC_LIMIT_NAME ? name.len : NEC_LIMIT_NAME, &id));
	return nec_u64map_add(map, addr, id, &added);
}

static struct nec_error *learn_names(struct pyheap *h, const struct record *rec)
{
	struct name name;
	bool added;
	uint32_t id;

	if (name_in_repr(rec->repr, "<class '", true, &name))
		return intern_for(h, &h->reprs, rec->addr, name);
	if (!name_in_repr(rec->repr, "<module '", false, &name))
		return NULL;
	NEC_TRY(nec_strtab_intern(&h->names, name.text, name.len, &id));
	return nec_u64map_add(&h->modules, (uint64_t)id + 1, 0, &added);
}

/* What follows the objects: the bare name of each type. */
static struct nec_error *read_type_names(struct pyheap *h)
{
	struct nec_cursor c = nec_cursor_init(h->r.data, h->r.size);
	uint32_t n, i;

	if (h->cut)
		return NULL;
	c.off = h->off;
	n = nec_cursor_u32be(&c);
	for (i = 0; i < n && !c.failed; i++) {
		uint64_t addr = nec_cursor_u64be(&c);
		struct name name = read_str(&c);

		if (!c.failed)
			NEC_TRY(intern_for(h, &h->bare, addr, name));
	}
	if (nec_cursor_u64be(&c) != magic || c.failed)
		nec_reader_warn(&h->r, 0, "the file ends within the names of types");
	return NULL;
}

/* The module of a dotted name: its longest beginning that is the name of a module in the dump. */
static const char *module_of(struct pyheap *h, const char *name)
{
	size_t len = strlen(name);
	uint32_t id, known = h->names.count;

	while (len--) {
		if (name[len] != '.')
			continue;
		if (nec_strtab_intern(&h->names, name, len, &id))
			return NULL;
		if (id < known && nec_u64map_find(&h->modules, (uint64_t)id + 1))
			return nec_reader_name(&h->r, name, len);
	}
	return NULL;
}

/* Full name from the repr of the type, unless its bare name says otherwise (a metaclass may print
 * what it likes). */
static const char *type_name(struct pyheap *h, uint64_t type, const char **module_ret)
{
	const uint32_t *full = nec_u64map_find(&h->reprs, type),
		       *bare = nec_u64map_find(&h->bare, type);
	const char *name = full ? nec_strtab_get(&h->names, *full) : NULL, *last;
	int k;

	*module_ret = NULL;
	if (name && bare) {
		last = strrchr(name, '.');
		if (strcmp(last ? last + 1 : name, nec_strtab_get(&h->names, *bare)))
			name = NULL;
	}
	if (name && !strchr(name, '.')) {
		*module_ret = "builtins";
		return nec_reader_printf(&h->r, "builtins.%s",
					 nec_reader_name(&h->r, name, strlen(name)));
	}
	if (name) {
		name = nec_reader_name(&h->r, name, strlen(name));
		*module_ret = module_of(h, name);
		return name;
	}
	if (bare) {
		name = nec_strtab_get(&h->names, *bare);
		return nec_reader_name(&h->r, name, strlen(name));
	}
	for (k = 0; k < WK_COUNT; k++) {
		if (type == h->well_known[k]) {
			*module_ret = "builtins";
			return nec_reader_printf(&h->r, "builtins.%s", well_known_names[k]);
		}
	}
	return nec_reader_printf(&h->r, "type at 0x%" PRIx64, type);
}

static struct nec_error *type_id(struct pyheap *h, uint64_t type, uint32_t *id_ret)
{
	const char *name, *module;
	struct nec_fact *fact;
	bool added;

	*id_ret = (uint32_t)h->types.count;
	if (h->types.count >= NEC_LIMIT_TYPES && !nec_u64map_find(&h->types, type))
		return nec_error_create(NEC_ERR_LIMIT, "more than %" PRIu64 " types",
					(uint64_t)NEC_LIMIT_TYPES);
	NEC_TRY(nec_u64map_add(&h->types, type, *id_ret, &added));
	if (!added) {
		*id_ret = *nec_u64map_find(&h->types, type);
		return NULL;
	}
	name = type_name(h, type, &module);
	fact = nec_reader_emit(&h->r, NEC_FACT_TYPE);
	fact->type.id = *id_ret;
	fact->type.addr = type;
	fact->type.name = name;
	fact->type.module = module;
	fact->type.basicsize = fact->type.itemsize = NEC_UNKNOWN;
	return NULL;
}

/* str(object) was dumped: that of a str becomes a repr, as other formats have it. */
static void tell_value(struct pyheap *h, const struct record *rec)
{
	const uint8_t *s = (const uint8_t *)rec->repr.text;
	struct nec_fact *fact;
	const char *text;
	size_t i, step;

	if (!rec->repr.text)
		return;
	if (rec->type == h->well_known[WK_STR]) {
		nec_repr_begin(&h->text);
		for (i = 0; i < rec->repr.len && !h->text.cut; i += step) {
			int32_t cp = nec_utf8_decode(s + i, rec->repr.len - i, &step);

			nec_repr_put(&h->text, cp < 0 ? s[i] : (uint32_t)cp);
		}
		nec_repr_end(&h->text);
		h->r.oom |= h->text.failed;
		text = nec_reader_text(&h->r, nec_text_str(&h->text), h->text.len,
				       2 * NEC_LIMIT_PREVIEW);
	} else {
		text = nec_reader_text(&h->r, s, rec->repr.len, NEC_LIMIT_PREVIEW);
	}
	fact = nec_reader_emit(&h->r, NEC_FACT_VALUE);
	fact->value.addr = rec->addr;
	fact->value.text = text;
	fact->value.len = (uint32_t)strlen(text);
}

static void tell_module_root(struct pyheap *h, const struct record *rec)
{
	struct nec_fact *fact;
	struct name name;

	if (!name_in_repr(rec->repr, "<module '", false, &name))
		return;
	fact = nec_reader_emit(&h->r, NEC_FACT_ROOT);
	fact->root.addr = rec->addr;
	fact->root.kind = "module";
	fact->root.label = name_text(h, name);
}

static struct nec_error *tell_object(struct pyheap *h, const struct record *rec, uint64_t pos)
{
	struct nec_fact *fact;
	uint32_t type;
	bool first;

	if (!nec_reader_addr_ok(rec->addr)) {
		nec_reader_warn(&h->r, rec->addr, "no address of an object, left out");
		return NULL;
	}
	NEC_TRY(nec_once_first(&h->once, rec->addr, pos, &first));
	if (!first)
		return NULL;
	NEC_TRY(type_id(h, rec->type, &type));
	fact = nec_reader_emit(&h->r, NEC_FACT_OBJECT);
	fact->object.addr = rec->addr;
	fact->object.type = type;
	fact->object.size = rec->size;
	fact->object.refcount = NEC_UNKNOWN;
	tell_value(h, rec);
	tell_module_root(h, rec);
	return NULL;
}

/* ---- references --------------------------------------------------------------------- */

static struct nec_error *label_id(struct pyheap *h, struct name name, uint64_t *id_ret)
{
	char text[NEC_LIMIT_NAME];
	size_t len = name.len < sizeof(text) - 1 ? name.len : sizeof(text) - 1;
	uint32_t id;

	text[0] = '.';
	memcpy(text + 1, name.text, len);
	NEC_TRY(nec_strtab_intern(&h->labels, text, len + 1, &id));
	*id_ret = id;
	while (h->labels_told < h->labels.count) {
		const char *s = nec_strtab_get(&h->labels, h->labels_told);
		const char *copy = nec_reader_name(&h->r, s, strlen(s));
		struct nec_fact *fact = nec_reader_emit(&h->r, NEC_FACT_STRING);

		fact->string.id = h->labels_told++;
		fact->string.text = copy;
	}
	return NULL;
}

/* Names the references whose target is the value of an attribute; a name without underscores wins
 * over one with. */
static struct nec_error *label_attrs(struct pyheap *h, const struct record *rec,
				     struct nec_ref *refs)
{
	struct nec_cursor c = nec_cursor_init(h->r.data, h->r.size);
	uint32_t i, j;

	if ((uint64_t)rec->attr_count * rec->extra_count > LABEL_WORK)
		return NULL;
	c.off = rec->attrs;
	for (i = 0; i < rec->attr_count; i++) {
		struct name name = read_attr_name(h, &c);
		uint64_t addr = nec_cursor_u64be(&c);
		bool dunder = name.len > 1 && name.text[0] == '_' && name.text[1] == '_';

		for (j = 0; j < rec->extra_count; j++) {
			if (refs[j].dst != addr || refs[j].kind == NEC_REF_TYPE ||
			    (refs[j].label_kind != NEC_LABEL_NONE && dunder))
				continue;
			NEC_TRY(label_id(h, name, &refs[j].label));
			refs[j].label_kind = NEC_LABEL_STRING;
		}
	}
	return NULL;
}

static uint32_t add_content(const struct record *rec, struct nec_ref *refs)
{
	const uint8_t *p = rec->content;
	uint32_t i, n = 0;

	for (i = 0; i < rec->content_count; i++) {
		if (rec->is_dict) {
			refs[n++] = (struct nec_ref){.dst = be64(p)};
			refs[n++] = (struct nec_ref){
				.dst = be64(p + 8), .label = be64(p), .label_kind = NEC_LABEL_KEY};
			p += 16;
		} else {
			refs[n++] = (struct nec_ref){
				.dst = be64(p),
				.label = rec->is_sequence ? i : 0,
				.label_kind = rec->is_sequence ? NEC_LABEL_INDEX : NEC_LABEL_NONE,
			};
			p += 8;
		}
	}
	return n;
}

static struct nec_error *tell_references(struct pyheap *h, const struct record *rec, uint64_t pos)
{
	uint64_t room = (uint64_t)rec->content_count * (rec->is_dict ? 2 : 1) + rec->extra_count;
	struct nec_ref *refs;
	struct nec_fact *fact;
	uint32_t n, i;

	if (!nec_reader_addr_ok(rec->addr) || !nec_once_counts(&h->once, pos))
		return NULL;
	if (room > UINT32_MAX)
		return nec_error_create(NEC_ERR_LIMIT,
					"object at 0x%" PRIx64 ": %" PRIu64 " references",
					rec->addr, room);
	refs = room ? nec_reader_alloc(&h->r, room * sizeof(*refs)) : NULL;
	if (room && !refs)
		return &nec_enomem;
	n = add_content(rec, refs);
	for (i = 0; i < rec->extra_count; i++) {
		uint64_t dst = be64(rec->extra + i * 8);

		refs[n + i] = (struct nec_ref){
			.dst = dst, .kind = dst == rec->type ? NEC_REF_TYPE : NEC_REF_STRONG};
	}
	NEC_TRY(label_attrs(h, rec, refs ? refs + n : NULL));
	fact = nec_reader_emit(&h->r, NEC_FACT_REFERENCES);
	fact->references.src = rec->addr;
	fact->references.refs = refs;
	fact->references.count = (uint32_t)room;
	return NULL;
}

/* ---- passes ------------------------------------------------------------------------- */

static struct nec_error *end_pass(struct pyheap *h)
{
	switch (h->pass) {
	case PASS_HEADER:
		break;
	case PASS_TYPES:
		NEC_TRY(read_type_names(h));
		break;
	case PASS_OBJECTS:
		if (h->once.repeat_count)
			nec_reader_warn(&h->r, 0,
					"%" PRIu64 " records repeat an object and were left out",
					h->once.repeat_count);
		nec_once_seal(&h->once);
		break;
	case PASS_REFERENCES:
		h->r.ended = true;
	}
	h->pass++;
	h->off = h->objects_off;
	h->done = 0;
	return NULL;
}

/* False when there is no further whole object. */
static bool next_record(struct pyheap *h, struct record *rec, uint64_t *pos_ret)
{
	struct nec_cursor c = nec_cursor_init(h->r.data, h->r.size);

	c.off = *pos_ret = h->off;
	if (h->object_count ? h->done == h->object_count : h->off == h->r.size)
		return false;
	if (!read_record(h, &c, rec)) {
		h->cut = true;
		if (h->pass == PASS_OBJECTS)
			nec_reader_warn(&h->r, 0,
					"the file ends or is damaged at byte %zu, after %" PRIu64
					" objects%s",
					h->off, h->done,
					h->object_count ? "" : " of a dump that was not completed");
		return false;
	}
	h->done++;
	h->off = h->r.off = c.off;
	return true;
}

static struct nec_error *one_record(struct pyheap *h, const struct record *rec, uint64_t pos)
{
	switch (h->pass) {
	case PASS_TYPES:
		return learn_names(h, rec);
	case PASS_OBJECTS:
		return tell_object(h, rec, pos);
	case PASS_REFERENCES:
		return tell_references(h, rec, pos);
	case PASS_HEADER:
		break;
	}
	return NULL;
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct pyheap *h = (struct pyheap *)r;
	unsigned int records = 0;
	struct record rec;
	uint64_t pos;

	if (h->pass == PASS_HEADER) {
		NEC_TRY(read_header(h));
		return end_pass(h);
	}
	while (!nec_reader_full(r) && records++ < 4096) {
		if (!next_record(h, &rec, &pos))
			return end_pass(h);
		NEC_TRY(one_record(h, &rec, pos));
	}
	return NULL;
}

static void deinit(struct nec_reader *r)
{
	struct pyheap *h = (struct pyheap *)r;

	nec_u64map_deinit(&h->common);
	nec_u64map_deinit(&h->reprs);
	nec_u64map_deinit(&h->bare);
	nec_u64map_deinit(&h->modules);
	nec_u64map_deinit(&h->types);
	nec_once_deinit(&h->once);
	nec_strtab_deinit(&h->names);
	nec_strtab_deinit(&h->labels);
	nec_text_deinit(&h->text);
	free(h->frequent);
	free(h->tmpdir);
}

static struct nec_error *init(struct pyheap *h, const struct nec_load_options *options)
{
	h->tmpdir = nec_reader_tmpdir(options);
	if (!h->tmpdir)
		return &nec_enomem;
	NEC_TRY(nec_u64map_init(&h->common, h->tmpdir));
	NEC_TRY(nec_u64map_init(&h->reprs, h->tmpdir));
	NEC_TRY(nec_u64map_init(&h->bare, h->tmpdir));
	NEC_TRY(nec_u64map_init(&h->modules, h->tmpdir));
	NEC_TRY(nec_u64map_init(&h->types, h->tmpdir));
	return nec_once_init(&h->once, h->tmpdir);
}

static struct nec_error *pyheap_open(struct nec_input *input,
				     const struct nec_load_options *options,
				     struct nec_source **source_ret)
{
	struct nec_error *err;
	struct nec_reader *r;

	NEC_TRY(nec_reader_create(sizeof(struct pyheap), "pyheap", input, options, fill, deinit,
				  &r));
	err = init((struct pyheap *)r, options);
	if (err) {
		r->source.close(&r->source);
		return err;
	}
	*source_ret = &r->source;
	return NULL;
}

static int pyheap_bid(const uint8_t *head, size_t size, const char *name)
{
	(void)name;
	return size >= 12 && be64(head) == magic ? 96 : 0;
}

const struct nec_format nec_format_pyheap = {
	.name = "pyheap",
	.description = "dump of PyHeap",
	.bid = pyheap_bid,
	.open = pyheap_open,
};
