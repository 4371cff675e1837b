/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors as values; see error.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct nec_error nec_enomem = {
	.code = NEC_ERR_NOMEM,
	.is_static = true,
	.message = (char *)"out of memory",
};

/* Consumes message; NULL means that there was no memory for it. */
static struct nec_error *error_from(enum nec_errc code, char *message)
{
	struct nec_error *err;

	if (!message)
		return &nec_enomem;
	err = malloc(sizeof(*err));
	if (!err) {
		free(message);
		return &nec_enomem;
	}
	*err = (struct nec_error){.code = code, .message = message};
	return err;
}

static char *format_message(const char *fmt, va_list ap)
{
	char *message;

	return vasprintf(&message, fmt, ap) < 0 ? NULL : message;
}

struct nec_error *nec_error_create(enum nec_errc code, const char *fmt, ...)
{
	va_list ap;
	char *message;

	va_start(ap, fmt);
	message = format_message(fmt, ap);
	va_end(ap);
	return error_from(code, message);
}

struct nec_error *nec_error_os(int errnum, const char *fmt, ...)
{
	enum nec_errc code = errnum == ENOMEM                          ? NEC_ERR_NOMEM
			     : errnum == ENOSPC || errnum == EDQUOT ? NEC_ERR_NOSPACE
								       : NEC_ERR_OS;
	_cleanup_free_ char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = format_message(fmt, ap);
	va_end(ap);
	return nec_error_create(code, "%s: %s", what ? what : "?", strerror(errnum));
}

struct nec_error *nec_error_wrap(struct nec_error *err, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	struct nec_error *wrapped;
	va_list ap;

	if (!err)
		return NULL;
	va_start(ap, fmt);
	what = format_message(fmt, ap);
	va_end(ap);
	if (!what)
		return err;
	wrapped = nec_error_create(err->code, "%s: %s", what, err->message);
	nec_error_destroy(err);
	return wrapped;
}

void nec_error_destroy(struct nec_error *err)
{
	if (!err || err->is_static)
		return;
	free(err->message);
	free(err);
}
