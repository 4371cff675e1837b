/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * necropsy memory: where every byte is. The partition, what keeps arenas that are mostly free, what
 * malloc could give back, limits (memory_limits.c) and maps of it (memory_map.c); of several dumps
 * what they still share (memory_workers.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/session.h"
#include "cli/table.h"

enum { TYPES = 10, PINS = 10, HEAPS = 10, UNOWNED = 10 };

static const struct nec_column row_columns[] = {
	{"category", "", NEC_CELL_TEXT, true},
	{"area", NULL, NEC_CELL_TEXT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
	{"count", "count", NEC_CELL_COUNT, false},
};

static const struct nec_column type_columns[] = {
	{"name", "Python objects by type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

static const struct nec_column limit_columns[] = {
	{"name", NULL, NEC_CELL_TEXT, false},     {"source", NULL, NEC_CELL_TEXT, false},
	{"bytes", NULL, NEC_CELL_SIZE, false},    {"text", NULL, NEC_CELL_TEXT, false},
	{"measured", NULL, NEC_CELL_TEXT, false}, {"measured_bytes", NULL, NEC_CELL_SIZE, false},
};

static const struct nec_column occupancy_columns[] = {
	{"occupancy", "arenas of pymalloc", NEC_CELL_TEXT, false},
	{"arenas", "arenas", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
	{"used", "used", NEC_CELL_SIZE, false},
	{"blocks", "blocks", NEC_CELL_COUNT, false},
	{"pools", "free pools", NEC_CELL_SIZE, false},
};

static const struct nec_column pin_columns[] = {
	{"type", "what keeps those under 25 %", NEC_CELL_TEXT, true},
	{"objects", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
	{"arenas", "in arenas", NEC_CELL_COUNT, false},
	{"example", NULL, NEC_CELL_ADDR, false},
	{"path", "for example", NEC_CELL_TEXT, true},
};

static const struct nec_column unowned_columns[] = {
	{"first", "malloc, of no object: begins with", NEC_CELL_TEXT, true},
	{"size", "size", NEC_CELL_SIZE, false},
	{"count", "chunks", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

static const struct nec_column several_columns[] = {
	{"addr", "native memory of several objects, at", NEC_CELL_ADDR, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

static const struct nec_column heap_columns[] = {
	{"number", "arena of malloc", NEC_CELL_INT, false},
	{"start", "heap at", NEC_CELL_ADDR, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
	{"used", "used", NEC_CELL_SIZE, false},
	{"used_count", "chunks", NEC_CELL_COUNT, false},
	{"free", "free", NEC_CELL_SIZE, false},
	{"free_count", NULL, NEC_CELL_COUNT, false},
	{"cached", "kept", NEC_CELL_SIZE, false},
	{"cached_count", NULL, NEC_CELL_COUNT, false},
	{"whole", "top", NEC_CELL_SIZE, false},
	{"release", "trim gives", NEC_CELL_SIZE, false},
	{"last", NULL, NEC_CELL_ADDR, false},
	{"above", "its last chunk", NEC_CELL_TEXT, true},
};

#define COLUMNS(c) c, sizeof(c) / sizeof(*(c))

struct view {
	struct nec_cli *cli;
	FILE *out;
	struct nec_text line;
	struct nec_json json;
	int64_t total;
	int64_t resident; /* Rss; -1: not known */
};

/* ---- the partition
 * ---------------------------------------------------------------------------------------------------
 */

static struct nec_error *read_total(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_areas", &query));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		v->total = nec_sum(v->total, nec_query_int(query, 1));
	}
}

/* -1: the dump does not say. */
static struct nec_error *read_resident(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	v->resident = -1;
	NEC_TRY(nec_query_named(v->cli->db, "memory_resident", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (row)
		v->resident = nec_query_int(query, 0);
	return NULL;
}

static void put_size(struct view *v, int64_t bytes)
{
	nec_text_clear(&v->line);
	nec_text_size(&v->line, bytes);
}

static void print_head(struct view *v, const char *name, int64_t bytes)
{
	put_size(v, bytes);
	fprintf(v->out, "%-44s %11s %14s\n", name, nec_text_str(&v->line), "");
}

static void print_line(struct view *v, const char *name, int64_t bytes, int64_t count)
{
	_cleanup_(nec_text_deinit) struct nec_text items = {0}, escaped = {0};
	const char *colon = strstr(name, ": ");

	nec_text_count(&items, count);
	nec_text_escape(&escaped, colon ? colon + 2 : name, strlen(colon ? colon + 2 : name));
	put_size(v, bytes);
	fprintf(v->out, "  %-42s %11s %14s %6.2f %%\n", nec_text_str(&escaped),
		nec_text_str(&v->line), nec_text_str(&items),
		100.0 * (double)bytes / (double)(v->total ? v->total : 1));
}

static struct nec_error *print_partition(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ char *area = NULL;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_lines", &query));
	NEC_TRY(nec_query_bind_int(query, ":classes", nec_cli_has(v->cli, "classes")));
	for (;;) {
		const char *name;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		name = nec_query_text(query, 0, NULL);
		if (!area || strcmp(area, name) != 0) {
			free(area);
			area = nec_escape(name);
			if (!area)
				return &nec_enomem;
			print_head(v, area, nec_query_int(query, 4));
		}
		if (strcmp(nec_query_text(query, 1, NULL), name) != 0)
			print_line(v, nec_query_text(query, 1, NULL), nec_query_int(query, 2),
				   nec_query_int(query, 3));
	}
	nec_text_clear(&v->line);
	nec_text_size(&v->line, v->total);
	nec_text_puts(&v->line, ", ");
	nec_text_count(&v->line, v->total);
	fprintf(v->out, "sum: %s bytes, each in one line\n", nec_text_str(&v->line));
	if (v->resident < 0)
		return NULL;
	nec_text_clear(&v->line);
	nec_text_size(&v->line, v->resident);
	nec_text_puts(&v->line, ", ");
	nec_text_count(&v->line, v->resident);
	nec_text_puts(&v->line, " bytes; ");
	nec_text_size(&v->line, v->total - v->resident);
	fprintf(v->out, "resident (Rss): %s of the sum were not: pages of files, and untouched ones\n", nec_text_str(&v->line));
	return NULL;
}

static struct nec_error *print_rows(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	NEC_TRY(nec_query_named(v->cli->db, "memory_rows", &query));
	return nec_table_rows(v->out, v->cli->output, COLUMNS(row_columns), 0,
			      v->cli->output == NEC_OUTPUT_JSON ? 2 : 0, query, 0, NULL, NULL);
}

/* ---- tables
 * ----------------------------------------------------------------------------------------------------------
 */

/* The shortest path to an object as the next cell. */
static struct nec_error *add_path(struct view *v, struct nec_table *table, uint64_t addr)
{
	const struct nec_path_options options = {.max_paths = 1,
						 .progress = nec_session_progress()};
	_cleanup_(nec_paths_destroyp) struct nec_paths *paths = NULL;

	NEC_TRY(nec_paths_find(v->cli->db, addr, &options, &paths));
	if (paths->line_count)
		nec_table_text(table, paths->lines[0].text, strlen(paths->lines[0].text));
	else
		nec_table_null(table);
	return NULL;
}

static struct nec_error *open_table(struct view *v, const struct nec_column *columns, int count,
				    struct nec_table **ret)
{
	return nec_table_create(v->out, v->cli->output, columns, count, 0,
				v->cli->output == NEC_OUTPUT_JSON ? 2 : 0, ret);
}

static struct nec_error *print_query(struct view *v, const char *name,
				     const struct nec_column *columns, int count, int64_t limit)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;

	NEC_TRY(nec_query_named(v->cli->db, name, &query));
	return nec_table_rows(v->out, v->cli->output, columns, count, 0,
			      v->cli->output == NEC_OUTPUT_JSON ? 2 : 0, query, limit, NULL, NULL);
}

static struct nec_error *print_pins(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	int64_t limit = nec_cli_limit(v->cli, PINS), n;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_pins", &query));
	NEC_TRY(open_table(v, COLUMNS(pin_columns), &table));
	for (n = 0; !limit || n < limit; n++) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		for (int c = 0; c < 5; c++)
			nec_table_cell(table, query, c);
		/* Of some alone: each costs a search. */
		if (n < PINS)
			NEC_TRY(add_path(v, table, (uint64_t)nec_query_int(query, 4)));
		else
			nec_table_null(table);
		nec_table_end_row(table);
	}
	return nec_table_finish(table, NULL);
}

/* What lies at the last address in use of a heap: it is above all that is free. */
static struct nec_error *add_last(struct view *v, struct nec_table *table, uint64_t addr)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_owner", &query));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	NEC_TRY(nec_query_step(query, &row));
	if (!addr || !row) {
		nec_table_null(table);
		return NULL;
	}
	nec_table_cell(table, query, 1);
	return NULL;
}

static struct nec_error *print_heaps(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	int64_t limit = nec_cli_limit(v->cli, HEAPS), n = 0, left = 0;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_arenas", &query));
	NEC_TRY(open_table(v, COLUMNS(heap_columns), &table));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		if (strcmp(nec_query_text(query, 1, NULL), "malloc") != 0)
			continue;
		if (limit && n++ >= limit) {
			left++;
			continue;
		}
		for (int c = 2; c < 14; c++)
			nec_table_cell(table, query, c);
		NEC_TRY(add_last(v, table, (uint64_t)nec_query_int(query, 13)));
		nec_table_end_row(table);
	}
	NEC_TRY(nec_table_finish(table, NULL));
	return nec_table_print_rest(v->out, v->cli->output, 0, left);
}

/* ---- what could be given back
 * ---------------------------------------------------------------------------------------- */

struct sums {
	int64_t arenas, empty, pools, sparse;  /* of pymalloc */
	int64_t segments, blocks, pages;       /* of mimalloc */
	int64_t heaps, numbers, free, release; /* of malloc */
	int64_t thread_free, thread_bytes;
};

static struct nec_error *read_sums(struct view *v, struct sums *s)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	*s = (struct sums){0};
	NEC_TRY(nec_query_named(v->cli->db, "memory_arenas", &query));
	for (;;) {
		int64_t number, spare;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		if (strcmp(nec_query_text(query, 1, NULL), "pymalloc") == 0) {
			s->arenas++;
			s->sparse += nec_query_column_type(query, 5) != NEC_COLUMN_NULL &&
				     nec_query_int(query, 5) < nec_query_int(query, 4) / 4;
			s->pools = nec_sum(s->pools, nec_query_int(query, 11));
			s->empty = nec_sum(s->empty, nec_query_int(query, 12));
			continue;
		}
		if (strcmp(nec_query_text(query, 1, NULL), "mimalloc") == 0) {
			s->segments++;
			s->blocks = nec_sum(s->blocks, nec_query_int(query, 7));
			s->pages = nec_sum(s->pages, nec_query_int(query, 11));
			continue;
		}
		number = nec_query_int(query, 2);
		spare = nec_sum(nec_sum(nec_query_int(query, 7), nec_query_int(query, 9)),
				nec_query_int(query, 11));
		s->heaps++;
		number = nec_sum(number, 1);
		s->numbers = number > s->numbers ? number : s->numbers;
		s->free = nec_sum(s->free, spare);
		s->release = nec_sum(s->release, nec_query_int(query, 12));
		if (number != 1) {
			s->thread_free = nec_sum(s->thread_free, spare);
			s->thread_bytes = nec_sum(s->thread_bytes, nec_query_int(query, 4));
		}
	}
}

static void print_advice(struct view *v, const struct sums *s)
{
	if (s->heaps) {
		put_size(v, s->free);
		fprintf(v->out, "malloc: %s are free in arenas (%lld)", nec_text_str(&v->line),
			(long long)s->numbers);
		put_size(v, s->release);
		fprintf(v->out, "; malloc_trim(0) would give back up to %s\n",
			nec_text_str(&v->line));
	}
	if (s->numbers > 1) {
		put_size(v, s->thread_free);
		fprintf(v->out, "  of threads, not the main one (%lld): %s of ",
			(long long)s->numbers - 1, nec_text_str(&v->line));
		put_size(v, s->thread_bytes);
		fprintf(v->out,
			"%s in them are free; MALLOC_ARENA_MAX=1 would let the others use that\n",
			nec_text_str(&v->line));
	}
	if (s->arenas) {
		put_size(v, s->pools);
		fprintf(v->out,
			"pymalloc: %s in %lld arenas are free pools, which only Python can use",
			nec_text_str(&v->line), (long long)s->arenas);
		put_size(v, s->empty);
		fprintf(v->out, "; arenas that are empty: %s\n", nec_text_str(&v->line));
	}
	if (s->segments) {
		put_size(v, s->pages);
		fprintf(v->out, "mimalloc: %s in %lld segments are free pages", nec_text_str(&v->line),
			(long long)s->segments);
		put_size(v, s->blocks);
		fprintf(v->out, ", %s are free in pages that something else is in\n",
			nec_text_str(&v->line));
	}
	fputc('\n', v->out);
}

/* ---- all of it
 * -------------------------------------------------------------------------------------------------------
 */

static void print_setting(struct view *v, const char *key, const char *what)
{
	_cleanup_free_ char *value = nec_db_meta(v->cli->db, key);
	_cleanup_free_ char *text = value ? nec_escape(value) : NULL;

	if (text)
		fprintf(v->out, "%s: %s\n", what, text);
}

/* What the process itself was told of allocators. */
static void print_settings(struct view *v)
{
	/* To add one: a line, and the variable in python/source.c. */
	static const struct {
		const char *key, *what;
	} settings[] = {
		{"malloc_arena_max", "MALLOC_ARENA_MAX"},
		{"malloc_trim_threshold", "MALLOC_TRIM_THRESHOLD_"},
		{"malloc_mmap_threshold", "MALLOC_MMAP_THRESHOLD_"},
		{"glibc_tunables", "GLIBC_TUNABLES"},
		{"pythonmalloc", "PYTHONMALLOC"},
		{"python_allocator", "objects are allocated by"},
	};
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		print_setting(v, settings[i].key, settings[i].what);
}

/* Nothing where there is none. */
static struct nec_error *print_several(struct view *v)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(v->cli->db, "memory_several", &query));
	NEC_TRY(nec_query_step(query, &row));
	if (!row)
		return NULL;
	fputc('\n', v->out);
	return print_query(v, "memory_several", COLUMNS(several_columns),
			   nec_cli_limit(v->cli, UNOWNED));
}

static struct nec_error *print_text(struct view *v, const struct nec_memory_limit *limit)
{
	_cleanup_free_ char *source = nec_db_meta(v->cli->db, "source");
	struct sums sums;

	if (source) {
		nec_text_escape(&v->line, source, strlen(source));
		fprintf(v->out, "%s\n\n", nec_text_str(&v->line));
	}
	if (limit->bytes)
		nec_memory_limit_print(v->cli->db, limit, v->total, v->out);
	NEC_TRY(nec_memory_limits_print(v->cli->db, v->out));
	NEC_TRY(print_partition(v));
	fputc('\n', v->out);
	NEC_TRY(print_query(v, "memory_types", COLUMNS(type_columns),
			    nec_cli_limit(v->cli, TYPES)));
	fputc('\n', v->out);
	print_settings(v);
	NEC_TRY(read_sums(v, &sums));
	print_advice(v, &sums);
	if (sums.arenas) {
		NEC_TRY(print_query(v, "memory_occupancy", COLUMNS(occupancy_columns), 0));
		fputc('\n', v->out);
	}
	if (sums.sparse) {
		NEC_TRY(print_pins(v));
		fputc('\n', v->out);
	}
	if (!sums.heaps)
		return NULL;
	NEC_TRY(print_heaps(v));
	fputc('\n', v->out);
	NEC_TRY(print_query(v, "memory_unowned", COLUMNS(unowned_columns),
			    nec_cli_limit(v->cli, UNOWNED)));
	return print_several(v);
}

static struct nec_error *print_json(struct view *v)
{
	nec_json_begin(&v->json, v->out);
	nec_json_int(&v->json, "bytes", v->total);
	if (v->resident >= 0)
		nec_json_int(&v->json, "resident", v->resident);
	nec_json_member(&v->json, "memory");
	NEC_TRY(print_rows(v));
	nec_json_member(&v->json, "limits");
	NEC_TRY(print_query(v, "memory_limits", COLUMNS(limit_columns), 0));
	nec_json_member(&v->json, "occupancy");
	NEC_TRY(print_query(v, "memory_occupancy", COLUMNS(occupancy_columns), 0));
	nec_json_member(&v->json, "pins");
	NEC_TRY(print_pins(v));
	nec_json_member(&v->json, "heaps");
	NEC_TRY(print_heaps(v));
	nec_json_member(&v->json, "unowned");
	NEC_TRY(print_query(v, "memory_unowned", COLUMNS(unowned_columns), 0));
	nec_json_member(&v->json, "of_several");
	NEC_TRY(print_query(v, "memory_several", COLUMNS(several_columns), 0));
	return nec_json_end(&v->json);
}

static struct nec_error *write_svg(struct view *v, const char *path)
{
	_cleanup_(nec_text_deinit) struct nec_text svg = {0};
	FILE *f;
	int err = 0;

	NEC_TRY(nec_memory_svg(v->cli->db, &svg));
	f = fopen(path, "wx");
	if (!f)
		return nec_error_os(errno, "%s", path);
	if (fwrite(svg.data, 1, svg.len, f) != svg.len)
		err = errno;
	if (fclose(f) && !err)
		err = errno;
	return err ? nec_error_os(err, "%s", path) : NULL;
}

static struct nec_error *print(struct view *v)
{
	const char *svg = nec_cli_text(v->cli, "svg");
	struct nec_memory_limit limit;

	NEC_TRY(nec_memory_limit_read(v->cli, &limit));
	NEC_TRY(read_total(v));
	NEC_TRY(read_resident(v));
	if (!v->total)
		return nec_error_create(NEC_ERR_NOTFOUND,
					"%s: it does not say where its memory went",
					v->cli->operands[0]);
	if (svg)
		return write_svg(v, svg);
	if (nec_cli_has(v->cli, "map"))
		return nec_memory_map(v->cli->db, v->out);
	if (v->cli->output == NEC_OUTPUT_JSON)
		return print_json(v);
	return v->cli->output == NEC_OUTPUT_CSV ? print_rows(v) : print_text(v, &limit);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	struct view v = {.cli = cli, .out = out};
	struct nec_error *err;

	if (cli->operand_count > 1)
		return nec_memory_workers(cli, out);
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	err = print(&v);
	nec_text_deinit(&v.line);
	return err;
}

static const struct nec_option options[] = {
	{"classes", 0, NEC_OPTION_FLAG, NULL, "free blocks of pymalloc by size class"},
	{"map", 0, NEC_OPTION_FLAG, NULL, "a map of the address space and of the arenas instead"},
	{"svg", 0, NEC_OPTION_TEXT, "FILE", "writes that map as a picture"},
	{"kinds", 0, NEC_OPTION_FLAG, NULL,
	 "of several dumps: what made memory their own, by kind"},
	{"limit-memory", 0, NEC_OPTION_TEXT, "SIZE",
	 "compare with a limit, in its unit: 2GB, 2GiB, 512Mi"},
	{0},
};

const struct nec_command nec_command_memory = {
	.name = "memory",
	.operands = "DUMP...",
	.summary = "where every byte of the process is",
	.help = "A partition: each byte of the address space is in one line, and the sum is that\n"
		"of the mappings. Objects and their tables, room that lists, dicts and sets do\n"
		"not use, what is free in pymalloc and malloc, stacks, files. Below it: how full\n"
		"the arenas of pymalloc are and what keeps those that are mostly free, and the\n"
		"heaps of malloc, with the last chunk in use of each and what malloc_trim would\n"
		"give back, and native memory that several objects lead to, which is charged to\n"
		"none. Above it: limits that the dump tells of (noted by capture, in the\n"
		"environment or the command line, in texts of the kernel that the process read),\n"
		"each in its own unit beside what it limits.\n"
		"\n"
		"Of several dumps, of workers of one parent, in place of that: which pages they\n"
		"still share since the fork, which are each one's own, and what made them so.\n"
		"A page that was written and says the same as before counts as the same: a dump\n"
		"does not tell.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
