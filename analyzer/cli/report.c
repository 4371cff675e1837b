/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * necropsy report: the page that one reads first.
 *
 * Sections, each a function that prints itself or nothing: what died and why, how complete the dump
 * is and how much of it is explained, findings, types, the largest objects, threads, and commands
 * to type next. The line width is that of the terminal, 80 elsewhere.
 */
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/death.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"

enum {
	REPORT_WIDTH = 80,
	REPORT_LABEL = 12, /* of the first section */
	REPORT_TYPES = 12,
	REPORT_LARGEST = 8,
	REPORT_CENSUS = 20,
	REPORT_FINDINGS = 8,
	REPORT_MEMORY = 12,
	REPORT_MISSING = 8,
	REPORT_STAGES = 6, /* parts of the program whose warnings are counted */
};

struct report {
	struct nec_cli *cli;
	FILE *out;
	int width;
	struct nec_text line; /* scratch */
	bool failed;          /* out of memory */
	/* The query `summary`. */
	int64_t objects, bytes, native, types, warnings, mapped, dumped, threads, frames;
	uint64_t largest;      /* object to look at; 0: none */
	char largest_type[64]; /* a type to look at, escaped; "": none */
};

/* Rows of a table: what --limit says (0: all), else what suits a page. */
static int64_t row_limit(const struct report *r, int64_t likes)
{
	return r->cli->limit >= 0 ? r->cli->limit : likes;
}

/* Prints r->line, which begins behind `used` cells, and the end of it. */
static void line_end(struct report *r, int used)
{
	r->failed = r->failed || r->line.failed;
	while (r->line.len && r->line.data[r->line.len - 1] == ' ')
		r->line.data[--r->line.len] = '\0';
	nec_print_fitting(r->out, nec_text_str(&r->line), r->line.len, r->width - used);
	putc('\n', r->out);
	nec_text_clear(&r->line);
}

/* A line "  label   what is in r->line", or nothing when there is nothing. */
static void labelled(struct report *r, const char *label)
{
	if (!r->line.len)
		return;
	fprintf(r->out, "  %-*s", REPORT_LABEL, label);
	line_end(r, REPORT_LABEL + 2);
}

static void put_meta(struct report *r, const char *before, const char *key)
{
	_cleanup_free_ char *value = nec_db_meta(r->cli->db, key);

	if (!value || !*value)
		return;
	if (r->line.len)
		nec_text_puts(&r->line, before);
	nec_text_escape(&r->line, value, strlen(value));
}

static bool has_meta(struct report *r, const char *key)
{
	_cleanup_free_ char *value = nec_db_meta(r->cli->db, key);

	return value;
}

