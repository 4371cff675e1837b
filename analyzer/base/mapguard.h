/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mapped files that become shorter, or whose disk fails, while they are read. The kernel answers
 * with SIGBUS then, wherever the word is read. The program that installs the guard reads zeros
 * instead and is told: long work ends at its next step (base/progress.h), and whoever has a result
 * asks nec_mapguard_check() before it is believed. Without it, in a program that only links the
 * library, SIGBUS does what it does.
 */
#ifndef NEC_BASE_MAPGUARD_H
#define NEC_BASE_MAPGUARD_H

#include <stddef.h>

#include "base/error.h"

/* Handles SIGBUS from now on, in all threads. Others than those of mapped files end the process as
 * ever. */
void nec_mapguard_install(void);

/* Says what is mapped at data: a fault takes the rest of it at once, and an error has its name.
 * path is copied. */
void nec_mapguard_add(const void *data, size_t size, const char *path);

/* To be called before munmap. */
void nec_mapguard_remove(const void *data);

/* NEC_ERR_OS once something could not be read. */
struct nec_error *nec_mapguard_check(void);

#endif
