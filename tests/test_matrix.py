# SPDX-License-Identifier: GPL-3.0-or-later
"""
A part of the table of tests/matrix.py as test cases, small enough for each `make check`: of the interpreters of this machine the oldest and
the newest, the one that runs this, and one from between, each dumped once or twice, and the conditions dealt out among them so that each kind
of them comes up. `make check-matrix` runs the whole table.
"""
import os
import re
import shutil
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import matrix  # noqa: E402

NECROPSY = os.environ.get("NECROPSY", "")
EXTENSION = os.environ.get("NECROPSY_EXTENSION", "")

# What is tried on interpreters from that version on, up to the next row. All of a row but gcore share the kernel's dump.
DEALT = [
    ((2, 7), ["abort", "missing", "cut 30"]),
    ((3, 8), ["abort", "sub-interp", "elsewhere"]),
    ((3, 11), ["gcore", "stripped", "cut 60"]),
    ((3, 12), ["abort", "missing", "sub-interp", "zstd", "cut 90"]),
]


def version(interpreter):
    return tuple(int(n) for n in re.findall(r"\d+", interpreter.version)[:2])


def chosen(found):
    """(interpreter, conditions): of each row the oldest, but of its interpreters the one that runs this when it is among them."""
    for i, (since, conditions) in enumerate(DEALT):
        until = DEALT[i + 1][0] if i + 1 < len(DEALT) else (99,)
        row = [x for x in found if since <= version(x) < until and not x.refusal]
        mine = [x for x in row if os.path.realpath(x.path) == os.path.realpath(sys.executable)]
        if row:
            yield (mine or row)[0], conditions


class Matrix(unittest.TestCase):
    """One method for each interpreter and condition, made below; dumps are shared by those of an interpreter."""

    options = types.SimpleNamespace(necropsy=NECROPSY, extension=EXTENSION if os.path.exists(EXTENSION) else None, keep=None)
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
        if must is matrix.ALL:
            self.assertEqual(cell.text, "100", cell.why)


def add_cases():
    conditions = {name: (prepare, must) for name, prepare, must, _ in matrix.CONDITIONS}
    for interpreter, names in chosen(matrix.interpreters([])):
        for name in names:
            setattr(
                Matrix,
                "test_%s_%s" % (re.sub(r"\W", "_", interpreter.name), re.sub(r"\W", "_", name)),
                lambda self, args=(interpreter, name) + conditions[name]: self.cell(*args),
            )


add_cases()

if __name__ == "__main__":
    unittest.main()
