/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy whatif: what would go if references or objects were not there. */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/lists.h"
#include "cli/session.h"
#include "cli/table.h"

static const struct nec_column columns[] = {
	{"type", "type", NEC_CELL_TEXT, true},
	{"count", "objects", NEC_CELL_COUNT, false},
	{"bytes", "bytes", NEC_CELL_SIZE, false},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

static struct nec_error *print_types(const struct nec_cli *cli, FILE *out,
				     const struct nec_whatif *whatif, int64_t limit, int indent)
{
	_cleanup_(nec_table_destroyp) struct nec_table *table = NULL;
	uint32_t i;

	NEC_TRY(nec_table_create(out, cli->output, columns, COLUMN_COUNT, 0, indent, &table));
	for (i = 0; i < whatif->type_count && (!limit || i < limit); i++) {
		const struct nec_whatif_type *type = &whatif->types[i];

		nec_table_text(table, type->name, strlen(type->name));
		nec_table_int(table, (int64_t)type->count);
		nec_table_int(table, type->bytes);
		nec_table_end_row(table);
	}
	return nec_table_finish(table, NULL);
}

static struct nec_error *print_text(const struct nec_cli *cli, FILE *out,
				    const struct nec_whatif *whatif)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	int64_t limit = nec_cli_limit(cli, 20);

	nec_text_puts(&text, "would go: ");
	nec_text_size(&text, whatif->bytes);
	nec_text_puts(&text, " in ");
	nec_text_count(&text, (int64_t)whatif->count);
	nec_text_puts(&text, whatif->count == 1 ? " object (" : " objects (");
	nec_text_count(&text, (int64_t)whatif->cut);
	nec_text_puts(&text, whatif->cut == 1 ? " reference cut)" : " references cut)");
	fprintf(out, "%s\n", nec_text_str(&text));
	if (text.failed)
		return &nec_enomem;
	if (!whatif->type_count)
		return NULL;
	fputc('\n', out);
	NEC_TRY(print_types(cli, out, whatif, limit, 0));
	if (limit && whatif->type_count > limit)
		fprintf(out, "… and %u more types: --limit 0 prints all\n",
			whatif->type_count - (uint32_t)limit);
	return NULL;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_free_ const char **cut = nec_cli_list(cli, "cut");
	_cleanup_free_ const char **weaken = nec_cli_list(cli, "weak");
	_cleanup_free_ const char **drop = nec_cli_list(cli, "drop");
	_cleanup_free_ const char **not_roots = nec_cli_list(cli, "not-root");
	_cleanup_(nec_whatif_destroyp) struct nec_whatif *whatif = NULL;
	const struct nec_whatif_options options = {.cut = cut,
						   .weaken = weaken,
						   .drop = drop,
						   .not_roots = not_roots,
						   .cap = nec_cli_text(cli, "cap")};
	struct nec_json json;

	if (!cut || !weaken || !drop || !not_roots)
		return &nec_enomem;
	if (!*cut && !*weaken && !*drop && !*not_roots && !options.cap)
		return nec_error_create(
			NEC_ERR_USAGE,
			"whatif: what? --cut, --weak, --drop, --cap or --not-root; see necropsy whatif --help");
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_cli_no_objects(cli));
	NEC_TRY(nec_whatif(cli->db, &options, &whatif));
	if (cli->output == NEC_OUTPUT_CSV)
		return print_types(cli, out, whatif, nec_cli_limit(cli, 0), 0);
	if (cli->output == NEC_OUTPUT_TEXT)
		return print_text(cli, out, whatif);
	nec_json_begin(&json, out);
	nec_json_int(&json, "references_cut", (int64_t)whatif->cut);
	nec_json_int(&json, "objects", (int64_t)whatif->count);
	nec_json_int(&json, "bytes", whatif->bytes);
	nec_json_member(&json, "types");
	NEC_TRY(print_types(cli, out, whatif, nec_cli_limit(cli, 0), 2));
	return nec_json_end(&json);
}

static const struct nec_option options[] = {
	{"cut", 0, NEC_OPTION_LIST, "REFERENCE", "as if it were not there (repeatable)"},
	{"weak", 0, NEC_OPTION_LIST, "OBJECT", "as if it held its items weakly (repeatable)"},
	{"drop", 0, NEC_OPTION_LIST, "OBJECT", "as if it were not there (repeatable)"},
	{"cap", 0, NEC_OPTION_TEXT, "lru_cache=N", "as if caches kept their N newest entries"},
	{"not-root", 0, NEC_OPTION_LIST, "KIND", "as if such roots held nothing (repeatable)"},
	{0},
};

const struct nec_command nec_command_whatif = {
	.name = "whatif",
	.operands = "DUMP",
	.summary = "what would go if references or objects were not there",
	.help = "Follows the roots without what is named, and says how many objects and bytes\n"
		"they would not reach any more, by type. What is garbage already does not\n"
		"count.\n"
		"\n"
		"A REFERENCE is .name, ['key'] or [3], whoever has it; 0x7f...name or\n"
		"module.Class.name, what an object or a class has; module.Class().name, what\n"
		"each instance has; or X->Y, all from one address or class to another, * is\n"
		"any. An OBJECT is 0x7f.., or what such a name leads to:\n"
		"--weak module.Class.cache tries a WeakValueDictionary.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON | NEC_OPTIONS_CSV | NEC_OPTIONS_LIMIT,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
