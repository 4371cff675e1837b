-- SPDX-License-Identifier: GPL-3.0-or-later
-- Event loops that have tasks, and greenlets, as lines of label and value.
SELECT coalesce(t.loop, 0) AS id, t.loop AS addr, t.kind AS label,
    count(*) || CASE t.kind WHEN 'greenlet' THEN ' greenlets, ' ELSE ' tasks, ' END
    || sum(t.state IN ('pending', 'running', 'suspended')) || ' of them not done'
    || coalesce('; the loop ' || y.name || printf(' at 0x%x', t.loop), '')
    || coalesce(', run by ' || max(coalesce(h.name, 'thread ' || h.tid)), '') AS value
FROM task t
LEFT JOIN object o ON o.addr = t.loop
LEFT JOIN type y ON y.id = o.type
LEFT JOIN thread h ON h.id = t.thread
GROUP BY t.kind, t.loop
