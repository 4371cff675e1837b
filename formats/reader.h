/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the readers of facts have in common: a source with a queue, so that a format is one
 * function, fill, that adds the facts of its next record (or few) to the queue and says when there
 * are no more.
 *
 * Strings and arrays of queued facts live in an arena of chunks that is emptied before each fill.
 * Running out of memory is remembered and ends the stream; fill need not look. Text that is not
 * UTF-8 is made so here, once: bytes that are none become \xNN.
 */
#ifndef NEC_FORMATS_READER_H
#define NEC_FORMATS_READER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "fact.h"
#include "formats/format.h"
#include "formats/input.h"

struct nec_reader_chunk;

struct nec_reader {
	struct nec_source source; /* first: the two are cast into each other */
	struct nec_input *input;  /* owned */
	const uint8_t *data;      /* of input */
	uint64_t size;
	uint64_t off;      /* how far fill has come, bytes; for progress and error messages */
	const char *stage; /* of warnings and progress: the name of the format */
	struct nec_progress *progress; /* borrowed, may be NULL */

	/* Adds at least one fact, or sets ended. An error ends the stream. */
	struct nec_error *(*fill)(struct nec_reader *reader);
	void (*deinit)(struct nec_reader *reader); /* frees what the format added; may be NULL */
	bool ended;

	/* The rest is the queue's own. */
	struct nec_fact *facts;
	uint32_t count, next, capacity;
	struct nec_reader_chunk *chunk;
	uint64_t warnings; /* emitted or held back */
	bool oom;
	bool said; /* the warning that counts those held back is out */
};

/* size: of the format's own struct, which begins with a struct nec_reader. Consumes input, also on
 * failure. */
struct nec_error *nec_reader_create(size_t size, const char *stage, struct nec_input *input,
				    const struct nec_load_options *options,
				    struct nec_error *(*fill)(struct nec_reader *),
				    void (*deinit)(struct nec_reader *),
				    struct nec_reader **reader_ret);

/* The directory for temporary arrays of this load, to be freed; NULL when out of memory. */
char *nec_reader_tmpdir(const struct nec_load_options *options);

/* A zeroed fact of this kind at the end of the queue, to be filled in before the next call. Never
 * NULL. */
struct nec_fact *nec_reader_emit(struct nec_reader *reader, enum nec_fact_kind kind);

/* Is the queue long enough to hand over? */
bool nec_reader_full(const struct nec_reader *reader);

/* Zeroed memory that lasts as long as the queued facts; NULL when there is none left (the stream
 * ends then). */
void *nec_reader_alloc(struct nec_reader *reader, size_t size);

/*
 * A copy of len bytes as UTF-8, cut (with "...") to about limit bytes at the boundary of a
 * character. Never NULL. nec_reader_name: the same with NEC_LIMIT_NAME.
 */
const char *nec_reader_text(struct nec_reader *reader, const void *data, size_t len, size_t limit);
const char *nec_reader_name(struct nec_reader *reader, const void *data, size_t len);
const char *nec_reader_printf(struct nec_reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* value is copied. */
void nec_reader_meta(struct nec_reader *reader, const char *key, const char *value);

/* From NEC_LIMIT_WARNINGS on they are counted, and one more says how many at the end. */
void nec_reader_warn(struct nec_reader *reader, uint64_t addr, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Could an object lie here? Everything that is kept is 8-byte aligned and in the user half of 48
 * bits. */
static inline bool nec_reader_addr_ok(uint64_t addr)
{
	return addr && !(addr & 7) && !(addr >> 48);
}

/*
 * Text files, line by line. The line is borrowed and has neither its '\n' nor a '\r' before it.
 * False at the end. whole: the line had its '\n'; the last one of a file that was cut has not.
 */
struct nec_line {
	const char *text;
	size_t len;
	bool whole;
};

bool nec_reader_line(struct nec_reader *reader, struct nec_line *line_ret);

static inline bool nec_line_starts(const struct nec_line *line, const char *prefix)
{
	size_t len = __builtin_strlen(prefix);

	return line->len >= len && !__builtin_memcmp(line->text, prefix, len);
}

/* Numbers that fill text[0..len) wholly; false when they do not, or are out of range. */
bool nec_parse_i64(const char *text, size_t len, int64_t *ret);
bool nec_parse_u64(const char *text, size_t len, uint64_t *ret);
bool nec_parse_double(const char *text, size_t len,
		      double *ret); /* plain decimals, finite; no locale */

/*
 * The repr of a Python str being built, character by character: quotes, escapes as Python's, and
 * the cap on previews. begin clears t; end adds the closing quote and, when the string was cut,
 * "...".
 */
void nec_repr_begin(struct nec_text *t);
void nec_repr_put(struct nec_text *t, uint32_t codepoint);
void nec_repr_end(struct nec_text *t);

/* The code point that begins at text[0], len > 0, and its length in bytes; a byte that is no UTF-8
 * is -1 and length 1. */
int32_t nec_utf8_decode(const uint8_t *text, size_t len, size_t *len_ret);

#endif
