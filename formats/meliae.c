/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dumps of meliae (scanner.dump_all_objects and its siblings): one JSON object a line.
 *
 *   {"address": 1403, "type": "dict", "size": 280, "len": 3, "value": ..., "name": ..., "refs":
 * [94846, 14026]}
 *
 * The file is mapped and read three times: for the names of type objects, for the objects, for
 * their references. A line is read by a scanner of flat JSON objects that neither recurses nor
 * copies; keys may come in any order and unknown ones are skipped, an array of such lines ("[",
 * "]", commas at the ends) is accepted, as meliae's loader does. dump_gc_objects writes objects
 * more than once: the first line of an address wins. References to objects that were not dumped are
 * legal.
 *
 * The format has no roots and no labels. Modules are taken for roots, since the interpreter's own
 * table of them is what holds them; a reference to the type object of the referrer's own type is
 * marked as such, unless two types bear that name.
 *
 * Checked against files of meliae 0.5dev on Python 2.7.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/strtab.h"
#include "base/u64map.h"
#include "formats/once.h"
#include "formats/reader.h"

enum pass { PASS_TYPES, PASS_OBJECTS, PASS_REFERENCES };

/* Bytes of a line between quotes or of a number; NULL when the key was not there. */
struct span {
	const char *text;
	size_t len;
};

struct record {
	uint64_t addr;
	int64_t size; /* bytes; -1: none */
	struct span type, name, value, refs;
	bool value_is_string;
};

struct meliae {
	struct nec_reader r;
	enum pass pass;
	char *tmpdir;
	struct nec_strtab types;
	uint64_t *type_addr; /* by id, for the types that have a line: 0 when two lines bear the
				name */
	uint32_t type_addr_count, type_addr_capacity;
	uint32_t types_told;
	bool python2;                 /* there are objects of type unicode */
	struct nec_u64map type_lines; /* addresses of type objects that were learned */
	struct nec_once once;
	struct nec_text text;
};

/* ---- one line ----------------------------------------------------------------------- */

static void skip_space(const char **s, const char *end)
{
	while (*s < end && (**s == ' ' || **s == '\t'))
		(*s)++;
}

static bool take(const char **s, const char *end, char c)
{
	skip_space(s, end);
	if (*s == end || **s != c)
		return false;
	(*s)++;
	return true;
}

/* A string with *s behind its opening quote; the span is what lies between the quotes, escapes
 * untouched. */
static bool scan_string(const char **s, const char *end, struct span *ret)
{
	const char *p = *s;

	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	if (p >= end)
		return false;
	*ret = (struct span){.text = *s, .len = (size_t)(p - *s)};
	*s = p + 1;
	return true;
}

/* Whatever the value is: a string, a number or word, an array without strings in it. */
static bool scan_value(const char **s, const char *end, struct span *ret, bool *string_ret)
{
	const char *p;

	*string_ret = false;
	skip_space(s, end);
	if (*s == end)
		return false;
	if (**s == '"') {
		(*s)++;
		*string_ret = true;
		return scan_string(s, end, ret);
	}
	if (**s == '[') {
		p = memchr(*s, ']', (size_t)(end - *s));
		if (!p)
			return false;
		*ret = (struct span){.text = *s + 1, .len = (size_t)(p - *s) - 1};
		*s = p + 1;
		return true;
	}
	for (p = *s; p < end && *p != ',' && *p != '}' && *p != ' '; p++)
		;
	*ret = (struct span){.text = *s, .len = (size_t)(p - *s)};
	*s = p;
	return ret->len;
}

static bool is(const struct span *s, const char *word)
{
	return s->len == strlen(word) && !memcmp(s->text, word, s->len);
}

static bool store_value(struct record *rec, const struct span *key, const struct span *value,
			bool string)
{
	if (is(key, "address"))
		return nec_parse_u64(value->text, value->len, &rec->addr);
	if (is(key, "size"))
		return nec_parse_i64(value->text, value->len, &rec->size);
	if (is(key, "type")) {
		rec->type = *value;
	} else if (is(key, "name")) {
		rec->name = *value;
	} else if (is(key, "refs")) {
		rec->refs = *value;
	} else if (is(key, "value")) {
		rec->value = *value;
		rec->value_is_string = string;
	}
	return true;
}

