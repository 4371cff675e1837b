/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that wait; see spill.h. */
#include <string.h>

#include "store/spill.h"
#include "store/writer.h"

struct nec_error *nec_spill_put(struct nec_spill *spill, const struct nec_block *block)
{
	uint64_t size = block->size;

	NEC_TRY(nec_tmparray_append(&spill->data, &size, sizeof(size)));
	return nec_tmparray_append(&spill->data, block->data, block->size);
}

void nec_spill_take(struct nec_spill *spill, struct nec_block *block)
{
	const char *from = (const char *)spill->data.data + spill->read;
	uint64_t size;

	memcpy(&size, from, sizeof(size));
	memcpy(block->data, from + sizeof(size), size);
	block->kind = NEC_BLOCK_VALUES;
	block->size = size;
	spill->read += sizeof(size) + size;
	/* The room is used again. */
	if (nec_spill_is_empty(spill))
		spill->read = spill->data.size = 0;
}
