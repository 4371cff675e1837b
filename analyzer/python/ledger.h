/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where every byte of the process is: each of its mappings' bytes in one category, once. The sum is
 * that of the mappings.
 *
 * Mappings are cut at the ends of what is known to lie in them (arenas of pymalloc, segments of
 * mimalloc, heaps and mapped chunks of malloc, stacks, the data stacks of Python's frames, zeroed data of libraries,
 * buffers of objects). A stretch belongs to the first of these that has it, and what nothing has to
 * the kind of its mapping. Arenas and heaps are counted block by block and chunk by chunk. What the
 * dump should have and has not is a category too, wherever nothing that is there says what it was.
 */
#ifndef NEC_PYTHON_LEDGER_H
#define NEC_PYTHON_LEDGER_H

#include "base/text.h"
#include "native/malloc.h"
#include "python/blocks.h"
#include "python/walk.h"

/* What a byte is used for; ledger.c has area and name of each. */
enum nec_ledger_category {
	NEC_LEDGER_OBJECTS_PYMALLOC,
	NEC_LEDGER_TABLES_PYMALLOC,
	NEC_LEDGER_OBJECTS_MIMALLOC,
	NEC_LEDGER_TABLES_MIMALLOC,
	NEC_LEDGER_OBJECTS_MALLOC,
	NEC_LEDGER_TABLES_MALLOC,
	NEC_LEDGER_OBJECTS_OTHER,
	NEC_LEDGER_SLACK_LIST,
	NEC_LEDGER_SLACK_DICT,
	NEC_LEDGER_SLACK_SET,
	NEC_LEDGER_FRAMES,
	NEC_LEDGER_RUNTIME,
	NEC_LEDGER_SYNTAX,
	NEC_LEDGER_RAW,
	NEC_LEDGER_FREE_POOLS,
	NEC_LEDGER_POOL_HEADERS,
	NEC_LEDGER_POOL_ENDS,
	NEC_LEDGER_ARENA_ALIGNMENT,
	NEC_LEDGER_POOLS_DAMAGED,
	NEC_LEDGER_MI_RAW,
	NEC_LEDGER_MI_FREE_PAGES,
	NEC_LEDGER_MI_NEVER,
	NEC_LEDGER_MI_ENDS,
	NEC_LEDGER_MI_HEADS,
	NEC_LEDGER_MI_RESERVED,
	NEC_LEDGER_MALLOC_USED,
	NEC_LEDGER_MALLOC_FREE,
	NEC_LEDGER_MALLOC_FAST,
	NEC_LEDGER_MALLOC_TCACHE,
	NEC_LEDGER_MALLOC_TOP,
	NEC_LEDGER_MALLOC_OVERHEAD,
	NEC_LEDGER_MALLOC_RESERVE,
	NEC_LEDGER_MALLOC_DAMAGED,
	NEC_LEDGER_MALLOC_MISSING,
	NEC_LEDGER_MAPPED_USED,
	NEC_LEDGER_STACK_USED,
	NEC_LEDGER_STACK_LEFT,
	NEC_LEDGER_STACK_UNTOUCHED,
	NEC_LEDGER_STACK_KEPT,
	NEC_LEDGER_TLS,
	NEC_LEDGER_FILE_CODE,
	NEC_LEDGER_FILE_READ,
	NEC_LEDGER_FILE_DATA,
	NEC_LEDGER_FILE_ZEROED,
	NEC_LEDGER_FILE_WRITABLE,
	NEC_LEDGER_SHARED,
	NEC_LEDGER_CODE,
	NEC_LEDGER_NO_ACCESS,
	NEC_LEDGER_KERNEL,
	NEC_LEDGER_CUT,
	NEC_LEDGER_UNKNOWN,
	NEC_LEDGER_CATEGORIES,
};

struct nec_ledger_sum {
	uint64_t bytes, count;
};

/* Large data of the instances of a type. */
struct nec_ledger_type {
	const struct nec_type *type;
	struct nec_ledger_sum sum;
	uint64_t slack; /* of sum: room that they do not use */
};

