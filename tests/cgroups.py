# SPDX-License-Identifier: GPL-3.0-or-later
"""A memory cgroup for a test, of version 2 or 1, where they can be made."""
import os
import time

ROOT = "/sys/fs/cgroup"


class CannotMake(Exception):
    pass


class MemoryCgroup(object):
    """A cgroup with a limit in bytes: enter() as preexec_fn puts a process into it.

    path is the directory with the limit; pressure the file with its memory pressure, None where the kernel has none for it.
    """

    def __init__(self, limit, name="test"):
        self.made = []
        self.pressure = None
        name = "necropsy-%s-%d" % (name, os.getpid())
        try:
            if os.path.exists(ROOT + "/memory/memory.limit_in_bytes"):
                self.path = self.make(ROOT + "/memory", name)
                self.write(self.path, "memory.limit_in_bytes", limit)
                for control in ("memory.memsw.limit_in_bytes", "memory.swappiness"):
                    if os.path.exists(os.path.join(self.path, control)):
                        self.write(self.path, control, limit if "limit" in control else 0)
                # Pressure is of version 2 alone, which may be mounted beside.
                if os.path.exists(ROOT + "/unified/memory.pressure"):
                    self.pressure = os.path.join(self.make(ROOT + "/unified", name), "memory.pressure")
            else:
                self.path = self.make(ROOT, name)
                self.write(self.path, "memory.max", limit)
                if os.path.exists(os.path.join(self.path, "memory.swap.max")):
                    self.write(self.path, "memory.swap.max", 0)
                self.pressure = os.path.join(self.path, "memory.pressure")
            if self.pressure and not os.path.exists(self.pressure):
                self.pressure = None
        except OSError as error:
            self.remove()
            raise CannotMake(str(error))

    def make(self, base, name):
        path = os.path.join(base, name)
        os.mkdir(path)
        self.made.append(path)
        return path

    @staticmethod
    def write(path, control, value):
        # Not created when it is missing: then the controller is not enabled here.
        with open(os.path.join(path, control), "r+") as f:
            f.write(str(value))

    def enter(self):
        for path in self.made:
            self.write(path, "cgroup.procs", 0)

    def oom_kills(self):
        """How often the OOM killer has been here; None where the kernel does not say."""
        for control in ("memory.events", "memory.oom_control"):
            try:
                with open(os.path.join(self.path, control)) as f:
                    for line in f:
                        if line.startswith("oom_kill "):
                            return int(line.split()[1])
            except OSError:
                pass
        return None

    def remove(self):
        """Its processes have ended, or do in a moment."""
        for path in self.made:
            for _ in range(100):
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    time.sleep(0.1)
        self.made = []


def have_cgroups():
    try:
        MemoryCgroup(1 << 30, "try").remove()
        return True
    except CannotMake:
        return False
