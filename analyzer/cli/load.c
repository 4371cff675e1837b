/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy load: a dump becomes a database. */
#include "cli/command.h"
#include "cli/json.h"
#include "cli/session.h"

#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct stat st = {0};
	bool loaded;

	NEC_TRY(nec_cli_load(cli, cli->operands[0], &path, &loaded));
	NEC_TRY(nec_cli_open_database(cli, path)); /* how good the dump is */
	if (stat(path, &st))
		st.st_size = 0;
	if (cli->output == NEC_OUTPUT_JSON) {
		struct nec_json json;

		nec_json_begin(&json, out);
		nec_json_text(&json, "database", path);
		nec_json_int(&json, "bytes", st.st_size);
		nec_json_member(&json, "loaded");
		fputs(loaded ? "true" : "false", out);
		return nec_json_end(&json);
	}
	nec_text_escape(&text, path, strlen(path));
	nec_text_puts(&text, loaded ? ": loaded, " : ": is there already, ");
	nec_text_size(&text, st.st_size);
	if (text.failed)
		return &nec_enomem;
	fprintf(out, "%s\n", nec_text_str(&text));
	return NULL;
}

const struct nec_command nec_command_load = {
	.name = "load",
	.operands = "DUMP",
	.summary = "load a dump into a database",
	.help = "Loads DUMP and prints where its database is: beside the dump (DUMP.necropsy),\n"
		"or in $XDG_CACHE_HOME/necropsy where that place cannot be written, or where -o\n"
		"says. A dump that is loaded already is found again by what is in it, not by\n"
		"its name.",
	.sets = NEC_OPTIONS_LOAD | NEC_OPTIONS_JSON,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