/* Times in meta are ISO 8601 in UTC, or seconds since 1970. */
static void put_time(struct report *r, const char *key)
{
	_cleanup_free_ char *value = nec_db_meta(r->cli->db, key);
	char text[40], *end;
	struct tm tm;
	time_t t;

	if (!value || !*value)
		return;
	memset(&tm, 0, sizeof(tm));
	t = (time_t)strtod(value, &end);
	if (*end) {
		end = strptime(value, "%Y-%m-%dT%H:%M:%S", &tm);
		if (end && *end == '.')
			end += 1 + strspn(end + 1, "0123456789");
		if (!end || (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0))
			end = NULL;
	} else if (!gmtime_r(&t, &tm)) {
		end = NULL;
	}
	if (end && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		nec_text_puts(&r->line, text);
	else
		nec_text_escape(&r->line, value, strlen(value));
}

static void section(struct report *r, const char *title)
{
	fprintf(r->out, "\n%s\n", title);
}

/* What died, when and why. */

static void put_dump(struct report *r)
{
	int64_t size = nec_db_meta_int(r->cli->db, "source_size", -1);
	int64_t truncated = nec_db_meta_int(r->cli->db, "memory_truncated", 0);

	if (size >= 0)
		nec_text_size(&r->line, size);
	put_meta(r, ", ", "format");
	put_meta(r, " by ", "writer");
	if (truncated > 0) {
		nec_text_puts(&r->line, "; CUT OFF: ");
		nec_text_size(&r->line, truncated);
		nec_text_puts(&r->line, " more are missing");
	} else if (r->line.len && nec_db_meta_int(r->cli->db, "memory_truncated", -1) == 0) {
		nec_text_puts(&r->line, "; whole");
	}
	labelled(r, "dump");
}

static void print_identity(struct report *r)
{
	_cleanup_free_ char *source = nec_db_meta(r->cli->db, "source");
	int64_t pid = nec_db_meta_int(r->cli->db, "pid", -1);

	if (!source)
		source = strdup(r->cli->operands[0]);
	if (source)
		nec_text_escape(&r->line, source, strlen(source));
	line_end(r, 0);
	put_meta(r, "", "cmdline");
	labelled(r, "command");
	if (pid >= 0)
		nec_text_printf(&r->line, "pid %lld", (long long)pid);
	put_meta(r, ", ", "exe");
	labelled(r, "process");
	nec_death_describe(&r->line, r->cli->db);
	labelled(r, "died of");
	put_meta(r, "", "died_in");
	labelled(r, "in");
	put_meta(r, "", "died_called_by");
	labelled(r, "called by");
	put_meta(r, "", "python_version");
	put_meta(r, ", ", "abi");
	put_meta(r, ", ", "arch");
	put_meta(r, "; found by ", "python_strategy");
	labelled(r, "Python");
	put_time(r, "captured_at");
	labelled(r, "captured");
	if (!has_meta(r, "captured_at")) {
		put_time(r, "source_mtime");
		labelled(r, "written");
	}
	put_dump(r);
}

/* How much of it is explained. */

/* "  objects      1,234,567   98.2 MiB   explanation"; -1 leaves a figure out. */
static void account(struct report *r, const char *what, int64_t count, int64_t bytes,
		    const char *explanation)
{
	_cleanup_(nec_text_deinit) struct nec_text items = {0}, size = {0};

	if (count >= 0)
		nec_text_count(&items, count);
	if (bytes >= 0)
		nec_text_size(&size, bytes);
	nec_text_printf(&r->line, "  %-15s %12s %11s  %s", what, nec_text_str(&items),
			nec_text_str(&size), explanation);
	line_end(r, 0);
	r->failed = r->failed || items.failed || size.failed;
}

static struct nec_error *print_warnings(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	account(r, "warnings", r->warnings, -1, r->warnings ? "the first of each kind:" : "");
	NEC_TRY(nec_query_named(r->cli->db, "warnings_by_stage", &query));
	for (int i = 0; i < REPORT_STAGES; i++) {
		size_t size;
		const char *text;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		text = nec_query_text(query, 3, &size);
		nec_text_puts(&r->line, "    ");
		nec_text_escape(&r->line, text, size);
		line_end(r, 0);
	}
	return NULL;
}

/* A number of meta that is no less than 0, else -1; key may be NULL. */
static int64_t meta_figure(struct report *r, const char *key)
{
	return key ? nec_db_meta_int(r->cli->db, key, -1) : -1;
}

static struct nec_error *print_account(struct report *r)
{
	static const struct nec_column columns[] = {
		{"area", "", NEC_CELL_TEXT, true},
		{"bytes", "bytes", NEC_CELL_SIZE, false},
		{"count", "count", NEC_CELL_COUNT, false},
	};
	/* Figures of meta, each printed where it is known. To add one: a line. */
	static const struct {
		const char *what, *count, *bytes, *explanation;
	} figures[] = {
		{"references", "references", NULL, "from object to object"},
		{"dangling", "dangling", NULL, "references that lead to no object"},
		{"blocks in use", "pymalloc_blocks", "pymalloc_bytes", "of Python's own allocator"},
		{"  as objects", "blocks_objects", "bytes_objects", ""},
		{"  as parts", "blocks_parts", "bytes_parts", "of objects: tables, item arrays"},
		{"  kept", "blocks_kept", "bytes_kept", "dead objects for the next of their type"},
		{"  static", "blocks_static", "bytes_static", "variables of C code point at them"},
		{"  unexplained", "blocks_unexplained", "bytes_unexplained",
		 "in use by something else"},
		{"mapped", NULL, "memory_mapped", "address space of the process"},
		{"  dumped", NULL, "memory_dumped", "of that, in the dump"},
		{"  from files", NULL, "memory_from_files", "of that, in files of the same build"},
		{"  missing", NULL, "memory_missing", "of that, neither dumped nor in files"},
		{"  led there", "missing_references", NULL, "references into what is missing"},
	};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	section(r, "What is explained");
	account(r, "objects", r->objects, r->bytes, "as sys.getsizeof counts them");
	if (r->native > 0)
		account(r, "native", -1, r->native, "from malloc, owned by objects alone");
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		int64_t count = meta_figure(r, figures[i].count);
		int64_t bytes = meta_figure(r, figures[i].bytes);

		if (count >= 0 || bytes >= 0)
			account(r, figures[i].what, count, bytes, figures[i].explanation);
	}
	NEC_TRY(print_warnings(r));

	NEC_TRY(nec_query_named(r->cli->db, "memory", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	nec_query_close(nec_take(query));
	section(r, "Where the memory went");
	NEC_TRY(nec_query_named(r->cli->db, "memory_areas", &query));
	return nec_table_rows(r->out, NEC_OUTPUT_TEXT, columns, 3, r->width, 2, query,
			      REPORT_MEMORY, NULL, NULL);
}

/* What is not there, and who misses it. */

static struct nec_error *print_missing(struct report *r)
{
	static const struct nec_column columns[] = {
		{"range", "addresses", NEC_CELL_TEXT, false},
		{"bytes", "bytes", NEC_CELL_SIZE, false},
		{"refs", "references into it", NEC_CELL_COUNT, false},
		{"name", "of", NEC_CELL_TEXT, true},
	};
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	uint64_t rows;
	int64_t rest = 0;
	bool row;

	NEC_TRY(nec_query_named(r->cli->db, "missing", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	nec_query_close(nec_take(query));
	section(r, "What is missing");
	NEC_TRY(nec_query_named(r->cli->db, "missing", &query));
	NEC_TRY(nec_table_rows(r->out, NEC_OUTPUT_TEXT, columns, 4, r->width, 2, query,
			       row_limit(r, REPORT_MISSING), &rows, &row));
	for (; row; rest++)
		NEC_TRY(nec_query_step(query, &row));
	return nec_table_print_rest(r->out, NEC_OUTPUT_TEXT, 2, rest);
}

/* Findings. */

static struct nec_error *print_findings(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(r->cli->db, "findings", &query));
	for (int64_t i = 0; i < row_limit(r, REPORT_FINDINGS) || !row_limit(r, REPORT_FINDINGS);
	     i++) {
		const char *text;
		size_t size;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (!i)
			section(r, "Findings");
		nec_text_printf(&r->line, "  %lld. ", (long long)i + 1);
		text = nec_query_text(query, 2, &size);
		nec_text_escape(&r->line, text, size);
		if (nec_query_column_type(query, 4) != NEC_COLUMN_NULL) {
			nec_text_puts(&r->line, " (");
			nec_text_size(&r->line, nec_query_int(query, 4));
			nec_text_puts(&r->line, ")");
		}
		line_end(r, 0);
		text = nec_query_text(query, 3, &size);
		nec_text_escape(&r->line, text, size);
		nec_print_wrapped(r->out, nec_text_str(&r->line), r->line.len, r->width, 5);
		nec_text_clear(&r->line);
		if (nec_query_column_type(query, 5) != NEC_COLUMN_NULL && !r->largest)
			r->largest = (uint64_t)nec_query_int(query, 5);
	}
	return NULL;
}

/* Types, objects. */

static const struct nec_column type_columns[] = {
	{"name", "type", NEC_CELL_TEXT, true},          {"count", "count", NEC_CELL_COUNT, false},
	{"bytes", "size", NEC_CELL_SIZE, false},        {"native", "native", NEC_CELL_SIZE, false},
	{"retained", "retained", NEC_CELL_SIZE, false},
};

/* The last two are one for a person: the value, or where there is none the path to it. */
static const struct nec_column largest_columns[] = {
	{"addr", "address", NEC_CELL_ADDR, false},
	{"type", "type", NEC_CELL_TEXT, true},
	{"bytes", "size", NEC_CELL_SIZE, false},
	{"value", "value, or ← how to get there", NEC_CELL_TEXT, true},
	{"path", NULL, NEC_CELL_TEXT, false},
};

enum {
	LARGEST_VALUE = 3,
	LARGEST_COLUMNS = sizeof(largest_columns) / sizeof(largest_columns[0]),
};

static struct nec_error *open_types(struct report *r, struct nec_query **query_ret)
{
	static const struct nec_page page = {
		.sort = "total", .key = "id", .descending = true, .limit = -1};

	return nec_query_page(r->cli->db, "types", &page, query_ret);
}

static struct nec_error *open_largest(struct report *r, const char *by,
				      struct nec_query **query_ret)
{
	NEC_TRY(nec_query_named(r->cli->db, "largest", query_ret));
	return nec_query_bind_text(*query_ret, ":by", by);
}

/* Names for the last section, while a row is there. */
static struct nec_error *pick_examples(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *types = NULL, *largest = NULL;
	bool row;

	NEC_TRY(open_types(r, &types));
	NEC_TRY(nec_query_step(types, &row));
	if (row) {
		_cleanup_free_ char *name = nec_escape(nec_query_text(types, 0, NULL));

		if (name && strlen(name) < sizeof(r->largest_type))
			strcpy(r->largest_type, name);
	}
	if (r->largest)
		return NULL;
	NEC_TRY(open_largest(r, "size", &largest));
	NEC_TRY(nec_query_step(largest, &row));
	if (row)
		r->largest = (uint64_t)nec_query_int(largest, 0);
	return NULL;
}

static struct nec_error *print_types(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	if (!r->objects)
		return NULL;
	section(r, "Types that hold the memory");
	NEC_TRY(open_types(r, &query));
	return nec_table_rows(r->out, NEC_OUTPUT_TEXT, type_columns, 5, r->width, 2, query,
			      row_limit(r, REPORT_TYPES), NULL, NULL);
}

/* The cells of value and path of the object in the query's row. */
static struct nec_error *add_value(struct report *r, struct nec_table *table,
				   const struct nec_query *query)
{
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	const struct nec_path_options options = {.max_paths = 1,
						 .progress = nec_session_progress()};
	bool none = nec_query_column_type(query, LARGEST_VALUE) == NEC_COLUMN_NULL;

	NEC_TRY(nec_paths_find(r->cli->db, (uint64_t)nec_query_int(query, 0), &options, &paths));
	if (paths->line_count) {
		if (r->cli->output == NEC_OUTPUT_TEXT)
			nec_text_puts(&text, "← ");
		nec_text_puts(&text, paths->lines[0].text);
	}
	if (none && r->cli->output == NEC_OUTPUT_TEXT && text.len)
		nec_table_text(table, nec_text_str(&text), text.len);
	else
		nec_table_cell(table, query, LARGEST_VALUE);
	if (text.len)
		nec_table_text(table, nec_text_str(&text), text.len);
	else
		nec_table_null(table);
	return text.failed ? &nec_enomem : NULL;
}

/* title NULL: the table alone, as a member of JSON. */
static struct nec_error *print_largest(struct report *r, const char *by, const char *title,
				       const char *bytes_title)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	int64_t limit = row_limit(r, REPORT_LARGEST);
	struct nec_column columns[LARGEST_COLUMNS];
	bool row;

	memcpy(columns, largest_columns, sizeof(columns));
	columns[2].title = bytes_title;
	NEC_TRY(open_largest(r, by, &query));
	NEC_TRY(nec_query_step(query, &row));
	if (row && title)
		section(r, title);
	if (!row && title)
		return NULL;
	NEC_TRY(nec_table_create(r->out, r->cli->output, columns, LARGEST_COLUMNS, r->width, 2,
				 &table));
	for (int64_t i = 0; row && (!limit || i < limit); i++) {
		for (int c = 0; c < LARGEST_VALUE; c++)
			nec_table_cell(table, query, c);
		NEC_TRY(add_value(r, table, query));
		nec_table_end_row(table);
		NEC_TRY(nec_query_step(query, &row));
	}
	return nec_table_finish(table, NULL);
}

/* Snapshots without objects. */

static const struct nec_column census_columns[] = {
	{"name", "name", NEC_CELL_TEXT, true},   {"count", "count", NEC_CELL_COUNT, false},
	{"bytes", "size", NEC_CELL_SIZE, false}, {"kind", NULL, NEC_CELL_TEXT, false},
	{"series", NULL, NEC_CELL_INT, false},
};

static struct nec_error *print_census(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(r->cli->db, "census_largest", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	nec_text_puts(&r->line, "\nCensus by ");
	nec_text_escape(&r->line, nec_query_text(query, 3, NULL),
			strlen(nec_query_text(query, 3, NULL)));
	if (nec_query_int(query, 4))
		nec_text_printf(&r->line, ", the last of %lld",
				(long long)nec_query_int(query, 4) + 1);
	line_end(r, 0);
	nec_query_close(nec_take(query));
	NEC_TRY(nec_query_named(r->cli->db, "census_largest", &query));
	return nec_table_rows(r->out, NEC_OUTPUT_TEXT, census_columns, 3, r->width, 2, query,
			      row_limit(r, REPORT_CENSUS), NULL, NULL);
}

/* A figure of a sample, in its unit. */
static void put_figure(struct report *r, const char *unit, int64_t value)
{
	if (!strcmp(unit, "bytes"))
		nec_text_size(&r->line, value);
	else
		nec_text_count(&r->line, value);
}

static struct nec_error *print_samples(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(r->cli->db, "samples_summary", &query));
	for (int i = 0;; i++) {
		const char *name, *unit;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		if (!i)
			section(r, "Over time");
		name = nec_query_text(query, 0, NULL);
		unit = nec_query_text(query, 1, NULL);
		nec_text_puts(&r->line, "  ");
		nec_text_escape(&r->line, name, strlen(name));
		nec_text_puts(&r->line, ": ");
		nec_text_count(&r->line, nec_query_int(query, 2));
		nec_text_puts(&r->line, " samples");
		if (nec_query_int(query, 3) > 1)
			nec_text_printf(&r->line, " of %lld processes",
					(long long)nec_query_int(query, 3));
		nec_text_printf(&r->line, " in %.1f s: from ", nec_query_real(query, 4));
		put_figure(r, unit, nec_query_int(query, 5));
		nec_text_puts(&r->line, " to ");
		put_figure(r, unit, nec_query_int(query, 6));
		nec_text_puts(&r->line, ", at most ");
		put_figure(r, unit, nec_query_int(query, 7));
		line_end(r, 0);
	}
}

/* Threads: one line. */

static struct nec_error *print_threads(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	if (!r->threads)
		return NULL;
	putc('\n', r->out);
	nec_text_puts(&r->line, "Threads: ");
	nec_text_count(&r->line, r->threads);
	NEC_TRY(nec_query_named(r->cli->db, "thread_states", &query));
	for (int i = 0; i < 4; i++) {
		const char *state;
		size_t size;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		state = nec_query_text(query, 0, &size);
		nec_text_puts(&r->line, i ? ", " : " (");
		nec_text_count(&r->line, nec_query_int(query, 1));
		nec_text_puts(&r->line, " × ");
		nec_text_escape(&r->line, state, size);
	}
	nec_text_putc(&r->line, ')');
	line_end(r, 0);
	return NULL;
}

/* What to type next. */

/* The operand as a shell takes it. */
static void put_quoted(struct nec_text *text, const char *s)
{
	if (*s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			      "_./-+:@%")] == '\0') {
		nec_text_puts(text, s);
		return;
	}
	nec_text_putc(text, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			nec_text_puts(text, "'\\''");
		else
			nec_text_escape(text, s, 1);
	}
	nec_text_putc(text, '\'');
}

