/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the facts of a dump, one JSON object a line, for tests that compare them with what other
 * tools say of the same file.
 *
 *   factdump FORMAT FILE
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fact.h"
#include "formats/format.h"
#include "formats/input.h"
#include "readers.h"

static struct nec_text out;

static void put_str(const char *key, const char *value)
{
	nec_text_printf(&out, ",\"%s\":", key);
	if (value)
		nec_text_json(&out, value, strlen(value));
	else
		nec_text_puts(&out, "null");
}

static void put_int(const char *key, int64_t value)
{
	nec_text_printf(&out, ",\"%s\":%" PRId64, key, value);
}

static void put_addr(const char *key, uint64_t value)
{
	nec_text_printf(&out, ",\"%s\":%" PRIu64, key, value);
}

static void put_real(const char *key, double value)
{
	nec_text_printf(&out, ",\"%s\":%.6f", key, value);
}

static void put_fact(const struct nec_fact *f)
{
	uint32_t i;

	switch (f->kind) {
	case NEC_FACT_META:
		put_str("fact", "meta");
		put_str("key", f->meta.key);
		put_str("value", f->meta.value);
		break;
	case NEC_FACT_WARNING:
		put_str("fact", "warning");
		put_str("message", f->warning.message);
		put_addr("addr", f->warning.addr);
		break;
	case NEC_FACT_MAPPING:
		put_str("fact", "mapping");
		put_addr("start", f->mapping.start);
		put_addr("end", f->mapping.end);
		put_int("perms", f->mapping.perms);
		put_addr("dumped", f->mapping.dumped);
		put_addr("missing", f->mapping.missing);
		put_int("into", (int64_t)f->mapping.into);
		put_str("path", f->mapping.path);
		put_str("kind", f->mapping.kind);
		break;
	case NEC_FACT_MEMORY:
		put_str("fact", "memory");
		put_str("category", f->memory.category);
		put_int("bytes", f->memory.bytes);
		put_int("count", f->memory.count);
		break;
	case NEC_FACT_STRING:
		put_str("fact", "string");
		put_int("id", f->string.id);
		put_str("text", f->string.text);
		break;
	case NEC_FACT_TYPE:
		put_str("fact", "type");
		put_int("id", f->type.id);
		put_addr("addr", f->type.addr);
		put_str("name", f->type.name);
		put_str("module", f->type.module);
		break;
	case NEC_FACT_OBJECT:
		put_str("fact", "object");
		put_addr("addr", f->object.addr);
		put_int("type", f->object.type);
		put_int("size", f->object.size);
		put_int("refcount", f->object.refcount);
		put_int("flags", f->object.flags);
		break;
	case NEC_FACT_VALUE:
		put_str("fact", "value");
		put_addr("addr", f->value.addr);
		put_str("text", f->value.text);
		break;
	case NEC_FACT_REFERENCES:
		put_str("fact", "references");
		put_addr("src", f->references.src);
		nec_text_puts(&out, ",\"refs\":[");
		for (i = 0; i < f->references.count; i++) {
			const struct nec_ref *r = &f->references.refs[i];

			nec_text_printf(&out, "%s[%" PRIu64 ",%d,%d,%" PRIu64 "]", i ? "," : "",
					r->dst, r->kind, r->label_kind, r->label);
		}
		nec_text_putc(&out, ']');
		break;
	case NEC_FACT_ROOT:
		put_str("fact", "root");
		put_addr("addr", f->root.addr);
		put_str("kind", f->root.kind);
		put_str("label", f->root.label);
		break;
	case NEC_FACT_THREAD:
		put_str("fact", "thread");
		put_int("id", f->thread.id);
		put_str("name", f->thread.name);
		put_str("state", f->thread.state);
		put_int("daemon", f->thread.daemon);
		break;
	case NEC_FACT_FRAME:
		put_str("fact", "frame");
		put_int("thread", f->frame.thread);
		put_int("depth", f->frame.depth);
		put_str("function", f->frame.function);
		put_str("file", f->frame.file);
		put_int("line", f->frame.line);
		break;
	case NEC_FACT_LOCAL:
		put_str("fact", "local");
		put_int("thread", f->local.thread);
		put_int("depth", f->local.depth);
		put_str("name", f->local.name);
		put_addr("addr", f->local.addr);
		break;
	case NEC_FACT_CENSUS:
		put_str("fact", "census");
		put_str("name", f->census.name);
		put_int("count", f->census.count);
		put_int("bytes", f->census.bytes);
		put_str("kind", f->census.kind);
		put_int("series", f->census.series);
		break;
	case NEC_FACT_SAMPLE:
		put_str("fact", "sample");
		put_real("time", f->sample.time);
		put_str("name", f->sample.name);
		put_int("value", f->sample.value);
		put_str("unit", f->sample.unit);
		put_int("pid", f->sample.pid);
		break;
	case NEC_FACT_MARK:
		put_str("fact", "mark");
		put_str("name", f->mark.name);
		put_real("start", f->mark.start);
		put_real("end", f->mark.end);
		put_int("bytes_start", f->mark.bytes_start);
		put_int("bytes_end", f->mark.bytes_end);
		put_int("level", f->mark.level);
		break;
	default:
		put_str("fact", "other");
		put_int("kind", f->kind);
	}
}

static struct nec_error *dump(const char *format_name, const char *path)
{
	struct nec_load_options options = {0};
	const struct nec_format *format = nec_reader_format(format_name);
	struct nec_source *source;
	struct nec_input *input;
	struct nec_error *err;
	struct nec_fact fact;

	if (!format)
		return nec_error_create(NEC_ERR_USAGE, "no reader %s", format_name);
	NEC_TRY(nec_input_open(path, "/var/tmp", NULL, &input));
	NEC_TRY(format->open(input, &options, &source));
	while (!(err = source->next(source, &fact)) && fact.kind != NEC_FACT_END) {
		nec_text_clear(&out);
		put_fact(&fact);
		/* The first comma begins the object. */
		out.data[0] = '{';
		nec_text_puts(&out, "}\n");
		fputs(nec_text_str(&out), stdout);
	}
	source->close(source);
	return err;
}

int main(int argc, char **argv)
{
	_cleanup_(nec_error_destroyp) struct nec_error *err = NULL;

	if (argc != 3) {
		fprintf(stderr, "usage: factdump FORMAT FILE\n");
		return 2;
	}
	err = dump(argv[1], argv[2]);
	nec_text_deinit(&out);
	if (err)
		fprintf(stderr, "factdump: %s\n", err->message);
	return err != NULL;
}
