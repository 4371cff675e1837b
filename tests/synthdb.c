/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a database of made-up objects for tests of other programs that read one: synthdb OBJECTS
 * LONG_LIST PATH. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages.h"
#include "synthsource.h"

static struct nec_error *write_database(const struct synth_options *options, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	struct nec_stages stages = {.tmpdir = dirname(copy)};
	struct nec_source *source = synth_create(options);
	struct nec_error *err;

	err = nec_store_create(path, &stages.store);
	if (!err)
		err = nec_stages_meta(stages.store, "schema_version", "1");
	if (!err)
		err = nec_stages_run(&stages, source);
	source->close(source);
	if (err) {
		nec_store_abandon(stages.store);
		return err;
	}
	return nec_store_finish(stages.store);
}

int main(int argc, char **argv)
{
	struct synth_options options = {.type_count = 50, .values_of_ten = 4};
	struct nec_error *err;

	if (argc != 4) {
		fprintf(stderr, "usage: synthdb OBJECTS LONG_LIST PATH\n");
		return 2;
	}
	options.count = (uint32_t)strtoul(argv[1], NULL, 0);
	options.long_list = (uint32_t)strtoul(argv[2], NULL, 0);
	err = write_database(&options, argv[3]);
	if (err)
		fprintf(stderr, "synthdb: %s\n", err->message);
	return err ? 1 : 0;
}
