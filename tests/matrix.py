#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Versions x conditions: is every object found, with and without the files of the process that died?

    matrix.py [options] NECROPSY

Each interpreter that this machine has (~/.pyenv/versions, /usr/bin, roots made by fixtures/fetch-roots) runs fixtures/zoo.py from
a copy of its own files, says what it holds, and is dumped; each cell is a load of such a dump, compared with the truth by
tests/truth.py. A cell shows objects found / truth and references found / truth in per cent; below the table is the strategy
that found the runtime, what was skipped and why, and for each cell under 100 % what is missing. The conditions are the
table CONDITIONS; to add one: a function that prepares the dump or the files, and a row.

Exit status: 0 each cell that must be complete is, 1 one is not, 2 nothing could be run.
"""
import argparse
import concurrent.futures
import functools
import glob
import gzip
import http.server
import json
import lzma
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, os.pardir, "fixtures")
sys.path[:0] = [HERE, FIXTURES]
import capture  # noqa: E402
import truth  # noqa: E402
from corefile import Core  # noqa: E402

LOAD_TIMEOUT = 600
ZOO = os.path.join(FIXTURES, "zoo.py")
SUBINTERPRETERS = os.path.join(FIXTURES, "subinterpreters.py")


class Skip(Exception):
    pass


# What is not read: name in the table, and what the refusal must say.
REFUSED = {"i386": "32-bit", "pypy": "PyPy", "t": "free-threaded"}

ASK = """
import sys
flags = getattr(sys, "_is_gil_enabled", None) and "t" in getattr(sys, "abiflags", "") and "t" or ""
print("%d.%d.%d" % sys.version_info[:3] + flags + ("d" if hasattr(sys, "gettotalrefcount") else ""))
print(sys.executable)
print(sys.prefix)
print(getattr(sys, "implementation", sys).__dict__.get("name", "cpython"))
print(sys.maxsize > 2**32)
"""


class Interpreter:
    """
    An interpreter of this machine, or of a root directory that is entered by chroot; or, of another machine's, whose program runs under
    qemu-user with the libraries of its root.
    """

    def __init__(self, path, root=None):
        self.path, self.root, self.emulator = path, root, []
        command = ["chroot", root, path] if root else [path]
        if root and machine_of(root + path) == 183:  # EM_AARCH64
            self.emulator = ["qemu-aarch64-static", "-L", root]
            self.path, self.root = root + path, None
            command = self.emulator + [self.path]
        lines = subprocess.run(
            command + ["-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True, timeout=300
        ).stdout.split("\n")
        self.version, self.executable, self.prefix, implementation, wide = lines[:5]
        self.where = os.path.basename(root.rstrip("/")) if root else "pyenv" if "/versions/" in path else "system" if path.startswith("/usr/") else "here"
        self.refusal = REFUSED.get("pypy" if implementation == "pypy" else "i386" if wide == "False" else "t" if "t" in self.version else None)

    @property
    def name(self):
        return "%s %s" % (self.version, self.where)

    def sort_key(self):
        return [int(n) for n in re.findall(r"\d+", self.version)], self.version, self.name


def machine_of(path):
    """e_machine of an ELF file, None for what is none."""
    with open(os.path.realpath(path), "rb") as f:
        head = f.read(20)
    return int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" else None


def fetched_roots():
    """Where fixtures/fetch-roots puts its roots, or $NECROPSY_ROOTS: for the first argument of interpreters()."""
    directory = os.environ.get("NECROPSY_ROOTS", os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "necropsy", "roots"))
    return [directory] if os.path.isdir(directory) and not os.geteuid() else []


def interpreters(roots, more=()):
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    paths = glob.glob(os.path.join(pyenv, "versions", "*", "bin", "python"))
    paths += more
    paths += [p for p in glob.glob("/usr/bin/python[23].*") if re.search(r"/python\d\.\d+d?$", p)]
    found, seen = [], set()
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        try:
            found.append(Interpreter(path))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print("skipped %s: %s" % (path, error), file=sys.stderr)
    for directory in roots:
        listed = subprocess.run([os.path.join(FIXTURES, "fetch-roots"), "-d", directory, "--list"], stdout=subprocess.PIPE, text=True)
        for line in listed.stdout.splitlines():
            root, python = line.rsplit(" ", 1)
            try:
                found.append(Interpreter("/usr/bin/" + python, root))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                print("skipped %s in %s: %s" % (python, root, error), file=sys.stderr)
    return sorted(found, key=Interpreter.sort_key)


def libpython(executable):
    """Path of the libpython that an executable is linked with, or None."""
    out = subprocess.run(["ldd", executable], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found = re.search(r"=> (\S*/libpython\S+)", out)
    return found.group(1) if found else None


class Copy:
    """
    The files of an interpreter under a directory of their own, so that they can be stripped, replaced and removed after the
    process has died. What runs in a root directory is copied to another place in there.
    """

    def __init__(self, interpreter, directory, renamed=False):
        self.interpreter, self.directory = interpreter, directory
        self.files, self.env = [], {}
        if interpreter.emulator or interpreter.refusal:
            self.command = interpreter.path
            if interpreter.emulator:
                self.env = {"PYTHONHOME": interpreter.emulator[-1] + "/usr"}
            return
        name = ("program" if renamed else "python-") + interpreter.version
        if interpreter.root:
            self.directory = tempfile.mkdtemp(prefix="matrix-", dir=interpreter.root + "/run")
            os.chmod(self.directory, 0o755)
            program = os.path.join(self.directory, name)
            shutil.copy(interpreter.root + os.path.realpath(interpreter.root + interpreter.path)[len(os.path.realpath(interpreter.root)):], program)
            self.command = program[len(interpreter.root):]
            self.files.append(program)
            self.env = {"PYTHONHOME": interpreter.prefix}
            return
        os.makedirs(directory)
        self.command = os.path.join(directory, name)
        shutil.copy(os.path.realpath(interpreter.path), self.command)
        self.files.append(self.command)
        library = libpython(interpreter.path)
        if library:
            copy = os.path.join(directory, "libcore.so" if renamed else os.path.basename(library))
            shutil.copy(library, copy)
            self.files.append(copy)
        # LD_LIBRARY_PATH does not win over an RPATH; loading it by name does.
        self.env = {"PYTHONHOME": interpreter.prefix, "LD_LIBRARY_PATH": directory}
        if library:
            self.env["LD_PRELOAD"] = copy

    def save(self):
        self.saved = {f: f + ".saved" for f in self.files}
        for f, s in self.saved.items():
            shutil.copy2(f, s)

    def restore(self):
        for f, s in self.saved.items():
            shutil.copy2(s, f)

    def remove(self):
        if self.files:
            shutil.rmtree(self.directory, ignore_errors=True)


class Told:
    """What sub-interpreters said of themselves: object -> (type, referents), by addresses. See fixtures/subinterpreters.py."""

    def __init__(self, directory):
        self.objects, self.path = {}, directory
        for path in glob.glob(os.path.join(directory, "sub-*.json")):
            with open(path) as f:
                for line in f:
                    addr, kind, *referents = map(int, line.split())
                    self.objects.setdefault(addr, (kind, set()))[1].update(referents)

    def compare(self, db):
        """As truth.compare(); it said nothing of names and sizes."""
        tallies = {name: truth.Tally(3) for name in ("objects", "types", "names", "sizes", "references")}
        rows = {addr: (kind, name) for addr, kind, name in db.con.execute(
            "SELECT object.addr, type.addr, type.name FROM object JOIN type ON type.id = object.type")}
        pairs = {}
        for src, dst, _ in db.references():
            if src in self.objects:
                pairs.setdefault(src, set()).add(dst)
        for addr, (kind, referents) in self.objects.items():
            name = rows[addr][1] if addr in rows else "?"
            tallies["objects"].count(addr in rows, name, hex(addr))
            if addr in rows:
                tallies["types"].count(rows[addr][0] == kind, name, hex(addr))
            missed = referents - pairs.get(addr, set()) - {kind}
            tallies["references"].add(len(referents) - len(missed))
            for dst in missed:
                tallies["references"].count(False, "%s -> %s" % (name, rows[dst][1] if dst in rows else "?"), "%#x -> %#x" % (addr, dst))
        result = {name: t.as_json() for name, t in tallies.items()}
        result["complete"] = all(t.complete for t in tallies.values())
        result["shares"] = {name: t.share() for name, t in tallies.items()}
        result["freed"] = None
        return result


class Dumps:
    """The dumps of one interpreter, each taken when it is first asked for."""

    def __init__(self, interpreter, directory):
        self.interpreter, self.directory = interpreter, directory
        os.makedirs(directory)
        self.copy = Copy(interpreter, os.path.join(directory, "files"))
        if self.copy.files:
            self.copy.save()
        self.copies = [self.copy]
        self.taken = {}

    def close(self):
        for copy in self.copies:
            copy.remove()

    def take(self, method, coredump_filter=None, copy=None, command=None, env=None):
        """copy: files to run instead of the usual ones. command: arguments that run zoo.py in another way."""
        key = (method, coredump_filter, id(copy) if copy else None, str(command))
        copy = copy or self.copy
        if self.interpreter.emulator and not command:
            command = [shutil.which(self.interpreter.emulator[0])] + self.interpreter.emulator[1:] + [copy.command, "-W", "ignore", ZOO]
        if key not in self.taken:
            if method not in capture.methods():
                self.taken[key] = Skip("no %s here" % ("gcore" if method == "gcore" else "core files from the kernel (core_pattern)"))
            else:
                out = os.path.join(self.directory, "%d" % len(self.taken))
                try:
                    core = capture.capture(
                        out, copy.command, ZOO, method=method, root=self.interpreter.root, coredump_filter=coredump_filter,
                        env=dict(copy.env, **(env or {})), timeout=300, command=command, oracle=not self.interpreter.refusal,
                    )
                    self.taken[key] = (core, None if self.interpreter.refusal else truth.Oracle(os.path.join(out, "oracle")))
                except (capture.CaptureError, OSError, subprocess.SubprocessError) as error:
                    self.taken[key] = error
        if isinstance(self.taken[key], Exception):
            raise self.taken[key]
        return self.taken[key]

    def take_subinterpreters(self):
        if "sub" not in self.taken:
            out = os.path.join(self.directory, "sub")
            core = capture.capture(
                out, self.copy.command, SUBINTERPRETERS, method=capture.methods()[0], root=self.interpreter.root, env=self.copy.env, timeout=300,
            )
            self.taken["sub"] = core, Told(os.path.join(out, "oracle"))
        return self.taken["sub"]

    def default(self):
        """The dump that most conditions start from: the kernel's, which leaves file pages to the files."""
        return self.take("abort" if "abort" in capture.methods() else "gcore")


