# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever allocates objects: pymalloc with debug hooks, malloc alone, mimalloc; and C libraries of other systems.

Each object is found, the partition adds up, and it is said who allocates. NECROPSY_ROOTS names root directories of other systems
(as fixtures/fetch-roots makes them, with /proc mounted; needs root): what has a Python there is dumped and read, too.
"""
import glob
import mmap
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "fixtures")]
import capture  # noqa: E402
import test_memory  # noqa: E402
import truth  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
EXTENSION = os.environ.get("NECROPSY_EXTENSION", "")
ROOTS = [root for root in os.environ.get("NECROPSY_ROOTS", "").split(":") if root]


def version(interpreter):
    done = subprocess.run([interpreter, "-c", "import sys; print('%d %d' % sys.version_info[:2])"], stdout=subprocess.PIPE)
    return tuple(map(int, done.stdout.split()))


def newest():
    found = [path for path in test_memory.INTERPRETERS if version(path) >= (3, 6)]
    return max(found, key=version) if found else None


def hide(core, directory):
    """Files of the process that lie below directory are somewhere else, as far as the dump says."""
    old = directory.encode()
    new = os.path.join(os.path.dirname(old), b"?" * len(os.path.basename(old)))
    with open(core, "r+b") as f, mmap.mmap(f.fileno(), 0) as data:
        at = data.find(old)
        while at >= 0:
            data[at:at + len(old)] = new
            at = data.find(old, at + 1)


class Mimalloc(test_memory.Case):
    env = {"PYTHONMALLOC": "mimalloc"}

    @classmethod
    def pick(cls):
        found = [path for path in test_memory.INTERPRETERS if version(path) >= (3, 13)]
        if not found:
            raise unittest.SkipTest("no interpreter has mimalloc")
        return found[-1:]

    def said(self, what):
        return int(re.search(r"^ *%s: (\d+)$" % what, self.stats, re.M).group(1))

    def test_figures_are_those_of_the_process(self):
        self.take(self.interpreters[0])
        self.check_sum()
        self.check_malloc_info()
        self.check_smaps()
        count, used, idle = self.db.execute(
            "SELECT sum(used_count), sum(used), sum(free) FROM arena WHERE kind = 'mimalloc'").fetchone()
        self.assertEqual((count, used, used + idle),
                         (self.said("Allocated Blocks"), self.said("Allocated Bytes"), self.said("Bytes Reserved")))
        never = self.one("SELECT bytes FROM memory WHERE category = 'mimalloc: rooms of pages that were never used'")
        self.assertEqual(used + idle - never, self.said("Bytes Committed"))
        # Segments are whole: heads, pages and what is free lie in them, each byte once.
        inside = self.one("SELECT sum(bytes) FROM memory WHERE area = 'mimalloc' AND category NOT LIKE '%reserved%'")
        self.assertLess(inside, self.one("SELECT sum(bytes) FROM arena WHERE kind = 'mimalloc'"))
        self.assertEqual(self.one("SELECT value FROM meta WHERE key = 'python_allocator'"), "mimalloc")
        text = subprocess.run([NECROPSY, "memory", self.db_path], check=True, stdout=subprocess.PIPE).stdout.decode()
        self.assertIn("objects are allocated by: mimalloc", text)
        self.assertIn("segments are free pages", text)


class Complete(unittest.TestCase):
    """Objects and references against the oracle."""

    def check(self, allocator, expected, interpreter):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        target = os.path.join(HERE, os.pardir, "fixtures", "zoo.py")
        core = capture.capture(directory, interpreter, target, env={"PYTHONMALLOC": allocator})
        path = os.path.join(directory, "db")
        subprocess.run([NECROPSY, "load", "-o", path, core], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        database = truth.Database(path, NECROPSY, EXTENSION if os.path.exists(EXTENSION) else None)
        result = truth.compare(truth.Oracle(os.path.join(directory, "oracle")), database, truth.Core(core))
        self.assertTrue(result["complete"], result["shares"])
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        one = lambda sql: db.execute(sql).fetchone()[0]
        self.assertEqual(one("SELECT value FROM meta WHERE key = 'python_allocator'"), expected)
        self.assertEqual(one("SELECT sum(bytes) FROM memory"), one("SELECT sum(bytes) FROM mapping"))
        self.assertLess(one("SELECT coalesce(sum(bytes), 0) FROM memory WHERE area = 'unknown'"),
                        one("SELECT sum(bytes) * 0.02 FROM memory"))

    def all_of(self, allocator, expected, least=(3, 6)):
        interpreter = newest()
        if not interpreter or version(interpreter) < least:
            self.skipTest("no interpreter that has it")
        if not shutil.which("gcore"):
            self.skipTest("no gcore")
        self.check(allocator, expected, interpreter)

    def test_every_object_with_malloc_alone(self):
        self.all_of("malloc", "malloc")

    def test_every_object_with_debug_hooks(self):
        self.all_of("debug", "pymalloc")

    def test_every_object_with_malloc_and_debug_hooks(self):
        self.all_of("malloc_debug", "malloc")

    def test_every_object_with_mimalloc(self):
        self.all_of("mimalloc", "mimalloc", (3, 13))

    def test_every_object_with_mimalloc_and_debug_hooks(self):
        self.all_of("mimalloc_debug", "mimalloc", (3, 13))


@unittest.skipUnless(ROOTS, "NECROPSY_ROOTS names no root directory")
@unittest.skipUnless(shutil.which("gcore"), "no gcore")
class OtherSystems(unittest.TestCase):
    """Processes of another root directory, which has another C library."""

    def interpreters(self):
        for root in ROOTS:
            for path in sorted(glob.glob(os.path.join(root, "usr/bin/python3.[0-9]*"))):
                if re.search(r"/python3\.\d+$", path):
                    yield root, path[len(root):]

    def check(self, root, interpreter, env, hidden):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        target = os.path.join(HERE, os.pardir, "fixtures", "zoo.py")
        core = capture.capture(directory, interpreter, target, root=root, env=env)
        if hidden:
            hide(core, os.path.join(root, "usr"))
        path = os.path.join(directory, "db")
        done = subprocess.run([NECROPSY, "load", "-o", path, core], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertIn(done.returncode, (0, 1))
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        one = lambda sql: db.execute(sql).fetchone()[0]
        self.assertEqual(one("SELECT sum(bytes) FROM memory"), one("SELECT sum(bytes) FROM mapping"))
        self.assertLess(one("SELECT coalesce(sum(bytes), 0) FROM memory WHERE area = 'unknown'"),
                        one("SELECT sum(bytes) * 0.02 FROM memory"))
        self.assertEqual(one("SELECT value + 0 FROM meta WHERE key = 'from_files'") == 0, hidden)
        self.assertGreater(one("SELECT used_count FROM arena WHERE kind = 'malloc' AND number = 0"), 1000)
        self.assertEqual(one("SELECT count(*) FROM warning WHERE stage = 'malloc'"), 0)
        return one("SELECT value FROM meta WHERE key = 'malloc_layout'")

    def test_partition_adds_up_with_files_and_without(self):
        for root, interpreter in self.interpreters():
            for allocator in ("pymalloc", "mimalloc"):
                if allocator == "mimalloc" and int(interpreter.rsplit(".", 1)[1]) < 13:
                    continue
                with self.subTest(root=root, interpreter=interpreter, allocator=allocator):
                    env = {"PYTHONMALLOC": allocator}
                    self.assertEqual(self.check(root, interpreter, env, True), self.check(root, interpreter, env, False))


if __name__ == "__main__":
    sys.exit(unittest.main())
