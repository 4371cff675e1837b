/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The versions of CPython that there are tables for. Besides discovery the only place that knows versions.
 *
 * To add one: docs/layouts.md.
 */
#ifndef NEC_PYTHON_LAYOUTS_H
#define NEC_PYTHON_LAYOUTS_H

#include "python/layout.h"

struct nec_layout_offset {
	enum nec_field field;
	int32_t off; /* NEC_NO_FIELD: the version below has it, this one not */
};

/* A row for the struct, whose off is its size (-1: there is no such type), then a row a member. */
struct nec_layout_ctype_row {
	const char *type;
	int32_t off;
	const char *member;
};

struct nec_layout_version {
	const char *name, *abi;
	unsigned int major, minor;
	const struct nec_layout_version *base; /* inherits what it does not say: offsets, C types and traits */
	const struct nec_layout_offset *offsets;
	uint32_t offset_count;
	const struct nec_layout_ctype_row *ctype_rows; /* rows of a type lie together */
	uint32_t ctype_row_count;
};

/* The table of a version, NULL for none. */
const struct nec_layout_version *nec_layout_find(unsigned int major, unsigned int minor, const char *abi);

/* What it keeps differently, and what it has from its bases. */
struct nec_traits nec_layout_traits(const struct nec_layout_version *v);

/* The tables one by one, a release build before its debug build; NULL behind the last. */
const struct nec_layout_version *nec_layout_at(unsigned int i);

/* The newest release; its bases lead to the older ones. */
const struct nec_layout_version *nec_layout_newest(void);

/* "2.7, 3.6 to 3.15, ...": for messages; NEC_LAYOUT_VERSIONS bytes have room for it. */
enum { NEC_LAYOUT_VERSIONS = 128 };
void nec_layout_versions(char *buf, size_t size);

#endif
