# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process says of its own layout (_Py_DebugOffsets, 3.13 on) is heard, and not believed when the memory says otherwise."""
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "fixtures")]
import capture  # noqa: E402
import matrix  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
TARGET = "import os, sys, time\nprint('ready %d' % os.getpid())\nsys.stdout.flush()\ntime.sleep(600)\n"

# Of _Py_DebugOffsets, the same in 3.13 to 3.15.
FREE_THREADED, INTERPRETER_SIZE, THREADS_HEAD = 16, 48, 72


def newest():
    """An interpreter that has _Py_DebugOffsets."""
    found = [i for i in matrix.interpreters([]) if not i.refusal and [int(n) for n in re.findall(r"\d+", i.version)][:2] >= [3, 13]]
    return found[-1] if found else None


@unittest.skipUnless(capture.methods(), "no way to take a core here")
class DebugOffsets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        interpreter = newest()
        if not interpreter:
            raise unittest.SkipTest("no interpreter of 3.13 or later here")
        cls.directory = tempfile.mkdtemp(prefix="settle-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        target = os.path.join(cls.directory, "target.py")
        with open(target, "w") as f:
            f.write(TARGET)
        core = capture.capture(os.path.join(cls.directory, "core"), interpreter.path, target, method=capture.methods()[0], oracle=False)
        with open(core, "rb") as f:
            cls.core = f.read()
        version = [int(n) for n in re.findall(r"\d+", interpreter.version)]
        # The cookie is also a literal of the code; behind the real one comes PY_VERSION_HEX.
        cls.at = [m.start() for m in re.finditer(b"xdebugpy", cls.core)
                  if struct.unpack_from("<Q", cls.core, m.start() + 8)[0] >> 16 == version[0] << 8 | version[1]]

    def load(self, at=None, value=0):
        """(status, what was said, objects, disagreements about threads.head, warnings) with one word of the offsets changed."""
        core = bytearray(self.core)
        for start in self.at if at is not None else []:
            struct.pack_into("<Q", core, start + at, value)
        path, db = os.path.join(self.directory, "changed"), os.path.join(self.directory, "db")
        with open(path, "wb") as f:
            f.write(core)
        done = subprocess.run([NECROPSY, "load", "-f", "-o", db, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        if done.returncode > 1:
            return done.returncode, done.stdout, 0, [], []
        con = sqlite3.connect(db)
        try:
            return (
                done.returncode, done.stdout, con.execute("SELECT count(*) FROM object").fetchone()[0],
                con.execute("SELECT source, disagrees FROM layout WHERE field = '_is.threads.head'").fetchall(),
                [w for w, in con.execute("SELECT message FROM warning WHERE message LIKE '%DebugOffsets%'")],
            )
        finally:
            con.close()
            os.unlink(db)

    def test_they_are_heard(self):
        self.assertTrue(self.at)
        status, said, objects, head, warnings = self.load()
        self.assertIn(status, (0, 1), said)
        self.assertGreater(objects, 10000)
        self.assertEqual(warnings, [])
        self.assertIn(head[0][0], ("debug offsets", "DWARF"))
        self.assertIsNone(head[0][1])

    def test_an_offset_that_does_not_fit_the_memory_is_refuted(self):
        right = self.load()
        wrong = struct.unpack_from("<Q", self.core, self.at[0] + THREADS_HEAD)[0] + 64
        status, said, objects, head, warnings = self.load(THREADS_HEAD, wrong)
        self.assertEqual(objects, right[2], said)
        self.assertEqual(head, [("probe", "debug offsets %d" % wrong)])
        self.assertEqual(len(warnings), 1)

    def test_a_struct_of_impossible_size_says_nothing(self):
        right = self.load()
        for size in (0, 2**63, 40):
            with self.subTest(size=size):
                status, said, objects, head, warnings = self.load(INTERPRETER_SIZE, size)
                self.assertEqual(objects, right[2], said)
                self.assertEqual(len(warnings), 1)
                self.assertIn("damaged (interpreter_state)", warnings[0])

    def test_a_build_without_gil_is_named_and_refused(self):
        status, said, _, _, _ = self.load(FREE_THREADED, 1)
        self.assertEqual(status, 2)
        self.assertIn("free-threaded", said)


if __name__ == "__main__":
    unittest.main()
