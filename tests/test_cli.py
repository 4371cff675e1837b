# SPDX-License-Identifier: GPL-3.0-or-later
"""The program from its command line: usage, what each command prints, and what it says of bad input.

What commands print is checked on a heap in meliae's format, written here line by line, so every figure is known. Cores are
taken of `sleep` and of this Python while the test runs.
"""
import csv
import ctypes
import io
import json
import os
import pty
import re
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest

NECROPSY = os.environ["NECROPSY"]
NOBODY = 65534

# address, type, size, value, referents; 0x7777 is no object.
HEAP = [
    (0x1000, "module", 72, None, [0x2000]),
    (0x2000, "dict", 4704, None, [0x3000, 0x3100, 0x4000, 0x7777]),
    (0x3000, "a.Config", 64, None, [0x5000]),
    (0x3100, "b.Config", 64, None, [0x5000]),
    (0x3200, "b.Config", 64, None, []),
    (0x4000, "list", 56 + 8 * 50, None, list(range(0x6000, 0x6000 + 32 * 50, 32))),
    (0x5000, "str", 62, "red \x1b[31m alert \u202e", []),
] + [(0x6000 + 32 * i, "int", 28, str(i), []) for i in range(50)]


def meliae(heap):
    """The heap as meliae's scanner writes it."""
    lines = []
    for address, kind, size, value, refs in heap:
        record = {"address": address, "type": kind, "size": size}
        if kind == "module":
            record["name"] = "app"
        if value is not None:
            record["value"] = int(value) if kind == "int" else value
        record["refs"] = refs
        lines.append(json.dumps(record))
    return "\n".join(lines) + "\n"


