# SPDX-License-Identifier: GPL-3.0-or-later
"""
What every thread was doing, compared frame by frame with what the processes said of themselves (sys._current_frames) before they were
dumped: fixtures/zoo.py, and the stories of a deadlock and a stuck pool.

    test_threads.py [DIRECTORY...]      each with a `core` and its `oracle/`; without, a process of its own is dumped
"""
import glob
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402

NECROPSY = os.environ.get("NECROPSY", "")
with open(os.path.join(FIXTURES, "busy_threads.py")) as f:
    HANDLER = 1 + [line.startswith("def handler") for line in f].index(True)
GIVEN = [d for d in sys.argv[1:] if os.path.isdir(d)]


def threads(path, *options):
    done = subprocess.run([NECROPSY, "threads", "--json", path] + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode == 2:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout.decode())


def behind_oracle(stack):
    """The oracle's own frames have moved on since it looked: what called it."""
    own = [i for i, f in enumerate(stack) if f.get("oracle")]
    return stack[own[-1] + 1 :] if own else stack


def without_retained(stacks):
    """What a thread or a local retains is known once the dump is loaded."""
    if isinstance(stacks, list):
        return [without_retained(item) for item in stacks]
    if isinstance(stacks, dict):
        return {key: without_retained(value) for key, value in stacks.items() if key != "retained"}
    return stacks


