# SPDX-License-Identifier: GPL-3.0-or-later
"""necropsy diff: identity of objects, containers, holders, threads and sets, over snapshots that are written here.

The snapshots are in the format of necropsy_snapshot.py (docs/snapshot-format.md), object by object, so that each rule of
identity is met by itself: what stayed, what came, what went, and what only looks the same.
"""
import contextlib
import json
import os
import sqlite3
import subprocess
import tempfile
import unittest

NECROPSY = os.environ["NECROPSY"]
ENV = dict(os.environ, LC_ALL="C.UTF-8", XDG_CACHE_HOME="/nonexistent")

TYPES = ["builtins.type", "builtins.dict", "builtins.list", "builtins.str", "builtins.float", "builtins.tuple", "app.Session",
         "builtins.module", "app.Cache"]


class Snapshot(object):
    """Objects by address, as lines of a snapshot."""

    def __init__(self, time, pid=4711, threads=()):
        self.lines = ["necropsy-snapshot 1", "M pid %d" % pid, "M captured_at %.6f" % time, "M scope objects",
                      "M python_version 3.11.7"]
        for number, (ident, name, line) in enumerate(threads):
            self.lines.append("H %d %d 0 %s" % (number, ident, name))
            self.lines.append("F %d 0 %d work /srv/app.py" % (number, line))
        for number, name in enumerate(TYPES):
            self.lines.append("T %d %x %s" % (number, 0x1000 + 64 * number, name))
        self.roots = []

    def add(self, addr, type_name, size=64, refs=(), shape="-", value=None):
        self.lines.append("O %x %d %d %s%s" % (addr, TYPES.index(type_name), size, shape,
                                                "".join(" %x" % r for r in refs)))
        if value is not None:
            self.lines.append("V %x %s" % (addr, value))
        return addr

    def root(self, addr, name):
        self.roots.append("K %x module %s" % (addr, name))

    def write(self, path):
        lines = self.lines + self.roots
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\nZ %d\n" % len(lines))
        return path


