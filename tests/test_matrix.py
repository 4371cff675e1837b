# SPDX-License-Identifier: GPL-3.0-or-later
"""
The quick part of tests/matrix.py as test cases: the oldest, the newest and the running interpreter, dumped in the main ways.
tests/matrix.py itself prints the whole table.
"""
import os
import shutil
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import matrix  # noqa: E402

NECROPSY = os.environ.get("NECROPSY", "")
EXTENSION = os.environ.get("NECROPSY_EXTENSION", "")


class Matrix(unittest.TestCase):
    """One method for each interpreter and condition, made below; dumps are shared by those of an interpreter."""

    options = types.SimpleNamespace(necropsy=NECROPSY, extension=EXTENSION if os.path.exists(EXTENSION) else None)
    dumps = {}

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="matrix-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory)

    def cell(self, interpreter, name, prepare, must):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if interpreter.name not in self.dumps:
            self.dumps[interpreter.name] = matrix.Dumps(interpreter, os.path.join(self.directory, str(len(self.dumps))))
        cell = matrix.run_cell(name, prepare, must, self.dumps[interpreter.name], self.options)
        if cell.text == "-":
            self.skipTest(cell.why)
        self.assertFalse(cell.bad, "%s: %s" % (cell.text, cell.why))


def add_cases():
    for interpreter in matrix.quick_choice(matrix.interpreters([])):
        for name, prepare, must, quick in matrix.CONDITIONS:
            if quick:
                setattr(
                    Matrix,
                    "test_%s_%s" % (interpreter.name.replace(" ", "_"), name.replace(" ", "_")),
                    lambda self, args=(interpreter, name, prepare, must): self.cell(*args),
                )


add_cases()

if __name__ == "__main__":
    unittest.main()
