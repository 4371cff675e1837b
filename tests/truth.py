#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Compares a database with what the interpreter itself said (fixtures/oracle.py), object by object.

    truth.py [options] ORACLE DB

Figures, each found / truth: objects, types (by address of the type object), names of types, sizes (sys.getsizeof, exact),
references (distinct pairs of gc.get_referents). Rows of the database that the closure does not have are counted by type;
with --core each is looked up in the dump, and one whose reference count is zero or a pointer lies in a freed block.
Informational: refcounts, references beyond what the collector sees, references that lead to no object.

Exit status: 0 all complete, 1 something is below 100 % or lies in a freed block, 2 could not compare.
"""
import argparse
import array
import collections
import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from corefile import Core  # noqa: E402

LISTED, REFERRED, TYPE_ONLY, TRACKED, FRAME, PY_SIZEOF = 1, 2, 4, 8, 16, 32
UNKNOWN = 2**64 - 1
# Rows of the database whose refcount is a known flag pattern are not counts.
REFCOUNT_LIMIT = 2**30


class Oracle:
    """objects: address -> (index of type, size, refcount, flags, first referent, number of referents)"""

    def __init__(self, path):
        self.path = path
        with open(os.path.join(path, "meta.json")) as f:
            self.meta = json.load(f)
        with open(os.path.join(path, "types.json")) as f:
            self.types = json.load(f)
        columns, self.referents = array.array("Q"), array.array("Q")
        for name, data in (("objects.bin", columns), ("referents.bin", self.referents)):
            full = os.path.join(path, name)
            with open(full, "rb") as f:
                data.fromfile(f, os.path.getsize(full) // 8)
        self.objects = {}
        at = 0
        for i in range(0, len(columns), 6):
            addr, kind, size, refcount, flags, count = columns[i : i + 6]
            self.objects[addr] = (kind, size, refcount, flags, at, count)
            at += count
        if at != len(self.referents) or len(self.objects) != self.meta["objects"]:
            raise ValueError("%s: objects and referents do not fit together" % path)

    def type_name(self, addr):
        return self.types[self.objects[addr][0]][1]


class Database:
    def __init__(self, path, necropsy=None, extension=None):
        self.path, self.necropsy = path, necropsy
        self.con = sqlite3.connect("file:%s?mode=ro" % path.replace("?", "%3f").replace("#", "%23"), uri=True)
        self.con.text_factory = lambda b: b.decode("utf-8", "surrogateescape")
        self.virtual = self.con.execute("SELECT sql LIKE 'CREATE VIRTUAL%' FROM sqlite_master WHERE name = 'reference'").fetchone() != (0,)
        self.loaded, self.extension = False, extension
        if extension and hasattr(self.con, "enable_load_extension"):
            self.con.enable_load_extension(True)
            self.con.load_extension(extension)
            self.loaded = True

    def references(self):
        """(src, dst, kind)"""
        query = "SELECT src, dst, kind FROM reference"
        if self.loaded or not self.virtual:
            yield from self.con.execute(query)
            return
        if self.extension and shutil.which("sqlite3"):
            # Some Pythons are built without enable_load_extension; the shell always has it.
            command = ["sqlite3", "-csv", "-readonly", self.path, ".load '%s'" % self.extension, query]
        elif self.necropsy:
            command = [self.necropsy, "sql", "--csv", self.path, query]
        else:
            raise ValueError("the table reference needs --necropsy or --extension")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="surrogateescape")
        rows = csv.reader(process.stdout)
        for row in rows:
            if row and row[0].lstrip("-").isdigit():
                yield int(row[0]), int(row[1]), row[2]
        if process.wait() != 0:
            raise ValueError("%s ended with status %d" % (command[0], process.returncode))


class Tally:
    """found / truth, and what is missing by type with examples."""

    def __init__(self, examples):
        self.found = self.truth = 0
        self.missing = collections.Counter()
        self.examples = collections.defaultdict(list)
        self.keep = examples

    def count(self, good, kind, example):
        self.truth += 1
        if good:
            self.found += 1
            return
        self.missing[kind] += 1
        if len(self.examples[kind]) < self.keep:
            self.examples[kind].append(example() if callable(example) else example)

    def add(self, truth):
        self.found += truth
        self.truth += truth

    @property
    def complete(self):
        return self.found == self.truth

    def share(self):
        # Cut, not rounded: 99.999 % is not 100.
        return int(10000 * self.found / self.truth) / 100 if self.truth else 100.0

    def as_json(self):
        return {
            "found": self.found,
            "truth": self.truth,
            "missing": {k: {"count": n, "examples": self.examples[k]} for k, n in self.missing.most_common()},
        }


def compare(oracle, db, core=None, examples=3):
    """Returns a dict of figures; see main() for how they are shown."""
    tallies = {name: Tally(examples) for name in ("objects", "types", "names", "sizes", "references")}
    info = {name: Tally(examples) for name in ("refcounts",)}
    type_rows = {i: (addr, name) for i, addr, name in db.con.execute("SELECT id, addr, name FROM type")}
    rows = {}
    for addr, kind, size, refcount in db.con.execute("SELECT addr, type, size, refcount FROM object"):
        rows[addr] = (kind, size, refcount)

    head = 2 if oracle.meta["trace_refs"] else 0
    gone = set(getattr(oracle, "lost", ()))  # behind the end of a dump that was cut off
    for addr, (kind, size, refcount, flags, at, count) in oracle.objects.items():
        type_addr, type_name, _ = oracle.types[kind]
        row = rows.get(addr)
        if row is None and core is not None and unborn(addr, core, head):
            gone.add(addr)
            continue
        size = undisturbed_size(oracle, type_name, size, at, count)
        tallies["objects"].count(row is not None, type_name, "%#x%s" % (addr, " (known as a type only)" if flags & TYPE_ONLY else ""))
        if row is None:
            continue
        found_addr, found_name = type_rows.get(row[0], (None, None))
        tallies["types"].count(
            found_addr == type_addr if found_addr else found_name == type_name, type_name, lambda: "%#x: %s" % (addr, found_name)
        )
        # "?." and ".": __module__ of this class is no str, or empty (kombu makes such), so its name stands alone.
        told = type_name.lstrip("?").lstrip(".") if type_name.startswith(("?.", ".")) else type_name
        tallies["names"].count(found_name == told, type_name, lambda: "%#x: %s" % (addr, found_name))
        if size != UNKNOWN:
            tallies["sizes"].count(row[1] == size, type_name, lambda: "%#x: %s for %d" % (addr, row[1], size))
        if refcount < REFCOUNT_LIMIT and row[2] is not None:
            info["refcounts"].count(row[2] == refcount, type_name, lambda: "%#x: %d for %d" % (addr, row[2], refcount))

    beyond, beyond_examples, dangling = collections.Counter(), {}, 0
    found_pairs, type_pairs = collections.defaultdict(set), collections.defaultdict(set)
    kinds = collections.Counter()
    for src, dst, kind in db.references():
        kinds[kind] += 1
        if dst not in rows:
            dangling += 1
        if src in oracle.objects:
            (type_pairs if kind == "type" else found_pairs)[src].add(dst)
    edges = tallies["references"]
    for addr, (kind, _, _, flags, at, count) in oracle.objects.items():
        if flags & FRAME or addr in gone:
            continue
        truth = set(oracle.referents[at : at + count]) - gone
        found = found_pairs.get(addr, ())
        missed = truth.difference(found, type_pairs.get(addr, ()))
        edges.add(len(truth) - len(missed))
        for dst in missed:
            edges.count(
                False,
                "%s -> %s" % (oracle.types[kind][1], oracle.type_name(dst) if dst in oracle.objects else "?"),
                "%#x -> %#x%s" % (addr, dst, "" if addr in rows else " (source not found)"),
            )
        if count:
            for dst in set(found) - truth:
                key = oracle.types[kind][1]
                beyond[key] += 1
                beyond_examples.setdefault(key, "%#x -> %#x" % (addr, dst))

    extra, freed, freed_examples = collections.Counter(), collections.Counter(), collections.defaultdict(list)
    unread = 0
    for addr, (kind, _, _) in rows.items():
        if addr in oracle.objects:
            continue
        name = type_rows.get(kind, (None, "?"))[1]
        extra[name] += 1
        if core is None:
            continue
        words = core.words(addr + 8 * head, 2)
        if words is None:
            unread += 1
        elif dead(words, type_rows.get(kind, (None,))[0], core):
            freed[name] += 1
            if len(freed_examples[name]) < examples:
                freed_examples[name].append("%#x: refcount word %#x, type word %#x" % (addr, words[0], words[1]))
    result = {name: t.as_json() for name, t in tallies.items()}
    result["complete"] = all(t.complete for t in tallies.values()) and not freed
    result["shares"] = {name: t.share() for name, t in tallies.items()}
    result["refcounts"] = info["refcounts"].as_json()
    result["rows"] = len(rows)
    result["reference_kinds"] = dict(kinds)
    result["dangling"] = dangling
    result["beyond"] = {k: {"count": n, "example": beyond_examples[k]} for k, n in beyond.most_common()}
    result["extra"] = dict(extra.most_common())
    result["extra_unread"] = unread
    result["gone"] = len(gone)
    result["freed"] = {k: {"count": n, "examples": freed_examples[k]} for k, n in freed.most_common()} if core else None
    return result


def unborn(addr, core, head):
    """
    Is the refcount in the dump 0? Some modules visit their free lists (3.12's _asyncio its iterators): the collector
    hands out what is dead, and the walk that wrote the truth brought it to life in its own copy.
    """
    words = core.words(addr + 8 * head, 1)
    return words is not None and words[0] & 0xFFFFFFFF == 0


def undisturbed_size(oracle, type_name, size, at, count):
    """
    BytesIO.__sizeof__ counts its bytes object unless somebody else holds that, too: from 3.12 on, where it is a
    referent, the walk that wrote the truth did. The refcount it had before says whether it was alone.
    """
    if type_name != "_io.BytesIO" or size == UNKNOWN:
        return size
    for dst in oracle.referents[at : at + count]:
        entry = oracle.objects.get(dst)
        if entry and oracle.types[entry[0]][1] == "builtins.bytes" and entry[2] == 1 and entry[1] != UNKNOWN:
            return size + entry[1]
    return size


def dead(words, type_addr, core):
    """
    Is this the memory of no object? pymalloc and malloc write their list pointers over the first word of a freed
    block, which is the refcount of an object without a collector header; one with a header dies with refcount 0.
    """
    refcount, kind = words
    if refcount & 0xFFFFFFFF == 0 or (type_addr and kind != type_addr):
        return True
    return refcount > 2**32 and core.writable(refcount)


def check_oracle(oracle, core):
    """Does the truth describe this dump? Types and refcounts of all its objects, read from the core. Returns complaints."""
    wrong, unread = [], 0
    extra = 2 if oracle.meta["trace_refs"] else 0
    for addr, (kind, _, refcount, flags, _, _) in oracle.objects.items():
        words = core.words(addr, 2 + extra)
        if words is None:
            unread += 1
            continue
        if words[extra + 1] != oracle.types[kind][0]:
            wrong.append("%#x %s: the dump says type %#x" % (addr, oracle.types[kind][1], words[extra + 1]))
    return wrong, unread


def print_tally(name, tally, limit):
    for k, entry in list(tally["missing"].items())[:limit]:
        print("  %-10s %7d  %s   e.g. %s" % (name, entry["count"], k, "; ".join(entry["examples"])))
    if len(tally["missing"]) > limit:
        print("  %-10s ... and %d more kinds" % (name, len(tally["missing"]) - limit))


def main():
    parser = argparse.ArgumentParser(description="Compare a necropsy database with the truth.")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--core", help="the dump: checks the truth against it, and extra rows for freed blocks")
    parser.add_argument("--necropsy", help="the program, to read the table reference")
    parser.add_argument("--extension", help="necropsy.so without its suffix, to read the table reference")
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--limit", type=int, default=20, help="kinds listed per figure")
    parser.add_argument("--refcounts", action="store_true", help="list differing refcounts as well")
    parser.add_argument("oracle")
    parser.add_argument("db")
    o = parser.parse_args()
    try:
        oracle = Oracle(o.oracle)
        core = Core(o.core) if o.core else None
        if core:
            wrong, unread = check_oracle(oracle, core)
            if wrong:
                raise ValueError("the truth is not about this dump: %d of %d objects differ, e.g. %s" % (len(wrong), len(oracle.objects), wrong[0]))
        result = compare(oracle, Database(o.db, o.necropsy, o.extension), core, o.examples)
    except (OSError, ValueError, sqlite3.Error) as error:
        print("truth.py: %s" % error, file=sys.stderr)
        sys.exit(2)
    if o.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        for name in ("objects", "types", "names", "sizes", "references") + (("refcounts",) if o.refcounts else ()):
            print_tally(name, result[name], o.limit)
        for k, entry in list((result["freed"] or {}).items())[: o.limit]:
            print("  freed      %7d  %s   e.g. %s" % (entry["count"], k, "; ".join(entry["examples"])))
        print(summary(result))
        extra = sum(result["extra"].values())
        print(
            "rows beyond the closure: %d%s; references beyond the collector's: %d; refcounts equal: %d/%d; dangling: %d"
            % (
                extra,
                " (%s)" % ", ".join("%s %d" % i for i in list(result["extra"].items())[:6]) if extra else "",
                sum(e["count"] for e in result["beyond"].values()),
                result["refcounts"]["found"],
                result["refcounts"]["truth"],
                result["dangling"],
            )
        )
    sys.exit(0 if result["complete"] else 1)


def summary(result):
    parts = ["%s %d/%d %.2f %%" % (n, result[n]["found"], result[n]["truth"], result["shares"][n]) for n in ("objects", "types", "names", "sizes", "references")]
    parts.append("freed %s" % ("not checked" if result["freed"] is None else sum(e["count"] for e in result["freed"].values())))
    return ("complete: " if result["complete"] else "INCOMPLETE: ") + ", ".join(parts)


if __name__ == "__main__":
    main()
