# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaks and stuck services found in the browser by keys alone, in at most twelve, on dumps of fixtures/stories.

STORY_PICTURES=DIRECTORY also writes the last screen of each as a picture: docs/pictures has them.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["srcdir"], "fixtures"))
import capture  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
STORIES = os.path.join(os.environ["srcdir"], "fixtures", "stories")
PICTURES = os.environ.get("STORY_PICTURES")
ENV = dict(os.environ, LC_ALL="C.UTF-8", XDG_CONFIG_HOME="/nonexistent")

# From opening to the culprit: the keys, and what the last screen must name.
BY_KEYS = {
    # down the largest branch of what keeps how much alive; by which name is it reached?
    "class_registry": ("D" + "<Right>" * 6 + "p", ["['Processor']", "['instance_map']", "MiB {'/srv/apps"]),
    # the cache among the largest objects, and where it hangs
    "lru_method": ("3/lru<Enter>p", ["['Session']", "['permissions']", "_lru_cache_wrapper"]),
    # one of the rows that should be gone
    "identity_map": ("T/main<Enter><Enter>p", ["['SESSION']"]),
    # a traceback that should be gone
    "exception_traceback": ("T/trac<Enter><Enter>p", ["['STATUS']", ".errors", "IndexError('list"]),
    # a widget that was closed
    "listener_list": ("T/Widg<Enter><Enter>p", ["['CHANGED']", ".listeners", "<bound method Widget"]),
    # a thousand tasks at the same place, all done: who keeps one?
    "asyncio_tasks": ("atp", ["['BACKGROUND']", "_asyncio.Task"]),
    # who has the GIL, what does it do, and with what
    "gil_hog": ("5/has<Enter><Tab><Tab><Enter>", ["local 'request' in check_address", ".address", "'bobby.tables.b"]),
    # what the only thread waits for, who called it, and with what
    "wrong_server": ("5<Tab>jjj<Tab><Enter>", ["<Config name='dev', server='devbox.example.org:8080'", "local 'config' in main"]),
}


@unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
class ByKeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if subprocess.run([NECROPSY, "browse", "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            raise unittest.SkipTest("built without the browser")

    def browse(self, directory, database, keys, *commands):
        script = os.path.join(directory, "script")
        with open(script, "w", encoding="utf-8") as f:
            f.write("\n".join([keys, ":save-display screen.txt"] + list(commands)) + "\n")
        done = subprocess.run([NECROPSY, "browse", "--size", "110x24", "--script", script, database], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=ENV, cwd=directory, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        with open(os.path.join(directory, "screen.txt"), encoding="utf-8") as f:
            return f.read()

    def tell(self, story):
        keys, wanted = BY_KEYS[story]
        self.assertLessEqual(len(re.findall("<[^>]+>|.", keys)), 12)
        with tempfile.TemporaryDirectory() as directory:
            core = capture.capture(directory, sys.executable, os.path.join(STORIES, story + ".py"), oracle=False)
            database = os.path.join(directory, "db")
            done = subprocess.run([NECROPSY, "load", core, "-o", database], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=300)
            self.assertLess(done.returncode, 2, done.stderr.decode())
            shown = self.browse(directory, database, keys, ":save-picture screen.svg")
            for text in wanted:
                self.assertIn(text, shown)
            if story == "gil_hog":
                shown = self.browse(directory, database, "5")
                self.assertRegex(shown, r"GIL +api-17 has it; 44 of 46 wait for it")
            if story == "asyncio_tasks":
                self.assertRegex(self.browse(directory, database, "at"), r"> +1,000 finished")
            if PICTURES:
                shutil.copy(os.path.join(directory, "screen.svg"), os.path.join(PICTURES, story + ".svg"))


def add_tests():
    for story in BY_KEYS:
        setattr(ByKeys, "test_" + story, lambda self, story=story: self.tell(story))


add_tests()

if __name__ == "__main__":
    unittest.main()
