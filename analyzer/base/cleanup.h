/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scope guards: a local marked _cleanup_(fn) is passed to fn by address when it leaves scope.
 */
#ifndef NEC_BASE_CLEANUP_H
#define NEC_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((__cleanup__(fn)))

static inline void nec_freep(void *p)
{
	free(*(void **)p);
}

static inline void nec_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void nec_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_   _cleanup_(nec_freep)
#define _cleanup_close_  _cleanup_(nec_closep)
#define _cleanup_fclose_ _cleanup_(nec_fclosep)

/* Takes the value out of a guarded pointer, so that the guard lets go of it. */
#define nec_take(p)                                                                                \
	({                                                                                         \
		__typeof__(p) nec_taken_ = (p);                                                    \
		(p) = NULL;                                                                        \
		nec_taken_;                                                                        \
	})

#endif
