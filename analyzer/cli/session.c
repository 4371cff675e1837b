/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mapguard.h"
#include "base/text.h"
#include "cli/table.h"

/* Read by the signal handler. */
static struct nec_progress session_progress;
static struct nec_db *volatile session_db;
static volatile sig_atomic_t session_signal;

static void on_signal(int signo)
{
	struct nec_db *db = session_db;

	session_signal = signo;
	session_progress.cancel = 1;
	if (db)
		nec_db_interrupt(db);
}

void nec_session_init(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	/* RESETHAND: who presses Ctrl-C twice does not want to wait. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};

	nec_mapguard_install();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old;

		/* nohup and background jobs of a shell ignore some of them; so do we, then. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

int nec_session_signal(void)
{
	return session_signal;
}

struct nec_progress *nec_session_progress(void)
{
	return &session_progress;
}

void nec_session_say(const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL, *escaped = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&message, fmt, ap);
	va_end(ap);
	if (r < 0)
		message = NULL;
	else
		escaped = nec_escape(message);
	fprintf(stderr, "necropsy: %s\n", escaped ? escaped : "out of memory");
}

/*
 * The progress bar: one line on stderr that is drawn over, ten times a second at most and not at
 * all in the first half second, then wiped.
 */
struct bar {
	double started, drawn; /* seconds */
	int busy;              /* a worker thread is drawing */
	bool shown;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bar_report(void *arg, const char *stage, uint64_t done, uint64_t total)
{
	struct bar *bar = arg;
	int width = nec_table_terminal_width(stderr);
	char line[128], cells[25];
	double t;

	if (__atomic_exchange_n(&bar->busy, 1, __ATOMIC_ACQUIRE))
		return;
	t = now();
	if (t - bar->started > 0.5 && t - bar->drawn > 0.1) {
		if (total) {
			double share = done < total ? (double)done / (double)total : 1;
			int filled = (int)(share * (sizeof(cells) - 1));

			memset(cells, '-', sizeof(cells) - 1);
			memset(cells, '#', (size_t)filled);
			cells[sizeof(cells) - 1] = '\0';
			snprintf(line, sizeof(line), "%-20.40s [%s] %3d%% %5.0f s", stage, cells,
				 (int)(share * 100), t - bar->started);
		} else {
			_cleanup_(nec_text_deinit) struct nec_text count = {0};

			nec_text_count(&count, (int64_t)done);
			snprintf(line, sizeof(line), "%-20.40s %s %5.0f s", stage,
				 nec_text_str(&count), t - bar->started);
		}
		fprintf(stderr, "\r%.*s\033[K", width > 1 ? width - 1 : 79, line);
		fflush(stderr);
		bar->drawn = t;
		bar->shown = true;
	}
	__atomic_store_n(&bar->busy, 0, __ATOMIC_RELEASE);
}

static void bar_wipe(struct bar *bar)
{
	if (bar->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

struct nec_error *nec_cli_load(struct nec_cli *cli, const char *path, char **path_ret,
			       bool *loaded_ret)
{
	_cleanup_free_ const char **lib_paths = NULL;
	struct bar bar = {.started = now()};
	struct nec_load_options options = {
		.output = nec_cli_text(cli, "output"),
		.sysroot = nec_cli_text(cli, "sysroot"),
		.exe = nec_cli_text(cli, "exe"),
		.no_values = nec_cli_has(cli, "no-values"),
		.force = nec_cli_has(cli, "force"),
		.progress = &session_progress,
	};
	struct nec_error *err;
	int count = 0;

	*loaded_ret = false;
	if (nec_is_database(path)) {
		/* What was asked of a load cannot be had from what is loaded already. */
		for (int i = 0; i < cli->value_count; i++) {
			static const char *const names[] = {"output", "sysroot",  "exe",
							    "force",  "lib-path", "no-values"};

			for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
				if (!strcmp(cli->values[i].option->name, names[j]))
					return nec_error_create(NEC_ERR_USAGE,
								"%s is a database already: --%s is "
								"for loading a dump",
								path, names[j]);
		}
		*path_ret = strdup(path);
		return *path_ret ? NULL : &nec_enomem;
	}
	lib_paths = calloc((size_t)cli->value_count + 1, sizeof(*lib_paths));
	if (!lib_paths)
		return &nec_enomem;
	for (int i = 0; i < cli->value_count; i++)
		if (!strcmp(cli->values[i].option->name, "lib-path"))
			lib_paths[count++] = cli->values[i].text;
	options.lib_paths = lib_paths;
	if (!cli->load && nec_table_terminal_width(stderr)) {
		session_progress.report = bar_report;
		session_progress.arg = &bar;
	}
	err = (cli->load ? cli->load : nec_load)(path, &options, path_ret, loaded_ret);
	session_progress.report = NULL;
	bar_wipe(&bar);
	return err;
}

struct nec_error *nec_cli_open(struct nec_cli *cli, const char *path)
{
	bool loaded;

	if (cli->db)
		return NULL;
	NEC_TRY(nec_cli_load(cli, path, &cli->db_path, &loaded));
	if (loaded)
		nec_session_say("loaded %s into %s", path, cli->db_path);
	return nec_cli_open_database(cli, cli->db_path);
}

struct nec_error *nec_cli_open_database(struct nec_cli *cli, const char *path)
{
	NEC_TRY(nec_db_open(path, &cli->db));
	session_db = cli->db;
	if (session_signal)
		return nec_error_create(NEC_ERR_CANCELLED, "cancelled");
	if (nec_db_meta_int(cli->db, "memory_truncated", 0) > 0)
		cli->status = NEC_STATUS_WARNINGS;
	return NULL;
}

struct nec_error *nec_cli_open_snapshot(struct nec_cli *cli, const char *path, struct nec_db **db_ret)
{
	_cleanup_free_ char *db_path = NULL;
	bool loaded;

	if (nec_cli_has(cli, "output"))
		return nec_error_create(NEC_ERR_USAGE,
					"--output names the database of one dump: load them one by one");
	NEC_TRY(nec_cli_load(cli, path, &db_path, &loaded));
	if (loaded)
		nec_session_say("loaded %s into %s", path, db_path);
	return nec_db_open(db_path, db_ret);
}

void nec_cli_use(struct nec_cli *cli, struct nec_db *db)
{
	session_db = NULL;
	nec_db_close(cli->db);
	cli->db = db;
	session_db = db;
}

int64_t nec_db_meta_int(struct nec_db *db, const char *key, int64_t otherwise)
{
	_cleanup_free_ char *value = nec_db_meta(db, key);
	char *end;
	long long v;

	if (!value)
		return otherwise;
	errno = 0;
	v = strtoll(value, &end, 0);
	return errno || end == value || *end ? otherwise : v;
}

struct nec_error *nec_cli_no_objects(struct nec_cli *cli)
{
	_cleanup_free_ char *kinds = NULL;

	if (nec_db_meta_int(cli->db, "objects", 0))
		return NULL;
	kinds = nec_db_meta(cli->db, "kinds");
	return nec_error_create(NEC_ERR_NOTFOUND, "this snapshot has no objects; it has: %s",
				kinds ? kinds : "nothing that this program knows");
}

void nec_session_close(struct nec_cli *cli)
{
	session_db = NULL;
	nec_db_close(cli->db);
	cli->db = NULL;
	free(cli->db_path);
	cli->db_path = NULL;
	free(cli->values);
	cli->values = NULL;
}
