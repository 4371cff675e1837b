# SPDX-License-Identifier: GPL-3.0-or-later
"""
Native stacks: the same frames as gdb finds in the same core, in the same places among the Python frames as they were called,
however deep; and what a process died of. With each interpreter of CHOICE that is here.
"""
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402

NECROPSY = os.environ.get("NECROPSY", "")
TARGET = os.path.join(FIXTURES, "native_stacks.py")
PYENV = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
CHOICE = [PYENV + "/versions/2.7.*/bin/python", PYENV + "/versions/3.8.*/bin/python", "/usr/bin/python3.11",
          PYENV + "/versions/3.12.*/bin/python", PYENV + "/versions/3.13.*/bin/python"]
DEPTH = 58000
# To make them anew after a change that is meant: NATIVE_UPDATE=1 make check TESTS=tests/test_native.py, and read the difference.
GOLDEN = os.path.join(HERE, "native")
UPDATE = os.environ.get("NATIVE_UPDATE")


def interpreters():
    found = [sorted(glob.glob(pattern))[-1:] for pattern in CHOICE]
    return [path for paths in found for path in paths] or [sys.executable]


def knows_names(interpreter):
    """Are the static functions of _ctypes known by name here, from its own symbols or from a debug file?"""
    path = subprocess.check_output([interpreter, "-c", "import _ctypes, sys; sys.stdout.write(_ctypes.__file__)"]).decode()
    if re.search(r"(?m)^\w+ t PyC", subprocess.run(["nm", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()):
        return True
    notes = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    build_id = re.search(r"Build ID: (\w\w)(\w+)", notes)
    return bool(build_id) and os.path.exists("/usr/lib/debug/.build-id/%s/%s.debug" % build_id.groups())


def run(path, *options):
    done = subprocess.run([NECROPSY, "threads", path] + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode:
        raise AssertionError(done.stderr.decode())
    return done.stdout.decode()


def threads(path, *options):
    return json.loads(run(path, "--json", *options))


def usual(name):
    """A function's name without what the compiler adds to parts of it, the version of the symbol, and what an alias begins with."""
    return re.sub(r"^_*(GI_)?_*", "", re.split(r"[.@]", name)[0]) if name else None


def by_gdb(interpreter, core):
    """{tid: [(pc, name)]}"""
    done = subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "source " + os.path.join(HERE, "gdb_frames.py"),
                           os.path.realpath(interpreter), core], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120)
    frames = {}
    for tid, pc, name in re.findall(r"^frame (\d+) (0x\w+) (\S+)", done.stdout.decode(errors="replace"), re.M):
        frames.setdefault(int(tid), []).append((int(pc, 16), None if name == "-" else usual(name)))
    return frames


def merged(thread):
    """What a person reads: names, innermost first, those of the C library left out."""
    return [f["function"] for f in thread["frames"] if "libc.so" not in (f["library"] or "") and "libc-2" not in (f["library"] or "")]


class Native(unittest.TestCase):
    unwinds = None  # not asked yet

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="native-")
        cls.cores = {}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def setUp(self):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if not capture.methods():
            self.skipTest("nothing here writes dumps")

    def core(self, interpreter, mode):
        if (interpreter, mode) not in self.cores:
            out = tempfile.mkdtemp(dir=self.dir)
            self.cores[interpreter, mode] = capture.capture(
                out, interpreter, TARGET, args=[mode], method=capture.methods()[0], oracle=False)
        if Native.unwinds is None:
            Native.unwinds = not any("without libunwind" in w for w in threads(self.cores[interpreter, mode])["warnings"])
        if not Native.unwinds:
            self.skipTest("built without libunwind")
        return self.cores[interpreter, mode]

    def each(self, check, mode, some=slice(None)):
        for interpreter in interpreters()[some]:
            with self.subTest(interpreter=interpreter):
                check(interpreter, self.core(interpreter, mode))

    def like_gdb(self, interpreter, core):
        truth = by_gdb(interpreter, core)
        found = {t["tid"]: [(int(f["addr"], 16), usual(f["function"])) for f in t["frames"] if f["kind"] != "python"]
                 for t in threads(core, "--all-native")["threads"]}
        self.assertEqual(set(found), set(truth))
        named = 0
        for tid, frames in truth.items():
            self.assertEqual([hex(pc) for pc, _ in found[tid]], [hex(pc) for pc, _ in frames])
            for (_, ours), (pc, theirs) in zip(found[tid], frames):
                if ours and theirs:
                    self.assertEqual(ours, theirs, hex(pc))
                    named += 1
        self.assertGreater(named, 20)

    def test_frames_are_those_of_gdb(self):
        if not shutil.which("gdb"):
            self.skipTest("no gdb")
        self.each(self.like_gdb, "callbacks")

    def places(self, interpreter, core):
        """C functions stand between the Python functions that called them and those that they call."""
        if not knows_names(interpreter):
            self.skipTest("%s has no symbols here" % interpreter)
        found = {t["name"]: t for t in threads(core)["threads"]}
        sleep = merged(found["in_sorted"])
        self.assertEqual(sleep[sleep.index("rest") + 1 :][-3:], merged(found["in_lock"])[-3:])
        for name, between in (("in_sorted", "sort"), ("in_partial", "partial"), ("in_generator", "next"), ("in_qsort", "ctypes|ffi|qsort|_call")):
            names = [f["function"] for f in found[name]["frames"]]
            inner, outer = names.index("rest"), names.index(name)
            self.assertLess(0, inner)
            c = [f for f in found[name]["frames"][inner + 1 : outer] if f["kind"] == "native"]
            self.assertTrue(c, names)
            self.assertTrue(any(re.search(between, f["function"] or "") for f in c) or not any(f["function"] for f in c), (name, names))
        self.assertFalse([f for t in found.values() for f in t["frames"] if f["kind"] == "interpreter"])

    def test_c_functions_stand_where_they_were_called(self):
        self.each(self.places, "callbacks")

    def golden(self, interpreter, core):
        """What a person reads, without what differs from machine to machine: addresses, lines of C, the inside of the C library and of libffi."""
        version = subprocess.check_output([interpreter, "-c", "import sys; sys.stdout.write('%d.%d.%d' % sys.version_info[:3])"]).decode()
        path = os.path.join(GOLDEN, "callbacks-%s.txt" % version)
        lines, unnamed = [], 0
        for thread in sorted(threads(core)["threads"], key=lambda t: t["name"]):
            lines.append(thread["name"])
            for frame, following in zip(thread["frames"], thread["frames"][1:] + [None]):
                library = os.path.basename(frame["library"] or "")
                inlined = following and frame["library"] and following["addr"] == frame["addr"]
                if inlined or library.startswith(("libc.", "libc-", "libffi")):
                    continue
                unnamed += not frame["function"]
                place = library.split(".")[0] if library else "%s:%s" % (os.path.basename(frame["file"]), frame["line"])
                lines.append("    %s  %s" % (frame["function"], place))
        text = "\n".join(lines) + "\n"
        if UPDATE:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        if unnamed or not os.path.exists(path):
            self.skipTest("no symbols of %s here" % interpreter if unnamed else "nobody has looked at what %s should print" % version)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(text, f.read())

    def test_merged_stacks_read_as_they_should(self):
        self.each(self.golden, "callbacks")

    def loops(self, interpreter, core):
        """Until 3.10 each Python frame is run by a call of the loop, later several may be."""
        for thread in threads(core, "--all-native")["threads"]:
            names = [usual(f["function"]) for f in thread["frames"]]
            loops = len([n for n in names if n in ("PyEval_EvalFrameDefault", "PyEval_EvalFrameEx")])
            python = len([f for f in thread["frames"] if f["kind"] == "python"])
            self.assertTrue(0 < loops <= python, names)
            if re.search(r"/(2\.|3\.8)", interpreter):
                self.assertEqual(loops, python)

    def test_frames_fit_the_calls_of_the_loop(self):
        self.each(self.loops, "callbacks")

    def test_without_native_frames(self):
        core = self.core(interpreters()[-1], "callbacks")
        kinds = {f["kind"] for t in threads(core, "--no-native")["threads"] for f in t["frames"]}
        self.assertEqual(kinds, {"python"})

    def test_unwind_tables_of_a_file_that_is_gone(self):
        """They are in a dump that has the memory of files; in one that has not the end of the stacks is named."""
        original = "/usr/bin/python3.11"
        if not os.path.exists(original) or not capture.kernel_cores():
            self.skipTest("no " + original + ", or the kernel writes no cores here")
        complete = threads(self.core(original, "callbacks"))
        for dumped, ends in ((0x7F, []), (0x33, ["the native stacks of 6 threads end in %s: neither the dump nor a file here has its unwind tables"])):
            out = tempfile.mkdtemp(dir=self.dir)
            copy = os.path.join(out, "python")
            shutil.copy(original, copy)
            core = capture.capture(out, copy, TARGET, method="abort", oracle=False, coredump_filter=dumped)
            os.unlink(copy)
            found = threads(core)
            self.assertEqual(found["warnings"], [e % copy for e in ends])
            stacks = [{t["name"]: [(f["kind"], f["function"]) for f in t["frames"] if not ends or f["kind"] == "python"]
                       for t in dump["threads"] if t["name"] != "MainThread"} for dump in (complete, found)]
            self.assertEqual(stacks[0], stacks[1])
            self.assertEqual(len(stacks[0]), 5)

    def test_symbols_of_minidebuginfo(self):
        tools = ["cc", "nm", "objcopy", "strip", "xz"]
        if not all(shutil.which(t) for t in tools):
            self.skipTest("one of %s is missing" % ", ".join(tools))
        self.core(interpreters()[0], "callbacks")
        out = tempfile.mkdtemp(dir=self.dir)
        library = os.path.join(out, "libcalls.so")
        source = "__attribute__((noinline)) static int hidden(int (*f)(void)) { return f() + 1; }\nint call(int (*f)(void)) { return hidden(f) + 1; }\n"
        subprocess.run(["cc", "-O1", "-fPIC", "-shared", "-Wl,--build-id", "-x", "c", "-", "-o", library], input=source.encode(), check=True)
        mini = os.path.join(out, "mini")
        subprocess.run(["objcopy", "-S", "--keep-symbol=hidden", library, mini], check=True)
        subprocess.run(["strip", "--strip-all", library], check=True)
        for packed in (False, True):
            if packed:
                subprocess.run(["xz", mini], check=True)
                subprocess.run(["objcopy", "--add-section", ".gnu_debugdata=" + mini + ".xz", library], check=True)
            core = capture.capture(tempfile.mkdtemp(dir=self.dir), sys.executable, TARGET, args=["library"], method=capture.methods()[0],
                                   oracle=False, env={"LIBRARY": library})
            found = [t for t in threads(core)["threads"] if t["name"] == "in_library"][0]["frames"]
            names = [f["function"] for f in found if f["library"] == library]
            self.assertEqual(names, ["hidden" if packed else None, "call"])

    def deep(self, interpreter, core):
        text = run(core, "--limit", "0", "--no-locals")
        self.assertEqual(len(re.findall(r"^ +descend  ", text, re.M)), DEPTH - 1)
        short = run(core)
        self.assertLess(len(short), 20000)
        self.assertIn("more times", short)

    def test_endless_recursion(self):
        self.each(self.deep, "recursion", slice(None, None, 3))


