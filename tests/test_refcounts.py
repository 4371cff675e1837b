# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference counts against the references that were found: of a plain process all agree, and one wrong count is the only one. It has no
garbage, either.

On the Python that runs this test, and on those that NECROPSY_PYTHONS names, separated by colons.
"""
import json
import os
import re
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
class Refcounts(unittest.TestCase):
    def audit(self, python, *arguments):
        """Rows of the command, and the address that the process printed."""
        target = os.path.join(FIXTURES, "miscount.py")
        said = []
        with tempfile.TemporaryDirectory() as directory:
            core = capture.capture(directory, python, target, arguments, oracle=False, command=[python, target],
                                   output=said.append)
            done = subprocess.run([NECROPSY, "refcounts", core, "--json", "--limit", "1000"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=300)
            self.assertLess(done.returncode, 2, done.stderr)
            report = subprocess.run([NECROPSY, "report", core, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, universal_newlines=True, timeout=300)
            self.findings = json.loads(report.stdout)["findings"]
            garbage = subprocess.run([NECROPSY, "garbage", core, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, universal_newlines=True, timeout=300)
            self.garbage = json.loads(garbage.stdout)
            found = re.search(rb"^record (\d+)$", said[0], re.M)
            self.stray = found and json.loads(subprocess.run(
                [NECROPSY, "sql", core, "--json", "SELECT kind, label FROM root WHERE doubt > 0 AND addr = %s" % found.group(1).decode()],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300).stdout)
            return json.loads(done.stdout), found and hex(int(found.group(1)))

    def check(self, python):
        rows, _ = self.audit(python)
        self.assertEqual(rows, [])
        # What is never freed is no garbage, though nothing leads to it.
        self.assertEqual(self.garbage, [])
        with tempfile.TemporaryDirectory() as directory:
            if not extension.build(python, "miscount", directory):
                self.skipTest("no headers of %s, or no compiler" % python)
            for mistake, more in (("forget", 1), ("overdraw", -1)):
                rows, record = self.audit(python, mistake, directory)
                # A word that was left behind, by chance, stands for the owner that is missing: another process has it elsewhere.
                if not rows and self.stray:
                    rows, record = self.audit(python, mistake, directory)
                self.assertEqual([(row["addr"], row["more"]) for row in rows], [(record, more)], (mistake, rows))
                self.assertEqual(rows[0]["type"], "__main__.Record")
                self.assertEqual([f["addr"] for f in self.findings if f["rule"] == "reference count"],
                                 [record] if mistake == "overdraw" else [])


def add_tests():
    pythons = [p for p in os.environ.get("NECROPSY_PYTHONS", sys.executable).split(":") if p]
    for number, python in enumerate(pythons):
        name = "test_counts_of_a_plain_process_are_explained%s" % ("_%d" % number if number else "")
        setattr(Refcounts, name, lambda self, python=python: self.check(python))


add_tests()

if __name__ == "__main__":
    unittest.main()
