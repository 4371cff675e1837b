/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made-up facts; see synthsource.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synthsource.h"

enum { TYPE_COUNT = 50, INNER_OF = 5, HUBS = 8 };

#define SYNTH_BASE UINT64_C(0x7f5500000000)

const char *const synth_strings[3] = {".__dict__", ".__name__", ".f_back"};

enum phase {
	PHASE_META,
	PHASE_STRINGS,
	PHASE_TYPES,
	PHASE_OBJECTS,
	PHASE_TAIL,
	PHASE_ROOTS,
	PHASE_REFERENCES,
	PHASE_END,
};

struct synth {
	struct nec_source source;
	struct synth_options o;
	enum phase phase;
	uint32_t next;    /* item of the phase */
	uint32_t current; /* object that is at work */
	uint32_t sent;    /* references of it that were sent */
	bool value;       /* the value of the object before is due */
	char text[64];
	struct nec_ref *refs;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t synth_addr(uint32_t i)
{
	return SYNTH_BASE + (uint64_t)i * 64 + (mix(i) % 3) * 16;
}

uint32_t synth_type(const struct synth_options *o, uint32_t i)
{
	/* Type 0 is that of the types. */
	return i < o->type_count ? 0 : (uint32_t)(mix(i ^ UINT64_C(1) << 40) % o->type_count);
}

int64_t synth_size(const struct synth_options *o, uint32_t i)
{
	if (i == o->type_count)
		return 56 + 8 * (int64_t)o->long_list;
	return i % 1000 == 999 ? (int64_t)UINT32_MAX + i : 24 + (int64_t)(mix(i) % 100);
}

int64_t synth_native(uint32_t i)
{
	return i % 3 ? (i % 1000 == 998 ? (int64_t)UINT32_MAX : i % 7) : NEC_UNKNOWN;
}

int64_t synth_refcount(uint32_t i)
{
	return i % 500 == 499 ? INT64_C(1) << 40 : 1;
}

bool synth_has_value(const struct synth_options *o, uint32_t i)
{
	return mix(i + (UINT64_C(2) << 40)) % 10 < o->values_of_ten;
}

uint32_t synth_value(uint32_t i, char buf[64])
{
	return (uint32_t)snprintf(buf, 64, i % 2 ? "'name_%u'" : "\"it's %u\"", i);
}

uint32_t synth_ref_count(const struct synth_options *o, uint32_t i)
{
	if (i == o->type_count && o->long_list)
		return o->long_list;
	if (i <= o->type_count || i % INNER_OF)
		return 0;
	return 1 + (uint32_t)(mix(i + (UINT64_C(3) << 40)) % 24);
}

static uint32_t target(const struct synth_options *o, uint32_t i, uint32_t n)
{
	uint64_t r = mix((uint64_t)i << 32 | n);

	if (r % 16 == 0)
		return o->type_count + (uint32_t)(r >> 8) % HUBS;
	if (r % 16 == 1)
		return (uint32_t)((r >> 8) % o->count);
	return (uint32_t)((i + 1 + n + (r >> 8) % 8) % o->count);
}

struct nec_ref synth_ref(const struct synth_options *o, uint32_t i, uint32_t n)
{
	uint32_t dst = target(o, i, n);
	struct nec_ref ref = {.dst = synth_addr(dst), .kind = NEC_REF_STRONG};

