# SPDX-License-Identifier: GPL-3.0-or-later
"""necropsy capture --when: processes that grow, wait for memory, or come near a limit are captured before they are killed, the
newest cores are kept, and the disk is never filled."""
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cgroups

NECROPSY = os.environ['NECROPSY']
ENV = dict(os.environ, LC_ALL='C.UTF-8')
MIB = 1 << 20

# Does what lines of its input say: a number takes so many MiB, "random" and a number takes bytes that cannot be packed, "-" gives all
# of it back, "thrash FILE" reads a mapped file over and over.
SERVICE = r'''
import mmap, os, sys

class Ballast(object):
    def __init__(self, mib, random=False):
        self.data = os.urandom(mib << 20) if random else bytearray(mib << 20)
        if not random:
            self.data[::4096] = b'x' * (mib << 8)

kept = []
print('up')
sys.stdout.flush()
while True:
    word = sys.stdin.readline().split()
    if not word:
        break
    if word[0] == 'thrash':
        with open(word[1], 'rb') as f:
            m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        print('ok')
        sys.stdout.flush()
        while True:
            for i in range(0, len(m), 4096):
                m[i]
    elif word[0] == 'random':
        kept.append(Ballast(int(word[1]), True))
    elif word[0] == '-':
        del kept[:]
    else:
        kept.append(Ballast(int(word[0])))
    print('ok')
    sys.stdout.flush()
'''


def wait_for(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError('waited %d s in vain' % seconds)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir='/var/tmp')
        self.addCleanup(shutil.rmtree, self.dir)

    def start(self, preexec_fn=None):
        # What is given back goes back to the kernel, each time.
        env = dict(ENV, MALLOC_ARENA_MAX='1', MALLOC_MMAP_THRESHOLD_='1000000')
        p = subprocess.Popen([sys.executable, '-c', SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=preexec_fn,
                             stderr=subprocess.DEVNULL, env=env, universal_newlines=True)
        self.addCleanup(lambda: (p.kill(), p.wait(), p.stdin.close(), p.stdout.close()))
        p.stdout.readline()
        return p

    def tell(self, p, line):
        """False when it died of it."""
        try:
            p.stdin.write(line + '\n')
            p.stdin.flush()
        except BrokenPipeError:
            return False
        return p.stdout.readline() == 'ok\n'

    def watch(self, *args):
        p = subprocess.Popen([NECROPSY, 'capture', '--json'] + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=ENV, cwd=self.dir, universal_newlines=True)
        self.addCleanup(lambda: (p.kill(), p.wait(), p.stdout.close(), p.stderr.close()))
        return p

    def ended(self, watch, status=0):
        out, err = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, status, err)
        decoder, at, found = json.JSONDecoder(), 0, []
        while out[at:].strip():
            said, end = decoder.raw_decode(out[at:].lstrip())
            at += len(out[at:]) - len(out[at:].lstrip()) + end
            found.append(said)
        return found

    def cores(self, where=None, prefix='a'):
        return sorted(n for n in os.listdir(where or self.dir) if re.match(prefix + r'\.\d{8}T\d{6}Z$', n))

    def count_ballast(self, core):
        db = os.path.join(self.dir, 'count.db')
        load = subprocess.run([NECROPSY, 'load', '-o', db, core], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENV)
        self.assertLess(load.returncode, 2, load.stderr)
        out = subprocess.run([NECROPSY, 'sql', '--csv', db, "SELECT count(*) FROM object JOIN type ON type.id = object.type "
                              "WHERE type.name = '__main__.Ballast'"], stdout=subprocess.PIPE, env=ENV, universal_newlines=True)
        os.unlink(db)
        return int(out.stdout.split()[-1])


