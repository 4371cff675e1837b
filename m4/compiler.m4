# SPDX-License-Identifier: GPL-3.0-or-later
# NEC_TRY_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE when the compiler takes it without a word.
AC_DEFUN([NEC_TRY_CFLAG], [
	AS_VAR_PUSHDEF([nec_cv], [nec_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [nec_cv], [
		nec_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([nec_cv], [yes])], [AS_VAR_SET([nec_cv], [no])])
		CFLAGS=$nec_saved_cflags
	])
	AS_VAR_IF([nec_cv], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([nec_cv])
])

# NEC_COMPILER_FLAGS: sets WARN_CFLAGS and SANITIZE_CFLAGS from --enable-werror and --enable-sanitizers.
AC_DEFUN([NEC_COMPILER_FLAGS], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
		[], [enable_werror=no])
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers],
			[check addresses and undefined behaviour at run time])],
		[], [enable_sanitizers=no])

	WARN_CFLAGS="-Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wwrite-strings"
	AS_IF([test "x$enable_werror" != xno], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	AC_SUBST([WARN_CFLAGS])

	SANITIZE_CFLAGS=
	AS_IF([test "x$enable_sanitizers" != xno], [
		NEC_TRY_CFLAG([SANITIZE_CFLAGS], [-fsanitize=address])
		NEC_TRY_CFLAG([SANITIZE_CFLAGS], [-fsanitize=undefined])
		AS_IF([test -z "$SANITIZE_CFLAGS"],
			[AC_MSG_ERROR([--enable-sanitizers: $CC has none])])
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-sanitize-recover=all -fno-omit-frame-pointer"
	])
	AC_SUBST([SANITIZE_CFLAGS])
])
