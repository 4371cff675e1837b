# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews, `find` and --no-values: on a core of the zoo under this Python."""
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

NECROPSY = os.environ["NECROPSY"]
# type -> a preview that one of its objects has
SHOWN = {
    "datetime.date": r"datetime\.date\(\d+, \d+, \d+\)", "datetime.datetime": r"datetime\.datetime\(\d+, .*\)",
    "datetime.time": r"datetime\.time\(.*\)", "datetime.timedelta": r"datetime\.timedelta\(.+\)",
    "datetime.timezone": r"datetime\.timezone\(datetime\.timedelta\(.+\).*\)", "decimal.Decimal": r"Decimal\('-Infinity'\)",
    "fractions.Fraction": r"Fraction\(1, 3\)", "functools.partial": r"functools\.partial\(<.*>.*\)", "builtins.slice": r"slice\(1, 2, 3\)",
    "builtins.cell": r"<cell: .+>", "builtins.range": r"range\(0, 10, 1\)", "builtins.generator": r"<generator g \(<zoo>:2\), suspended at line 3>",
    "builtins.ZeroDivisionError": r"ZeroDivisionError\('division by zero'\) raised in .+ \(.+\)", "re.Pattern": r"re\.compile\(.+\)",
    "weakref.ReferenceType": r"<weakref to .+ at 0x[0-9a-f]+>", "signal.Signals": r"<Signals\.SIGINT: 2>",
    "uuid.UUID": r"UUID\('[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'\)", "pathlib.PosixPath": r"PosixPath\('.*'\)",
    "builtins.complex": r"\(?.*j\)?", "builtins.bool": "True", "builtins.code": r"<code .+ \(.+:\d+\)>",
}

SECRET = "correct-horse-battery"
PARKED = """
import os, sys
held = {'key-%s': 1, b'%s': 2}
def raising():
    raise KeyError('%s')
try:
    raising()
except KeyError as error:
    kept = error
print('ready %%d' %% os.getpid(), flush=True)
os.read(os.pipe()[0], 1)
""" % (SECRET, SECRET, SECRET)


def run(*args, status=0):
    done = subprocess.run([NECROPSY, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if done.returncode != status:
        raise AssertionError("%s: %s" % (args, done.stderr.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


def rows(db, query):
    return json.loads(run("sql", "--json", "--limit", 0, db, query))


class Zoo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if sys.version_info[:2] < (3, 11) or not capture.methods():
            raise unittest.SkipTest("the tables are those of 3.11 and later, and cores must be taken")
        cls.dir = tempfile.mkdtemp(prefix="necropsy-test-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        core = capture.capture(cls.dir, sys.executable, os.path.join(FIXTURES, "zoo.py"), method=capture.methods()[0], oracle=False)
        cls.db = os.path.join(cls.dir, "db")
        run("load", "-o", cls.db, core)

    def test_previews_are_what_repr_begins_with(self):
        seen = {}
        for r in rows(self.db, "SELECT t.name AS name, v.text AS text FROM value v JOIN object o ON o.addr = v.addr JOIN type t ON t.id = o.type"):
            if r["name"] in SHOWN:
                seen.setdefault(r["name"], []).append(r["text"])
        for name, pattern in SHOWN.items():
            with self.subTest(type=name):
                if name in seen:
                    self.assertTrue(any(re.fullmatch(pattern, t) for t in seen[name]), seen[name][:5])
        self.assertGreater(len(seen), len(SHOWN) * 8 // 10)


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not capture.methods():
            raise unittest.SkipTest("cores cannot be taken here")
        cls.dir = tempfile.mkdtemp(prefix="necropsy-test-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        target = os.path.join(cls.dir, "target.py")
        with open(target, "w") as f:
            f.write(PARKED)
        cls.core = capture.capture(cls.dir, sys.executable, target, args=["--password=" + SECRET], method=capture.methods()[0], oracle=False)

    def test_find_says_where_a_text_is(self):
        db = os.path.join(self.dir, "with")
        run("load", "-o", db, self.core)
        found = json.loads(run("find", "--json", db, SECRET))
        self.assertIn("builtins.KeyError", [r["type"] for r in found])
        self.assertTrue(any("['kept']" in (r["path"] or "") for r in found if r["type"] == "builtins.KeyError"), found)
        self.assertEqual(json.loads(run("find", "--json", "-E", db, "^'key-%s'$" % SECRET))[0]["type"], "builtins.str")
        self.assertIn("'held'", json.dumps(json.loads(run("find", "--json", "--in", "attributes", db, "'held'"))))
        self.assertIn("builtins.KeyError", [r["label"] for r in json.loads(run("find", "--json", "--in", "types", db, "keyerror"))])

    def test_no_values_leaves_no_payload(self):
        db = os.path.join(self.dir, "without")
        run("load", "--no-values", "-o", db, self.core)
        self.assertEqual(rows(db, "SELECT count(*) AS n FROM value"), [{"n": 0}])
        self.assertGreater(rows(db, "SELECT count(*) AS n FROM object")[0]["n"], 1000)
        with open(db, "rb") as f:
            self.assertFalse(SECRET.encode() in f.read(), "payload is in the database")


if __name__ == "__main__":
    unittest.main()
