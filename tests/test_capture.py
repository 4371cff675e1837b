# SPDX-License-Identifier: GPL-3.0-or-later
"""necropsy capture on processes that live meanwhile: what is in the core is what was in them, they go on, and neither a full
disk nor their death does harm."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

NECROPSY = os.environ['NECROPSY']

SERVICE = r'''
import ctypes, mmap, os, sys, threading, time

class Node(object):
    def __init__(self, i):
        self.name = 'node-%d' % i

nodes = [Node(i) for i in range(2000)]
untouched = mmap.mmap(-1, 256 << 20)
touched = mmap.mmap(-1, 4 << 20)
touched[:] = b'x' * len(touched)
shared = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_SHARED)
shared[:5] = b'share'
unwanted = mmap.mmap(-1, 8 << 20)
unwanted[:] = b'u' * len(unwanted)
if hasattr(unwanted, 'madvise'):
    unwanted.madvise(mmap.MADV_DONTDUMP)
ballast = bytearray(int(sys.argv[1]) << 20)
for i in range(0, len(ballast), 4096):
    ballast[i] = 1 + i // 4096 % 255

def work():
    time.sleep(600)

for i in range(7):
    t = threading.Thread(target=work)
    t.daemon = True
    t.start()

def address(m):
    return ctypes.addressof(ctypes.c_char.from_buffer(m))

print(address(touched), address(untouched), address(shared), address(unwanted), address(ballast), id(nodes[7]))
sys.stdout.flush()
grown = []
while True:
    time.sleep(0.02)
    print('tick')
    sys.stdout.flush()
    if os.path.exists(sys.argv[2]):
        grown.append(bytearray(b'g' * (8 << 20)))
'''


class CaptureTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir='/var/tmp')
        self.addCleanup(shutil.rmtree, self.dir)

    def start(self, ballast=1):
        path = os.path.join(self.dir, 'service.py')
        with open(path, 'w') as f:
            f.write(SERVICE)
        self.log = os.path.join(self.dir, 'log')
        with open(self.log, 'w') as log:
            p = subprocess.Popen([sys.executable, path, str(ballast), self.at('grow')], stdout=log, cwd=self.dir)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        end = time.time() + 60
        while self.ticks() < 1 and time.time() < end:
            time.sleep(0.05)
        with open(self.log) as f:
            names = 'touched', 'untouched', 'shared', 'unwanted', 'ballast', 'node'
            self.addresses = dict(zip(names, map(int, f.readline().split())))
        return p

    def ticks(self):
        with open(self.log) as f:
            return f.read().count('tick')

    def at(self, name):
        return os.path.join(self.dir, name)

    def necropsy(self, *args, **kw):
        return subprocess.run([NECROPSY] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, cwd=self.dir, timeout=300, **kw)

    def check_goes_on(self, p):
        self.assertIsNone(p.poll())
        before, end = self.ticks(), time.time() + 30
        while self.ticks() < before + 3 and time.time() < end:
            time.sleep(0.05)
        self.assertGreaterEqual(self.ticks(), before + 3)
        with open('/proc/%d/status' % p.pid) as f:
            self.assertIn('TracerPid:\t0', f.read())

    def segments(self, path):
        """[(vaddr, filesz, memsz, offset)] of the loadable segments, read without any library."""
        import struct
        with open(path, 'rb') as f:
            data = f.read(1 << 20)
        phoff, = struct.unpack_from('<Q', data, 32)
        count, = struct.unpack_from('<H', data, 56)
        found = []
        for i in range(count):
            kind, _, off, vaddr, _, filesz, memsz, _ = struct.unpack_from('<IIQQQQQQ', data, phoff + 56 * i)
            if kind == 1:
                found.append((vaddr, filesz, memsz, off))
        return found

    def memory(self, path, addr, size):
        """Bytes of the core at an address; None when they are not in it."""
        for vaddr, filesz, _, off in self.segments(path):
            if vaddr <= addr and addr + size <= vaddr + filesz:
                with open(path, 'rb') as f:
                    f.seek(off + addr - vaddr)
                    return f.read(size)
        return None

    def test_core_holds_what_the_process_held(self):
        p = self.start(ballast=3)
        done = self.necropsy('capture', '--json', '-o', 'a.core', str(p.pid))
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.check_goes_on(p)
        core = self.at('a.core')
        a = self.addresses
        self.assertEqual(self.memory(core, a['touched'], 4 << 20), b'x' * (4 << 20))
        self.assertEqual(self.memory(core, a['untouched'], 4096), bytes(4096))
        self.assertEqual(self.memory(core, a['shared'], 5), b'share')
        ballast = self.memory(core, a['ballast'], 3 << 20)
        self.assertEqual([ballast[i] for i in range(0, 3 << 20, 4096)], [1 + i % 255 for i in range(768)])
        # Untouched memory is a hole, and what the program asked to leave out is not there.
        self.assertLess(os.stat(core).st_blocks * 512, 128 << 20)
        self.assertLess(said['bytes'], 128 << 20)
        if sys.version_info >= (3, 8):
            self.assertIsNone(self.memory(core, a['unwanted'], 4096))
        self.assertEqual(os.stat(core).st_mode & 0o777, 0o600)

    def test_every_page_that_is_left_out_is_in_its_file(self):
        p = self.start()
        with open('/proc/%d/maps' % p.pid) as f:
            maps = [(int(m[0], 16), int(m[1], 16), m[2], int(m[3], 16), m[4]) for m in
                    re.findall(r'^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \S+ +(/.*)$', f.read(), re.M)]
        self.assertEqual(self.necropsy('capture', '-o', 'a.core', str(p.pid)).returncode, 0)
        compared = 0
        with open('/proc/%d/mem' % p.pid, 'rb', 0) as mem:
            for vaddr, filesz, memsz, _ in self.segments(self.at('a.core')):
                for start, end, perms, off, path in maps:
                    if filesz or not start <= vaddr < end or perms[0] != 'r' or not os.path.isfile(path):
                        continue
                    mem.seek(vaddr)
                    with open(path, 'rb') as f:
                        f.seek(off + vaddr - start)
                        inside = f.read(memsz)
                    self.assertEqual(mem.read(len(inside)), inside)
                    compared += 1
        self.assertGreater(compared, 5)

    def test_objects_as_necropsy_reads_them(self):
        p = self.start()
        done = self.necropsy('capture', '-z', '-o', 'a.core.zst', str(p.pid))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.at('a.core.zst'), 'rb') as f:
            self.assertEqual(f.read(4), b'\x28\xb5\x2f\xfd')
        load = self.necropsy('load', '-o', 'a.db', 'a.core.zst')
        self.assertLess(load.returncode, 2, load.stderr)
        counts = self.necropsy('sql', '--csv', 'a.db', "SELECT count(*) FROM object JOIN type ON type.id = object.type "
                               "WHERE type.name = '__main__.Node'")
        self.assertIn('2000', counts.stdout.split())
        self.assertIn('elf-core by necropsy capture', self.necropsy('report', 'a.db').stdout)

    @unittest.skipUnless(shutil.which('gdb') and shutil.which('gcore'), 'no gdb')
    def test_gdb_opens_it_and_gcore_says_the_same(self):
        p = self.start(ballast=64)
        done = self.necropsy('capture', '--json', '-o', 'a.core', str(p.pid))
        self.assertEqual(done.returncode, 0, done.stderr)
        start = time.time()
        subprocess.check_call(['gcore', '-o', self.at('g'), str(p.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.time() - start
        a, theirs = self.addresses, self.at('g.%d' % p.pid)
        self.assertEqual(self.memory(self.at('a.core'), a['touched'], 4 << 20), self.memory(theirs, a['touched'], 4 << 20))
        self.assertEqual(self.memory(self.at('a.core'), a['node'], 16)[8:], self.memory(theirs, a['node'], 16)[8:])
        out = subprocess.run(['gdb', '-nx', '-batch', '-ex', 'info threads', '-ex', 'x/s %d' % a['touched'], '-ex', 'info auxv',
                              os.path.realpath(sys.executable), self.at('a.core')],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout
        self.assertEqual(len(re.findall(r'^[* ] +\d+ +.*(?:LWP|Thread)', out, re.M)), 8, out)
        self.assertRegex(out, "'x' <repeats|xxxxxxxx")
        self.assertIn('AT_PHDR', out)
        said = json.loads(done.stdout)
        print('# stood still for %.3f s, file of %d KiB; gcore: %.3f s in all, %d KiB' % (
            said['pause_microseconds'] / 1e6, said['disk'] >> 10, seconds, os.stat(theirs).st_blocks // 2))

    def test_full_disk(self):
        p = self.start()
        done = self.necropsy('capture', '--min-free', str(1 << 29), '-o', 'a.core', str(p.pid))
        self.assertEqual(done.returncode, 2)
        self.assertIn('free', done.stderr)
        self.assertEqual([n for n in os.listdir(self.dir) if 'core' in n], [])
        self.check_goes_on(p)

    def test_target_killed_meanwhile_leaves_a_core_that_loads(self):
        p = self.start(ballast=512)
        capture = subprocess.Popen([NECROPSY, 'capture', '-o', 'a.core', str(p.pid)], cwd=self.dir,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        end = time.time() + 60
        path = self.at('a.core.partial')
        # The probe of the estimate is written first and cut off again; then the core grows: what is small first, so
        # that Python's own data is there when the ballast comes.
        stopped = False
        while time.time() < end and capture.poll() is None:
            with open('/proc/%d/status' % p.pid) as f:
                stopped = stopped or '(tracing stop)' in f.read()
            if stopped and os.path.exists(path) and os.stat(path).st_size > 128 << 20:
                break
        p.kill()
        out, err = capture.communicate(timeout=300)
        self.assertIn(capture.returncode, (0, 1), err)
        if capture.returncode == 1:
            self.assertIn('ended meanwhile', err)
        report = self.necropsy('report', '-o', 'a.db', 'a.core')
        self.assertLess(report.returncode, 2, report.stderr)
        self.assertIn('Python', report.stdout)

    def test_when_memory_grows_and_keep(self):
        p = self.start()
        with open('/proc/%d/statm' % p.pid) as f:
            resident = int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
        capture = subprocess.Popen([NECROPSY, 'capture', '--json', '--when', 'rss>%dMiB' % ((resident >> 20) + 20),
                                    '--keep', '1', '-o', 'a', str(p.pid)], cwd=self.dir, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, universal_newlines=True)
        time.sleep(1.5)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith('a.')], [])
        stale = self.at('a.20010101T000000Z')
        open(stale, 'w').close()
        other = self.at('a.txt')
        open(other, 'w').close()
        open(self.at('grow'), 'w').close()
        end, found = time.time() + 60, []
        while not found and time.time() < end:
            time.sleep(0.05)
            found = [n for n in os.listdir(self.dir) if re.match(r'a\.20[2-9]\d{5}T\d{6}Z$', n)]
        os.unlink(self.at('grow'))
        self.assertEqual(len(found), 1)
        end = time.time() + 10
        while os.path.exists(stale) and time.time() < end:
            time.sleep(0.05)
        self.assertFalse(os.path.exists(stale))
        self.assertTrue(os.path.exists(other))
        p.kill()
        p.wait()
        out, err = capture.communicate(timeout=300)
        self.assertEqual(capture.returncode, 0, err)
        self.assertIn('resident', json.JSONDecoder().raw_decode(out)[0]['reason'])

    def test_what_makes_no_sense(self):
        for args in (['1x'], ['0'], ['--when', 'rss', '1'], ['--when', 'cpu>3', '1'], ['--keep', '2', '1'], ['999999999']):
            done = self.necropsy('capture', *args)
            self.assertEqual(done.returncode, 2, args)
            self.assertTrue(done.stderr)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == '__main__':
    unittest.main()
