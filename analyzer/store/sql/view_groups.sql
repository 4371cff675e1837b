-- SPDX-License-Identifier: GPL-3.0-or-later
-- Threads that have the same stack, together; thread is one of them.
SELECT min(id) AS thread, count(*) AS count, coalesce(python, stack) AS stack,
    CASE WHEN min(state) = max(state) THEN min(state)
         ELSE count(DISTINCT state) || ' states: ' || min(state) || ', …' END AS state,
    group_concat(name, ', ') AS names
FROM (
    SELECT t.id AS id, coalesce(t.name, 'thread ' || t.id) AS name, coalesce(t.state, '?') AS state,
        (SELECT group_concat(step, ' < ') FROM (
            SELECT coalesce(f.qualname, f.function, '?') || coalesce(':' || f.line, '') AS step
            FROM frame f WHERE f.thread = t.id AND f.kind IS 'python' ORDER BY f.depth LIMIT 200)) AS python,
        coalesce((SELECT group_concat(step, ' < ') FROM (
            SELECT coalesce(f.function, '?') || CASE WHEN f.kind IS 'native' THEN '' ELSE coalesce(':' || f.line, '') END AS step
            FROM frame f WHERE f.thread = t.id AND f.kind IS NOT 'interpreter' ORDER BY f.depth LIMIT 200)),
            'no frames') AS stack
    FROM thread t
)
GROUP BY stack
