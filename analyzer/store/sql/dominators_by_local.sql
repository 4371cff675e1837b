-- Local variables of threads by what their objects retain.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(h.name, 'thread ' || h.tid) AS thread, l.depth AS depth,
	coalesce(f.qualname, f.function) AS function, l.name AS name, l.addr AS addr, t.name AS type, o.retained AS retained
FROM local l
JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN thread h ON h.id = l.thread
LEFT JOIN frame f ON f.thread = l.thread AND f.depth = l.depth
ORDER BY o.retained DESC, l.id