class Deaths(unittest.TestCase):
    """Cores that the kernel wrote of programs that died."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="deaths-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def die(self, interpreter, mode):
        if not os.access(NECROPSY, os.X_OK):
            self.skipTest("NECROPSY does not name the program")
        if not capture.kernel_cores():
            self.skipTest("the kernel writes no cores here")
        out = tempfile.mkdtemp(dir=self.dir)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        subprocess.run([interpreter, TARGET, mode], cwd=out, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited))
        return glob.glob(os.path.join(out, "core*"))[0]

    def guilty(self, mode, function, caller):
        chosen = [i for i in interpreters()[::3] if knows_names(i)]
        if not chosen:
            self.skipTest("no interpreter here has symbols of its extensions")
        for interpreter in chosen:
            with self.subTest(interpreter=interpreter):
                core = self.die(interpreter, mode)
                found = threads(core, "--all-native")
                if any("without libunwind" in w for w in found["warnings"]):
                    self.skipTest("built without libunwind")
                self.assertRegex(found["threads"][0]["state"], r"^died of signal \d+ .*in " + function + r".*, called by " + caller)
                report = subprocess.run([NECROPSY, "report", core], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True)
                lines = re.search(r"(?m)^ +died of +SIG.*\n +in +(.*)\n +called by +(.*)", report.stdout.decode())
                self.assertRegex(lines.group(1), "^(string_at|_call_function_pointer) ")
                self.assertRegex(lines.group(2), "^%s at " % mode)

    def test_fault_in_an_extension(self):
        self.guilty("string_at", r"(string_at|_call_function_pointer) \(_ctypes.*strlen", r"string_at at \S+ctypes/__init__.py:\d+")

    def test_abort_by_the_allocator(self):
        self.guilty("free", r"_call_function_pointer \(_ctypes.*, in \w*free", r"free at \S+native_stacks.py:\d+")

    def test_call_of_no_function(self):
        self.guilty("null", r"_call_function_pointer \(_ctypes", r"null at \S+native_stacks.py:\d+")

    def test_signal_from_elsewhere_has_no_culprit(self):
        if not os.access(NECROPSY, os.X_OK) or not capture.kernel_cores():
            self.skipTest("the kernel writes no cores here, or there is no program")
        core = capture.capture(tempfile.mkdtemp(dir=self.dir), sys.executable, TARGET, method="segv", oracle=False)
        self.assertRegex(threads(core)["threads"][0]["state"], r"^died of signal 11: ")


if __name__ == "__main__":
    unittest.main()