static bool parse_record(const struct nec_line *line, struct record *rec)
{
	const char *s = line->text, *end = line->text + line->len;
	struct span key, value;
	bool string;

	*rec = (struct record){.size = -1};
	if (!take(&s, end, '{'))
		return false;
	do {
		if (!take(&s, end, '"') || !scan_string(&s, end, &key) || !take(&s, end, ':') ||
		    !scan_value(&s, end, &value, &string) ||
		    !store_value(rec, &key, &value, string))
			return false;
	} while (take(&s, end, ','));
	return take(&s, end, '}') && rec->addr && rec->type.text && rec->size >= 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* The code point of one character of a JSON string, and steps over it; a byte that is no UTF-8
 * stands for itself. */
static uint32_t next_char(const char **s, const char *end)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	const char *p = *s, *found;
	size_t step;
	int32_t cp;
	int i, v = 0;

	if (*p != '\\' || p + 1 >= end) {
		cp = nec_utf8_decode((const uint8_t *)p, (size_t)(end - p), &step);
		*s += step;
		return cp < 0 ? (uint8_t)*p : (uint32_t)cp;
	}
	*s += 2;
	if (p[1] != 'u' || end - p < 6) {
		found = p[1] ? strchr(from, p[1]) : NULL;
		return (uint8_t)(found ? to[found - from] : p[1]);
	}
	for (i = 2; i < 6; i++) {
		if (hex_digit(p[i]) < 0)
			return 'u';
		v = v << 4 | hex_digit(p[i]);
	}
	*s += 4;
	return (uint32_t)v;
}