static void next(struct report *r, const char *command, const char *argument, const char *why)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int width;

	nec_text_printf(&text, "necropsy %s ", command);
	put_quoted(&text, r->cli->operands[0]);
	if (*argument) {
		nec_text_putc(&text, ' ');
		put_quoted(&text, argument);
	}
	r->failed = r->failed || text.failed;
	width = nec_display_width(nec_text_str(&text), text.len);
	/* A command is there to be copied: it is never cut. */
	fprintf(r->out, "  %s%*s  %s\n", nec_text_str(&text), width < 44 ? 44 - width : 0, "", why);
}

static void print_next(struct report *r)
{
	char addr[32];

	if (!r->objects)
		return;
	section(r, "What to ask next");
	next(r, "types", "", "all types");
	if (*r->largest_type)
		next(r, "objects", r->largest_type, "its largest objects");
	if (r->largest) {
		snprintf(addr, sizeof(addr), "0x%llx", (unsigned long long)r->largest);
		next(r, "show", addr, "look into the largest object");
		next(r, "paths", addr, "who holds it");
	}
	if (r->warnings)
		next(r, "sql", "select * from warning", "all warnings");
}

static struct nec_error *print_report(struct report *r)
{
	print_identity(r);
	if (r->objects || r->mapped > 0)
		NEC_TRY(print_account(r));
	NEC_TRY(print_missing(r));
	NEC_TRY(print_findings(r));
	NEC_TRY(print_types(r));
	NEC_TRY(print_largest(r, "size", "Largest objects", "own"));
	NEC_TRY(print_largest(r, "retained", "Objects that hold the most", "retained"));
	NEC_TRY(print_census(r));
	NEC_TRY(print_samples(r));
	NEC_TRY(print_threads(r));
	NEC_TRY(pick_examples(r));
	print_next(r);
	return r->failed ? &nec_enomem : NULL;
}

