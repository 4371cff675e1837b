-- SPDX-License-Identifier: GPL-3.0-or-later
-- Tasks that a task, :addr, waits for.
SELECT t.addr AS addr, coalesce(t.name, t.kind) AS name, t.state AS state,
    (SELECT coalesce(f.qualname, f.function, '?') || coalesce('  ' || replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '')
        || coalesce(':' || f.line, ''), '')
     FROM task_frame f WHERE f.task = t.addr ORDER BY f.depth LIMIT 1) AS at,
    t.waits AS waits, o.retained AS retained, NOT EXISTS (SELECT 1 FROM task_wait WHERE task = t.addr) AS leaf
FROM (SELECT DISTINCT awaited FROM task_wait WHERE task = :addr) w
JOIN task t ON t.addr = w.awaited
LEFT JOIN object o ON o.addr = t.addr
