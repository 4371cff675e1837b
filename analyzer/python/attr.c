/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes by name; see attr.h. */
#include "python/attr.h"
#include "python/dict.h"
#include "python/str.h"
#include "python/types.h"

uint64_t nec_attr_find(const struct nec_target *t, uint64_t obj, const char *name)
{
	uint64_t type = nec_type_of(t, obj), flags = nec_field(t, type, NEC_F_TYPE_FLAGS), key,
		 value, dict = 0;
	int64_t off = (int64_t)nec_field(t, type, NEC_F_TYPE_DICTOFFSET);
	struct nec_dict values;

	if (t->layout.traits.values != NEC_VALUES_NONE && flags & NEC_TYPE_MANAGED_DICT)
		dict = nec_managed_dict(t, obj);
	else if (off > 0)
		dict = nec_word(t, obj + (uint64_t)off);
	if (dict)
		return nec_dict_find(t, dict, name);
	if (!(flags & NEC_TYPE_MANAGED_DICT) ||
	    !nec_values_read(t, obj, type, nec_field(t, type, NEC_F_TYPE_BASICSIZE), &values))
		return 0;
	while (nec_dict_next(&values, &key, &value))
		if (nec_str_equals(t, key, name))
			return value;
	return 0;
}

uint64_t nec_module_dict(const struct nec_target *t, uint64_t interpreter, const char *name)
{
	uint64_t module = nec_dict_find(t, nec_field(t, interpreter, NEC_F_INTERP_MODULES), name);

	return module ? nec_field(t, module, NEC_F_MODULE_DICT) : 0;
}

bool nec_attr_u64(const struct nec_target *t, uint64_t obj, uint64_t *ret)
{
	uint64_t type = nec_type_of(t, obj), flags = nec_field(t, type, NEC_F_TYPE_FLAGS), tag,
		 value = 0;
	enum { TYPE_INT_SUBCLASS = 1 << 23 }; /* 2.7 */
	unsigned int bits = t->layout.traits.digit_bits, width = bits > 16 ? 4 : 2;
	int64_t n, i;

	if (nec_has(t, NEC_F_INT_IVAL) && flags & TYPE_INT_SUBCLASS) {
		*ret = nec_field(t, obj, NEC_F_INT_IVAL);
		return true;
	}
	if (!(flags & NEC_TYPE_LONG_SUBCLASS))
		return false;
	n = nec_ob_size(t, obj);
	if (t->layout.traits.ints == NEC_INT_TAGGED) {
		tag = nec_field(t, obj, NEC_F_LONG_TAG);
		n = (tag & 3) == 2 ? -1 : (int64_t)(tag >> 3);
	}
	if (n < 0 || n * bits > 64 + bits)
		return false;
	for (i = n - 1; i >= 0; i--) {
		uint64_t addr = obj + nec_off(t, NEC_F_LONG_DIGITS) + (uint64_t)i * width;
		uint32_t digit = (uint32_t)nec_int32(t, addr & ~UINT64_C(3));

		if (width == 2)
			digit = digit >> (addr & 2) * 8 & 0xffff;
		value = value << bits | digit;
	}
	*ret = value;
	return true;
}
