# SPDX-License-Identifier: GPL-3.0-or-later
"""The leaks of fixtures/stories: the first finding names the culprit by its path, and a healthy twin has none.

A few stories on the Python that runs this test. NECROPSY_STORIES=all tells all of them, and NECROPSY_PYTHONS may name
other interpreters, separated by colons. A story that an interpreter cannot tell ends with status 77, and is skipped.
"""
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["srcdir"], "fixtures"))
import capture  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
STORIES = os.path.join(os.environ["srcdir"], "fixtures", "stories")
QUICK = ("class_registry", "exception_traceback", "lru_method")
# Stories of memory; those of threads that wait for each other hold none.
ALL = QUICK + ("asyncio_tasks", "del_cycle", "finalizer_cycle", "frame_cycle", "identity_map", "listener_list", "missing_decref", "partial_pool",
               "thread_locals")


def culprit(story):
    """The constant of that name, without running the story."""
    with open(os.path.join(STORIES, story + ".py"), encoding="utf-8") as f:
        for node in ast.parse(f.read()).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "CULPRIT":
                return ast.literal_eval(node.value)
    raise AssertionError("%s has no CULPRIT" % story)


def can_tell(python, story):
    """Does the story run on this interpreter? A story that begins to work is stopped at once."""
    process = subprocess.Popen([python, os.path.join(STORIES, story + ".py"), "--healthy"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()  # "ready", or the end
    process.kill()
    process.stdout.close()
    return process.wait() != 77


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class Stories(unittest.TestCase):
    def findings(self, python, story, *options):
        with tempfile.TemporaryDirectory() as directory:
            core = capture.capture(directory, python, os.path.join(STORIES, story + ".py"), options, oracle=False)
            done = subprocess.run([NECROPSY, "report", core, "--json"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=300)
            self.assertLess(done.returncode, 2, done.stderr)
            return json.loads(done.stdout)["findings"]

    def tell(self, python, story):
        if not can_tell(python, story):
            self.skipTest("%s cannot tell this story" % python)
        with self.subTest("leaky"):
            found = self.findings(python, story)
            self.assertTrue(found, "nothing was found")
            self.assertIn(culprit(story), found[0]["title"])
            self.assertGreater(found[0]["bytes"], 1 << 19)
        with self.subTest("healthy"):
            self.assertEqual(self.findings(python, story, "--healthy"), [])


def add_tests():
    pythons = [p for p in os.environ.get("NECROPSY_PYTHONS", sys.executable).split(":") if p]
    for story in ALL if os.environ.get("NECROPSY_STORIES") == "all" else QUICK:
        for number, python in enumerate(pythons):
            name = "test_%s%s" % (story, "_%d" % number if number else "")
            setattr(Stories, name, lambda self, python=python, story=story: self.tell(python, story))


add_tests()

if __name__ == "__main__":
    unittest.main()
