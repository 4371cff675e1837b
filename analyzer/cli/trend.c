/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy trend: a series of snapshots, what grows in it, and when memory reaches its limit. */
#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/plot.h"
#include "cli/session.h"
#include "cli/table.h"

enum { SECTION_ROWS = 10 };

/* Columns of the query trend_series. */
enum {
	S_ID,
	S_KIND,
	S_NAME,
	S_UNIT,
	S_ADDR,
	S_POINTS,
	S_FIRST,
	S_LAST,
	S_CHANGE,
	S_FIRST_TIME,
	S_LAST_TIME,
	S_SHAPE,
	S_GROWS,
	S_PER_HOUR,
	S_ERROR,
	S_LEVEL,
	S_SPARK,
};

/* The limit as somebody typed it: what is compared with it is shown in its unit. */
struct unit {
	double bytes, factor;
	const char *name; /* NULL: none was given */
};

struct trend {
	struct nec_cli *cli;
	FILE *out;
	struct unit unit;
	bool utf8;
};

static void put_bytes(const struct trend *t, struct nec_text *text, double bytes)
{
	if (t->unit.name && t->unit.factor > 1)
		nec_text_printf(text, "%.3g %s", bytes / t->unit.factor, t->unit.name);
	else
		nec_text_size(text, (int64_t)bytes);
}

static void put_figure(const struct trend *t, struct nec_text *text, const char *unit, double value)
{
	if (!strcmp(unit, "bytes"))
		put_bytes(t, text, value);
	else
		nec_text_count(text, (int64_t)value);
}

static void put_spark(const struct trend *t, struct nec_text *text, const char *digits)
{
	static const char *const levels[2][8] = {
		{"_", ".", "-", "~", "=", "+", "*", "#"},
		{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
	};

	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '7')
			nec_text_putc(text, ' ');
		else
			nec_text_puts(text, levels[t->utf8][*digits - '0']);
	}
}

/* "+1.2 MiB/h ± 3 %" */
static void put_rate(const struct trend *t, struct nec_text *text, const struct nec_query *q)
{
	double rate = nec_query_real(q, S_PER_HOUR), error = nec_query_real(q, S_ERROR);
	const char *unit = nec_query_text(q, S_UNIT, NULL);

	if (rate == 0)
		return;
	nec_text_puts(text, rate > 0 ? "+" : "");
	put_figure(t, text, unit, rate);
	nec_text_puts(text, "/h");
	if (nec_query_column_type(q, S_ERROR) == NEC_COLUMN_NULL)
		return;
	if (error < fabs(rate) * 10)
		nec_text_printf(text, t->utf8 ? " ± %.2g %%" : " +- %.2g %%",
				error / fabs(rate) * 100);
}

static const struct nec_column text_columns[] = {
	{"name", "", NEC_CELL_TEXT, true},      {"first", "first", NEC_CELL_TEXT, false},
	{"last", "last", NEC_CELL_TEXT, false}, {"rate", "growth", NEC_CELL_TEXT, false},
	{"shape", "", NEC_CELL_TEXT, false},    {"spark", "course", NEC_CELL_TEXT, false},
};

static void add_text(struct nec_table *table, const struct nec_text *text)
{
	nec_table_text(table, nec_text_str(text), text->len);
}

static struct nec_error *add_row(const struct trend *t, struct nec_table *table,
				 const struct nec_query *q)
{
	_cleanup_(nec_text_deinit) struct nec_text cell = {0};
	const char *unit = nec_query_text(q, S_UNIT, NULL);

	nec_text_puts(&cell, nec_query_text(q, S_NAME, NULL));
	if (!strcmp(unit, "count") && !strcmp(nec_query_text(q, S_KIND, NULL), "container"))
		nec_text_puts(&cell, " (items)");
	add_text(table, &cell);
	for (int i = S_FIRST; i <= S_LAST; i++) {
		nec_text_clear(&cell);
		put_figure(t, &cell, unit, nec_query_real(q, i));
		add_text(table, &cell);
	}
	nec_text_clear(&cell);
	put_rate(t, &cell, q);
	add_text(table, &cell);
	nec_text_clear(&cell);
	nec_text_puts(&cell, nec_query_text(q, S_SHAPE, NULL));
	if (nec_query_column_type(q, S_LEVEL) != NEC_COLUMN_NULL && !nec_query_int(q, S_GROWS)) {
		nec_text_puts(&cell, " at ");
		put_figure(t, &cell, unit, nec_query_real(q, S_LEVEL));
	}
	add_text(table, &cell);
	nec_text_clear(&cell);
	put_spark(t, &cell, nec_query_text(q, S_SPARK, NULL));
	add_text(table, &cell);
	nec_table_end_row(table);
	return cell.failed ? &nec_enomem : NULL;
}

