#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
truth.py must be able to fail: a database made of the truth itself passes, and each kind of damage is found.

    test_truth.py [ORACLE CORE]      captures a process of its own without arguments

Also checks the truth against the dump: every type word in the core is what the oracle said.
"""
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402
import truth  # noqa: E402

GIVEN = sys.argv[1:3] if len(sys.argv) > 2 else None


def fake(oracle, path):
    """A database with exactly what the oracle has."""
    con = sqlite3.connect(path)
    con.executescript(
        "CREATE TABLE type(id INTEGER PRIMARY KEY, addr INTEGER, name TEXT);"
        "CREATE TABLE object(addr INTEGER PRIMARY KEY, type INTEGER, size INTEGER, refcount INTEGER);"
        "CREATE TABLE reference(src INTEGER, dst INTEGER, kind TEXT);"
        "CREATE INDEX i ON reference(src);"
    )
    con.executemany("INSERT INTO type VALUES(?, ?, ?)", [(i, t[0], t[1]) for i, t in enumerate(oracle.types)])
    for addr, (kind, size, refcount, flags, at, count) in oracle.objects.items():
        con.execute(
            "INSERT INTO object VALUES(?, ?, ?, ?)",
            (addr, kind, size if size != truth.UNKNOWN else 0, refcount if refcount < truth.REFCOUNT_LIMIT else None),
        )
        con.executemany("INSERT INTO reference VALUES(?, ?, 'strong')", [(addr, d) for d in oracle.referents[at : at + count]])
    con.commit()
    return con


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="truth-")
        if GIVEN:
            where, core = GIVEN
        else:
            core = capture.capture(cls.dir, sys.executable, os.path.join(FIXTURES, "zoo.py"), method=capture.methods()[0])
            where = os.path.join(cls.dir, "oracle")
        cls.oracle, cls.core = truth.Oracle(where), truth.Core(core)
        cls.base = os.path.join(cls.dir, "base.db")
        fake(cls.oracle, cls.base).close()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def damaged(self, *statements):
        path = os.path.join(self.dir, "damaged.db")
        shutil.copy(self.base, path)
        con = sqlite3.connect(path)
        for s in statements:
            con.execute(s)
        con.commit()
        con.close()
        return truth.compare(self.oracle, truth.Database(path), self.core)

    def one_short(self, result, name):
        self.assertFalse(result["complete"])
        self.assertEqual(result[name]["truth"] - result[name]["found"], 1)
        self.assertLess(result["shares"][name], 100)

    def test_oracle_is_about_the_dump(self):
        wrong, unread = truth.check_oracle(self.oracle, self.core)
        self.assertEqual(wrong, [])
        # Static types of libraries may lie in pages that the dump left to the file.
        self.assertLess(unread, len(self.oracle.objects) // 20)

    def test_oracle_has_a_closure(self):
        for addr, (_, _, _, _, at, count) in self.oracle.objects.items():
            for dst in self.oracle.referents[at : at + count]:
                self.assertIn(dst, self.oracle.objects)

    def test_truth_itself_is_complete(self):
        result = self.damaged()
        self.assertTrue(result["complete"])
        self.assertEqual(result["extra"], {})
        self.assertEqual(result["beyond"], {})

    def test_missing_object(self):
        self.one_short(self.damaged("DELETE FROM object WHERE addr = (SELECT max(addr) FROM object)"), "objects")

    def test_wrong_type(self):
        result = self.damaged("UPDATE object SET type = (type + 1) % 9 WHERE addr = (SELECT max(addr) FROM object)")
        self.one_short(result, "types")
        self.one_short(result, "names")

    def test_wrong_name(self):
        name = self.oracle.types[0][1]
        n = sum(1 for o in self.oracle.objects.values() if o[0] == 0)
        result = self.damaged("UPDATE type SET name = name || '?' WHERE id = 0")
        self.assertEqual(result["names"]["missing"][name]["count"] if n else 0, n)
        self.assertEqual(result["complete"], n == 0)

    def test_wrong_size(self):
        addr = next(a for a, o in self.oracle.objects.items() if o[1] != truth.UNKNOWN)
        self.one_short(self.damaged("UPDATE object SET size = size + 8 WHERE addr = %d" % addr), "sizes")

    def test_missing_reference(self):
        addr, dst = next((a, self.oracle.referents[o[4]]) for a, o in self.oracle.objects.items() if o[5] and not o[3] & truth.FRAME)
        self.one_short(self.damaged("DELETE FROM reference WHERE src = %d AND dst = %d" % (addr, dst)), "references")

    def test_freed_row(self):
        # A word that cannot be an object: the page of the heap where a list keeps its items.
        victim = next(a for a, o in self.oracle.objects.items() if o[5] > 3 and self.core.words(a, 3))
        addr = next(a for a in range(victim - 4096, victim, 8) if a not in self.oracle.objects and (self.core.words(a, 1) or (1,))[0] == 0)
        result = self.damaged("INSERT INTO object VALUES(%d, 0, 8, 1)" % addr)
        self.assertEqual(sum(e["count"] for e in result["freed"].values()), 1)
        self.assertFalse(result["complete"])

    def test_extra_row_and_reference(self):
        src = next(a for a, o in self.oracle.objects.items() if o[5])
        result = self.damaged("INSERT INTO object VALUES(8, 0, 8, 1)", "INSERT INTO reference VALUES(%d, 8, 'strong')" % src)
        self.assertEqual(sum(result["extra"].values()), 1)
        self.assertEqual(sum(e["count"] for e in result["beyond"].values()), 1)

    def test_dangling(self):
        src = next(iter(self.oracle.objects))
        self.assertEqual(self.damaged("INSERT INTO reference VALUES(%d, 16, 'strong')" % src)["dangling"], 1)

    def test_missing_oracle_is_an_error(self):
        with self.assertRaises(OSError):
            truth.Oracle(os.path.join(self.dir, "nothing"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
