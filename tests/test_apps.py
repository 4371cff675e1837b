# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of others (fixtures/apps), each compared with what the process says of itself: objects, types, names, sizes and references; and
no object of it has more owners than its count.

On the Python that $NECROPSY_APPS_PYTHON names, else on Debian's, which its packages of libraries are for. What an application needs
and is not installed is skipped.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402
import truth  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
PYTHON = os.environ.get("NECROPSY_APPS_PYTHON", "/usr/bin/python3")



@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
@unittest.skipUnless(os.access(PYTHON, os.X_OK), "there is no %s" % PYTHON)
class Apps(unittest.TestCase):
    """A method for each application is added below."""

    def check(self, target):
        directory = tempfile.mkdtemp(prefix="necropsy-test-")
        self.addCleanup(shutil.rmtree, directory, True)
        try:
            core = capture.capture(directory, PYTHON, target)
        except capture.CaptureError as error:
            if "missing " in str(error):
                self.skipTest(str(error))
            raise
        db = os.path.join(directory, "db")
        done = subprocess.run([NECROPSY, "load", "-o", db, core], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = truth.compare(truth.Oracle(os.path.join(directory, "oracle")), truth.Database(db, NECROPSY), truth.Core(core))
        for name in ("objects", "types", "names", "sizes", "references"):
            self.assertEqual(result[name]["missing"], {}, name)
        self.assertFalse(result["freed"])
        done = subprocess.run([NECROPSY, "refcounts", "--json", "--limit", "0", db], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=300)
        self.assertEqual([row for row in json.loads(done.stdout) if row["more"] < 0], [])


def add_tests():
    for target in sorted(glob.glob(os.path.join(FIXTURES, "apps", "*.py"))):
        name = os.path.basename(target)[:-3]
        if name != "app":
            setattr(Apps, "test_" + name, lambda self, target=target: self.check(target))


add_tests()

if __name__ == "__main__":
    unittest.main()
