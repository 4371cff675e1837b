# SPDX-License-Identifier: GPL-3.0-or-later
"""
Tasks of asyncio and greenlets: their names, states, stacks and who waits for whom are what the process said of itself before it was
dumped (fixtures/tasks_service.py, greenlets_service.py). With each interpreter of VERSIONS that is here, also in the roots below $NECROPSY_ROOTS (by itself ~/.cache/necropsy/roots, see fixtures/fetch-roots).
"""
import json
import os
import re
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
import matrix  # noqa: E402

NECROPSY = os.environ.get("NECROPSY", "")
VERSIONS = ("3.8", "3.11", "3.12", "3.14")


def interpreters():
    """One of each version: (path, root)."""
    found = {}
    for interpreter in matrix.interpreters(matrix.fetched_roots()):
        version = ".".join(interpreter.version.split(".")[:2])
        if version in VERSIONS and not interpreter.emulator and not interpreter.refusal and re.match(r"^[0-9.]+$", interpreter.version):
            found.setdefault(version, (interpreter.path, interpreter.root))
    return sorted(found.items()) or [("this one", (sys.executable, None))]


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="tasks-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def setUp(self):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if not capture.methods():
            self.skipTest("nothing here writes dumps")

    def dump(self, path, root, target, *args):
        """The database of the target's core, and what it wrote of itself."""
        out = tempfile.mkdtemp(dir=self.dir)
        core = capture.capture(out, path, os.path.join(FIXTURES, target), args=args, root=root, method=capture.methods()[0])
        with open(os.path.join(out, "oracle", target.replace("_service.py", ".json")), encoding="utf-8") as f:
            truth = json.load(f)
        db = os.path.join(out, "db")
        subprocess.run([NECROPSY, "load", "-o", db, core] + (["--sysroot", root] if root else []), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        return db, truth

    def tasks(self, *args):
        done = subprocess.run([NECROPSY, "tasks"] + list(args), check=True, stdout=subprocess.PIPE, timeout=60)
        return done.stdout.decode()

    def compare(self, db, truth):
        found = {int(t["addr"], 16): t for t in json.loads(self.tasks(db, "--json"))["tasks"]}
        self.assertEqual(set(found), {t["addr"] for t in truth["tasks"]})
        self.assertGreater(len(found), 980)
        called = {t["addr"]: t["called"] for t in truth["tasks"]}
        for want in truth["tasks"]:
            task = found[want["addr"]]
            self.assertEqual(task["name"], want["name"])
            self.assertEqual(task["state"], want["state"], want)
            self.assertEqual(int(task["loop"], 16), truth["loop"])
            self.assertEqual(task["thread"], "MainThread")
            self.assertGreater(task["retained"], 0)
            if want["stack"] is not None:
                self.assertEqual([[f["function"], f["line"]] for f in task["frames"]], want["stack"], want)
            self.assertEqual(sorted(called[int(a, 16)] for a in task["tasks"]), want["waits_for"], want)
        self.assertEqual({a for a, t in found.items() if t["state"] in ("pending", "running")}, set(truth["all_tasks"]))
        text = self.tasks(db)
        self.assertRegex(text, r"(?m)^loop asyncio\.unix_events\._UnixSelectorEventLoop at 0x\w+, run by MainThread: \d+ tasks, \d+ not done$")
        self.assertRegex(text, r"(?m)^9\d\d tasks: .* more: pending; \S+ [KM]iB$")
        self.assertRegex(text, r"(?ms)^gather .*?: pending, waits for all of 3;.*?\n    3 tasks: worker-[123], worker-[123], worker-[123]: pending;")
        self.assertRegex(text, r"(?ms)^joins .*?\n    joined .*?\n        worker-8 ")

    def test_tasks_are_those_of_asyncio(self):
        for version, (path, root) in interpreters():
            with self.subTest(version=version):
                self.compare(*self.dump(path, root, "tasks_service.py"))

    def test_greenlets_are_those_of_gevent(self):
        self.compare_greenlets("gevent", r"gevent\S*Greenlet")

    def test_greenlets_are_those_of_eventlet(self):
        self.compare_greenlets("eventlet", r"eventlet\S*GreenThread")

    def compare_greenlets(self, library, name):
        path = "/usr/bin/python3"
        if not os.path.exists(path) or subprocess.run([path, "-W", "ignore", "-c", "import " + library], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no %s for %s" % (library, path))
        db, truth = self.dump(path, None, "greenlets_service.py", library)
        con = sqlite3.connect(db)
        found = {addr: [] for addr, in con.execute("SELECT addr FROM task WHERE kind = 'greenlet'")}
        for addr, function, line in con.execute("SELECT task, function, line FROM task_frame ORDER BY task, depth"):
            found[addr].append([function, line])
        con.close()
        self.assertGreater(len(found), 1000)
        # The one that looked is on the stack of its thread, where the others were taken from.
        running = [a for a, stack in truth.items() if stack and stack[0][0] == "frames"]
        for addr, stack in truth.items():
            if addr not in running:
                self.assertEqual(found[int(addr)], stack)
        self.assertRegex(self.tasks(db), r"(?m)^\d+ greenlets: " + name + r", .*: suspended; ")


if __name__ == "__main__":
    unittest.main()
