/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mimalloc as CPython brings it along (3.13 on), where PYTHONMALLOC=mimalloc made it the allocator
 * of objects: segments, their pages, and which blocks of these are in use. Structures and
 * invariants: Objects/mimalloc/{segment,page,heap}.c and Include/internal/mimalloc/mimalloc/types.h.
 *
 * Nothing needs a symbol. A segment begins at a multiple of 32 MiB with a head that describes each
 * of its slices of 64 KiB, and its cookie is its own address mixed with one number of the process.
 */
#ifndef NEC_PYTHON_MIMALLOC_H
#define NEC_PYTHON_MIMALLOC_H

#include "base/addrset.h"
#include "python/target.h"

/* MI_SEGMENT_SLICE_SIZE and MI_SLICES_PER_SEGMENT. */
#define NEC_MI_SLICE UINT64_C(65536)
enum { NEC_MI_SLICES = 512, NEC_MI_CLASSES = 128 };

/* A stretch of a segment that has blocks of one size. */
struct nec_mi_page {
	uint64_t start, end; /* of its slices */
	uint64_t first;      /* its first block */
	uint64_t size;	     /* of a block, bytes */
	uint32_t capacity;   /* blocks that were ever handed out or on a list */
	uint32_t reserved;   /* blocks that it has room for */
	uint32_t used;	     /* blocks in use */
	uint16_t class;	     /* index of nec_mimalloc.classes */
};

/* MI_SEGMENT: 32 MiB, or as large as the one block that it is for. */
struct nec_mi_segment {
	uint64_t start, end;
	uint64_t head_end;	      /* behind the slices of the head */
	uint32_t page_index, pages;   /* in nec_mimalloc.pages, by address */
	uint64_t used, used_count;    /* blocks in use */
	uint64_t idle, idle_count;    /* free blocks of its pages, and rooms never used */
	uint64_t spare;		      /* slices of no page */
};

struct nec_mi_class {
	uint64_t size; /* of a block; ascending; 0: those of more than 16 MiB */
	uint64_t pages, used, free;
};

struct nec_mimalloc {
	const struct nec_target *target;      /* borrowed */
	struct nec_mi_segment *segments;      /* owned, by address */
	struct nec_mi_page *pages;	      /* owned, by address */
	uint32_t segment_count, page_count, page_capacity;
	struct nec_mi_class classes[NEC_MI_CLASSES];
	uint32_t class_count;
	struct nec_addrset *free_blocks; /* owned: blocks on lists of their page or heap */
	uint64_t damaged;		 /* pages whose lists make no sense */
};

/* None found is no error. */
struct nec_error *nec_mimalloc_init(struct nec_mimalloc *mi, const struct nec_target *target);
void nec_mimalloc_deinit(struct nec_mimalloc *mi);

/* The segment that holds addr, NULL for none. */
const struct nec_mi_segment *nec_mimalloc_segment(const struct nec_mimalloc *mi, uint64_t addr);

/* The page that holds addr, NULL for none: a head, a slice of no page. */
const struct nec_mi_page *nec_mimalloc_page(const struct nec_mimalloc *mi,
					    const struct nec_mi_segment *segment, uint64_t addr);

/* Behind the last place of a segment that a block begins at, as far as sets of blocks need to reach. */
static inline uint64_t nec_mi_covered(const struct nec_mi_segment *segment)
{
	uint64_t most = segment->start + NEC_MI_SLICES * NEC_MI_SLICE;

	return segment->end < most ? segment->end : most;
}

/* Is the block that begins there in use? */
static inline bool nec_mimalloc_used(const struct nec_mimalloc *mi, const struct nec_mi_page *page,
				     uint64_t block)
{
	return block < page->first + (uint64_t)page->capacity * page->size &&
	       !nec_addrset_has(mi->free_blocks, block);
}

#endif
