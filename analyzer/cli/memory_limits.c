/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of memory, each in the unit that it is told in: the one of --limit-memory, and those of
 * the dump. */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

/* To add a unit: a line. A person who compares with a limit compares in its unit. */
static const struct {
	const char *name;
	int64_t bytes;
	const char *spelled;
} units[] = {
	{"", 1, "bytes"},
	{"k", 1000, "kB of 1,000 bytes"},
	{"kB", 1000, "kB of 1,000 bytes"},
	{"Ki", 1024, "KiB of 1,024 bytes"},
	{"KiB", 1024, "KiB of 1,024 bytes"},
	{"M", 1000000, "MB of 1,000,000 bytes"},
	{"MB", 1000000, "MB of 1,000,000 bytes"},
	{"Mi", 1 << 20, "MiB of 1,048,576 bytes"},
	{"MiB", 1 << 20, "MiB of 1,048,576 bytes"},
	{"G", 1000000000, "GB of 1,000,000,000 bytes"},
	{"GB", 1000000000, "GB of 1,000,000,000 bytes"},
	{"Gi", 1 << 30, "GiB of 1,073,741,824 bytes"},
	{"GiB", 1 << 30, "GiB of 1,073,741,824 bytes"},
};

struct nec_error *nec_memory_limit_read(const struct nec_cli *cli, struct nec_memory_limit *ret)
{
	const char *text = nec_cli_text(cli, "limit-memory");
	double value;
	char *end;
	size_t i;

	*ret = (struct nec_memory_limit){0};
	if (!text)
		return NULL;
	value = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, end) == 0)
			break;
	if (end == text || i == sizeof(units) / sizeof(units[0]) || !(value > 0) ||
	    !(value * (double)units[i].bytes < 9e18))
		return nec_error_create(
			NEC_ERR_USAGE,
			"memory: --limit-memory takes a size such as 2GB, 2GiB or 512Mi, not '%s'",
			text);
	*ret = (struct nec_memory_limit){(int64_t)(value * (double)units[i].bytes), units[i].bytes,
					 units[i].spelled};
	return NULL;
}

/* The unit that a limit stands in: that of its text, or the largest that it is a whole number of.
 */
static size_t unit_of(const char *text, int64_t bytes)
{
	size_t i, best = 0, len = strlen(text);

	for (i = 1; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (n > 1 && len > n && strcmp(text + len - n, units[i].name) == 0)
			return i;
		if (bytes % units[i].bytes == 0 && units[i].bytes > units[best].bytes)
			best = i;
	}
	return best;
}

struct nec_error *nec_memory_limits_print(struct nec_db *db, FILE *out)
{
	_cleanup_(nec_text_deinit) struct nec_text line = {0};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row, any = false;

	NEC_TRY(nec_query_named(db, "memory_limits", &query));
	for (;;) {
		_cleanup_free_ char *name = NULL, *text = NULL;
		int64_t bytes, measured;
		size_t unit;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		name = nec_escape(nec_query_text(query, 0, NULL));
		text = nec_escape(nec_query_text(query, 3, NULL));
		if (!name || !text)
			return &nec_enomem;
		bytes = nec_query_int(query, 2);
		measured = nec_query_int(query, 5);
		unit = unit_of(text, bytes);
		nec_text_clear(&line);
		nec_text_count(&line, bytes);
		fprintf(out, "limit: %s%s%s (%s), %.6g %s", name, *text ? "=" : "", text,
			nec_query_text(query, 1, NULL), (double)bytes / (double)units[unit].bytes,
			units[unit].spelled);
		fprintf(out, "%s%s%s; %s: %.6g, %.1f %% of it\n", units[unit].bytes > 1 ? " (" : "",
			units[unit].bytes > 1 ? nec_text_str(&line) : "",
			units[unit].bytes > 1 ? ")" : "", nec_query_text(query, 4, NULL),
			(double)measured / (double)units[unit].bytes,
			100.0 * (double)measured / (double)(bytes > 0 ? bytes : 1));
		any = true;
	}
	if (any)
		fputc('\n', out);
	return NULL;
}

void nec_memory_limit_print(struct nec_db *db, const struct nec_memory_limit *limit, int64_t total,
			    FILE *out)
{
	_cleanup_free_ char *touched = nec_db_meta(db, "memory_touched");
	double unit = (double)limit->unit;

	fprintf(out, "limit: %.6g %s; the address space has %.6g, %.1f %% of it",
		(double)limit->bytes / unit, limit->spelled, (double)total / unit,
		100.0 * (double)total / (double)limit->bytes);
	if (touched)
		fprintf(out, "; private memory that is not zeros: %.6g, %.1f %%",
			strtod(touched, NULL) / unit,
			100.0 * strtod(touched, NULL) / (double)limit->bytes);
	fputs("\n\n", out);
}
