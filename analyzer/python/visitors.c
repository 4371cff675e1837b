/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding a type's visitor; see visitors.h. */
#include <string.h>

#include "python/cffi.h"
#include "python/numpy.h"
#include "python/visitors.h"

static const struct nec_visitor *const tables[] = {nec_visitors_objects, nec_visitors_modules,
						   nec_visitors_ctypes};

int64_t nec_size_default(const struct nec_target *t, uint64_t obj, const struct nec_type *type)
{
	return type->basicsize + nec_items_size(nec_ob_size(t, obj), type->itemsize);
}

int64_t nec_size_words(uint64_t count)
{
	return count < UINT64_C(1) << 45 ? (int64_t)(count * 8) : 0;
}

int64_t nec_size_bytes(uint64_t bytes)
{
	return bytes < UINT64_C(1) << 48 ? (int64_t)bytes : 0;
}

uint64_t nec_size_cstr(const struct nec_target *t, uint64_t addr)
{
	const char *s = addr ? nec_image_cstr(t->image, addr, 65536) : NULL;

	return s ? strlen(s) + 1 : 0;
}

const struct nec_visitor *nec_visitor_find(const struct nec_target *t, const char *tp_name)
{
	const struct nec_visitor *v;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (v = tables[i]; v->name; v++)
			if (!strcmp(v->name, tp_name) && nec_has(t, v->needs))
				return v;
	v = nec_numpy_visitor(tp_name);
	return v ? v : nec_cffi_visitor(tp_name);
}
