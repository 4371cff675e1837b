/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an instruction to its line: the tables that code objects carry, in the four forms they have
 * had (Objects/lnotab_notes.txt, Objects/locations.md, PEP 626, PEP 657).
 */
#ifndef NEC_PYTHON_LINETABLE_H
#define NEC_PYTHON_LINETABLE_H

#include "python/target.h"

/* Where in its source an instruction comes from; 0: not known. */
struct nec_position {
	int32_t line;
	int32_t column;               /* byte of the line, the first is 1; 3.11 on */
	int32_t end_line, end_column; /* column behind the last byte */
};

/* Of the instruction at byte lasti of a code object; below 0: of one that has not begun. */
void nec_code_position(const struct nec_target *t, uint64_t code, int64_t lasti,
		       struct nec_position *ret);

#endif
