/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dictionaries of every version; see dict.h. Layouts: Include/internal/pycore_dict.h, Objects/dictobject.c. */
#include <string.h>

#include "python/dict.h"
#include "python/str.h"

/* dk_kind: entries of hash, key and value; otherwise of key and value alone. */
enum { KEYS_GENERAL = 0 };

enum { STATIC_BUILTIN = 1 << 1 }; /* tp_flags, 3.12 on */

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Entries that a table of `size` slots can hold: USABLE_FRACTION, and what older versions grew from. */
static uint64_t usable_fraction(uint64_t size)
{
	return (size << 1) / 3;
}

bool nec_keys_read(const struct nec_target *t, uint64_t addr, struct nec_keys *keys)
{
	uint64_t indices = nec_off(t, NEC_F_KEYS_INDICES), index_bytes, size;
	unsigned int log2_size, log2_bytes;
	const uint8_t *head;

	*keys = (struct nec_keys){.addr = addr};
	if (t->layout.traits.dicts == NEC_DICT_OPEN)
		return false;
	head = nec_image_view(t->image, addr, indices);
	if (!addr || !head)
		return false;
	keys->refcount = load(head + nec_off(t, NEC_F_KEYS_REFCNT));
	keys->count = load(head + nec_off(t, NEC_F_KEYS_NENTRIES));
	memcpy(&keys->unused, head + nec_off(t, NEC_F_KEYS_USABLE), 8);
	keys->stride = (uint32_t)t->layout.off[NEC_SIZEOF_ENTRY];
	keys->key_off = (uint32_t)t->layout.off[NEC_F_ENTRY_KEY];
	keys->value_off = (uint32_t)t->layout.off[NEC_F_ENTRY_VALUE];
	if (t->layout.traits.dicts == NEC_DICT_LOG2) {
		log2_size = head[nec_off(t, NEC_F_KEYS_LOG2_SIZE)];
		log2_bytes = head[nec_off(t, NEC_F_KEYS_LOG2_INDEX_BYTES)];
		if (log2_size > 40 || log2_bytes > 43)
			return false;
		size = UINT64_C(1) << log2_size;
		index_bytes = UINT64_C(1) << log2_bytes;
		if (head[nec_off(t, NEC_F_KEYS_KIND)] != KEYS_GENERAL) {
			keys->stride -= 8;
			keys->key_off -= 8;
			keys->value_off -= 8;
		}
	} else {
		size = load(head + nec_off(t, NEC_F_KEYS_SIZE));
		if (size > UINT64_C(1) << 40)
			return false;
		index_bytes = size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
	}
	keys->usable = usable_fraction(size);
	if (keys->count > keys->usable)
		return false;
	keys->bytes = indices + index_bytes + keys->usable * keys->stride;
	keys->entries = nec_image_view(t->image, addr + indices + index_bytes, keys->count * keys->stride);
	return keys->entries || !keys->count;
}

/* 2.7: ma_table is keys and values at once. */
static bool read_open(const struct nec_target *t, uint64_t addr, struct nec_dict *dict)
{
	uint64_t mask = nec_field(t, addr, NEC_F_DICT_MASK), table = nec_field(t, addr, NEC_F_DICT_TABLE);
	struct nec_keys *keys = &dict->keys;

	if (!table || mask >= UINT64_C(1) << 40)
		return false;
	keys->addr = table;
	keys->count = mask + 1;
	keys->stride = (uint32_t)t->layout.off[NEC_SIZEOF_ENTRY];
	keys->key_off = (uint32_t)t->layout.off[NEC_F_ENTRY_KEY];
	keys->value_off = (uint32_t)t->layout.off[NEC_F_ENTRY_VALUE];
	keys->bytes = table == addr + nec_off(t, NEC_F_DICT_SMALLTABLE) ? 0 : keys->count * keys->stride;
	keys->refcount = 1;
	keys->entries = nec_image_view(t->image, table, keys->count * keys->stride);
	return keys->entries;
}

