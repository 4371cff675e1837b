-- Classes with __del__, their own or inherited, of which no root reaches instances.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH RECURSIVE g AS (
	SELECT o.type AS id, count(*) AS count FROM object o JOIN type t ON t.id = o.type
	WHERE o.distance = 0 AND t.flags & 512 GROUP BY o.type
), up(id, addr) AS (
	SELECT g.id, t.addr FROM g JOIN type t ON t.id = g.id
	UNION
	SELECT up.id, t.base FROM up JOIN type t ON t.addr = up.addr WHERE t.base IS NOT NULL AND t.flags & 512
)
SELECT t.name AS name, g.count AS count
FROM g JOIN type t ON t.id = g.id
WHERE g.id IN (
	SELECT up.id FROM up CROSS JOIN reference d ON d.src = up.addr CROSS JOIN reference k ON k.src = d.dst
	WHERE d.label = '.__dict__' AND k.label = '[''__del__'']'
)
ORDER BY g.count DESC, t.name
