# SPDX-License-Identifier: GPL-3.0-or-later
"""Every type with C storage has its references described, and every block of pymalloc is accounted for: on a core of the zoo under each
Python that this machine has, and each in the roots of fixtures/fetch-roots ($NECROPSY_ROOTS).

tests/visited.tsv says for each type and version how many different labels its references have at least. They come from a visitor or a
list of members: without it the type's references are conservative or not there, and its row fails.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402
import matrix  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
USES = ("objects", "parts", "kept", "static", "unexplained")


def table():
    """{version: {type: labels}}"""
    with open(os.path.join(HERE, "visited.tsv")) as f:
        lines = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    return {
        version: {row[0]: int(row[i]) for row in lines[1:] if row[i] != "-"} for i, version in enumerate(lines[0]) if i
    }


def minor(version):
    return ".".join(version.split(".")[:2])


VISITED = table()


def rows(db, query):
    done = subprocess.run([NECROPSY, "sql", "--json", "--limit", "0", db, query], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=300)
    return json.loads(done.stdout)


class Visitors(unittest.TestCase):
    """A method for each interpreter is added below."""

    def check(self, version, interpreter, root):
        directory = tempfile.mkdtemp(prefix="necropsy-test-")
        self.addCleanup(shutil.rmtree, directory, True)
        core = capture.capture(directory, interpreter, os.path.join(FIXTURES, "zoo.py"), root=root, method=capture.methods()[0], oracle=False)
        db = os.path.join(directory, "db")
        sysroot = ["--sysroot", root] if root else []
        done = subprocess.run([NECROPSY, "load", "-o", db, core] + sysroot, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.check_references(db, VISITED[minor(version)])
        self.check_blocks({r["key"]: r["value"] for r in rows(db, "SELECT key, value FROM meta")})
        self.check_counts(db)
        self.check_previews(db)

    def check_previews(self, db):
        """A dict that has items is not shown as an empty one: neither a __dict__ whose values lie in its instance, nor that of interned strings."""
        empty = rows(db, """
            SELECT o.addr FROM object o JOIN type t ON t.id = o.type
            WHERE t.name IN ('builtins.dict', '__builtin__.dict') AND preview(o.addr) = '{}'
            AND EXISTS (SELECT 1 FROM reference r WHERE r.src = o.addr AND r.label LIKE '[%')""")
        self.assertEqual(empty, [])

    def check_counts(self, db):
        """A reference that is not owned and said to be would have its object in this list."""
        done = subprocess.run([NECROPSY, "refcounts", "--json", "--limit", "0", db], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=300)
        self.assertEqual([row for row in json.loads(done.stdout) if row["more"] < 0], [])

    def check_references(self, db, visited):
        found = {r["name"].replace("__builtin__.", "builtins."): r["labels"] for r in rows(db, """
            SELECT t.name AS name, count(DISTINCT r.label) AS labels FROM reference r JOIN object o ON o.addr = r.src
            JOIN type t ON t.id = o.type WHERE r.kind IN ('strong', 'weak', 'borrowed') AND r.label <> '.__dict__' GROUP BY t.name""")}
        there = {r["name"].replace("__builtin__.", "builtins.") for r in rows(db, "SELECT name FROM type WHERE count > 0")}
        for name, least in visited.items():
            with self.subTest(type=name):
                if name in there:
                    self.assertGreaterEqual(found.get(name, 0), least, name)
        self.assertGreater(len(there.intersection(visited)), len(visited) * 9 // 10)

    def check_blocks(self, meta):
        count = {use: int(meta["blocks_" + use]) for use in USES}
        size = {use: int(meta["bytes_" + use]) for use in USES}
        self.assertEqual(sum(count.values()), int(meta["pymalloc_blocks"]))
        self.assertEqual(sum(size.values()), int(meta["pymalloc_bytes"]))
        self.assertLess(size["unexplained"], int(meta["pymalloc_bytes"]) / 100, size)


def add(interpreter):
    name = "test_" + re.sub(r"\W+", "_", interpreter.name)
    setattr(Visitors, name, lambda self: self.check(interpreter.version, interpreter.path, interpreter.root))


if capture.methods():
    for each in matrix.interpreters(matrix.fetched_roots()):
        if minor(each.version) in VISITED and not each.refusal and not each.emulator:
            add(each)