/* Fills in values of a split table: `values` is the address of a _dictvalues. */
static bool read_values(const struct nec_target *t, uint64_t values, struct nec_dict *dict)
{
	uint64_t first = values;

	dict->value_count = dict->keys.count;
	dict->values_addr = values;
	if (nec_has(t, NEC_F_VALUES_CAPACITY)) {
		uint64_t capacity = nec_field8(t, values, NEC_F_VALUES_CAPACITY);

		first = values + nec_off(t, NEC_F_VALUES_VALUES);
		dict->values_bytes = nec_off(t, NEC_F_VALUES_VALUES) + capacity * 8 + ((capacity + 7) & ~7ull);
		if (dict->value_count > capacity)
			dict->value_count = capacity;
	} else {
		dict->values_bytes = dict->value_count * 8;
	}
	dict->values = nec_image_view(t->image, first, dict->value_count * 8);
	return dict->values || !dict->value_count;
}

bool nec_dict_read(const struct nec_target *t, uint64_t addr, struct nec_dict *dict)
{
	uint64_t values;

	*dict = (struct nec_dict){.next = 0};
	if (t->layout.traits.dicts == NEC_DICT_OPEN)
		return read_open(t, addr, dict);
	if (!nec_keys_read(t, nec_field(t, addr, NEC_F_DICT_KEYS), &dict->keys))
		return false;
	values = nec_field(t, addr, NEC_F_DICT_VALUES);
	if (!values)
		return true;
	if (nec_has(t, NEC_F_VALUES_EMBEDDED))
		dict->embedded = nec_field8(t, values, NEC_F_VALUES_EMBEDDED);
	return read_values(t, values, dict);
}

bool nec_dict_next(struct nec_dict *dict, uint64_t *key_ret, uint64_t *value_ret)
{
	const struct nec_keys *keys = &dict->keys;

	while (dict->next < keys->count) {
		uint64_t i = dict->next++;
		const uint8_t *entry = keys->entries + i * keys->stride;

		if (dict->values_addr)
			*value_ret = i < dict->value_count ? load(dict->values + i * 8) : 0;
		else
			*value_ret = load(entry + keys->value_off);
		*key_ret = load(entry + keys->key_off);
		if (*key_ret && *value_ret)
			return true;
	}
	return false;
}

uint64_t nec_dict_find(const struct nec_target *t, uint64_t addr, const char *name)
{
	struct nec_dict dict;
	uint64_t key, value;

	if (!addr || !nec_dict_read(t, addr, &dict))
		return 0;
	while (nec_dict_next(&dict, &key, &value))
		if (nec_str_equals(t, key, name))
			return value;
	return 0;
}

uint64_t nec_managed_dict(const struct nec_target *t, uint64_t obj)
{
	uint64_t word = nec_word(t, obj - 24);

	if (t->layout.traits.values == NEC_VALUES_TAGGED && word & 1)
		return 0;
	return word;
}

bool nec_values_read(const struct nec_target *t, uint64_t obj, uint64_t type, uint64_t basicsize,
		     struct nec_dict *dict)
{
	uint64_t values = 0;

	*dict = (struct nec_dict){.next = 0};
	switch (t->layout.traits.values) {
	case NEC_VALUES_NONE:
		return false;
	case NEC_VALUES_TWO_POINTERS:
		values = nec_word(t, obj - 32);
		break;
	case NEC_VALUES_TAGGED:
		values = nec_word(t, obj - 24);
		values = values & 1 ? values + 1 : 0;
		break;
	case NEC_VALUES_INLINE:
		values = obj + basicsize;
		if (!nec_field8(t, values, NEC_F_VALUES_VALID))
			return false;
		dict->embedded = true;
		break;
	}
	return values && nec_keys_read(t, nec_field(t, type, NEC_F_HEAPTYPE_CACHED_KEYS), &dict->keys) &&
	       read_values(t, values, dict);
}

