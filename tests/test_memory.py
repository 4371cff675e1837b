# SPDX-License-Identifier: GPL-3.0-or-later
"""Where every byte is: dumps of real processes against what these said of themselves.

fixtures/memory.py spends memory in a known way and writes malloc_info, smaps, and, from the middle of the call that the dump is
taken in, sys._debugmallocstats. Interpreters and tools that are not here are skipped, by name.
"""
import glob
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

SRCDIR = os.environ["srcdir"]
NECROPSY = os.environ["NECROPSY"]
FIXTURE = os.path.join(SRCDIR, "fixtures", "memory.py")

# All that are here; the kinds of the fixture but the plain one need only the first of them.
INTERPRETERS = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))) + \
    [path for path in ("/usr/bin/python3",) if os.path.exists(path)]


def park(process):
    """Waits until the process stands in a write to its stderr, which takes nothing."""
    for _ in range(200):
        with open("/proc/%d/syscall" % process.pid) as f:
            words = f.read().split()
        if words[:2] in (["1", "0x2"], ["64", "0x2"]):
            return
        time.sleep(0.05)
    raise AssertionError("the fixture does not stand in its write")


def gcore(pid, path):
    subprocess.run(["gcore", "-o", path, str(pid)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    os.rename("%s.%d" % (path, pid), path)


def capture(pid, path):
    subprocess.run([NECROPSY, "capture", "-o", path, str(pid)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def dump(kind, interpreter, directory, env=None, writer=gcore):
    """The core of the fixture in directory, and beside it what it said."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **(env or {}))
    process = subprocess.Popen([interpreter, "-W", "ignore", FIXTURE, kind, directory], stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    try:
        line = process.stdout.readline()
        if not line.startswith(b"ready"):
            raise AssertionError("fixture %s: %r %r" % (kind, line, process.stderr.read()))
        park(process)
        made = os.path.join(directory, "core")
        writer(process.pid, made)
        stats = b""
        with open("/proc/%d/fd/100" % process.pid, "rb", buffering=0) as pipe:
            while not stats.endswith(b"end\n"):
                stats += pipe.read(65536)
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    return made, stats.lstrip(b"-").decode()


def number(text):
    return int(text.replace(",", ""))


@unittest.skipUnless(shutil.which("gcore"), "no gcore")
@unittest.skipUnless(os.path.exists("/proc/self/syscall"), "no /proc/PID/syscall")
class Case(unittest.TestCase):
    kind = "plain"
    env = None
    writer = staticmethod(gcore)

    @classmethod
    def setUpClass(cls):
        if not INTERPRETERS:
            raise unittest.SkipTest("no interpreter to dump")
        cls.interpreters = cls.pick()
        cls.dir = tempfile.mkdtemp()

    @classmethod
    def pick(cls):
        return INTERPRETERS[-1:]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def take(self, interpreter):
        """Dumps, loads; gives the database and what the process said."""
        self.place = tempfile.mkdtemp(dir=self.dir)
        core, self.stats = dump(self.kind, interpreter, self.place, self.env, self.writer)
        self.load(core)
        os.unlink(core)
        with open(os.path.join(self.place, "expected")) as f:
            self.expected = {line.split()[0]: int(line.split()[1]) for line in f}

    def load(self, core, status=0):
        self.db_path = os.path.join(self.place, "db")
        done = subprocess.run([NECROPSY, "load", "--force", "-o", self.db_path, core], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status)
        self.db = sqlite3.connect(self.db_path)
        self.addCleanup(self.db.close)

    def one(self, sql):
        return self.db.execute(sql).fetchone()[0]

    def memory(self, *options):
        done = subprocess.run([NECROPSY, "memory", "--json", *options, self.db_path], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def check_sum(self):
        self.assertEqual(self.one("SELECT sum(bytes) FROM memory"), self.one("SELECT sum(bytes) FROM mapping"))
        self.assertEqual(self.one("SELECT sum(bytes) FROM memory"), self.one('SELECT sum("end" - start) FROM mapping'))
        self.assertEqual(self.one("SELECT count(*) FROM memory WHERE bytes <= 0"), 0)
        unknown = self.one("SELECT coalesce(sum(bytes), 0) FROM memory WHERE category = 'unknown'")
        self.assertLess(unknown, 0.02 * self.one("SELECT sum(bytes) FROM memory"))

    def check_malloc_info(self):
        """Each arena: fast bins, what is free in bins and the top, what it has of the system; and the mapped chunks."""
        root = ElementTree.parse(os.path.join(self.place, "malloc_info.xml")).getroot()
        heaps = root.findall("heap")
        self.assertEqual(len(heaps), self.one("SELECT count(DISTINCT number) FROM arena WHERE kind = 'malloc'"))
        for heap in heaps:
            figures = {node.get("type"): node for node in heap.findall("total") + heap.findall("system")}
            nr = int(heap.get("nr"))
            free, count, top, system = self.db.execute(
                "SELECT sum(free), sum(free_count), sum(whole), sum(bytes) FROM arena WHERE kind = 'malloc' AND number = ?",
                (nr,)).fetchone()
            rest = figures["rest"]
            tops = int(rest.get("count")) - count
            self.assertIn(tops, (0, 1))  # glibc before 2.29 leaves the top out
            # malloc_info adds size words with their flags: 1, and 4 in arenas of threads.
            flags = int(rest.get("size")) - free - (top if tops else 0)
            self.assertTrue(count <= flags <= (count if nr == 0 else 5 * count), (nr, flags, count))
            self.assertEqual(int(figures["current"].get("size")), system)
        total = {node.get("type"): node for node in root.findall("total")}
        mapped = self.db.execute("SELECT (SELECT value FROM meta WHERE key = 'malloc_mapped'), "
                                 "(SELECT value FROM meta WHERE key = 'malloc_mapped_bytes')").fetchone()
        self.assertEqual(mapped, (total["mmap"].get("count"), total["mmap"].get("size")))

    def check_pymalloc(self):
        """sys._debugmallocstats, line by line."""
        if self.stats == "end\n":
            return  # 2.7 has none
        said = {int(size): tuple(map(int, rest)) for size, *rest in
                re.findall(r"^ *\d+ +(\d+) +(\d+) +(\d+) +(\d+)$", self.stats, re.M)}
        ours = {size: (pools, used, free // size) for size, pools, used, free in
                self.db.execute("SELECT size, count, used, bytes FROM space WHERE kind = 'pymalloc size class'")}
        self.assertTrue(said)
        self.assertEqual(ours, said)
        lines = {
            "allocated blocks": "SELECT sum(used) FROM arena WHERE kind = 'pymalloc'",
            "available blocks": "SELECT sum(bytes) FROM memory WHERE category LIKE 'pymalloc: free blocks%'",
            "lost to pool headers": "SELECT bytes FROM memory WHERE category = 'pymalloc: headers of pools'",
            "lost to quantization": "SELECT bytes FROM memory WHERE category = 'pymalloc: ends of pools too small for a block'",
            "lost to arena alignment": "SELECT coalesce(sum(bytes), 0) FROM memory WHERE category = 'pymalloc: alignment of arenas'",
        }
        for what, sql in lines.items():
            figure = re.search(r"^# bytes (?:in )?%s += +([\d,]+)$" % what, self.stats, re.M)
            self.assertEqual(self.one(sql), number(figure.group(1)), what)
        pools = re.search(r"^(\d+) unused pools \* \d+ bytes += +([\d,]+)$", self.stats, re.M)
        self.assertEqual(self.one("SELECT coalesce(sum(bytes), 0) FROM memory WHERE category = 'pymalloc: free pools'"),
                         number(pools.group(2)))
        arenas = re.search(r"^(\d+) arenas \* \d+ bytes/arena += +([\d,]+)$", self.stats, re.M)
        self.assertEqual(self.db.execute("SELECT count(*), sum(bytes) FROM arena WHERE kind = 'pymalloc'").fetchone(),
                         (number(arenas.group(1)), number(arenas.group(2))))

    def check_smaps(self):
        """Every mapping that the process could touch, by address and size."""
        with open(os.path.join(self.place, "smaps")) as f:
            said = [(int(start, 16), int(end, 16), path.strip()) for start, end, perms, path in
                    re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+(.*)$", f.read(), re.M)
                    if perms[:3] != "---" and not path.strip().startswith(("[v", "[uprobes"))]
        ours = {}
        for start, end in self.db.execute('SELECT start, "end" FROM mapping WHERE start >= 0'):
            ours[start] = end
        for start, end, path in said:
            at = start
            while at < end and at in ours:
                at = ours[at]
            self.assertGreaterEqual(at, end, "%x-%x %s" % (start, end, path))


class Versions(Case):
    """The partition and all figures on every version."""

    @classmethod
    def pick(cls):
        return INTERPRETERS

    def test_figures_are_those_of_the_process(self):
        for interpreter in self.interpreters:
            with self.subTest(interpreter=interpreter):
                self.take(interpreter)
                self.check_sum()
                self.check_pymalloc()
                self.check_malloc_info()
                self.check_smaps()


class Captured(Case):
    """What `necropsy capture` writes says the same, though it leaves out what lies in files."""
    kind = "ended"
    writer = staticmethod(capture)

    def test_figures_and_stacks_of_threads_that_ended(self):
        self.take(self.interpreters[0])
        self.check_sum()
        self.check_pymalloc()
        self.check_malloc_info()
        self.check_smaps()
        kept = self.one("SELECT bytes FROM memory WHERE category LIKE 'stacks: of no thread any more%'")
        self.assertGreaterEqual(kept, 2 << 20)
        self.assertEqual(self.one("SELECT count(*) FROM thread"), 1)
        # What two objects lead to is charged to neither, and listed.
        shared = self.expected["shared"]
        self.assertEqual(self.one("SELECT owner FROM part WHERE addr = %d" % shared), None)
        self.assertGreaterEqual(self.one("SELECT bytes FROM part WHERE addr = %d" % shared), 50000)
        self.assertEqual(self.one("SELECT max(o.native) FROM object o JOIN type t ON t.id = o.type WHERE t.name LIKE '%c_char_Array_50000'"), 0)
        resident = self.one("SELECT value FROM sample WHERE name = 'rss'")
        said = self.memory()
        self.assertIn(shared, [int(row["addr"], 16) for row in said["of_several"]])
        self.assertEqual(said["resident"], resident)
        self.assertLess(resident, said["bytes"])
        text = subprocess.run([NECROPSY, "memory", self.db_path], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertIn("\nresident (Rss): ", text)
        self.assertIn("{:,} bytes".format(resident), text)


class Cut(Case):
    """A dump that was cut off: what is missing is a row of its own, and still nothing is counted twice."""

    @classmethod
    def pick(cls):
        return [path for path in INTERPRETERS if path == "/usr/bin/python3"] or INTERPRETERS[:1]

    def test_what_is_missing_is_no_guess(self):
        self.place = tempfile.mkdtemp(dir=self.dir)
        core, _ = dump(self.kind, self.interpreters[0], self.place)
        size = os.path.getsize(core)
        for percent in (90, 60, 30):
            with self.subTest(percent=percent):
                os.truncate(core, size * percent // 100)
                self.load(core, 1)
                self.check_sum()
                missing = self.one("SELECT sum(bytes) FROM memory WHERE category = 'not in the dump'")
                self.assertGreater(missing, 0)
                self.assertLessEqual(missing, self.one("SELECT value + 0 FROM meta WHERE key = 'missing'"))
                # The heap lies before the cut, main_arena behind it: a chain of chunks is found without.
                self.assertGreater(self.one("SELECT sum(used_count) FROM arena WHERE kind = 'malloc'"), 500)


class Pymalloc(Case):
    kind = "pymalloc"

    def test_pins_are_what_the_program_left(self):
        self.take(self.interpreters[0])
        self.check_sum()
        self.check_pymalloc()
        pins = {row["type"]: row for row in self.memory("--limit", "0")["pins"]}
        pin = pins["__main__.Pin"]
        arenas = self.one("SELECT count(*) FROM arena WHERE kind = 'pymalloc' AND used * 4 < bytes")
        self.assertGreater(arenas, 10)
        # Those in arenas that are fuller for other reasons are not among them.
        self.assertGreater(pin["objects"], 0.9 * self.expected["pins"])
        self.assertLessEqual(pin["objects"], self.expected["pins"])
        self.assertGreater(pin["arenas"], 0.9 * arenas)
        self.assertIn("['pins']", pin["path"])
        self.assertEqual(pin["objects"], self.one(
            "SELECT count(*) FROM arena a JOIN object o ON o.addr >= a.start AND o.addr < a.start + a.bytes "
            "JOIN type t ON t.id = o.type WHERE a.kind = 'pymalloc' AND a.used * 4 < a.bytes AND t.name = '__main__.Pin'"))


class Malloc(Case):
    kind = "malloc"

    def test_what_trim_gives_back(self):
        self.take(self.interpreters[0])
        self.check_sum()
        self.check_malloc_info()
        heap = self.memory()["heaps"][0]
        # 10,000 chunks of 4,016 bytes, one in 50 kept: between them whole pages are free, above them nothing is.
        self.assertGreater(heap["free"], 35 << 20)
        self.assertGreater(heap["release"], 35 << 20)
        self.assertLess(heap["release"], heap["free"] + heap["whole"])
        self.assertLess(heap["whole"], 1 << 20)
        # Nobody has the chunks that stay: they are a group of their size.
        self.assertGreaterEqual(self.one("SELECT sum(count) FROM space WHERE kind LIKE 'malloc, of no object: %' AND size = 4016"),
                                self.expected["chunks"])
        self.assertTrue(any(row["size"] == 4016 for row in self.memory()["unowned"]))
        chunks, size = self.db.execute("SELECT count, bytes FROM memory WHERE category = 'malloc: in use, of no object'").fetchone()
        self.assertGreaterEqual(chunks, self.expected["chunks"])
        self.assertGreaterEqual(size, self.expected["chunks"] * 4016)


class Threads(Case):
    kind = "threads"
    env = {"MALLOC_ARENA_MAX": "64"}

    def test_an_arena_a_thread(self):
        self.take(self.interpreters[0])
        self.check_sum()
        self.check_malloc_info()
        self.assertEqual(self.one("SELECT count(DISTINCT number) FROM arena WHERE kind = 'malloc'"), self.expected["threads"] + 1)
        self.assertEqual(self.one("SELECT value FROM meta WHERE key = 'malloc_arena_max'"), "64")
        # Each keeps ten chunks of a thousand bytes; seven of those that it freed are in its cache.
        for used, cached in self.db.execute("SELECT used_count, cached_count FROM arena WHERE kind = 'malloc' AND number > 0"):
            self.assertGreaterEqual(used, 10)
            self.assertGreaterEqual(cached, 7)
        self.assertGreater(self.one("SELECT bytes FROM memory WHERE category = 'stacks: untouched'"),
                           self.expected["threads"] * (1 << 20))


class Arrays(Case):
    kind = "arrays"

    @classmethod
    def pick(cls):
        for interpreter in ["/usr/bin/python3"] + INTERPRETERS:
            if os.path.exists(interpreter) and subprocess.run([interpreter, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode == 0:
                return [interpreter]
        raise unittest.SkipTest("no interpreter has numpy")

    def test_arrays_are_charged_to_arrays(self):
        self.take(self.interpreters[0])
        self.check_sum()
        data = self.one("SELECT bytes FROM memory WHERE category = 'objects: data of numpy.ndarray'")
        self.assertGreaterEqual(data, self.expected["arrays"])
        self.assertLess(data, self.expected["arrays"] + (1 << 20))
        self.assertLess(self.one("SELECT coalesce(sum(bytes), 0) FROM memory WHERE category = 'malloc: mapped chunks of no object'"),
                        4 << 20)


class Limits(unittest.TestCase):
    """Limits that a dump tells of, each in its own unit."""

    PROGRAM = ("import os, sys; text = open('/proc/self/limits').read(); os.write(1, b'ready\\n'); sys.stdin.read()")

    @unittest.skipUnless(shutil.which("gcore"), "no gcore")
    def test_environment_command_line_memory_and_note(self):
        limit = 6 << 30
        for writer in (gcore, capture):
            with self.subTest(writer=writer.__name__), tempfile.TemporaryDirectory() as directory:
                process = subprocess.Popen(
                    [sys.executable, "-c", self.PROGRAM, "--limit-as=2048", "--max-memory-per-child", "200000", "--memory-limit", "auto"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, MEMORY_LIMIT="1.5GB", SLURM_MEM_PER_NODE="4000"),
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
                core = os.path.join(directory, "core")
                try:
                    self.assertEqual(process.stdout.readline(), b"ready\n")
                    writer(process.pid, core)
                finally:
                    process.stdin.close()
                    process.wait(30)
                    process.stdout.close()
                found = json.loads(subprocess.run([NECROPSY, "memory", "--json", core], check=True, stdout=subprocess.PIPE,
                                                  stderr=subprocess.DEVNULL).stdout)["limits"]
                rows = {(row["name"], row["source"]): row for row in found}
                self.assertEqual(len(rows), len(found))
                expected = {("--limit-as", "command line"): 2048 << 20, ("--max-memory-per-child", "command line"): 200000 << 10,
                            ("MEMORY_LIMIT", "environment"): 1500000000, ("SLURM_MEM_PER_NODE", "environment"): 4000 << 20,
                            ("RLIMIT_AS", "text of the kernel in memory"): limit}
                if writer == capture:
                    expected["RLIMIT_AS", "when it was captured"] = limit
                    rows.pop(("cgroup memory", "when it was captured"), None)
                self.assertEqual({key: row["bytes"] for key, row in rows.items()}, expected)
                self.assertEqual(rows["MEMORY_LIMIT", "environment"]["measured"],
                                 "resident" if writer == capture else "private memory that is not zeros")
                self.assertGreater(rows["MEMORY_LIMIT", "environment"]["measured_bytes"], 1 << 20)
                text = subprocess.run([NECROPSY, "memory", core], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
                self.assertIn("limit: MEMORY_LIMIT=1.5GB (environment), 1.5 GB of 1,000,000,000 bytes (1,500,000,000); ", text)
                self.assertIn("2 GiB of 1,073,741,824 bytes (2,147,483,648); address space: ", text)


class Output(Case):
    def test_text_map_and_picture(self):
        self.take(self.interpreters[0])
        text = subprocess.run([NECROPSY, "memory", self.db_path], check=True, stdout=subprocess.PIPE).stdout.decode()
        total = self.one("SELECT sum(bytes) FROM mapping")
        self.assertIn("{:,} bytes, each in one line".format(total), text)
        limited = subprocess.run([NECROPSY, "memory", "--limit-memory", "2GB", self.db_path], check=True,
                                 stdout=subprocess.PIPE).stdout.decode()
        self.assertIn("GB of 1,000,000,000 bytes", limited)
        self.assertIn("%.6g" % (total / 1e9), limited)
        wrong = subprocess.run([NECROPSY, "memory", "--limit-memory", "2 quarts", self.db_path], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        self.assertEqual(wrong.returncode, 2)
        classes = subprocess.run([NECROPSY, "memory", "--classes", self.db_path], check=True, stdout=subprocess.PIPE).stdout
        self.assertIn(b"free blocks of 64 bytes", classes)
        drawn = subprocess.run([NECROPSY, "memory", "--map", self.db_path], check=True, stdout=subprocess.PIPE).stdout.decode()
        line = drawn.split("\npymalloc\n")[1].split("\nmalloc\n")[0]
        self.assertEqual(len(line.replace("\n", "").replace(" ", "")), self.one("SELECT count(*) FROM arena WHERE kind = 'pymalloc'"))
        picture = os.path.join(self.place, "map.svg")
        subprocess.run([NECROPSY, "memory", "--svg", picture, self.db_path], check=True)
        titles = ElementTree.parse(picture).getroot().findall(".//{http://www.w3.org/2000/svg}title")
        self.assertGreater(len(titles), self.one("SELECT count(*) FROM arena"))
        self.assertEqual(len(self.memory()["memory"]), self.one("SELECT count(*) FROM memory"))
        self.assertEqual(sum(row["bytes"] for row in self.memory()["memory"]), total)


class Prefork(unittest.TestCase):
    """Workers of one parent: one reads objects, one writes, one collects."""

    @unittest.skipUnless(shutil.which("gcore"), "no gcore")
    @unittest.skipUnless(os.path.exists("/usr/bin/python3"), "no /usr/bin/python3")
    def test_what_is_still_shared(self):
        with tempfile.TemporaryDirectory() as directory:
            fixture = os.path.join(SRCDIR, "fixtures", "prefork.py")
            process = subprocess.Popen(["/usr/bin/python3", fixture], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                pids = [int(pid) for pid in process.stdout.readline().split()]
                self.assertEqual(len(pids), 4)
                dumps = []
                for pid in pids:
                    base = os.path.join(directory, "core")
                    subprocess.run(["gcore", "-o", base, str(pid)], check=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    dumps.append("%s.%d" % (base, pid))
            finally:
                process.stdin.close()
                process.wait(30)
                process.stdout.close()
            run = lambda *options: json.loads(subprocess.run([NECROPSY, "memory", "--json", *options, *dumps], check=True,
                                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
            workers = {row["pid"]: row for row in run()}
            kinds = {}
            for row in run("--kinds"):
                if row["kind"] == "pymalloc":
                    kinds[int(row["dump"].rsplit(".", 1)[1])] = row
        idle, reads, writes, collects = (workers[pid] for pid in pids)
        for row in workers.values():
            self.assertEqual(row["bytes"], sum(row[key] for key in ("files", "untouched", "same", "some", "own")))
        # 20 MB of objects: who only waits has them as they were, and nobody else the same.
        self.assertLess(idle["own"], 2 << 20)
        self.assertGreater(reads["own"], 8 << 20)
        self.assertGreater(kinds[pids[1]]["refcounts"], 4 * kinds[pids[1]]["contents"])
        self.assertGreater(kinds[pids[2]]["contents"], 4 << 20)
        self.assertGreater(kinds[pids[3]]["collector"], 1 << 20)


if __name__ == "__main__":
    sys.exit(unittest.main())