/* The same as JSON. */

static struct nec_error *json_meta(struct report *r, struct nec_json *json)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	nec_json_open(json, "meta");
	NEC_TRY(nec_query_named(r->cli->db, "meta", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		nec_json_text(json, nec_query_text(query, 0, NULL), nec_query_text(query, 1, NULL));
	}
	nec_json_close(json);
	return NULL;
}

static struct nec_error *json_report(struct report *r)
{
	static const struct nec_column memory[] = {{"category", "", NEC_CELL_TEXT, false},
						   {"bytes", "", NEC_CELL_SIZE, false},
						   {"count", "", NEC_CELL_COUNT, false}};
	static const struct nec_column threads[] = {{"state", "", NEC_CELL_TEXT, false},
						    {"threads", "", NEC_CELL_COUNT, false}};
	static const struct nec_column findings[] = {
		{"id", "", NEC_CELL_INT, false},     {"rule", "", NEC_CELL_TEXT, false},
		{"title", "", NEC_CELL_TEXT, false}, {"detail", "", NEC_CELL_TEXT, false},
		{"bytes", "", NEC_CELL_SIZE, false}, {"addr", "", NEC_CELL_ADDR, false}};
	static const struct nec_column warnings[] = {{"id", "", NEC_CELL_INT, false},
						     {"stage", "", NEC_CELL_TEXT, false},
						     {"addr", "", NEC_CELL_ADDR, false},
						     {"message", "", NEC_CELL_TEXT, false}};
	static const struct {
		const char *member, *query;
		const struct nec_column *columns;
		int column_count;
	} tables[] = {
		{"memory", "memory", memory, 3},
		{"findings", "findings", findings, 6},
		{"census", "census_largest", census_columns, 5},
		{"threads", "thread_states", threads, 2},
		{"warnings", "warnings", warnings, 4},
	};
	_cleanup_(nec_query_closep) struct nec_query *types = NULL;
	struct nec_json json;

