-- SPDX-License-Identifier: GPL-3.0-or-later
-- Threads that have the same stack, together; thread is one of them.
SELECT min(id) AS thread, count(*) AS count, stack, max(state) AS state, group_concat(name, ', ') AS names
FROM (
    SELECT t.id AS id, coalesce(t.name, 'thread ' || t.id) AS name, coalesce(t.state, '?') AS state,
        coalesce((SELECT group_concat(step, ' < ') FROM (
            SELECT coalesce(f.function, '?') || iif(f.kind IS 'native', '', coalesce(':' || f.line, '')) AS step
            FROM frame f WHERE f.thread = t.id AND f.kind IS NOT 'interpreter' ORDER BY f.depth LIMIT 200)), 'no frames') AS stack
    FROM thread t
)
GROUP BY stack, state