/* Chunks of malloc that no object has, of one size and with the same in their first word. */
struct nec_unowned {
	uint64_t size;
	uint64_t first; /* address in a mapped file: of a vtable or function; otherwise enum
			   nec_unowned_kind */
	struct nec_ledger_sum sum;
};

enum nec_unowned_kind {
	NEC_UNOWNED_ZERO,
	NEC_UNOWNED_TEXT,
	NEC_UNOWNED_POINTER, /* into other memory */
	NEC_UNOWNED_OTHER,
	NEC_UNOWNED_KINDS,
};

/* Groups are kept in a table of so many slots: what comes when it is full is told by its kind
 * alone. */
enum { NEC_UNOWNED_SLOTS = 8192 };

struct nec_ledger_row {
	const char *area, *category;
	uint64_t bytes, count;
};

enum nec_region_kind {
	NEC_REGION_ARENA,
	NEC_REGION_SEGMENT, /* of mimalloc */
	NEC_REGION_HEAP,
	NEC_REGION_MAPPED,
	NEC_REGION_FRAMES,
	NEC_REGION_LOST, /* with a stack in use that is zeros: who made the dump could not read it */
	NEC_REGION_STACK,
	NEC_REGION_KEPT, /* a stack that no thread of the dump is on */
	NEC_REGION_DATA, /* of an object */
	NEC_REGION_ZEROED,
	NEC_REGION_TLS,
	NEC_REGION_KINDS,
};

struct nec_region {
	uint64_t start, end;
	uint64_t of; /* index of the arena or heap; the object that has the data; the stack pointer
		      */
};

struct nec_ledger {
	/* Borrowed. */
	const struct nec_target *target;
	struct nec_types *types;
	const struct nec_heap *heap;
	const struct nec_malloc *malloc;
	const struct nec_walk *walk;
	struct nec_blocks *blocks; /* is told of every block in use of pymalloc and mimalloc */
	struct nec_tmparray regions[NEC_REGION_KINDS]; /* struct nec_region[]: of each kind by
							  address, none over another */
	struct nec_tmparray
		runtime; /* uint64_t[]: where the interpreter's own structures begin, ascending */
	const struct nec_visitor *set_visitor;
	uint64_t least_container; /* bytes of a block that may hold a list, a dict or a set */
	struct nec_ledger_sum sums[NEC_LEDGER_CATEGORIES];
	struct nec_ledger_sum free_blocks[NEC_SIZE_CLASSES];
	struct nec_ledger_sum mi_free_blocks[NEC_MI_CLASSES]; /* by nec_mimalloc.classes */
	struct nec_ledger_type *data; /* owned */
	uint32_t data_count;
	struct nec_unowned
		*unowned; /* owned: NEC_UNOWNED_SLOTS, after counting the groups by bytes */
	uint32_t unowned_count;
	/* Rooms that containers have and do not use: to be taken from where their tables lie. */
	uint64_t slack_pymalloc, slack_mimalloc, slack_malloc;
	uint64_t total; /* of all mappings */
	uint32_t given; /* rows so far */
	char name[160];
};

/* Counts. walk is done; blocks, which may be asked afterwards, is fresh. */
struct nec_error *nec_ledger_init(struct nec_ledger *ledger, const struct nec_walk *walk,
				  struct nec_blocks *blocks, const char *tmpdir);
void nec_ledger_deinit(struct nec_ledger *ledger);

/*
 * What the chunks of a group begin with, for a person: "text", "SSL_CTX_new in libssl.so.3". Adds
 * to out.
 */
void nec_ledger_unowned_text(const struct nec_ledger *ledger, const struct nec_unowned *group,
			     struct nec_text *out);

/* The next row that is not empty; false behind the last. Strings are borrowed until the next call.
 */
bool nec_ledger_next(struct nec_ledger *ledger, struct nec_ledger_row *ret);

#endif
