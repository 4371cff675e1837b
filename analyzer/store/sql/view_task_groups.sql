-- SPDX-License-Identifier: GPL-3.0-or-later
-- Tasks that are at the same place, together; task is one of them.
SELECT min(addr) AS task, count(*) AS count, state, stack, sum(retained) AS retained, group_concat(name, ', ') AS names
FROM (
    SELECT t.addr AS addr, coalesce(t.name, t.kind) AS name, t.kind AS kind, t.state AS state, o.retained AS retained,
        coalesce((SELECT group_concat(step, ' < ') FROM (
            SELECT coalesce(f.qualname, f.function, '?') || coalesce(':' || f.line, '') AS step
            FROM task_frame f WHERE f.task = t.addr ORDER BY f.depth LIMIT 200)), 'no frames') AS stack
    FROM task t
    LEFT JOIN object o ON o.addr = t.addr
)
GROUP BY kind, state, stack
