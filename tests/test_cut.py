# SPDX-License-Identifier: GPL-3.0-or-later
"""
A dump that was cut off: whatever is left of it is loaded, nothing is made up, and the report says which ranges are missing and how
many references lead into them. Each cut is compared with a load of the whole dump.
"""
import bisect
import collections
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
import truth  # noqa: E402
from corefile import Core  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
EXTENSION = os.environ.get("NECROPSY_EXTENSION", "")
WEAK = ("weak", "conservative")


def chosen():
    """The one that runs this, and the oldest with a shared libpython: what leads to its heap goes first when a dump is cut off."""
    found = [i for i in matrix.interpreters([]) if not i.refusal]
    mine = [i for i in found if os.path.realpath(i.path) == os.path.realpath(sys.executable)]
    shared = [i for i in found if matrix.libpython(i.path)]
    return {i.name: i for i in mine[:1] + shared[:1]}.values()


class Load:
    def __init__(self, core, path):
        done = subprocess.run([NECROPSY, "load", "-f", "-o", path, core], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        if done.returncode not in (0, 1):
            raise AssertionError(done.stdout)
        self.db = truth.Database(path, NECROPSY, EXTENSION)
        self.objects = dict(self.db.con.execute("SELECT object.addr, type.name FROM object JOIN type ON type.id = object.type"))
        self.types = dict(self.db.con.execute("SELECT object.addr, type.addr FROM object JOIN type ON type.id = object.type"))
        self.missing = self.db.con.execute("SELECT end - missing, end, missing_references FROM mapping WHERE missing > 0 ORDER BY start").fetchall()


@unittest.skipUnless("abort" in capture.methods(), "the kernel writes no cores where they can be collected (core_pattern)")
class Cut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="cut-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.cores = {}
        for n, interpreter in enumerate(chosen()):
            where = os.path.join(cls.directory, str(n))
            core = capture.capture(where, interpreter.path, os.path.join(FIXTURES, "zoo.py"), method="abort", oracle=False)
            cls.cores[interpreter.name] = core, Load(core, os.path.join(where, "whole.db"))

    def each(self, percents):
        """Loads of each dump's first percents, with that of the whole, as subtests."""
        for name, (core, whole) in self.cores.items():
            for percent in percents:
                path = os.path.join(self.directory, "cut")
                with open(core, "rb") as source, open(path, "wb") as f:
                    f.write(source.read(os.path.getsize(core) * percent // 100))
                with self.subTest(interpreter=name, percent=percent):
                    yield path, whole, Load(path, os.path.join(self.directory, "cut.db"))

    def test_what_is_left_is_loaded(self):
        for path, whole, cut in self.each((90, 60, 30)):
            core = Core(path)
            there = [a for a in whole.objects if core.words(a, 2)]
            # A static type of an extension that Python readied and whose memory was cut off says nothing any more.
            seen = set(cut.types.values())
            known = [a for a in there if core.words(whole.types[a], 2) or whole.types[a] in seen]
            found = sum(a in cut.objects for a in known)
            self.assertGreater(len(there), 1000)
            self.assertGreater(found, 0.99 * len(known), collections.Counter(whole.objects[a] for a in known if a not in cut.objects).most_common(5))
            # Nothing that was not there, but for objects that no reference leads to: static ones that the program never used.
            static = {a for a, in cut.db.con.execute("SELECT addr FROM object WHERE flags & 8")}
            made_up = [a for a in cut.objects if a not in whole.objects and a not in static]
            self.assertLess(len(made_up), 10, [(hex(a), cut.objects[a]) for a in made_up[:5]])
            cut.db.con.close()

    def gcore(self, percent):
        """A dump of gcore, which writes the static data of libraries, and the notes that say which files these are, at the end: whole and cut."""
        if "gcore" not in capture.methods():
            self.skipTest("no gcore here")
        shared = [i for i in matrix.interpreters([]) if not i.refusal and matrix.libpython(i.path)]
        if not shared:
            self.skipTest("no interpreter with a shared library here")
        where = tempfile.mkdtemp(dir=self.directory)
        core = capture.capture(where, shared[-1].path, os.path.join(FIXTURES, "zoo.py"), method="gcore", oracle=False)
        whole = Load(core, os.path.join(where, "whole.db"))
        os.truncate(core, os.path.getsize(core) * percent // 100)
        return core, whole

    def test_what_cannot_be_known_is_named(self):
        core, whole = self.gcore(60)
        whole.db.con.close()
        db = os.path.join(self.directory, "cut.db")
        done = subprocess.run([NECROPSY, "load", "-f", "--sysroot", "/nonexistent", "-o", db, core], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stdout, r"cut off at \d+ of \d+ bytes, and the types of Python")
        self.assertIn("so do the notes", done.stdout)
        # It says which options help, and they do.
        shared = [i for i in matrix.interpreters([]) if not i.refusal and matrix.libpython(i.path)][-1]
        for options in (["--sysroot", "/nonexistent", "--lib-path", os.path.dirname(matrix.libpython(shared.path))], ["--exe", os.path.realpath(shared.path)]):
            self.assertIn(options[-2], done.stdout)
            again = subprocess.run([NECROPSY, "load", "-f", *options, "-o", db, core], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
            self.assertIn(again.returncode, (0, 1), again.stdout)

    def test_files_are_known_without_the_list_of_them(self):
        core, whole = self.gcore(85)
        cut = Load(core, os.path.join(self.directory, "cut.db"))
        left = Core(core)
        there = [a for a in whole.objects if left.words(a, 2)]
        found = sum(a in cut.objects for a in there)
        self.assertGreater(len(there), 1000)
        self.assertGreater(found, 0.97 * len(there), collections.Counter(whole.objects[a] for a in there if a not in cut.objects).most_common(5))
        warnings = [m for m, in cut.db.con.execute("SELECT message FROM warning")]
        self.assertTrue([m for m in warnings if "libpython" in m and "one place alone" in m], warnings)
        # The states of threads are on the heap, and lead to their frames; what these run is older, and behind the cut.
        threads, frames = cut.db.con.execute("SELECT count(DISTINCT thread), count(*) FROM frame").fetchone()
        self.assertGreater(threads, 0)
        self.assertGreaterEqual(frames, threads)
        whole.db.con.close()
        cut.db.con.close()

    def test_a_library_of_which_the_beginning_is_left_is_known_by_its_build_id(self):
        core, whole = self.gcore(100)
        start, end = whole.db.con.execute(
            "SELECT min(start), max(end) FROM mapping WHERE path LIKE '%/libpython%' AND perms LIKE '_w%'").fetchone()
        whole.db.con.close()
        # Its data, and all behind that.
        os.truncate(core, next(offset for vaddr, _, offset, size, _ in Core(core).segments if start <= vaddr < end and size))
        cut = Load(core, os.path.join(self.directory, "cut.db"))
        named = cut.db.con.execute("SELECT count(*) FROM mapping WHERE path LIKE '%/libpython%'").fetchone()[0]
        warnings = [m for m, in cut.db.con.execute("SELECT message FROM warning")]
        self.assertGreater(named, 0)
        self.assertFalse([m for m in warnings if "libpython" in m and "one place alone" in m], warnings)
        cut.db.con.close()

    def test_references_into_what_is_missing_are_counted(self):
        for path, whole, cut in self.each((60,)):
            starts = [m[0] for m in cut.missing]
            expected = collections.Counter()
            for src, dst, kind in whole.db.references():
                i = bisect.bisect_right(starts, dst) - 1
                if kind not in WEAK and src in cut.objects and dst not in cut.objects and i >= 0 and dst < cut.missing[i][1]:
                    expected[i] += 1
            told = sum(m[2] for m in cut.missing)
            self.assertGreater(told, 1000)
            self.assertEqual(told, int(cut.db.con.execute("SELECT value FROM meta WHERE key = 'missing_references'").fetchone()[0]))
            # Those of objects whose own tables, or whose types' descriptions, were cut off are not known.
            self.assertLessEqual(told, sum(expected.values()))
            self.assertGreater(told, 0.9 * sum(expected.values()))
            worst = max(range(len(starts)), key=lambda i: cut.missing[i][2])
            report = subprocess.run([NECROPSY, "report", os.path.join(self.directory, "cut.db")], stdout=subprocess.PIPE, universal_newlines=True).stdout
            self.assertIn("CUT OFF", report)
            self.assertRegex(report, r"What is missing\n.*\n +%#x-%#x +.* %s\b" % (cut.missing[worst][0], cut.missing[worst][1],
                                                                                  re.escape("{:,}".format(cut.missing[worst][2]))))
            cut.db.con.close()


if __name__ == "__main__":
    unittest.main()