class Truth(unittest.TestCase):
    """Every dump with its oracle: stacks, names, variables."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="threads-")
        cls.places = GIVEN
        if not cls.places and NECROPSY and capture.methods():
            capture.capture(cls.dir, sys.executable, os.path.join(FIXTURES, "zoo.py"), method=capture.methods()[0])
            cls.places = [cls.dir]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def each(self, check):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if not self.places:
            self.skipTest("nothing here writes dumps")
        for place in self.places:
            with open(os.path.join(place, "oracle", "meta.json"), encoding="utf-8") as f:
                meta = json.load(f)
            core = [c for c in glob.glob(os.path.join(place, "core*")) if not c.endswith(".necropsy")][0]
            with self.subTest(place=place):
                check(meta, core)

    def compare(self, meta, found):
        running = {t["ident"]: t for t in found["threads"] if t["frames"]}
        tids = {t["tid"] for t in meta["native_threads"]}
        self.assertEqual({t["tid"] for t in found["threads"]}, tids)
        self.assertGreater(len(meta["threads"]), 1)
        for truth in meta["threads"]:
            thread = running[truth["ident"]]
            self.assertEqual(thread["name"], truth["name"])
            self.assertEqual(thread["daemon"], int(truth["daemon"]))
            if truth["native_id"]:
                self.assertEqual(thread["tid"], truth["native_id"])
            expected, frames = behind_oracle(truth["stack"]), [f for f in thread["frames"] if f["kind"] == "python"]
            self.assertTrue(expected)
            self.assertEqual(len(frames) - len(expected), 1 if expected is not truth["stack"] else 0, truth["name"])
            for want, frame in zip(expected, frames[-len(expected) :]):
                for key in ("function", "qualname", "file", "line"):
                    self.assertEqual(frame[key], want[key], (truth["name"], want))
                self.assertEqual(frame["code"], hex(want["code"]))
                if want["locals"]:
                    names = {v["name"]: int(v["addr"], 16) for v in frame["locals"]}
                    self.assertEqual(names, {k: v[0] for k, v in want["locals"].items()}, (truth["name"], want["function"]))

    def test_stacks_names_and_variables_from_the_dump(self):
        self.each(lambda meta, core: self.compare(meta, threads(core)))

    def columns(self, meta, core):
        seen = 0
        for frame in (f for t in threads(core, "--no-native")["threads"] for f in t["frames"]):
            if meta["hexversion"] < 0x030B0000:
                self.assertIsNone(frame["column"])
            elif os.path.exists(frame["file"]):
                with open(frame["file"], "rb") as f:
                    line = f.read().split(b"\n")[frame["line"] - 1]
                # In the line, at the beginning of something.
                self.assertNotEqual(line[frame["column"] - 1 :][:1].strip(), b"", (frame, line))
                seen += 1
        if meta["hexversion"] >= 0x030B0000 and not seen:
            self.skipTest("the sources are not here")

    def test_columns_point_into_the_line(self):
        self.each(self.columns)

    def gate(self, meta, core):
        workers = [t for t in threads(core)["threads"] if t["name"] and t["name"].startswith("worker-")]
        self.assertEqual(len(workers), 4)
        for worker in workers:
            innermost = [f for f in worker["frames"] if f["kind"] == "python"][0]
            lock = [v["addr"] for v in innermost["locals"] if v["name"] == "lock"][0]
            self.assertIn("waits for the lock at " + lock, worker["state"])
            self.assertEqual(worker["gil"], "none")
        self.assertEqual(len({w["group"] for w in workers}), 1)

    def test_threads_at_the_gate_wait_for_its_lock(self):
        self.each(self.gate)

    def tree(self, meta, core):
        done = subprocess.run([NECROPSY, "threads", "--tree", core], stdout=subprocess.PIPE, timeout=60, check=True)
        for truth in meta["threads"]:
            states = [line for line in done.stdout.decode().split("\n") if line.strip().startswith("- %s: " % truth["name"])]
            self.assertEqual(len([s for s in states if "another interpreter" not in s]), 1)

    def test_tree_has_every_thread_once(self):
        self.each(self.tree)

    def test_database_says_the_same(self):
        def check(meta, core):
            path = os.path.join(self.dir, "same.necropsy")
            subprocess.run(
                [NECROPSY, "load", "--force", "-o", path, core], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600
            )
            self.assertEqual(without_retained(threads(path, "--all-native")), without_retained(threads(core, "--all-native")))
            con = sqlite3.connect(path)
            lost = con.execute("SELECT count(*) FROM local l LEFT JOIN object o ON o.addr = l.addr WHERE o.addr IS NULL").fetchone()[0]
            con.close()
            self.assertEqual(lost, 0)

        self.places = self.places[:1]  # the rows are those that the dump gives, whichever it is
        self.each(check)


class Stories(unittest.TestCase):
    """Programs that are stuck."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="threads-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def tell(self, name, *args):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if not capture.methods():
            self.skipTest("nothing here writes dumps")
        out = tempfile.mkdtemp(dir=self.dir)
        return capture.capture(
            out, sys.executable, os.path.join(FIXTURES, name), args=args, method=capture.methods()[0], oracle=False
        )

    def test_deadlock_is_a_circle_of_its_threads(self):
        for n in (2, 3):
            found = threads(self.tell("stories/deadlock.py", "--locks=%d" % n))
            named = [w for w in found["warnings"] if w.startswith("deadlock: ")]
            self.assertEqual(len(named), 1)
            for i in range(n):
                self.assertIn("'transfer-%d' waits for" % i, named[0])
                state = [t["state"] for t in found["threads"] if t["name"] == "transfer-%d" % i][0]
                self.assertIn("which 'transfer-%d' has" % ((i + 1) % n), state)

    def test_healthy_program_has_no_deadlock(self):
        found = threads(self.tell("stories/deadlock.py", "--healthy"))
        self.assertEqual([w for w in found["warnings"] if w.startswith("deadlock: ")], [])

    def test_stuck_pool_is_three_groups(self):
        found = threads(self.tell("stories/stuck_pool.py"))
        groups = {}
        for thread in found["threads"]:
            if thread["name"].startswith("api-"):
                groups.setdefault(thread["group"], []).append(thread)
        self.assertEqual(sorted(len(g) for g in groups.values()), [3, 13, 29])
        words = {len(g): {t["state"].split(" <")[0].split(" 0x")[0] for t in g} for g in groups.values()}
        self.assertEqual(words[13], {"waits for an item in the queue"})
        self.assertEqual(words[29], {"waits for the semaphore"})

    def test_states_of_busy_threads(self):
        for _ in range(5):
            core = self.tell("busy_threads.py")
            whole = threads(core)
            found = {t["name"]: t for t in whole["threads"]}
            spinning = [found["spin-%d" % i] for i in range(4)]
            # Between two threads the GIL has no holder: a dump of that moment says so, and is not what is asked here.
            if any(t["gil"] == "held" for t in spinning):
                break
        self.assertEqual(sorted(t["gil"] for t in spinning), ["held", "waiting", "waiting", "waiting"])
        for thread in spinning:
            self.assertEqual(thread["state"], "waits for the GIL" if thread["gil"] == "waiting" else "runs Python, has the GIL")
        self.assertEqual(found["owner"]["state"], "sleeps")
        self.assertEqual(found["sleeper"]["state"], "sleeps")
        self.assertRegex(found["wanter"]["state"], r"^waits for the lock at 0x\w+, which 'owner' has \(the lock knows its owner\)$")
        self.assertEqual(whole["switch_interval"], int(sys.getswitchinterval() * 1e6))
        self.assertIn("ValueError('over and out')", found["handler"]["exception"])
        self.assertEqual([(f["function"], f["line"]) for f in found["handler"]["traceback"]], [("handler", HANDLER + 2), ("fail", HANDLER - 3)])
        self.assertIsNone(found["sleeper"]["exception"])
        text = subprocess.run([NECROPSY, "threads", "--source", FIXTURES, core], check=True, stdout=subprocess.PIPE).stdout.decode()
        self.assertRegex(text, r"(?m)^[^\n]*; 3 of \d+ wait for the GIL, which changes hands every %d µs$" % whole["switch_interval"])
        self.assertRegex(text, r"(?m)^    spin  \S+busy_threads.py:\d+\n      > (count \+= 1|while True:|count = 0)$")
        self.assertRegex(text, r"(?m)^  deals with ValueError\('over and out'\).*; its traceback:\n      handler  \S+:%d\n      fail  \S+:%d$" % (HANDLER + 2, HANDLER - 3))
        self.assertRegex(found["event"]["state"], r"^waits for the condition or event <threading.Event at 0x\w+>$")
        self.assertEqual(found["finalizer"]["state"], "sleeps, in the finalizer " + ("Resource.__del__" if sys.version_info >= (3, 11) else "__del__"))
        self.assertRegex(found["receiver"]["state"], r"^in recvfrom of descriptor \d+, a Unix socket$")
        self.assertRegex(found["client"]["state"], r"^in recvfrom of descriptor \d+, a TCP socket$")
        self.assertRegex(found["reader"]["state"], r"^in read of descriptor \d+, the file '/dev/fd/\d+'$")
        self.assertRegex(found["selector"]["state"], r"^waits in p?select6?$")
        self.assertRegex(found["poller"]["state"], r"^waits in epoll_wait of descriptor \d+$")

    def test_collector_and_a_thread_of_no_python(self):
        for _ in range(5):  # a dump may fall between two collections
            found = {t["state"] for t in threads(self.tell("collecting.py"))["threads"]}
            if "runs Python, has the GIL, in the garbage collector" in found:
                break
        self.assertEqual(found, {"runs Python, has the GIL, in the garbage collector", "waits for a signal, no Python thread"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