	nec_json_begin(&json, r->out);
	NEC_TRY(json_meta(r, &json));
	nec_json_int(&json, "objects", r->objects);
	nec_json_int(&json, "bytes", r->bytes);
	nec_json_int(&json, "mapped", r->mapped);
	nec_json_int(&json, "dumped", r->dumped);
	nec_json_member(&json, "types");
	NEC_TRY(open_types(r, &types));
	NEC_TRY(nec_table_rows(r->out, NEC_OUTPUT_JSON, type_columns, 5, 0, 2, types,
			       row_limit(r, REPORT_TYPES), NULL, NULL));
	nec_json_member(&json, "largest");
	NEC_TRY(print_largest(r, "size", NULL, NULL));
	nec_json_member(&json, "holders");
	NEC_TRY(print_largest(r, "retained", NULL, NULL));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		_cleanup_(nec_query_closep) struct nec_query *query = NULL;

		nec_json_member(&json, tables[i].member);
		NEC_TRY(nec_query_named(r->cli->db, tables[i].query, &query));
		NEC_TRY(nec_table_rows(r->out, NEC_OUTPUT_JSON, tables[i].columns,
				       tables[i].column_count, 0, 2, query, 0, NULL, NULL));
	}
	return nec_json_end(&json);
}

static struct nec_error *summarize(struct report *r)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(r->cli->db, "summary", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return nec_error_create(NEC_ERR_OTHER, "the query `summary` has no row");
	r->objects = nec_query_int(query, 0);
	r->bytes = nec_query_int(query, 1);
	r->native =
		nec_query_column_type(query, 2) == NEC_COLUMN_NULL ? -1 : nec_query_int(query, 2);
	r->types = nec_query_int(query, 3);
	r->warnings = nec_query_int(query, 4);
	r->mapped = nec_query_int(query, 5);
	r->dumped = nec_query_int(query, 6);
	r->threads = nec_query_int(query, 7);
	r->frames = nec_query_int(query, 8);
	return NULL;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	struct report r = {.cli = cli, .out = out};
	struct nec_error *err;

	r.width = nec_table_terminal_width(out);
	if (!r.width)
		r.width = REPORT_WIDTH;
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(summarize(&r));
	if (r.warnings)
		cli->status = NEC_STATUS_WARNINGS;
	err = cli->output == NEC_OUTPUT_JSON ? json_report(&r) : print_report(&r);
	nec_text_deinit(&r.line);
	return err;
}

const struct nec_command nec_command_report = {
	.name = "report",
	.operands = "DUMP",
	.summary = "the page to read first",
	.help = "Prints what died and why, how complete the dump is and how much of it is\n"
		"explained, findings, the types and the objects that hold the memory, the\n"
		"threads, and commands to type next. This is what necropsy DUMP does.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
