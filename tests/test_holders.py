# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds what, on the core of a real process: paths, what-if, garbage, reference counts.

The process is the Python that runs this test, which names its objects by id(); gdb's gcore takes the core.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

NECROPSY = os.environ["NECROPSY"]

PROGRAM = """
import functools, gc, json, sys, threading, types
module = types.ModuleType('registry')
sys.modules['registry'] = module
exec('''
class Loader(object):
    def __init__(self):
        self.data = [bytearray(1000) for i in range(100)]

class Processor(object):
    instance_map = {}

    def __init__(self, loader):
        self.loader = loader

for key in ('a', 'b', 'c'):
    Processor.instance_map[key] = Processor(Loader())
''', module.__dict__)
gc.collect()
gc.disable()

class Lost(object):
    pass

def lose():
    lost = Lost()
    lost.itself = lost
    lost.data = bytearray(5000)

lose()
@functools.lru_cache(maxsize=None)
def cached(number):
    return memoryview(bytes(1000 + number))

@functools.lru_cache(maxsize=50)
def bounded(number):
    return complex(number, 1)

for number in range(20):
    cached(number)
for number in range(60):
    bounded(number)
bounded(10)
emptied = dict.fromkeys(range(5000))
for number in range(4990):
    del emptied[number]
numbers = [float(i) + 0.5 for i in range(3000)]
long = 'much longer than any preview, ' * 40
texts = [long + str(i % 3) for i in range(60)]
raw = [bytes([i % 2]) * 5000 for i in range(10)]
nested = [('row %d' % (i % 5), i % 5 + 1000, (i % 5 + 0.25, 'in')) for i in range(50)]
records = [json.loads('{"name": "n%d", "value": %d, "tags": []}' % (i, i)) for i in range(500)]
class Sharing(object):
    def __init__(self, number):
        self.name = self.value = self.tags = number
sharing = [Sharing(number) for number in range(100)]
shared = [vars(one) for one in sharing]
first = module.Processor.instance_map['a'].loader
def hold():
    mine = [bytearray(1000) for i in range(2000)]
    ready.set()
    threading.Event().wait()

ready = threading.Event()
threading.Thread(target=hold, name='holder', daemon=True).start()
ready.wait()
ids = json.dumps({
    'loader': id(first), 'map': id(module.Processor.instance_map), 'list': id(first.data), 'class': id(module.Processor), 'numbers': id(numbers), 'emptied': id(emptied),
    'texts': [[id(t) for t in texts[i::3]] for i in range(3)], 'raw': [[id(b) for b in raw[i::2]] for i in range(2)],
    'nested': [[id(t) for t in nested[i::5]] for i in range(5)], 'inner': [[id(t[2]) for t in nested[i::5]] for i in range(5)],
    'records': [id(r) for r in records], 'record_bytes': sys.getsizeof(records[0]),
})
del first
print(ids, flush=True)
sys.stdin.readline()
"""


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Holders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            cls.ids = json.loads(process.stdout.readline())
            prefix = os.path.join(cls.directory.name, "core")
            subprocess.run(["gcore", "-o", prefix, str(process.pid)], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=True)
        finally:
            process.communicate(b"\n")
        cls.core = "%s.%d" % (prefix, process.pid)
        # 0: done; 1: done, with warnings worth reading.
        done = subprocess.run([NECROPSY, "load", cls.core], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode not in (0, 1):
            raise AssertionError(done.stderr.decode(errors="replace"))

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def ask(self, command, *arguments):
        done = subprocess.run([NECROPSY, command, self.core, "--json"] + [str(a) for a in arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout.decode())

    def stacks(self):
        """The threads of the database that the load made."""
        made = self.core + ".necropsy.db"
        done = subprocess.run([NECROPSY, "load", self.core, "-o", made], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        done = subprocess.run([NECROPSY, "threads", made, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout.decode())

    def paths(self, name, *arguments):
        return self.ask("paths", hex(self.ids[name]), *arguments)

    def test_shortest_path_reads_as_python(self):
        found = self.paths("loader", "--limit", 1)
        self.assertEqual([p["text"] for p in found["paths"]],
                         ["sys.modules['registry'].Processor.instance_map['a'].loader"])
        self.assertEqual(found["steps"][-1]["addr"], hex(self.ids["loader"]))
        self.assertEqual(len(found["steps"]), found["paths"][0]["length"])

    def test_path_from_an_object(self):
        found = self.paths("list", "--from", hex(self.ids["map"]), "--limit", 1)
        self.assertEqual(found["steps"][0]["addr"], hex(self.ids["map"]))
        self.assertTrue(found["paths"][0]["text"].endswith("['a'].loader.data"), found["paths"])
        self.assertIsNone(found["paths"][0]["root_kind"])

    def test_excluded_references_are_on_no_path(self):
        for left_out in ("registry.Processor.instance_map", "Processor().loader", "*->Loader",
                         "0x%x['a']" % self.ids["map"]):
            found = self.paths("list", "--not", left_out)
            self.assertFalse([p for p in found["paths"] if ".instance_map['a'].loader" in p["text"]], left_out)

    def test_whatif_frees_what_the_reference_held(self):
        nothing = self.ask("whatif", "--cut", ".no_such_name")
        self.assertEqual((nothing["objects"], nothing["references_cut"]), (0, 0))
        for argument in (("--cut", "Processor().loader"), ("--weak", "registry.Processor.instance_map"),
                         ("--drop", hex(self.ids["map"]))):
            gone = self.ask("whatif", *argument)
            counts = {t["type"]: t["count"] for t in gone["types"]}
            self.assertEqual(counts.get("builtins.bytearray"), 300, (argument, counts))
            self.assertEqual(counts.get("registry.Loader"), 3, (argument, counts))
            self.assertEqual(sum(t["bytes"] for t in gone["types"]), gone["bytes"])

    def test_whatif_caches_had_a_bound(self):
        for keep, memoryviews, numbers in ((5, 15, 45), (20, 0, 30), (50, 0, 0)):
            gone = self.ask("whatif", "--cap", "lru_cache=%d" % keep)
            counts = {t["type"]: t["count"] for t in gone["types"]}
            self.assertEqual(counts.get("builtins.memoryview", 0), memoryviews, (keep, counts))
            self.assertEqual(counts.get("builtins.complex", 0), numbers, (keep, counts))

    def test_waste_of_lists(self):
        arrays = {row["addr"]: row for row in self.ask("waste", "--arrays")}
        self.assertEqual(arrays[hex(self.ids["numbers"])]["items"], 3000)
        self.assertEqual(arrays[hex(self.ids["numbers"])]["bytes"], 3000 * sys.getsizeof(1.5))
        empty = {row["addr"]: row for row in self.ask("waste", "--empty")}
        self.assertEqual(empty[hex(self.ids["emptied"])]["items"], 10)
        self.assertNotIn(hex(self.ids["numbers"]), empty)
        self.assertNotIn(hex(self.ids["list"]), empty)

    def test_waste_of_equal_values(self):
        rows = {row["addr"]: row for row in self.ask("waste", "--limit", "0")}
        for what, kind in (("texts", "builtins.str"), ("raw", "builtins.bytes"), ("nested", "builtins.tuple"), ("inner", "builtins.tuple")):
            for same in self.ids[what]:
                found = [rows[hex(addr)] for addr in same if hex(addr) in rows]
                self.assertEqual([(row["type"], row["count"]) for row in found], [(kind, len(same))], what)
        # All but one, each of 1,201 characters.
        self.assertEqual(rows[hex(min(self.ids["texts"][0]))]["bytes"], 19 * sys.getsizeof("much longer than any preview, " * 40 + "0"))

    def test_waste_of_dicts_that_could_share_their_keys(self):
        rows = [row for row in self.ask("waste", "--keys", "--limit", "0") if int(row["addr"], 16) in self.ids["records"]]
        self.assertEqual([row["count"] for row in rows], [500])
        self.assertEqual(rows[0]["bytes"], 499 * (self.ids["record_bytes"] - 64 - 3 * 8))

    def test_garbage_is_the_lost_cycle(self):
        counts = {t["type"]: t["count"] for t in self.ask("garbage")}
        self.assertEqual(counts.get("__main__.Lost"), 1, counts)
        self.assertNotIn("registry.Loader", counts)

    def test_garbage_says_that_the_collector_is_disabled(self):
        done = subprocess.run([NECROPSY, "garbage", self.core], stdout=subprocess.PIPE, universal_newlines=True)
        self.assertIn("collector: disabled", done.stdout.splitlines()[0])

    def test_a_thread_retains_what_its_frames_alone_hold(self):
        rows = self.ask("sql", "SELECT name, retained FROM thread")
        retained = {row["name"]: row["retained"] for row in rows}
        self.assertGreater(retained["holder"], 2000 * 1000)
        self.assertLess(retained["holder"], 2000 * 1200)
        local = [local["retained"] for thread in self.stacks()["threads"] for frame in thread["frames"]
                 for local in frame.get("locals", []) if local["name"] == "mine"]
        self.assertEqual(len(local), 1)
        self.assertLessEqual(2000 * 1000, local[0])
        self.assertLessEqual(local[0], retained["holder"])
        # What modules hold as well is no thread's.
        self.assertLess(retained["MainThread"], retained["holder"])

    def test_dot_draws_the_holders(self):
        done = subprocess.run([NECROPSY, "dot", self.core, hex(self.ids["loader"]), "--referrers", "4", "--max", "8"],
                              stdout=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r'"0x[0-9a-f]+" -> "0x%x" \[label=".loader"' % self.ids["loader"])
        self.assertIn('"0x%x" -> ' % self.ids["map"], done.stdout)
        self.assertIn("\"0x%x\" [label=\"registry.Loader\\n" % self.ids["loader"], done.stdout)
        self.assertLessEqual(done.stdout.count("\\n0x"), 8)

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not installed")
    def test_dot_as_svg(self):
        done = subprocess.run([NECROPSY, "dot", self.core, hex(self.ids["map"]), "--svg"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("<svg", done.stdout)

    def test_dominators_by_what_holds_them(self):
        local = [row for row in self.ask("dominators", "--by", "local", "--limit", 0) if row["name"] == "mine"]
        self.assertEqual([row["thread"] for row in local], ["holder"])
        self.assertGreater(local[0]["retained"], 2000 * 1000)
        threads = {row["name"]: row["retained"] for row in self.ask("dominators", "--by", "thread")}
        self.assertLessEqual(local[0]["retained"], threads["holder"])
        roots = self.ask("dominators", "--by", "root", "--limit", 0)
        self.assertIn(local[0]["addr"], {row["addr"] for row in roots if row["kind"] == "frame"})
        kinds = {row["kind"]: row["retained"] for row in self.ask("dominators", "--by", "kind")}
        for kind in kinds:
            self.assertEqual(kinds[kind], sum(row["retained"] for row in roots if row["kind"] == kind), kind)
        done = subprocess.run([NECROPSY, "dominators", self.core, "--by", "nothing"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)

    def test_roots_say_how_sure_they_are(self):
        rows = self.ask("sql", "SELECT kind, coalesce(label, '') AS label, doubt FROM root")
        surest = {"module": 0, "frame": 0, "thread state": 1, "C global": 1, "native memory": 1, "static": 1, "immortal": 1, "implied": 1,
                  "value stack": 2, "native stack": 2, "register": 2}
        for kind in {row["kind"] for row in rows} - {"interpreter"}:
            self.assertEqual({row["doubt"] for row in rows if row["kind"] == kind}, {surest[kind]}, kind)
        doubts = {row["label"]: row["doubt"] for row in rows if row["kind"] == "interpreter"}
        self.assertEqual(doubts["sys.modules"], 0)
        for label, doubt in doubts.items():
            self.assertEqual(doubt, any(word in label for word in ("+0x", "start-up", "free_list", "freelist", "callable_cache")), label)

    def test_reference_counts_of_plain_objects_are_explained(self):
        more = {row["addr"] for row in self.ask("refcounts")}
        self.assertFalse(more & {hex(a) for a in self.ids.values() if isinstance(a, int)})

    def test_patterns_that_mean_nothing_are_errors(self):
        for bad in ("no.such.Class", "0x10", ".", "['a'"):
            done = subprocess.run([NECROPSY, "whatif", self.core, "--cut", bad], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2, (bad, done.stdout))
            self.assertTrue(done.stderr, bad)


DELETION = """
import gc, json, os, re, sys, tempfile

class Node(object):
    def __init__(self, depth):
        self.weight = depth + 0.5
        self.name = 'node %d of %d' % (id(self), depth)
        self.children = [Node(depth - 1) for n in range(4)] if depth else ()
        self.parent = None
        for child in self.children:
            child.parent = self
        self.extra = [depth, ('pair', self.weight), {'x': bytes(bytearray(40 + depth))}]

def nodes():
    gc.collect()
    return sum(type(o) is Node for o in gc.get_objects())

def blocks():
    return sys.getallocatedblocks() if hasattr(sys, 'getallocatedblocks') else 0

def allocated():
    # Bytes in blocks of Python's own allocator, as it says itself: not in Python 2.
    gc.collect()
    if not hasattr(sys, '_debugmallocstats'):
        return 0
    with tempfile.TemporaryFile() as f:
        keep = os.dup(2)
        os.dup2(f.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(keep, 2)
            os.close(keep)
        f.seek(0)
        text = f.read().decode()
    return int(re.search(r'bytes in allocated blocks *= *([0-9,]+)', text).group(1).replace(',', ''))

tree = Node(5)
gc.collect()
gc.disable()
allocated()
print(json.dumps(id(tree)))
sys.stdout.flush()
sys.stdin.readline()
there = nodes()
before = allocated()
used = blocks()
del tree
gc.collect()
used -= blocks()
print(json.dumps([before - allocated(), used, there - nodes()]))
sys.stdout.flush()
"""


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Deletion(unittest.TestCase):
    """Retained sizes against the truth: the object is deleted in the process that the core was taken of."""

    def check(self, python):
        with tempfile.TemporaryDirectory() as directory:
            prefix = os.path.join(directory, "core")
            process = subprocess.Popen([python, "-c", DELETION], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                addr = json.loads(process.stdout.readline().decode())
                subprocess.run(["gcore", "-o", prefix, str(process.pid)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, check=True)
                process.stdin.write(b"\n")
                process.stdin.flush()
                freed, blocks, nodes = json.loads(process.stdout.readline().decode())
            finally:
                process.communicate()
            core = "%s.%d" % (prefix, process.pid)
            gone = self.ask("whatif", core, "--drop", hex(addr))
            retained = self.ask("sql", core, "SELECT retained FROM object WHERE addr = %d" % addr)[0]["retained"]
        self.assertEqual(gone["bytes"], retained)
        self.assertGreater(gone["objects"], 4 ** 5 * 8)
        self.assertEqual([row["count"] for row in gone["types"] if row["type"] == "__main__.Node"], [nodes])
        if not blocks:
            return
        # An object has a block, a list or a dict a second one; a block is rounded up to 16 bytes.
        self.assertLessEqual(gone["objects"], blocks)
        self.assertLessEqual(blocks, gone["objects"] * 2)
        self.assertLessEqual(retained, freed)
        self.assertLessEqual(freed, retained + 15 * blocks)

    def ask(self, *arguments):
        done = subprocess.run([NECROPSY] + list(arguments) + ["--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout.decode())

    def test_retained_is_what_deleting_frees(self):
        for python in os.environ.get("NECROPSY_PYTHONS", sys.executable).split(":"):
            with self.subTest(python=python):
                self.check(python)


if __name__ == "__main__":
    unittest.main()
