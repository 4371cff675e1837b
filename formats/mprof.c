/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mprofile_*.dat of memory_profiler: memory over time, and the calls that were marked.
 *
 * Text, a field and its arguments a line, in no fixed order: a profiled child appends its FUNC
 * lines to the same file. The command line is free text and may hold newlines, so lines that are
 * none of ours are skipped. Function names may hold spaces, so numbers are taken from the right.
 * MiB are 2^20 bytes; the file does not say what was measured (resident memory unless mprof was
 * told otherwise). Checked against files of memory_profiler 0.61.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "formats/reader.h"

struct mprof {
	struct nec_reader r;
	bool begun;
	uint64_t samples, marks, skipped;
	double first, last; /* times of samples */
};

struct field {
	const char *text;
	size_t len;
};

/* Takes the last word off line; false when there is none. */
static bool pop_word(struct nec_line *line, struct field *ret)
{
	size_t end = line->len, start;

	while (end && line->text[end - 1] == ' ')
		end--;
	for (start = end; start && line->text[start - 1] != ' ';)
		start--;
	*ret = (struct field){.text = line->text + start, .len = end - start};
	line->len = start;
	return end > start;
}

static bool pop_double(struct nec_line *line, double *ret)
{
	struct field f;

	return pop_word(line, &f) && nec_parse_double(f.text, f.len, ret);
}

/* Bytes of a number of MiB; false for what is no memory: mprof writes -1 where it could not look.
 */
static bool mib_to_bytes(double mib, int64_t *ret)
{
	if (!(mib >= 0 && mib < 1e12))
		return false;
	*ret = llround(mib * (1 << 20));
	return true;
}

static bool add_sample(struct mprof *m, double mib, double time, uint32_t pid)
{
	struct nec_fact *fact;
	int64_t bytes;

	if (!mib_to_bytes(mib, &bytes))
		return false;
	fact = nec_reader_emit(&m->r, NEC_FACT_SAMPLE);
	fact->sample.time = time;
	fact->sample.name = "rss";
	fact->sample.value = bytes;
	fact->sample.unit = "bytes";
	fact->sample.pid = pid;
	m->first = m->samples && m->first < time ? m->first : time;
	m->last = m->samples && m->last > time ? m->last : time;
	m->samples++;
	return true;
}

static bool parse_mem(struct mprof *m, struct nec_line line)
{
	double time, mib;

	return pop_double(&line, &time) && pop_double(&line, &mib) && line.len == strlen("MEM ") &&
	       add_sample(m, mib, time, 0);
}

static bool parse_child(struct mprof *m, struct nec_line line)
{
	double time, mib;
	uint64_t pid;
	struct field f;

	return pop_double(&line, &time) && pop_double(&line, &mib) && pop_word(&line, &f) &&
	       nec_parse_u64(f.text, f.len, &pid) && pid && pid <= UINT32_MAX &&
	       line.len == strlen("CHLD ") && add_sample(m, mib, time, (uint32_t)pid);
}

/* FUNC name mib time mib time [level]; old files have no level, and a level has no point in it. */
static bool parse_func(struct mprof *m, struct nec_line line)
{
	struct nec_line rest = line;
	double t1, m1, t0, m0;
	int64_t level = -1, b0, b1;
	struct nec_fact *fact;
	struct field f;

	if (!pop_word(&rest, &f))
		return false;
	if (nec_parse_i64(f.text, f.len, &level))
		line = rest;
	else
		level = -1;
	if (!pop_double(&line, &t1) || !pop_double(&line, &m1) || !pop_double(&line, &t0) ||
	    !pop_double(&line, &m0) || !mib_to_bytes(m0, &b0) || !mib_to_bytes(m1, &b1))
		return false;
	while (line.len && line.text[line.len - 1] == ' ')
		line.len--;
	if (line.len <= strlen("FUNC "))
		return false;
	fact = nec_reader_emit(&m->r, NEC_FACT_MARK);
	fact->mark.name =
		nec_reader_name(&m->r, line.text + strlen("FUNC "), line.len - strlen("FUNC "));
	fact->mark.start = t0;
	fact->mark.end = t1;
	fact->mark.bytes_start = b0;
	fact->mark.bytes_end = b1;
	fact->mark.level = level < INT32_MAX ? (int32_t)level : -1;
	m->marks++;
	return true;
}

static bool parse_cmdline(struct mprof *m, struct nec_line line)
{
	struct nec_fact *fact = nec_reader_emit(&m->r, NEC_FACT_META);

	fact->meta.key = "cmdline";
	fact->meta.value = nec_reader_name(&m->r, line.text + strlen("CMDLINE "),
					   line.len - strlen("CMDLINE "));
	return true;
}

/* To add a field: its name with the space after it, and who parses it. */
static const struct {
	const char *prefix;
	bool (*parse)(struct mprof *m, struct nec_line line);
} fields[] = {
	{"MEM ", parse_mem},
	{"CHLD ", parse_child},
	{"FUNC ", parse_func},
	{"CMDLINE ", parse_cmdline},
};

static void finish(struct mprof *m)
{
	m->r.ended = true;
	if (m->skipped)
		nec_reader_warn(&m->r, 0, "%llu lines are none of mprof's and were skipped",
				(unsigned long long)m->skipped);
	if (!m->samples)
		nec_reader_warn(&m->r, 0, "no samples in the file");
	else
		nec_reader_meta(&m->r, "captured_at", nec_reader_printf(&m->r, "%.4f", m->last));
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct mprof *m = (struct mprof *)r;
	struct nec_line line;
	size_t i;

	if (!m->begun) {
		m->begun = true;
		nec_reader_meta(r, "kinds", "samples");
		nec_reader_meta(r, "sample_source",
				"mprof: resident memory, unless it was run with --backend");
	}
	while (!nec_reader_full(r)) {
		if (!nec_reader_line(r, &line)) {
			finish(m);
			return NULL;
		}
		for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
			if (nec_line_starts(&line, fields[i].prefix))
				break;
		}
		if (i == sizeof(fields) / sizeof(*fields)) {
			m->skipped += line.len > 0;
			continue;
		}
		/* A number without the end of its line may have lost digits. */
		if (!line.whole && fields[i].parse != parse_cmdline)
			nec_reader_warn(r, 0,
					"the file ends within its last line, which was left out");
		else if (!fields[i].parse(m, line))
			nec_reader_warn(r, 0, "line that ends at byte %llu is damaged",
					(unsigned long long)r->off);
	}
	return NULL;
}

static struct nec_error *mprof_open(struct nec_input *input, const struct nec_load_options *options,
				    struct nec_source **source_ret)
{
	struct nec_reader *r;

	NEC_TRY(nec_reader_create(sizeof(struct mprof), "mprof", input, options, fill, NULL, &r));
	*source_ret = &r->source;
	return NULL;
}

/* A file begins with any of its fields; the free text of a command line is a weaker sign than a
 * number. */
static int mprof_bid(const uint8_t *head, size_t size, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	bool dat = len > 4 && !strcmp(name + len - 4, ".dat");

	if (size > 4 && !memcmp(head, "MEM ", 4) && head[4] >= '0' && head[4] <= '9')
		return 40;
	if (size > 5 && (!memcmp(head, "FUNC ", 5) || !memcmp(head, "CHLD ", 5)))
		return 40;
	if (size > 8 && !memcmp(head, "CMDLINE ", 8))
		return dat ? 64 : 48;
	return 0;
}

const struct nec_format nec_format_mprof = {
	.name = "mprof",
	.description = "memory over time, of memory_profiler (mprof)",
	.bid = mprof_bid,
	.open = mprof_open,
};
