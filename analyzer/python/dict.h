/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dictionaries of every version, iterated: open tables (2.7), compact ones (3.6 on), split ones whose keys are shared, and the
 * attribute values that instances keep without a dictionary (3.11 on).
 */
#ifndef NEC_PYTHON_DICT_H
#define NEC_PYTHON_DICT_H

#include "python/target.h"

/* A table of keys: what ma_keys or ht_cached_keys points to. */
struct nec_keys {
	uint64_t addr;
	const uint8_t *entries; /* borrowed; NULL: not in the dump, or damaged */
	uint64_t count;		/* entries in use, holes included */
	uint64_t usable;	/* entries that fit */
	int64_t unused;		/* entries that can still be added (dk_usable) */
	uint64_t bytes;		/* of the whole block */
	uint32_t stride, key_off, value_off; /* bytes; value_off UINT32_MAX: keys only */
	uint64_t refcount;
};

/* Reads a keys object; false when it is not there or damaged. Not for 2.7. */
bool nec_keys_read(const struct nec_target *t, uint64_t addr, struct nec_keys *keys);

struct nec_dict {
	struct nec_keys keys;
	const uint8_t *values;	/* of a split table, borrowed; NULL: combined */
	uint64_t value_count;
	uint64_t values_addr, values_bytes; /* block of a split table's values */
	bool embedded;		/* the values lie in the instance, not in a block */
	uint64_t next;		/* entry that nec_dict_next looks at */
};

/* Starts over the dict at addr; false when its table is not there. An empty one is fine. */
bool nec_dict_read(const struct nec_target *t, uint64_t addr, struct nec_dict *dict);

/* The next pair that is in use. */
bool nec_dict_next(struct nec_dict *dict, uint64_t *key_ret, uint64_t *value_ret);

/* The value of a key that is the string name; 0 when there is none. */
uint64_t nec_dict_find(const struct nec_target *t, uint64_t addr, const char *name);

/* Attribute values of an instance without a dict: reads them as a split table. False when it has none. */
bool nec_values_read(const struct nec_target *t, uint64_t obj, uint64_t type, uint64_t basicsize,
		     struct nec_dict *dict);

/* The __dict__ that a managed instance has made, 0 for none. */
uint64_t nec_managed_dict(const struct nec_target *t, uint64_t obj);

/* The dict of a type, wherever this version keeps it. */
uint64_t nec_type_dict(const struct nec_target *t, uint64_t type);

/* Fills in t->interned: by fields of interpreters and of the runtime, else among the variables of
 * Python itself. */
void nec_dict_find_interned(struct nec_target *t);
bool nec_dict_is_interned(const struct nec_target *t, uint64_t obj);

/* The state of a static built-in type in the main interpreter (3.12 on), 0 for none. */
uint64_t nec_static_type_state(const struct nec_target *t, uint64_t type);

#endif
