/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzzes the meliae reader; see fuzz.h. */
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(nec_format_meliae)
