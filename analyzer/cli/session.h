/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What commands share at run time: from a dump or a database to an open database, progress on a
 * terminal, Ctrl-C, and messages on stderr.
 */
#ifndef NEC_CLI_SESSION_H
#define NEC_CLI_SESSION_H

#include "cli/command.h"

/* Catches SIGINT, SIGTERM and SIGHUP from here on: the first one cancels, a second one kills. */
void nec_session_init(void);

/* "necropsy: message" on stderr, escaped. */
void nec_session_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Opens path into cli->db, once: a database as it is; a dump is loaded, or its database found again. */
struct nec_error *nec_cli_open(struct nec_cli *cli, const char *path);

/* The same for what is a database. */
struct nec_error *nec_cli_open_database(struct nec_cli *cli, const char *path);

/*
 * The database of path, made where it is not there yet. path_ret: to be freed. *loaded_ret: was it
 * loaded just now? A database is its own.
 */
struct nec_error *nec_cli_load(struct nec_cli *cli, const char *path, char **path_ret,
			       bool *loaded_ret);

/*
 * One of several snapshots: a database of its own handle, the caller's to close. --output would be the same for all, so it is
 * an error.
 */
struct nec_error *nec_cli_open_snapshot(struct nec_cli *cli, const char *path, struct nec_db **db_ret);

/* The database of a result becomes cli->db. Consumes db. */
void nec_cli_use(struct nec_cli *cli, struct nec_db *db);

/* A number of `meta`, decimal or 0x; otherwise when it is not there or none. */
int64_t nec_db_meta_int(struct nec_db *db, const char *key, int64_t otherwise);

/* NULL when the dump has objects; otherwise NEC_ERR_NOTFOUND says so, and what it has. */
struct nec_error *nec_cli_no_objects(struct nec_cli *cli);

/* For what takes long: Ctrl-C cancels it. */
struct nec_progress *nec_session_progress(void);

/* Frees what cli owns. */
void nec_session_close(struct nec_cli *cli);

/* The signal that cancelled the work, 0 for none. */
int nec_session_signal(void);

#endif
