/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The labels of a path as one expression that a person would write. */
#ifndef NEC_LABEL_H
#define NEC_LABEL_H

#include "base/text.h"
#include "necropsy.h"

/* Adds the expression of a line of paths, whose text is not made yet. */
struct nec_error *nec_path_text(const struct nec_paths *paths, const struct nec_path_line *line,
				struct nec_text *text);

#endif
