# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are dumped while they run (fixtures/growing.py): who is blamed, when memory ends, and which objects are the same.

Figures are printed: precision and recall of identity against the service's own record, how far the projected end was from
the real one, and what a capture costs beside gcore.
"""
import fcntl
import json
import os
import pty
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cgroups

NECROPSY = os.environ["NECROPSY"]
SRCDIR = os.environ["srcdir"]
GROWING = os.path.join(SRCDIR, "fixtures", "growing.py")
ENV = dict(os.environ, LC_ALL="C.UTF-8")
MIB = 1 << 20


def say(*words):
    """A diagnostic of TAP."""
    sys.stdout.write("# %s\n" % " ".join(str(w) for w in words))
    sys.stdout.flush()


def run(*args, status=(0, 1)):
    done = subprocess.run([NECROPSY, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV,
                          universal_newlines=True, timeout=300)
    if done.returncode not in status:
        raise AssertionError("%s: %s" % (args, done.stderr))
    return done.stdout


class Service(object):
    def __init__(self, directory, kind, rate, limit=None, group=None):
        def confine():
            if group:
                group.enter()
            # One heap for all threads: arenas of 64 MiB of address space each are not what is measured.
            if limit:
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        self.directory = directory
        self.process = subprocess.Popen([sys.executable, GROWING, kind, str(rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, preexec_fn=confine, env=dict(ENV, MALLOC_ARENA_MAX="1", GROWING_FULL=self.path("full")))
        self.pid = int(self.process.stdout.readline().split()[1])
        self.started = time.time()

    def end(self):
        if self.process.returncode is not None:
            return
        self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def path(self, name):
        return os.path.join(self.directory, name)

    def capture(self, name):
        path = self.path(name)
        run("capture", str(self.pid), "-o", path)
        return path

    def mark(self, name):
        path = self.path(name)
        self.process.stdin.write(("mark %s\n" % path).encode())
        self.process.stdin.flush()
        self.process.stdout.readline()
        with open(path) as f:
            return json.load(f)

    def go(self):
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def series(self, count, seconds):
        paths = []
        for number in range(count):
            time.sleep(max(0.0, self.started + (number + 1) * seconds - time.time()))
            paths.append(self.capture("core.%d" % number))
        return paths


def can_capture():
    """Is a child of ours ours to trace?"""
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        with tempfile.TemporaryDirectory() as directory:
            return subprocess.run([NECROPSY, "capture", str(sleeper.pid), "-o", os.path.join(directory, "core")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    finally:
        sleeper.kill()
        sleeper.wait()


CAN_CAPTURE = can_capture()


@unittest.skipUnless(CAN_CAPTURE, "processes cannot be captured here")
class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def service(self, *args, **kwargs):
        service = Service(self.directory, *args, **kwargs)
        self.addCleanup(service.end)
        return service


class Blame(Case):
    """Eight snapshots: the culprit comes first, and a cache that is full is not blamed.

    They are taken by the clock, and the services fill their caches by the clock as well: one that a busy machine does not let run still fills
    its cache at the last snapshots, and that is a leak as far as anybody can see. Only such a series is taken again.
    """

    def judge(self, kind, rate, check):
        for attempt in range(3):
            service = Service(tempfile.mkdtemp(dir=self.directory), kind, rate)
            self.addCleanup(service.end)
            time.sleep(0.3)
            trend = json.loads(run("trend", *service.series(8, 0.8), "--json", "--limit", "64GiB"))
            service.end()
            try:
                return check(trend)
            except AssertionError as error:
                full = service.path("full")
                filled = os.path.exists(full) and os.path.getmtime(full) < trend["snapshots"][4]["time"]
                say("%s: %s; %s" % (kind, error, [(s["name"], s["points"], s["shape"], s["first"], s["last"]) for s in trend["series"] if s["kind"] == "holder"][:4]))
                if attempt == 2 or filled:
                    raise
                say("%s, once more: the cache was not full half-way through" % kind)

    def growing(self, trend, kind):
        return [s["name"] for s in trend["series"] if s["kind"] == kind and s["grows"]]

    def assert_first(self, trend, kind, name):
        self.assertIn(name, (self.growing(trend, kind) + ["nothing"])[0])

    def assert_harmless(self, trend):
        for name in self.growing(trend, "holder") + self.growing(trend, "container"):
            self.assertNotIn("lookup", name)
            self.assertNotIn("table", name)

    def test_registry(self):
        def check(trend):
            self.assert_first(trend, "holder", "Page.instances")
            self.assert_first(trend, "container", "Page.instances")
            self.assert_harmless(trend)
            self.assertEqual(trend["forecast"][0]["verdict"], "reached")

        self.judge("registry", 8, check)

    def test_lru_cache_under_threads(self):
        def check(trend):
            self.assert_first(trend, "holder", "Config.price")
            self.assert_harmless(trend)

        self.judge("lru_cache", 3, check)

    def test_fragmentation_is_no_leak(self):
        def check(trend):
            self.assert_harmless(trend)
            memory = {s["name"]: s for s in trend["series"] if s["kind"] == "memory"}
            self.assertFalse(memory["objects"]["grows"], memory["objects"])
            self.assertNotEqual(trend["forecast"][0]["verdict"], "reached", memory["rss"])

        self.judge("fragmentation", 20, check)

    def test_a_cache_that_fills_up_and_stops(self):
        def check(trend):
            self.assertEqual(self.growing(trend, "holder"), [])
            self.assertNotEqual(trend["forecast"][0]["verdict"], "reached")

        self.judge("filling", 8, check)


class End(Case):
    """The projected end beside the real one, of services that grow by the clock until something kills them.

    On a busy machine they are not always let run: the best of three is what was foretold.
    """

    def foretold(self, origin, **kwargs):
        offs = []
        while len(offs) < 3 and not (offs and abs(offs[-1][0]) < 0.1 and offs[-1][1]):
            offs.append(self.projected_beside_real("growing-%d" % len(offs), origin, **kwargs))
        self.assertLess(abs(offs[-1][0]), 0.1, offs)
        self.assertTrue(offs[-1][1], "the range does not have the real end in it: %s" % offs)

    def test_limit_of_the_address_space(self):
        # About 6 MiB a second, and room for some 20 seconds.
        self.foretold("address space", kind="registry", rate=12, limit=160 * MIB)

    def test_cgroup_and_its_oom_killer(self):
        self.foretold("cgroup", kind="registry", rate=12, cgroup=150 * MIB)

    def test_cache_under_threads_in_a_cgroup(self):
        self.foretold("cgroup", kind="lru_cache", rate=3, cgroup=110 * MIB)

    def test_the_nearer_of_two_limits(self):
        """A limit of the address space that the cgroup's is far below is not what ends it."""
        self.foretold("cgroup", kind="registry", rate=12, cgroup=150 * MIB, limit=1 << 30)

    def projected_beside_real(self, name, origin, kind, rate, limit=None, cgroup=None):
        """How far the projected end is off, as a share of the time from the first snapshot to the real one; was that in the range?"""
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        group = None
        if cgroup:
            try:
                group = cgroups.MemoryCgroup(cgroup, name)
            except cgroups.CannotMake as e:
                self.skipTest(str(e))
            self.addCleanup(group.remove)
        service = Service(directory, kind, rate, limit=limit, group=group)
        self.addCleanup(service.end)
        # Loading eight dumps may take longer than the service lives.
        ends = []
        waiter = threading.Thread(target=lambda: ends.append((service.process.wait(), time.time())))
        waiter.start()
        time.sleep(1.5)
        paths = service.series(8, 1.0)
        trend = json.loads(run("trend", *paths, "--json"))
        forecast = trend["forecast"][0]
        waiter.join(120)
        status, real = ends[0]
        self.assertEqual(status, -9 if group else 9)
        first = trend["snapshots"][0]["time"]
        self.assertEqual((forecast["origin"], forecast["bytes"]), (origin, cgroup or limit))
        self.assertEqual(forecast["verdict"], "reached", trend["series"][:3])
        off = (forecast["at"] - real) / (real - first)
        last = forecast["last_time"]
        latest = forecast["latest"]
        say("%s, %s: projected end %.1f s after the last snapshot (%.1f to %s), really %.1f s; off by %.1f %% of the time since the first"
            % (kind, origin, forecast["at"] - last, forecast["earliest"] - last, "never" if latest is None else "%.1f" % (latest - last),
               real - last, 100 * off))
        return off, forecast["earliest"] <= real and (latest is None or real <= latest)


