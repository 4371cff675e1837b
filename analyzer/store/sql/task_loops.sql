-- Event loops that have tasks.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.loop, y.name AS type, max(coalesce(h.name, 'thread ' || h.tid)) AS thread, count(*) AS tasks,
	sum(t.state IN ('pending', 'running')) AS pending
FROM task t
LEFT JOIN object o ON o.addr = t.loop
LEFT JOIN type y ON y.id = o.type
LEFT JOIN thread h ON h.id = t.thread
WHERE t.kind = 'asyncio'
GROUP BY t.loop
ORDER BY t.loop
