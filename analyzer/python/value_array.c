/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of arrays and tables: what they are of, and their shape. */
#include <string.h>

#include "python/numpy.h"
#include "python/value_private.h"

void nec_text_ndarray(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		      struct nec_text *out)
{
	uint64_t shape[NEC_NUMPY_DIMS], descr;
	unsigned int dims, i;

	(void)type;
	if (!nec_numpy_array(t, obj, &descr, shape, &dims))
		return;
	nec_text_puts(out, "ndarray ");
	nec_numpy_dtype_text(t, descr, out);
	nec_text_puts(out, " (");
	for (i = 0; i < dims; i++)
		nec_text_printf(out, "%s%llu", i ? ", " : "", (unsigned long long)shape[i]);
	nec_text_puts(out, dims == 1 ? ",)" : ")");
}

/* What a pandas Index or the array in it keeps its data in, in this order: pandas/core/indexes,
 * pandas/core/arrays. */
static const char *const inner[] = {"_range", "_data", "_ndarray", "_codes", "_left"};

/* The length of an Index; false when its parts do not tell. */
static bool index_length(struct nec_values *values, uint64_t index, struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t shape[NEC_NUMPY_DIMS], descr, next;
	unsigned int dims, step;
	size_t i;

	for (step = 0; step < 4; step++) {
		const struct nec_type *type = nec_object_type(values->types, index);

		if (!type)
			return false;
		if (nec_type_is(type, "numpy.ndarray")) {
			if (!nec_numpy_array(t, index, &descr, shape, &dims) || !dims)
				return false;
			nec_text_printf(out, "%llu", (unsigned long long)shape[0]);
			return true;
		}
		if (nec_type_is(type, "range")) {
			nec_put_nested(values, nec_value_attr(values, index, "length"), 24, out);
			return true;
		}
		if (nec_type_is(type, "list") &&
		    nec_ob_size(t, index) > 0) { /* codes of a MultiIndex: a list of arrays */
			index = nec_word(t, nec_field(t, index, NEC_F_LIST_ITEM));
			continue;
		}
		next = 0;
		for (i = 0; i < sizeof(inner) / sizeof(inner[0]) && !next; i++)
			next = nec_value_attr(values, index, inner[i]);
		index = next;
	}
	return false;
}

/*
 * The axes of a block manager: the one list among its words (pandas/_libs/internals.pyx: blocks,
 * axes). A frame has columns and index, a series an index.
 */
static uint64_t manager_axes(struct nec_values *values, uint64_t manager)
{
	const struct nec_target *t = values->target;
	const struct nec_type *type = nec_object_type(values->types, manager);
	uint64_t axes = type ? nec_value_attr(values, manager, "axes") : 0, off;

	for (off = nec_off(t, NEC_SIZEOF_OBJECT);
	     type && !axes && off + 8 <= (uint64_t)type->basicsize && off < 128; off += 8) {
		uint64_t word = nec_word(t, manager + off);
		const struct nec_type *kind =
			word & 7 || word < 4096 ? NULL : nec_object_plausible(values->types, word);

		if (kind && nec_type_is(kind, "list"))
			axes = word;
	}
	return axes;
}

void nec_text_frame_shape(struct nec_values *values, uint64_t obj, const struct nec_type *type,
			  struct nec_text *out)
{
	const struct nec_target *t = values->target;
	uint64_t manager = nec_value_attr(values, obj, "_mgr"), axes, items;
	const char *dot = strrchr(type->name, '.');
	const struct nec_type *list;
	int64_t n;

	if (!manager) /* before 1.1 */
		manager = nec_value_attr(values, obj, "_data");
	axes = manager ? manager_axes(values, manager) : 0;
	list = axes ? nec_object_type(values->types, axes) : NULL;
	if (!list || !nec_type_is(list, "list"))
		return;
	items = nec_field(t, axes, NEC_F_LIST_ITEM);
	n = nec_ob_size(t, axes);
	if (n < 1 || n > 2)
		return;
	nec_text_printf(out, "%s (", dot ? dot + 1 : type->name);
	/* The axes of a manager are columns and index, those of a frame index and columns. */
	if (!index_length(values, nec_word(t, items + (uint64_t)(n - 1) * 8), out))
		nec_text_putc(out, '?');
	nec_text_puts(out, n == 1 ? "," : ", ");
	if (n == 2 && !index_length(values, nec_word(t, items), out))
		nec_text_putc(out, '?');
	nec_text_putc(out, ')');
}
