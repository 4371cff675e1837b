/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statistics of heapy (guppy-pe, guppy3): hpy().heap().stat.dump(file), Stat.dump.
 *
 * Not objects but the rows of a partition: count, size and name of each kind. A file is opened for
 * appending, so it is a sequence of packages, and that is a series over time. The grammar of a
 * package:
 *
 *   .loader: _load_stat            first line of each
 *   .NAME: VALUE                   header, in no fixed order: format, timemade, count, size,
 * kindname, kindheader, numrows .r: COUNT SIZE NAME            IdFormat: .r: SIZE NAME .end:
 * .loader: _load_stat      may be missing
 *
 * Rows become CENSUS facts with the number of their package, totals and the time a SAMPLE each.
 * Checked against files of guppy3 3.1.7.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "formats/reader.h"

struct package {
	bool open;
	bool id_rows; /* IdFormat: rows have no count */
	bool has_time, has_count, has_size, has_rows;
	double time; /* seconds since the epoch */
	int64_t count, size, b_count, b_size, numrows;
	char kind[NEC_LIMIT_NAME];         /* kindheader */
	int64_t rows, row_count, row_size; /* what was read */
};

struct heapy {
	struct nec_reader r;
	struct package p;
	uint32_t packages; /* begun */
	bool begun;
	bool cut;
};

/* What the partition is by, in one word, by the header that heapy prints over it. To add one: a
 * line here. */
static const struct {
	const char *header, *kind;
} kinds[] = {
	{"Kind (class / dict of class)", "class"},
	{"Individual Size", "size"},
	{"Module", "module"},
	{"Brief", "object"},
	{"Type", "type"},
	{"Class", "type"},
	{"Referrers by Kind (class / dict of class)", "referrers by class"},
	{"Referred Via:", "referred via"},
};

static const char *kind_of(const struct package *p)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(p->kind, kinds[i].header))
			return kinds[i].kind;
	}
	return *p->kind ? p->kind : "class";
}

static void add_sample(struct heapy *h, const char *name, int64_t value, const char *unit)
{
	struct nec_fact *fact = nec_reader_emit(&h->r, NEC_FACT_SAMPLE);

	fact->sample.time = h->p.time;
	fact->sample.name = name;
	fact->sample.value = value;
	fact->sample.unit = unit;
}

/* Says what does not add up, and the totals of the package. why: how it ended, NULL when with its
 * own end line. */
static void end_package(struct heapy *h, const char *why)
{
	struct package *p = &h->p;
	bool short_of_rows = p->has_rows && p->rows != p->numrows;
	int64_t total;

	if (!p->open)
		return;
	if (short_of_rows)
		nec_reader_warn(&h->r, 0, "package %u has %lld of its %lld rows%s%s", h->packages,
				(long long)p->rows, (long long)p->numrows, why ? ": " : "",
				why ? why : "");
	else if (why)
		nec_reader_warn(&h->r, 0, "package %u: %s", h->packages, why);
	else if (p->has_size && !p->id_rows && p->row_size != p->size)
		nec_reader_warn(&h->r, 0,
				"package %u: its rows hold %lld bytes, its header says %lld",
				h->packages, (long long)p->row_size, (long long)p->size);
	if (!p->has_time)
		nec_reader_warn(&h->r, 0, "package %u has no time", h->packages);
	/* What a difference adds up to is no size of anything: with its baseline, 0 where there is
	 * none, it is. */
	if (p->has_time && p->has_size && !__builtin_add_overflow(p->b_size, p->size, &total))
		add_sample(h, "heap", total, "bytes");
	if (p->has_time && p->has_count && !__builtin_add_overflow(p->b_count, p->count, &total))
		add_sample(h, "objects", total, "count");
	if (p->has_time)
		nec_reader_meta(&h->r, "captured_at", nec_reader_printf(&h->r, "%.6f", p->time));
	p->open = false;
}

static void begin_package(struct heapy *h)
{
	end_package(h, "the next one begins before its end");
	h->p = (struct package){.open = true};
	h->packages++;
}

static bool row_number(const char **text, size_t *len, int64_t *ret)
{
	const char *space = memchr(*text, ' ', *len);

	if (!space || !nec_parse_i64(*text, (size_t)(space - *text), ret))
		return false;
	*len -= (size_t)(space + 1 - *text);
	*text = space + 1;
	return true;
}

