-- Kinds of roots, and what the objects of each retain, one by one: what two roots hold together is in no sum.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.kind AS kind, count(*) AS objects, sum(o.retained) AS retained
FROM (
	-- A word that may own nothing says less than one that does.
	SELECT addr, min(id + CASE
		WHEN kind IN ('C global', 'thread state', 'native memory', 'native stack', 'register', 'value stack')
			OR (kind = 'interpreter' AND label LIKE '%+0x%') THEN 1000000000000 ELSE 0 END) % 1000000000000 AS id
	FROM root GROUP BY addr
) first
CROSS JOIN root r ON r.id = first.id
CROSS JOIN object o ON o.addr = r.addr
WHERE o.idom IS NULL AND o.distance = 1
GROUP BY r.kind
ORDER BY retained DESC, r.kind
