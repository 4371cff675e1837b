# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of each NumPy: what they hold is theirs, and told by its type. Without NumPy; fixtures/dtypes.c has its layouts."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FIXTURES = os.path.join(os.environ["srcdir"], "fixtures")
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), FIXTURES]
import capture  # noqa: E402
import extension  # noqa: E402
import matrix  # noqa: E402

NECROPSY = os.environ["NECROPSY"]


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Layouts(unittest.TestCase):
    def check(self, python):
        said = []
        with tempfile.TemporaryDirectory() as directory:
            if not extension.build(python, "dtypes", directory):
                self.skipTest("no headers of %s, or no compiler" % python)
            target = os.path.join(FIXTURES, "dtypes.py")
            core = capture.capture(directory, python, target, oracle=False, command=[python, target, directory], output=said.append)
            rows = {kind: json.loads(subprocess.run([NECROPSY, "objects", core, kind, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                    universal_newlines=True, timeout=300).stdout) for kind in ("numpy.ndarray", "numpy._DTypeMeta")}
        # A head of 88 or 96 bytes, 16 for the one dimension, and the items; array_sizeof() says the same.
        arrays = rows["numpy.ndarray"]
        self.assertEqual(sorted(row["size"] for row in arrays), [8104, 8112, 8112, 8112], arrays)
        self.assertEqual({row["value"] for row in arrays}, {"ndarray float64 (1000,)"}, arrays)
        # Static types of a metaclass, of which sys.getsizeof says in some versions that they have a header.
        sizes = {hex(int(addr)): int(size) for addr, size in re.findall(rb"^size (\d+) (\d+)$", said[0], re.M)}
        found = {row["addr"]: row["size"] for row in rows["numpy._DTypeMeta"]}
        self.assertEqual(len(sizes), 3)
        self.assertEqual({addr: found.get(addr) for addr in sizes}, sizes)

    def test_with_the_python_that_runs_this(self):
        self.check(sys.executable)

    def test_with_the_newest(self):
        found = [i for i in matrix.interpreters([]) if not i.refusal and not i.emulator]
        self.check(found[-1].path)


if __name__ == "__main__":
    unittest.main()
