/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every libcheck program of this directory needs. Output and format are set by `make check`
 * (TAP). */
#ifndef NEC_TESTS_UNIT_H
#define NEC_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#include "base/error.h"

/* expr yields no error; its message is shown when it does. */
#define ck_assert_no_error(expr)                                                                   \
	do {                                                                                       \
		struct nec_error *unit_err_ = (expr);                                              \
		ck_assert_msg(!unit_err_, "%s: %s", #expr, unit_err_ ? unit_err_->message : "");   \
	} while (0)

/* expr yields an error of that code, which is destroyed. */
#define ck_assert_error(expr, errc)                                                                \
	do {                                                                                       \
		struct nec_error *unit_err_ = (expr);                                              \
		ck_assert_msg(unit_err_ != NULL, "%s: succeeded", #expr);                          \
		ck_assert_msg(unit_err_->code == (errc), "%s: code %d: %s", #expr,                 \
			      (int)unit_err_->code, unit_err_->message);                           \
		nec_error_destroy(unit_err_);                                                      \
	} while (0)

/* Runs the suite; the exit status for main. */
static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