/* Characters from U+10000 up come as two surrogates. */
static uint32_t next_codepoint(const char **s, const char *end)
{
	uint32_t cp = next_char(s, end), low;
	const char *peek = *s;

	if (cp >= 0xd800 && cp < 0xdc00 && peek < end) {
		low = next_char(&peek, end);
		if (low >= 0xdc00 && low < 0xe000) {
			*s = peek;
			return 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	return cp;
}

/* A name as it was before it was escaped; borrowed until the next call. */
static const char *unescape(struct meliae *m, const struct span *name)
{
	const char *s = name->text, *end = s + name->len;

	nec_text_clear(&m->text);
	m->text.limit = NEC_LIMIT_NAME;
	while (s < end && !m->text.cut) {
		uint32_t cp = next_codepoint(&s, end);

		if (cp)
			nec_text_put_codepoint(&m->text, cp);
		else
			nec_text_puts(&m->text, "\\x00");
	}
	m->text.limit = 0;
	m->r.oom |= m->text.failed;
	return nec_text_str(&m->text);
}

/* ---- types -------------------------------------------------------------------------- */

static struct nec_error *intern(struct meliae *m, const struct span *name, uint32_t *id_ret)
{
	/* Nothing to undo in nearly every name. */
	if (!memchr(name->text, '\\', name->len) && name->len <= NEC_LIMIT_NAME)
		return nec_strtab_intern(&m->types, name->text, name->len, id_ret);
	return nec_strtab_intern(&m->types, unescape(m, name), NEC_LIMIT_NAME, id_ret);
}

/* Only types, classes, modules and functions are named. */
static bool is_type_object(const struct record *rec)
{
	return rec->name.text && !is(&rec->type, "module") && !is(&rec->type, "function");
}

static struct nec_error *learn_type(struct meliae *m, const struct record *rec)
{
	uint32_t id, count = m->types.count;
	bool added;

	m->python2 |= is(&rec->type, "unicode");
	if (!is_type_object(rec) || !nec_reader_addr_ok(rec->addr))
		return NULL;
	NEC_TRY(nec_u64map_add(&m->type_lines, rec->addr, 0, &added));
	if (!added)
		return NULL;
	NEC_TRY(intern(m, &rec->name, &id));
	if (id >= m->type_addr_capacity) {
		uint32_t capacity = id * 2 + 64;
		uint64_t *p = realloc(m->type_addr, capacity * sizeof(*p));

		if (!p)
			return &nec_enomem;
		m->type_addr = p;
		m->type_addr_capacity = capacity;
	}
	m->type_addr[id] = id == count ? rec->addr : 0;
	m->type_addr_count = m->types.count;
	return NULL;
}

/* TYPE facts of all names up to the newest. */
static void tell_types(struct meliae *m)
{
	struct nec_fact *fact;
	const char *name;

	while (m->types_told < m->types.count) {
		name = nec_strtab_get(&m->types, m->types_told);
		name = nec_reader_name(&m->r, name, strlen(name));
		fact = nec_reader_emit(&m->r, NEC_FACT_TYPE);
		fact->type.id = m->types_told;
		fact->type.addr =
			m->types_told < m->type_addr_count ? m->type_addr[m->types_told] : 0;
		fact->type.name = name;
		fact->type.basicsize = fact->type.itemsize = NEC_UNKNOWN;
		m->types_told++;
	}
}

/* ---- objects ------------------------------------------------------------------------ */

/* As Python's repr, whose bytes of Python 2 strings are no characters. */
static void repr_string(struct meliae *m, const struct record *rec)
{
	const char *s = rec->value.text, *end = s + rec->value.len;
	bool bytes = is(&rec->type, "bytes") || (m->python2 && is(&rec->type, "str"));

	nec_repr_begin(&m->text);
	while (s < end && !m->text.cut) {
		uint32_t cp = next_codepoint(&s, end);

		if (bytes && cp >= 0x80 && cp < 0x100)
			nec_text_printf(&m->text, "\\x%02x", (unsigned int)cp);
		else
			nec_repr_put(&m->text, cp);
	}
	nec_repr_end(&m->text);
}

static void tell_value(struct meliae *m, const struct record *rec)
{
	struct nec_fact *fact;
	const char *text;

	if (rec->name.text) {
		text = unescape(m, &rec->name);
		text = nec_reader_printf(&m->r,
					 is(&rec->type, "module")     ? "<module '%s'>"
					 : is(&rec->type, "function") ? "<function %s>"
								      : "<class '%s'>",
					 text);
	} else if (rec->value.text && rec->value_is_string &&
		   (is(&rec->type, "bool") || is(&rec->type, "frame"))) {
		text = unescape(m, &rec->value);
		text = nec_reader_printf(&m->r, is(&rec->type, "frame") ? "<frame of %s>" : "%s",
					 text);
	} else if (rec->value.text && rec->value_is_string) {
		repr_string(m, rec);
		text = nec_reader_text(&m->r, nec_text_str(&m->text), m->text.len, SIZE_MAX / 8);
	} else if (rec->value.text) {
		text = nec_reader_text(&m->r, rec->value.text, rec->value.len, NEC_LIMIT_PREVIEW);
	} else {
		return;
	}
	m->r.oom |= m->text.failed;
	fact = nec_reader_emit(&m->r, NEC_FACT_VALUE);
	fact->value.addr = rec->addr;
	fact->value.text = text;
	fact->value.len = (uint32_t)strlen(text);
}

static struct nec_error *tell_object(struct meliae *m, const struct record *rec)
{
	struct nec_fact *fact;
	const char *name;
	uint32_t type;
	bool first;

	if (!nec_reader_addr_ok(rec->addr)) {
		nec_reader_warn(&m->r, rec->addr, "no address of an object, left out");
		return NULL;
	}
	NEC_TRY(nec_once_first(&m->once, rec->addr, m->r.off, &first));
	if (!first)
		return NULL;
	NEC_TRY(intern(m, &rec->type, &type));
	tell_types(m);
	fact = nec_reader_emit(&m->r, NEC_FACT_OBJECT);
	fact->object.addr = rec->addr;
	fact->object.type = type;
	fact->object.size = rec->size;
	fact->object.refcount = NEC_UNKNOWN;
	tell_value(m, rec);
	if (is(&rec->type, "module")) {
		name = rec->name.text ? unescape(m, &rec->name) : "";
		name = nec_reader_name(&m->r, name, strlen(name));
		fact = nec_reader_emit(&m->r, NEC_FACT_ROOT);
		fact->root.addr = rec->addr;
		fact->root.kind = "module";
		fact->root.label = name;
	}
	return NULL;
}

static struct nec_error *tell_references(struct meliae *m, const struct record *rec)
{
	const char *s = rec->refs.text ? rec->refs.text : "", *end = s + rec->refs.len, *p;
	struct nec_ref *refs;
	struct nec_fact *fact;
	uint64_t own = 0;
	uint32_t count = 0, type;
	size_t room = 1;

	if (!nec_reader_addr_ok(rec->addr) || !nec_once_counts(&m->once, m->r.off))
		return NULL;
	NEC_TRY(intern(m, &rec->type, &type));
	if (type < m->type_addr_count)
		own = m->type_addr[type];
	for (p = s; p < end && room < UINT32_MAX; p++)
		room += *p == ',';
	refs = s < end ? nec_reader_alloc(&m->r, room * sizeof(*refs)) : NULL;
	while (refs && s < end && count < room) {
		uint64_t dst;

		skip_space(&s, end);
		for (p = s; p < end && *p != ',' && *p != ' '; p++)
			;
		if (nec_parse_u64(s, (size_t)(p - s), &dst) && dst)
			refs[count++] = (struct nec_ref){
				.dst = dst,
				.kind = dst == own ? NEC_REF_TYPE : NEC_REF_STRONG,
			};
		else if (p > s)
			nec_reader_warn(&m->r, rec->addr, "reference %u is no address", count);
		s = p;
		if (!take(&s, end, ','))
			break;
	}
	fact = nec_reader_emit(&m->r, NEC_FACT_REFERENCES);
	fact->references.src = rec->addr;
	fact->references.refs = refs;
	fact->references.count = count;
	return NULL;
}

/* ---- passes ------------------------------------------------------------------------- */

static void begin_objects(struct meliae *m)
{
	nec_u64map_deinit(&m->type_lines);
	nec_reader_meta(&m->r, "kinds", "objects,references,values");
	nec_reader_meta(&m->r, "roots", "modules, for want of any in the format");
	if (m->python2)
		nec_reader_meta(&m->r, "python_version", "2");
	tell_types(m);
}

static void end_pass(struct meliae *m)
{
	switch (m->pass) {
	case PASS_TYPES:
		begin_objects(m);
		break;
	case PASS_OBJECTS:
		if (m->once.repeat_count)
			nec_reader_warn(&m->r, 0, "%llu lines repeat an object and were left out",
					(unsigned long long)m->once.repeat_count);
		nec_once_seal(&m->once);
		break;
	case PASS_REFERENCES:
		m->r.ended = true;
		return;
	}
	m->pass++;
	m->r.off = 0;
}

static struct nec_error *one_line(struct meliae *m, struct nec_line *line)
{
	struct record rec;

	while (line->len && line->text[line->len - 1] == ' ')
		line->len--;
	if (line->len && line->text[line->len - 1] == ',')
		line->len--;
	if (!line->len || (line->len == 1 && (*line->text == '[' || *line->text == ']')))
		return NULL;
	if (!parse_record(line, &rec)) {
		if (m->pass == PASS_OBJECTS)
			nec_reader_warn(&m->r, 0,
					line->whole
						? "line that ends at byte %llu is damaged, left out"
						: "the file ends at byte %llu, within an object",
					(unsigned long long)m->r.off);
		return NULL;
	}
	switch (m->pass) {
	case PASS_TYPES:
		return learn_type(m, &rec);
	case PASS_OBJECTS:
		return tell_object(m, &rec);
	case PASS_REFERENCES:
		return tell_references(m, &rec);
	}
	return NULL;
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct meliae *m = (struct meliae *)r;
	struct nec_line line;
	unsigned int lines = 0;

	while (!nec_reader_full(r) && lines++ < 4096) {
		if (!nec_reader_line(r, &line)) {
			end_pass(m);
			return NULL;
		}
		NEC_TRY(one_line(m, &line));
	}
	return NULL;
}

static void deinit(struct nec_reader *r)
{
	struct meliae *m = (struct meliae *)r;

	nec_strtab_deinit(&m->types);
	nec_u64map_deinit(&m->type_lines);
	nec_once_deinit(&m->once);
	nec_text_deinit(&m->text);
	free(m->type_addr);
	free(m->tmpdir);
}

static struct nec_error *meliae_open(struct nec_input *input,
				     const struct nec_load_options *options,
				     struct nec_source **source_ret)
{
	struct nec_error *err = NULL;
	struct nec_reader *r;
	struct meliae *m;

	NEC_TRY(nec_reader_create(sizeof(*m), "meliae", input, options, fill, deinit, &r));
	m = (struct meliae *)r;
	m->tmpdir = nec_reader_tmpdir(options);
	if (!m->tmpdir)
		err = &nec_enomem;
	if (!err)
		err = nec_u64map_init(&m->type_lines, m->tmpdir);
	if (!err)
		err = nec_once_init(&m->once, m->tmpdir);
	if (err) {
		r->source.close(&r->source);
		return err;
	}
	*source_ret = &r->source;
	return NULL;
}

/* An array of lines begins with "[" alone; then the first object must have an address all the same.
 */
static int meliae_bid(const uint8_t *head, size_t size, const char *name)
{
	static const char key[] = "{\"address\":";
	size_t i = 0;

	(void)name;
	if (size && head[0] == '[')
		i++;
	while (i < size && (head[i] == '\n' || head[i] == '\r' || head[i] == ' '))
		i++;
	return size - i > strlen(key) && !memcmp(head + i, key, strlen(key)) ? 8 * (int)strlen(key)
									     : 0;
}

const struct nec_format nec_format_meliae = {
	.name = "meliae",
	.description = "dump of meliae (one JSON object a line)",
	.bid = meliae_bid,
	.open = meliae_open,
};
