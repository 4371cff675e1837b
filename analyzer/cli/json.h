/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One JSON object with members in it, printed as it is made: what `show --json` and `report --json`
 * print around their tables. Tables themselves are cli/table.h.
 */
#ifndef NEC_CLI_JSON_H
#define NEC_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct nec_json {
	FILE *out;   /* borrowed */
	int depth;   /* objects that are open */
	bool comma;  /* something stands before the next member */
	bool failed; /* out of memory */
};

/* Opens the outermost object. */
void nec_json_begin(struct nec_json *json, FILE *out);

/* Prints the name of the next member; its value follows by any means. */
void nec_json_member(struct nec_json *json, const char *name);

/* A member that is an object; closed by nec_json_close. */
void nec_json_open(struct nec_json *json, const char *name);
void nec_json_close(struct nec_json *json);

/* A member that is a list, and its items: objects, each closed by nec_json_close, or texts. */
void nec_json_list(struct nec_json *json, const char *name);
void nec_json_item(struct nec_json *json);
void nec_json_item_text(struct nec_json *json, const char *value);
void nec_json_list_close(struct nec_json *json);

/* value NULL is null. */
void nec_json_text(struct nec_json *json, const char *name, const char *value);
void nec_json_int(struct nec_json *json, const char *name, int64_t value);
void nec_json_null(struct nec_json *json, const char *name);
/* As text, "0x7f..." */
void nec_json_addr(struct nec_json *json, const char *name, uint64_t addr);

/* Closes the outermost object and ends the line. Out of memory anywhere before is told here. */
struct nec_error *nec_json_end(struct nec_json *json);

#endif