class Conditions(Case):
    def test_growth(self):
        p = self.start()
        watch = self.watch('--when', 'growth>200MiB', '-o', 'a', str(p.pid))
        time.sleep(4)
        self.assertIsNone(watch.poll())
        for _ in range(100):  # 4 MiB in 0.2 s are 1200 in a minute
            self.tell(p, '4')
            time.sleep(0.2)
            if watch.poll() is not None:
                break
        (said,) = self.ended(watch)
        self.assertRegex(said['reason'], r'^grew by .* a minute$')
        self.assertTrue(os.path.exists(os.path.join(self.dir, 'a')))

    def test_share_of_the_address_space(self):
        p = self.start(lambda: resource.setrlimit(resource.RLIMIT_AS, (300 * MIB, 300 * MIB)))
        watch = self.watch('--when', 'rss>70%', '-o', 'a', str(p.pid))
        time.sleep(1.5)
        self.assertIsNone(watch.poll())
        self.tell(p, '200')
        (said,) = self.ended(watch)
        self.assertRegex(said['reason'], r'^memory [789]\d\.\d % of the limit$')

    def test_no_limit_is_said(self):
        p = self.start()
        watch = self.watch('--when', 'rss>90%', '-o', 'a', str(p.pid))
        time.sleep(1.5)
        if watch.poll() is None:
            self.skipTest('there is a limit here')
        _, err = watch.communicate()
        self.assertEqual(watch.returncode, 2)
        self.assertIn('no memory limit', err)


@unittest.skipUnless(cgroups.have_cgroups(), 'memory cgroups cannot be made here')
class Cgroups(Case):
    def group(self, limit):
        try:
            group = cgroups.MemoryCgroup(limit)
        except cgroups.CannotMake as e:
            self.skipTest(str(e))
        self.addCleanup(group.remove)
        return group

    def test_core_is_there_before_the_oom_killer_comes(self):
        group = self.group(200 * MIB)
        p = self.start(group.enter)
        watch = self.watch('--when', 'rss>60%', '-o', 'a', str(p.pid))
        grown = 0
        while self.tell(p, '4'):
            grown += 4
            time.sleep(0.15)
        self.assertEqual(p.wait(), -9)
        self.assertGreater(grown, 100)
        (said,) = self.ended(watch)
        self.assertRegex(said['reason'], r'of the limit$')
        self.assertEqual(said['missing'], 0)
        count = self.count_ballast(os.path.join(self.dir, 'a'))
        # What it had at 60 % of the limit, and a look later.
        self.assertGreater(count * 4, 200 * 0.6 - 40)
        self.assertLess(count * 4, grown)
        if group.oom_kills() is not None:
            self.assertGreater(group.oom_kills(), 0)

    def test_limit_is_for_all_of_the_cgroup(self):
        group = self.group(300 * MIB)
        services = [self.start(group.enter) for _ in range(3)]
        watch = self.watch('--when', 'rss>70%', '-o', 'a', group.path)
        for number, p in enumerate(services):
            self.assertIsNone(watch.poll())
            self.assertTrue(self.tell(p, str(70 + number)))
            time.sleep(1)
        (said,) = self.ended(watch)
        # None of them is anywhere near; the largest is taken.
        self.assertEqual(said['pid'], services[2].pid)

    def test_processes_of_a_cgroup_come_and_go(self):
        group = self.group(300 * MIB)
        first = self.start(group.enter)
        watch = self.watch('--when', 'rss>150MiB', '-o', 'a', group.path)
        time.sleep(1)
        first.kill()
        first.wait()
        time.sleep(1)
        self.assertIsNone(watch.poll())
        second = self.start(group.enter)
        self.assertTrue(self.tell(second, '180'))
        (said,) = self.ended(watch)
        self.assertEqual(said['pid'], second.pid)

    def test_memory_pressure(self):
        group = self.group(100 * MIB)
        if not group.pressure:
            self.skipTest('no memory pressure of cgroups here')
        p = self.start(group.enter)
        watch = self.watch('--when', 'psi>5', '-o', 'a', str(p.pid))
        self.assertTrue(self.tell(p, '60'))
        time.sleep(1.5)
        self.assertIsNone(watch.poll())
        path = os.path.join(self.dir, 'file')
        with open(path, 'wb') as f:
            for _ in range(160):
                f.write(os.urandom(MIB))
            f.flush()
            os.fsync(f.fileno())
            # So that who reads it is who is charged.
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.tell(p, 'thrash ' + path)
        (said,) = self.ended(watch)
        self.assertRegex(said['reason'], r'^memory pressure \d+\.\d %$')