# ---- conditions: each returns (dump, oracle, arguments of load, its standard input or None) ---------------------------


def present(dumps):
    """Options with which the files of the process are at hand."""
    if dumps.interpreter.emulator:
        return ["--sysroot", dumps.interpreter.emulator[-1]]
    return ["--sysroot", dumps.interpreter.root] if dumps.interpreter.root else []


def gcore(dumps, work):
    if dumps.interpreter.emulator:
        raise Skip("gdb would dump the emulator")
    return dumps.take("gcore") + (present(dumps), None)


def kernel(dumps, work):
    return dumps.take("abort") + (present(dumps), None)


def kernel_segv(dumps, work):
    return dumps.take("segv") + (present(dumps), None)


def with_file_pages(dumps, work):
    if dumps.interpreter.emulator:
        raise Skip("qemu-user has no coredump_filter")
    return dumps.take("abort", 0x3F) + (present(dumps), None)


def needs_copy(dumps):
    if not dumps.copy.files:
        raise Skip("runs from a root directory")


def stripped(dumps, work):
    needs_copy(dumps)
    taken = dumps.default()
    for f in dumps.copy.files:
        if subprocess.run(["strip", "--strip-all", f], stderr=subprocess.DEVNULL).returncode:
            raise Skip("strip does not work here")
    return taken + (present(dumps), None)


