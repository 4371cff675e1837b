# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots that a live Python service writes of itself, for necropsy.

One file without dependencies, for Python 2.7 and 3.4 to 3.15 on Linux: copy it beside the service, or add its directory,
the one of the program's data (PREFIX/share/necropsy), to the path.

    import necropsy_snapshot
    necropsy_snapshot.install(dir='/var/tmp/snapshots', every=3600, keep=24)

and then `kill -USR2 PID`, or wait: a snapshot is written on the signal, every so many seconds, when memory passes a share of
its limit, and when a MemoryError ends the program or a thread. It is written by a forked child, so the service stands still for
the fork alone (about 10 ms a GiB of resident memory). The child lowers its priority, offers itself to the OOM killer, and is
stopped after `timeout` seconds; it needs memory for the pages that it and the service change meanwhile.

What is written: objects and bytes by type, every time; each object with its references when asked (`objects=True`), previews
of values only when asked for too (`values=True`). The format is described in docs/snapshot-format.md; `necropsy FILE` opens it.
"""
from __future__ import print_function

import errno
import gc
import os
import resource
import signal as _signal
import sys
import threading
import time
import types
import warnings
import zlib

__all__ = ['install', 'uninstall', 'take']

FORMAT = 'necropsy-snapshot 1'
SUFFIX = '.nsnap.gz'
PY2 = sys.version_info[0] == 2
_FLUSH = 1 << 16
_REPEATS = 3  # of a snapshot because of a limit whose writer was stopped
_OWN_FILE = (lambda: 0).__code__.co_filename
_LONG = long if PY2 else int  # noqa: F821
_STR = (str, unicode) if PY2 else (str,)  # noqa: F821

_lock = threading.Lock()
_state = None


class _Options(object):
    """What install() was told, and what runs because of it."""

    def __init__(self, **kw):
        self.__dict__.update(kw)
        self.child = None  # pid of the writer at work
        self.stopped = False  # the last writer did not finish
        self.count = 0
        self.thread = None
        self.stop = threading.Event()
        self.old_signal = None
        self.old_hooks = []
        self.reserve = bytearray(1 << 20)  # given back when memory runs out, so that there is some to work with


def install(signal=getattr(_signal, 'SIGUSR2', None), every=None, dir='.', keep=10, objects=False, values=False,
            share=0.9, limit=None, poll=5.0, min_free=256 << 20, timeout=600, name=None):
    """Arranges for snapshots of this process; call it once, in the main thread.

    signal    a signal to write one on; None: no signal
    every     seconds between snapshots; None: not by the clock
    dir       where to; made when it is not there
    keep      how many files of this `name` stay there, the newest; None: all
    objects   every object and its references, not only counts by type
    values    with objects: the beginnings of strings and numbers; they may be secret
    share     write one when memory passes this share of its limit (once, until it has fallen again); None: never
    limit     that limit in bytes; None: the cgroup's, or the address space's (RLIMIT_AS)
    poll      seconds between looks at the memory
    min_free  bytes that a snapshot leaves free on the disk
    timeout   seconds after which a writer is stopped
    name      first part of the names of the files; the program's by default
    """
    global _state
    if _state is not None:
        raise RuntimeError('necropsy_snapshot is installed already')
    if name is None:
        name = os.path.basename(sys.argv[0] if getattr(sys, 'argv', None) and sys.argv[0] else 'python')
    name = ''.join(c if c.isalnum() or c in '._' else '_' for c in name) or 'python'
    dir = os.path.abspath(dir)
    if not os.path.isdir(dir):
        os.makedirs(dir, 0o700)
    options = _Options(signal=signal, every=every, dir=dir, keep=keep, objects=objects, values=values, share=share,
                       limit=limit, poll=poll, min_free=min_free, timeout=timeout, name=name)
    if signal is not None:
        options.old_signal = _signal.signal(signal, _on_signal)
    _state = options
    _hook_exceptions(options)
    if every is not None or share is not None:
        options.thread = threading.Thread(target=_watch, args=(options,), name='necropsy-snapshot')
        options.thread.daemon = True
        options.thread.start()


def uninstall():
    """Undoes install(); a writer at work finishes."""
    global _state
    options, _state = _state, None
    if options is None:
        return
    options.stop.set()
    if options.signal is not None and _signal.getsignal(options.signal) is _on_signal:
        _signal.signal(options.signal, options.old_signal or _signal.SIG_DFL)
    for module, hook, old, ours in options.old_hooks:
        if getattr(module, hook) is ours:
            setattr(module, hook, old)
    if options.thread is not None and options.thread is not threading.current_thread():
        options.thread.join()


def take(reason='asked', wait=False):
    """Writes a snapshot now. Returns the path that it will have, or None when one is being written or there is no room.

    wait: a snapshot that is being written is waited for, and returns when this one is. Needs install(); never raises for want of
    memory or disk.
    """
    options = _state
    if options is None:
        raise RuntimeError('necropsy_snapshot.install() comes first')
    if not _lock.acquire(wait):
        return None
    try:
        return _take(options, reason, wait)
    except (OSError, IOError, MemoryError):
        return None
    finally:
        _lock.release()


# ---- when ------------------------------------------------------------------------------------------

def _on_signal(signum, frame):
    take('signal')


def _hook_exceptions(options):
    """MemoryErrors that nobody caught; for those that somebody did, call take('MemoryError') there."""
    def about_to_die(kind):
        if kind is not None and isinstance(kind, type) and issubclass(kind, MemoryError) and _state is options:
            options.reserve = None
            take('MemoryError', wait=True)
            options.reserve = bytearray(0)

    old = sys.excepthook

    def excepthook(kind, value, traceback):
        about_to_die(kind)
        old(kind, value, traceback)

    sys.excepthook = excepthook
    options.old_hooks.append((sys, 'excepthook', old, excepthook))
    if hasattr(threading, 'excepthook'):
        old_thread = threading.excepthook

        def thread_excepthook(args):
            about_to_die(args.exc_type)
            old_thread(args)

        threading.excepthook = thread_excepthook
        options.old_hooks.append((threading, 'excepthook', old_thread, thread_excepthook))


def _watch(options):
    """The thread that looks at clock and memory, and buries writers."""
    due = None if options.every is None else _clock() + options.every
    armed, repeats = True, 0
    while True:
        pause = options.poll if options.share is not None else options.every
        if due is not None:
            pause = min(pause, max(0.0, due - _clock()))
        options.stop.wait(pause)
        if options.stop.is_set():
            return
        try:
            with _lock:
                _bury(options, False)
            if due is not None and _clock() >= due:
                due = _clock() + options.every
                take('every')
            if options.share is not None:
                used = _share_of_limit(options)
                if armed and used >= options.share:
                    armed = take('limit') is None
                elif used < options.share * 0.95:
                    armed, repeats = True, 0
                elif options.stopped and repeats < _REPEATS:
                    # The OOM killer took the writer: there may be room now.
                    armed, repeats = True, repeats + 1
        except Exception:  # whatever it was, the service goes on
            if sys is None:  # the interpreter is going away
                return


_clock = getattr(time, 'monotonic', time.time)


def _read(path):
    try:
        with open(path) as f:
            return f.read()
    except (OSError, IOError):
        return ''


def _number(text):
    try:
        return int(text)
    except ValueError:
        return None


def _cgroup():
    """(bytes in use without cache that can go, limit) of the memory cgroup; None where there is none."""
    for line in _read('/proc/self/cgroup').splitlines():
        ident, controllers, path = (line.split(':', 2) + ['', ''])[:3]
        if ident == '0' and not controllers:
            base, files = '/sys/fs/cgroup', ('memory.current', 'memory.max', 'inactive_file')
        elif 'memory' in controllers.split(','):
            base = '/sys/fs/cgroup/memory'
            files = ('memory.usage_in_bytes', 'memory.limit_in_bytes', 'total_inactive_file')
        else:
            continue
        for where in (base + path.rstrip('/'), base):  # inside of a container its own group is the root
            used, limit = _number(_read(where + '/' + files[0])), _number(_read(where + '/' + files[1]))
            if used is None or limit is None or limit >= 1 << 60:
                continue
            for stat in _read(where + '/memory.stat').splitlines():
                if stat.startswith(files[2] + ' '):
                    used -= _number(stat.split()[1]) or 0
            return used, limit
    return None


def _memory():
    """(address space, resident) in bytes."""
    pages = _read('/proc/self/statm').split()
    size = os.sysconf('SC_PAGE_SIZE')
    return (int(pages[0]) * size, int(pages[1]) * size) if len(pages) > 1 else (0, 0)


def _share_of_limit(options):
    space, resident = _memory()
    if options.limit:
        return float(resident) / options.limit
    group = _cgroup()
    used = float(group[0]) / group[1] if group and group[1] else 0.0
    space_limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space_limit not in (resource.RLIM_INFINITY, -1) and space_limit > 0:
        used = max(used, float(space) / space_limit)
    return used


# ---- the parent ------------------------------------------------------------------------------------

def _bury(options, wait):
    """Is there no writer at work (any more)? The caller holds the lock."""
    if options.child is None:
        return True
    try:
        pid, status = os.waitpid(options.child, 0 if wait else os.WNOHANG)
        if pid == 0:
            return False
        options.stopped = status != 0
    except OSError as e:
        if e.errno == errno.EINTR:
            return False
    options.child = None
    return True


def _free(dir):
    st = os.statvfs(dir)
    return st.f_bavail * st.f_frsize


def _stacks(options):
    """[(ident, name, daemon, [(file, line, function, locals)])] of all threads: after the fork there is one."""
    known = dict((t.ident, t) for t in threading.enumerate())
    stacks = []
    for ident, frame in sys._current_frames().items():
        calls = []
        while frame is not None and len(calls) < 1000:
            code = frame.f_code
            if code.co_filename == _OWN_FILE:
                frame = frame.f_back
                continue
            found = []
            if options.objects and code.co_name != '<module>':
                try:
                    found = [(str(k), id(v)) for k, v in frame.f_locals.items()]
                except Exception:
                    pass
            calls.append((code.co_filename, frame.f_lineno or 0, getattr(code, 'co_qualname', code.co_name), found))
            frame = frame.f_back
        t = known.get(ident)
        stacks.append((ident, t.name if t else '', bool(t and t.daemon), calls))
    return stacks


def _take(options, reason, wait):
    while not _bury(options, wait):
        if not wait:
            return None
    if _free(options.dir) < options.min_free:
        return None
    options.count += 1
    now = time.time()
    stamp = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))
    path = os.path.join(options.dir, '%s-%s-%d-%d%s' % (options.name, stamp, os.getpid(), options.count, SUFFIX))
    meta = [('pid', os.getpid()), ('captured_at', '%.6f' % now), ('reason', reason),
            ('cmdline', ' '.join(getattr(sys, 'argv', []))), ('exe', sys.executable or ''),
            ('python_version', '%d.%d.%d' % sys.version_info[:3])]
    stacks = _stacks(options)
    with warnings.catch_warnings():
        # Threads do not survive a fork, and 3.12 says so: the child needs none of them.
        warnings.simplefilter('ignore')
        before = _clock()
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            meta.append(('pause_seconds', '%.6f' % (_clock() - before)))
            _child(options, path, meta, stacks)
            code = 0
        finally:
            os._exit(code)
    options.child = pid
    options.stopped = False
    if wait:
        while not _bury(options, True):
            pass
    elif options.thread is None:
        waiter = threading.Thread(target=os.waitpid, args=(pid, 0), name='necropsy-snapshot')
        waiter.daemon = True
        waiter.start()
    return path


# ---- the child -------------------------------------------------------------------------------------

def _child(options, path, meta, stacks):
    gc.disable()
    for number in (options.signal, _signal.SIGTERM, _signal.SIGINT, _signal.SIGALRM):
        if number is not None:
            try:
                _signal.signal(number, _signal.SIG_DFL)
            except ValueError:  # this is not what was the main thread
                pass
    _signal.alarm(int(options.timeout))
    # The sockets and files of the service must not stay open because of this.
    for fd in os.listdir('/proc/self/fd'):
        if int(fd) > 2:
            try:
                os.close(int(fd))
            except OSError:
                pass
    try:
        os.nice(10)
        fd = os.open('/proc/self/oom_score_adj', os.O_WRONLY)
        os.write(fd, b'1000')
        os.close(fd)
    except OSError:
        pass
    partial = path + '.partial'
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    out = _Writer(fd, options)
    try:
        _write(out, options, meta, stacks)
        out.close()
        os.rename(partial, path)
        _forget(options)
    except _Full:
        os.unlink(partial)


def _forget(options):
    """Removes all but the newest `keep` snapshots of this name, and what writers left that were stopped."""
    if options.keep is None:
        return
    found = sorted((n for n in os.listdir(options.dir)
                    if n.startswith(options.name + '-') and n.endswith((SUFFIX, SUFFIX + '.partial'))
                    and n[len(options.name) + 1:].split('-')[0].endswith('Z')),
                   key=lambda n: n[len(options.name) + 1:])
    complete = [n for n in found if n.endswith(SUFFIX)]
    kept = set(complete[-options.keep:] if options.keep else [])
    oldest = min(kept) if kept else None
    for n in found:
        if n not in kept and (n.endswith(SUFFIX) or (oldest is not None and n < oldest)):
            try:
                os.unlink(os.path.join(options.dir, n))
            except OSError:
                pass


class _Full(Exception):
    """The disk has no more room than it must keep."""


class _Writer(object):
    """Lines to a gzip file. No file object: its locks may be held by threads that are no more."""

    def __init__(self, fd, options):
        self.fd, self.options = fd, options
        self.zip = zlib.compressobj(1, zlib.DEFLATED, 31)
        self.parts, self.size, self.lines, self.written = [], 0, 0, 0
        self.line(FORMAT)

    def line(self, text):
        self.parts.append(text)
        self.lines += 1
        self.size += len(text)
        if self.size > _FLUSH:
            self.flush()

    def flush(self):
        self.parts.append('')
        data = '\n'.join(self.parts)
        self.parts, self.size = [], 0
        if not isinstance(data, bytes):
            data = data.encode('utf-8', 'backslashreplace')
        self.write(self.zip.compress(data))

    def write(self, data):
        if (self.written >> 22) != ((self.written + len(data)) >> 22) and \
                _free(self.options.dir) < self.options.min_free:
            raise _Full()
        self.written += len(data)
        while data:
            try:
                data = data[os.write(self.fd, data):]
            except OSError as e:
                if e.errno == errno.ENOSPC:
                    raise _Full()
                if e.errno != errno.EINTR:
                    raise

    def close(self):
        self.line('Z %d' % self.lines)
        self.flush()
        self.write(self.zip.flush())
        os.fsync(self.fd)
        os.close(self.fd)


def _text(value):
    """One line of native text."""
    if PY2 and isinstance(value, unicode):  # noqa: F821
        value = value.encode('utf-8')
    elif not isinstance(value, str):
        value = str(value)
    return value.replace('\\', '\\\\').replace('\n', '\\n').replace('\r', '\\r')


def _type_name(t):
    """module.qualname, asked of `type` itself: a metaclass may answer anything."""
    try:
        module = type.__dict__['__module__'].__get__(t)
    except Exception:
        module = None
    for attr in ('__qualname__', '__name__'):
        try:
            name = type.__dict__[attr].__get__(t)
            break
        except Exception:
            name = '?'
    if not isinstance(module, str):
        module = '?'
    return '%s.%s' % ('builtins' if module == '__builtin__' else module, name)


class _Types(object):
    """Types by their number in the file; told when they are first needed."""

    def __init__(self, out):
        self.out, self.ids, self.counts, self.bytes = out, {}, [], []

    def id(self, t):
        number = self.ids.get(t)
        if number is None:
            number = self.ids[t] = len(self.counts)
            self.counts.append(0)
            self.bytes.append(0)
            self.out.line('T %d %x %s' % (number, id(t), _text(_type_name(t))))
        return number


def _size(o, t):
    # A frame of a thread that is no more points into memory that is no more.
    if t is types.FrameType:
        return t.__basicsize__
    try:
        return sys.getsizeof(o)
    except Exception:
        return t.__basicsize__


def _write(out, options, meta, stacks):
    space, resident = _memory()
    meta.append(('scope', 'objects' if options.objects else 'tracked'))
    for key, value in meta:
        out.line('M %s %s' % (key, _text(value)))
    out.line('U rss %d bytes' % resident)
    out.line('U size %d bytes' % space)
    group = _cgroup()
    if group:
        out.line('U cgroup %d bytes' % group[0])
        out.line('U cgroup_limit %d bytes' % group[1])
    out.line('U threads %d count' % len(stacks))
    for number, (ident, name, daemon, calls) in enumerate(stacks):
        out.line('H %d %d %d %s' % (number, ident, daemon, _text(name)))
        for depth, (file, line, function, found) in enumerate(calls):
            out.line('F %d %d %d %s %s' % (number, depth, line, _text(function).replace(' ', '_'), _text(file)))
            for local, addr in found:
                out.line('L %d %d %x %s' % (number, depth, addr, _text(local)))
    known = _Types(out)
    if options.objects:
        _Objects(out, options, known).write_all()
    else:
        counts, sizes, ids = known.counts, known.bytes, known.ids
        objects = gc.get_objects()
        own = set((id(objects), id(out), id(out.__dict__), id(known), id(known.__dict__), id(ids), id(counts), id(sizes)))
        for o in objects:
            if id(o) in own:
                continue
            t = type(o)
            number = ids.get(t)
            if number is None:
                number = known.id(t)
            counts[number] += 1
            sizes[number] += _size(o, t)
    for t, number in sorted(known.ids.items(), key=lambda item: -known.bytes[item[1]]):
        out.line('C %d %d %d' % (number, known.counts[number], known.bytes[number]))


class _Objects(object):
    """All objects that the collector knows, and all that hang on them."""

    def __init__(self, out, options, known):
        self.out, self.options, self.known = out, options, known
        self.strings = {}
        self.slots = {}

    def string(self, text):
        number = self.strings.get(text)
        if number is None:
            number = self.strings[text] = len(self.strings)
            self.out.line('S %d %s' % (number, _text(text)))
        return number

    def write_all(self):
        tracked = gc.get_objects()
        seen = set(map(id, tracked))
        own = set((id(tracked), id(seen)))
        for mine in (self, self.out, self.known):
            own.add(id(mine))
            own.add(id(mine.__dict__))
            own.update(id(v) for v in mine.__dict__.values())
        hanging = []
        own.add(id(hanging))
        for o in tracked:
            if id(o) not in own:
                self.one(o, seen, hanging)
            while hanging:
                self.one(hanging.pop(), seen, hanging)
        for name, module in list(sys.modules.items()):
            if isinstance(module, types.ModuleType):
                self.out.line('K %x module %s' % (id(module), _text(name)))

    def one(self, o, seen, hanging):
        t = type(o)
        number = self.known.id(t)
        size = _size(o, t)
        self.known.counts[number] += 1
        self.known.bytes[number] += size
        shape, referents = self.references(o, t)
        for r in referents:
            if id(r) not in seen:
                seen.add(id(r))
                hanging.append(r)
        if shape == 'a' and referents:
            names = self.names_of(o, t)
            refs = ' '.join(('s%d:%x' % (self.string(names[id(r)]), id(r))) if id(r) in names else '%x' % id(r)
                            for r in referents)
        else:
            refs = ' '.join(['%x' % id(r) for r in referents])
        self.out.line('O %x %d %d %s%s%s' % (id(o), number, size, shape, ' ' if refs else '', refs))
        if self.options.values:
            self.value(o, t)

    def references(self, o, t):
        """How the references are named, and the objects at their other ends."""
        if t is dict:
            flat = []
            for pair in list(o.items()):
                flat.extend(pair)
            return 'd', flat
        if t is list or t is tuple:
            return 'l', list(o)
        if t is types.FrameType:
            return '-', []
        return ('a' if t not in (set, frozenset) else '-'), gc.get_referents(o)

    def names_of(self, o, t):
        """{id of a value: name of the attribute that has it}, without running any code of the object's."""
        names = {}
        slots = self.slots.get(t)
        if slots is None:
            slots = []
            for base in getattr(t, '__mro__', ()):
                for key, member in list(getattr(base, '__dict__', {}).items()):
                    if type(member) is types.MemberDescriptorType:
                        slots.append((key, member))
            self.slots[t] = slots
        for key, member in slots:
            try:
                names[id(member.__get__(o, t))] = '.' + key
            except Exception:
                pass
        # An instance of the service's own: of others a dict is made for the asking, and there is nothing in it.
        if getattr(t, '__dictoffset__', 0) and t.__flags__ & 1 << 9:
            try:
                d = object.__getattribute__(o, '__dict__')
            except Exception:
                d = None
            if type(d) is dict:
                names[id(d)] = '.__dict__'
                for key, v in list(d.items()):
                    if isinstance(key, _STR):
                        names[id(v)] = '.' + key
        names.pop(id(None), None)
        return names

    def value(self, o, t):
        if t in (int, float, bool, complex) or t is _LONG:
            text = repr(o) if not isinstance(o, (int, _LONG)) or abs(o) < 1 << 200 else None
        elif t in _STR or t is bytes:
            text = repr(o[:100])
        else:
            return
        if text is not None:
            self.out.line('V %x %s' % (id(o), _text(text)))
