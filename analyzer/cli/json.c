/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/json.h"

#include <string.h>

#include "base/text.h"

static void put_string(struct nec_json *json, const char *s)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	nec_text_json(&text, s, strlen(s));
	json->failed = json->failed || text.failed;
	fputs(nec_text_str(&text), json->out);
}

static void line_break(struct nec_json *json)
{
	fprintf(json->out, "%s\n%*s", json->comma ? "," : "", 2 * json->depth, "");
	json->comma = true;
}

void nec_json_begin(struct nec_json *json, FILE *out)
{
	*json = (struct nec_json){.out = out, .depth = 1};
	putc('{', out);
}

void nec_json_member(struct nec_json *json, const char *name)
{
	line_break(json);
	put_string(json, name);
	fputs(": ", json->out);
}

void nec_json_open(struct nec_json *json, const char *name)
{
	nec_json_member(json, name);
	putc('{', json->out);
	json->depth++;
	json->comma = false;
}

static void close_with(struct nec_json *json, char bracket)
{
	json->depth--;
	if (json->comma)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	putc(bracket, json->out);
	json->comma = true;
}

void nec_json_close(struct nec_json *json)
{
	close_with(json, '}');
}

void nec_json_list(struct nec_json *json, const char *name)
{
	nec_json_member(json, name);
	putc('[', json->out);
	json->depth++;
	json->comma = false;
}

void nec_json_item(struct nec_json *json)
{
	line_break(json);
	putc('{', json->out);
	json->depth++;
	json->comma = false;
}

void nec_json_item_text(struct nec_json *json, const char *value)
{
	line_break(json);
	put_string(json, value);
}

void nec_json_list_close(struct nec_json *json)
{
	close_with(json, ']');
}

void nec_json_text(struct nec_json *json, const char *name, const char *value)
{
	if (!value) {
		nec_json_null(json, name);
		return;
	}
	nec_json_member(json, name);
	put_string(json, value);
}

void nec_json_int(struct nec_json *json, const char *name, int64_t value)
{
	nec_json_member(json, name);
	fprintf(json->out, "%lld", (long long)value);
}

void nec_json_null(struct nec_json *json, const char *name)
{
	nec_json_member(json, name);
	fputs("null", json->out);
}

void nec_json_addr(struct nec_json *json, const char *name, uint64_t addr)
{
	nec_json_member(json, name);
	fprintf(json->out, "\"0x%llx\"", (unsigned long long)addr);
}

struct nec_error *nec_json_end(struct nec_json *json)
{
	nec_json_close(json);
	putc('\n', json->out);
	return json->failed ? &nec_enomem : NULL;
}