def mismatching(dumps, work):
    """Another program lies at the same path, with another build id."""
    needs_copy(dumps)
    taken = dumps.default()
    for f in dumps.copy.files:
        shutil.copy(shutil.which("true"), f)
    return taken + (present(dumps), None)


def missing(dumps, work):
    taken = dumps.default()
    for f in dumps.copy.files:
        os.unlink(f)
    return taken + ([], None)


def sysroot(dumps, work):
    taken = dumps.default()
    if dumps.interpreter.root:
        return taken + (["--sysroot", dumps.interpreter.root], None)
    root = os.path.join(work, "root")
    for f in dumps.copy.files:
        there = root + f
        os.makedirs(os.path.dirname(there), exist_ok=True)
        shutil.move(f, there)
    return taken + (["--sysroot", root], None)


def elsewhere(dumps, work):
    """The files were carried here in one directory: --exe and --lib-path."""
    needs_copy(dumps)
    taken = dumps.default()
    arguments = present(dumps) + ["--lib-path", work]
    for f in dumps.copy.files:
        shutil.move(f, work)
    return taken + (arguments + ["--exe", os.path.join(work, os.path.basename(dumps.copy.command))], None)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found = re.search(r"Build ID: ([0-9a-f]+)", notes)
    if not found:
        raise Skip("%s has no build id" % os.path.basename(path))
    return found.group(1)


