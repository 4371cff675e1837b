/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layouts of glibc's malloc on 64-bit machines, each read from the debug information or the source
 * of the releases it is named for. Offsets in bytes. A release that changes one of them is a new
 * row.
 */
#ifndef NEC_NATIVE_GLIBC_H
#define NEC_NATIVE_GLIBC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	NEC_GLIBC_BINS = 127, /* pairs of links in malloc_state.bins */
	NEC_GLIBC_FASTBINS = 10,
	NEC_GLIBC_HEADER = 16, /* prev_size and size before the user's memory */
	NEC_GLIBC_LEAST = 32,  /* MINSIZE */
};

/* HEAP_MAX_SIZE: twice DEFAULT_MMAP_THRESHOLD_MAX. */
#define NEC_GLIBC_HEAP_MAX (UINT64_C(64) << 20)

/* Flags in the size word. */
enum {
	NEC_GLIBC_PREV_INUSE = 1,
	NEC_GLIBC_MMAPPED = 2,
	NEC_GLIBC_NON_MAIN = 4,
	NEC_GLIBC_FLAGS = 7
};

/* struct malloc_state. top is two words before bins; next, next_free are behind them. */
struct nec_glibc {
	const char *releases;
	uint16_t bins;
	uint16_t fastbins; /* 0: none */
	uint16_t next;
	uint16_t system_mem; /* max_system_mem is the word behind it */
	uint16_t size;
};

extern const struct nec_glibc nec_glibcs[];
extern const unsigned int nec_glibc_count;

/* struct malloc_par, as far as it tells something. */
struct nec_glibc_par {
	const char *releases;
	uint8_t trim_threshold, mmap_threshold, arena_test, arena_max;
	uint8_t n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold; /* int */
	uint8_t mmapped_mem, max_mmapped_mem, sbrk_base;
};

extern const struct nec_glibc_par nec_glibc_pars[];
extern const unsigned int nec_glibc_par_count;

/* struct tcache_perthread_struct. */
struct nec_glibc_tcache {
	const char *releases;
	uint8_t bins, small_bins; /* a small one holds chunks of one size */
	uint8_t count_bytes;
	bool counts_room; /* what its counts say is how many more would fit */
	uint16_t entries;
	uint16_t chunk_size; /* of the chunk that it lies in */
};

extern const struct nec_glibc_tcache nec_glibc_tcaches[];
extern const unsigned int nec_glibc_tcache_count;

/* struct heap_info: ar_ptr, prev, size, mprotect_size; its sizes in releases up to 2.34 and
 * from 2.35 on. */
enum { NEC_HEAP_ARENA = 0, NEC_HEAP_PREV = 8, NEC_HEAP_SIZE = 16, NEC_HEAP_MPROTECT = 24 };
extern const uint8_t nec_glibc_heap_infos[2];

#endif
