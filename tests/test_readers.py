# SPDX-License-Identifier: GPL-3.0-or-later
"""The readers of other tools' files against what those tools say of the same files, and against second opinions of this test."""
import collections
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import readers
from readers import Facts, sample, unpacked

MPROF = shutil.which('mprof') or shutil.which('python3-mprof')
PROGRAM_THAT_GROWS = '''
import time
held = []
for i in range(15):
    held.append(bytearray(b'x' * (3 << 20)))
    time.sleep(0.1)
'''

STRONG, WEAK, TYPE = 0, 1, 2
LABEL_NONE, LABEL_STRING, LABEL_INDEX, LABEL_KEY = 0, 1, 2, 3


class ReaderTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, data, name='dump'):
        path = os.path.join(self.dir, name)
        with open(path, 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path


class Mprof(ReaderTest):
    def samples_of(self, path):
        """(time, bytes) of the MEM lines, by another way than the reader's."""
        found = []
        for line in open(path):
            if line.startswith('MEM '):
                mib, when = line.split()[1:]
                found.append((float(when), int(round(float(mib) * 2 ** 20))))
        return found

    def test_samples_equal_the_file(self):
        for name in 'mprof-sample.dat', 'mprof-func.dat', 'mprof-children.dat':
            path = sample('mprof', name)
            facts = Facts('mprof', path)
            got = [(round(t, 4), v) for t, v in facts.of('sample', 'time', 'value', name='rss')]
            self.assertEqual(got, self.samples_of(path))
            self.assertEqual(len(got), 13 if name != 'mprof-func.dat' else 12 + 1)
            self.assertEqual(facts.warnings(), [])

    @unittest.skipUnless(MPROF, 'mprof is not installed')
    def test_recording_of_mprof_itself(self):
        program, path = self.write(PROGRAM_THAT_GROWS, 'grows.py'), os.path.join(self.dir, 'real.dat')
        run = dict(cwd=self.dir, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, universal_newlines=True)
        subprocess.check_output([MPROF, 'run', '-o', path, sys.executable, program], **run)
        said = subprocess.check_output([MPROF, 'peak', path], **run)
        values = Facts('mprof', path).of('sample', 'value', name='rss')
        self.assertEqual(len(values), len(self.samples_of(path)))
        self.assertGreater(len(values), 5)
        self.assertIn('%.3f MiB' % (max(values) / 2.0 ** 20), said)

    def test_function_before_command_line(self):
        facts = Facts('mprof', sample('mprof', 'mprof-func.dat'))
        (mark,) = facts.of('mark')
        self.assertEqual(mark['name'], '__main__.leak')
        self.assertEqual((mark['start'], mark['end']), (1795217434.6959, 1795217435.3059))
        self.assertEqual(mark['bytes_end'], int(round(27.5195 * 2 ** 20)))
        self.assertEqual(mark['level'], 0)
        self.assertEqual(facts.meta('cmdline'), '/usr/bin/python3 prog_prof.py')

    def test_names_with_spaces_levels_and_children(self):
        path = self.write('CMDLINE python x.py\nsecond line of it\nMEM -1.0 1795217436.0\n'
                          'CHLD 27961 13.5 1795216349.0210\n'
                          'FUNC .block 3 21.5 1795216348.0446 50.25 1795216348.6094\n'
                          'FUNC .block 4 21.5 1795216348.0446 50.25 1795216348.6094 2\n')
        facts = Facts('mprof', path)
        self.assertEqual(facts.of('mark', 'name', 'level'), [('.block 3', -1), ('.block 4', 2)])
        self.assertEqual(facts.of('sample', 'value', 'pid'), [(int(13.5 * 2 ** 20), 27961)])
        self.assertEqual(len(facts.warnings()), 2)  # memory of -1 MiB, and a line of nobody

    def test_cut_within_a_number_leaves_the_sample_out(self):
        data = open(sample('mprof', 'mprof-sample.dat'), 'rb').read()
        facts = Facts('mprof', self.write(data[:-4]))
        self.assertEqual(len(facts.of('sample')), 12)
        self.assertEqual(len(facts.warnings()), 1)


class Heapy(ReaderTest):
    def rows_of(self, path):
        packages = []
        for line in open(path):
            if line.startswith('.loader'):
                packages.append([])
            elif line.startswith('.r: '):
                count, size, name = line[4:].rstrip('\n').split(' ', 2)
                packages[-1].append((int(count), int(size), name))
        return packages

    def test_rows_equal_the_file(self):
        for name, count in ('py3.11.7-heap.hpy', 1), ('py3.11.7-series.hpy', 3), ('py3.13.0-heap-byrcs.hpy', 1):
            path = sample('guppy3', name)
            facts = Facts('heapy', path)
            packages = self.rows_of(path)
            self.assertEqual(len(packages), count)
            for series, rows in enumerate(packages):
                self.assertEqual(facts.of('census', 'count', 'bytes', 'name', series=series), rows)
            self.assertEqual(facts.warnings(), [])

    def test_rows_equal_what_heapy_prints(self):
        facts = Facts('heapy', sample('guppy3', 'py3.11.7-heap.hpy'))
        text = open(sample('guppy3', 'py3.11.7-heap.txt')).read()
        total = re.search(r'a set of (\d+) objects. Total size = (\d+) bytes', text)
        rows = facts.of('census', 'count', 'bytes')
        self.assertEqual(sum(r[0] for r in rows), int(total.group(1)))
        self.assertEqual(sum(r[1] for r in rows), int(total.group(2)))
        self.assertEqual(facts.of('sample', 'value', name='heap'), [int(total.group(2))])
        printed = re.findall(r'^ +\d+ +(\d+) +\d+ +(\d+) +\d+ +\d+ +\d+ (.*)$', text, re.M)
        self.assertEqual(len(printed), 10)
        got = facts.of('census', 'count', 'bytes', 'name')[:10]
        self.assertEqual(got, [(int(c), int(s), n) for c, s, n in printed])

    def test_series_has_a_time_each(self):
        facts = Facts('heapy', sample('guppy3', 'py3.11.7-series.hpy'))
        self.assertEqual(facts.of('sample', 'time', 'value', name='objects'),
                         [(1795217432.169743, 55991), (1795217432.206950, 56991), (1795217432.244933, 57991)])

    def test_cut_keeps_whole_rows_and_says_so(self):
        data = open(sample('guppy3', 'py3.11.7-heap.hpy'), 'rb').read()
        cut = data[:len(data) // 2]
        facts = Facts('heapy', self.write(cut))
        self.assertEqual(len(facts.of('census')), cut[:cut.rindex(b'\n') + 1].count(b'\n.r: '))
        self.assertIn('of its 208 rows', facts.warnings()[0])

    def test_difference_and_id_rows(self):
        head = '.loader: _load_stat\n.format: %s\n.timemade: 5.5\n'
        path = self.write(head % 'DiffFormat' + '.b_count: 100\n.b_size: 1000\n.count: 2\n.size: -48\n'
                          '.kindheader: Kind (class / dict of class)\n.kindname: \n.numrows: 1\n'
                          '.r: 2 -48  two spaces\n.end: .loader: _load_stat\n' +
                          head % 'IdFormat' + '.count: 1\n.size: 7\n.numrows: 1\n.r: 7 str: \'x y\'\n')
        facts = Facts('heapy', path)
        self.assertEqual(facts.of('census', 'count', 'bytes', 'name', 'series'),
                         [(2, -48, ' two spaces', 0), (1, 7, "str: 'x y'", 1)])
        self.assertEqual(facts.of('sample', 'value', name='heap'), [952, 7])
        self.assertEqual(len(facts.warnings()), 1)  # the last package has no end line


class Meliae(ReaderTest):
    @classmethod
    def setUpClass(cls):
        cls.packed = sample('meliae', 'py2.7-small.meliae.json.zst')
        cls.data = unpacked('meliae', 'py2.7-small.meliae.json.zst')
        cls.lines = [json.loads(line) for line in cls.data.decode('ascii').splitlines()]
        cls.facts = Facts('meliae', cls.packed)

    def test_objects_equal_the_file(self):
        types = dict(self.facts.of('type', 'id', 'name'))
        got = [(a, types[t], s) for a, t, s in self.facts.of('object', 'addr', 'type', 'size')]
        self.assertEqual(got, [(o['address'], o['type'], o['size']) for o in self.lines])
        self.assertEqual(collections.Counter(t for _, t, _ in got)['Node'], 50)
        self.assertEqual(self.facts.warnings(), [])

    def test_references_equal_the_file(self):
        got = [(f['src'], [r[0] for r in f['refs']]) for f in self.facts.of('references')]
        self.assertEqual(got, [(o['address'], o['refs']) for o in self.lines])

    def test_reference_to_own_type(self):
        node = [o for o in self.lines if o['type'] == 'type' and o.get('name') == 'Node']
        kinds = {f['src']: dict((r[0], r[1]) for r in f['refs']) for f in self.facts.of('references')}
        for o in self.lines:
            if o['type'] == 'Node':
                self.assertEqual(kinds[o['address']][node[0]['address']], TYPE)
        self.assertEqual(self.facts.of('type', 'addr', name='Node'), [node[0]['address']])

    def test_values(self):
        values = dict(self.facts.of('value', 'addr', 'text'))
        for o in self.lines:
            if o['type'] == 'str' and re.match(r'^[a-z0-9_-]+$', o.get('value', '')):
                self.assertEqual(values[o['address']], "'%s'" % o['value'])
            elif o['type'] == 'int':
                self.assertEqual(values[o['address']], str(o['value']))
        self.assertEqual(len([v for v in values.values() if v.startswith("'node-")]), 50)

    def test_gzip_first_line_wins_and_array(self):
        a = '{"address": 4096, "type": "str", "size": 44, "len": 7, "value": "a\\/\\"\\u00e9\\\\", "refs": []}'
        b = '{"address": 8192, "type": "list", "size": 72, "len": 2, "refs": [4096, 4096, 12288]}'
        again = a.replace('"size": 44', '"size": 9999')
        path = self.write('[\n' + ',\n'.join([a, b, again, b]) + '\n]\n')
        subprocess.check_call(['gzip', path])
        facts = Facts('meliae', path + '.gz')
        self.assertEqual(facts.of('object', 'addr', 'size'), [(4096, 44), (8192, 72)])
        self.assertEqual([[r[0] for r in f['refs']] for f in facts.of('references')], [[], [4096, 4096, 12288]])
        self.assertEqual(facts.of('value', 'text'), [u"'a/\"\u00e9\\\\'"])
        self.assertEqual(facts.warnings(), ['2 lines repeat an object and were left out'])

    def test_cut_keeps_whole_lines(self):
        cut = self.data[:len(self.data) // 3]
        facts = Facts('meliae', self.write(cut))
        self.assertEqual(len(facts.of('object')), cut.count(b'\n'))
        self.assertEqual(len(facts.of('references')), cut.count(b'\n'))
        self.assertIn('within an object', facts.warnings()[0])

    def test_damaged_lines_are_left_out(self):
        lines = self.data.splitlines(True)
        lines[5] = lines[5][:20] + b'\n'
        lines[9] = lines[9].replace(b'"size": ', b'"size": -')
        lines[11] = b'\xff\xfe\n'
        facts = Facts('meliae', self.write(b''.join(lines)))
        self.assertEqual(len(facts.of('object')), len(lines) - 3)
        self.assertEqual(len(facts.of('references')), len(lines) - 3)
        self.assertEqual(len(facts.warnings()), 3)


class PyHeap(ReaderTest):
    @classmethod
    def setUpClass(cls):
        cls.packed = sample('pyheap', 'py3.11-small.pyheap.zst')
        cls.data = unpacked('pyheap', 'py3.11-small.pyheap.zst')
        cls.objects, cls.names, cls.known = readers.parse_pyheap(cls.data)
        cls.facts = Facts('pyheap', cls.packed)

    def test_objects_equal_the_file(self):
        types = dict(self.facts.of('type', 'id', 'addr'))
        got = {a: (types[t], s) for a, t, s in self.facts.of('object', 'addr', 'type', 'size')}
        self.assertEqual(got, {a: o[:2] for a, o in self.objects.items()})
        self.assertEqual(self.facts.warnings(), [])

    def test_type_names_have_their_module(self):
        names = dict(self.facts.of('type', 'addr', 'name'))
        self.assertEqual({a: n.rsplit('.', 1)[-1] for a, n in names.items()}, {a: self.names[a] for a in names})
        self.assertLessEqual({'__main__.Node', '__main__.Pt', 'builtins.dict', 'weakref.ReferenceType'},
                             set(names.values()))
        self.assertEqual(self.facts.of('type', 'module', name='__main__.Node'), ['__main__'])
        self.assertEqual(self.facts.of('type', 'module', name='builtins.int'), ['builtins'])

    def test_references_equal_the_file(self):
        got = {f['src']: collections.Counter(r[0] for r in f['refs']) for f in self.facts.of('references')}
        for addr, (_, _, content, referents, _, _) in self.objects.items():
            flat = [a for c in content for a in (c if isinstance(c, tuple) else (c,))]
            self.assertEqual(got[addr], collections.Counter(flat + referents))

    def test_labels(self):
        strings = dict(self.facts.of('string', 'id', 'text'))
        refs = {f['src']: f['refs'] for f in self.facts.of('references')}
        nodes = 0
        for addr, (kind, _, content, _, attrs, _) in self.objects.items():
            if kind == self.known['dict']:
                self.assertEqual([(r[3], r[0]) for r in refs[addr] if r[2] == LABEL_KEY], content)
            elif kind in (self.known['list'], self.known['tuple']):
                self.assertEqual([r[3] for r in refs[addr] if r[2] == LABEL_INDEX], list(range(len(content))))
            elif self.names[kind] == 'Node':
                nodes += 1
                labels = {strings[r[3]]: r[0] for r in refs[addr] if r[2] == LABEL_STRING}
                self.assertEqual(labels['.name'], dict(attrs)['name'])
                self.assertEqual(labels['.children'], dict(attrs)['children'])
                self.assertEqual([r[0] for r in refs[addr] if r[1] == TYPE], [kind])
        self.assertEqual(nodes, 50)

    def test_threads_frames_and_locals(self):
        self.assertEqual(self.facts.of('thread', 'name', 'state', 'daemon'), [('MainThread', 'alive', 0)])
        self.assertEqual(self.facts.of('frame', 'function', 'line', 'depth'), [('<module>', 4, 0)])
        local = dict(self.facts.of('local', 'name', 'addr'))
        self.assertEqual(self.names[self.objects[local['n']][0]], 'Node')
        self.assertIn((local['data'], 'frame'), self.facts.of('root', 'addr', 'kind'))

    def test_values(self):
        values = dict(self.facts.of('value', 'addr', 'text'))
        for addr, o in self.objects.items():
            if o[0] == self.known['str'] and re.match(r'^[\w .-]*\Z', o[5]):
                self.assertEqual(values[addr], "'%s'" % o[5])
            elif o[0] == self.known['int'] and len(o[5]) < 40:
                self.assertEqual(values[addr], o[5])

    def test_killed_writer(self):
        # A count of 0 stands where it would have been patched in, and the end is missing.
        count = len(self.objects)
        at = self.data.index(count.to_bytes(4, 'big') + list(self.objects)[0].to_bytes(8, 'big'))
        cut = self.data[:at] + b'\0\0\0\0' + self.data[at + 4:len(self.data) // 2]
        facts = Facts('pyheap', self.write(cut))
        whole = self.facts.of('object', 'addr', 'size')
        got = facts.of('object', 'addr', 'size')
        self.assertGreater(len(got), 10000)
        self.assertEqual(got, whole[:len(got)])
        self.assertEqual(len(facts.of('references')), len(got))
        self.assertIn('not completed', facts.warnings()[0])
        self.assertIn('builtins.dict', facts.of('type', 'name'))

    def test_other_version_is_refused(self):
        with self.assertRaisesRegex(RuntimeError, 'version 2'):
            Facts('pyheap', self.write(self.data[:8] + b'\0\0\0\2' + self.data[12:]))


class Tracemalloc(ReaderTest):
    def check_against_tool(self, path, report):
        facts = Facts('tracemalloc', path)
        kinds = {'lineno': 'line', 'filename': 'file', 'traceback': 'traceback'}
        want = collections.defaultdict(dict)
        for line in open(report):
            kind, count, size, name = line.rstrip('\n').split('\t')
            # The tool gives a file the line 0.
            want[kinds[kind]][name[:-2] if kind == 'filename' else name] = (int(count), int(size))
        for kind in kinds.values():
            got = {n: (c, b) for n, c, b in facts.of('census', 'name', 'count', 'bytes', kind=kind)}
            self.assertEqual(got, want[kind])
            self.assertTrue(got)
        self.assertEqual(facts.warnings(), [])
        return facts

    def test_statistics_equal_those_of_tracemalloc(self):
        names = sorted(n for n in os.listdir(sample('tracemalloc')) if n.endswith('.pickle'))
        self.assertGreaterEqual(len(names), 6)
        for name in names:
            path = sample('tracemalloc', name)
            facts = self.check_against_tool(path, path.replace('.pickle', '.txt'))
            with open(path, 'rb') as f:
                traces = readers.TracesOnly(f).load().traces._traces
            sizes = [t[-1 - (len(t) > 3) - 1] for t in traces]
            self.assertEqual(facts.meta('traced_blocks'), str(len(traces)))
            self.assertEqual(facts.meta('traced_bytes'), str(sum(sizes)))
            self.assertEqual(facts.meta('traceback_limit'), '4')

    def test_snapshots_of_every_python(self):
        for python in readers.pythons():
            if subprocess.run([python, '-c', 'import tracemalloc'], stderr=subprocess.DEVNULL).returncode:
                continue  # Python 2
            with self.subTest(python=python):
                path = os.path.join(self.dir, 'now.pickle')
                subprocess.check_call([python, '-c', "exec(compile(open('dump.py').read(), 'dump.py', 'exec'))", path],
                                      cwd=sample('tracemalloc'))
                self.check_against_tool(path, path.replace('.pickle', '.txt'))

    def make(self, traces, protocol=4):
        """A pickle as tracemalloc's, of these traces."""
        class Traces(object):
            pass
        Traces.__module__, Traces.__qualname__, Traces.__name__ = 'tracemalloc', '_Traces', '_Traces'
        import tracemalloc
        snapshot = tracemalloc.Snapshot([], 1)
        snapshot.traces._traces = traces
        return pickle.dumps(snapshot, protocol)

    def test_shape_of_3_4_domains_and_large_numbers(self):
        frames = (('a.py', 1), ('b.py', 70000))
        for protocol in 2, 3, 4:
            old = Facts('tracemalloc', self.write(self.make([(10, frames), (5 << 32, frames)], protocol)))
            self.assertEqual(old.of('census', 'name', 'count', 'bytes', kind='traceback'),
                             [('a.py:1 < b.py:70000', 2, (5 << 32) + 10)])
        new = Facts('tracemalloc', self.write(self.make([(0, 1, frames, 2), (7, 2, frames[:1], 9)])))
        self.assertEqual(new.of('census', 'name', 'count', 'bytes', kind='domain'), [('0', 1, 1), ('7', 1, 2)])
        self.assertEqual(new.of('census', 'name', 'count', 'bytes', kind='line'), [('a.py:1', 2, 3)])

    def test_cut_keeps_the_traces_before(self):
        data = open(sample('tracemalloc', 'py3.13.0.pickle'), 'rb').read()
        # Traces are appended in batches: a small file is cut before its only one.
        many = self.make([(0, i, (('x.py', i % 7),), 1) for i in range(5000)])
        facts = Facts('tracemalloc', self.write(many[:len(many) // 2]))
        blocks = int(facts.meta('traced_blocks'))
        self.assertTrue(1000 <= blocks < 5000 and blocks % 1000 == 0, blocks)
        self.assertIn('ends within it', facts.warnings()[0])
        self.assertEqual(sum(facts.of('census', 'count', kind='line')), blocks)
        self.assertIn('ends within it', Facts('tracemalloc', self.write(data[:-20])).warnings()[0])

    def test_nothing_is_executed(self):
        class Evil(object):
            def __reduce__(self):
                return os.mkdir, (os.path.join(evil_dir, 'executed'),)
        evil_dir = self.dir
        data = self.make([Evil()])
        facts = Facts('tracemalloc', self.write(data))
        self.assertFalse(os.path.exists(os.path.join(self.dir, 'executed')))
        self.assertIn('has no place in it', facts.warnings()[0])


class Smaps(ReaderTest):
    def setUp(self):
        ReaderTest.setUp(self)
        self.child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE)
        self.addCleanup(self.child.wait)
        self.addCleanup(self.child.stdin.close)
        time.sleep(0.3)

    def proc(self, name):
        with open('/proc/%d/%s' % (self.child.pid, name)) as f:
            return f.read()

    def total(self, text, field):
        return 1024 * sum(int(n) for n in re.findall(r'^%s:\s+(\d+) kB' % field, text, re.M))

    def test_smaps_with_times(self):
        smaps = self.proc('smaps')
        facts = Facts('smaps', self.write('1795217436\n' + smaps + '1795217446.5\n' + smaps))
        self.assertEqual(facts.of('sample', 'time', 'value', name='rss'),
                         [(1795217436.0, self.total(smaps, 'Rss')), (1795217446.5, self.total(smaps, 'Rss'))])
        self.assertEqual(facts.of('sample', 'value', name='pss')[0], self.total(smaps, 'Pss'))
        self.assertEqual(facts.of('sample', 'value', name='uss')[0],
                         self.total(smaps, 'Private_Clean') + self.total(smaps, 'Private_Dirty'))
        self.assertEqual(facts.warnings(), [])
        maps = [(int(a, 16), int(b, 16), p or None) for a, b, p in
                re.findall(r'^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$', smaps, re.M)]
        self.assertEqual(facts.of('mapping', 'start', 'end', 'path'), maps)
        self.assertEqual(sum(facts.of('memory', 'bytes')), self.total(smaps, 'Rss'))
        self.assertIn('heap', facts.of('memory', 'category'))

    def test_status_with_rollup_and_dates(self):
        status, rollup = self.proc('status'), self.proc('smaps_rollup')
        facts = Facts('smaps', self.write('2026-11-20T23:47:56+01:00\n' + status + rollup +
                                          'Fri Nov 20 23:47:56 UTC 2026\n' + status + rollup))
        self.assertEqual(facts.of('sample', 'time', 'value', name='rss'),
                         [(1795214876.0, self.total(rollup, 'Rss')), (1795218476.0, self.total(rollup, 'Rss'))])
        self.assertEqual(facts.of('sample', 'value', name='size')[0], self.total(status, 'VmSize'))
        self.assertEqual(set(facts.of('sample', 'pid')), {self.child.pid})
        self.assertEqual(facts.of('sample', 'value', name='threads'), [1, 1])

    def test_without_times(self):
        smaps = self.proc('smaps')
        one = self.write(smaps, 'one')
        self.assertEqual(Facts('smaps', one).of('sample', 'time', name='rss'), [int(os.stat(one).st_mtime)])
        two = Facts('smaps', self.write(smaps + smaps, 'two'))
        self.assertEqual(two.of('sample', 'time', name='rss'), [0, 1])
        self.assertEqual(len(two.warnings()), 1)

    def test_smaps_and_its_rollup_are_not_added(self):
        smaps, rollup = self.proc('smaps'), self.proc('smaps_rollup')
        facts = Facts('smaps', self.write('1795217436\n' + smaps + rollup))
        self.assertEqual(facts.of('sample', 'value', name='rss'),
                         [self.total(smaps, 'Rss'), self.total(rollup, 'Rss')])


class Damage(unittest.TestCase):
    """Cut and damaged copies of every sample: no crash, no broken promise. The copies are the same every time."""
    ROUNDS = int(os.environ.get('FUZZ_ROUNDS', '150'))

    def run_target(self, fmt, paths, rounds):
        out = subprocess.run([os.path.join(readers.BUILDDIR, 'tests', 'fuzz', 'fuzz_' + fmt), '-r', str(rounds)] + paths,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        self.assertEqual(out.returncode, 0, out.stdout[-2000:].decode('utf-8', 'replace'))

    def in_parts(self, fmt, data, size):
        """Large files one stretch at a time: a damaged byte is seldom seen in megabytes."""
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'part')
            with open(path, 'wb') as f:
                f.write(data[:size])
            self.run_target(fmt, [path], self.ROUNDS)
            whole = os.path.join(d, 'whole')
            with open(whole, 'wb') as f:
                f.write(data)
            self.run_target(fmt, [whole], 3)

    def all_of(self, name):
        d = sample(name)
        return [os.path.join(d, n) for n in sorted(os.listdir(d)) if not n.endswith(('.txt', '.py'))]

    def test_heapy(self):
        self.run_target('heapy', self.all_of('guppy3'), self.ROUNDS)

    def test_mprof(self):
        self.run_target('mprof', self.all_of('mprof'), self.ROUNDS)

    def test_tracemalloc(self):
        self.run_target('tracemalloc', self.all_of('tracemalloc'), self.ROUNDS)

    def test_meliae(self):
        self.in_parts('meliae', unpacked('meliae', 'py2.7-small.meliae.json.zst'), 40000)

    def test_pyheap(self):
        self.in_parts('pyheap', unpacked('pyheap', 'py3.11-small.pyheap.zst'), 60000)

    def test_smaps(self):
        with tempfile.NamedTemporaryFile('w') as f:
            for name in 'status', 'smaps_rollup', 'smaps':
                f.write('1795217436\n' + open('/proc/self/' + name).read())
            f.flush()
            self.run_target('smaps', [f.name], self.ROUNDS)


if __name__ == '__main__':
    unittest.main()
