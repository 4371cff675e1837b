-- Threads with their stacks, innermost frame first: a row a frame, or one without.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.id, coalesce(t.tid, 0) AS tid, coalesce(t.ident, 0) AS ident, coalesce(t.addr, 0) AS addr, t.name, t.state,
    coalesce(f.qualname, f.function) AS function, f.file, f.line, f.kind
FROM thread t
LEFT JOIN frame f ON f.thread = t.id
ORDER BY t.id, f.depth
