# SPDX-License-Identifier: GPL-3.0-or-later
# NEC_UNPACKER(NAME, MODULE, FORMAT): NAME_CFLAGS, NAME_LIBS and HAVE_NAME where pkg-config knows MODULE; otherwise files
# packed by FORMAT are refused.
AC_DEFUN([NEC_UNPACKER], [
	PKG_CHECK_MODULES([$1], [$2], [
		AC_DEFINE([HAVE_$1], [1], [Define to 1 to unpack $3.])
		nec_unpacking="$nec_unpacking $3"
	], [AC_MSG_WARN([without $2: dumps packed by $3 cannot be opened])])
])