/* To add one: kinds of series, and what is said above them. */
static const struct section {
	const char *title, *kind;
	int grows; /* -1: either */
} sections[] = {
	{"Memory", "memory", -1},
	{"What grows", "holder", 1},
	{"Containers that grow", "container", 1},
	{"Types that grow", "type", 1},
	{"Holders that do not go on", "holder", 0},
	{"Containers that do not go on", "container", 0},
};

static bool belongs(const struct section *s, const struct nec_query *q)
{
	return !strcmp(nec_query_text(q, S_KIND, NULL), s->kind) &&
	       (s->grows < 0 || s->grows == nec_query_int(q, S_GROWS));
}

static struct nec_error *print_section(const struct trend *t, const struct section *s)
{
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	int64_t rows = 0;
	bool row;

	NEC_TRY(nec_query_named(t->cli->db, "trend_series", &q));
	for (;;) {
		NEC_TRY(nec_query_step(q, &row));
		if (!row)
			break;
		if (!belongs(s, q) || (rows++ >= SECTION_ROWS && !nec_cli_has(t->cli, "all")))
			continue;
		if (!table) {
			fprintf(t->out, "\n%s\n", s->title);
			NEC_TRY(nec_table_create(t->out, NEC_OUTPUT_TEXT, text_columns, 6, 0, 2,
						 &table));
		}
		NEC_TRY(add_row(t, table, q));
	}
	if (table)
		NEC_TRY(nec_table_finish(table, NULL));
	if (rows > SECTION_ROWS && !nec_cli_has(t->cli, "all"))
		fprintf(t->out, "  … and %lld more: --all prints all\n",
			(long long)(rows - SECTION_ROWS));
	return NULL;
}

/* ---- the limit ---- */

static void put_time(struct nec_text *text, double time, bool date, bool utc)
{
	time_t seconds = (time_t)floor(time);
	char clock[64];
	struct tm tm;

	if (!(utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)) ||
	    !strftime(clock, sizeof(clock),
		      utc    ? (date ? "%Y-%m-%d %H:%M:%S UTC" : "%H:%M:%S UTC")
		      : date ? "%a %Y-%m-%d %H:%M:%S %Z"
			     : "%H:%M:%S",
		      &tm))
		snprintf(clock, sizeof(clock), "some time far off");
	nec_text_puts(text, clock);
}

static void put_duration(struct nec_text *text, double seconds)
{
	if (seconds < 120)
		nec_text_printf(text, "%.0f s", seconds);
	else if (seconds < 7200)
		nec_text_printf(text, "%.0f min", seconds / 60);
	else if (seconds < 48 * 3600)
		nec_text_printf(text, "%.1f h", seconds / 3600);
	else
		nec_text_printf(text, "%.1f days", seconds / 86400);
}

/* Columns of the query trend_forecast. */
enum {
	F_BYTES,
	F_ORIGIN,
	F_VERDICT,
	F_AT,
	F_EARLIEST,
	F_LATEST,
	F_NAME,
	F_LAST,
	F_LAST_TIME,
	F_SHAPE,
	F_LEVEL,
	F_PER_HOUR,
	F_ERROR,
};

static void put_reached(struct nec_text *text, const struct nec_query *q)
{
	double at = nec_query_real(q, F_AT);

	nec_text_puts(text, "reached ");
	put_time(text, at, true, false);
	nec_text_puts(text, " (");
	put_time(text, at, true, true);
	nec_text_puts(text, "), ");
	put_duration(text, at - nec_query_real(q, F_LAST_TIME));
	nec_text_puts(text, " after the last snapshot\n       ");
	if (nec_query_column_type(q, F_ERROR) == NEC_COLUMN_NULL) {
		nec_text_puts(text, "two snapshots do not say how sure that is");
		return;
	}
	nec_text_puts(text, "between ");
	put_time(text, nec_query_real(q, F_EARLIEST), true, false);
	nec_text_puts(text, " and ");
	if (nec_query_column_type(q, F_LATEST) == NEC_COLUMN_NULL)
		nec_text_puts(text, "never");
	else
		put_time(text, nec_query_real(q, F_LATEST), true, false);
	nec_text_puts(text, ", by 95 %");
}

static struct nec_error *print_forecast(const struct trend *t)
{
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	const char *verdict;
	bool row;

