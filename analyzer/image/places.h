/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an address of native code is called: function and library by the symbols, function, source
 * file and line by the debug information of the matching file or of its separate debug file; and
 * the functions that the compiler put into others (DWARF 5, 3.3.8). What was found is kept, since
 * stacks share their addresses.
 */
#ifndef NEC_IMAGE_PLACES_H
#define NEC_IMAGE_PLACES_H

#include "image/image.h"

struct nec_place {
	const char *function; /* NULL: not known */
	const char *library; /* path of the ELF file as the process had it; NULL: code of no file */
	const char *file;    /* source; NULL: not known */
	int32_t line;        /* 0: not known */
	uint32_t objfile;    /* of library, UINT32_MAX: none */
	bool inlined;        /* is a part of the function that follows */
};

struct nec_places;

/* Strings of places are borrowed until the destruction; image must outlive it. */
struct nec_error *nec_places_create(const struct nec_image *image, struct nec_places **places_ret);

/* From here on names come from symbols alone for code of this file, and where debug information would take long to unpack. */
void nec_places_hurry(struct nec_places *places, uint32_t objfile);

void nec_places_destroy(struct nec_places *places); /* NULL is fine */

/*
 * The places of an address: inlined functions first, then the function that they are in; at least
 * one. For a return address ask for the byte before it. Borrowed until the next call. Errors: no
 * memory.
 */
struct nec_error *nec_places_find(struct nec_places *places, uint64_t addr,
				  const struct nec_place **list_ret, uint32_t *count_ret);

#endif
