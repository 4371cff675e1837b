/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values of a repeatable option as the library takes them. */
#ifndef NEC_CLI_LISTS_H
#define NEC_CLI_LISTS_H

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

/* NULL-terminated; the list is to be freed, its strings are borrowed. NULL: out of memory. */
static inline const char **nec_cli_list(const struct nec_cli *cli, const char *option)
{
	const char **list = calloc((size_t)cli->value_count + 1, sizeof(*list));
	int i, n = 0;

	for (i = 0; list && i < cli->value_count; i++)
		if (!strcmp(cli->values[i].option->name, option))
			list[n++] = cli->values[i].text;
	return list;
}

#endif
