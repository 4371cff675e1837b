# SPDX-License-Identifier: GPL-3.0-or-later
"""What one gc.collect() would free, what it would not, and what gc.freeze() took out of its sight: on each Python of this machine, which says
itself what a collection does, in a child that has the same objects.
"""
import json
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

NECROPSY = os.environ["NECROPSY"]

PROGRAM = """
import gc, os, sys

class Final(object):
    def __del__(self):
        self.number += 1

class Inherits(Final):
    pass

class Plain(object):
    pass

class Classic:
    def __del__(self):
        self.number += 1

def lose(make, held):
    one = make()
    one.number = 0
    one.itself = [one, held]

def alive():
    names = ('Final', 'Inherits', 'instance', 'Classic', 'Plain')
    return sum(type(o).__name__ in names for o in gc.get_objects())

gc.collect()
gc.disable()
before = alive()
if hasattr(gc, 'freeze'):
    gc.freeze()
for number in range(20):
    lose(Final, bytearray(1000))
    lose(Inherits, bytearray(1000))
    lose(Classic, bytearray(1000))
    lose(Plain, bytearray(1000))
pid = os.fork()
if not pid:
    gc.collect()
    # Those with __del__ stay from here on, or are gone.
    sys.stdout.write('left %d\\n' % (alive() - before))
    sys.stdout.flush()
    os._exit(0)
os.waitpid(pid, 0)
sys.stdout.write('frozen %d\\nready %d\\n' % (gc.get_freeze_count() if hasattr(gc, 'freeze') else -1, os.getpid()))
sys.stdout.flush()
nothing = os.pipe()[0]
while True:
    os.read(nothing, 1)
"""


class Garbage(unittest.TestCase):
    """A method for each interpreter is added below."""

    def check(self, python):
        directory = tempfile.mkdtemp(prefix="necropsy-test-")
        self.addCleanup(shutil.rmtree, directory, True)
        target = os.path.join(directory, "lose.py")
        with open(target, "w") as f:
            f.write(PROGRAM)
        said = []
        core = capture.capture(os.path.join(directory, "out"), python, target, oracle=False, command=[python, target], output=said.append,
                               method=capture.methods()[0])
        text = b"".join(said).decode()
        frozen, left = (int(re.search(r"^%s (-?\d+)$" % word, text, re.M).group(1)) for word in ("frozen", "left"))
        done = subprocess.run([NECROPSY, "garbage", core], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=300)
        self.assertLess(done.returncode, 2, done.stderr)
        self.assertIn("collector: disabled", done.stdout)
        self.assertEqual(re.findall(r"(\d+) objects frozen", done.stdout), [str(frozen)] if frozen > 0 else [])
        rows = subprocess.run([NECROPSY, "garbage", core, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=300)
        counts = {row["type"].rpartition(".")[2]: row["count"] for row in json.loads(rows.stdout)}
        instances = sum(counts.get(name, 0) for name in ("Final", "Inherits", "instance", "Classic", "Plain"))
        self.assertEqual(instances, 80)
        self.assertEqual(counts["bytearray"], 80)
        freed = int(re.search(r"gc\.collect\(\) would free ([\d,]+) objects", done.stdout).group(1).replace(",", ""))
        kept = [int(n.replace(",", "")) for n in re.findall(r"and not ([\d,]+) more", done.stdout)]
        total = sum(row["count"] for row in json.loads(rows.stdout))
        self.assertEqual(freed + sum(kept), total)
        # Of each instance a list and a bytearray hang on it; its dict, where it has one, does too.
        self.assertEqual(kept and kept[0] * 80 // total, left or [])


def add(interpreter):
    setattr(Garbage, "test_" + re.sub(r"\W+", "_", interpreter.name), lambda self: self.check(interpreter.path))


if capture.methods():
    for each in matrix.interpreters([]):
        if not each.refusal and not each.emulator:
            add(each)

if __name__ == "__main__":
    unittest.main()
