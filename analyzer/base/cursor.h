/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bounded cursor over bytes that nobody vouches for.
 *
 * Reads are little-endian unless they say be; running over the end sets `failed` once and for all and
 * yields zeros, so a parser reads a whole record and checks once. Nothing is allocated or copied.
 */
#ifndef NEC_BASE_CURSOR_H
#define NEC_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct nec_cursor {
	const uint8_t *data; /* borrowed */
	size_t size;	     /* bytes in data */
	size_t off;	     /* next byte to read, <= size */
	bool failed;	     /* a read went over the end */
};

static inline struct nec_cursor nec_cursor_init(const void *data, size_t size)
{
	return (struct nec_cursor){.data = data, .size = size};
}

static inline size_t nec_cursor_left(const struct nec_cursor *c)
{
	return c->size - c->off;
}

/* Borrows len bytes and steps over them; NULL and failed when they are not there. */
static inline const void *nec_cursor_bytes(struct nec_cursor *c, size_t len)
{
	const void *p;

	if (c->failed || len > nec_cursor_left(c)) {
		c->failed = true;
		return NULL;
	}
	p = c->data + c->off;
	c->off += len;
	return p;
}

#define NEC_CURSOR_READ_(name, type, conv)                                                         \
	static inline type nec_cursor_##name(struct nec_cursor *c)                                 \
	{                                                                                          \
		const void *p = nec_cursor_bytes(c, sizeof(type));                                 \
		type v = 0;                                                                        \
		if (p)                                                                             \
			memcpy(&v, p, sizeof(v));                                                  \
		return conv(v);                                                                    \
	}
#define NEC_CURSOR_SAME_(v) (v)
NEC_CURSOR_READ_(u8, uint8_t, NEC_CURSOR_SAME_)
NEC_CURSOR_READ_(u16, uint16_t, NEC_CURSOR_SAME_)
NEC_CURSOR_READ_(u32, uint32_t, NEC_CURSOR_SAME_)
NEC_CURSOR_READ_(u64, uint64_t, NEC_CURSOR_SAME_)
NEC_CURSOR_READ_(u16be, uint16_t, __builtin_bswap16)
NEC_CURSOR_READ_(u32be, uint32_t, __builtin_bswap32)
NEC_CURSOR_READ_(u64be, uint64_t, __builtin_bswap64)

/* A NUL-terminated string inside the bytes, borrowed; NULL and failed when no NUL follows. */
static inline const char *nec_cursor_cstr(struct nec_cursor *c)
{
	const uint8_t *nul = c->failed ? NULL : memchr(c->data + c->off, 0, nec_cursor_left(c));
	const char *s;

	if (!nul) {
		c->failed = true;
		return NULL;
	}
	s = (const char *)c->data + c->off;
	c->off = (size_t)(nul - c->data) + 1;
	return s;
}

/* Steps to the next multiple of align (a power of two) counted from data. */
static inline void nec_cursor_align(struct nec_cursor *c, size_t align)
{
	size_t pad = -c->off & (align - 1);

	nec_cursor_bytes(c, pad > nec_cursor_left(c) ? nec_cursor_left(c) : pad);
}

#endif
