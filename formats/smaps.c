/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs of /proc/PID/smaps, smaps_rollup and status: what the kernel said of a process's memory,
 * once or many times.
 *
 * Such a log is what a shell loop leaves behind: the text of these files, one after another,
 * usually with a line that has the time before each. A snapshot ends where the next begins: at a
 * line with a time, at a mapping below the one before it, at a second "[rollup]" or "Name:". Each
 * is a SAMPLE of every quantity it has; the mappings of the last smaps are MAPPING facts, and what
 * of them was resident, by kind, MEMORY facts. Lines that are none of these are skipped and
 * counted.
 *
 * Times: seconds since the epoch (date +%s), ISO 8601 (without an offset it is taken for UTC), and
 * what date prints in the C locale for UTC. A log without any is numbered 0, 1, 2, ... or, when it
 * is a single snapshot, has the time of the file. Field names: Documentation/filesystems/proc.rst
 * of Linux.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "formats/logtime.h"
#include "formats/reader.h"

enum quantity {
	Q_SIZE,
	Q_RSS,
	Q_PSS,
	Q_USS,
	Q_ANONYMOUS,
	Q_SWAP,
	Q_SWAP_PSS,
	Q_HUGE,
	Q_RSS_PEAK,
	Q_DATA,
	Q_THREADS,
	QUANTITIES,
};

static const struct {
	const char *name, *unit;
} quantities[QUANTITIES] = {
	[Q_SIZE] = {"size", "bytes"},
	[Q_RSS] = {"rss", "bytes"},
	[Q_PSS] = {"pss", "bytes"},
	[Q_USS] = {"uss", "bytes"},
	[Q_ANONYMOUS] = {"anonymous", "bytes"},
	[Q_SWAP] = {"swap", "bytes"},
	[Q_SWAP_PSS] = {"swap_pss", "bytes"},
	[Q_HUGE] = {"anonymous_huge", "bytes"},
	[Q_RSS_PEAK] = {"rss_peak", "bytes"},
	[Q_DATA] = {"data", "bytes"},
	[Q_THREADS] = {"threads", "count"},
};

/* smaps adds up over its mappings; where it and status are in one snapshot, smaps has the say: it
 * is the exact one. */
enum source { FROM_STATUS, FROM_SMAPS, SOURCES };

/* To add a field: its name in the file, what it is, and which file has it. */
static const struct {
	const char *field;
	enum quantity quantity;
	enum source source;
} fields[] = {
	{"Size", Q_SIZE, FROM_SMAPS},
	{"Rss", Q_RSS, FROM_SMAPS},
	{"Pss", Q_PSS, FROM_SMAPS},
	{"Private_Clean", Q_USS, FROM_SMAPS},
	{"Private_Dirty", Q_USS, FROM_SMAPS},
	{"Anonymous", Q_ANONYMOUS, FROM_SMAPS},
	{"Swap", Q_SWAP, FROM_SMAPS},
	{"SwapPss", Q_SWAP_PSS, FROM_SMAPS},
	{"AnonHugePages", Q_HUGE, FROM_SMAPS},
	{"VmSize", Q_SIZE, FROM_STATUS},
	{"VmRSS", Q_RSS, FROM_STATUS},
	{"VmHWM", Q_RSS_PEAK, FROM_STATUS},
	{"RssAnon", Q_ANONYMOUS, FROM_STATUS},
	{"VmSwap", Q_SWAP, FROM_STATUS},
	{"VmData", Q_DATA, FROM_STATUS},
	{"Threads", Q_THREADS, FROM_STATUS},
};

/* Kinds of mappings by what stands where the path would; the first that the path begins with. To
 * add one: a line. */
