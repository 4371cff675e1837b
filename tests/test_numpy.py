# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of each NumPy: what they hold is theirs, and told by its type. Without NumPy; fixtures/dtypes.c has its layouts."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

FIXTURES = os.path.join(os.environ["srcdir"], "fixtures")
sys.path.insert(0, FIXTURES)
import capture  # noqa: E402
import extension  # noqa: E402

NECROPSY = os.environ["NECROPSY"]


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Layouts(unittest.TestCase):
    def test_arrays_own_their_items(self):
        with tempfile.TemporaryDirectory() as directory:
            if not extension.build(sys.executable, "dtypes", directory):
                self.skipTest("no headers of %s, or no compiler" % sys.executable)
            target = os.path.join(FIXTURES, "dtypes.py")
            core = capture.capture(directory, sys.executable, target, oracle=False, command=[sys.executable, target, directory])
            done = subprocess.run([NECROPSY, "objects", core, "numpy.ndarray", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  universal_newlines=True, timeout=300)
        rows = json.loads(done.stdout)
        # A head of 88 or 96 bytes, 16 for the one dimension, and the items; array_sizeof() says the same.
        self.assertEqual(sorted(row["size"] for row in rows), [8104, 8112, 8112, 8112], rows)
        self.assertEqual({row["value"] for row in rows}, {"ndarray float64 (1000,)"}, rows)


if __name__ == "__main__":
    unittest.main()
