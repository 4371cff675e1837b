-- SPDX-License-Identifier: GPL-3.0-or-later
-- Tasks and greenlets that no other task waits for, and those that wait in a circle; view_awaited has what is below.
WITH RECURSIVE top(addr) AS (
    SELECT addr FROM task WHERE addr NOT IN (SELECT awaited FROM task_wait)
),
reached(addr) AS (
    SELECT addr FROM top
    UNION SELECT w.awaited FROM reached r JOIN task_wait w ON w.task = r.addr
)
SELECT t.addr AS addr, coalesce(t.name, t.kind) AS name, t.state AS state,
    (SELECT coalesce(f.qualname, f.function, '?') || coalesce('  ' || replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '')
        || coalesce(':' || f.line, ''), '')
     FROM task_frame f WHERE f.task = t.addr ORDER BY f.depth LIMIT 1) AS at,
    t.waits AS waits, o.retained AS retained, NOT EXISTS (SELECT 1 FROM task_wait WHERE task = t.addr) AS leaf
FROM task t
LEFT JOIN object o ON o.addr = t.addr
WHERE t.addr IN (SELECT addr FROM top) OR t.addr NOT IN (SELECT addr FROM reached)