def debuginfod(dumps, work):
    """The files are gone, and a server on this machine has them by their build ids."""
    needs_copy(dumps)
    taken = dumps.default()
    for f in dumps.copy.files:
        there = os.path.join(work, "served", "buildid", build_id(f))
        os.makedirs(there)
        shutil.move(f, os.path.join(there, "executable"))
        os.link(os.path.join(there, "executable"), os.path.join(there, "debuginfo"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=os.path.join(work, "served")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.makedirs(os.path.join(work, "cache"))
    return taken + (present(dumps), None, {"DEBUGINFOD_URLS": "http://127.0.0.1:%d" % server.server_port, "DEBUGINFOD_CACHE_PATH": os.path.join(work, "cache")})


def renamed(dumps, work):
    """Neither the program nor the library has a name that says Python."""
    needs_copy(dumps)
    copy = Copy(dumps.interpreter, os.path.join(work, "files"), renamed=True)
    dumps.copies.append(copy)
    return dumps.take("gcore", copy=copy) + (present(dumps), None)


TWO_COPIES = "import ctypes, os, runpy; ctypes.CDLL(os.environ['OTHER_PYTHON']); runpy.run_path(%r, run_name='__main__')"


def two_copies(dumps, work):
    """A second libpython of another version is loaded and never started."""
    needs_copy(dumps)
    root = dumps.interpreter.root
    zoo = "fixtures/zoo.py" if root else ZOO
    if root:
        others = [lib[len(root):] for lib in sorted(glob.glob(root + "/usr/lib/*/libpython*.so.1*"))]
    else:
        others = [lib for lib in map(libpython, sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))) if lib]
    others = [lib for lib in others if not re.search(r"python%s\D" % re.escape(dumps.interpreter.version.rpartition(".")[0]), lib)]
    if not others:
        raise Skip("no libpython of another version here")
    return dumps.take("gcore", command=[dumps.copy.command, "-W", "ignore", "-c", TWO_COPIES % zoo], env={"OTHER_PYTHON": others[0]}) + (present(dumps), None)


def subinterpreters(dumps, work):
    if dumps.interpreter.emulator:
        raise Skip("qemu-user writes its core elsewhere")
    if dumps.interpreter.refusal:
        raise Skip("is refused anyway")
    return dumps.take_subinterpreters() + (present(dumps), None)


