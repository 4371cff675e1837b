/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy(1): from the command line to a command and back to an exit status. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "base/mapguard.h"
#include "cli/command.h"
#include "cli/session.h"

static struct nec_error *run(struct nec_cli *cli, int argc, char **argv)
{
	bool done;

	NEC_TRY(nec_cli_parse(cli, argc, argv, &done));
	if (!done) {
		nec_session_init();
		struct nec_error *err = cli->command->run(cli, stdout),
				 *shorter = nec_mapguard_check();

		/* Zeros in place of a dump have all sorts of consequences, and this one cause. */
		if (shorter)
			nec_error_destroy(err);
		NEC_TRY(shorter ? shorter : err);
	}
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return nec_error_os(errno ? errno : EIO, "writing the output");
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_(nec_error_destroyp) struct nec_error *err = NULL;
	struct nec_cli cli = {0};

	setlocale(LC_CTYPE, ""); /* what characters a terminal shows, and how wide */
	err = run(&cli, argc, argv);
	nec_session_close(&cli);
	if (!err)
		return cli.status;
	fflush(stdout);
	nec_session_say("%s", err->message);
	return NEC_STATUS_FAILED;
}
