/* SPDX-License-Identifier: GPL-3.0-or-later */
/* _Py_DebugOffsets; see debugoffsets.h. */
#include <stdio.h>
#include <string.h>

#include "python/debugoffsets.h"

static const char cookie[8] = "xdebugpy";

/* cookie, version, free_threaded: these three have the same place in every version. */
enum { AT_VERSION = 8, AT_FREE_THREADED = 16, HEAD = 24 };

/* The largest struct is the interpreter's, 226 KiB in 3.15d; offsets in structs whose size is not
 * told are below 4 KiB. */
enum { MAX_SIZE = 16 << 20, MAX_OFFSET = 4096 };

static const struct {
	enum nec_field at, target;
	const char *member;
} rows[] = {
#define NEC_SAYS(id, target, member) {NEC_F_SAYS_##id, target, member},
#include "python/debugoffsets.def"
#undef NEC_SAYS
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

bool nec_debug_offsets_read(const struct nec_image *image, uint64_t addr,
			    struct nec_debug_offsets *ret)
{
	const uint8_t *p = nec_image_view(image, addr, HEAD);
	uint64_t version, free_threaded;

	if (!p || memcmp(p, cookie, sizeof(cookie)))
		return false;
	memcpy(&version, p + AT_VERSION, 8);
	memcpy(&free_threaded, p + AT_FREE_THREADED, 8);
	/* PY_VERSION_HEX; the literal in code that compares with the cookie is not followed by one.
	 */
	if (version >> 24 != 3 || free_threaded > 1)
		return false;
	*ret = (struct nec_debug_offsets){
		.addr = addr,
		.major = (unsigned int)(version >> 24),
		.minor = (unsigned int)(version >> 16 & 0xff),
		.micro = (unsigned int)(version >> 8 & 0xff),
		.free_threaded = free_threaded,
	};
	return true;
}

bool nec_debug_offsets_find(const struct nec_image *image, uint64_t start, uint64_t end,
			    struct nec_debug_offsets *ret)
{
	uint64_t addr, word, want;

	memcpy(&want, cookie, 8);
	for (addr = start; addr + HEAD <= end; addr += 8) {
		if (!nec_image_u64(image, addr, &word)) {
			addr = nec_image_next_page(image, addr) - 8;
			continue;
		}
		if (word == want && nec_debug_offsets_read(image, addr, ret))
			return true;
	}
	return false;
}

/* The struct that a member belongs to: "interpreter_state" of "interpreter_state.size". */
static bool same_struct(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return !strncmp(a, b, len + 1);
}

static bool is_size(const char *member)
{
	return !strcmp(strchr(member, '.'), ".size");
}

/* Rows [first, last) are of one struct: does all that is said of it make sense? */
static bool is_sound(const uint64_t *values, unsigned int first, unsigned int last)
{
	uint64_t limit = MAX_OFFSET;
	unsigned int i;

	for (i = first; i < last; i++)
		if (is_size(rows[i].member) && values[i] != UINT64_MAX) {
			limit = values[i];
			if (limit < 8 || limit > MAX_SIZE || limit % 4)
				return false;
		}
	for (i = first; i < last; i++)
		if (values[i] != UINT64_MAX && !is_size(rows[i].member) && values[i] > limit)
			return false;
	return true;
}

void nec_debug_offsets_claim(const struct nec_target *t, struct nec_debug_offsets *o,
			     struct nec_layout *layout)
{
	uint64_t values[ROWS];
	unsigned int i, first, last;

	for (i = 0; i < ROWS; i++) {
		int32_t at = layout->off[rows[i].at];

		if (at == NEC_NO_FIELD ||
		    !nec_image_u64(t->image, o->addr + (uint64_t)at, &values[i]))
			values[i] =
				UINT64_MAX; /* this version's do not say it, or it was not dumped */
	}
	for (first = 0; first < ROWS; first = last) {
		for (last = first + 1;
		     last < ROWS && same_struct(rows[first].member, rows[last].member); last++)
			;
		if (!is_sound(values, first, last)) {
			if (!*o->damage)
				snprintf(o->damage, sizeof(o->damage), "%.*s",
					 (int)strcspn(rows[first].member, "."), rows[first].member);
			continue;
		}
		for (i = first; i < last; i++)
			if (values[i] != UINT64_MAX)
				layout->claims[NEC_FIELD_OFFSETS][rows[i].target] =
					(int32_t)values[i];
	}
}
