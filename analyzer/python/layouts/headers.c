/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Not part of the program: includes the headers of a CPython whose release build comes without debug information, so that compiling
 * it with -g makes that information. Used by ./regenerate; see docs/layouts.md.
 *
 * To add a struct: the header that declares it.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <structmember.h>

#if __has_include(<internal/pycore_code.h>)
#include <internal/pycore_code.h>
#endif
#if __has_include(<internal/pycore_context.h>)
#include <internal/pycore_context.h>
#endif
#if __has_include(<internal/pycore_dict.h>)
#include <internal/pycore_dict.h>
#endif
#if __has_include(<internal/pycore_frame.h>)
#include <internal/pycore_frame.h>
#endif
#if __has_include(<internal/pycore_gc.h>)
#include <internal/pycore_gc.h>
#endif
#if __has_include(<internal/pycore_genobject.h>)
#include <internal/pycore_genobject.h>
#endif
#if __has_include(<internal/pycore_global_objects.h>)
#include <internal/pycore_global_objects.h>
#endif
#if __has_include(<internal/pycore_hamt.h>)
#include <internal/pycore_hamt.h>
#endif
#if __has_include(<internal/pycore_interp.h>)
#include <internal/pycore_interp.h>
#endif
#if __has_include(<internal/pycore_list.h>)
#include <internal/pycore_list.h>
#endif
#if __has_include(<internal/pycore_moduleobject.h>)
#include <internal/pycore_moduleobject.h>
#endif
#if __has_include(<internal/pycore_namespace.h>)
#include <internal/pycore_namespace.h>
#endif
#if __has_include(<internal/pycore_object.h>)
#include <internal/pycore_object.h>
#endif
#if __has_include(<internal/pycore_obmalloc.h>)
#include <internal/pycore_obmalloc.h>
#endif
#if __has_include(<internal/pycore_optimizer.h>)
#include <internal/pycore_optimizer.h>
#endif
#if __has_include(<internal/pycore_pymem.h>)
#include <internal/pycore_pymem.h>
#endif
#if __has_include(<internal/pycore_pystate.h>)
#include <internal/pycore_pystate.h>
#endif
#if __has_include(<internal/pycore_range.h>)
#include <internal/pycore_range.h>
#endif
#if __has_include(<internal/pycore_runtime.h>)
#include <internal/pycore_runtime.h>
#endif
#if __has_include(<internal/pycore_symtable.h>)
#include <internal/pycore_symtable.h>
#endif
#if __has_include(<internal/pycore_tuple.h>)
#include <internal/pycore_tuple.h>
#endif
#if __has_include(<internal/pycore_typevarobject.h>)
#include <internal/pycore_typevarobject.h>
#endif
#if __has_include(<internal/pycore_unionobject.h>)
#include <internal/pycore_unionobject.h>
#endif
#if __has_include(<internal/pycore_mimalloc.h>)
#include <internal/pycore_mimalloc.h>
#include <internal/mimalloc/mimalloc/types.h>
#endif
