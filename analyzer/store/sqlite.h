/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite for the sources that are built twice: into the program, which links the library, and into
 * the loadable extension, which gets its functions from the program that loads it.
 */
#ifndef NEC_STORE_SQLITE_H
#define NEC_STORE_SQLITE_H

#ifdef NEC_SQLITE_EXTENSION
#include <sqlite3ext.h>
extern const sqlite3_api_routines *sqlite3_api;
#else
#include <sqlite3.h>
#endif

#endif
