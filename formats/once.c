/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each object once; see once.h. */
#include "formats/once.h"

struct nec_error *nec_once_init(struct nec_once *once, const char *dir)
{
	*once = (struct nec_once){0};
	NEC_TRY(nec_u64map_init(&once->seen, dir));
	return nec_tmparray_init(&once->repeats, dir);
}

void nec_once_deinit(struct nec_once *once)
{
	nec_u64map_deinit(&once->seen);
	nec_tmparray_deinit(&once->repeats);
}

struct nec_error *nec_once_first(struct nec_once *once, uint64_t addr, uint64_t pos,
				 bool *first_ret)
{
	NEC_TRY(nec_u64map_add(&once->seen, addr, 0, first_ret));
	if (*first_ret)
		return NULL;
	once->repeat_count++;
	return nec_tmparray_append(&once->repeats, &pos, sizeof(pos));
}

void nec_once_seal(struct nec_once *once)
{
	nec_u64map_deinit(&once->seen);
}

bool nec_once_counts(struct nec_once *once, uint64_t pos)
{
	const uint64_t *repeats = once->repeats.data;

	if (once->repeat_next == once->repeat_count || repeats[once->repeat_next] != pos)
		return true;
	once->repeat_next++;
	return false;
}