	NEC_TRY(nec_query_named(t->cli->db, "trend_forecast", &q));
	NEC_TRY(nec_query_step(q, &row));
	if (!row)
		return NULL;
	verdict = nec_query_text(q, F_VERDICT, NULL);
	nec_text_puts(&text, "\nLimit  ");
	put_bytes(t, &text, nec_query_real(q, F_BYTES));
	nec_text_printf(&text, " (%s) of %s, which is at ", nec_query_text(q, F_ORIGIN, NULL),
			nec_query_text(q, F_NAME, NULL));
	put_bytes(t, &text, nec_query_real(q, F_LAST));
	nec_text_puts(&text, "\n       ");
	if (!strcmp(verdict, "reached")) {
		put_reached(&text, q);
		t->cli->status = NEC_STATUS_WARNINGS;
	} else if (!strcmp(verdict, "over")) {
		nec_text_puts(&text, "already over it");
		t->cli->status = NEC_STATUS_WARNINGS;
	} else if (!strcmp(verdict, "unknown")) {
		nec_text_puts(&text, "one figure is no trend");
	} else {
		nec_text_printf(&text, "not reached: it %s", nec_query_text(q, F_SHAPE, NULL));
		if (nec_query_column_type(q, F_LEVEL) != NEC_COLUMN_NULL) {
			nec_text_puts(&text, " at ");
			put_bytes(t, &text, nec_query_real(q, F_LEVEL));
		}
	}
	nec_text_putc(&text, '\n');
	if (text.failed)
		return &nec_enomem;
	fputs(text.data, t->out);
	return NULL;
}

static struct nec_error *print_notes(const struct trend *t)
{
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	bool row;

	NEC_TRY(nec_query_named(t->cli->db, "trend_notes", &q));
	for (;;) {
		NEC_TRY(nec_query_step(q, &row));
		if (!row)
			return NULL;
		fprintf(t->out, "Note: %s\n", nec_query_text(q, 0, NULL));
	}
}

static struct nec_error *print_snapshots(const struct trend *t)
{
	_cleanup_(nec_query_closep) struct nec_query *q = NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	double first = NAN, last = NAN;
	int count = 0;
	bool row;

	NEC_TRY(nec_query_named(t->cli->db, "trend_snapshots", &q));
	for (;; count++) {
		NEC_TRY(nec_query_step(q, &row));
		if (!row)
			break;
		if (nec_query_column_type(q, 4) == NEC_COLUMN_NULL)
			continue;
		first = isnan(first) ? nec_query_real(q, 4) : first;
		last = nec_query_real(q, 4);
	}
	nec_text_printf(&text, "%d snapshot%s", count, count == 1 ? "" : "s");
	if (!isnan(first)) {
		nec_text_puts(&text, " from ");
		put_time(&text, first, true, false);
		nec_text_puts(&text, " to ");
		put_time(&text, last, true, false);
		nec_text_puts(&text, ", ");
		put_duration(&text, last - first);
	}
	fprintf(t->out, "%s\n", nec_text_str(&text));
	return text.failed ? &nec_enomem : NULL;
}

static struct nec_error *print_text(const struct trend *t)
{
	NEC_TRY(print_snapshots(t));
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		NEC_TRY(print_section(t, &sections[i]));
		if (!i) {
			NEC_TRY(print_forecast(t));
			NEC_TRY(print_notes(t));
		}
	}
	return NULL;
}

/* ---- for machines ---- */

static const struct nec_column series_columns[] = {
	{"id", "", NEC_CELL_INT, false},         {"kind", "", NEC_CELL_TEXT, false},
	{"name", "", NEC_CELL_TEXT, false},      {"unit", "", NEC_CELL_TEXT, false},
	{"addr", "", NEC_CELL_ADDR, false},      {"points", "", NEC_CELL_INT, false},
	{"first", "", NEC_CELL_REAL, false},     {"last", "", NEC_CELL_REAL, false},
	{"change", "", NEC_CELL_REAL, false},    {"first_time", "", NEC_CELL_REAL, false},
	{"last_time", "", NEC_CELL_REAL, false}, {"shape", "", NEC_CELL_TEXT, false},
	{"grows", "", NEC_CELL_INT, false},      {"per_hour", "", NEC_CELL_REAL, false},
	{"error", "", NEC_CELL_REAL, false},     {"level", "", NEC_CELL_REAL, false},
};

static const struct nec_column forecast_columns[] = {
	{"bytes", "", NEC_CELL_REAL, false},     {"origin", "", NEC_CELL_TEXT, false},
	{"verdict", "", NEC_CELL_TEXT, false},   {"at", "", NEC_CELL_REAL, false},
	{"earliest", "", NEC_CELL_REAL, false},  {"latest", "", NEC_CELL_REAL, false},
	{"of", "", NEC_CELL_TEXT, false},        {"last", "", NEC_CELL_REAL, false},
	{"last_time", "", NEC_CELL_REAL, false},
};