def world(time, **kwargs):
    """A module whose dict is 0x20000, with the names that a test adds."""
    s = Snapshot(time, **kwargs)
    for number in range(len(TYPES)):
        s.add(0x1000 + 64 * number, "builtins.type", 1000, value="<class '%s'>" % TYPES[number])
    s.lines.append("S 0 .__dict__")
    s.lines.append("O 10000 %d 64 a s0:20000" % TYPES.index("builtins.module"))
    s.lines.append("V 10000 <module 'app'>")
    s.root(0x10000, "app")
    return s


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def run_diff(self, *args, status=(0, 1)):
        done = subprocess.run([NECROPSY, "diff", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=ENV, cwd=self.directory.name, universal_newlines=True, timeout=120)
        self.assertIn(done.returncode, status, done.stderr)
        return done.stdout if done.returncode < 2 else done.stderr

    def diff(self, a, b, *args):
        return json.loads(self.run_diff(a.write(self.path("a.nsnap")), b.write(self.path("b.nsnap")), "--json", "--all", *args))

    @staticmethod
    def added(result):
        return {o["addr"]: o["verdict"] for o in result["objects"] if o["side"] == "B"}

    @staticmethod
    def gone(result):
        return {o["addr"] for o in result["objects"] if o["side"] == "A"}


class Identity(Case):
    def pair(self, fill):
        """Two worlds; fill(snapshot, later) adds to each and returns the items of the module's dict."""
        worlds = []
        for later in (False, True):
            s = world(1000.0 + later)
            items = fill(s, later)
            s.add(0x20000, "builtins.dict", 232, [x for item in items for x in item], "d")
            worlds.append(s)
        return self.diff(*worlds)

    def test_what_is_held_as_before_is_the_same(self):
        def fill(s, later):
            return [(s.add(0x30000, "builtins.str", value="'a'"), s.add(0x30100, "builtins.list", 88)),
                    (s.add(0x30200, "builtins.str", value="'b'"), s.add(0x30300, "builtins.float", value="1.5"))]
        result = self.pair(fill)
        self.assertEqual(result["objects"], [])
        self.assertEqual(result["types"], [])

    def test_another_value_at_the_address_is_another_object(self):
        def fill(s, later):
            return [(s.add(0x30000, "builtins.str", value="'t'"),
                     s.add(0x30100, "builtins.float", value="2.5" if later else "1.5"))]
        result = self.pair(fill)
        self.assertEqual(self.added(result), {"0x30100": "reused"})
        self.assertEqual(self.gone(result), {"0x30100"})

    def test_another_type_at_the_address_is_another_object(self):
        def fill(s, later):
            return [(s.add(0x30000, "builtins.str", value="'t'"),
                     s.add(0x30100, "builtins.list" if later else "builtins.float"))]
        result = self.pair(fill)
        self.assertEqual(self.added(result), {"0x30100": "born"})
        self.assertEqual(self.gone(result), {"0x30100"})

    def test_a_tuple_with_other_items_is_another_object(self):
        def fill(s, later):
            x = s.add(0x30300, "builtins.str", value="'x'")
            y = s.add(0x30400, "builtins.str", value="'y'")
            return [(s.add(0x30000, "builtins.str", value="'t'"),
                     s.add(0x30100, "builtins.tuple", 56, [y] if later else [x], "l")), (x, x), (y, y)]
        self.assertEqual(self.added(self.pair(fill)), {"0x30100": "reused"})

    def test_a_list_that_was_filled_anew_is_the_same(self):
        def fill(s, later):
            items = [s.add(0x40000 + 0x100 * i + 0x1000 * later, "builtins.str", value="'%d'" % (i + 10 * later)) for i in range(3)]
            return [(s.add(0x30000, "builtins.str", value="'t'"), s.add(0x30100, "builtins.list", 88, items, "l"))]
        result = self.pair(fill)
        self.assertEqual(set(self.added(result)), {"0x41000", "0x41100", "0x41200"})
        self.assertEqual(self.gone(result), {"0x40000", "0x40100", "0x40200"})

    def changed(self, s, later):
        """An instance of which nothing is as before."""
        values = [s.add(0x40000 + 0x100 * i + 0x1000 * later, "builtins.str", value="'%d'" % (i + 10 * later)) for i in range(2)]
        return s.add(0x30100, "app.Session", 48, values, "-")

    def test_an_instance_of_which_nothing_is_left_is_likely_another(self):
        def fill(s, later):
            queue = s.add(0x30200, "builtins.list", 88, [self.changed(s, later)], "l")
            return [(s.add(0x30000, "builtins.str", value="'t'"), queue)]
        self.assertEqual(self.added(self.pair(fill))["0x30100"], "likely reused")

    def test_but_what_has_a_name_changes_and_stays(self):
        def fill(s, later):
            return [(s.add(0x30000, "builtins.str", value="'t'"), self.changed(s, later))]
        self.assertNotIn("0x30100", self.added(self.pair(fill)))

    def test_what_nothing_holds_as_before_is_judged_by_what_it_holds(self):
        # two lists in other places than before: one still has its item, the other is empty
        def fill(s, later):
            item = s.add(0x40000, "builtins.str", value="'item'")
            moved = s.add(0x50000, "builtins.list", 88, [item], "l")
            empty = s.add(0x50100, "builtins.list", 56)
            holder = s.add(0x60000 + 0x1000 * later, "app.Cache", 48, [moved, empty])
            return [(s.add(0x30000, "builtins.str", value="'t'"), holder)]
        result = self.pair(fill)
        self.assertNotIn("0x50000", self.added(result))
        self.assertEqual(self.added(result)["0x50100"], "likely reused")

    def test_what_is_a_key_as_before_is_the_same(self):
        # as the weak references of a WeakKeyDictionary, which nothing else refers to; a string that is a key says nothing
        def fill(s, later):
            s.lines.append("S 1  key")
            keys = s.add(0x50000, "app.Cache", 232, shape="a")
            s.lines[-1] += " s1:40000"
            s.add(0x40000, "builtins.list", 56)
            return [(s.add(0x30000, "builtins.str", value="'keys'"), keys)]
        self.assertEqual(self.added(self.pair(fill)), {})

    def test_one_that_is_new_no_longer_speaks_for_what_it_holds(self):
        # an instance with other attributes at the same address, and with it a list that only it holds
        def fill(s, later):
            values = [s.add(0x40000 + 0x100 * i + 0x1000 * later, "builtins.str", value="'%d'" % (i + 10 * later)) for i in range(4)]
            own = s.add(0x50000, "builtins.list", 56)
            shared = s.add(0x50200, "builtins.list", 56)
            holder = s.add(0x60000, "app.Session", 48, [values[0], values[1]])
            inner = s.add(0x60100, "app.Session", 48, [values[2], values[3], own])
            queue = s.add(0x30100, "builtins.list", 88, [holder, inner], "l")
            return [(s.add(0x30000, "builtins.str", value="'t'"), queue), (s.add(0x30400, "builtins.str", value="'u'"), shared)]
        added = self.added(self.pair(fill))
        self.assertEqual(added["0x60000"], "likely reused")
        self.assertEqual(added["0x60100"], "likely reused")
        self.assertEqual(added["0x50000"], "likely reused")
        self.assertNotIn("0x50200", added)

    def with_word(self, kind, doubt, labels):
        """The verdict on an instance of which nothing is left, with a root of that kind in either database."""
        def fill(s, later):
            queue = s.add(0x30200, "builtins.list", 88, [self.changed(s, later)], "l")
            return [(s.add(0x30000, "builtins.str", value="'t'"), queue)]
        self.pair(fill)
        for name, label in zip("ab", labels):
            db = self.path(name + ".db")
            self.assertEqual(subprocess.call([NECROPSY, "load", "-f", "-o", db, self.path(name + ".nsnap")], stdout=subprocess.DEVNULL, env=ENV), 0)
            with contextlib.closing(sqlite3.connect(db)) as connection, connection:
                connection.execute("INSERT INTO root(addr, kind, label, doubt) VALUES (?, ?, ?, ?)", (0x30100, kind, label, doubt))
        result = json.loads(self.run_diff(self.path("a.db"), self.path("b.db"), "--json", "--all"))
        return self.added(result).get("0x30100")

    def test_a_word_that_may_be_left_over_keeps_no_identity(self):
        # a block of a deque that was freed has the addresses of its items still, and others are made there
        self.assertEqual(self.with_word("native memory", 1, ("536 bytes at 0x7000+0xa0", "536 bytes at 0x7400+0x8")), "likely reused")
        self.assertEqual(self.with_word("native memory", 1, ("536 bytes at 0x7000+0xa0",) * 2), "likely reused")
        self.assertEqual(self.with_word("native stack", 2, ("thread 1, sp+0x40",) * 2), "likely reused")

    def test_a_root_that_owns_it_does(self):
        self.assertIsNone(self.with_word("C global", 0, ("libapp.so: session",) * 2))

    def test_different_processes_are_compared_by_type_alone(self):
        a, b = world(1000.0, pid=1), world(1001.0, pid=2)
        for s, base in ((a, 0x100000), (b, 0x900000)):
            items = [s.add(base + 64 * i, "builtins.list", 56) for i in range(200)]
            s.add(0x20000, "builtins.dict", 232, [x for item in items for x in (0x1000, item)], "d")
        result = self.diff(a, b)
        self.assertIn("different processes", result["warnings"][0])
        self.assertEqual(result["objects"], [])


class Growth(Case):
    def growing(self, time, count, threads=()):
        s = world(time, threads=threads)
        sessions = [s.add(0x100000 + 0x1000 * i, "app.Session", 48, [s.add(0x100800 + 0x1000 * i, "builtins.str", 4000, value="'s%d'" % i)])
                    for i in range(count)]
        keys = [s.add(0x100400 + 0x1000 * i, "builtins.str", 60, value="'k%d'" % i) for i in range(count)]
        s.add(0x40000, "builtins.dict", 232 + 104 * count, [x for item in zip(keys, sessions) for x in item], "d")
        s.add(0x20000, "builtins.dict", 232, [s.add(0x30000, "builtins.str", value="'sessions'"), 0x40000], "d")
        return s

    def test_containers_are_named_with_both_lengths_and_what_came_in(self):
        result = self.diff(self.growing(1000.0, 3), self.growing(1001.0, 27))
        container = result["containers"][0]
        self.assertEqual((container["addr"], container["length_a"], container["length_b"]), ("0x40000", 3, 27))
        self.assertIn("24 app.Session", container["added"])
        self.assertEqual(container["path"], "app.sessions")
        self.assertIn("24 str", container["added"])

    def test_numbers_add_up(self):
        result = self.diff(self.growing(1000.0, 3), self.growing(1001.0, 27))
        types = {t["name"]: t for t in result["types"]}
        self.assertEqual((types["app.Session"]["added"], types["app.Session"]["gone"]), (24, 0))
        self.assertEqual(types["str"]["added"], 48)
        self.assertEqual(types["dict"]["grown"], 1)
        for t in result["types"]:
            self.assertEqual(t["count_b"] - t["count_a"], t["added"] - t["gone"])
            self.assertEqual(t["bytes_b"] - t["bytes_a"], t["added_bytes"] - t["gone_bytes"] + t["grown_bytes"])

    def test_growth_is_with_who_holds_it_and_not_with_everything_above(self):
        result = self.diff(self.growing(1000.0, 3), self.growing(1001.0, 27))
        self.assertEqual([h["addr"] for h in result["holders"]], ["0x40000"])
        self.assertEqual(result["frontier"][0]["addr"], "0x40000")
        self.assertEqual(result["frontier"][0]["count"], 72)

    def test_what_moved_below_another_holder_is_not_its_growth(self):
        """Of two lists with one thing in both, one lets go of it: the other retains more, and nothing grew."""
        def snapshot(time, both):
            s = world(time)
            s.add(0x30200, "builtins.list", 50000)
            s.add(0x30000, "builtins.list", 88, [0x30200])
            s.add(0x30100, "builtins.list", 88, [0x30200] if both else [])
            s.add(0x20000, "builtins.dict", 232, [0x30000, 0x30100], "d")
            return s

        held = [h["addr"] for h in self.diff(snapshot(1000.0, True), snapshot(1060.0, False))["holders"]]
        self.assertNotIn("0x30000", held)
        self.assertEqual(held, [])

    def test_the_other_way_round_everything_is_gone(self):
        result = self.diff(self.growing(1000.0, 27), self.growing(1001.0, 3))
        types = {t["name"]: t for t in result["types"]}
        self.assertEqual((types["app.Session"]["added"], types["app.Session"]["gone"]), (0, 24))
        self.assertEqual(result["containers"][0]["length_b"], 3)
        self.assertEqual(result["frontier"], [])

    def test_threads_that_came_went_moved_and_did_not(self):
        a = self.growing(1000.0, 1, threads=[(1, "main", 10), (2, "worker", 20), (3, "old", 30)])
        b = self.growing(1001.0, 1, threads=[(1, "main", 11), (2, "worker", 20), (4, "new", 40)])
        changes = {t["name"]: t["change"] for t in self.diff(a, b)["threads"]}
        self.assertEqual(changes, {"main": "moved", "worker": "still", "old": "gone", "new": "came"})

    def test_text_and_csv(self):
        a, b = self.growing(1000.0, 3).write(self.path("a")), self.growing(1001.0, 27).write(self.path("b"))
        text = self.run_diff(a, b)
        self.assertRegex(text, r"app\.sessions\s+3\s+27 ")
        rows = self.run_diff(a, b, "--by", "types", "--csv").splitlines()
        self.assertTrue(rows[0].startswith("id,name,count_a"))
        self.assertIn("--by takes types", self.run_diff(a, b, "--by", "nothing", status=(2,)))
        self.assertIn("two snapshots", self.run_diff(a, status=(2,)))


class Sets(Case):
    def test_born_after_and_alive_in(self):
        paths = []
        for number, (first, last) in enumerate([(0, 10), (5, 20), (8, 30)]):
            s = world(1000.0 + number)
            items = [s.add(0x100000 + 0x100 * i, "builtins.float", value="%d.5" % i) for i in range(first, last)]
            s.add(0x20000, "builtins.dict", 232, [x for item in items for x in (0x1000, item)], "d")
            paths.append(s.write(self.path("s%d" % number)))
        rows = json.loads(self.run_diff("--born-after", paths[0], "--alive-in", ",".join(paths[1:]), "--json"))
        self.assertEqual([(r["name"], r["count"]) for r in rows], [("float", 10)])
        rows = json.loads(self.run_diff("--alive-in", paths[0], "--gone-in", paths[1], "--by", "objects", "--json"))
        self.assertEqual({r["addr"] for r in rows}, {"0x%x" % (0x100000 + 0x100 * i) for i in range(5)})
        self.assertIn("--alive-in names", self.run_diff("--born-after", paths[0], status=(2,)))


if __name__ == "__main__":
    unittest.main()
