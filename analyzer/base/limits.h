/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Caps on what is believed of an input, each with its reason. Nothing is allocated by a number from a file
 * that is above its cap; where a cap cuts something short, a warning says so.
 */
#ifndef NEC_BASE_LIMITS_H
#define NEC_BASE_LIMITS_H

#include <stdint.h>

/* Ids are 32-bit and 0xffffffff means none: 4 G objects are a heap of at least 64 GiB. */
#define NEC_LIMIT_OBJECTS UINT64_C(0xfffffffe)

/* Program headers of a core: Linux allows a process 65,530 mappings by default, 2^20 after tuning. */
#define NEC_LIMIT_SEGMENTS UINT64_C(1 << 20)

/* Addresses of memory are below this: the last MiB of an address space is nobody's, on x86-64 vsyscall is the last, 10 MiB
 * from the end. What lies there would wrap around where a struct begins in it. */
#define NEC_LIMIT_ADDR (UINT64_MAX - (UINT64_C(1) << 20))

/* ELF files mapped into one process: each takes two mappings or more, of 65,530 by default. */
#define NEC_LIMIT_OBJFILES UINT32_C(1 << 16)

/* Bytes of one note segment; 64 K threads of a few KiB each and a FILE note of 1 M mappings fit. */
#define NEC_LIMIT_NOTES (UINT64_C(1) << 30)

/* Threads: the kernel's own limit is 4 M (PID_MAX_LIMIT). */
#define NEC_LIMIT_THREADS (UINT64_C(1) << 22)

/* Characters of a value preview that are kept in the database. */
#define NEC_LIMIT_PREVIEW 200

/* Bytes of a value that is compared with others: a larger one is rarely there twice, and would be read for that alone. */
#define NEC_LIMIT_DIGEST (UINT64_C(16) << 20)

/* Bytes of a name (type, function, file): longer ones are cut; CPython itself has no limit. */
#define NEC_LIMIT_NAME 1024

/* Types in a process: 16 M; each is at least a KiB, so more is damage. */
#define NEC_LIMIT_TYPES (UINT64_C(1) << 24)

/* Length of a base-class chain or mro: a class deeper than this is damage or a loop. */
#define NEC_LIMIT_BASES 10000

/* Interpreters in a process: each costs megabytes. */
#define NEC_LIMIT_INTERPRETERS 65536

/* Frames of one thread: sys.setrecursionlimit was seen at a few 100,000; a loop ends here. */
#define NEC_LIMIT_FRAMES (UINT64_C(1) << 22)

/* Native frames of one thread: three or four for a call in old versions; a stack of 8 MiB holds 512 K of the smallest. */
#define NEC_LIMIT_NATIVE_FRAMES (UINT32_C(1) << 20)

/* Words of the dump that unwinding reads: for one stack without its frames, for each frame, and for all stacks. A frame takes
 * a few hundred; unwind tables that were made up to be endless are left here. */
#define NEC_LIMIT_UNWIND_STACK (UINT64_C(1) << 22)
#define NEC_LIMIT_UNWIND_FRAME UINT64_C(4096)
#define NEC_LIMIT_UNWIND_ALL   (UINT64_C(1) << 30)

/* Bytes of one file's debug information once it is unpacked, which libdw does in memory and at once: that of an interpreter is
 * 40 MiB, that of a browser 5 GiB. Above it its frames have names and no lines. */
#define NEC_LIMIT_DEBUG (UINT64_C(256) << 20)

/* Coroutines that await one another: each is a call to the interpreter, whose depth is limited as above; a loop ends here. */
#define NEC_LIMIT_AWAITS 100000

/* Tasks and greenlets: each is a KiB or more. */
#define NEC_LIMIT_TASKS (UINT32_C(1) << 24)

/* Callbacks of a task that are looked at, and what each is bound to. */
#define NEC_LIMIT_CALLBACKS 1024

/* Warnings of one kind that are kept one by one; the rest are counted. */
#define NEC_LIMIT_WARNINGS 1000

#endif
