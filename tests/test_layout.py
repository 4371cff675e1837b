# SPDX-License-Identifier: GPL-3.0-or-later
"""necropsy layout: the table of a build, and whether those in the tree are what it says of the builds they name."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

SRCDIR = os.environ["srcdir"]
NECROPSY = os.environ["NECROPSY"]
TABLES = os.path.join(SRCDIR, "analyzer", "python", "layouts")
VERSIONS = os.path.join(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")), "versions")

# An int that is as in no version, a head that is as in all of them.
SOURCE = """
struct _typeobject;
typedef struct _object { long ob_refcnt; struct _typeobject *ob_type; } PyObject;
typedef struct { PyObject ob_base; long ob_size; } PyVarObject;
struct _longobject { PyVarObject ob_base; char between[40]; unsigned int ob_digit[1]; };
struct _longobject number;
"""


def layout(*args):
    done = subprocess.run((NECROPSY, "layout") + args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class Layout(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="layout-")
        source = os.path.join(cls.directory, "build.c")
        with open(source, "w") as f:
            f.write(SOURCE)
        cls.build = {}
        for name, flags in (("described", ["-g"]), ("bare", ["-g0"])):
            cls.build[name] = os.path.join(cls.directory, name + ".o")
            subprocess.check_call(shlex.split(os.environ["COMPILE"]) + flags + ["-c", "-o", cls.build[name], source])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory)

    def test_table_has_what_the_build_says(self):
        status, out, err = layout("--build", "a build */ of ours", self.build["described"])
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0], "/* SPDX-License-Identifier: GPL-3.0-or-later */")
        self.assertEqual(lines[1], "/* a build  / of ours, written by 'necropsy layout'. */")
        self.assertIn("{NEC_F_OBJECT_REFCNT, 0}, /* _object.ob_refcnt */", lines)
        self.assertIn("{NEC_F_OBJECT_TYPE, 8}, /* _object.ob_type */", lines)
        self.assertRegex(out, r"\{NEC_F_\w+, 64\}, /\* _longobject\.")

    def test_against_a_version_leaves_out_what_is_the_same(self):
        status, out, err = layout("--against", "3.11", self.build["described"])
        self.assertEqual((status, err), (0, ""))
        self.assertIn("'necropsy layout' --against 3.11. */", out.splitlines()[1])
        self.assertNotIn("NEC_F_OBJECT_REFCNT", out)
        self.assertRegex(out, r"\{NEC_F_\w+, 64\}, /\* _longobject\.")
        self.assertIn("{NEC_SIZEOF_TYPE, NEC_NO_FIELD}", out)

    def test_refusals(self):
        for args, reason in (
            (("--against", "3", self.build["described"]), "--against takes a version"),
            (("--against", "3.11/x", self.build["described"]), "--against takes a version"),
            (("--against", "9.9", self.build["described"]), "9.9"),
            ((self.build["bare"],), "debug"),
            ((os.path.join(self.directory, "nothing"),), "nothing"),
        ):
            with self.subTest(args=args):
                status, out, err = layout(*args)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(reason, err)


class Tables(unittest.TestCase):
    def heads(self):
        """Yields (table, its text, version of CPython, version that it is against or None)."""
        for path in sorted(glob.glob(os.path.join(TABLES, "py*.inc"))):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            head = re.match(r"/\* SPDX.*\n/\* CPython (\S+) .*'necropsy layout'(?: --against (\S+))?(?: --links)?\. \*/\n", text)
            self.assertTrue(head, "%s does not say from which build it is" % path)
            yield path, text, head.group(1), head.group(2)

    def headers(self, prefix, macros, directory):
        """What the headers declare under these macros, as a library with debug information."""
        out = os.path.join(directory, "headers.so")
        include = glob.glob(os.path.join(prefix, "include", "python[0-9].*"))[0]
        subprocess.run(os.environ.get("CC", "cc").split() + ["-g", "-w", "-fPIC", "-shared", "-fno-eliminate-unused-debug-types", "-I", include]
                       + macros + ["-o", out, os.path.join(TABLES, "headers.c")], check=True)
        return out

    def test_each_says_from_which_build(self):
        self.assertGreater(len(list(self.heads())), 9)

    def test_each_is_what_its_build_says(self):
        compared = 0
        for path, text, version, against in self.heads():
            prefix = os.path.join(VERSIONS, version)
            files = sorted(glob.glob(os.path.join(prefix, "lib", "libpython[0-9].*.so.1.0")))
            if not files:
                continue
            files += sorted(glob.glob(os.path.join(prefix, "lib", "python[0-9].*", "lib-dynload", "*.so")))
            macros = re.search(r"its headers with (.*?)\)", text)
            with self.subTest(table=os.path.basename(path)), tempfile.TemporaryDirectory() as directory:
                if macros:
                    files = ["--links", "--headers", self.headers(prefix, macros.group(1).split(), directory)]
                status, out, err = layout(*(["--against", against] if against else []) + files)
                self.assertEqual((status, err), (0, ""))
                self.assertEqual(out.split("\n", 2)[2], text.split("\n", 2)[2])
                compared += 1
        if not compared:
            self.skipTest("none of the builds is in " + VERSIONS)


if __name__ == "__main__":
    unittest.main()
