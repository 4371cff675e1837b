/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts of glibc's malloc; see glibc.h. */
#include "native/glibc.h"

const struct nec_glibc nec_glibcs[] = {
	{"2.17-2.22", .bins = 104, .fastbins = 8, .next = 2152, .system_mem = 2168, .size = 2184},
	{"2.23-2.26", .bins = 104, .fastbins = 8, .next = 2152, .system_mem = 2176, .size = 2192},
	{"2.27-2.42", .bins = 112, .fastbins = 16, .next = 2160, .system_mem = 2184, .size = 2200},
	{"2.43", .bins = 24, .fastbins = 0, .next = 2072, .system_mem = 2096, .size = 2112},
};
const unsigned int nec_glibc_count = sizeof(nec_glibcs) / sizeof(nec_glibcs[0]);

#define PAR(r, mmaps, mem, sbrk)                                                                   \
	{                                                                                          \
		.releases = r, .trim_threshold = 0, .mmap_threshold = 16, .arena_test = 24,        \
		.arena_max = 32, .n_mmaps = mmaps, .n_mmaps_max = mmaps + 4,                       \
		.max_n_mmaps = mmaps + 8, .no_dyn_threshold = mmaps + 12, .mmapped_mem = mem,      \
		.max_mmapped_mem = mem + 8, .sbrk_base = sbrk,                                     \
	}

const struct nec_glibc_par nec_glibc_pars[] = {
	PAR("2.17-2.23", 40, 56, 80), /* with max_total_mem */
	PAR("2.24-2.34", 40, 56, 72),
	PAR("2.35-2.42", 60, 80, 96),
	PAR("2.43", 68, 88, 104),
};
const unsigned int nec_glibc_par_count = sizeof(nec_glibc_pars) / sizeof(nec_glibc_pars[0]);

const struct nec_glibc_tcache nec_glibc_tcaches[] = {
	{"2.26-2.29", .bins = 64, .small_bins = 64, .count_bytes = 1, .entries = 64,
	 .chunk_size = 592},
	{"2.30-2.41", .bins = 64, .small_bins = 64, .count_bytes = 2, .entries = 128,
	 .chunk_size = 656},
	{"2.42-2.43", .bins = 76, .small_bins = 64, .count_bytes = 2, .counts_room = true,
	 .entries = 152, .chunk_size = 768},
};
const unsigned int nec_glibc_tcache_count =
	sizeof(nec_glibc_tcaches) / sizeof(nec_glibc_tcaches[0]);

const uint8_t nec_glibc_heap_infos[2] = {32, 48};
