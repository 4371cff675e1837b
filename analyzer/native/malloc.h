/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The heap of glibc's malloc as the process left it: arenas, the stretches of memory that they take
 * chunks from, and every chunk with its state. Source of the structures: glibc's malloc/malloc.c
 * and malloc/arena.c; which offsets a release has is data (native/glibc.h), and which release it
 * was the memory itself says.
 *
 * Nothing needs a symbol or a file. main_arena is the place in the static data of some library
 * whose bins point at themselves; its `next` leads through all other arenas, each of which begins
 * with the heap_info that lies at a multiple of 64 MiB. Where main_arena is gone, those are looked
 * for instead, and its heap is the mapping that is chunks from end to end.
 *
 * A heap is read from its first chunk to its last, each giving the place of the next. One that
 * makes no sense is reported with its neighbours; the walk goes on at the next place from where a
 * chain of chunks follows.
 */
#ifndef NEC_NATIVE_MALLOC_H
#define NEC_NATIVE_MALLOC_H

#include "base/addrset.h"
#include "image/image.h"

enum nec_chunk_state {
	NEC_CHUNK_USED,
	NEC_CHUNK_FREE,     /* in a bin of its arena */
	NEC_CHUNK_FAST,     /* in a fast bin: freed, and not joined with its neighbours */
	NEC_CHUNK_TCACHE,   /* freed, and kept by the thread that did it */
	NEC_CHUNK_TOP,      /* the last of an arena, from which it takes when no bin has any */
	NEC_CHUNK_OVERHEAD, /* heap_info, malloc_state, marks at the end of a heap */
	NEC_CHUNK_RESERVE,  /* behind the top: given back, address space only */
	NEC_CHUNK_DAMAGED,  /* no chain of chunks leads through it */
	NEC_CHUNK_MISSING,  /* the dump does not have it */
	NEC_CHUNK_STATES,
};

/* A stretch of a heap. The user's memory begins 16 bytes behind its start and goes on for 8 bytes
 * into the next one. */
struct nec_chunk {
	uint64_t start, size;
	enum nec_chunk_state state;
};

struct nec_chunk_sum {
	uint64_t count, bytes;
};

/* Contiguous memory of an arena. */
struct nec_malloc_heap {
	uint64_t start, end; /* end is that of what belongs to it, the reserve too */
	uint64_t first;      /* its first chunk */
	uint64_t chunks_end; /* behind its last */
	uint32_t arena;
	struct nec_chunk_sum sums[NEC_CHUNK_STATES];
	struct nec_chunk last; /* its last chunk in use: what is above it could be given back; size
				  0: none */
	uint64_t release; /* whole pages of free chunks and of the top: what malloc_trim would give
			     back */
	bool sparse;      /* so much of it is free that somebody will ask what keeps it */
};

struct nec_malloc_arena {
	uint64_t addr; /* of its malloc_state; 0: the main one, of which the dump has the heap alone */
	uint64_t top, top_size;
	uint64_t system_mem, max_system_mem; /* as malloc_info says */
	bool is_main;
	struct nec_chunk_sum sums[NEC_CHUNK_STATES];
};

/* A chunk that was too large for a heap: it has a mapping of its own. */
struct nec_malloc_mapped {
	uint64_t start, end;
};

struct nec_malloc_corrupt {
	uint64_t addr;   /* the chunk whose header makes no sense */
	uint64_t before; /* the chunk before it; 0: it is the first */
	uint64_t after;  /* where the walk went on; 0: at the end of the heap */
	uint64_t word;   /* what its size word says */
};

enum { NEC_MALLOC_CORRUPT = 64 };

struct nec_malloc {
	const struct nec_image *image; /* borrowed */
	const char *other; /* another allocator that was loaded: "musl", "jemalloc"; NULL: none */
	struct nec_malloc_arena *arenas;  /* owned; main_arena first when it was found */
	struct nec_malloc_heap *heaps;    /* owned, by address */
	struct nec_malloc_mapped *mapped; /* owned, by address */
	uint32_t sparse_count;            /* heaps that are sparse */
	uint32_t arena_count, heap_count, mapped_count, mapped_capacity;
	uint64_t mapped_bytes;
	int64_t said_mapped,
		said_mapped_bytes; /* as malloc_info says; -1: its place was not found */
	uint64_t trim_threshold, mmap_threshold, arena_max; /* 0: not known */
	struct nec_addrset *starts; /* owned: every chunk of a heap, indexed */
	struct nec_addrset *idle;   /* owned: chunks that are free; 8 bytes on, those in fast bins;
				       both: tcache */
	struct nec_malloc_corrupt corrupt[NEC_MALLOC_CORRUPT];
	uint64_t corrupt_count;        /* of all, those that are not in corrupt[] too */
	uint64_t bad_lists;            /* tcache or fast bin lists that lead to no chunk */
	const struct nec_glibc *glibc; /* layout, NULL when there is no arena */
};

/* No arena is no error. */
struct nec_error *nec_malloc_init(struct nec_malloc *m, const struct nec_image *image);
void nec_malloc_deinit(struct nec_malloc *m);

/* The chunk of a heap that holds addr; false when there is none. */
bool nec_malloc_chunk(const struct nec_malloc *m, uint64_t addr, struct nec_chunk *ret);

/* Is the heap that holds addr known? Then what nec_malloc_chunk says of it holds. */
const struct nec_malloc_heap *nec_malloc_heap(const struct nec_malloc *m, uint64_t addr);
const struct nec_malloc_mapped *nec_malloc_mapped(const struct nec_malloc *m, uint64_t addr);

/* Every byte of a heap, from its start to its end, in one stretch each. */
struct nec_chunk_iter {
	const struct nec_malloc *malloc;
	const struct nec_malloc_heap *heap;
	uint64_t at;
};

void nec_chunk_iter_init(struct nec_chunk_iter *it, const struct nec_malloc *m,
			 const struct nec_malloc_heap *heap);
bool nec_chunk_iter_next(struct nec_chunk_iter *it, struct nec_chunk *ret);

#endif
