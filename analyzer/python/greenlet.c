/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Greenlets; see greenlet.h. */
#include "python/greenlet.h"

#include <string.h>

/* Words of the object, at most, and of the C++ object that it leads to, that are looked at. */
enum { OBJECT_WORDS = 32, STATE_WORDS = 48 };

static bool is_frame(struct nec_types *types, uint64_t obj)
{
	const struct nec_type *type = obj && !(obj & 7) ? nec_object_type(types, obj) : NULL;

	return type && !strcmp(type->tp_name, "frame");
}

/* The first frame object that the words at `at` point to. */
static uint64_t find_frame(struct nec_types *types, uint64_t at, unsigned int words)
{
	unsigned int i;

	for (i = 0; i < words; i++) {
		uint64_t obj = nec_word(types->target, at + i * 8);

		if (is_frame(types, obj))
			return obj;
	}
	return 0;
}

/* Is it the C++ object of a greenlet? It knows whose it is. */
static bool points_back(const struct nec_target *t, uint64_t state, uint64_t obj)
{
	unsigned int i;

	for (i = 0; i < STATE_WORDS; i++)
		if (nec_word(t, state + i * 8) == obj)
			return true;
	return false;
}

uint64_t nec_greenlet_frame(struct nec_types *types, uint64_t obj)
{
	const struct nec_target *t = types->target;
	const struct nec_type *type = nec_object_type(types, obj);
	unsigned int head = (unsigned int)nec_off(t, NEC_SIZEOF_OBJECT) / 8, words = OBJECT_WORDS, i;
	uint64_t frame, state;

	/* What lies behind the object is another's. */
	if (type && type->basicsize > 0 && type->basicsize / 8 < words)
		words = (unsigned int)(type->basicsize / 8);
	if (words <= head)
		return 0;
	frame = find_frame(types, obj + head * 8, words - head);
	for (i = head; !frame && i < words; i++) {
		state = nec_word(t, obj + i * 8);
		if (state && !(state & 7) && points_back(t, state, obj))
			frame = find_frame(types, state, STATE_WORDS);
	}
	if (!frame || t->layout.traits.frames == NEC_FRAME_OBJECTS)
		return frame;
	return nec_field(t, frame, NEC_F_FRAME_FRAME);
}
