# SPDX-License-Identifier: GPL-3.0-or-later
"""necropsy_snapshot.py in services that live a moment, by every Python at hand; what it wrote, as its reader tells it."""
import collections
import glob
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cgroups
import readers
from readers import Facts

SERVICE = r'''
import os, sys, threading, time
sys.path.insert(0, sys.argv[1])
import necropsy_snapshot

class Node(object):
    registry = {}
    def __init__(self, i):
        self.i = i
        self.name = 'node-%d' % i
        self.children = []
        Node.registry[i] = self

class Pt(object):
    __slots__ = ('x', 'y')
    def __init__(self, x):
        self.x = x
        self.y = [x]

nodes = [Node(i) for i in range(50)]
pts = [Pt('x-%d' % i) for i in range(30)]
started = threading.Event()

def work():
    in_worker = Node(1000)
    started.set()
    time.sleep(60)

worker = threading.Thread(target=work, name='worker')
worker.daemon = True
worker.start()
started.wait()
'''


class SnapshotTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def start(self, code, python=sys.executable, preexec_fn=None):
        # The module is copied: a Python 2 would leave its .pyc beside it.
        shutil.copy(os.path.join(readers.SRCDIR, 'formats', 'necropsy_snapshot.py'), self.dir)
        path = os.path.join(self.dir, 'service.py')
        with open(path, 'w') as f:
            f.write(SERVICE + code)
        return subprocess.Popen([python, path, self.dir, self.out()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=preexec_fn)

    def run_service(self, code, python=sys.executable):
        p = self.start(code, python)
        out, err = p.communicate(timeout=300)
        self.status, self.stderr = p.returncode, err.decode()
        return out.decode()

    def out(self):
        return os.path.join(self.dir, 'out')

    def files(self):
        return sorted(glob.glob(os.path.join(self.out(), '*.nsnap.gz')), key=lambda p: int(p.split('-')[-1].split('.')[0]))

    def test_objects_and_references_by_every_python(self):
        for python in readers.pythons():
            with self.subTest(python=python):
                shutil.rmtree(self.out(), ignore_errors=True)
                said = self.run_service(
                    "necropsy_snapshot.install(dir=sys.argv[2], objects=True, values=True, share=None)\n"
                    "print(' '.join(str(id(o)) for o in (nodes[7], nodes[7].children, Node.registry, pts[3], pts[3].y, Node)))\n"
                    "assert necropsy_snapshot.take(wait=True)\n", python)
                self.assertEqual(self.status, 0, self.stderr)
                node, children, registry, pt, y, cls = map(int, said.split())
                (path,) = self.files()
                facts = Facts('snapshot', path)
                self.assertEqual(facts.warnings(), [])
                names = dict(facts.of('type', 'id', 'name'))
                types = {a: names[t] for a, t in facts.of('object', 'addr', 'type')}
                counts = collections.Counter(types.values())
                self.assertEqual((counts['__main__.Node'], counts['__main__.Pt']), (51, 30))
                self.assertEqual({n: (c, b) for n, c, b in facts.of('census', 'name', 'count', 'bytes') if c},
                                 self.sums(facts, names))
                self.assertEqual((types[node], types[pt], types[registry]), ('__main__.Node', '__main__.Pt', 'builtins.dict'))
                self.assertEqual(facts.of('type', 'addr', name='__main__.Node'), [cls])
                strings = dict(facts.of('string', 'id', 'text'))
                refs = {f['src']: f['refs'] for f in facts.of('references')}
                self.assertEqual({strings[r[3]]: r[0] for r in refs[pt] if r[2] == 1}['.y'], y)
                # Before 3.11 there is a dict between an instance and its attributes; then its keys name them.
                values = dict(facts.of('value', 'addr', 'text'))
                labels = {strings[r[3]]: r[0] for r in refs[node] if r[2] == 1}
                if '.__dict__' in labels:
                    labels = {'.' + values[r[3]].strip("'"): r[0] for r in refs[labels['.__dict__']] if r[2] == 3}
                self.assertEqual(labels['.children'], children)
                self.assertEqual(values[labels['.name']], "'node-7'")
                held = [r[0] for r in refs[registry] if r[2] == 3]
                self.assertEqual(len(held), 51)
                self.assertIn(node, held)

    def sums(self, facts, names):
        sums = collections.defaultdict(lambda: (0, 0))
        for t, size in facts.of('object', 'type', 'size'):
            count, total = sums[names[t]]
            sums[names[t]] = count + 1, total + size
        return dict(sums)

    def test_counts_threads_and_meta(self):
        self.run_service("necropsy_snapshot.install(dir=sys.argv[2], name='web 1', share=None)\n"
                         "necropsy_snapshot.take(wait=True)\n")
        (path,) = self.files()
        self.assertTrue(os.path.basename(path).startswith('web_1-'))
        facts = Facts('snapshot', path)
        counts = dict(facts.of('census', 'name', 'count'))
        self.assertEqual(counts['__main__.Node'], 51)
        self.assertEqual(facts.of('object'), [])
        self.assertEqual(sorted(facts.of('thread', 'name')), ['MainThread', 'worker'])
        self.assertIn('work', facts.of('frame', 'function'))
        self.assertEqual((facts.meta('scope'), facts.meta('reason')), ('tracked', 'asked'))
        self.assertAlmostEqual(float(facts.meta('captured_at')), time.time(), delta=120)
        self.assertGreater(facts.of('sample', 'value', name='rss')[0], 1 << 20)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_signal_and_keep(self):
        p = self.start("necropsy_snapshot.install(dir=sys.argv[2], keep=2, share=None)\n"
                       "print('up'); sys.stdout.flush()\n"
                       "while True: time.sleep(0.05)\n")
        try:
            p.stdout.readline()
            for number in range(1, 5):
                end = time.time() + 60
                while not any(f.endswith('-%d.nsnap.gz' % number) for f in self.files()) and time.time() < end:
                    os.kill(p.pid, signal.SIGUSR2)  # one that comes while a writer is at work is passed over
                    time.sleep(0.3)
            self.assertGreater(len(self.files()), 0)
            first = int(self.files()[0].rsplit('-', 1)[1].split('.')[0])
            time.sleep(0.2)
            self.assertGreaterEqual(first, 3)
            self.assertLessEqual(len(self.files()), 3)  # two, and one that may just have come
            self.assertEqual(Facts('snapshot', self.files()[0]).meta('reason'), 'signal')
            self.assertIsNone(p.poll())
        finally:
            p.kill()
            p.communicate()

    def test_every_occasion_by_every_python(self):
        code = ("necropsy_snapshot.install(dir=sys.argv[2], every=0.7, keep=None, share=0.5, limit=200 << 20, poll=0.05)\n"
                "print('up'); sys.stdout.flush()\n"
                "sys.stdin.readline()\nballast = bytearray(150 << 20)\nsys.stdin.readline()\ndel ballast\n[0] * (1 << 60)\n")
        for python in readers.pythons():
            with self.subTest(python=python):
                shutil.rmtree(self.out(), ignore_errors=True)
                p = self.start(code, python)
                try:
                    p.stdout.readline()
                    self.await_reason('every')
                    self.await_reason('signal', lambda: os.kill(p.pid, signal.SIGUSR2))
                    p.stdin.write(b'\n')
                    p.stdin.flush()
                    self.await_reason('limit')
                    p.stdin.write(b'\n')
                    p.stdin.flush()
                    self.await_reason('MemoryError', p.poll)
                    _, err = p.communicate(timeout=60)
                    self.assertIn(b'MemoryError', err)
                    self.assertEqual(p.returncode, 1)
                finally:
                    if p.poll() is None:
                        p.kill()
                        p.communicate()
                for path in self.files():
                    facts = Facts('snapshot', path)
                    self.assertEqual(dict(facts.of('census', 'name', 'count'))['__main__.Node'], 51)
                    self.assertEqual(facts.warnings(), [])

    def await_reason(self, reason, again=lambda: None):
        """A snapshot for that reason; one that comes while a writer is at work is passed over, so the occasion is repeated."""
        end = time.time() + 60
        while time.time() < end:
            if reason in [Facts('snapshot', f).meta('reason') for f in self.files()]:
                return
            again()
            time.sleep(0.3)
        self.fail('no snapshot because of: %s' % reason)

    def test_clock_and_limit(self):
        p = self.start("necropsy_snapshot.install(dir=sys.argv[2], every=0.3, share=0.5, limit=200 << 20, poll=0.05)\n"
                       "time.sleep(1)\nballast = bytearray(150 << 20)\nprint('up'); sys.stdout.flush()\ntime.sleep(60)\n")
        try:
            p.stdout.readline()
            end = time.time() + 30
            reasons = []
            while 'limit' not in reasons and time.time() < end:
                reasons = [Facts('snapshot', f).meta('reason') for f in self.files()]
            self.assertIn('every', reasons)
            self.assertEqual(reasons.count('limit'), 1)
        finally:
            p.kill()
            p.communicate()

    def test_share_of_the_limit_of_a_cgroup(self):
        try:
            group = cgroups.MemoryCgroup(400 << 20)
        except cgroups.CannotMake as e:
            self.skipTest(str(e))
        self.addCleanup(group.remove)
        p = self.start("necropsy_snapshot.install(dir=sys.argv[2], share=0.5, poll=0.05)\nprint('up'); sys.stdout.flush()\n"
                       "sys.stdin.readline()\nballast = bytearray(220 << 20)\nballast[::4096] = b'x' * (220 << 8)\ntime.sleep(60)\n",
                       preexec_fn=group.enter)
        try:
            p.stdout.readline()
            time.sleep(1)
            self.assertEqual(self.files(), [])
            p.stdin.write(b'\n')
            p.stdin.flush()
            self.await_reason('limit')
            self.assertEqual(len(self.files()), 1)
        finally:
            p.kill()
            p.communicate()

    def test_snapshot_at_a_limit_is_taken_again_when_its_writer_was_killed(self):
        # A writer that writes slowly enough to be met at work.
        p = self.start("line = necropsy_snapshot._Writer.line\n"
                       "necropsy_snapshot._Writer.line = lambda *a: (time.sleep(0.002), line(*a))\n"
                       "necropsy_snapshot.install(dir=sys.argv[2], share=0.5, limit=200 << 20, poll=0.05)\n"
                       "ballast = bytearray(150 << 20)\nballast[::4096] = b'x' * (150 << 8)\nprint('up'); sys.stdout.flush()\n"
                       "time.sleep(60)\n")
        try:
            p.stdout.readline()
            os.kill(self.writer_of(p.pid), signal.SIGKILL)
            self.await_reason('limit')
            self.assertIsNone(p.poll())
        finally:
            p.kill()
            p.communicate()

    def writer_of(self, pid):
        end = time.time() + 60
        while time.time() < end:
            for thread in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/children' % (pid, thread)) as f:
                    children = f.read().split()
                if children:
                    return int(children[0])
            time.sleep(0.01)
        self.fail('nothing is written')

    def test_memory_error_in_thread_and_program(self):
        self.run_service("necropsy_snapshot.install(dir=sys.argv[2], share=None)\n"
                         "t = threading.Thread(target=lambda: [0] * (1 << 60)); t.start(); t.join()\n"
                         "bytearray(1 << 62)\n")
        self.assertEqual(self.status, 1)
        self.assertIn('MemoryError', self.stderr)
        self.assertEqual([Facts('snapshot', f).meta('reason') for f in self.files()], ['MemoryError'] * 2)

    def test_full_disk_writes_nothing(self):
        said = self.run_service("necropsy_snapshot.install(dir=sys.argv[2], share=None, min_free=1 << 60)\n"
                                "print(necropsy_snapshot.take(wait=True))\n")
        self.assertEqual(said.strip(), 'None')
        self.assertEqual(os.listdir(self.out()), [])

    def test_service_goes_on_as_before_after_uninstall(self):
        said = self.run_service("import signal\nbefore = signal.getsignal(signal.SIGUSR2), sys.excepthook\n"
                                "necropsy_snapshot.install(dir=sys.argv[2])\nnecropsy_snapshot.uninstall()\n"
                                "print(before == (signal.getsignal(signal.SIGUSR2), sys.excepthook), threading.active_count())\n")
        self.assertEqual(said.split(), ['True', '2'])

    def test_cut_and_damaged(self):
        self.run_service("necropsy_snapshot.install(dir=sys.argv[2], objects=True, values=True, share=None)\n"
                         "necropsy_snapshot.take(wait=True)\n")
        text = gzip.open(self.files()[0]).read()
        cut = text[:len(text) // 2]
        path = os.path.join(self.dir, 'cut')
        with open(path, 'wb') as f:
            f.write(cut)
        facts = Facts('snapshot', path)
        self.assertEqual(len(facts.of('object')), cut[:cut.rindex(b'\n')].count(b'\nO '))
        self.assertEqual(len(facts.of('references')), len(facts.of('object')))
        self.assertIn('the snapshot was not completed: it has no end that fits', facts.warnings())
        with open(path, 'wb') as f:
            f.write(text[:30000] + text[-3000:])
        out = subprocess.run([os.path.join(readers.BUILDDIR, 'tests', 'fuzz', 'fuzz_snapshot'), '-r', '150', path],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        self.assertEqual(out.returncode, 0, out.stdout[-2000:].decode('utf-8', 'replace'))


if __name__ == '__main__':
    unittest.main()
