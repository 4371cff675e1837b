/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loadable extension: `.load .../necropsy` makes the tables reference and instance and the function preview known to
 * the stock sqlite3 shell and wherever else sqlite3_load_extension works.
 */
#include "store/preview.h"
#include "store/reference.h"
SQLITE_EXTENSION_INIT1

int sqlite3_necropsy_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

__attribute__((visibility("default"))) int sqlite3_necropsy_init(sqlite3 *db, char **message,
								 const sqlite3_api_routines *api)
{
	int rc;

	(void)message;
	SQLITE_EXTENSION_INIT2(api);
	rc = nec_instance_register(db);
	if (rc == SQLITE_OK)
		rc = nec_reference_register(db);
	return rc == SQLITE_OK ? nec_preview_register(db) : rc;
}
