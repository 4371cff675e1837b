/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy memory of several dumps: what workers of one parent share, and what made the rest their
 * own. */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"dump", "worker", NEC_CELL_TEXT, true},
	{"pid", "pid", NEC_CELL_INT, false},
	{"bytes", "mapped", NEC_CELL_SIZE, false},
	{"files", "files, read-only", NEC_CELL_SIZE, false},
	{"untouched", "untouched", NEC_CELL_SIZE, false},
	{"same", "the same in all", NEC_CELL_SIZE, false},
	{"some", "in some", NEC_CELL_SIZE, false},
	{"own", "its own", NEC_CELL_SIZE, false},
};

static const struct nec_column kind_columns[] = {
	{"dump", "worker", NEC_CELL_TEXT, true},
	{"kind", "its own memory", NEC_CELL_TEXT, false},
	{"refcounts", "by counts alone", NEC_CELL_SIZE, false},
	{"collector", "by the collector", NEC_CELL_SIZE, false},
	{"contents", "by its contents", NEC_CELL_SIZE, false},
	{"alone", "there alone", NEC_CELL_SIZE, false},
};

#define COLUMNS(c) c, sizeof(c) / sizeof(*(c))

struct session {
	struct nec_cli *cli;
	FILE *out;
	const char **dumps;  /* owned list; texts of sources[] or the operands */
	char **sources;      /* owned */
	struct nec_db **dbs; /* owned */
	int count;
};

static void deinit(struct session *s)
{
	int i;

	for (i = 0; i < s->count; i++) {
		if (s->sources)
			free(s->sources[i]);
		if (s->dbs)
			nec_db_close(s->dbs[i]);
	}
	free(s->sources);
	free(s->dbs);
	free(s->dumps);
}

/* The database of each, and the dump that it is of. */
static struct nec_error *open_all(struct session *s)
{
	int i;

	s->count = s->cli->operand_count;
	s->dumps = calloc((size_t)s->count, sizeof(*s->dumps));
	s->sources = calloc((size_t)s->count, sizeof(*s->sources));
	s->dbs = calloc((size_t)s->count, sizeof(struct nec_db *));
	if (!s->dumps || !s->sources || !s->dbs)
		return &nec_enomem;
	for (i = 0; i < s->count; i++) {
		const char *path = s->cli->operands[i];

		NEC_TRY(nec_cli_open_snapshot(s->cli, path, &s->dbs[i]));
		s->dumps[i] = path;
		if (!nec_is_database(path))
			continue;
		s->sources[i] = nec_db_meta(s->dbs[i], "source");
		if (!s->sources[i])
			return nec_error_create(NEC_ERR_NOTFOUND,
						"%s: it does not say which dump it is of", path);
		s->dumps[i] = s->sources[i];
	}
	return NULL;
}

static void put(struct nec_table *table, const char *text)
{
	nec_table_text(table, text, strlen(text));
}

static struct nec_error *print_workers(struct session *s, const struct nec_workers *w)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	uint32_t i;

	NEC_TRY(nec_table_create(s->out, s->cli->output, COLUMNS(columns), 0, 0, &table));
	for (i = 0; i < w->count; i++) {
		const struct nec_workers_item *item = &w->items[i];

		put(table, s->cli->operands[i]);
		nec_table_int(table, item->pid);
		nec_table_int(table, item->bytes);
		nec_table_int(table, item->files);
		nec_table_int(table, item->untouched);
		nec_table_int(table, item->same);
		nec_table_int(table, item->some);
		nec_table_int(table, item->own);
		nec_table_end_row(table);
	}
	return nec_table_finish(table, NULL);
}

static struct nec_error *print_kinds(struct session *s, const struct nec_workers *w)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	uint32_t i, k, d;

	NEC_TRY(nec_table_create(s->out, s->cli->output, COLUMNS(kind_columns), 0, 0, &table));
	for (i = 0; i < w->count; i++) {
		for (k = 0; k < w->items[i].kind_count; k++) {
			put(table, s->cli->operands[i]);
			put(table, w->items[i].kinds[k].name);
			for (d = 0; d < NEC_DIRTS; d++)
				nec_table_int(table, w->items[i].kinds[k].bytes[d]);
			nec_table_end_row(table);
		}
	}
	return nec_table_finish(table, NULL);
}

static struct nec_error *print(struct session *s, const struct nec_workers *w)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (nec_cli_has(s->cli, "kinds"))
		return print_kinds(s, w);
	NEC_TRY(print_workers(s, w));
	if (s->cli->output != NEC_OUTPUT_TEXT)
		return NULL;
	nec_text_size(&text, w->together);
	fprintf(s->out,
		"\ntogether %s, what is the same counted once; files and untouched pages left out\n\n",
		nec_text_str(&text));
	return print_kinds(s, w);
}

struct nec_error *nec_memory_workers(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_workers_destroyp) struct nec_workers *workers = NULL;
	_cleanup_(deinit) struct session s = {.cli = cli, .out = out};
	const struct nec_load_options options = {
		.sysroot = nec_cli_text(cli, "sysroot"),
		.progress = nec_session_progress(),
	};

	NEC_TRY(open_all(&s));
	NEC_TRY(nec_workers_compare(s.dumps, s.dbs, (uint32_t)s.count, &options, &workers));
	return print(&s, workers);
}