uint64_t nec_static_type_state(const struct nec_target *t, uint64_t type)
{
	uint64_t stride, interp, state, index;

	if (!t->layout.traits.static_types_in_interp || !t->interpreter_count ||
	    !(nec_field(t, type, NEC_F_TYPE_FLAGS) & STATIC_BUILTIN))
		return 0;
	interp = t->interpreters[0];
	index = nec_field(t, type, NEC_F_TYPE_SUBCLASSES) - 1;
	stride = nec_off(t, NEC_SIZEOF_STATIC_TYPE_STATE);
	if (index > 4096)
		return 0;
	state = interp + nec_off(t, NEC_F_INTERP_TYPES_BUILTINS) + index * stride;
	if (nec_field(t, state, NEC_F_STATIC_TYPE_TYPE) == type)
		return state;
	if (!nec_has(t, NEC_F_INTERP_TYPES_EXT))
		return 0;
	state = interp + nec_off(t, NEC_F_INTERP_TYPES_EXT) + index * stride;
	return nec_field(t, state, NEC_F_STATIC_TYPE_TYPE) == type ? state : 0;
}

uint64_t nec_type_dict(const struct nec_target *t, uint64_t type)
{
	uint64_t dict = nec_field(t, type, NEC_F_TYPE_DICT), state;

	if (dict)
		return dict;
	state = nec_static_type_state(t, type);
	return state ? nec_field(t, state, NEC_F_STATIC_TYPE_DICT) : 0;
}

/* Entries of a table of interned strings that are looked at: no other dict of that many has each
 * key as its own value. */
enum { INTERNED_SAMPLE = 64 };

/* What a dead dict left may be filled with one byte (debug builds), and is no key. */
static bool is_text(const struct nec_target *t, uint64_t key)
{
	enum { BYTES_SUBCLASS = 1 << 27, UNICODE_SUBCLASS = 1 << 28 }; /* Py_TPFLAGS_ */

	return !(key & 7) && nec_field(t, nec_type_of(t, key), NEC_F_TYPE_FLAGS) &
				     (BYTES_SUBCLASS | UNICODE_SUBCLASS);
}

static bool looks_interned(const struct nec_target *t, uint64_t obj)
{
	struct nec_dict dict;
	uint64_t key, value;
	const char *name;
	int n;

	name = obj & 7 ? NULL
		       : nec_image_cstr(t->image,
					nec_field(t, nec_type_of(t, obj), NEC_F_TYPE_NAME), 8);
	if (!name || strcmp(name, "dict") || !nec_dict_read(t, obj, &dict))
		return false;
	for (n = 0; n < INTERNED_SAMPLE; n++)
		if (!nec_dict_next(&dict, &key, &value) || key != value || !is_text(t, key))
			return false;
	return true;
}

static void add_interned(struct nec_target *t, uint64_t obj)
{
	uint32_t i;

	for (i = 0; i < t->interned_count; i++)
		if (t->interned[i] == obj)
			return;
	if (obj && t->interned_count < NEC_TARGET_INTERPRETERS)
		t->interned[t->interned_count++] = obj;
}

void nec_dict_find_interned(struct nec_target *t)
{
	uint64_t addr, obj;
	uint32_t i;

	if (nec_has(t, NEC_F_RUNTIME_INTERNED) && t->runtime)
		add_interned(t, nec_field(t, t->runtime, NEC_F_RUNTIME_INTERNED));
	for (i = 0; i < t->interpreter_count; i++)
		add_interned(t, nec_field(t, t->interpreters[i], NEC_F_INTERP_INTERNED));
	for (addr = t->data_start; !t->interned_count && addr + 8 <= t->data_end; addr += 8) {
		obj = nec_word(t, addr);
		if (obj >= 4096 && looks_interned(t, obj))
			add_interned(t, obj);
	}
}

bool nec_dict_is_interned(const struct nec_target *t, uint64_t obj)
{
	uint32_t i;

	for (i = 0; i < t->interned_count; i++)
		if (t->interned[i] == obj)
			return true;
	return false;
}
