# SPDX-License-Identifier: GPL-3.0-or-later
"""The database as others see it: Python's sqlite3 without the extension, the stock sqlite3 shell with it, the page that
describes it; and when a dump is loaded again."""
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import unittest

SRCDIR = os.environ["srcdir"]
NECROPSY = os.environ["NECROPSY"]
EXTENSION = os.environ["NECROPSY_EXTENSION"]
SYNTHDB = os.path.join(os.path.dirname(NECROPSY), "tests", "synthdb")

# Names that others build on.
CONTRACT = {
    "meta": "key value",
    "warning": "id stage addr message",
    "mapping": "id start end perms path kind dumped missing missing_references",
    "memory": "category area bytes count",
    "type": "id addr name module basicsize itemsize flags",
    "object": "addr type size native refcount referrers idom retained distance",
    "value": "addr text",
    "root": "addr kind label",
    "thread": "id tid ident name state gil",
    "frame": "thread depth kind function file line",
    "local": "thread depth name addr text",
    "finding": "id rule title detail bytes addr",
}

MELIAE = """\
{"address": 4096, "type": "dict", "size": 280, "len": 1, "refs": [8192, 12288]}
{"address": 8192, "type": "str", "size": 40, "len": 3, "value": "key", "refs": []}
{"address": 12288, "type": "int", "size": 24, "value": 17, "refs": []}
"""


class Synthetic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp()
        cls.path = os.path.join(cls.dir, "synth.necropsy")
        subprocess.check_call([SYNTHDB, "3000", "20000", cls.path])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def test_plain_tables_need_no_extension(self):
        db = sqlite3.connect(self.path)
        for table, columns in CONTRACT.items():
            names = {row[1] for row in db.execute("PRAGMA table_info(%s)" % table)}
            self.assertLessEqual(set(columns.split()), names, table)
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            db.execute("SELECT * FROM %s" % table).fetchall()
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        self.assertEqual(db.execute("SELECT count(*) FROM object").fetchone(), (3000,))
        db.close()

    @unittest.skipUnless(shutil.which("sqlite3"), "no sqlite3 shell")
    @unittest.skipUnless(os.path.exists(EXTENSION), "no extension built")
    def test_the_stock_shell_reads_references_with_the_extension(self):
        def shell(sql):
            run = subprocess.run(["sqlite3", "-bail", self.path, ".load %s" % EXTENSION[:-len(".so")], sql],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
            # A sanitizer's runtime must come first in a process; in the shell it cannot.
            if "ASan runtime" in run.stderr:
                self.skipTest("built with sanitizers")
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            return run.stdout.strip()

        self.assertEqual(shell("SELECT count(*) FROM reference"),
                         shell("SELECT value FROM meta WHERE key = 'references'"))
        first = shell("SELECT src FROM reference WHERE label = '[19999]'")
        self.assertEqual(shell("SELECT count(*) FROM reference WHERE src = %s AND label LIKE '[%%'" % first),
                         shell("SELECT count(*) FROM reference r JOIN object o ON r.src = o.addr "
                               "WHERE r.src = %s AND kind = 'strong'" % first))
        self.assertEqual(shell("SELECT count(*) FROM instance WHERE type = 3"),
                         shell("SELECT count(*) FROM object WHERE type = 3"))


class Documentation(unittest.TestCase):
    def test_schema_page_is_made_from_the_schema(self):
        docs = os.path.join(SRCDIR, "docs")
        made = subprocess.check_output([sys.executable, os.path.join(docs, "make-schema.py")])
        with open(os.path.join(docs, "schema.md"), "rb") as page:
            self.assertEqual(made.decode(), page.read().decode(),
                             "python3 docs/make-schema.py > docs/schema.md")


class Loading(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.dump = os.path.join(self.dir, "heap.json")
        self.write(MELIAE)

    def write(self, text):
        with open(self.dump, "w") as f:
            f.write(text)

    def load(self, *args, **kwargs):
        env = dict(os.environ, XDG_CACHE_HOME=os.path.join(self.dir, "cache"))
        return subprocess.run([NECROPSY, "load", self.dump] + list(args), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, env=env, **kwargs)

    def names(self):
        return sorted(os.listdir(self.dir))

    def test_once_beside_the_dump_and_found_again(self):
        self.assertIn("loaded", self.load().stdout)
        path = self.dump + ".necropsy"
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        before = os.stat(path)
        self.assertIn("already", self.load().stdout)
        self.assertEqual(os.stat(path).st_ino, before.st_ino)
        self.assertIn("loaded", self.load("--force").stdout)
        self.assertNotEqual(os.stat(path).st_ino, before.st_ino)
        self.assertEqual(self.names(), ["heap.json", "heap.json.necropsy"])
        with sqlite3.connect(path) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM object").fetchone(), (3,))
            meta = dict(db.execute("SELECT key, value FROM meta"))
        self.assertEqual(meta["complete"], "1")
        self.assertEqual(meta["source_size"], str(len(MELIAE)))

    def test_a_dump_that_was_only_touched_is_loaded_again(self):
        self.load()
        os.utime(self.dump, (1, 1))
        run = self.load()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("loaded", run.stdout)

    def test_the_database_of_another_dump_is_left_alone(self):
        self.load()
        before = os.stat(self.dump + ".necropsy")
        self.write(MELIAE.replace("17", "18"))
        run = self.load()
        self.assertEqual(run.returncode, 2)
        self.assertIn("another dump", run.stderr)
        self.assertEqual(os.stat(self.dump + ".necropsy").st_ino, before.st_ino)
        run = self.load("--force")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_file_that_is_no_database_is_left_alone(self):
        path = os.path.join(self.dir, "notes.txt")
        with open(path, "w") as f:
            f.write("precious")
        for args in (["-o", path], ["-o", path, "--force"], ["-o", self.dump, "--force"]):
            run = self.load(*args)
            self.assertEqual(run.returncode, 2)
            self.assertIn("left alone", run.stderr)
        with open(path) as f:
            self.assertEqual(f.read(), "precious")
        self.assertEqual(self.names(), ["heap.json", "notes.txt"])

    def test_what_cannot_be_loaded_leaves_nothing(self):
        for text in ("", "#!/bin/sh\n", "\0" * 5000):
            self.write(text)
            run = self.load()
            self.assertEqual(run.returncode, 2)
            self.assertEqual(self.names(), ["heap.json"])

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root writes everywhere")
    def test_the_cache_when_the_directory_cannot_be_written(self):
        cache = os.path.join(self.dir, "cache")
        os.mkdir(cache)
        os.chmod(cache, 0o777)
        inner = os.path.join(self.dir, "inner")
        os.mkdir(inner)
        self.dump = os.path.join(inner, "heap.json")
        self.write(MELIAE)
        os.chmod(self.dir, 0o755)
        os.chmod(inner, 0o555)
        argv = [NECROPSY, "load", self.dump]
        if os.geteuid() == 0:
            # Whoever built this below a directory of root's alone cannot be anybody else.
            argv = ["setpriv", "--reuid", "65534", "--clear-groups"] + argv
            if subprocess.call(argv[:4] + ["test", "-x", NECROPSY]):
                self.skipTest("the program cannot be run by another user")
        env = dict(os.environ, XDG_CACHE_HOME=cache)
        for expected in ("loaded", "already"):
            run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                                 env=env)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(expected, run.stdout)
            self.assertIn(os.path.join(cache, "necropsy", "heap.json-"), run.stdout)
        os.chmod(inner, 0o755)
