/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQL function preview(addr): the text of an object in value, or, for a container or an
 * instance that has none, what it holds folded into one bounded line: [1, 'a', …], {'key': […]},
 * <Config name='dev'>. NULL when nothing is known of it.
 */
#ifndef NEC_STORE_PREVIEW_H
#define NEC_STORE_PREVIEW_H

#include "store/sqlite.h"

/* Makes it a function of db. Returns a result code of SQLite. */
int nec_preview_register(sqlite3 *db);

#endif