static const struct {
	const char *path, *kind;
} kinds[] = {
	{"[heap]", "heap"},
	{"[stack", "stack"},
	{"[vdso]", "vdso"},
	{"[vvar", "vvar"},
	{"[anon", "anon"},
	{"[vsyscall]", "vdso"},
	{"/dev/shm/", "shared memory"},
	{"/memfd:", "shared memory"},
	{"/SYSV", "shared memory"},
	{"/dev/zero", "shared memory"},
	{"[", "anon"},
	{"/", "file"},
	{"", "anon"},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

enum pass { PASS_SCAN, PASS_SAMPLES, PASS_MAPPINGS };

struct snapshot {
	bool begun;
	bool has_time, has_name, has_rollup;
	double time;
	uint64_t last_start; /* of the mapping before; 0: none */
	uint64_t maps_off;   /* of the line of its first mapping, 0 with no maps */
	bool has_maps;
	uint32_t pid;
	bool has[SOURCES][QUANTITIES];
	int64_t values[SOURCES][QUANTITIES];
};

struct mapping {
	uint64_t start, end;
	char perms[4];
	const char *path; /* borrowed from the line */
	size_t path_len;
};

struct smaps {
	struct nec_reader r;
	enum pass pass;
	bool begun;
	struct snapshot s;
	uint64_t snapshots, timed; /* of this pass */
	uint64_t snapshot_total;   /* known after the first pass */
	bool any_times, any_values, zone_missing;
	uint64_t skipped, damaged;
	uint64_t line_off;           /* of the line at hand */
	uint64_t maps_off, maps_end; /* of the last smaps in the file */
	bool has_maps;
	int kind; /* of the mapping at hand, in the last pass; -1: none */
	int64_t resident[KINDS], counts[KINDS];
};

/* ---- lines -------------------------------------------------------------------------- */

static bool take_hex(const char **s, const char *end, uint64_t *ret)
{
	const char *start = *s;
	uint64_t v = 0;

	for (; *s < end && *s - start < 16; (*s)++) {
		char c = **s | 32;
		int digit = **s >= '0' && **s <= '9' ? **s - '0'
			    : c >= 'a' && c <= 'f'   ? c - 'a' + 10
						     : -1;

		if (digit < 0)
			break;
		v = v << 4 | (unsigned int)digit;
	}
	*ret = v;
	return *s > start;
}

/* "7f00-7f10 r-xp 00000000 08:01 1234   /usr/lib/x.so" */
static bool parse_mapping(const struct nec_line *line, struct mapping *m)
{
	const char *s = line->text, *end = s + line->len;
	int words;

	if (!take_hex(&s, end, &m->start) || s == end || *s++ != '-' ||
	    !take_hex(&s, end, &m->end) || m->end < m->start || end - s < 6 || *s++ != ' ' ||
	    (s[0] != 'r' && s[0] != '-') || (s[3] != 'p' && s[3] != 's'))
		return false;
	memcpy(m->perms, s, 4);
	s += 4;
	for (words = 0; words < 3; words++) {
		while (s < end && *s == ' ')
			s++;
		if (s == end)
			return false;
		while (s < end && *s != ' ')
			s++;
	}
	while (s < end && *s == ' ')
		s++;
	m->path = s;
	m->path_len = (size_t)(end - s);
	return true;
}

/* "Name:   value", the value without the blanks around it. */
static bool parse_field(const struct nec_line *line, size_t *name_len_ret, const char **value_ret,
			size_t *len_ret)
{
	const char *colon = memchr(line->text, ':', line->len < 32 ? line->len : 32), *s, *end;

	if (!colon || colon == line->text)
		return false;
	for (s = line->text; s < colon; s++) {
		if (*s == ' ' || *s == '-' || *s == '/')
			return false;
	}
	end = line->text + line->len;
	for (s = colon + 1; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*name_len_ret = (size_t)(colon - line->text);
	*value_ret = s;
	*len_ret = (size_t)(end - s);
	return true;
}

/* ---- snapshots ---------------------------------------------------------------------- */

static void tell_samples(struct smaps *m)
{
	struct snapshot *s = &m->s;
	struct nec_fact *fact;
	int q;

	if (!m->any_times)
		s->time = m->snapshot_total == 1 ? (double)nec_input_mtime(m->r.input)
						 : (double)m->snapshots;
	else if (!s->has_time)
		return;
	for (q = 0; q < QUANTITIES; q++) {
		enum source from = s->has[FROM_SMAPS][q] ? FROM_SMAPS : FROM_STATUS;

		if (!s->has[from][q])
			continue;
		fact = nec_reader_emit(&m->r, NEC_FACT_SAMPLE);
		fact->sample.time = s->time;
		fact->sample.name = quantities[q].name;
		fact->sample.value = s->values[from][q];
		fact->sample.unit = quantities[q].unit;
		fact->sample.pid = s->pid;
	}
}

/* has_time: one was read before what follows. */
static void end_snapshot(struct smaps *m)
{
	struct snapshot *s = &m->s;
	bool any = false;
	int q;

	for (q = 0; q < QUANTITIES; q++)
		any |= s->has[FROM_SMAPS][q] || s->has[FROM_STATUS][q];
	if (any || s->has_maps) {
		if (m->pass == PASS_SAMPLES)
			tell_samples(m);
		m->snapshots++;
		m->timed += s->has_time;
		m->any_values |= any;
	}
	if (m->pass == PASS_SCAN) {
		m->any_times |= any && s->has_time;
		if (s->has_maps) {
			m->has_maps = true;
			m->maps_off = s->maps_off;
			m->maps_end = m->line_off;
		}
	}
	m->s = (struct snapshot){.time = s->time, .has_time = false, .pid = s->pid};
}

static void on_time(struct smaps *m, double time)
{
	end_snapshot(m);
	m->s.has_time = true;
	m->s.time = time;
}

static int kind_of(const struct mapping *map)
{
	int i;

	for (i = 0; i < KINDS - 1; i++) {
		size_t len = strlen(kinds[i].path);

		if (map->path_len >= len && !memcmp(map->path, kinds[i].path, len))
			break;
	}
	return i;
}

static void tell_mapping(struct smaps *m, const struct mapping *map)
{
	struct nec_fact *fact = nec_reader_emit(&m->r, NEC_FACT_MAPPING);

	m->kind = kind_of(map);
	m->counts[m->kind]++;
	fact->mapping.start = map->start;
	fact->mapping.end = map->end;
	fact->mapping.perms = (map->perms[0] == 'r' ? 4u : 0) | (map->perms[1] == 'w' ? 2u : 0) |
			      (map->perms[2] == 'x' ? 1u : 0);
	fact->mapping.kind = kinds[m->kind].kind;
	if (map->path_len) {
		const char *path = nec_reader_name(&m->r, map->path, map->path_len);

		m->r.facts[m->r.count - 1].mapping.path = path;
	}
}

static void on_mapping(struct smaps *m, const struct mapping *map)
{
	bool rollup = map->path_len == strlen("[rollup]") &&
		      !memcmp(map->path, "[rollup]", map->path_len);

	bool restart = rollup ? m->s.has_rollup : m->s.has_maps && map->start < m->s.last_start;
	bool other = rollup ? m->s.has_maps : m->s.has_rollup;
	bool timed = m->s.has_time;
	double time = m->s.time;

	if (m->pass == PASS_MAPPINGS) {
		if (!rollup)
			tell_mapping(m, map);
		return;
	}
	/* The rollup is a sum over the same mappings: with them in one snapshot everything would
	 * count twice. */
	if (restart || other)
		end_snapshot(m);
	if (other && timed)
		on_time(m, time);
	if (rollup) {
		m->s.has_rollup = true;
		return;
	}
	if (!m->s.has_maps) {
		m->s.has_maps = true;
		m->s.maps_off = m->line_off;
	}
	m->s.last_start = map->start;
}

/* "12 kB", in bytes, for whatever has a size; the kernel's kB are 1024 bytes. */
static bool parse_amount(const char *value, size_t len, enum quantity quantity, int64_t *ret)
{
	bool has_unit = len > 3 && !memcmp(value + len - 3, " kB", 3);

	if (has_unit == (quantity == Q_THREADS) ||
	    !nec_parse_i64(value, has_unit ? len - 3 : len, ret) || *ret < 0)
		return false;
	return !has_unit || !__builtin_mul_overflow(*ret, 1024, ret);
}

static bool add_amount(struct snapshot *s, enum source source, enum quantity quantity,
		       int64_t amount)
{
	s->has[source][quantity] = true;
	return !__builtin_add_overflow(s->values[source][quantity], amount,
				       &s->values[source][quantity]);
}

/* False for a field that says nothing of size; it may be a line with a time in the shape of one. */
static bool on_field(struct smaps *m, const char *name, size_t name_len, const char *value,
		     size_t len)
{
	struct snapshot *s = &m->s;
	uint64_t number;
	int64_t amount;
	size_t i;

	if (name_len == 4 && !memcmp(name, "Name", 4)) {
		if (s->has_name)
			end_snapshot(m);
		s->has_name = true;
		return true;
	}
	if (name_len == 3 && !memcmp(name, "Pid", 3) && nec_parse_u64(value, len, &number) &&
	    number <= UINT32_MAX)
		s->pid = (uint32_t)number;
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (strlen(fields[i].field) == name_len && !memcmp(fields[i].field, name, name_len))
			break;
	}
	if (i == sizeof(fields) / sizeof(*fields))
		return false;
	if (!parse_amount(value, len, fields[i].quantity, &amount) ||
	    (m->pass == PASS_MAPPINGS
		     ? m->kind >= 0 && fields[i].quantity == Q_RSS &&
			       __builtin_add_overflow(m->resident[m->kind], amount,
						      &m->resident[m->kind])
		     : !add_amount(s, fields[i].source, fields[i].quantity, amount)))
		m->damaged++;
	return true;
}

static void one_line(struct smaps *m, const struct nec_line *line)
{
	struct mapping map;
	const char *value;
	size_t name_len, len;
	bool is_field, zone;
	double time;

	if (!line->len)
		return;
	if (parse_mapping(line, &map)) {
		on_mapping(m, &map);
		return;
	}
	is_field = parse_field(line, &name_len, &value, &len);
	if (is_field && on_field(m, line->text, name_len, value, len))
		return;
	if (nec_logtime_find(line->text, line->len, &time, &zone)) {
		m->zone_missing |= !zone;
		if (m->pass != PASS_MAPPINGS)
			on_time(m, time);
	} else {
		m->skipped += !is_field;
	}
}

/* ---- passes ------------------------------------------------------------------------- */

static void warn_about_times(struct smaps *m)
{
	if (m->zone_missing)
		nec_reader_warn(&m->r, 0, "times without an offset were taken for UTC");
	if (m->any_times && m->timed < m->snapshots)
		nec_reader_warn(&m->r, 0, "%llu of %llu snapshots have no time and were left out",
				(unsigned long long)(m->snapshots - m->timed),
				(unsigned long long)m->snapshots);
	if (!m->any_times && m->snapshots > 1)
		nec_reader_warn(&m->r, 0, "no times in the log: its snapshots are numbered from 0");
}

static void end_scan(struct smaps *m)
{
	end_snapshot(m);
	m->snapshot_total = m->snapshots;
	warn_about_times(m);
	if (m->damaged)
		nec_reader_warn(&m->r, 0, "%llu fields are damaged",
				(unsigned long long)m->damaged);
	if (m->skipped)
		nec_reader_warn(&m->r, 0, "%llu lines are none of the kernel's and were skipped",
				(unsigned long long)m->skipped);
	if (m->has_maps && m->any_values)
		nec_reader_meta(&m->r, "kinds", "samples,mappings");
	else
		nec_reader_meta(&m->r, "kinds", m->has_maps ? "mappings" : "samples");
	nec_reader_meta(&m->r, "series",
			nec_reader_printf(&m->r, "%llu", (unsigned long long)m->snapshots));
}

static void end_mappings(struct smaps *m)
{
	struct nec_fact *fact;
	int i, j;

	for (i = 0; i < KINDS; i++) {
		for (j = 0; j < i && strcmp(kinds[j].kind, kinds[i].kind); j++)
			;
		if (j < i) {
			if (!__builtin_add_overflow(m->resident[j], m->resident[i],
						    &m->resident[j]))
				m->counts[j] += m->counts[i];
			m->counts[i] = 0;
		}
	}
	for (i = 0; i < KINDS; i++) {
		if (!m->counts[i] || !m->any_values)
			continue;
		fact = nec_reader_emit(&m->r, NEC_FACT_MEMORY);
		fact->memory.category = kinds[i].kind;
		fact->memory.bytes = m->resident[i];
		fact->memory.count = m->counts[i];
	}
	m->r.ended = true;
}

static void end_pass(struct smaps *m)
{
	m->line_off = m->r.size;
	switch (m->pass) {
	case PASS_SCAN:
		end_scan(m);
		m->r.off = 0;
		break;
	case PASS_SAMPLES:
		end_snapshot(m);
		if (m->any_times)
			nec_reader_meta(&m->r, "captured_at",
					nec_reader_printf(&m->r, "%.3f", m->s.time));
		m->r.off = m->has_maps ? m->maps_off : m->r.size;
		break;
	case PASS_MAPPINGS:
		end_mappings(m);
		return;
	}
	m->pass++;
	m->s = (struct snapshot){0};
	m->snapshots = m->timed = 0;
	m->kind = -1;
}

static struct nec_error *fill(struct nec_reader *r)
{
	struct smaps *m = (struct smaps *)r;
	struct nec_line line;
	unsigned int lines = 0;

	while (!nec_reader_full(r) && lines++ < 4096) {
		m->line_off = r->off;
		if ((m->pass == PASS_MAPPINGS && r->off >= m->maps_end) ||
		    !nec_reader_line(r, &line)) {
			end_pass(m);
			return NULL;
		}
		one_line(m, &line);
	}
	return NULL;
}

static struct nec_error *smaps_open(struct nec_input *input, const struct nec_load_options *options,
				    struct nec_source **source_ret)
{
	struct nec_reader *r;

	NEC_TRY(nec_reader_create(sizeof(struct smaps), "smaps", input, options, fill, NULL, &r));
	((struct smaps *)r)->kind = -1;
	*source_ret = &r->source;
	return NULL;
}

/* A mapping, or the first lines of status, within the first few lines. */
static int smaps_bid(const uint8_t *head, size_t size, const char *name)
{
	const char *s = (const char *)head, *end = s + size, *nl;
	struct mapping map;
	int lines;

	(void)name;
	for (lines = 0; lines < 4 && s < end; lines++, s = nl + 1) {
		struct nec_line line = {.text = s};

		nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			return 0;
		line.len = (size_t)(nl - s);
		if (parse_mapping(&line, &map))
			return 56;
		if (nec_line_starts(&line, "Name:\t") && end - nl > 8 &&
		    (!memcmp(nl + 1, "Umask:\t", 7) || !memcmp(nl + 1, "State:\t", 7)))
			return 56;
	}
	return 0;
}

const struct nec_format nec_format_smaps = {
	.name = "smaps",
	.description = "log of /proc/PID/smaps, smaps_rollup or status",
	.bid = smaps_bid,
	.open = smaps_open,
};
