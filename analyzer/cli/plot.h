/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture of a trend: series over time with the limit and when it is reached, as a standalone
 * SVG. */
#ifndef NEC_CLI_PLOT_H
#define NEC_CLI_PLOT_H

#include "base/text.h"
#include "necropsy.h"

/* trend is what nec_trend made. Adds the SVG. */
struct nec_error *nec_plot_trend(struct nec_db *trend, struct nec_text *svg);

#endif
