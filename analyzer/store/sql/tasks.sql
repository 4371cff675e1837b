-- Tasks and greenlets, the largest first; retained is NULL where objects have none.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.addr, t.kind, t.name, t.state, t.loop, coalesce(h.name, 'thread ' || h.tid) AS thread, t.waits, t.waits_for, o.retained
FROM task t
LEFT JOIN thread h ON h.id = t.thread
LEFT JOIN object o ON o.addr = t.addr
ORDER BY coalesce(o.retained, 0) DESC, t.addr
