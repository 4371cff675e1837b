# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tracemalloc samples: a pickle, and beside it what tracemalloc itself says of it.

    cd DIR && PYTHON -c "exec(compile(open('dump.py').read(), 'dump.py', 'exec'))" NAME.pickle
"""
import sys
import tracemalloc


class Node(object):
    def __init__(self, i):
        self.name = 'node-%d' % i
        self.children = []


def grow(n):
    if n:
        return grow(n - 1)
    nodes = [Node(i) for i in range(12)]
    for i, node in enumerate(nodes):
        nodes[i // 2].children.append(node)
    return nodes


tracemalloc.start(4)
kept = [grow(n) for n in range(4)]
big = bytearray(1 << 20)
snapshot = tracemalloc.take_snapshot()
tracemalloc.stop()
snapshot.dump(sys.argv[1])

# Since 3.7 the API has the oldest call first.
turn = reversed if sys.version_info >= (3, 7) else list
with open(sys.argv[1].replace('.pickle', '.txt'), 'w') as f:
    for kind in 'lineno', 'filename', 'traceback':
        for s in snapshot.statistics(kind):
            name = ' < '.join('%s:%d' % (x.filename, x.lineno) for x in turn(s.traceback))
            f.write('%s\t%d\t%d\t%s\n' % (kind, s.count, s.size, name))
