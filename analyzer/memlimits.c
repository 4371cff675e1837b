/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits on the memory of the process; see memlimits.h. */
#include "memlimits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages.h"

enum {
	PAGE = 4096,
	MAX_TEXT = 32,   /* bytes of a size that is one */
	MAX_FOUND = 4,   /* texts of the kernel that are told of */
	NEEDLE_TAIL = 64 /* bytes behind a needle that its number lies in */
};

#define KIB INT64_C(1024)
#define MIB (INT64_C(1) << 20)

static const char resident[] = "resident", address_space[] = "address space";

/* To add a variable: a line. unit: bytes of a number that stands alone, as its setter documents. */
static const struct {
	const char *name;
	int64_t unit;
} variables[] = {
	{"MEMORY_LIMIT", 1},
	{"MEM_LIMIT", 1},
	{"CONTAINER_MEMORY_LIMIT", 1},
	{"CONTAINER_MAX_MEMORY", 1},
	{"GOMEMLIMIT", 1},
	{"SLURM_MEM_PER_NODE", MIB},
	{"DYNO_RAM", MIB},
	{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MIB},
	{"FUNCTION_MEMORY_MB", MIB},
	{"WEBSITE_MEMORY_LIMIT_MB", MIB},
};

/* To add an option of a server or worker: a line. */
static const struct {
	const char *name;
	int64_t unit;
	const char *of;
} arguments[] = {
	{"--max-memory-per-child", KIB, resident}, /* celery worker */
	{"--memory-limit", 1, resident},           /* dask worker */
	{"--reload-on-rss", MIB, resident},        /* uWSGI, and the next ones */
	{"--evil-reload-on-rss", MIB, resident},
	{"--reload-on-as", MIB, address_space},
	{"--evil-reload-on-as", MIB, address_space},
	{"--limit-as", MIB, address_space},
};

/* What the kernel writes, and a program may have read. */
static const struct {
	const char *needle, *name, *of;
} texts[] = {
	{"Max address space ", "RLIMIT_AS", address_space},        /* /proc/PID/limits */
	{"hierarchical_memory_limit ", "cgroup memory", resident}, /* memory.stat */
};

/* What may stand behind a number. A single letter is 1024s in lower case, as Docker and the JVM
 * have it, and 1000s in upper case, as Kubernetes does. */
static const struct {
	const char *suffix;
	int64_t bytes;
} suffixes[] = {
	{"b", 1},           {"B", 1},          {"k", KIB},
	{"K", 1000},        {"kB", 1000},      {"KB", 1000},
	{"Ki", KIB},        {"KiB", KIB},      {"m", MIB},
	{"M", 1000000},     {"MB", 1000000},   {"Mi", MIB},
	{"MiB", MIB},       {"g", MIB *KIB},   {"G", 1000000000},
	{"GB", 1000000000}, {"Gi", MIB *KIB},  {"GiB", MIB *KIB},
	{"Ti", MIB *MIB},   {"TiB", MIB *MIB}, {"TB", INT64_C(1000000000000)},
};

int64_t nec_memlimits_parse(const char *text, size_t len, int64_t unit)
{
	char copy[MAX_TEXT + 1];
	double value;
	char *end;
	size_t i;

	if (!len || len > MAX_TEXT || text[0] < '0' || text[0] > '9')
		return 0;
	memcpy(copy, text, len);
	copy[len] = 0;
	/* Neither 0x10 nor 1e9 is a size that somebody sets. */
	if (copy[strspn(copy, "0123456789. kKmMgGtTiBb")])
		return 0;
	value = strtod(copy, &end);
	while (*end == ' ')
		end++;
	for (i = 0; *end && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (!strcmp(end, suffixes[i].suffix)) {
			unit = suffixes[i].bytes;
			end += strlen(end);
		}
	if (*end)
		return 0;
	value *= (double)unit;
	return value >= 1 && value < 0x1p62 ? (int64_t)value : 0;
}

static struct nec_error *put(struct nec_store *store, const char *source, const char *name,
			     const char *of, int64_t bytes, const char *text)
{
	struct nec_fact fact = {.kind = NEC_FACT_LIMIT};

	fact.limit.source = source;
	fact.limit.name = name;
	fact.limit.of = of;
	fact.limit.bytes = bytes;
	fact.limit.text = text;
	return nec_store_put(store, &fact);
}

static struct nec_error *put_text(struct nec_store *store, const char *source, const char *name,
				  const char *of, const char *value, size_t len, int64_t unit)
{
	int64_t bytes = nec_memlimits_parse(value, len, unit);
	char text[MAX_TEXT + 1];

	if (!bytes)
		return NULL;
	memcpy(text, value, len);
	text[len] = 0;
	return put(store, source, name, of, bytes, text);
}

/* The next of NUL-separated strings; NULL behind the last. */
static const char *next_string(const char **at, const char *end, size_t *len_ret)
{
	const char *s = *at, *nul;

	if (!s || s >= end)
		return NULL;
	nul = memchr(s, 0, (size_t)(end - s));
	*len_ret = nul ? (size_t)(nul - s) : (size_t)(end - s);
	*at = nul ? nul + 1 : end;
	return s;
}

static struct nec_error *put_environment(const struct nec_process *p, struct nec_store *store)
{
	const char *at = p->environ_, *end = at ? at + p->environ_size : NULL, *s;
	size_t len, n, i;

	while ((s = next_string(&at, end, &len))) {
		for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
			n = strlen(variables[i].name);
			if (len > n && s[n] == '=' && !memcmp(s, variables[i].name, n))
				NEC_TRY(put_text(store, "environment", variables[i].name, resident,
						 s + n + 1, len - n - 1, variables[i].unit));
		}
	}
	return NULL;
}