def compressed(name, command):
    def prepare(dumps, work):
        core, oracle = dumps.default()
        out = os.path.join(work, "core." + name)
        if shutil.which(command[0]):
            with open(core, "rb") as source, open(out, "wb") as f:
                subprocess.run(command, stdin=source, stdout=f, check=True)
        elif name in ("gz", "xz"):
            with open(core, "rb") as source, (gzip.open(out, "wb", 1) if name == "gz" else lzma.open(out, "wb", preset=0)) as f:
                shutil.copyfileobj(source, f, 1 << 20)
        else:
            raise Skip("no %s here" % command[0])
        return out, oracle, present(dumps), None

    return prepare


def standard_input(dumps, work):
    core, oracle = dumps.default()
    return "-", oracle, present(dumps), core


def truncated(percent, method=None):
    """The kernel writes the notes first, gcore at the end: what was mapped is then to be found out from the files that are here."""

    def prepare(dumps, work):
        if method == "gcore" and dumps.interpreter.emulator:
            raise Skip("gdb would dump the emulator")
        core = (dumps.take(method) if method else dumps.default())[0]
        out = os.path.join(work, "core.cut")
        left = os.path.getsize(core) * percent // 100
        with open(core, "rb") as source, open(out, "wb") as f:
            while left > 0:
                block = source.read(min(left, 1 << 20))
                f.write(block)
                left -= len(block)
        # One of its own: what was cut off is taken out of it.
        oracle = None if dumps.interpreter.refusal else truth.Oracle(os.path.join(os.path.dirname(core), "oracle"))
        return out, oracle, present(dumps), None

    return prepare


# What a cell must have: all of it; of a cut dump that what is left is loaded; without the files all objects, types and references, and
# the names of at least 99 %: a few static types look alike (a list's iterator and a tuple's), and are called "this or that".
ALL, LEFT, GONE = True, False, "gone"

# name, how it is prepared, what it must have, part of --quick?
CONDITIONS = [
    ("gcore", gcore, True, True),
    ("abort", kernel, True, True),
    ("segv", kernel_segv, True, False),
    ("filter 3f", with_file_pages, True, False),
    ("stripped", stripped, True, False),
    ("mismatch", mismatching, GONE, False),
    ("missing", missing, GONE, True),
    ("sysroot", sysroot, True, False),
    ("elsewhere", elsewhere, True, False),
    ("debuginfod", debuginfod, True, False),
    ("renamed", renamed, True, False),
    ("two copies", two_copies, True, False),
    ("sub-interp", subinterpreters, True, True),
    ("gzip", compressed("gz", ["gzip", "-1"]), True, False),
    ("xz", compressed("xz", ["xz", "-0", "-T2"]), True, False),
    ("zstd", compressed("zst", ["zstd", "-q", "-1"]), True, True),
    ("lz4", compressed("lz4", ["lz4", "-q", "-1"]), True, False),
    ("stdin", standard_input, True, False),
    ("cut 90", truncated(90), False, False),
    ("cut 60", truncated(60), False, True),
    ("cut 30", truncated(30), False, False),
    ("gcore cut 90", truncated(90, "gcore"), False, False),
]


class Cell:
    """examples: of a cell that failed, what exactly is missing, a line each."""

    def __init__(self, text, why=None, bad=False, strategy=None, figures=None, examples=None):
        self.text, self.why, self.bad, self.strategy, self.figures, self.examples = text, why, bad, strategy, figures, examples


def oracle_has(dump):
    """Is this dump as it was taken, beside its oracle?"""
    return os.path.isdir(os.path.join(os.path.dirname(dump), "oracle"))


def what_is_left(oracle, path):
    """For a dump that was cut: the objects whose first words are still in it. Others cannot be asked for."""
    core = Core(path)
    gone = [addr for addr in oracle.objects if core.words(addr, 3) is None]
    for addr in gone:
        del oracle.objects[addr]
    oracle.lost = set(gone)
    return len(gone)


def gone_but_named(result):
    """With the files gone: is all there that does not lie in them?"""
    shares = result["shares"]
    return shares["objects"] == shares["types"] == shares["references"] == 100 and shares["names"] >= 99 and shares["sizes"] >= 99.9


