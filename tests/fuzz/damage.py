# SPDX-License-Identifier: GPL-3.0-or-later
"""
Damaged copies of a core, by somebody who knows what is in it.

    damage.py CORE DATABASE SEED OUT

writes the copy of CORE that SEED stands for; DATABASE is what necropsy made of CORE, and says where everything is. One copy gets from
one to some thousand wounds, each of which is a function below marked @wound: words of an object of a kind, or of what it points at
(tables, keys, frames, blocks), become hostile numbers or other pointers, lists are closed to rings, texts get what a terminal obeys, and the
headers of the file lie. Kinds are drawn before objects, so that rare types are hit as often as strings. To add one: write a
function, mark it. tests/fuzz/hunt runs every command on such copies.
"""
import os
import random
import sqlite3
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from corefile import Core  # noqa: E402

WOUNDS = []
NUMBERS = [0, 1, 2, 3, 7, 8, 31, 63, 64, 255, 4095, 4096, 65535, 1 << 20, 1 << 26, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 47, 1 << 48,
           1 << 56, 1 << 60, (1 << 61) - 1, 1 << 61, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, (1 << 64) - 4096, (1 << 64) - 8, (1 << 64) - 2, (1 << 64) - 1]
TEXTS = [b"\x1b[2J\x1b]0;owned\x07", b"a\nb\r\n\x08\x08\x7f", u"\u202egnp\u2066x\u200f\u061c".encode("utf-8"), b"\xff\xfe\xc0\x80\xed\xa0\x80\xf8", b"%s%n%n%n%d",
         u"\x9b31m\x90q\x84".encode("utf-8"), b"\xf0\x9f\x92\xa9\xe0\xa4", b"'\"`$(reboot)\\;--", b"\x00\x00", b"\xc2", u"\u0301\u0301\u0301\u2028\u2029".encode("utf-8"), b"</a><a b='", b"A" * 3000]


def wound(f):
    WOUNDS.append(f)
    return f


class Patient:
    """The core, and where things are in it."""

    def __init__(self, path, database):
        self.path = path
        self.core = Core(path)
        self.size = len(self.core.data)
        db = sqlite3.connect("file:%s?mode=ro" % database, uri=True)
        self.layout = {f: o for f, o in db.execute("SELECT field, offset FROM layout WHERE offset IS NOT NULL")}
        self.kinds = {}
        for name, addr in db.execute("SELECT type.name, object.addr FROM object JOIN type ON type.id = object.type"):
            self.kinds.setdefault(name, []).append(addr)
        self.names = sorted(self.kinds)
        self.sizes = dict(db.execute("SELECT name, basicsize FROM type"))
        self.objects = [a for addrs in self.kinds.values() for a in addrs]
        self.types = [a for a, in db.execute("SELECT addr FROM type WHERE addr IS NOT NULL")]
        self.threads = [a for a, in db.execute("SELECT addr FROM thread WHERE addr IS NOT NULL")]
        self.frames = [a for a, in db.execute("SELECT addr FROM frame WHERE kind = 'python' AND addr IS NOT NULL")]
        self.arenas = db.execute("SELECT kind, start, bytes FROM arena").fetchall()
        self.stacks = db.execute("SELECT start, end FROM mapping WHERE kind = 'stack'").fetchall()
        db.close()

    def offset(self, addr):
        """In the file; None where the dump has no such memory."""
        segment = self.core._find(addr)
        if segment is None or addr - segment[0] >= segment[3]:
            return None
        at = segment[2] + addr - segment[0]
        return at if at + 8 <= self.size else None

    def word(self, addr):
        found = self.core.words(addr, 1)
        return found[0] if found else 0