/* "--limit-as 512", "--limit-as=512" */
static struct nec_error *put_arguments(const struct nec_process *p, struct nec_store *store)
{
	const char *at = p->cmdline, *end = at ? at + p->cmdline_size : NULL, *s, *value;
	size_t len, n, i, value_len;

	while ((s = next_string(&at, end, &len))) {
		for (i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
			const char *behind = at;

			n = strlen(arguments[i].name);
			if (len < n || memcmp(s, arguments[i].name, n))
				continue;
			if (len == n) {
				value = next_string(&behind, end, &value_len);
			} else {
				value = s[n] == '=' ? s + n + 1 : NULL;
				value_len = len - n - 1;
			}
			if (value)
				NEC_TRY(put_text(store, "command line", arguments[i].name,
						 arguments[i].of, value, value_len,
						 arguments[i].unit));
		}
	}
	return NULL;
}

/* What capture noted: lines of a name and a number. */
static struct nec_error *put_account(const struct nec_process *p, struct nec_store *store)
{
	static const struct {
		const char *line, *name, *of;
	} known[] = {
		{"\ncgroup_limit ", "cgroup memory", resident},
		{"\nas_limit ", "RLIMIT_AS", address_space},
	};
	const char *at;
	double value;
	size_t i;

	for (i = 0; p->account && i < sizeof(known) / sizeof(known[0]); i++) {
		at = strstr(p->account, known[i].line);
		if (at && sscanf(at + strlen(known[i].line), "%lf", &value) == 1 && value >= 1 &&
		    value < 0x1p62)
			NEC_TRY(put(store, "when it was captured", known[i].name, known[i].of,
				    (int64_t)value, NULL));
	}
	return NULL;
}

/* ---- memory */

static bool is_private(const struct nec_mapping *m)
{
	return m->perms & NEC_PERM_W && (!m->path || m->objfile != UINT32_MAX);
}

static struct nec_error *put_texts(const uint8_t *data, uint64_t size, struct nec_store *store,
				   unsigned int *found)
{
	const uint8_t *at;
	size_t i, n, len;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const uint8_t *rest = data, *end = data + size;

		n = strlen(texts[i].needle);
		while (*found < MAX_FOUND &&
		       (at = memmem(rest, (size_t)(end - rest), texts[i].needle, n))) {
			rest = at += n;
			for (len = 0; at < end && *at == ' ' && len < NEEDLE_TAIL; len++)
				at++;
			for (len = 0;
			     at + len < end && len < MAX_TEXT && at[len] >= '0' && at[len] <= '9';
			     len++)
				;
			/* "unlimited", and what a cgroup without limit says: all pages there are.
			 */
			if (!len || len > 18)
				continue;
			++*found;
			NEC_TRY(put_text(store, "text of the kernel in memory", texts[i].name,
					 texts[i].of, (const char *)at, len, 1));
		}
	}
	return NULL;
}

/* Bytes of pages that are not all zeros. */
static uint64_t count_touched(const uint8_t *data, uint64_t size)
{
	static const uint8_t zeros[PAGE];
	uint64_t at, touched = 0;

	for (at = 0; at + PAGE <= size; at += PAGE)
		if (memcmp(data + at, zeros, PAGE) != 0)
			touched += PAGE;
	return touched;
}

static struct nec_error *read_memory(const struct nec_image *image, struct nec_store *store)
{
	const struct nec_mapping *maps;
	uint64_t touched = 0, addr, n;
	const struct nec_segment *s;
	unsigned int found = 0;
	uint32_t count, i;

	maps = nec_image_mappings(image, &count);
	for (i = 0; i < count; i++) {
		if (!is_private(&maps[i]))
			continue;
		for (addr = maps[i].start; addr < maps[i].end; addr += n) {
			s = nec_image_segment_at(image, addr);
			n = maps[i].end - addr;
			if (!s)
				break;
			n = s->end - addr < n ? s->end - addr : n;
			if (s->origin != NEC_ORIGIN_DUMP)
				continue;
			touched += count_touched(s->data + (addr - s->start), n);
			if (!maps[i].path)
				NEC_TRY(put_texts(s->data + (addr - s->start), n, store, &found));
		}
	}
	return nec_stages_meta_int(store, "memory_touched", (int64_t)touched);
}

struct nec_error *nec_memlimits_put(const struct nec_image *image, struct nec_store *store)
{
	const struct nec_process *p = nec_image_process(image);

	NEC_TRY(put_account(p, store));
	NEC_TRY(put_environment(p, store));
	NEC_TRY(put_arguments(p, store));
	return read_memory(image, store);
}