def run_cell(name, prepare, must, dumps, options):
    work = tempfile.mkdtemp(dir=dumps.directory)
    try:
        dump, oracle, arguments, source, *env = prepare(dumps, work)
        db = os.path.join(work, "db")
        with open(source or os.devnull, "rb") as stdin, open(os.path.join(work, "log"), "w+b") as log:
            process = subprocess.run(
                [options.necropsy, "load"] + arguments + ["-o", db, dump], stdin=stdin, stdout=log, stderr=subprocess.STDOUT, timeout=LOAD_TIMEOUT,
                env=dict(os.environ, **(env[0] if env else {})),
            )
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
        last = said.splitlines()[-1] if said else "nothing"
        if process.returncode not in (0, 1) or not os.path.exists(db):
            # A cut dump may have lost the runtime itself; then it must say so, and leave nothing behind.
            clean = process.returncode == 2 and (dumps.interpreter.refusal or "") in said and said and not os.path.exists(db) and not os.path.exists(db + ".partial")
            return Cell("refused" if process.returncode == 2 else "status %d" % process.returncode, last, not clean or (must is not LEFT and not dumps.interpreter.refusal))
        if dumps.interpreter.refusal:
            return Cell("loaded", "was to be refused", True)
        lost = 0
        if must is LEFT:
            lost = what_is_left(oracle, dump)
        core = None if lost or dumps.interpreter.emulator or isinstance(oracle, Told) else Core(dumps.default()[0] if source or not oracle_has(dump) else dump)
        database = truth.Database(db, options.necropsy, options.extension)
        result = oracle.compare(database) if isinstance(oracle, Told) else truth.compare(oracle, database, core)
        database.con.close()
        con = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
        strategy = (con.execute("SELECT value FROM meta WHERE key = 'python_strategy'").fetchone() or ("not recorded",))[0]
        con.close()
        cell = Cell("%.5g/%.5g" % (result["shares"]["objects"], result["shares"]["references"]), None, False, strategy, figures(result))
        if result["complete"]:
            cell.text = "100"
        else:
            cell.why = reason(result)
            if dumps.interpreter.emulator and must is ALL:
                must = GONE  # qemu-user leaves pages of files out, and has no FILE note
            cell.bad = must is ALL or (must is GONE and not gone_but_named(result))
        if lost:
            cell.why = "%d objects lie in what was cut off; of the rest: %s" % (lost, cell.why or "all found")
            # The rest are mostly instances of metaclasses of C, and of types in small libraries whose place nothing tells. An emulator's dump
            # has no list of files to begin with.
            cell.bad = cell.bad or process.returncode != 1 or result["shares"]["objects"] < (50 if dumps.interpreter.emulator else 90)
        if cell.bad:
            wrong = truth.check_oracle(oracle, core)[0] if core else []
            if wrong:
                raise ValueError("the truth is not about this dump: %d objects differ, e.g. %s" % (len(wrong), wrong[0]))
            cell.examples = examples(result)
            keep(options.keep, dumps.interpreter.name, name, [dump if source is None else source, db, os.path.join(work, "log")], oracle)
        return cell
    except Skip as why:
        return Cell("-", str(why))
    except subprocess.TimeoutExpired:
        return Cell("timeout", "the load took more than %d s" % LOAD_TIMEOUT, True)
    except (capture.CaptureError, OSError, ValueError, sqlite3.Error, subprocess.SubprocessError) as error:
        return Cell("error", str(error).strip().splitlines()[-1] if str(error).strip() else repr(error), True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if dumps.copy.files:
            dumps.copy.restore()


def figures(result):
    return {k: [result[k]["found"], result[k]["truth"]] for k in ("objects", "types", "names", "sizes", "references")}


def examples(result):
    """At most 8 lines: the number is in reason()."""
    lines = []
    for name in ("objects", "types", "names", "sizes", "references"):
        lines += ["%s: %s %s" % (name, kind, "; ".join(entry["examples"])) for kind, entry in result[name]["missing"].items()]
    lines += ["freed: %s %s" % (kind, "; ".join(entry["examples"])) for kind, entry in (result["freed"] or {}).items()]
    return lines[:8]


def keep(directory, interpreter, condition, files, oracle):
    """Of a cell that failed: the dump, what it was compared with, the database, and what the load said."""
    if not directory:
        return
    there = os.path.join(directory, re.sub(r"\W+", "-", "%s %s" % (interpreter, condition)))
    os.makedirs(there, exist_ok=True)
    for f in files:
        shutil.copy(f, there)
    shutil.copytree(oracle.path, os.path.join(there, "oracle"), dirs_exist_ok=True)


def reason(result):
    parts = []
    for name in ("objects", "types", "names", "sizes", "references"):
        tally = result[name]
        if tally["found"] == tally["truth"]:
            continue
        kinds = ["%s %d" % (k, e["count"]) for k, e in list(tally["missing"].items())[:4]]
        more = len(tally["missing"]) - len(kinds)
        parts.append("%s %d of %d missing (%s%s)" % (name, tally["truth"] - tally["found"], tally["truth"], ", ".join(kinds), ", and %d kinds more" % more if more > 0 else ""))
    freed = result["freed"] or {}
    if freed:
        parts.append("%d rows lie in freed memory (%s)" % (sum(e["count"] for e in freed.values()), ", ".join("%s %d" % (k, e["count"]) for k, e in list(freed.items())[:4])))
    return "; ".join(parts)


def print_table(rows, conditions):
    widths = [max([len(c)] + [len(cells[c].text) for cells in rows.values() if c in cells]) for c in conditions]
    first = max(len(n) for n in rows)
    print(" " * first + "  " + "  ".join(c.rjust(w) for c, w in zip(conditions, widths)))
    for name, cells in rows.items():
        print(name.ljust(first) + "  " + "  ".join((cells[c].text if c in cells else "").rjust(w) for c, w in zip(conditions, widths)))


def main():
    parser = argparse.ArgumentParser(description="Versions x conditions: objects and references found, of all there are.")
    parser.add_argument("--quick", action="store_true", help="at most three interpreters and the main conditions")
    parser.add_argument("--extension", help="necropsy.so, to read references without the program")
    parser.add_argument("--only", help="regular expression for names of interpreters, as in the first column")
    parser.add_argument("--conditions", help="comma-separated names of conditions")
    parser.add_argument("--python", action="append", default=[], help="one more interpreter (repeatable)")
    parser.add_argument("--roots", action="append", help="directory of fetch-roots (repeatable)")
    parser.add_argument("--dir", help="where dumps go while they are needed (default: a temporary directory)")
    parser.add_argument("--keep", metavar="DIR", help="of a cell that fails, put the dump, the truth and the database there")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--report", action="store_true", help="run nothing: print the table of what is in the file of --json")
    parser.add_argument("--resume", action="store_true", help="take the cells that the file of --json has already from there")
    parser.add_argument("--seconds", type=int, help="no cell begins after that; those that are left are named as not run")
    parser.add_argument("--jobs", "-j", type=int, default=1, help="interpreters at a time")
    parser.add_argument("necropsy")
    o = parser.parse_args()
    o.necropsy = os.path.abspath(o.necropsy)
    o.until = time.monotonic() + o.seconds if o.seconds else None
    if o.report:
        rows = {name: {c: Cell(**cell) for c, cell in cells.items()} for name, cells in read_json(o.json).items()}
        rows = {name: rows[name] for name in sorted(rows, key=lambda n: ([int(d) for d in re.findall(r"\d+", n.split()[0])], n)) if re.search(o.only or "", name)}
        report(rows, [c[0] for c in CONDITIONS if any(c[0] in cells for cells in rows.values())])
        sys.exit(1 if any(cell.bad for cells in rows.values() for cell in cells.values()) else 0)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    found = interpreters([] if o.quick else o.roots or [os.path.join(cache, "necropsy", "roots")], o.python)
    if o.only:
        found = [i for i in found if re.search(o.only, i.name)]
    if o.quick:
        found = quick_choice(found)
    wanted = [c for c in CONDITIONS if (not o.conditions or c[0] in o.conditions.split(",")) and (c[3] or not o.quick)]
    if not found or not wanted:
        print("matrix.py: nothing to run", file=sys.stderr)
        sys.exit(2)
    known = read_json(o.json) if o.json and o.resume else {}
    rows = {i.name: {n: Cell(**cell) for n, cell in known.get(i.name, {}).items()} for i in found}
    todo = [(i, [c[0] for c in wanted if c[0] not in rows[i.name]], o) for i in found]
    with concurrent.futures.ProcessPoolExecutor(o.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_row, *job) for job in todo if job[1]]):
            name, cells = done.result()
            rows[name].update(cells)
            if o.json:
                known[name] = {c: vars(cell) for c, cell in rows[name].items()}
                write_json(o.json, known)
    report(rows, [c[0] for c in wanted])
    sys.exit(1 if any(cell.bad for cells in rows.values() for cell in cells.values()) else 0)


