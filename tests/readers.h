/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The readers of facts by name, for tests that work on one of them whatever the others would bid.
 */
#ifndef NEC_TESTS_READERS_H
#define NEC_TESTS_READERS_H

#include <stddef.h>
#include <string.h>

#include "formats/format.h"

static inline const struct nec_format *nec_reader_format(const char *name)
{
	size_t i;

	for (i = 0; nec_formats[i]; i++) {
		if (!strcmp(nec_formats[i]->name, name) && nec_formats[i]->open)
			return nec_formats[i];
	}
	return NULL;
}

#endif