	if (mix((uint64_t)n << 32 | i) % 1000 == 0)
		ref.dst += 8;
	/* The long list, and one in five, are lists. */
	switch (i == o->type_count ? 0 : i / INNER_OF % 5) {
	case 0:
		ref.label_kind = NEC_LABEL_INDEX;
		ref.label = n;
		break;
	case 1: /* a dict: keys and values in turn */
		if (n % 2 == 0) {
			ref.label_kind = NEC_LABEL_STRING;
			ref.label = n % 3;
		} else {
			ref.label_kind = NEC_LABEL_KEY;
			ref.label = synth_addr(target(o, i, n - 1));
		}
		break;
	case 2:
		ref.label_kind = NEC_LABEL_ATTR;
		ref.label = synth_addr(o->type_count + 1 + n);
		break;
	case 3:
		ref.kind = NEC_REF_CONSERVATIVE;
		ref.label_kind = NEC_LABEL_WORD;
		ref.label = 16 + 8 * n;
		break;
	case 4:
		/* A weak one, its own type as the collector sees it, its type as an attribute, and
		 * others without labels. */
		if (n == 0)
			ref.kind = NEC_REF_WEAK;
		if (n == 1 || n == 2) {
			ref.dst = synth_addr(synth_type(o, i));
			ref.kind = n == 1 ? NEC_REF_TYPE : NEC_REF_STRONG;
			ref.label_kind = NEC_LABEL_STRING;
			ref.label = 1;
		}
		break;
	}
	return ref;
}

static uint32_t index_end(const struct synth *s)
{
	return s->o.shuffled ? 1u << (32 - (uint32_t)__builtin_clz(s->o.count)) : s->o.count;
}

/* The next object, false when there is none. Shuffled: by multiplication with an odd number modulo
 * a power of two. */
static bool next_index(struct synth *s, uint32_t *i_ret)
{
	uint32_t n = s->next, end = index_end(s);

	if (!s->o.shuffled) {
		*i_ret = s->next;
		return s->next++ < end;
	}
	for (; n < end; n++) {
		uint32_t i = (uint32_t)(((uint64_t)n * 2654435761u + 12345) & (end - 1));

		if (i < s->o.count) {
			s->next = n + 1;
			*i_ret = i;
			return true;
		}
	}
	return false;
}

static void enter(struct synth *s, enum phase phase)
{
	s->phase = phase;
	s->next = 0;
	s->sent = 0;
}

static bool next_object(struct synth *s, struct nec_fact *f)
{
	uint32_t i;

	if (s->value) {
		s->value = false;
		f->kind = NEC_FACT_VALUE;
		f->value.addr = synth_addr(s->current);
		f->value.len = synth_value(s->current, s->text);
		f->value.text = s->text;
		return true;
	}
	if (!next_index(s, &i))
		return false;
	s->current = i;
	f->kind = NEC_FACT_OBJECT;
	f->object.addr = synth_addr(i);
	f->object.type = synth_type(&s->o, i);
	f->object.flags = i % 32;
	f->object.size = synth_size(&s->o, i);
	f->object.native = synth_native(i);
	f->object.refcount = synth_refcount(i);
	f->object.content = 0;
	s->value = synth_has_value(&s->o, i);
	return true;
}

static bool next_references(struct synth *s, struct nec_fact *f)
{
	uint32_t count, chunk, n;

	do {
		if (!s->sent && !next_index(s, &s->current))
			return false;
		count = synth_ref_count(&s->o, s->current) - s->sent;
	} while (!count);
	chunk = s->o.chunk && count > s->o.chunk ? s->o.chunk : count;
	for (n = 0; n < chunk; n++)
		s->refs[n] = synth_ref(&s->o, s->current, s->sent + n);
	f->kind = NEC_FACT_REFERENCES;
	f->references.src = synth_addr(s->current);
	f->references.refs = s->refs;
	f->references.count = chunk;
	s->sent = chunk == count ? 0 : s->sent + chunk;
	return true;
}

/* Things that are wrong: an object twice, one above all memory, a list of no object. */
static bool next_tail(struct synth *s, struct nec_fact *f)
{
	if (!s->o.tail || s->next == 2)
		return false;
	f->kind = NEC_FACT_OBJECT;
	f->object.addr = s->next++ ? UINT64_MAX - 7 : synth_addr(s->o.count - 1);
	f->object.type = 0;
	f->object.content = 0;
	return true;
}

static bool next_of_phase(struct synth *s, struct nec_fact *f)
{
	switch (s->phase) {
	case PHASE_META:
		f->kind = NEC_FACT_META;
		f->meta.key = "python_version";
		f->meta.value = "3.11.2";
		return !s->next++;
	case PHASE_STRINGS:
		f->kind = NEC_FACT_STRING;
		f->string.id = s->next;
		if (s->next == 3)
			return false;
		f->string.text = synth_strings[s->next++];
		return true;
	case PHASE_TYPES:
		if (s->next == s->o.type_count)
			return false;
		snprintf(s->text, sizeof(s->text), s->next ? "mod.Type%u" : "builtins.type",
			 s->next);
		f->kind = NEC_FACT_TYPE;
		f->type.id = s->next;
		f->type.addr = synth_addr(s->next++);
		f->type.name = s->text;
		f->type.module = "mod";
		f->type.visitor = "exact";
		return true;
	case PHASE_OBJECTS:
		return next_object(s, f);
	case PHASE_TAIL:
		return next_tail(s, f);
	case PHASE_ROOTS:
		f->kind = NEC_FACT_ROOT;
		f->root.addr = synth_addr(s->o.type_count + s->next);
		f->root.kind = "module";
		f->root.label = "sys";
		f->root.thread = f->root.tid = 0;
		f->root.doubt = NEC_ROOT_SURE;
		return s->next++ < 4;
	case PHASE_REFERENCES:
		return next_references(s, f);
	case PHASE_END:
		break;
	}
	return false;
}

static struct nec_error *next(struct nec_source *source, struct nec_fact *f)
{
	struct synth *s = (struct synth *)source;

	memset(f, 0, sizeof(*f));
	while (s->phase != PHASE_END) {
		if (next_of_phase(s, f))
			return NULL;
		enter(s, s->phase + 1);
	}
	f->kind = NEC_FACT_END;
	return NULL;
}

static void close_source(struct nec_source *source)
{
	struct synth *s = (struct synth *)source;

	free(s->refs);
	free(s);
}

struct nec_source *synth_create(const struct synth_options *options)
{
	struct synth *s = calloc(1, sizeof(*s));
	uint32_t room;

	if (!s)
		return NULL;
	s->source.next = next;
	s->source.close = close_source;
	s->source.sorted = !options->shuffled;
	s->o = *options;
	if (!s->o.type_count)
		s->o.type_count = TYPE_COUNT;
	room = s->o.chunk ? s->o.chunk : s->o.long_list;
	if (room < SYNTH_REFS)
		room = SYNTH_REFS;
	s->refs = malloc(room * sizeof(*s->refs));
	if (!s->refs) {
		free(s);
		return NULL;
	}
	return &s->source;
}
