# SPDX-License-Identifier: GPL-3.0-or-later
"""
A dump is hostile input: cores that are damaged on purpose (fuzz/damage.py) are loaded, in time, and every command that looks at them
ends well. tests/fuzz/hunt does the same for as long as one likes.
"""
import importlib.machinery
import importlib.util
import os
import pty
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES, os.path.join(HERE, "fuzz")]
import capture  # noqa: E402
import damage  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
SECONDS = 60  # for what takes one
PROGRAM = """
import collections, functools, os, sys, threading, time
kept = [collections.OrderedDict((str(i), i) for i in range(30)), collections.deque(range(300)), [tuple(range(i, i + 5)) for i in range(3000)]]
@functools.lru_cache(maxsize=20)
def cached(x): return [x]
for i in range(30): cached(i)
def wait(n):
    local = [n]
    if n: wait(n - 1)
    else: time.sleep(1000)
for i in range(3):
    threading.Thread(target=wait, args=(5,), daemon=True).start()
time.sleep(0.3)
print("ready %d" % os.getpid())
sys.stdout.flush()
wait(5)
"""


def load_hunt():
    loader = importlib.machinery.SourceFileLoader("hunt", os.path.join(HERE, "fuzz", "hunt"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("hunt", loader))
    loader.exec_module(module)
    return module


@unittest.skipUnless(capture.methods(), "no way to dump a process here")
class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        program = os.path.join(cls.directory, "program.py")
        with open(program, "w") as f:
            f.write(PROGRAM)
        method = "abort" if "abort" in capture.methods() else "gcore"
        cls.core = capture.capture(os.path.join(cls.directory, "good"), sys.executable, program, method=method, oracle=False)
        cls.good = os.path.join(cls.directory, "good.db")
        subprocess.run([NECROPSY, "load", "-f", "-o", cls.good, cls.core], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.patient = damage.Patient(cls.core, cls.good)

    def load(self, words):
        """The database of a copy in which words, {address: what}, are different."""
        core, db = os.path.join(self.directory, "core"), os.path.join(self.directory, "core.db")
        shutil.copy(self.core, core)
        with open(core, "r+b") as f:
            for addr, value in words.items():
                at = self.patient.offset(addr)
                self.assertIsNotNone(at, "%#x is not in the dump" % addr)
                f.seek(at)
                f.write(value if isinstance(value, bytes) else struct.pack("<Q", value))
        done = subprocess.run([NECROPSY, "load", "-f", "-o", db, core], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                              timeout=SECONDS)
        self.assertIn(done.returncode, (0, 1), done.stdout)
        self.assertNotRegex(done.stdout, "runtime error|Sanitizer")
        return db

    def ask(self, db, query):
        con = sqlite3.connect(db)
        try:
            return con.execute(query).fetchall()
        finally:
            con.close()

    def field(self, name):
        if name not in self.patient.layout:
            self.skipTest("no %s in this version" % name)
        return self.patient.layout[name]

    def test_threads_in_a_ring_are_there_once(self):
        at = self.field("_ts.next")
        first = self.patient.threads[0]
        db = self.load({a + at: first for a in self.patient.threads})
        count = "SELECT count(*) FROM root WHERE kind = 'thread state'"
        self.assertLess(self.ask(db, count)[0][0], 4 * self.ask(self.good, count)[0][0] + 10)

    def test_frames_in_a_ring_end(self):
        at = self.field("_PyInterpreterFrame.previous")
        db = self.load({a + at: self.patient.frames[0] for a in self.patient.frames})
        count = "SELECT count(*) FROM root WHERE kind = 'frame'"
        self.assertLess(self.ask(db, count)[0][0], 20 * self.ask(self.good, count)[0][0] + 100)

    def links(self, name, first, following):
        """All links of objects of a kind lead back to the first of their list."""
        words = {}
        for obj in self.patient.kinds[name]:
            start = self.patient.word(obj + self.field(first))
            last = self.patient.word(start + self.field(following))
            if start and last and self.patient.offset(last) is not None:
                words[last + self.field(following)] = start
        return words

    def test_links_in_a_ring_end(self):
        words = self.links("collections.OrderedDict", "_odictobject.od_first", "_odictnode.next")
        words.update(self.links("collections.deque", "dequeobject.leftblock", "BLOCK.rightlink"))
        self.assertGreater(len(words), 1)
        # A length that such a list would have.
        for obj in self.patient.kinds["collections.deque"]:
            words[obj + self.field("dequeobject.len")] = 1 << 40
        db = self.load(words)
        self.assertLess(int(self.ask(db, "SELECT value FROM meta WHERE key = 'references'")[0][0]),
                        2 * int(self.ask(self.good, "SELECT value FROM meta WHERE key = 'references'")[0][0]))

    def test_lengths_that_nobody_has(self):
        at = self.field("PyVarObject.ob_size")
        tuples, strings = self.patient.kinds["builtins.tuple"], self.patient.kinds["builtins.str"]
        words = {a + at: (1 << 60, 1 << 40, 1 << 20)[i % 3] for i, a in enumerate(tuples)}
        words.update({a + self.field("PyASCIIObject.length"): (1 << 62) + i for i, a in enumerate(strings[:1000])})
        db = self.load({a: v for a, v in words.items() if self.patient.offset(a) is not None})
        mapped = int(self.ask(db, "SELECT value FROM meta WHERE key = 'mapped'")[0][0])
        self.assertLessEqual(self.ask(db, "SELECT max(size) FROM object")[0][0], mapped + 4096)

    def test_random_damage(self):
        hunt = load_hunt()
        core, db = os.path.join(self.directory, "core"), os.path.join(self.directory, "core.db")
        bad = []
        for seed in range(12):
            rng = random.Random(seed)
            done = damage.write(self.patient, seed, core)
            result = hunt.Result([NECROPSY, "load", "-f", "-o", db, core], SECONDS)
            wrong = list(result.faults(False, SECONDS))
            if result.status in (0, 1):
                for args in rng.sample(list(hunt.commands(core, db, self.good, self.directory, rng)), 6):
                    wrong += ["%s: %s" % (" ".join(args), w) for w in hunt.Result([NECROPSY] + args, SECONDS).faults("--json" in args, SECONDS)]
            bad += ["seed %d (%s): %s" % (seed, " ".join(sorted(set(done))), w) for w in wrong]
        self.assertEqual(bad, [])

    def test_fuzz_target_of_cores(self):
        """Its headers and notes alone, where damage meets something at each place."""
        head = os.path.join(self.directory, "head")
        with open(self.core, "rb") as f, open(head, "wb") as out:
            out.write(f.read(16 << 10))
        program = os.path.join(os.getcwd(), "tests", "fuzz", "fuzz_elfcore")
        done = subprocess.run([program, "-r", "3000", head], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                              timeout=SECONDS * 3)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])

    def test_a_dump_that_becomes_shorter(self):
        core, db = os.path.join(self.directory, "core"), os.path.join(self.directory, "core.db")
        for _ in range(20):
            shutil.copy(self.core, core)
            process = subprocess.Popen([NECROPSY, "load", "-f", "-o", db, core], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
            while not os.path.exists(db + ".partial") and process.poll() is None:
                time.sleep(0.001)
            os.truncate(core, 4096)
            output = process.communicate(timeout=SECONDS)[0]
            self.assertIn(process.returncode, (0, 1, 2), output)
            self.assertFalse(os.path.exists(db + ".partial"))
            if process.returncode == 2:
                self.assertIn("became shorter", output)
                self.assertFalse(os.path.exists(db))
                return
            os.unlink(db)
        self.skipTest("it was loaded before it became shorter, each time")


class Terminal(unittest.TestCase):
    def test_csv_on_a_terminal_is_escaped(self):
        with tempfile.TemporaryDirectory() as directory:
            dump, db = os.path.join(directory, "m.dat"), os.path.join(directory, "m.db")
            with open(dump, "w") as f:
                f.write("CMDLINE x\nMEM 32.816406 1795216348.0586\nMEM 33.816406 1795216349.0586\n")
            subprocess.check_output([NECROPSY, "load", "-o", db, dump])
            query = [NECROPSY, "sql", db, "SELECT char(27, 91, 50, 74) || 'x' AS text", "--csv"]
            self.assertIn(b"\x1b[2Jx", subprocess.check_output(query))
            try:
                master, slave = pty.openpty()
            except OSError as error:
                self.skipTest("there are no pseudo-terminals: %s" % error)
            subprocess.check_call(query, stdout=slave)
            os.close(slave)
            self.assertIn(b"\\x1b[2Jx", os.read(master, 4096))
            os.close(master)


class NoDump(unittest.TestCase):
    def test_devices(self):
        for command in ("threads", "load"):
            done = subprocess.run([NECROPSY, command, "/dev/zero"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=SECONDS)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("not a dump", done.stdout)


if __name__ == "__main__":
    unittest.main()
