/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the readers of facts have in common; see reader.h. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "formats/reader.h"

enum {
	CHUNK_SIZE = 64 << 10,
	FULL_FACTS = 256,
	PROGRESS_FILLS = 64,
};

/* The newest chunk is first; the oldest is kept when the arena is emptied. */
struct nec_reader_chunk {
	struct nec_reader_chunk *older;
	size_t used, size;
	_Alignas(16) uint8_t data[];
};

/* What a reader hands out when there is no memory; written to and never read. */
static _Thread_local struct nec_fact spare_fact;

static void arena_reset(struct nec_reader *r)
{
	while (r->chunk && r->chunk->older) {
		struct nec_reader_chunk *older = r->chunk->older;

		free(r->chunk);
		r->chunk = older;
	}
	if (r->chunk)
		r->chunk->used = 0;
}

void *nec_reader_alloc(struct nec_reader *r, size_t size)
{
	struct nec_reader_chunk *c = r->chunk;
	void *p;

	if (size > SIZE_MAX / 2) {
		r->oom = true;
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (!c || size > c->size - c->used) {
		size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		c = malloc(sizeof(*c) + capacity);
		if (!c) {
			r->oom = true;
			return NULL;
		}
		*c = (struct nec_reader_chunk){.older = r->chunk, .size = capacity};
		r->chunk = c;
	}
	p = c->data + c->used;
	c->used += size;
	memset(p, 0, size);
	return p;
}

struct nec_fact *nec_reader_emit(struct nec_reader *r, enum nec_fact_kind kind)
{
	struct nec_fact *fact = &spare_fact;

	if (r->count == r->capacity) {
		uint32_t capacity = r->capacity ? r->capacity * 2 : FULL_FACTS * 2;
		struct nec_fact *facts = realloc(r->facts, capacity * sizeof(*facts));

		if (facts) {
			r->facts = facts;
			r->capacity = capacity;
		} else {
			r->oom = true;
		}
	}
	if (r->count < r->capacity)
		fact = &r->facts[r->count++];
	memset(fact, 0, sizeof(*fact));
	fact->kind = kind;
	return fact;
}

bool nec_reader_full(const struct nec_reader *r)
{
	return r->count >= FULL_FACTS || r->oom || (r->chunk && r->chunk->older);
}

static struct nec_error *reader_next(struct nec_source *source, struct nec_fact *fact)
{
	struct nec_reader *r = (struct nec_reader *)source;
	unsigned int fills = 0;

	while (r->next == r->count) {
		r->next = r->count = 0;
		arena_reset(r);
		if (r->ended) {
			if (r->warnings > NEC_LIMIT_WARNINGS && !r->said) {
				r->said = true;
				r->warnings -= NEC_LIMIT_WARNINGS;
				struct nec_fact *w = nec_reader_emit(r, NEC_FACT_WARNING);
				w->warning.stage = r->stage;
				w->warning.message = nec_reader_printf(
					r, "%llu more like these", (unsigned long long)r->warnings);
				continue;
			}
			*fact = (struct nec_fact){.kind = NEC_FACT_END};
			return NULL;
		}
		if (!(fills++ % PROGRESS_FILLS))
			NEC_TRY(nec_progress_step(r->progress, r->stage, r->off, r->size));
		NEC_TRY(r->fill(r));
		if (r->oom)
			return &nec_enomem;
	}
	*fact = r->facts[r->next++];
	return NULL;
}

static void reader_close(struct nec_source *source)
{
	struct nec_reader *r = (struct nec_reader *)source;

	if (!r)
		return;
	if (r->deinit)
		r->deinit(r);
	while (r->chunk) {
		struct nec_reader_chunk *older = r->chunk->older;

		free(r->chunk);
		r->chunk = older;
	}
	free(r->facts);
	nec_input_close(r->input);
	free(r);
}

struct nec_error *nec_reader_create(size_t size, const char *stage, struct nec_input *input,
				    const struct nec_load_options *options,
				    struct nec_error *(*fill)(struct nec_reader *),
				    void (*deinit)(struct nec_reader *),
				    struct nec_reader **reader_ret)
{
	struct nec_reader *r = calloc(1, size);

	if (!r) {
		nec_input_close(input);
		return &nec_enomem;
	}
	r->source.next = reader_next;
	r->source.close = reader_close;
	r->input = input;
	r->data = nec_input_data(input, &r->size);
	r->stage = stage;
	r->progress = options ? options->progress : NULL;
	r->fill = fill;
	r->deinit = deinit;
	*reader_ret = r;
	return NULL;
}

char *nec_reader_tmpdir(const struct nec_load_options *options)
{
	const char *output = options ? options->output : NULL;
	const char *slash = output ? strrchr(output, '/') : NULL;
	const char *dir = getenv("TMPDIR");

	if (slash)
		return strndup(output, slash == output ? 1 : (size_t)(slash - output));
	if (output)
		return strdup(".");
	return strdup(dir && *dir ? dir : "/var/tmp");
}

int32_t nec_utf8_decode(const uint8_t *s, size_t len, size_t *len_ret)
{
	uint32_t cp = s[0];
	size_t need, i;

	*len_ret = 1;
	if (cp < 0x80)
		return (int32_t)cp;
	need = cp >= 0xf0 && cp < 0xf5 ? 3 : cp >= 0xe0 && cp < 0xf0 ? 2 : cp >= 0xc2 && cp < 0xe0;
	if (!need || need >= len)
		return -1;
	cp &= 0x3fu >> need;
	for (i = 1; i <= need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if ((need == 2 && cp < 0x800) || (need == 3 && cp < 0x10000) || cp > 0x10ffff ||
	    (cp >= 0xd800 && cp < 0xe000))
		return -1;
	*len_ret = need + 1;
	return (int32_t)cp;
}

const char *nec_reader_text(struct nec_reader *r, const void *data, size_t len, size_t limit)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *s = data;
	size_t i = 0, n = 0, step, room = len < limit ? len : limit;
	char *out = nec_reader_alloc(r, room * 4 + 8);

	if (!out)
		return "";
	while (i < len && i < limit) {
		if (nec_utf8_decode(s + i, len - i, &step) > 0) {
			memcpy(out + n, s + i, step);
			n += step;
		} else {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[s[i] >> 4];
			out[n++] = hex[s[i] & 15];
		}
		i += step;
	}
	if (i < len)
		memcpy(out + n, "...", 3);
	return out;
}

const char *nec_reader_name(struct nec_reader *r, const void *data, size_t len)
{
	return nec_reader_text(r, data, len, NEC_LIMIT_NAME);
}

static const char *reader_vprintf(struct nec_reader *r, const char *fmt, va_list ap)
{
	_cleanup_free_ char *s = NULL;
	size_t len;
	char *copy;

	if (vasprintf(&s, fmt, ap) < 0) {
		s = NULL;
		r->oom = true;
		return "";
	}
	len = strlen(s) + 1;
	copy = nec_reader_alloc(r, len);
	return copy ? memcpy(copy, s, len) : "";
}

const char *nec_reader_printf(struct nec_reader *r, const char *fmt, ...)
{
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	s = reader_vprintf(r, fmt, ap);
	va_end(ap);
	return s;
}

void nec_reader_meta(struct nec_reader *r, const char *key, const char *value)
{
	struct nec_fact *fact = nec_reader_emit(r, NEC_FACT_META);

	fact->meta.key = nec_reader_name(r, key, strlen(key));
	fact->meta.value = nec_reader_text(r, value, strlen(value), 64 << 10);
}

void nec_reader_warn(struct nec_reader *r, uint64_t addr, const char *fmt, ...)
{
	struct nec_fact *fact;
	va_list ap;

	if (++r->warnings > NEC_LIMIT_WARNINGS)
		return;
	fact = nec_reader_emit(r, NEC_FACT_WARNING);
	fact->warning.stage = r->stage;
	fact->warning.addr = addr;
	va_start(ap, fmt);
	fact->warning.message = reader_vprintf(r, fmt, ap);
	va_end(ap);
}

bool nec_reader_line(struct nec_reader *r, struct nec_line *line)
{
	const uint8_t *start, *nl;

	if (r->off >= r->size)
		return false;
	start = r->data + r->off;
	nl = memchr(start, '\n', (size_t)(r->size - r->off));
	line->text = (const char *)start;
	line->whole = nl;
	line->len = nl ? (size_t)(nl - start) : (size_t)(r->size - r->off);
	r->off += line->len + line->whole;
	if (line->len && start[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool nec_parse_u64(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return len > 0;
}

bool nec_parse_i64(const char *s, size_t len, int64_t *ret)
{
	bool negative = len && *s == '-';
	uint64_t v;

	/* INT64_MIN stands for "not known" and is no number of any file. */
	if (!nec_parse_u64(s + negative, len - negative, &v) || v > INT64_MAX)
		return false;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool nec_parse_double(const char *s, size_t len, double *ret)
{
	bool negative = len && *s == '-', digits = false, point = false;
	double v = 0, scale = 1;
	size_t i;

	for (i = negative; i < len; i++) {
		if (s[i] == '.' && !point) {
			point = true;
		} else if (s[i] >= '0' && s[i] <= '9') {
			digits = true;
			v = v * 10 + (s[i] - '0');
			scale *= point ? 10 : 1;
		} else {
			return false;
		}
	}
	v /= scale;
	if (!digits || !isfinite(v))
		return false;
	*ret = negative ? -v : v;
	return true;
}

void nec_repr_begin(struct nec_text *t)
{
	nec_text_clear(t);
	t->limit = NEC_LIMIT_PREVIEW;
	t->cut = false;
	nec_text_putc(t, '\'');
}

void nec_repr_put(struct nec_text *t, uint32_t cp)
{
	switch (cp) {
	case '\\':
	case '\'':
		nec_text_printf(t, "\\%c", (char)cp);
		break;
	case '\n':
		nec_text_puts(t, "\\n");
		break;
	case '\r':
		nec_text_puts(t, "\\r");
		break;
	case '\t':
		nec_text_puts(t, "\\t");
		break;
	default:
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			nec_text_printf(t, "\\x%02x", (unsigned int)cp);
		else
			nec_text_put_codepoint(t, cp);
	}
}

void nec_repr_end(struct nec_text *t)
{
	bool cut = t->cut;

	t->limit = 0;
	nec_text_puts(t, cut ? "'..." : "'");
}
