# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a 64-bit little-endian ELF core, for tests that check the truth against the dump itself."""
import bisect
import mmap
import struct

PT_LOAD = 1


class Core:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("%s: not a 64-bit little-endian ELF file" % path)
        (phoff,) = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        if count == 0xFFFF:  # PN_XNUM: sh_info of section header 0
            (shoff,) = struct.unpack_from("<Q", self.data, 40)
            (count,) = struct.unpack_from("<I", self.data, shoff + 44)
        self.segments = []
        for i in range(count):
            kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", self.data, phoff + i * size)
            if kind == PT_LOAD:
                self.segments.append((vaddr, vaddr + memsz, offset, filesz, flags))
        self.segments.sort()
        self.starts = [s[0] for s in self.segments]

    def _find(self, addr):
        i = bisect.bisect_right(self.starts, addr) - 1
        if i < 0 or addr >= self.segments[i][1]:
            return None
        return self.segments[i]

    def words(self, addr, count):
        """count words at addr, or None where the dump has no such memory."""
        segment = self._find(addr)
        if segment is None:
            return None
        start, _, offset, filesz, _ = segment
        if addr - start + 8 * count > filesz or offset + (addr - start) + 8 * count > len(self.data):
            return None
        return struct.unpack_from("<%dQ" % count, self.data, offset + addr - start)

    def writable(self, addr):
        segment = self._find(addr)
        return segment is not None and bool(segment[4] & 2)
