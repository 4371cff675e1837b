/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unpacking: one decoder a compression, all driven by input.c in the same loop. To add one: a row in decoders.c and its
 * library in configure.ac. A library that was not there at build time leaves a row without functions, so that the file is
 * still named for what it is.
 */
#ifndef NEC_FORMATS_DECODER_H
#define NEC_FORMATS_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nec_decode {
	void *state; /* the decoder's */
	const uint8_t *in;
	size_t in_size, in_pos;
	uint8_t *out;
	size_t out_size, out_pos;
	bool at_end;	     /* a frame ended, and no other one has begun */
	const char *problem; /* why decode said false; static */
};

struct nec_decoder {
	const char *name; /* as nec_input_compression says it */
	uint8_t magic[6];
	uint8_t magic_size;
	/* Bytes that the first frame unpacks to, where its header says so; otherwise 0. */
	uint64_t (*content_size)(const uint8_t *head, size_t size);
	struct nec_error *(*open)(struct nec_decode *d); /* NULL: this build lacks the library */
	/* Takes what it can of in and gives what fits in out. False when the stream is damaged. */
	bool (*decode)(struct nec_decode *d);
	void (*close)(struct nec_decode *d);
};

/* The decoder whose magic number a file begins with, NULL for none. */
const struct nec_decoder *nec_decoder_find(const uint8_t *head, size_t size);

#endif
