# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser: golden screens by scripts of keys, leaks found by keys alone, and a tour on a real terminal.

The database is invented and always the same (tui_sample.c). Golden screens are tests/tui/*.txt; to make them anew after a
change that is meant: TUI_UPDATE=1 make check TESTS=tests/test_tui.py, and read the difference.
"""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest

SRCDIR = os.environ["srcdir"]
sys.path.insert(0, os.path.join(SRCDIR, "fixtures"))
import capture  # noqa: E402

NECROPSY = os.environ["NECROPSY"]
SAMPLE = os.path.join(os.path.dirname(NECROPSY), "tests", "tui_sample")
GOLDEN = os.path.join(SRCDIR, "tests", "tui")
UPDATE = os.environ.get("TUI_UPDATE")

ENV = dict(os.environ, LC_ALL="C.UTF-8", XDG_CONFIG_HOME="/nonexistent", ASAN_OPTIONS="detect_leaks=1")

# Every screen: its name, the keys or commands that lead to it, and the database it is about.
PROCESSOR = "T\n/nlp<Enter>\n<Enter>\n<Enter>\n"
SCREENS = [
    ("overview", "", "heap"),
    ("types", "T\n", "heap"),
    ("modules", "M\n", "heap"),
    ("packages", "M\nt\n", "heap"),
    ("module", "M\n<Enter>\n", "heap"),
    ("objects", "T\n/nlp<Enter>\n<Enter>\n", "heap"),
    ("largest", "3\n", "heap"),
    ("show", PROCESSOR, "heap"),
    ("retainers", PROCESSOR + "r\n<Right>\n<Down>\n<Right>\n<Down>\n<Right>\n", "heap"),
    ("paths", PROCESSOR + "p\n", "heap"),
    ("cut", PROCESSOR + "<Tab>\nw\n", "heap"),
    ("drop", PROCESSOR + "r\n<Down>\nw\n", "heap"),
    ("dominators", "D\n<Right>\n<Down>\n<Right>\n", "heap"),
    ("threads", "H\n<Down>\n<Tab>\n<Down>\n", "heap"),
    ("stack", "H\n<Down>\n<Enter>\n", "heap"),
    ("groups", "t\n", "heap"),
    ("tasks", "a\n/report<Enter>\n<Right>\n<Down>\n<Right>\n", "heap"),
    ("task-groups", "a\nt\n", "heap"),
    ("memory", "6\n", "heap"),
    ("arenas", ":arenas\n<Down>\n<Down>\n", "heap"),
    ("findings", "7\n", "heap"),
    ("roots", "8\n", "heap"),
    ("garbage", "X\n", "heap"),
    ("refcounts", "C\n", "heap"),
    ("waste", "U\n", "heap"),
    ("layout", ":layout\n", "heap"),
    ("find", ":find tenant-7\n", "heap"),
    ("sql", ":sql SELECT name, count, addr FROM type ORDER BY count DESC LIMIT 12\n", "heap"),
    ("warnings", "W\n", "heap"),
    ("info", "I\n", "heap"),
    ("marks", "3\nm\n<Down>\nm\n'\n", "heap"),
    ("compare", "T\n/nlp<Enter>\n<Enter>\nm\n<Down>\n=\n", "heap"),
    ("help", "?\n", "heap"),
    ("hostile", ":objects\n/backw<Enter>\n:find backwards\n", "heap"),
    ("wide", ":find e\u0301\n", "heap"),
    ("timeline", "9\n", "series"),
    ("census", "0\n", "series"),
    ("no-objects", "T\n", "series"),
    ("difference", "", "pair"),
    ("changes", "2\n", "pair"),
    ("changed", "2\n/Processor<Enter>\n<Enter>\n", "pair"),
    ("containers", "7\n", "pair"),
    ("holders", "4\n", "pair"),
    ("frontier", "8\n", "pair"),
    ("moves", "5\n", "pair"),
    ("module-changes", "M\n", "pair"),
    ("born", "<Enter>\n", "pair"),
    ("before", "A\n", "pair"),
    ("trend", "", "several"),
    ("course", "<Enter>\n", "several"),
]

# The leaks: from opening to the culprit in at most twelve keys; what the last screen must name.
STORIES = {
    # a registry in a class: Processor.instance_map holds every request's loader
    "registry": ("D" + "<Right>" * 8 + "p", ["sys.modules['app.nlp']", "['Processor']", "['instance_map']", "27 items"]),
    # lru_cache on a method: the cache keeps every Config it was called with
    "lru_cache": ("3/Config.p<Enter><Enter>", ["<lru_cache of Config.price, 300 of unlimited>", "['price']"]),
    # an identity map that is never cleared
    "identity_map": ("T/Order<Enter><Enter><Enter>p", ["sys.modules['app.db']", "['session']", "['identity_map']"]),
    # errors that are kept keep their frames, and these their locals
    "tracebacks": ("T/Timeo<Enter><Enter><Enter>p", ["sys.modules['app.jobs']", "['recent_errors']"]),
    # listeners that nobody takes out
    "listeners": ("T/Widget<Enter><Enter><Enter>p", ["sys.modules['app.events']", "['listeners']", ".__self__"]),
}

# The same by what grew between two snapshots, or over several.
GROWTH = {
    # the container that holds the most more than before is the first line; who holds it
    "registry": ("pair", "p", ["sys.modules['app.nlp']", "['Processor']", "['instance_map']"]),
    "lru_cache": ("pair", "jp", ["['price']", ".cache", "<lru_cache of Config."]),
    "tracebacks": ("pair", "jjp", ["sys.modules['app.jobs']", "['recent_errors']"]),
    "listeners": ("pair", "jjjp", ["sys.modules['app.events']", "['listeners']"]),
    "identity_map": ("pair", "2/Order<Enter><Enter><Enter>p", ["sys.modules['app.db']", "['identity_map']"]),
    # how long the map was before: the same object in A
    "before": ("pair", "A", ["A: object", "['req-2']"]),
    # of a series the first holder is the culprit, and its figures
    "series": ("several", "/instance<Enter>p", ["sys.modules['app.nlp']", "['instance_map']"]),
}

KEY = re.compile(r"<[^>]+>|.")


def keys_of(text):
    return KEY.findall(text)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(SAMPLE):
            raise unittest.SkipTest("built without the browser")
        cls.dir = tempfile.mkdtemp()
        cls.databases = {"heap": os.path.join(cls.dir, "heap.db"), "series": os.path.join(cls.dir, "series.db")}
        subprocess.run([SAMPLE, cls.databases["heap"]], check=True, timeout=300)
        subprocess.run([SAMPLE, "-s", cls.databases["series"]], check=True, timeout=300)
        parts = {percent: os.path.join(cls.dir, "part-%d.db" % percent) for percent in (12, 40, 60, 80, 100)}
        for percent, path in parts.items():
            subprocess.run([SAMPLE, "-p", str(percent), path], check=True, timeout=300)
        cls.databases["pair"] = [parts[12], parts[100]]
        cls.databases["several"] = [parts[p] for p in sorted(parts)]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def necropsy(self, *args, database="heap", status=0):
        operands = self.databases[database]
        operands = [operands] if isinstance(operands, str) else operands
        done = subprocess.run([NECROPSY, "browse", *args, *operands], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, cwd=self.dir, timeout=300)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done

    def script(self, text, *args, **kwargs):
        path = os.path.join(self.dir, "script")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return self.necropsy("--script", path, *args, **kwargs)

    def saved(self, name="screen.txt"):
        with open(os.path.join(self.dir, name), encoding="utf-8", newline="") as f:
            return f.read()

    def screen(self, keys, *args, **kwargs):
        self.script(keys + "\n:save-display screen.txt\n", *args, **kwargs)
        return self.saved()


class GoldenScreens(Case):
    maxDiff = None

    def compare(self, size, ascii_only):
        args = ["--size", size] + (["--ascii"] if ascii_only else [])
        for name, keys, database in SCREENS:
            path = os.path.join(GOLDEN, "%s-%s-%s.txt" % (name, size, "ascii" if ascii_only else "utf8"))
            with self.subTest(screen=name):
                got = self.screen(keys, *args, database=database)
                if ascii_only:
                    self.assertTrue(got.isascii())
                if UPDATE:
                    with open(path, "w", encoding="utf-8") as f:
                        f.write(got)
                with open(path, encoding="utf-8") as f:
                    self.assertEqual(got, f.read(), path)

    def test_80x24_utf8(self):
        self.compare("80x24", False)

    def test_80x24_ascii(self):
        self.compare("80x24", True)

    def test_160x50_utf8(self):
        self.compare("160x50", False)

    def test_160x50_ascii(self):
        self.compare("160x50", True)

    def test_every_view_is_shown_somewhere(self):
        with open(os.path.join(SRCDIR, "tui", "screens.c"), encoding="utf-8") as f:
            screens = f.read()
        names = set(re.findall(r'^\t\t\.name = "([a-z-]+)"', screens, re.M))
        shown = {name for name, _, _ in SCREENS}
        self.assertEqual(names - shown, set())


class Stories(Case):
    def test_each_leak_is_found_in_twelve_keys(self):
        for name, (keys, wanted) in STORIES.items():
            with self.subTest(story=name):
                self.assertLessEqual(len(keys_of(keys)), 12)
                shown = self.screen(keys, "--size", "110x30")
                for text in wanted:
                    self.assertIn(text, shown)


    def test_growth_is_found_in_twelve_keys(self):
        for name, (database, keys, wanted) in GROWTH.items():
            with self.subTest(story=name):
                self.assertLessEqual(len(keys_of(keys)), 12)
                shown = self.screen(keys, "--size", "110x30", database=database)
                for text in wanted:
                    self.assertIn(text, shown)

    def test_one_goes_from_a_number_to_its_objects_in_either_snapshot(self):
        keys = "2\n/Processor<Enter>\n<Enter>\n"
        self.assertIn("of 24", self.screen(keys, database="pair"))
        self.assertIn("B: object", self.screen(keys + "<Enter>\n", database="pair").splitlines()[0])
        back = self.screen(keys + "<Enter>\n<Backspace>\n", database="pair")
        self.assertEqual(back, self.screen(keys, database="pair"))
        # from the newer snapshot to the older one and to the result
        self.assertIn("A: object", self.screen("<Enter>\nA\n", database="pair").splitlines()[0])
        self.assertIn("app.nlp.Processor.instance_map", self.screen("<Enter>\nA\n:difference\n", database="pair"))
        self.assertIn("3: overview", self.screen("<Tab>\njj<Enter>\n", database="several").splitlines()[0])


class Behaviour(Case):
    def test_back_returns_to_the_same_line(self):
        before = self.screen("T\njjjj\n")
        self.assertEqual(self.screen("T\njjjj\n<Enter>\n<Down>\n<Enter>\n<Backspace>\n<Left>\n"), before)

    def test_filter_as_typed_and_left_on_the_line_it_found(self):
        self.assertIn("app.nlp.Processor", self.screen("T\n/nlp").split("\n")[2])
        left = self.screen("T\n/nlp<Enter>\n<Esc>\n")
        self.assertRegex(left, r"(?m)^> app\.nlp\.Processor")
        self.assertIn("of 25", left)

    def test_next_and_previous_go_through_what_matches(self):
        keys = "T\n/app.<Enter>\n<Esc>\ng"
        first = self.screen(keys + "n")
        self.assertRegex(first, r"(?m)^> app\.")
        second = self.screen(keys + "nn")
        self.assertRegex(second, r"(?m)^> app\.")
        self.assertNotEqual(first, second)
        self.assertEqual(self.screen(keys + "nnN"), first)

    def test_pages_both_ways_meet(self):
        # the list from its start and from its end is the same list
        down = self.screen(":objects builtins.str\n:sort size\n" + "<PageDown>" * 200 + "\n:sort size\nG")
        self.assertIn("2,895 of 2,895", down)
        up = self.screen(":objects builtins.str\n:sort size\nG\n" + "<PageUp>" * 200)
        self.assertEqual(up, self.screen(":objects builtins.str\n:sort size\n"))

    def test_sort_by_every_column_both_ways(self):
        self.script(":objects builtins.dict\n" + "s\nS\n" * 8 + ":save-display screen.txt\n")
        self.assertIn("of 1,519", self.saved())

    def test_tab_completes_commands_classes_tables_and_columns(self):
        for typed, completed in ((":dom", ":dominators"), (":sql SELECT reta", ":sql SELECT retained"),
                                 (":sql SELECT src FROM referen", ":sql SELECT src FROM reference"),
                                 (":objects app.nl", ":objects app.nlp.Processor")):
            # a line of a script that begins with ':' is a command and not typed
            shown = self.screen("k%s<Tab>\n" % typed)
            self.assertEqual(shown.splitlines()[-1], completed)

    def test_words_of_the_command_line_are_commands(self):
        listed = subprocess.run([NECROPSY, "--help"], stdout=subprocess.PIPE, env=ENV).stdout.decode()
        words = set(re.findall(r"^  ([a-z]+) .*", listed.split("commands:")[1].split("options:")[0], re.M))
        self.assertIn("refcounts", words)
        shown = self.necropsy("--plain", "--screen", "help").stdout.decode()
        for word in words - {"browse", "capture", "load"}:  # what is not done to a database that is open
            self.assertRegex(shown, r"(?m)(^|  )%s( |$)" % word)
        self.assertIn("what if not app.nlp.Processor.instance_map", self.screen(":whatif --weak app.nlp.Processor.instance_map\n"))

    def test_history_has_what_was_typed(self):
        shown = self.screen("k:sql SELECT 4711<Enter>:types<Enter>:<Up><Up>\n")
        self.assertEqual(shown.splitlines()[-1], ":sql SELECT 4711")

    def test_export_is_the_whole_list(self):
        for name in ("out.csv", "out.json"):
            path = os.path.join(self.dir, name)
            self.script(":objects builtins.str\n:export %s\n" % name)
            with open(path, encoding="utf-8") as f:
                lines = f.read().splitlines()
            self.assertEqual(len(lines), 2895 + (name == "out.csv"))
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        done = self.script(":types\n:export out.csv\n", status=2)
        self.assertIn(b"File exists", done.stderr)

    def test_export_of_a_filtered_list(self):
        self.script("T\n/nlp<Enter>\n:export few.csv\n")
        self.assertEqual(len(self.saved("few.csv").splitlines()), 2)

    def test_draw_writes_who_holds_the_object(self):
        self.script(PROCESSOR + ":draw held.dot\n")
        drawn = self.saved("held.dot")
        self.assertTrue(drawn.startswith("digraph"), drawn[:80])
        self.assertIn("Processor", drawn)
        self.assertIn("->", drawn)

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not installed")
    def test_draw_writes_a_picture(self):
        import xml.etree.ElementTree as ElementTree
        self.script(PROCESSOR + ":draw held.svg\n")
        root = ElementTree.fromstring(self.saved("held.svg"))
        self.assertIn("Processor", "".join(root.itertext()))
        # hostile names, too
        self.script(":find backwards\n<Enter>\n:draw hostile.svg\n")
        ElementTree.fromstring(self.saved("hostile.svg"))

    def test_draw_without_graphviz_says_so_and_leaves_no_file(self):
        path = os.path.join(self.dir, "script")
        with open(path, "w") as f:
            f.write(PROCESSOR + ":draw none.svg\n")
        done = subprocess.run([NECROPSY, "browse", "--script", path, self.databases["heap"]], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=dict(ENV, PATH="/nonexistent"), cwd=self.dir, timeout=300)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"Graphviz", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "none.svg")))

    def test_text_of_the_dump_cannot_reach_the_terminal(self):
        for keys in (":find backwards\n", "T\n/evil<Enter>\n", ":find backwards\n<Enter>\np\n"):
            shown = self.screen(keys)
            self.assertIn("\\x", shown)
            self.assertFalse(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), keys)

    def test_lines_are_as_wide_as_the_screen(self):
        shown = self.screen(":find \u4f8b\n", "--size", "40x10")
        for line in shown.splitlines():
            columns = sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
                          for c in line)
            self.assertLessEqual(columns, 40)

    def test_plain_prints_what_the_screen_has_uncut(self):
        text = self.necropsy("--plain").stdout.decode()
        self.assertIn("/usr/bin/python3 -m app.server --workers 12", text)
        text = self.necropsy("--plain", "--screen", "types").stdout.decode()
        self.assertIn("sqlalchemy.orm.state.InstanceState", text)
        self.assertIn("evil.\\x1b[2J", text)

    def test_a_script_that_goes_wrong_says_where(self):
        done = self.script(":nonsense\n", status=2)
        self.assertIn(b"no command is called 'nonsense'", done.stderr)
        done = self.script("<Nokey>\n", status=2)
        self.assertIn(b"script:1:", done.stderr)
        done = self.script(":show nowhere\n", status=2)
        self.assertIn(b"'nowhere' is no address", done.stderr)

    def test_keymap_of_the_user(self):
        keys = os.path.join(self.dir, "keys")
        with open(keys, "w") as f:
            f.write("# mine\nx types\nT none\n[types]\nx modules\n")
        self.assertIn("types by module", self.screen("xx", "--keys", keys))
        self.assertNotIn("types", self.screen("T", "--keys", keys).split("\n")[0])
        with open(keys, "w") as f:
            f.write("x types\ny frobnicate\n")
        done = self.script("x\n", "--keys", keys, status=2)
        self.assertIn(b"keys:2: no command is called 'frobnicate'", done.stderr)

    def test_picture_is_well_formed(self):
        import xml.etree.ElementTree as ElementTree
        self.script(":find backwards\n:save-picture screen.svg\n")
        root = ElementTree.fromstring(self.saved("screen.svg"))
        self.assertIn("backwards", "".join(root.itertext()))

    def test_sql_that_writes_is_refused(self):
        shown = self.screen(":sql DELETE FROM object\n")
        self.assertIn("only read", shown)
        self.assertIn("of 7,", self.screen(":sql SELECT addr FROM object ORDER BY addr\n").replace("or more", ""))

    def test_help_has_every_key(self):
        shown = self.necropsy("--plain", "--screen", "help").stdout.decode()
        for word in ("filter [TEXT]", "retainers ADDR", "quit", "<F1>", "<PageDown>"):
            self.assertIn(word, shown)


@unittest.skipUnless(shutil.which("tmux"), "no tmux")
class RealTerminal(Case):
    """The whole tour through tmux: what one sees there is what the scripts saved."""

    def setUp(self):
        self.socket = None
        self.width, self.height = 100, 30

    def tearDown(self):
        if self.socket:
            self.tmux("kill-server", check=False)

    def tmux(self, *args, check=True):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=ENV, timeout=300)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()

    def start(self, term="tmux-256color", dump=None, **env):
        self.socket = tempfile.mktemp(dir=self.dir)
        words = ["%s=%s" % item for item in dict(env, TERM=term).items()]
        self.tmux("new-session", "-d", "-x", str(self.width), "-y", str(self.height),
                  "env %s '%s' '%s'; echo left with $?; sleep 60" % (" ".join(words), NECROPSY, dump or self.databases["heap"]))

    def wait(self, text, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.tmux("capture-pane", "-p")
            if text in shown:
                return shown
            time.sleep(0.05)
        self.fail("%r did not appear:\n%s" % (text, shown))

    def test_tour(self):
        self.start()
        self.wait("core.app.4100")
        tour = [("T", "builtins.str"), ("/nlp", "> app.nlp.Processor"), ("Enter", "filter: nlp"), ("Enter", "1 of 27"),
                ("Enter", "['req-26']"), ("r", "retainers of"), ("Right", ".__dict__"), ("BSpace", "refers to"),
                ("p", "paths to"), ("D", "keeps alive"), ("a", "task, and what"), ("t", "same place"), ("H", "MainThread"), ("Tab", "python"), ("M", "module"),
                ("6", "unknown"), ("?", "what it does"), ("3", "1 of"), ("m", "is marked")]
        for key, wanted in tour:
            self.tmux("send-keys", *([key] if len(key) == 1 or key[0].isupper() else ["-l", key]))
            self.wait(wanted)
        self.tmux("send-keys", "q")
        self.wait("left with 0")

    def test_terminal_shows_what_a_script_saves(self):
        self.start()
        self.wait("core.app.4100")
        self.tmux("send-keys", "D")
        self.wait("keeps alive")
        self.tmux("send-keys", "Right")
        shown = self.wait("\u25be builtins.module")
        saved = self.screen("D\n<Right>\n", "--size", "100x30")
        self.assertEqual([line.rstrip() for line in shown.splitlines()],
                         [line.rstrip() for line in saved.splitlines()])

    def test_keys_typed_ahead_of_their_lines_are_not_lost(self):
        self.start()
        self.wait("core.app.4100")
        self.tmux("send-keys", "D", *["Right"] * 8, "p")
        shown = self.wait("held by, from the roots")
        self.wait("27 items")
        saved = self.screen("D" + "<Right>" * 8 + "p\n", "--size", "100x30")
        self.assertEqual(shown.splitlines()[0].rstrip(), saved.splitlines()[0].rstrip())

    def test_mouse(self):
        def mouse(button, x, y, ends="Mm"):
            for end in ends:
                self.tmux("send-keys", "-l", "\x1b[<%d;%d;%d%s" % (button, x, y, end))

        self.start("xterm-256color")
        self.wait("core.app.4100")
        self.tmux("send-keys", "T")
        shown = self.wait("1 of 25")
        titles = shown.splitlines()[1]
        mouse(0, titles.index("objects") + 2, 2)  # a title: sort by it
        self.wait("objects\u25be")
        mouse(0, titles.index("objects") + 2, 2)  # once more: the other way round
        self.wait("objects\u25b4")
        mouse(65, 20, 10, "M")  # the wheel
        self.wait("4 of 25")
        mouse(0, 20, 9)  # a line
        self.wait("7 of 25")
        mouse(2, 20, 9)  # back
        self.wait(" overview  ")

    @unittest.skipUnless(shutil.which("gcore"), "gcore is not installed")
    def test_a_load_shows_its_stages_and_can_be_left(self):
        directory = os.path.join(self.dir, "load")
        core = capture.capture(directory, sys.executable, os.path.join(SRCDIR, "fixtures", "bench_heap.py"), args=["2000000"],
                               oracle=False)
        self.start(dump=core)
        self.wait("finding objects")
        self.tmux("send-keys", "Escape")
        self.wait("left with 2")
        self.assertEqual(os.listdir(directory), ["core"])
        shutil.rmtree(directory)

    def test_resize(self):
        self.start()
        self.wait("core.app.4100")
        self.tmux("send-keys", "T")
        self.wait("1 of 25")
        for size in ((40, 12), (300, 100), (10, 3), (80, 24)):
            self.tmux("resize-window", "-x", str(size[0]), "-y", str(size[1]))
            time.sleep(0.2)
        shown = self.wait("1 of 25")
        self.assertEqual(len(shown.splitlines()), 24)

    def test_terminals_with_fewer_colours(self):
        for term, env in (("xterm", {}), ("vt100", {}), ("tmux-256color", {"NO_COLOR": "1"})):
            with self.subTest(term=term, **env):
                self.start(term, **env)
                self.wait("core.app.4100")
                coloured = re.search("\x1b\\[[0-9;]*(3[0-7]|4[0-7]|38|48)", self.tmux("capture-pane", "-p", "-e"))
                self.assertEqual(bool(coloured), term == "xterm")
                self.tmux("kill-server")


if __name__ == "__main__":
    unittest.main()
