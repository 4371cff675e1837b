/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The virtual tables of a database: reference (store/reference.sql) and instance
 * (store/instance.sql). */
#ifndef NEC_STORE_REFERENCE_H
#define NEC_STORE_REFERENCE_H

#include "store/sqlite.h"

/* Makes them tables of db, without CREATE VIRTUAL TABLE. Returns a result code of SQLite. */
int nec_reference_register(sqlite3 *db);
int nec_instance_register(sqlite3 *db);

#endif
