# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the readers of facts share: the samples, the facts that factdump prints of a file, and second opinions
on the formats, parsed here by other means than the readers' own."""
import glob
import json
import os
import pickle
import struct
import subprocess
import sys

SRCDIR = os.environ.get('srcdir', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
BUILDDIR = os.path.dirname(os.environ.get('NECROPSY', os.path.join(os.getcwd(), 'necropsy')))
SAMPLES = os.path.join(SRCDIR, 'tests', 'samples')
FACTDUMP = os.path.join(BUILDDIR, 'tests', 'factdump')


def sample(*path):
    return os.path.join(SAMPLES, *path)


def unpacked(*path):
    """The bytes of a sample that is kept packed."""
    return subprocess.check_output(['zstd', '-dcq', sample(*path)])


def pythons():
    """This one, and those that NECROPSY_PYTHONS names (separated by colons) or pyenv has."""
    found = [sys.executable] + [p for p in os.environ.get('NECROPSY_PYTHONS', '').split(':') if p]
    found += sorted(glob.glob(os.path.expanduser('~/.pyenv/versions/*/bin/python')))
    return found


class Facts(object):
    """The facts of one file, by kind; `of` selects and projects them."""

    def __init__(self, fmt, path):
        out = subprocess.run([FACTDUMP, fmt, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if out.returncode:
            raise RuntimeError('factdump %s %s: %s' % (fmt, path, out.stderr.decode()))
        self.all = [json.loads(line) for line in out.stdout.decode('utf-8', 'strict').splitlines()]

    def of(self, fact, *fields, **where):
        found = [f for f in self.all if f['fact'] == fact and all(f[k] == v for k, v in where.items())]
        if not fields:
            return found
        return [tuple(f[k] for k in fields) if len(fields) > 1 else f[fields[0]] for f in found]

    def meta(self, key):
        values = self.of('meta', 'value', key=key)
        return values[-1] if values else None

    def warnings(self):
        return self.of('warning', 'message')


class Cursor(object):
    def __init__(self, data):
        self.data, self.off = data, 0

    def take(self, fmt):
        fmt = '>' + fmt
        values = struct.unpack_from(fmt, self.data, self.off)
        self.off += struct.calcsize(fmt)
        return values[0] if len(values) == 1 else values

    def many(self, fmt):
        n = self.take('I')
        return [self.take(fmt) for _ in range(n)]

    def text(self, n=None):
        n = self.take('H') if n is None else n
        s = self.data[self.off:self.off + n]
        self.off += n
        return s.decode('utf-8')


def parse_pyheap(data):
    """{address: (type, size, content, referents, attributes, repr)}, {type: name}, well-known types."""
    c = Cursor(data)
    c.take('QI')
    c.text()
    flags = c.take('Q')
    known = {}
    for _ in range(c.take('I')):
        name = c.text()
        known[name] = c.take('Q')
    for _ in range(c.take('I')):
        c.text()
        c.take('BB')
        for _ in range(c.take('I')):
            c.text()
            c.take('I')
            c.text()
            for _ in range(c.take('I')):
                c.text()
                c.take('Q')
    frequent = [c.text() for _ in range(c.take('I'))]

    def attributes():
        found = []
        for _ in range(c.take('I')):
            k = c.take('h')
            name = frequent[-k - 1] if k < 0 else c.text(k)
            found.append((name, c.take('Q')))
        return found

    common = set()
    for _ in range(c.take('I')):
        common.add(c.take('Q'))
        attributes()
    objects = {}
    sequences = [known[n] for n in ('list', 'tuple', 'set')]
    for _ in range(c.take('I')):
        addr, kind, size = c.take('QQI')
        content = []
        if kind == known['dict']:
            content = c.many('QQ')
        elif kind in sequences:
            content = c.many('Q')
        referents = c.many('Q')
        attrs = attributes() if kind not in common else []
        text = c.text() if flags & 1 and kind != known['dict'] and kind not in sequences else None
        objects[addr] = (kind, size, content, referents, attrs, text)
    names = {}
    for _ in range(c.take('I')):
        addr = c.take('Q')
        names[addr] = c.text()
    return objects, names, known


class TracesOnly(pickle.Unpickler):
    """Reads a tracemalloc pickle without tracemalloc: its traces as the file has them."""

    class Record(object):
        pass

    def find_class(self, module, name):
        assert module == 'tracemalloc' and name in ('Snapshot', '_Traces')
        return self.Record