static const struct nec_column snapshot_columns[] = {
	{"id", "", NEC_CELL_INT, false},      {"source", "", NEC_CELL_TEXT, false},
	{"operand", "", NEC_CELL_INT, false}, {"format", "", NEC_CELL_TEXT, false},
	{"time", "", NEC_CELL_REAL, false},   {"objects", "", NEC_CELL_INT, false},
	{"bytes", "", NEC_CELL_REAL, false},  {"pid", "", NEC_CELL_INT, false},
};

static const struct nec_column note_columns[] = {{"text", "", NEC_CELL_TEXT, false}};

#define COLUMNS(c) c, sizeof(c) / sizeof(*(c))

static struct nec_error *print_json(const struct trend *t)
{
	static const struct {
		const char *member, *query;
		const struct nec_column *columns;
		int count;
	} tables[] = {
		{"snapshots", "trend_snapshots", COLUMNS(snapshot_columns)},
		{"series", "trend_series", COLUMNS(series_columns)},
		{"forecast", "trend_forecast", COLUMNS(forecast_columns)},
		{"notes", "trend_notes", COLUMNS(note_columns)},
	};
	struct nec_json json;

	nec_json_begin(&json, t->out);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		_cleanup_(nec_query_closep) struct nec_query *query = NULL;

		nec_json_member(&json, tables[i].member);
		NEC_TRY(nec_query_named(t->cli->db, tables[i].query, &query));
		NEC_TRY(nec_table_rows(t->out, NEC_OUTPUT_JSON, tables[i].columns, tables[i].count,
				       0, 2, query, 0, NULL, NULL));
	}
	return nec_json_end(&json);
}

static struct nec_error *write_svg(const struct trend *t, const char *path)
{
	_cleanup_(nec_text_deinit) struct nec_text svg = {0};
	_cleanup_fclose_ FILE *f = NULL;

	NEC_TRY(nec_plot_trend(t->cli->db, &svg));
	f = fopen(path, "we");
	if (!f || fputs(nec_text_str(&svg), f) < 0 || fflush(f))
		return nec_error_os(errno, "%s", path);
	return NULL;
}

/* ---- the command ---- */

static struct nec_error *compute(struct nec_cli *cli, const struct trend *t)
{
	const struct nec_trend_options options = {
		.limit = (int64_t)t->unit.bytes,
		.limit_of = nec_cli_text(cli, "limit-of"),
		.progress = nec_session_progress(),
	};
	struct nec_db **list = calloc((size_t)cli->operand_count, sizeof(*list)), *trend = NULL;
	struct nec_error *err = list ? NULL : &nec_enomem;
	int i;

	for (i = 0; !err && i < cli->operand_count; i++)
		err = nec_cli_open_snapshot(cli, cli->operands[i], &list[i]);
	if (!err)
		err = nec_trend(list, (size_t)cli->operand_count, &options, &trend);
	while (list && i-- > 0)
		nec_db_close(list[i]);
	free(list);
	if (!err)
		nec_cli_use(cli, trend);
	return err;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	struct trend t = {.cli = cli, .out = out, .utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8")};
	const char *limit = nec_cli_text(cli, "limit"), *svg = nec_cli_text(cli, "svg");

	if (limit && (!nec_bytes_parse(limit, &t.unit.bytes, &t.unit.factor, &t.unit.name) ||
		      t.unit.bytes >= 0x1p62))
		return nec_error_create(NEC_ERR_USAGE,
					"--limit takes a size as 4GiB or 4GB, not '%s'", limit);
	NEC_TRY(compute(cli, &t));
	if (svg)
		NEC_TRY(write_svg(&t, svg));
	return cli->output == NEC_OUTPUT_JSON ? print_json(&t) : print_text(&t);
}

static const struct nec_option options[] = {
	{"limit", 0, NEC_OPTION_TEXT, "SIZE", "when is that reached? 4GiB is binary, 4GB decimal"},
	{"limit-of", 0, NEC_OPTION_TEXT, "NAME", "the memory that is limited: rss, size, ..."},
	{"svg", 0, NEC_OPTION_TEXT, "FILE", "draw the series as a picture"},
	{"all", 0, NEC_OPTION_FLAG, NULL, "all series, not ten of a kind"},
	{0},
};

const struct nec_command nec_command_trend = {
	.name = "trend",
	.operands = "DUMP...",
	.summary = "what grows over a series of snapshots, and until when",
	.help = "Puts snapshots of any kind (cores, snapshots of other tools, recordings of\n"
		"memory) on one axis of time and says what each series does: memory, what holds\n"
		"it, containers by their items, types. Growth is told with the half of its 95 %\n"
		"interval. What levels off, as a cache does that fills up, is no leak.\n"
		"\n"
		"Where a limit is known, --limit or what a snapshot says of its cgroup or address\n"
		"space, it says when memory reaches it, in local time and UTC, with the range.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON,
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