def run_row(interpreter, names, options):
    """All cells of an interpreter, in a process of their own: they share its dumps and its copy of the files."""
    directory = tempfile.mkdtemp(prefix="matrix-", dir=options.dir)
    cells, dumps = {}, None
    try:
        dumps = Dumps(interpreter, os.path.join(directory, "d"))
        for name, prepare, must, _ in CONDITIONS:
            if name in names and options.until and time.monotonic() > options.until:
                cells[name] = Cell("-", "not run: out of time (--seconds)")
            elif name in names:
                cells[name] = first = run_cell(name, prepare, must, dumps, options)
                if first.text in ("error", "timeout"):
                    # Nothing was dumped or loaded, or the dump is not of what was told of: once more with another process; the table says so. What
                    # was found wrong stays wrong.
                    dumps.taken.clear()
                    cells[name] = run_cell(name, prepare, must, dumps, options)
                    cells[name].why = "%s; the first time: %s: %s" % (cells[name].why or "complete", first.text, first.why)
                print("%s: %s: %s" % (interpreter.name, name, cells[name].text), file=sys.stderr, flush=True)
    finally:
        if dumps:
            dumps.close()
        shutil.rmtree(directory, ignore_errors=True)
    return interpreter.name, cells


def read_json(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return json.load(f)


def write_json(path, known):
    """Complete at any time: a run that is interrupted goes on from it (--resume)."""
    with open(path + ".partial", "w") as f:
        json.dump(known, f, indent=1)
    os.replace(path + ".partial", path)


def quick_choice(found):
    """The oldest, the newest, and the one that runs this."""
    mine = [i for i in found if os.path.realpath(i.path) == os.path.realpath(sys.executable)]
    return sorted({i.name: i for i in found[:1] + mine + found[-1:]}.values(), key=Interpreter.sort_key)


def report(rows, conditions):
    print_table(rows, conditions)
    print("\n100: each object, type, name, size and reference is found. a/b: objects / references found, per cent.\n")
    for name, cells in rows.items():
        strategies = {}
        for c, cell in cells.items():
            if cell.strategy:
                strategies.setdefault(cell.strategy, []).append(c)
        for strategy, where in strategies.items():
            print("%s: found by %s (%s)" % (name, strategy, ", ".join(where)))
    print()
    for name, cells in rows.items():
        for c, cell in cells.items():
            if cell.why:
                print("%s, %s: %s: %s" % (name, c, "skipped" if cell.text == "-" else cell.text + (" FAILED" if cell.bad else ""), cell.why))
    versions = {re.match(r"\d+\.\d+", n).group() for n in rows}
    absent = [v for v in ["2.7"] + ["3.%d" % i for i in range(6, 16)] if v not in versions]
    if absent:
        print("not here: %s (fixtures/fetch-roots has some of them)" % ", ".join(absent))
    # Once more at the end, where a log that was cut still has it.
    for name, cells in rows.items():
        for c, cell in cells.items():
            if cell.bad:
                print("FAILED: %s, %s: %s: %s" % (name, c, cell.text, cell.why))
                for line in cell.examples or ():
                    print("    " + line)


if __name__ == "__main__":
    main()