class Mixed(Case):
    """Cores, snapshots that the service writes of itself, and the memory that mprof recorded of it, on one axis."""

    def record(self, pid, path, stop):
        """As mprof does: by itself where it is installed, else in its format."""
        with open(path, "w") as f:
            f.write("CMDLINE python growing.py\n")
            while not stop.wait(0.1):
                with open("/proc/%d/statm" % pid) as statm:
                    pages = int(statm.read().split()[1])
                f.write("MEM %.6f %.4f\n" % (pages * os.sysconf("SC_PAGE_SIZE") / MIB, time.time()))
                f.flush()

    def snapshots(self):
        """Three cores and three own snapshots in turn, and the recording."""
        program = self.service_file()
        own = os.path.join(self.directory, "own")
        process = subprocess.Popen([sys.executable, program, os.path.join(SRCDIR, "formats"), own, GROWING, "registry", "8"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(ENV, MALLOC_ARENA_MAX="1"))
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdin.close(), process.stdout.close()))
        process.stdout.readline()
        curve, stop = os.path.join(self.directory, "mprofile.dat"), threading.Event()
        recorder = threading.Thread(target=self.record, args=(process.pid, curve, stop))
        recorder.start()
        paths = []
        try:
            for number in range(3):
                time.sleep(0.7)
                paths.append(os.path.join(self.directory, "core.%d" % number))
                run("capture", str(process.pid), "-o", paths[-1])
                time.sleep(0.7)
                process.send_signal(signal.SIGUSR2)
                end = time.time() + 60
                while time.time() < end:
                    done = sorted(n for n in (os.listdir(own) if os.path.isdir(own) else []) if n.endswith(".gz"))
                    if len(done) > number:
                        break
                    time.sleep(0.05)
                paths.append(os.path.join(own, sorted(done, key=lambda n: int(n.split("-")[-1].split(".")[0]))[-1]))
        finally:
            stop.set()
            recorder.join()
        return paths + [curve]

    def service_file(self):
        path = os.path.join(self.directory, "service.py")
        with open(path, "w") as f:
            f.write("import sys\nsys.path.insert(0, sys.argv[1])\nimport necropsy_snapshot\n"
                    "necropsy_snapshot.install(dir=sys.argv[2], objects=True, values=True, share=None)\n"
                    "sys.argv = sys.argv[3:]\nexec(compile(open(sys.argv[0]).read(), sys.argv[0], 'exec'))\n")
        return path

    def test_one_axis(self):
        paths = self.snapshots()
        # In any order: time puts them into theirs.
        trend = json.loads(run("trend", *(paths[-1:] + paths[:-1][::-1]), "--json", "--limit", "4GiB"))
        formats = [s["format"] for s in trend["snapshots"] if s["format"] != "mprof"]
        self.assertEqual(formats, ["elf-core", "snapshot"] * 3)
        series = {(s["kind"], s["name"]): s for s in trend["series"]}
        with open(paths[-1]) as f:
            recorded = sum(line.startswith("MEM ") for line in f)
        rss = series["memory", "rss"]
        together = -(-(recorded + 6) // 240)  # NEC_COURSE_POINTS: neighbours are averaged where a slow machine recorded more
        self.assertEqual(rss["points"], -(-(recorded + 6) // together))
        self.assertTrue(rss["grows"], rss)
        # Classes and holders are known of all six, whoever wrote them.
        page = series["type", "__main__.Page"] if ("type", "__main__.Page") in series else series["type", "growing.Page"]
        self.assertEqual(page["points"], 6)
        self.assertTrue(page["grows"], page)
        holder = [s for s in trend["series"] if s["kind"] == "holder"][0]
        self.assertRegex(holder["name"], r"Page.*instances")
        self.assertEqual(holder["points"], 6)
        forecast = trend["forecast"][0]
        self.assertEqual((forecast["verdict"], forecast["bytes"], forecast["origin"]), ("reached", 4 << 30, "--limit"))
        say("one axis: %d points of the resident set from three kinds of sources, %s" % (rss["points"], holder["name"]))
        self.timeline(paths)

    def timeline(self, paths):
        """The browser shows all of them, and the limit."""
        try:
            pid, fd = pty.fork()
        except OSError as error:
            self.skipTest("all but the browser: there are no pseudo-terminals (%s)" % error)
        if not pid:
            os.environ.update(ENV, TERM="xterm", LINES="50", COLUMNS="160")
            os.execv(NECROPSY, [NECROPSY] + paths)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        seen, end = b"", time.time() + 120
        wanted = (b"instances", b"rss")
        try:
            while not all(w in seen for w in wanted) and time.time() < end:
                if select.select([fd], [], [], 0.5)[0]:
                    seen += os.read(fd, 1 << 16)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        for w in wanted:
            self.assertIn(w, seen, seen[-3000:])


class Identity(Case):
    """Objects that live on, and objects that were made anew where others had been, by the service's own serial numbers."""

    def test_verdicts_against_the_record(self):
        self.compare_with_the_record(0.3)

    def test_verdicts_when_nearly_all_were_made_anew(self):
        self.compare_with_the_record(0.55)

    def compare_with_the_record(self, between):
        service = self.service("churn", 6)
        time.sleep(2)
        before = service.mark("a.json")
        a = service.capture("a")
        service.go()
        time.sleep(between)
        after = service.mark("b.json")
        b = service.capture("b")
        service.go()
        rows = json.loads(run("diff", a, b, "--by", "objects", "--all", "--limit", "0", "--json"))
        added = {int(r["addr"], 16) for r in rows if r["side"] == "B"}
        total, again = [0, 0, 0], 0
        for kind in sorted(before):
            old = {int(k): v for k, v in before[kind].items()}
            new = {int(k): v for k, v in after[kind].items()}
            born = {addr for addr, serial in new.items() if old.get(addr) != serial}
            reused = {addr for addr in born if addr in old}
            said = {addr for addr in new if addr in added}
            right = len(born & said)
            total = [total[0] + right, total[1] + len(said), total[2] + len(born)]
            again += len(reused)
            say("%-8s %4d alive, %4d born since, %4d of them where one of the kind had been: precision %.3f recall %.3f"
                % (kind, len(new), len(born), len(reused), right / max(1, len(said)), right / max(1, len(born))))
        precision, recall = total[0] / total[1], total[0] / total[2]
        say("identity: precision %.3f recall %.3f of %d births" % (precision, recall, total[2]))
        self.assertGreater(total[2], 200)
        self.assertGreater(again, 20)
        self.assertGreater(precision, 0.98)
        self.assertGreater(recall, 0.98)


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Cost(Case):
    def test_capture_beside_gcore(self):
        """Of one process that stands still and said before what it has: every object and reference of it is in both cores."""
        oracle = os.path.join(self.directory, "oracle")
        story = subprocess.Popen([sys.executable, os.path.join(SRCDIR, "fixtures", "stories", "class_registry.py"), oracle],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENV)
        self.addCleanup(lambda: (story.kill(), story.wait(), story.stdout.close()))
        pid = int(story.stdout.readline().split()[1])
        ours, theirs = os.path.join(self.directory, "ours"), os.path.join(self.directory, "theirs.%d" % pid)
        began = time.monotonic()
        done = json.loads(run("capture", str(pid), "-o", ours, "--json"))
        middle = time.monotonic()
        subprocess.run(["gcore", "-o", theirs[:-len(".%d" % pid)], str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        ended = time.monotonic()
        pause = done["pause_microseconds"] / 1e6
        sizes = [os.stat(p).st_size for p in (ours, theirs)]
        say("capture: %.3f s of standstill, %.1f s in all, %.1f MiB; gcore: %.1f s, %.1f MiB"
            % (pause, middle - began, sizes[0] / MIB, ended - middle, sizes[1] / MIB))
        self.assertLess(pause, ended - middle)
        self.assertLessEqual(sizes[0], sizes[1])
        for core in (ours, theirs):
            run("load", core, "-o", core + ".db")
            truth = subprocess.run([sys.executable, os.path.join(SRCDIR, "tests", "truth.py"), "--necropsy", NECROPSY,
                                    "--core", core, oracle, core + ".db"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   universal_newlines=True, timeout=300)
            for line in truth.stdout.splitlines():
                if line.startswith(("objects", "references")):
                    say(os.path.basename(core), line)
            self.assertEqual(truth.returncode, 0, truth.stdout)


if __name__ == "__main__":
    unittest.main()
