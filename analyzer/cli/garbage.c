/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy garbage: objects that nothing reaches, by type, and the state of the collector. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/session.h"

static const struct nec_column columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

/* What one gc.collect() would free, and what it would leave in gc.garbage. */
static struct nec_error *print_collect(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	_cleanup_free_ char *objects = nec_db_meta(cli->db, "garbage_objects");
	_cleanup_free_ char *bytes = nec_db_meta(cli->db, "garbage_bytes");
	int64_t kept, kept_bytes;
	bool row;

	if (!objects || !bytes || !strtoll(objects, NULL, 10))
		return NULL;
	NEC_TRY(nec_query_named(cli->db, "garbage_kept", &query));
	NEC_TRY(nec_query_step(query, &row));
	kept = row ? nec_query_int(query, 0) : 0;
	kept_bytes = row ? nec_query_int(query, 1) : 0;
	nec_text_puts(&text, "gc.collect() would free ");
	nec_text_count(&text, strtoll(objects, NULL, 10) - kept);
	nec_text_puts(&text, " objects, ");
	nec_text_size(&text, strtoll(bytes, NULL, 10) - kept_bytes);
	if (kept) {
		nec_text_puts(&text, "\nand not ");
		nec_text_count(&text, kept);
		nec_text_puts(&text, " more, ");
		nec_text_size(&text, kept_bytes);
		nec_text_puts(&text, ", that have __del__ or hang on such: they go to gc.garbage");
	}
	if (text.failed)
		return &nec_enomem;
	fprintf(out, "%s\n", nec_text_str(&text));
	return NULL;
}

/* One line for a person: machines ask meta for gc_*. */
static void print_collector(struct nec_cli *cli, FILE *out)
{
	_cleanup_free_ char *enabled = nec_db_meta(cli->db, "gc_enabled");
	_cleanup_free_ char *collecting = nec_db_meta(cli->db, "gc_collecting");
	_cleanup_free_ char *thresholds = nec_db_meta(cli->db, "gc_thresholds");
	_cleanup_free_ char *counts = nec_db_meta(cli->db, "gc_counts");
	_cleanup_free_ char *frozen = nec_db_meta(cli->db, "gc_frozen");
	_cleanup_free_ char *text = NULL;

	if (!enabled)
		return;
	fprintf(out, "collector: %s%s", strcmp(enabled, "0") ? "enabled" : "disabled",
		collecting && strcmp(collecting, "0") ? ", at work" : "");
	/* Of a database that anybody may have made. */
	if (thresholds && counts && (text = nec_escape(thresholds)))
		fprintf(out, ", thresholds %s", text);
	free(nec_take(text));
	if (thresholds && counts && (text = nec_escape(counts)))
		fprintf(out, ", counts %s", text);
	if (frozen && strcmp(frozen, "0"))
		fprintf(out, ", %lld objects frozen", strtoll(frozen, NULL, 10));
	fputs("\n", out);
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	static const struct nec_listing listing = {
		.query = "garbage",
		.columns = columns,
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.limit = 40,
		.nothing = "no garbage: every object is reached from a root",
	};

	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_cli_no_objects(cli));
	if (cli->output == NEC_OUTPUT_TEXT) {
		print_collector(cli, out);
		NEC_TRY(print_collect(cli, out));
		fputs("\n", out);
	}
	return nec_listing_run(cli, out, &listing);
}

const struct nec_command nec_command_garbage = {
	.name = "garbage",
	.operands = "DUMP",
	.summary = "objects that nothing reaches, by type",
	.help = "Lists by type what no root reaches any more: cycles that wait for the\n"
		"collector. An object whose reference count is higher than the references that\n"
		"were found is held by something that was not seen, and is no garbage. Above it\n"
		"stands the state of the collector: whether it is enabled, its thresholds, how\n"
		"far they are reached, how many objects gc.freeze() took out of its sight; and\n"
		"what one gc.collect() would free: until Python 3.3 no cycle with __del__ in it.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