class Surgeon:
    """Wounds one copy."""

    def __init__(self, patient, seed):
        self.patient = patient
        self.random = random.Random(seed)
        self.edits = []  # (offset in the file, bytes)
        self.cut = None
        self.done = []

    def put(self, addr, data):
        at = self.patient.offset(addr)
        if at is not None:
            self.edits.append((at, data))

    def put_word(self, addr, value):
        self.put(addr, struct.pack("<Q", value & (1 << 64) - 1))

    def an_object(self):
        r, p = self.random, self.patient
        return r.choice(p.kinds[r.choice(p.names)])

    def hostile(self, near):
        """A word: a number, or a pointer to where it should not lead."""
        r, p = self.random, self.patient
        way = r.randrange(10)
        if way < 3:
            return r.choice(NUMBERS)
        if way == 3:
            return near
        if way == 4:
            return self.an_object()
        if way == 5:
            return self.an_object() + r.choice((-16, -8, 1, 4, 8, 16, 24))
        if way == 6:
            start, end, _, size, _ = r.choice(p.core.segments)
            return r.choice((start, start + size - 8, start + size - 1, start + size, end - 8, end))
        if way == 7:
            return r.choice(p.types or [0])
        if way == 8:
            return p.word(near) ^ 1 << r.randrange(64)
        return p.word(near) + r.choice((-8, -1, 1, 2, 8, 4096, -4096, 1 << 32))

    def worsen(self, addr):
        """A word at addr, or a part of it, becomes hostile."""
        r = self.random
        value = struct.pack("<Q", self.hostile(addr) & (1 << 64) - 1)
        if r.random() < 0.2:
            at = r.randrange(8)
            self.put(addr + at, value[:r.choice((1, 2, 4))])
        else:
            self.put(addr, value)

    def below(self, addr, size, steps):
        """The address of a word of the struct at addr, or of one that it points at after some steps."""
        r = self.random
        for _ in range(steps):
            target = self.patient.word(addr + 8 * r.randrange(max(1, size // 8)))
            if self.patient.offset(target & ~7) is not None:
                addr, size = target & ~7, 256
        return addr + 8 * r.randrange(max(1, size // 8))


@wound
def member(s):
    name = s.random.choice(s.patient.names)
    addr = s.random.choice(s.patient.kinds[name])
    s.worsen(s.below(addr, max(24, (s.patient.sizes.get(name) or 0) + 16), 0))


@wound
def table(s):
    name = s.random.choice(s.patient.names)
    addr = s.random.choice(s.patient.kinds[name])
    s.worsen(s.below(addr, max(24, s.patient.sizes.get(name) or 0), s.random.choice((1, 1, 2, 3))))


@wound
def every_instance(s):
    """The same word of all objects of a kind."""
    name = s.random.choice(s.patient.names)
    at, value = 8 * s.random.randrange(max(3, (s.patient.sizes.get(name) or 0) // 8)), None
    for addr in s.patient.kinds[name][:2000]:
        value = s.hostile(addr + at) if value is None or s.random.random() < 0.1 else value
        if at != 8:
            s.put_word(addr + at, value)


@wound
def swap(s):
    """Two objects of a kind exchange a word: what pointed onward points back."""
    name = s.random.choice(s.patient.names)
    a, b = s.random.choice(s.patient.kinds[name]), s.random.choice(s.patient.kinds[name])
    at = 8 * s.random.randrange(max(3, (s.patient.sizes.get(name) or 0) // 8))
    s.put_word(a + at, s.patient.word(b + at))
    s.put_word(b + at, s.patient.word(a + at))


@wound
def ring(s):
    """A word that points at something of the same kind leads back to the first."""
    name = s.random.choice(s.patient.names)
    addr = s.random.choice(s.patient.kinds[name])
    size = max(24, s.patient.sizes.get(name) or 0)
    for at in range(16, min(size, 512), 8):
        target = s.patient.word(addr + at)
        if target and s.patient.offset(target) is not None and s.random.random() < 0.5:
            s.put_word(s.random.choice((addr + at, target + 8 * s.random.randrange(8))), s.random.choice((addr, target)))


@wound
def items(s):
    """A container holds itself, everywhere."""
    for name in ("builtins.tuple", "__builtin__.tuple", "builtins.list", "__builtin__.list"):
        if name in s.patient.kinds:
            addr = s.random.choice(s.patient.kinds[name])
            first = addr + 24 if "tuple" in name else s.patient.word(addr + 24)
            for i in range(min(s.patient.word(addr + 16), 1000)):
                s.put_word(first + 8 * i, addr)


@wound
def type_object(s):
    fields = [(o, f) for f, o in s.patient.layout.items() if f.startswith(("_typeobject.", "_heaptypeobject.", "PyVarObject.", "_object."))]
    addr = s.random.choice(s.patient.types)
    at, field = s.random.choice(fields)
    if field.split(".")[1] in ("tp_base", "tp_mro", "tp_bases", "ob_type", "tp_dict") and s.random.random() < 0.6:
        other = s.random.choice(s.patient.types)
        s.put_word(addr + at, s.random.choice((addr, other, s.patient.word(other + at))))
        s.put_word(other + at, addr)
    else:
        s.worsen(addr + at)


@wound
def dict_keys(s):
    for name in ("builtins.dict", "__builtin__.dict"):
        if name in s.patient.kinds:
            addr = s.random.choice(s.patient.kinds[name])
            keys = s.patient.word(addr + (s.patient.layout.get("PyDictObject.ma_keys") or 40))
            s.worsen(keys + 8 * s.random.randrange(12))
            if s.random.random() < 0.3:
                s.put(keys + 8, bytes(bytearray(s.random.randrange(64) for _ in range(4))))


@wound
def thread_state(s):
    if s.patient.threads:
        addr = s.random.choice(s.patient.threads)
        s.worsen(s.below(addr, 512, s.random.choice((0, 0, 0, 1, 2))))


@wound
def thread_list(s):
    if s.patient.threads:
        for field in ("_ts.next", "_ts.prev", "_ts.interp"):
            if field in s.patient.layout:
                s.put_word(s.random.choice(s.patient.threads) + s.patient.layout[field], s.random.choice(s.patient.threads))


@wound
def interpreter(s):
    if s.patient.threads:
        addr = s.patient.word(s.random.choice(s.patient.threads) + s.patient.layout.get("_ts.interp", 8))
        fields = [o for f, o in s.patient.layout.items() if f.startswith("_is.")] or [0]
        s.worsen(s.random.choice((addr + s.random.choice(fields) // 8 * 8, s.below(addr, 16384, 0), s.below(addr, 4096, 1))))


@wound
def frame(s):
    if s.patient.frames:
        addr = s.random.choice(s.patient.frames)
        if s.random.random() < 0.3:
            at = 8 * s.random.randrange(12)
            s.put_word(addr + at, s.random.choice(s.patient.frames))
        else:
            s.worsen(s.below(addr, 128, s.random.choice((0, 0, 1, 2))))


@wound
def runtime(s):
    """Whatever static data says: _PyRuntime, offsets for debuggers, types, main_arena."""
    segments = [g for g in s.patient.core.segments if g[4] & 2 and 4096 < g[3] < 4 << 20]
    if segments:
        start, _, _, size, _ = s.random.choice(segments)
        for _ in range(s.random.choice((1, 10, 100))):
            s.worsen(start + 8 * s.random.randrange(size // 8))


@wound
def debug_offsets(s):
    at = s.patient.core.data.find(b"xdebugpy")
    for _ in range(s.random.choice((1, 3, 30))):
        if at >= 0:
            s.edits.append((at + 8 * s.random.randrange(100), struct.pack("<Q", s.random.choice(NUMBERS + list(range(0, 800, 8))))))


@wound
def pool(s):
    pools = [a for a in s.patient.arenas if a[0] == "pymalloc"]
    if pools:
        _, start, size = s.random.choice(pools)
        page = s.random.choice((4096, 16384))
        addr = (start + s.random.randrange(max(1, size))) // page * page
        for _ in range(s.random.choice((1, 1, 4))):
            s.worsen(addr + 8 * s.random.randrange(6))


@wound
def chunk(s):
    heaps = [a for a in s.patient.arenas if a[0] == "malloc"]
    if heaps:
        _, start, size = s.random.choice(heaps)
        if s.random.random() < 0.3:
            s.worsen(start + 8 * s.random.randrange(400))
        else:
            addr = start + s.random.randrange(max(1, size)) // 16 * 16 + 8
            s.put_word(addr, s.random.choice(NUMBERS) | s.random.randrange(8))


@wound
def collector(s):
    """The headers that link objects for the collector."""
    head = s.patient.layout.get("PyGC_Head", 16)
    a, b = s.an_object(), s.an_object()
    s.put_word(a - head, s.random.choice((a - head, b - head, s.hostile(a - head))))
    s.put_word(b - head + 8, s.random.choice((a - head, b - head, s.hostile(b - head))))


@wound
def text(s):
    """What names and values say."""
    kinds = [k for k in ("builtins.str", "builtins.bytes", "__builtin__.str", "__builtin__.unicode") if k in s.patient.kinds]
    for _ in range(s.random.choice((1, 20, 500))):
        addr = s.random.choice(s.patient.kinds[s.random.choice(kinds)])
        s.put(addr + s.random.choice((32, 36, 40, 48, 56, 72)) + s.random.randrange(4), s.random.choice(TEXTS)[:s.random.choice((4, 24, 48))])


@wound
def type_names(s):
    for _ in range(s.random.choice((1, 10))):
        addr = s.patient.word(s.random.choice(s.patient.types) + s.patient.layout.get("_typeobject.tp_name", 24))
        if s.patient.offset(addr) is not None:
            s.put(addr, s.random.choice(TEXTS))


@wound
def string_heads(s):
    kinds = [k for k in ("builtins.str", "__builtin__.unicode") if k in s.patient.kinds]
    for _ in range(s.random.choice((1, 20))):
        s.worsen(s.random.choice(s.patient.kinds[s.random.choice(kinds)]) + s.random.choice((16, 32, 40, 48, 56)))


@wound
def code(s):
    if "builtins.code" in s.patient.kinds:
        addr = s.random.choice(s.patient.kinds["builtins.code"])
        fields = [o for f, o in s.patient.layout.items() if f.startswith("PyCodeObject.")]
        s.worsen(addr + s.random.choice(fields) // 4 * 4)


@wound
def stack(s):
    if s.patient.stacks:
        start, end = s.random.choice(s.patient.stacks)
        for _ in range(s.random.choice((1, 50))):
            s.worsen(end - 8 * (1 + s.random.randrange(min(end - start, 16384) // 8)))


@wound
def pointers(s):
    """Words anywhere that lead to objects lead to others."""
    for _ in range(300):
        start, _, _, size, flags = s.random.choice(s.patient.core.segments)
        if flags & 2 and size >= 8:
            addr = start + 8 * s.random.randrange(size // 8)
            if s.patient.offset(s.patient.word(addr)) is not None:
                s.worsen(addr)


@wound
def elf_header(s):
    s.edits.append((s.random.randrange(16, 64), bytes(bytearray([s.random.randrange(256)]))))


@wound
def program_header(s):
    (phoff,) = struct.unpack_from("<Q", s.patient.core.data, 32)
    at = phoff + 56 * s.random.randrange(len(s.patient.core.segments) + 1)
    value = s.random.choice(NUMBERS + [g[0] for g in s.patient.core.segments[:50]] + [g[2] for g in s.patient.core.segments[:50]])
    s.edits.append((at + 8 * s.random.randrange(7), struct.pack("<Q", value)))


@wound
def notes(s):
    """NT_PRSTATUS, NT_FILE, NT_AUXV, NT_SIGINFO: their sizes and what they say."""
    (phoff,) = struct.unpack_from("<Q", s.patient.core.data, 32)
    for i in range(len(s.patient.core.segments) + 1):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", s.patient.core.data, phoff + 56 * i)
        if kind == 4 and size >= 16:
            for _ in range(s.random.choice((1, 5, 50))):
                at = offset + 4 * s.random.randrange(size // 4)
                s.edits.append((at, struct.pack("<Q", s.random.choice(NUMBERS))[:s.random.choice((1, 4, 8))]))
            if s.random.random() < 0.3:
                names = s.patient.core.data.find(b"/", offset, offset + size)
                if names > 0:
                    s.edits.append((names + s.random.randrange(200), s.random.choice(TEXTS)[:40]))


@wound
def hole(s):
    start, _, offset, size, _ = s.random.choice(s.patient.core.segments)
    at = offset + s.random.randrange(max(1, size)) // 4096 * 4096
    s.edits.append((at, s.random.choice((b"\0", b"\xff", b"\x41")) * 4096))


def operate(patient, seed):
    s = Surgeon(patient, seed)
    rare = (elf_header, program_header, notes)
    count = s.random.choice((1, 1, 3, 10, 30, 100, 300))
    # Some copies have wounds of one kind alone.
    choice = [w for w in WOUNDS if w not in rare] if s.random.random() < 0.8 else [s.random.choice(WOUNDS)]
    if len(choice) == 1 and choice[0] in rare:
        count = min(count, 3)
    for _ in range(count):
        w = s.random.choice(choice)
        s.done.append(w.__name__)
        w(s)
    if s.random.random() < 0.05:
        s.cut = s.random.randrange(patient.size)
    return s


def write(patient, seed, out):
    """Returns what was done."""
    s = operate(patient, seed)
    size = patient.size if s.cut is None else s.cut
    with open(patient.path, "rb") as source, open(out, "wb") as f:
        at = 0
        while at < size:
            try:
                n = os.sendfile(f.fileno(), source.fileno(), at, size - at)
            except OSError:
                n = 0
            if not n:
                break
            at += n
    with open(out, "r+b") as f:
        for at, data in s.edits:
            if at < size:
                f.seek(at)
                f.write(data[:size - at])
    return s.done + (["cut at %d" % s.cut] if s.cut is not None else [])


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: damage.py CORE DATABASE SEED OUT")
    print(" ".join(write(Patient(sys.argv[1], sys.argv[2]), int(sys.argv[3]), sys.argv[4])))


if __name__ == "__main__":
    main()