def necropsy(*args, **options):
    env = dict(os.environ, LC_ALL="C.UTF-8", **options.pop("env", {}))
    env.pop("COLUMNS", None)
    return subprocess.run([NECROPSY, *map(str, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=300, **options)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="necropsy-test-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        os.environ["XDG_CACHE_HOME"] = self.path("cache")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def heap(self, name="heap.json"):
        return self.write(name, meliae(HEAP))

    def run_ok(self, *args, status=0, **options):
        done = necropsy(*args, **options)
        self.assertEqual(done.returncode, status, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def run_json(self, *args, **options):
        return json.loads(self.run_ok(*args, "--json", **options))

    def fails(self, *args, says, **options):
        """It could not: exit 2, one message on stderr, nothing on stdout."""
        done = necropsy(*args, **options)
        message = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (2, b""), message)
        self.assertRegex(message, r"\Anecropsy: [^\n]*\n\Z")
        self.assertRegex(message, says)
        return message

    def left(self):
        """All files below the test's directory."""
        return sorted(os.path.relpath(os.path.join(d, f), self.dir)
                      for d, _, names in os.walk(self.dir) for f in names)

    def core(self, argv, name="core", ready=None):
        """A core of argv by gcore, or by the kernel where there is none."""
        process = subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   preexec_fn=allow_core)
        try:
            if ready:
                self.assertEqual(process.stdout.readline().strip(), ready)
            else:
                wait_until(lambda: os.readlink("/proc/%d/exe" % process.pid) != os.readlink("/proc/self/exe"), 10)
            if shutil.which("gcore"):
                done = subprocess.run(["gcore", "-o", self.path("gcore"), str(process.pid)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                written = self.path("gcore.%d" % process.pid)
                if done.returncode or not os.path.exists(written):
                    self.skipTest("gcore cannot take a core here")
            else:
                written = self.kernel_core(process, lambda: process.send_signal(signal.SIGABRT))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        os.rename(written, self.path(name))
        return self.path(name)

    def kernel_core(self, process, kill):
        """The core that the kernel writes of process when kill() makes it die."""
        with open("/proc/sys/kernel/core_pattern") as f:
            pattern = f.read().strip()
        if not re.fullmatch(r"[\w.%-]+", pattern):
            self.skipTest("core_pattern sends cores elsewhere")
        before = set(os.listdir(self.dir))
        kill()
        process.wait()
        new = [f for f in set(os.listdir(self.dir)) - before if f.startswith("core")]
        if not new:
            self.skipTest("the kernel wrote no core")
        return self.path(new[0])

    def python_core(self, code="", name="core"):
        return self.core([sys.executable, "-c", code + "\nprint('ready', flush=True)\nimport time\ntime.sleep(600)"],
                         name, ready=b"ready")


def allow_core():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    # Where Yama lets only a parent trace, this lets gcore: PR_SET_PTRACER, PR_SET_PTRACER_ANY.
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return False


class Usage(Case):
    def commands(self):
        text = self.run_ok("--help")
        names = re.findall(r"^  (\w+) [A-Z]", text, re.M)
        self.assertLessEqual({"load", "report", "types", "objects", "show", "refs", "sql"}, set(names))
        return names

    def test_every_command_has_help_of_its_own(self):
        for name in self.commands():
            with self.subTest(command=name):
                text = self.run_ok(name, "--help")
                self.assertRegex(text, r"\Ausage: necropsy %s " % name)
                self.assertIn("--help", text)

    def test_help_fits_into_a_terminal(self):
        for args in [()] + [(name,) for name in self.commands()]:
            for line in self.run_ok(*args, "--help").splitlines():
                with self.subTest(args=args, line=line):
                    self.assertLessEqual(len(line), 80)

    def test_version(self):
        self.assertRegex(self.run_ok("--version"), r"\Anecropsy \d+\.\d+")

    def test_usage_errors(self):
        for args, says in [
            ((), "a dump is missing; see necropsy --help"),
            (("tpyes", "core"), "'tpyes' is no command"),
            (("types",), "types: takes DUMP"),
            (("show", "core"), "show: takes DUMP ADDR"),
            (("show", "core", "1", "2"), "'2' is too much"),
            (("types", "core", "--colour"), "no option --colour"),
            (("types", "core", "-x"), "no option -x"),
            (("types", "core", "--limit"), "--limit needs a value"),
            (("types", "core", "--limit", "-1"), "a number from 0 up, not '-1'"),
            (("types", "core", "--limit=3x"), "a number from 0 up, not '3x'"),
            (("types", "core", "--sort", "colour"), "no column 'colour'"),
            (("types", "core", "--json", "--csv"), "not both"),
            (("types", "core", "--json=yes"), "takes no value"),
        ]:
            with self.subTest(args=args):
                self.fails(*args, says=says)

    def test_options_may_stand_before_the_command(self):
        heap = self.heap()
        self.assertEqual(self.run_ok("--limit", 2, "--json", "types", heap), self.run_ok("types", heap, "--json", "-n2"))

    def test_a_dump_alone_is_reported_on(self):
        heap = self.heap()
        self.assertEqual(self.run_ok(heap), self.run_ok("report", heap))

    def test_a_message_cannot_write_to_the_terminal(self):
        message = self.fails("types", self.path("evil\x1b]0;x\x07\n"), says="No such file")
        self.assertIn(r"evil\x1b]0;x\x07\n", message)

    def test_output_that_cannot_be_written_is_an_error(self):
        heap = self.heap()
        self.run_ok("load", heap)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([NECROPSY, "types", heap], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"No space left", done.stderr)


class Load(Case):
    def test_the_database_lies_beside_the_dump_and_is_private(self):
        heap = self.heap()
        database = self.run_json("load", heap)["database"]
        self.assertEqual(os.path.dirname(database), self.dir)
        self.assertEqual(stat.S_IMODE(os.stat(database).st_mode), 0o600)
        self.assertEqual(len(self.left()), 2)

    def test_a_dump_is_loaded_once(self):
        heap = self.heap()
        first = necropsy("types", heap)
        self.assertIn(b"loaded", first.stderr)
        second = necropsy("types", heap)
        self.assertEqual((second.stdout, second.stderr), (first.stdout, b""))
        self.assertFalse(self.run_json("load", heap)["loaded"])
        self.assertTrue(self.run_json("load", heap, "--force")["loaded"])

    def test_another_dump_of_the_same_name_is_not_taken_for_the_first(self):
        heap = self.heap()
        self.run_ok("load", heap)
        self.write("heap.json", meliae(HEAP[:-1]))
        done = necropsy("sql", heap, "select count(*) as n from object", "--json")
        if done.returncode == 0:
            self.assertEqual(json.loads(done.stdout), [{"n": len(HEAP) - 1}])
        else:
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"another dump", done.stderr)

    def test_output_names_the_database(self):
        heap, database = self.heap(), self.path("here.db")
        self.assertEqual(self.run_json("load", heap, "-o", database)["database"], database)
        self.assertEqual(self.left(), ["heap.json", "here.db"])

    def test_every_command_takes_the_database_instead(self):
        heap, database = self.heap(), self.path("here.db")
        self.run_ok("load", heap, "-o", database)
        os.remove(heap)
        for args in [("types", database), ("objects", database, "int"), ("show", database, "0x2000"),
                     ("refs", database, "0x2000"), ("sql", database, "select 1")]:
            with self.subTest(args=args):
                self.assertTrue(self.run_ok(*args))
        self.assertEqual(self.left(), ["here.db"])

    def test_the_cache_where_the_dump_cannot_have_it_beside(self):
        need_root_or_not(self)
        os.mkdir(self.path("ro"))
        heap = self.heap("ro/heap.json")
        os.chmod(heap, 0o644)
        os.mkdir(self.path("cache"))
        os.chmod(self.path("cache"), 0o777)
        os.chmod(self.dir, 0o755)
        os.chmod(self.path("ro"), 0o555)
        self.addCleanup(os.chmod, self.path("ro"), 0o755)
        done = necropsy("load", heap, "--json", **as_nobody(self))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["database"].startswith(self.path("cache/necropsy/")))

    def test_no_values_keeps_contents_out(self):
        heap = self.heap()
        self.run_ok("load", heap, "--no-values", "-o", self.path("v.db"))
        with open(self.path("v.db"), "rb") as f:
            self.assertNotIn(b"alert", f.read())


class Commands(Case):
    def setUp(self):
        super().setUp()
        self.db = self.path("heap.db")
        self.run_ok("load", self.heap(), "-o", self.db)

    def test_types_counts_and_sums(self):
        expected = {}
        for _, kind, size, _, _ in HEAP:
            count, total = expected.get(kind, (0, 0))
            expected[kind] = (count + 1, total + size)
        rows = self.run_json("types", self.db)
        self.assertEqual({r["name"]: (r["count"], r["bytes"]) for r in rows if r["count"]}, expected)
        self.assertEqual([r["total"] for r in rows], sorted((r["total"] for r in rows), reverse=True))

    def test_types_of_a_name_and_in_an_order(self):
        rows = self.run_json("types", self.db, "config", "--sort", "count")
        self.assertEqual([r["name"] for r in rows], ["b.Config", "a.Config"])
        self.fails("types", self.db, "nowhere", says="no type with 'nowhere'")

    def test_types_retain_at_least_themselves_and_sort_by_it(self):
        rows = self.run_json("types", self.db, "--sort", "retained")
        self.assertTrue(all(r["retained"] >= r["total"] for r in rows))
        self.assertEqual([r["retained"] for r in rows], sorted((r["retained"] for r in rows), reverse=True))
        retained = {r["name"]: r["retained"] for r in rows}
        one = self.run_json("sql", self.db, "SELECT t.name, o.retained FROM type t JOIN object o ON o.type = t.id WHERE t.count = 1")
        self.assertTrue(one)
        self.assertEqual({r["name"]: r["retained"] for r in one}, {r["name"]: retained[r["name"]] for r in one})

    def test_types_by_module_and_package(self):
        rows = self.run_json("types", self.db)
        for by in "module", "package":
            groups = self.run_json("types", self.db, "--by", by)
            for column in "count", "bytes":
                self.assertEqual(sum(g[column] for g in groups), sum(r[column] for r in rows))
            self.assertTrue(all(g["retained"] >= g["total"] for g in groups))
            self.assertLessEqual(sum(g["types"] for g in groups), len(rows))
        self.fails("types", self.db, "--by", "colour", says="--by type, module or package")

    def test_types_for_a_person(self):
        lines = self.run_ok("types", self.db).splitlines()
        self.assertRegex(lines[0], r"^type +count +size")
        self.assertRegex("\n".join(lines), r"(?m)^int +50 +1\.37 KiB")
        self.assertRegex(lines[1], r"^dict +1 +4\.59 KiB")

    def test_objects_by_full_short_and_ambiguous_name(self):
        self.assertEqual([r["addr"] for r in self.run_json("objects", self.db, "a.Config")], ["0x3000"])
        rows = self.run_json("objects", self.db, "Config")
        self.assertEqual({(r["addr"], r["type"]) for r in rows},
                         {("0x3000", "a.Config"), ("0x3100", "b.Config"), ("0x3200", "b.Config")})
        self.assertIn("2 types are called so", self.run_ok("objects", self.db, "Config"))
        self.fails("objects", self.db, "nope", says="no type is called 'nope'")

    def test_objects_are_the_largest_first_and_limited(self):
        rows = self.run_json("objects", self.db, "int")
        self.assertEqual(len(rows), 50)
        self.assertEqual(len(self.run_json("objects", self.db, "int", "--limit", 7)), 7)
        text = self.run_ok("objects", self.db, "int")
        self.assertEqual(text.count("0x"), 20)
        self.assertIn("--limit 0 prints all", text)
        self.assertEqual(self.run_ok("objects", self.db, "int", "-n0").count("0x"), 50)

    def test_show(self):
        shown = self.run_json("show", self.db, "0x2000")
        self.assertEqual((shown["type"], shown["size"]), ("dict", 4704))
        self.assertEqual({r["addr"] for r in shown["items"]}, {"0x3000", "0x3100", "0x4000"})
        self.assertEqual(self.run_json("show", self.db, str(0x2000)), shown)
        text = self.run_ok("show", self.db, "0x2000")
        self.assertRegex(text, r"\Adict at 0x2000\n")
        self.assertRegex(text, r"size +4\.59 KiB \(4,704 bytes\)")
        self.assertRegex(text, r"referrers +1 reference leads here")

    def test_show_folds_long_containers(self):
        text = self.run_ok("show", self.db, "0x4000")
        self.assertEqual(len(re.findall(r"(?m)^  .* 0x6\w{3} ", text)), 20)
        self.assertIn("--limit 0 prints all", text)
        self.assertEqual(len(self.run_json("show", self.db, "0x4000")["items"]), 50)

    def test_show_says_what_is_at_an_address_without_object(self):
        self.fails("show", self.db, "0x2010", says="16 bytes inside the dict at 0x2000")
        self.fails("show", self.db, "0x99999", says="no object at 0x99999")
        self.fails("show", self.db, "0xg", says="'0xg' is no address")

    def test_refs_in_both_directions(self):
        refs = self.run_json("refs", self.db, "0x5000")
        self.assertEqual({r["addr"] for r in refs["referrers"]}, {"0x3000", "0x3100"})
        self.assertEqual([r for r in refs["referents"] if r["kind"] != "type"], [])
        text = self.run_ok("refs", self.db, "0x5000")
        self.assertRegex(text, r"(?m)^referred to by: 2$")

    def test_sql_three_ways(self):
        query = "select addr, size, 'a,\"b' as t, null as n, 2.5 as r, x'00ff' as b from object where addr = 8192"
        self.assertEqual(self.run_json("sql", self.db, query),
                         [{"addr": 8192, "size": 4704, "t": 'a,"b', "n": None, "r": 2.5, "b": "00ff"}])
        done = necropsy("sql", "--csv", self.db, query)
        self.assertEqual(done.stdout, b'addr,size,t,n,r,b\r\n8192,4704,"a,""b",,2.5,00ff\r\n')
        self.assertEqual(list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))[1][2], 'a,"b')
        self.assertEqual(self.run_ok("sql", self.db, "select 1 as one").split(), ["one", "1"])

    def test_sql_streams_more_rows_than_are_buffered(self):
        query = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) select i from n"
        self.assertEqual([int(x) for x in self.run_ok("sql", self.db, query).split()[1:]], list(range(1, 3001)))
        self.assertEqual(len(self.run_json("sql", self.db, query)), 3000)

    def test_wide_and_combining_characters_keep_columns_straight(self):
        query = "select '\u65e5\u672c' as a, 1 as b union all select 'e\u0301', 2 union all select 'xyz', 3"
        self.assertEqual(self.run_ok("sql", self.db, query).splitlines(),
                         ["a     b", "\u65e5\u672c  1", "e\u0301     2", "xyz   3"])

    def test_a_query_can_be_interrupted(self):
        query = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
        process = subprocess.Popen([NECROPSY, "sql", self.db, query], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with open("/proc/%d/stat" % process.pid) as f:
            self.assertTrue(wait_until(lambda: ticks(f) > 30 or process.poll() is not None, 60))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        self.assertEqual((process.returncode, out), (2, b""), err)

    def test_sql_only_reads(self):
        with open(self.db, "rb") as f:
            before = f.read()
        for query in ["delete from object", "create table x(y)", "select 1; delete from object",
                      "attach '%s' as other" % self.path("other.db"), "pragma user_version = 7", "vacuum"]:
            with self.subTest(query=query):
                self.assertEqual(necropsy("sql", self.db, query).returncode, 2)
        self.fails("sql", self.db, "selec", says="syntax error")
        with open(self.db, "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertEqual(self.left(), ["heap.db", "heap.json"])

    def test_sql_reads_references(self):
        rows = self.run_json("sql", self.db, "select dst from reference where src = 12288 and kind = 'strong'")
        self.assertEqual(rows, [{"dst": 0x5000}])

    def test_text_of_a_dump_is_harmless_on_a_terminal_and_exact_for_machines(self):
        self.assertIn("alert \u202e", self.run_json("show", self.db, "0x5000")["value"])
        for args in [("show", self.db, "0x5000"), ("refs", self.db, "0x3000"), ("objects", self.db, "str"),
                     ("sql", self.db, "select text from value"), ("report", self.db)]:
            with self.subTest(args=args):
                text = self.run_ok(*args)
                self.assertIn("red", text)
                self.assertNotIn("\x1b", text)
                self.assertNotIn("\u202e", text)
        raw = "select char(27, 91) || text as t from value where addr = 20480"
        self.assertIn("\x1b['red", necropsy("sql", "--csv", self.db, raw).stdout.decode())
        self.assertTrue(self.run_json("sql", self.db, raw)[0]["t"].startswith("\x1b["))
        self.assertIn("\\x1b[", self.run_ok("sql", self.db, raw))

    def test_tables_fit_the_terminal(self):
        for width in (60, 80, 132):
            out = on_terminal(["objects", self.db, "str"], width)
            lines = out.replace("\r", "").splitlines()
            self.assertTrue(any("red" in line for line in lines))
            for line in lines:
                self.assertLessEqual(len(line), max(width, 80))

    def test_report(self):
        text = self.run_ok("report", self.db)
        for line in text.splitlines():
            if "necropsy " not in line:
                self.assertLessEqual(len(line), 80, line)
        self.assertRegex(text, r"(?m)^  objects +57 ")
        self.assertRegex(text, r"(?m)^  dangling +1 ")
        self.assertRegex(text, r"(?m)^  warnings +0")
        self.assertRegex(text, r"(?m)^  dict +1 +4\.59 KiB")
        self.assertRegex(text, r"(?m)^  0x2000 +dict +4\.59 KiB")
        commands = re.findall(r"(?m)^  necropsy (\w+) (\S+)(?: (\S+))?  ", text)
        self.assertIn(("show", self.db, "0x2000"), commands)
        for command in commands:
            self.run_ok(*filter(None, command))

    def test_report_for_machines(self):
        report = self.run_json("report", self.db)
        self.assertEqual((report["objects"], report["bytes"]), (len(HEAP), sum(o[2] for o in HEAP)))
        self.assertEqual(report["meta"]["dangling"], "1")
        self.assertEqual(report["largest"][0]["addr"], "0x2000")


def ticks(stat_file):
    """CPU time of the process whose /proc/PID/stat is open, in hundredths of a second."""
    stat_file.seek(0)
    fields = stat_file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def on_terminal(args, width):
    """What the program writes to a terminal of that width."""
    try:
        pid, fd = pty.fork()
    except OSError as error:
        raise unittest.SkipTest("no terminal to be had: %s" % error)
    if not pid:
        os.environ["COLUMNS"] = str(width)
        os.environ["LC_ALL"] = "C.UTF-8"
        os.execv(NECROPSY, [NECROPSY] + args)
    out = b""
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not data:
            break
        out += data
    os.close(fd)
    os.waitpid(pid, 0)
    return out.decode()


def need_root_or_not(case):
    """
    Permissions mean nothing to root: as root, the program is run as nobody, who may not even reach the place where
    it was built. So it is a copy that is run from here on.
    """
    global NECROPSY
    if os.getuid() != 0 or NECROPSY != os.environ["NECROPSY"]:
        return
    directory = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, directory)
    os.chmod(directory, 0o755)
    NECROPSY = shutil.copy(NECROPSY, directory)


def as_nobody(case):
    if os.getuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


class BadInput(Case):
    def refused(self, path, says, *args, **options):
        """Exit 2, and nothing left behind."""
        before = self.left()
        message = self.fails("load", path, *args, says=says, **options)
        self.assertEqual(self.left(), before)
        return message

    def test_not_there(self):
        self.refused(self.path("nothing"), "No such file or directory")

    def test_a_directory(self):
        self.refused(self.dir, "(?i)directory")

    def test_not_a_core(self):
        self.refused(self.write("text", "Dear diary,\n" * 1000), "/text.*text")

    def test_noise(self):
        self.refused(self.write("noise", bytes(range(7, 251)) * 5000), "/noise")

    def test_an_empty_file(self):
        self.refused(self.write("empty", b""), "empty")

    def test_an_elf_program(self):
        program = self.path("program")
        shutil.copy(os.path.realpath(shutil.which("sleep")), program)
        self.refused(program, "(?i)(program|executable|no core|not a core)")

    def test_a_core_without_python_is_named(self):
        core = self.core(["sleep", "600"])
        self.assertIn("sleep", self.refused(core, "(?i)python"))

    def test_no_permission_to_read(self):
        need_root_or_not(self)
        heap = self.heap()
        os.chmod(self.dir, 0o755)
        os.chmod(heap, 0)
        self.refused(heap, "Permission denied", **as_nobody(self))

    def test_no_permission_to_write(self):
        need_root_or_not(self)
        os.mkdir(self.path("ro"))
        heap = self.heap("ro/heap.json")
        os.chmod(heap, 0o644)
        os.chmod(self.dir, 0o555)
        os.chmod(self.path("ro"), 0o555)
        self.addCleanup(os.chmod, self.dir, 0o755)
        self.addCleanup(os.chmod, self.path("ro"), 0o755)
        self.refused(heap, "(?i)permission denied|read-only", **as_nobody(self))

    def test_a_database_of_another_dump_is_left_alone(self):
        first, database = self.heap(), self.path("x.db")
        second = self.write("second.json", meliae(HEAP[:-1]))
        self.run_ok("load", first, "-o", database)
        with open(database, "rb") as f:
            before = f.read()
        self.refused(second, "another dump", "-o", database)
        with open(database, "rb") as f:
            self.assertEqual(f.read(), before)

    def test_a_file_that_is_no_database_is_not_written_over(self):
        heap, precious = self.heap(), self.write("precious", "my only copy\n")
        self.refused(heap, "precious", "-o", precious)
        self.refused(heap, "precious", "-o", precious, "--force")
        with open(precious) as f:
            self.assertEqual(f.read(), "my only copy\n")

    def test_a_database_is_not_loaded_again(self):
        database = self.path("x.db")
        self.run_ok("load", self.heap(), "-o", database)
        self.refused(database, "database already", "--force")

    def test_a_database_that_is_cut_off(self):
        database = self.path("x.db")
        self.run_ok("load", self.heap(), "-o", database)
        with open(database, "r+b") as f:
            f.truncate(os.path.getsize(database) // 2)
        done = necropsy("report", database)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), r"\Anecropsy: ")

    def test_sqlite_databases_of_others(self):
        connection = sqlite3.connect(self.path("other.db"))
        connection.execute("create table t(x)")
        connection.commit()
        connection.close()
        self.fails("types", self.path("other.db"), says="other.db")

    def test_interrupted_half_way_nothing_is_left(self):
        big = self.path("big.json")
        with open(big, "w") as f:
            f.write('{"address": 16, "type": "module", "size": 56, "name": "app", "refs": [32]}\n')
            for i in range(2, 700000):
                f.write('{"address": %d, "type": "list", "size": 72, "refs": [%d, %d]}\n' % (16 * i, 16 * i + 16, 32))
        for signo in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=signo):
                process = subprocess.Popen([NECROPSY, "load", big], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
                self.assertTrue(wait_until(lambda: process.poll() is not None or len(self.left()) > 1, 60))
                process.send_signal(signo)
                out, err = process.communicate(timeout=300)
                self.assertEqual((process.returncode, out), (2, b""), err)
                self.assertIn(b"cancelled", err)
                self.assertEqual(self.left(), ["big.json"])

    def test_no_room_for_the_database(self):
        full = self.path("full")
        os.mkdir(full)
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", full],
                                              stderr=subprocess.DEVNULL).returncode:
            self.skipTest("only root can mount a file system without room")
        self.addCleanup(subprocess.run, ["umount", full], check=True)
        heap = self.write("heap.json", meliae(HEAP + [(0x100000 + 64 * i, "list", 56, None, []) for i in range(100000)]))
        self.refused(heap, "are needed for the database|(?i:no room|no space)", "-o", os.path.join(full, "x.db"))
        self.assertEqual(os.listdir(full), [])


