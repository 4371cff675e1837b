/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a file says that it is a database of ours, before anything in it is believed. */
#ifndef NEC_STORE_SCHEMA_H
#define NEC_STORE_SCHEMA_H

/* "necr" in the header of the file (PRAGMA application_id, 4 bytes at offset 68); PRAGMA
 * user_version is NEC_SCHEMA_VERSION. */
#define NEC_APPLICATION_ID 0x6e656372

#endif
