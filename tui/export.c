/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "base/text.h"

static void put_csv(struct nec_text *out, const char *s, size_t len)
{
	if (!memchr(s, ',', len) && !memchr(s, '"', len) && !memchr(s, '\n', len) &&
	    !memchr(s, '\r', len)) {
		nec_text_add(out, s, len);
		return;
	}
	nec_text_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"')
			nec_text_putc(out, '"');
		nec_text_putc(out, s[i]);
	}
	nec_text_putc(out, '"');
}

static void put_value(struct nec_text *out, const struct nec_query *query, int column, bool json)
{
	const char *s;
	size_t len;

	switch (nec_query_column_type(query, column)) {
	case NEC_COLUMN_INT:
		nec_text_printf(out, "%" PRId64, nec_query_int(query, column));
		break;
	case NEC_COLUMN_REAL:
		nec_text_printf(out, "%.17g", nec_query_real(query, column));
		break;
	case NEC_COLUMN_TEXT:
	case NEC_COLUMN_BLOB:
		s = nec_query_text(query, column, &len);
		if (json)
			nec_text_json(out, s, len);
		else
			put_csv(out, s, len);
		break;
	case NEC_COLUMN_NULL:
		nec_text_puts(out, json ? "null" : "");
		break;
	}
}

static void put_names(struct nec_text *out, const struct nec_query *query)
{
	for (int i = 0; i < nec_query_column_count(query); i++) {
		const char *name = nec_query_column_name(query, i);

		nec_text_puts(out, i ? "," : "");
		put_csv(out, name, strlen(name));
	}
	nec_text_puts(out, "\r\n");
}

static void put_row(struct nec_text *out, const struct nec_query *query, bool json, bool first)
{
	if (json)
		nec_text_puts(out, first ? "{" : ",\n {");
	for (int i = 0; i < nec_query_column_count(query); i++) {
		nec_text_puts(out, i ? "," : "");
		if (json) {
			const char *name = nec_query_column_name(query, i);

			nec_text_json(out, name, strlen(name));
			nec_text_putc(out, ':');
		}
		put_value(out, query, i, json);
	}
	nec_text_puts(out, json ? "}" : "\r\n");
}

static struct nec_error *write_rows(struct nec_query *query, FILE *file, const char *path,
				    bool json, const volatile bool *cancel, int64_t *rows_ret)
{
	_cleanup_(nec_text_deinit) struct nec_text out = {0};
	int64_t rows = 0;
	bool more;

	if (json)
		nec_text_puts(&out, "[");
	else
		put_names(&out, query);
	for (;; rows++) {
		if (*cancel)
			return nec_error_create(NEC_ERR_CANCELLED, "cancelled");
		NEC_TRY(nec_query_step(query, &more));
		if (!more)
			break;
		put_row(&out, query, json, rows == 0);
		if (out.failed)
			return &nec_enomem;
		if (fwrite(nec_text_str(&out), 1, out.len, file) != out.len)
			return nec_error_os(errno, "%s", path);
		nec_text_clear(&out);
	}
	if (json)
		nec_text_puts(&out, "]\n");
	if (out.failed)
		return &nec_enomem;
	if (fwrite(nec_text_str(&out), 1, out.len, file) != out.len || fflush(file) != 0)
		return nec_error_os(errno, "%s", path);
	*rows_ret = rows;
	return NULL;
}

/* A file that was not there. */
static struct nec_error *create(const char *path, FILE **file_ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return nec_error_os(errno, "%s", path);
	*file_ret = fdopen(fd, "w");
	if (*file_ret)
		return NULL;
	close(fd);
	unlink(path);
	return &nec_enomem;
}

struct nec_error *nec_export(struct nec_query *query, const char *path, const volatile bool *cancel,
			     int64_t *rows_ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct nec_error *err;
	const char *dot = strrchr(path, '.');

	NEC_TRY(create(path, &file));
	err = write_rows(query, file, path, dot && strcmp(dot, ".json") == 0, cancel, rows_ret);
	if (err)
		unlink(path);
	return err;
}

struct nec_error *nec_export_text(const char *text, const char *path)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct nec_error *err = NULL;

	NEC_TRY(create(path, &file));
	if (fputs(text, file) == EOF || fflush(file) != 0)
		err = nec_error_os(errno, "%s", path);
	if (err)
		unlink(path);
	return err;
}

/* The graph in a file without a name, for another program to read. */
static struct nec_error *unnamed(const char *text, FILE **file_ret)
{
	FILE *file = tmpfile();

	if (!file)
		return nec_error_os(errno, "a temporary file");
	if (fputs(text, file) == EOF || fflush(file) != 0) {
		fclose(file);
		return nec_error_os(errno, "a temporary file");
	}
	rewind(file);
	*file_ret = file;
	return NULL;
}

/* dot -Tsvg, which reads one file and writes the other; an errno. */
static int start_dot(int in, int out, pid_t *pid)
{
	char program[] = "dot", option[] = "-Tsvg";
	char *const args[] = {program, option, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int errnum;

	sigemptyset(&none); /* this thread blocks all of them */
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	errnum = posix_spawnp(pid, program, &actions, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

static struct nec_error *run_dot(FILE *in, FILE *out, const volatile bool *cancel)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int status = 0, errnum;
	pid_t pid, ended = 0;

	errnum = start_dot(fileno(in), fileno(out), &pid);
	if (errnum)
		return nec_error_os(errnum,
				    "dot, of Graphviz; a name that ends in .dot needs none");
	while (!ended) {
		if (*cancel)
			kill(pid, SIGKILL);
		ended = waitpid(pid, &status, *cancel ? 0 : WNOHANG);
		if (!ended)
			nanosleep(&pause, NULL);
	}
	if (*cancel)
		return nec_error_create(NEC_ERR_CANCELLED, "cancelled");
	if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return nec_error_create(NEC_ERR_UNSUPPORTED, "dot -Tsvg failed");
	return NULL;
}

struct nec_error *nec_export_svg(const char *text, const char *path, const volatile bool *cancel)
{
	_cleanup_fclose_ FILE *in = NULL, *file = NULL;
	struct nec_error *err;

	NEC_TRY(unnamed(text, &in));
	NEC_TRY(create(path, &file));
	err = run_dot(in, file, cancel);
	if (err)
		unlink(path);
	return err;
}
