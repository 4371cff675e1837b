#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Writes signatures.inc: how static types are recognised in a dump that has lost their names.

    PYTHON signatures.py --collect ZOO            what this interpreter has, a line each (2.7 and 3.6 on)
    signatures.py --merge FILE... > signatures.inc  of what was collected, the table

The text of tp_name lies in read-only pages of a file, which a dump leaves out. What stays is the type object and its dict: its size,
its items, the keys of its dict and its docstring. A signature is a hash of these (python/signatures.c makes the same): `full`
has all of them, less what a debug build adds to the head of an object; `keys` only the keys of a type that has some of its own, for
builds whose sizes differ. A signature that belongs to several types of one version names them all, "this or that", unless they are many.
One that names another type in another version is there once for each version.

ZOO is fixtures/, whose zoo.py makes the interpreter load what it can load.
"""
from __future__ import print_function

import os
import sys

FLAGS = 1 << 10 | 1 << 14 | 0xFF << 24  # BASETYPE, HAVE_GC, the built-in it derives from
HEAPTYPE = 1 << 9
ALTERNATIVES = 3


def fnv(text):
    h = 0xCBF29CE484222325
    for byte in bytearray(text):
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def as_bytes(text):
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return text.encode("utf-8", "replace")


def offset(n, head):
    return n - head if n > 0 else n


def signatures(t, namespace):
    """(full, keys or None) of a type."""
    head = object.__basicsize__
    doc = b""
    if namespace is None:
        keys = [b"-"]  # never made ready
    else:
        keys = sorted(as_bytes(k) for k in namespace if isinstance(k, str))
        if "__doc__" in namespace:
            doc = as_bytes(namespace["__doc__"]) if isinstance(namespace["__doc__"], str) else b"-"
    numbers = (t.__basicsize__ - head, t.__itemsize__, offset(t.__dictoffset__, head), offset(t.__weakrefoffset__, head), t.__flags__ & FLAGS)
    full = ",".join("%d" % n for n in numbers).encode() + b";" + b",".join(keys) + b";" + doc
    own = [k for k in keys if not k.startswith(b"__")]
    by_keys = ("k%d;" % t.__itemsize__).encode() + b",".join(keys) if len(keys) > 3 and own else None
    return fnv(full), fnv(by_keys) if by_keys else None


def import_everything():
    """Modules in C: those that are built in, and those beside lib-dynload."""
    import pkgutil

    names = set(sys.builtin_module_names)
    names.update(m[1] for p in sys.path if "lib-dynload" in p for m in pkgutil.iter_modules([p]))
    for name in sorted(names):
        if "test" in name or name.startswith("xx") or name in ("_tkinter", "readline", "nis"):
            continue
        try:
            __import__(name)
        except Exception:
            pass


def collect(zoo):
    import gc

    import_everything()
    sys.path.insert(0, zoo)
    import zoo  # noqa: F401

    namespace_of = type.__dict__["__dict__"].__get__
    name_of, module_of = type.__dict__["__name__"].__get__, type.__dict__["__module__"].__get__
    seen, todo, types = set(), gc.get_objects(), {}
    seen.update(id(o) for o in todo)
    while todo:
        o = todo.pop()
        more = gc.get_referents(o)
        more.append(type(o))
        if issubclass(type(o), type):  # isinstance() believes a proxy
            types[id(o)] = o
            more += type.__subclasses__(o)
        for x in more:
            if id(x) not in seen:
                seen.add(id(x))
                todo.append(x)
    for t in types.values():
        if t.__flags__ & HEAPTYPE:
            continue
        full, keys = signatures(t, namespace_of(t))
        module = module_of(t)
        name = name_of(t) if module in ("builtins", "__builtin__") else "%s.%s" % (module, name_of(t))
        print("%d.%d\t%s\t%016x\t%s" % (sys.version_info[0], sys.version_info[1], name, full, "%016x" % keys if keys else "-"))
    sys.stdout.flush()
    os._exit(0)  # the zoo has threads that wait forever


def merge(files):
    meant = {}  # (signature, version) -> names
    versions_of = {}
    for path in files:
        with open(path) as f:
            for line in f:
                words = line.rstrip("\n").split("\t")
                version, name = words[:2]
                for signature in words[2:]:
                    if signature != "-":
                        meant.setdefault((int(signature, 16), version), set()).add(name)
                        versions_of.setdefault(int(signature, 16), set()).add(version)
    rows = {}
    for signature, versions in versions_of.items():
        names = {v: meant[signature, v] for v in versions}
        same = len({frozenset(n) for n in names.values()}) == 1
        for v in list(versions)[:1] if same else versions:
            if len(names[v]) <= ALTERNATIVES:
                rows[signature if same else fnv(("%s:%016x" % (v, signature)).encode())] = " or ".join(sorted(names[v]))
    print("/* SPDX-License-Identifier: GPL-3.0-or-later */")
    print("/* Written by layouts/signatures.py from the interpreters of %s. */" % ", ".join(
        sorted({v for vs in versions_of.values() for v in vs}, key=lambda v: [int(n) for n in v.split(".")])))
    for signature in sorted(rows):
        print('{0x%016x, "%s"},' % (signature, rows[signature]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--collect"] and len(sys.argv) == 3:
        collect(sys.argv[2])
    elif sys.argv[1:2] == ["--merge"] and len(sys.argv) > 2:
        merge(sys.argv[2:])
    else:
        sys.exit(__doc__)