class Cores(Case):
    """Cores of the Python that runs this test."""

    def test_report_of_a_live_process(self):
        core = self.python_core("class Culprit: pass\nkeep = [Culprit() for i in range(1234)]")
        done = necropsy(core)
        text = done.stdout.decode()
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("%d.%d.%d" % sys.version_info[:3], text)
        self.assertRegex(text, r"(?m)^  command .*Culprit")
        rows = self.run_json("types", core, "Culprit", status=done.returncode if "CUT" in text else 0)
        self.assertEqual([(r["name"], r["count"]) for r in rows if r["count"]], [("__main__.Culprit", 1234)])

    def test_a_fatal_signal_is_named(self):
        process = subprocess.Popen([sys.executable, "-c", "input()\nimport ctypes\nctypes.string_at(16)"],
                                   cwd=self.dir, stdin=subprocess.PIPE, preexec_fn=allow_core)
        core = self.kernel_core(process, lambda: process.communicate(b"\n"))
        self.assertRegex(necropsy(core).stdout.decode(), r"died of +SIGSEGV \(11\): .* at 0x10")

    def test_a_core_cut_at_any_byte(self):
        core = self.python_core()
        size = os.path.getsize(core)
        with open(core, "rb") as f:
            data = f.read()
        loaded = 0
        for at in [1, 16, 63, 64, 65, 120, 4096, 20000] + [size * k // 100 for k in (10, 30, 60, 90, 98)]:
            with self.subTest(cut_at=at, of=size):
                cut = self.write("cut", data[:at])
                done = necropsy("report", cut, "-o", self.path("cut.db"))
                self.assertIn(done.returncode, (1, 2), done.stderr)
                if done.returncode == 1:
                    loaded += 1
                    self.assertIn("CUT OFF", done.stdout.decode())
                    os.remove(self.path("cut.db"))
                else:
                    self.assertRegex(done.stderr.decode(), r"\Anecropsy: [^\n]*\n\Z")
                self.assertEqual(self.left(), ["core", "cut"])
        self.assertGreaterEqual(loaded, 1)


if __name__ == "__main__":
    unittest.main()