static bool parse_row(struct heapy *h, const struct nec_line *line)
{
	const char *text = line->text + strlen(".r: ");
	size_t len = line->len - strlen(".r: ");
	int64_t count = 1, size;
	struct nec_fact *fact;

	if ((!h->p.id_rows && !row_number(&text, &len, &count)) ||
	    !row_number(&text, &len, &size) ||
	    __builtin_add_overflow(h->p.row_count, count, &h->p.row_count) ||
	    __builtin_add_overflow(h->p.row_size, size, &h->p.row_size))
		return false;
	fact = nec_reader_emit(&h->r, NEC_FACT_CENSUS);
	fact->census.name = nec_reader_name(&h->r, text, len);
	fact->census.count = count;
	fact->census.bytes = size;
	fact->census.kind = nec_reader_name(&h->r, kind_of(&h->p), strlen(kind_of(&h->p)));
	fact->census.series = h->packages - 1;
	h->p.rows++;
	return true;
}

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

static void parse_header(struct heapy *h, const struct nec_line *line)
{
	const char *colon = memchr(line->text, ':', line->len), *name = line->text + 1, *value;
	struct package *p = &h->p;
	size_t name_len, len;

	if (!colon) {
		nec_reader_warn(&h->r, 0, "header line that ends at byte %llu has no colon",
				(unsigned long long)h->r.off);
		return;
	}
	name_len = (size_t)(colon - name);
	for (value = colon + 1, len = line->len - (size_t)(value - line->text);
	     len && *value == ' '; len--)
		value++;
	while (len && value[len - 1] == ' ')
		len--;
	if (is(name, name_len, "format")) {
		p->id_rows = is(value, len, "IdFormat");
		if (!p->id_rows && !is(value, len, "DiffFormat") && !is(value, len, "SetFormat"))
			nec_reader_warn(
				&h->r, 0,
				"package %u is in a format that is not known, read as SetFormat",
				h->packages);
	} else if (is(name, name_len, "timemade")) {
		p->has_time = nec_parse_double(value, len, &p->time);
	} else if (is(name, name_len, "count")) {
		p->has_count = nec_parse_i64(value, len, &p->count);
	} else if (is(name, name_len, "size")) {
		p->has_size = nec_parse_i64(value, len, &p->size);
	} else if (is(name, name_len, "b_count")) {
		p->has_count = nec_parse_i64(value, len, &p->b_count) && p->b_count >= 0;
	} else if (is(name, name_len, "b_size")) {
		p->has_size = nec_parse_i64(value, len, &p->b_size) && p->b_size >= 0;
	} else if (is(name, name_len, "numrows")) {
		p->has_rows = nec_parse_i64(value, len, &p->numrows);
	} else if (is(name, name_len, "kindheader")) {
		const char *kind = nec_reader_text(&h->r, value, len, sizeof(p->kind) / 4 - 4);

		memcpy(p->kind, kind, strlen(kind) + 1);
	}
}

static void parse_line(struct heapy *h, const struct nec_line *line)
{
	if (nec_line_starts(line, ".loader: ")) {
		begin_package(h);
	} else if (!h->p.open) {
		if (line->len)
			nec_reader_warn(&h->r, 0,
					"line that ends at byte %llu lies outside of any package",
					(unsigned long long)h->r.off);
	} else if (nec_line_starts(line, ".end")) {
		end_package(h, NULL);
	} else if (!line->whole) {
		h->cut = true; /* a name or a number may have lost its end */
	} else if (nec_line_starts(line, ".r: ")) {
		if (!parse_row(h, line))
			nec_reader_warn(&h->r, 0, "row that ends at byte %llu is damaged",
					(unsigned long long)h->r.off);
	} else if (line->len && *line->text == '.') {
		parse_header(h, line);
	} else {
		nec_reader_warn(&h->r, 0, "line that ends at byte %llu is neither a row nor an end",
				(unsigned long long)h->r.off);
	}
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct heapy *h = (struct heapy *)r;
	struct nec_line line;

	if (!h->begun) {
		h->begun = true;
		nec_reader_meta(r, "kinds", "census,samples");
	}
	while (!nec_reader_full(r)) {
		if (!nec_reader_line(r, &line)) {
			end_package(h, h->cut ? "the file ends within a line"
					      : "the file ends before its end line");
			nec_reader_meta(r, "series", nec_reader_printf(r, "%u", h->packages));
			r->ended = true;
			return NULL;
		}
		parse_line(h, &line);
	}
	return NULL;
}

static struct nec_error *heapy_open(struct nec_input *input, const struct nec_load_options *options,
				    struct nec_source **source_ret)
{
	struct nec_reader *r;

	NEC_TRY(nec_reader_create(sizeof(struct heapy), "heapy", input, options, fill, NULL, &r));
	*source_ret = &r->source;
	return NULL;
}

static int heapy_bid(const uint8_t *head, size_t size, const char *name)
{
	static const char magic[] = ".loader: _load_stat";

	(void)name;
	return size > strlen(magic) && !memcmp(head, magic, strlen(magic)) ? 8 * (int)strlen(magic)
									   : 0;
}

const struct nec_format nec_format_heapy = {
	.name = "heapy",
	.description = "statistics of heapy (guppy)",
	.bid = heapy_bid,
	.open = heapy_open,
};
