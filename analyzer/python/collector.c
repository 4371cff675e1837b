/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the state of the collector; see collector.h. Modules/gcmodule.c, Python/gc.c; pycore_gc.h of each version. */
#include "python/collector.h"

#include "base/ring.h"

/* Of the file that has the runtime; 0 where it has no such symbol. */
static uint64_t variable(const struct nec_target *t, const char *name)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	struct nec_error *err;
	uint64_t addr, size;

	/* Names like "enabled" mean something in one file alone. */
	if (!own || own->objfile == UINT32_MAX)
		return 0;
	err = nec_image_symbol(t->image, own->objfile, name, &addr, &size);
	if (!err)
		return addr;
	nec_error_destroy(err);
	return 0;
}

static void read_generation(const struct nec_target *t, struct nec_collector *c, int i, uint64_t addr)
{
	c->threshold[i] = nec_field32(t, addr, NEC_F_GC_GENERATION_THRESHOLD);
	c->count[i] = nec_field32(t, addr, NEC_F_GC_GENERATION_COUNT);
}

static void read_generations(const struct nec_target *t, struct nec_collector *c, uint64_t first)
{
	int i;

	c->generational = first && nec_has(t, NEC_SIZEOF_GC_GENERATION) && nec_has(t, NEC_F_GC_GENERATION_COUNT);
	for (i = 0; c->generational && i < NEC_COLLECTOR_GENERATIONS; i++)
		read_generation(t, c, i, first + (uint64_t)i * nec_off(t, NEC_SIZEOF_GC_GENERATION));
}

/* Objects in the list whose head is at addr; -1 where it does not come back to it. */
static int64_t list_length(const struct nec_target *t, uint64_t addr)
{
	uint64_t mask = ~(uint64_t)t->layout.traits.gc_mask, at = addr, next;
	struct nec_ring ring = {0};
	int64_t count = 0;

	for (;; at = next, count++) {
		next = nec_field(t, at, NEC_F_GC_NEXT) & mask;
		if (next == addr)
			return count;
		if (!next || (nec_field(t, next, NEC_F_GC_PREV) & mask) != at || nec_ring_closed(&ring, next))
			return -1;
	}
}

static void read_static(const struct nec_target *t, struct nec_collector *c)
{
	uint64_t enabled = variable(t, "enabled"), garbage = variable(t, "garbage");
	uint64_t collecting = variable(t, "collecting");

	c->found = enabled;
	c->enabled = enabled && nec_int32(t, enabled);
	c->collecting = collecting && nec_int32(t, collecting);
	c->garbage = garbage ? nec_word(t, garbage) : 0;
	read_generations(t, c, variable(t, "generations"));
}

static void read_state(const struct nec_target *t, struct nec_collector *c, uint64_t state)
{
	c->found = nec_has(t, NEC_F_GC_ENABLED);
	c->enabled = nec_field32(t, state, NEC_F_GC_ENABLED);
	c->collecting = nec_field32(t, state, NEC_F_GC_COLLECTING);
	c->garbage = nec_field(t, state, NEC_F_GC_GARBAGE);
	if (nec_has(t, NEC_F_GC_PERMANENT))
		c->frozen = list_length(t, state + nec_off(t, NEC_F_GC_PERMANENT));
	if (nec_has(t, NEC_F_GC_GENERATIONS)) {
		read_generations(t, c, state + nec_off(t, NEC_F_GC_GENERATIONS));
	} else if (nec_has(t, NEC_F_GC_YOUNG) && nec_has(t, NEC_F_GC_OLD) && nec_has(t, NEC_SIZEOF_GC_GENERATION)) {
		c->generational = true;
		read_generation(t, c, 0, state + nec_off(t, NEC_F_GC_YOUNG));
		read_generation(t, c, 1, state + nec_off(t, NEC_F_GC_OLD));
		read_generation(t, c, 2, state + nec_off(t, NEC_F_GC_OLD) + nec_off(t, NEC_SIZEOF_GC_GENERATION));
	}
}

void nec_collector_read(const struct nec_target *t, struct nec_collector *ret)
{
	*ret = (struct nec_collector){.frozen = -1, .keeps = t->layout.traits.old_classes};
	if (t->layout.traits.gc_static)
		read_static(t, ret);
	else if (t->layout.traits.gc_in_interp && t->interpreter_count && nec_has(t, NEC_F_INTERP_GC))
		read_state(t, ret, t->interpreters[0] + nec_off(t, NEC_F_INTERP_GC));
	else if (!t->layout.traits.gc_in_interp && t->runtime && nec_has(t, NEC_F_RUNTIME_GC))
		read_state(t, ret, t->runtime + nec_off(t, NEC_F_RUNTIME_GC));
}
