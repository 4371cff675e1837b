# SPDX-License-Identifier: GPL-3.0-or-later
"""
Runs inside gdb: prints "TID PC NAME" of every frame of every thread, innermost first, those that were inlined too; "-": no name. Not the
frames that gdb makes up for calls at the end of a function, which left nothing on the stack.
"""
import gdb

for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        if frame.type() != gdb.TAILCALL_FRAME:
            print("frame %d %#x %s" % (thread.ptid[1], frame.pc(), frame.name() or "-"))
        try:
            frame = frame.older()
        except gdb.error as error:
            print("stop %d %s" % (thread.ptid[1], error))
            break
