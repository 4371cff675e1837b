# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers: nothing includes what stands above it, and a third-party header appears in one module.

A module is a directory, or one of the headers that are the seams between them. RANK says who stands where; to
add a module give it a rank. Modules of one rank do not know each other.
"""
import os
import re
import shlex
import subprocess
import unittest

SRCDIR = os.environ["srcdir"]

RANK = {
    "base": 0,
    "options.h": 1,
    "fact.h": 1,
    "necropsy.h": 2,
    "neighbours.h": 1,
    "image": 2,
    "formats": 3,
    "native": 3,
    "python": 4,
    "capture": 4,
    "graph": 4,
    "store": 4,
    "drivers": 5,
    "compare": 6,
    "tui": 7,
    "cli": 8,
}

# What the two front ends may see of the rest: the public interface.
FRONT_ENDS = {"cli", "tui"}
PUBLIC = {"base", "options.h", "necropsy.h"}

CURSES = r".*curses\.h|panel\.h|ncursesw/.*"

# Header (a regular expression over its whole name) and the only module that includes it.
THIRD_PARTY = [
    (r"sqlite3(ext)?\.h", "store"),
    (r"libelf\.h|gelf\.h|dwarf\.h|elfutils/.*", "image"),
    (r"libunwind.*\.h", "image"),
    (CURSES, "tui"),
    (r"xxhash\.h", "base"),
    (r"zlib\.h|zstd\.h|lzma\.h|lz4.*\.h", "formats"),
]

# Made by the build.
GENERATED = {"config.h", "python/layouts/tables.inc"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def module_of(path):
    """The module of a source, by its path below analyzer/ or, for formats/ and tui/, below the top."""
    first, _, rest = path.partition("/")
    if rest:
        return first
    return path if path in RANK else "drivers"


def sources():
    """Yields (path as it is included, path on disk) of every source of the program."""
    for top, prefix in (("analyzer", ""), ("formats", "formats/"), ("tui", "tui/")):
        base = os.path.join(SRCDIR, top)
        for directory, _, names in os.walk(base):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def", ".inc")):
                    path = os.path.join(directory, name)
                    yield prefix + os.path.relpath(path, base), path


def includes():
    """Yields (file, module, is it a system header, included name)."""
    for name, path in sources():
        with open(path, encoding="utf-8") as f:
            for quote, included in INCLUDE.findall(f.read()):
                yield name, module_of(name), quote == "<", included


class Layers(unittest.TestCase):
    def test_there_is_something_to_check(self):
        modules = {module for _, module, _, _ in includes()}
        self.assertLessEqual({"base", "image", "formats", "python", "graph", "store"}, modules)

    def test_nothing_points_up(self):
        for name, module, is_system, included in includes():
            other = module_of(included)
            if is_system or other == module or included == "config.h":
                continue
            with self.subTest(file=name, includes=included):
                self.assertIn(module, RANK, "a module without a rank")
                self.assertIn(other, RANK, "a module without a rank")
                if {module, other} != {"drivers", "necropsy.h"}:
                    self.assertLess(RANK[other], RANK[module])

    def test_front_ends_see_only_the_public_interface(self):
        for name, module, is_system, included in includes():
            other = module_of(included)
            if is_system or module not in FRONT_ENDS or included == "config.h":
                continue
            with self.subTest(file=name, includes=included):
                self.assertIn(other, PUBLIC | {module} | {"tui"})

    def test_a_third_party_header_has_one_module(self):
        for name, module, is_system, included in includes():
            for pattern, owner in THIRD_PARTY:
                if is_system and re.fullmatch(pattern, included):
                    with self.subTest(file=name, includes=included):
                        self.assertEqual(module, owner)

    def test_curses_is_in_one_file(self):
        users = {name for name, _, is_system, included in includes()
                 if is_system and re.fullmatch(CURSES, included)}
        self.assertLessEqual(len(users), 1, users)

    def test_project_headers_are_named_from_the_top_of_the_module_tree(self):
        known = {name for name, _ in sources()} | GENERATED
        for name, _, is_system, included in includes():
            with self.subTest(file=name, includes=included):
                self.assertTrue(is_system or included in known)

    def test_a_header_stands_alone(self):
        compiler = shlex.split(os.environ["COMPILE"])
        for name, path in sources():
            if not name.endswith(".h"):
                continue
            with self.subTest(header=name):
                done = subprocess.run(compiler + ["-fsyntax-only", "-x", "c", "-include", path, os.devnull],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, universal_newlines=True)
                self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_written_file_names_its_licence(self):
        for name, path in sources():
            with self.subTest(file=name), open(path, encoding="utf-8") as f:
                self.assertIn("SPDX-License-Identifier: GPL-3.0-or-later", f.readline())


if __name__ == "__main__":
    unittest.main()
