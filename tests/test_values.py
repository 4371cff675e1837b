# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews, `find`, --no-values, and that each type's references are described: on a core of the zoo under this Python.

VISITED says for each type how many different labels its references have at least, words that nobody described left out. What is in
the list comes from a visitor or a list of members; without it the type's references are conservative or not there, and its row fails.
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

NECROPSY = os.environ["NECROPSY"]
VISITED = {
    "builtins.dict": 1000, "builtins.list": 1000, "builtins.tuple": 100, "builtins.set": 1, "builtins.frozenset": 1, "builtins.type": 8,
    "builtins.function": 8, "builtins.code": 6, "builtins.cell": 1, "builtins.frame": 10, "builtins.generator": 5,
    "builtins.coroutine": 5, "builtins.async_generator": 5, "builtins.traceback": 2, "builtins.ValueError": 2, "builtins.module": 2,
    "builtins.method": 2, "builtins.builtin_function_or_method": 2, "builtins.method_descriptor": 2, "builtins.wrapper_descriptor": 2,
    "builtins.getset_descriptor": 2, "builtins.member_descriptor": 2, "builtins.property": 4, "builtins.classmethod": 1,
    "builtins.staticmethod": 1, "builtins.slice": 3, "builtins.range": 4, "builtins.super": 3, "builtins.mappingproxy": 1,
    "builtins.memoryview": 1, "builtins.managedbuffer": 1, "builtins.enumerate": 2, "builtins.map": 2, "builtins.filter": 2,
    "builtins.list_iterator": 1, "builtins.callable_iterator": 2, "functools.partial": 3, "functools._lru_cache_wrapper": 6,
    "functools._lru_list_elem": 2, "functools.KeyWrapper": 2, "collections.deque": 100, "collections.OrderedDict": 20,
    "collections.defaultdict": 3, "itertools._tee": 1, "itertools._tee_dataobject": 10, "itertools.chain": 2, "itertools.groupby": 4,
    "itertools.product": 2, "itertools.zip_longest": 3, "weakref.ReferenceType": 2, "weakref.ProxyType": 1, "_contextvars.ContextVar": 2,
    "_contextvars.Context": 1, "_contextvars.Token": 2, "_thread._local": 3, "_asyncio.Future": 5, "_asyncio.Task": 10,
    "_ctypes.PyCSimpleType": 6, "_io.TextIOWrapper": 8, "_io.BufferedReader": 1, "_io.BytesIO": 1, "re.Match": 3, "re.Pattern": 1,
    "datetime.datetime": 1, "_struct.Struct": 1, "sqlite3.Connection": 8, "sqlite3.Cursor": 4, "xml.etree.ElementTree.Element": 8,
    "_pickle.Pickler": 3, "_pickle.Unpickler": 5, "_csv.reader": 2, "_csv.writer": 2, "_csv.Dialect": 1, "types.GenericAlias": 3,
    "pyexpat.xmlparser": 2, "operator.itemgetter": 1, "os.stat_result": 10,
}

# type -> a preview that one of its objects has
SHOWN = {
    "datetime.date": r"datetime\.date\(\d+, \d+, \d+\)", "datetime.datetime": r"datetime\.datetime\(\d+, .*\)",
    "datetime.time": r"datetime\.time\(.*\)", "datetime.timedelta": r"datetime\.timedelta\(.+\)",
    "datetime.timezone": r"datetime\.timezone\(datetime\.timedelta\(.+\).*\)", "decimal.Decimal": r"Decimal\('-Infinity'\)",
    "fractions.Fraction": r"Fraction\(1, 3\)", "functools.partial": r"functools\.partial\(<.*>.*\)", "builtins.slice": r"slice\(1, 2, 3\)",
    "builtins.cell": r"<cell: .+>", "builtins.range": r"range\(0, 10, 1\)", "builtins.generator": r"<generator g \(<zoo>:2\)>",
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

    def test_references_of_each_type_are_described(self):
        found = {r["name"]: r["labels"] for r in rows(self.db, """
            SELECT t.name AS name, count(DISTINCT r.label) AS labels FROM reference r JOIN object o ON o.addr = r.src
            JOIN type t ON t.id = o.type WHERE r.kind IN ('strong', 'weak') AND r.label <> '.__dict__' GROUP BY t.name""")}
        there = {r["name"] for r in rows(self.db, "SELECT name FROM type WHERE count > 0")}
        for name, least in VISITED.items():
            with self.subTest(type=name):
                if name in there:
                    self.assertGreaterEqual(found.get(name, 0), least)
        self.assertGreater(len(there.intersection(VISITED)), len(VISITED) * 8 // 10)

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