class Disk(Case):
    """A file system of 96 MiB, of which 8 are to stay free."""
    SIZE, FREE = 96, 8

    def setUp(self):
        Case.setUp(self)
        self.small = os.path.join(self.dir, 'small')
        os.mkdir(self.small)
        mount = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%dm' % self.SIZE, 'tmpfs', self.small],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if mount.returncode:
            self.skipTest('nothing can be mounted here')
        self.addCleanup(lambda: subprocess.run(['umount', '-l', self.small], check=True))

    def free(self):
        st = os.statvfs(self.small)
        return st.f_bavail * st.f_frsize

    def test_the_newest_are_kept_as_far_as_there_is_room(self):
        p = self.start()
        watch = self.watch('--when', 'rss>34MiB', '--keep', '9', '--min-free', str(self.FREE), '-o', os.path.join(self.small, 'a'),
                           str(p.pid))
        seen, least = [], self.free()
        for _ in range(6):  # each core is some 32 to 40 MiB: two fit
            self.tell(p, '30')
            before = len(seen)
            end = time.time() + 60
            while len(seen) == before and time.time() < end:
                least = min(least, self.free())
                seen += [n for n in self.cores(self.small) if n not in seen]
                time.sleep(0.01)
            self.tell(p, '-')
            time.sleep(1.2)
        self.assertEqual(len(seen), 6)
        self.assertEqual(self.cores(self.small), seen[-len(self.cores(self.small)):])
        self.assertIn(len(self.cores(self.small)), (1, 2))
        self.assertGreaterEqual(least, self.FREE * MIB)
        self.assertEqual(self.count_ballast(os.path.join(self.small, seen[-1])), 1)
        self.assertIsNone(watch.poll())

    def test_one_that_is_too_large_costs_none_of_the_others(self):
        p = self.start()
        watch = self.watch('--when', 'rss>34MiB', '--keep', '9', '--min-free', str(self.FREE), '-o', os.path.join(self.small, 'a'),
                           str(p.pid))
        self.tell(p, '30')
        wait_for(lambda: self.cores(self.small))
        first = self.cores(self.small)
        self.tell(p, '-')
        time.sleep(1.5)
        for _ in range(4):
            self.tell(p, '50')
        time.sleep(3)
        self.assertEqual(os.listdir(self.small), first)
        self.assertIsNone(watch.poll())
        self.tell(p, '-')
        p.stdin.close()
        out, err = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 1, err)
        self.assertIn('to stay free', err)

    def test_what_cannot_be_packed_is_left_as_it_is(self):
        p = self.start()
        self.tell(p, 'random 35')
        done = subprocess.run([NECROPSY, 'capture', '--json', '-z', '--min-free', '24', '-o', os.path.join(self.small, 'a'),
                               str(p.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, universal_newlines=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(json.loads(done.stdout)['packed'], 0)
        self.assertEqual(os.listdir(self.small), ['a'])
        self.assertGreaterEqual(self.free(), 24 * MIB)
        self.assertEqual(self.count_ballast(os.path.join(self.small, 'a')), 1)

    def test_leftovers_of_a_capture_that_was_killed_go(self):
        for name in 'a.20010101T000000Z.partial', 'a.20010101T000000Z.zst.partial.zst', 'a.20010101T000000Z.txt':
            open(os.path.join(self.small, name), 'w').close()
        p = self.start()
        self.tell(p, '30')
        watch = self.watch('--when', 'rss>34MiB', '--keep', '2', '--min-free', str(self.FREE), '-o', os.path.join(self.small, 'a'),
                           str(p.pid))
        wait_for(lambda: self.cores(self.small))
        wait_for(lambda: len(os.listdir(self.small)) == 2)
        self.assertIn('a.20010101T000000Z.txt', os.listdir(self.small))
        self.assertIsNone(watch.poll())


if __name__ == '__main__':
    unittest.main()
