-- Roots by what their objects retain: of several roots of an object the first that is sure. What another object retains is that one's.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.kind AS kind, r.label AS label, o.addr AS addr, t.name AS type, o.retained AS retained
FROM (
	-- A word that may own nothing says less than one that does.
	SELECT addr, min(id + CASE
		WHEN kind IN ('C global', 'thread state', 'native memory', 'native stack', 'register', 'value stack')
			OR (kind = 'interpreter' AND label LIKE '%+0x%') THEN 1000000000000 ELSE 0 END) % 1000000000000 AS id
	FROM root GROUP BY addr
) first
CROSS JOIN root r ON r.id = first.id
CROSS JOIN object o ON o.addr = r.addr
LEFT JOIN type t ON t.id = o.type
WHERE o.idom IS NULL AND o.distance = 1
ORDER BY o.retained DESC, r.id
