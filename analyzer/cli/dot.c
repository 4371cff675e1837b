/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy dot: the neighbourhood of an object as a picture. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/command.h"
#include "cli/find.h"
#include "cli/session.h"

extern char **environ;

/* Runs dot -Tsvg from the file behind in to that behind out. */
static struct nec_error *spawn_dot(FILE *in, FILE *out)
{
	char name[] = "dot", format[] = "-Tsvg";
	char *argv[] = {name, format, NULL};
	posix_spawn_file_actions_t actions;
	int rc, status;
	pid_t pid;

	rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return nec_error_os(rc, "dot");
	rc = posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	if (!rc)
		rc = posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return nec_error_create(
			NEC_ERR_NOTFOUND,
			"--svg needs the program dot of Graphviz; without it the text is printed");
	if (rc)
		return nec_error_os(rc, "dot");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return nec_error_os(errno, "dot");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return nec_error_create(NEC_ERR_OTHER, "dot failed");
	return NULL;
}

static struct nec_error *print_svg(const char *text, FILE *out)
{
	_cleanup_fclose_ FILE *in = tmpfile();

	if (!in || fputs(text, in) < 0 || fflush(in) || fflush(out))
		return nec_error_os(errno, "temporary file");
	/* What dot shares with us is the position. */
	if (lseek(fileno(in), 0, SEEK_SET) < 0)
		return nec_error_os(errno, "temporary file");
	return spawn_dot(in, out);
}

static uint32_t number(const struct nec_cli *cli, const char *name, uint32_t otherwise)
{
	const struct nec_option_value *value = nec_cli_value(cli, name);

	if (!value)
		return otherwise;
	return value->number > 1000000 ? 1000000 : (uint32_t)value->number;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	_cleanup_(nec_query_closep) struct nec_query *object = NULL;
	_cleanup_free_ char *text = NULL;
	struct nec_dot_options options = {
		.referents = number(cli, "referents", 0),
		.max_objects = number(cli, "max", 30),
		.progress = nec_session_progress(),
	};
	uint64_t addr;

	options.referrers = number(cli, "referrers", nec_cli_has(cli, "referents") ? 0 : 3);
	if (!options.max_objects)
		return nec_error_create(NEC_ERR_USAGE, "dot: --max 0 leaves nothing to draw");
	NEC_TRY(nec_cli_open(cli, cli->operands[0]));
	NEC_TRY(nec_find_object(cli->db, cli->operands[1], &addr, &object));
	NEC_TRY(nec_dot(cli->db, addr, &options, &text));
	if (nec_cli_has(cli, "svg"))
		return print_svg(text, out);
	fputs(text, out);
	return NULL;
}

static const struct nec_option options[] = {
	{"referrers", 0, NEC_OPTION_NUMBER, "N", "so many steps back to who holds it (3)"},
	{"referents", 0, NEC_OPTION_NUMBER, "N", "so many steps on to what it holds (0)"},
	{"max", 0, NEC_OPTION_NUMBER, "N", "draw at most N objects (30)"},
	{"svg", 0, NEC_OPTION_FLAG, NULL, "a picture, by the program dot of Graphviz"},
	{0},
};

const struct nec_command nec_command_dot = {
	.name = "dot",
	.operands = "DUMP ADDR",
	.summary = "a picture of who holds an object",
	.help = "Prints a graph for Graphviz: the object at ADDR in red, the objects that refer\n"
		"to it, and those that refer to these; roots are green, garbage is grey. Each\n"
		"reference has its name; weak ones are dashed, conservative ones dotted. Where\n"
		"an object has more neighbours than are drawn, their number stands beside it.\n"
		"\n"
		"necropsy dot DUMP ADDR | dot -Tpng > graph.png",
	.sets = NEC_OPTIONS_LOAD,
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
