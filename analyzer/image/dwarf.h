/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Struct layouts from the DWARF of an ELF file: where does a field lie in the very binary that died?
 * The only user of libdw's type queries. Debug files by build id (/usr/lib/debug/.build-id, and debuginfod where
 * DEBUGINFOD_URLS says so) are found by libdwfl's rules.
 */
#ifndef NEC_IMAGE_DWARF_H
#define NEC_IMAGE_DWARF_H

#include <stdint.h>

#include "base/error.h"

struct nec_dwarf;

/* Opens the debug information of the ELF file at path. NEC_ERR_NOTFOUND when it has none. */
struct nec_error *nec_dwarf_open(const char *path, struct nec_dwarf **dwarf_ret);
void nec_dwarf_close(struct nec_dwarf *dwarf);

/*
 * The offset in bytes and the size of a member. type is the name of a struct, union or typedef of one
 * ("PyListObject", "_typeobject"); member is a path through nested and anonymous ones ("gc.generations",
 * "ht_type.tp_name", "interned.dicts", "a[1]" steps one element). An empty path is the type itself: offset 0 and its size.
 * A bit field gives the offset of its lowest bit from the start of the type in *bit_ret, the byte that holds that bit in
 * *off_ret and its width in bits in *size_ret; others give -1 in *bit_ret. bit_ret may be NULL.
 *
 * Where a file has several types of the name that differ in size, type says which: "FILE.c:NAME" takes the one of the
 * compilation unit FILE.c. Without it that is NEC_ERR_USAGE, and the message names the files.
 */
struct nec_error *nec_dwarf_member(struct nec_dwarf *dwarf, const char *type, const char *member,
				   int64_t *off_ret, uint64_t *size_ret, int64_t *bit_ret);

/* One member found by nec_dwarf_pointers or nec_dwarf_members; name is borrowed for the call. An error ends the enumeration. */
typedef struct nec_error *nec_dwarf_pointer_fn(void *arg, const char *name, int64_t off);

/* What dwarf only declares, as an extension module does with types of the interpreter, is looked up in definitions, which must outlive it. */
void nec_dwarf_define_in(struct nec_dwarf *dwarf, struct nec_dwarf *definitions);

/*
 * All members of type, also in structs nested by value, that are pointers to head_type or to a struct that begins as it
 * does (the same first member, through structs at offset 0). Arrays are left out.
 */
struct nec_error *nec_dwarf_pointers(struct nec_dwarf *dwarf, const char *type, const char *head_type,
				     nec_dwarf_pointer_fn *fn, void *arg);

/*
 * The members of type that are no numbers: pointers, arrays, structs. Those of a struct nested by value stand in its place where it has at most
 * NEC_DWARF_FLAT members.
 */
struct nec_error *nec_dwarf_members(struct nec_dwarf *dwarf, const char *type, nec_dwarf_pointer_fn *fn, void *arg);

enum { NEC_DWARF_FLAT = 24 };

/* The value of an enumerator ("NAME" of any enum of the file). */
struct nec_error *nec_dwarf_enumerator(struct nec_dwarf *dwarf, const char *name, int64_t *value_ret);

/*
 * The link-time address of a variable with static storage, also one that is local to a file: name is "NAME", which prefers
 * an external one, or "FILE.c:NAME". Several static ones without a file are NEC_ERR_USAGE.
 */
struct nec_error *nec_dwarf_variable(struct nec_dwarf *dwarf, const char *name, uint64_t *vaddr_ret,
				     uint64_t *size_ret);

#endif
