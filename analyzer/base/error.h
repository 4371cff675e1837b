/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors as values.
 *
 * A function that can fail returns struct nec_error *: NULL is success, anything else is owned by
 * the caller, who returns it upwards, wraps it, turns it into a warning, or destroys it. A message
 * says what, where and what was expected; it may hold text from a dump, so whoever prints it goes
 * through nec_escape (base/text.h). The model is libdrgn's error.h.
 */
#ifndef NEC_BASE_ERROR_H
#define NEC_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/cleanup.h"

enum nec_errc {
	NEC_ERR_OTHER,	     /* nothing more precise */
	NEC_ERR_USAGE,	     /* the caller asked for something that makes no sense */
	NEC_ERR_NOMEM,	     /* out of memory */
	NEC_ERR_OS,	     /* the operating system said no; message holds strerror */
	NEC_ERR_NOSPACE,     /* no room on the disk */
	NEC_ERR_FORMAT,	     /* the input is not what it says it is */
	NEC_ERR_UNSUPPORTED, /* understood, and not done here: 32-bit, PyPy, ... */
	NEC_ERR_FAULT,	     /* memory that the dump does not have */
	NEC_ERR_NOTFOUND,    /* no such thing */
	NEC_ERR_STORE,	     /* the database said no */
	NEC_ERR_CANCELLED,   /* the user did */
	NEC_ERR_LIMIT,	     /* a cap of base/limits.h was reached */
};

struct nec_error {
	enum nec_errc code;
	bool is_static; /* never freed: out of memory while making an error */
	char *message;	/* owned, never NULL */
};

/* The error for when there is no memory to make one. */
extern struct nec_error nec_enomem;

/* A new error, to be destroyed by the caller. Never NULL. */
struct nec_error *nec_error_create(enum nec_errc code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* "WHAT: strerror(errnum)"; ENOMEM, ENOSPC and EDQUOT get codes of their own. */
struct nec_error *nec_error_os(int errnum, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* Prefixes "context: " to err's message; consumes err, keeps its code. NULL stays NULL. */
struct nec_error *nec_error_wrap(struct nec_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL is fine. */
void nec_error_destroy(struct nec_error *err);

static inline void nec_error_destroyp(struct nec_error **errp)
{
	nec_error_destroy(*errp);
}

/* Returns from the calling function when expr yields an error. */
#define NEC_TRY(expr)                                                                              \
	do {                                                                                       \
		struct nec_error *nec_try_err_ = (expr);                                           \
		if (nec_try_err_)                                                                  \
			return nec_try_err_;                                                       \
	} while (0)

#endif
