-- Classes of at least 100 instances that have a __dict__ of their own, and the bytes that __slots__ would win: the dicts, but for
-- a word for each of their entries. In Python 3.11 and later an instance seldom has a dict, and such classes are not here.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT d.type AS type, count(*) AS count, sum(d.items) / count(*) AS items, sum(d.size - 8 * d.items) AS bytes
FROM (
	SELECT t.name AS type, o.size + coalesce(o.native, 0) AS size,
		(SELECT count(*) FROM reference e WHERE e.src = o.addr AND e.kind <> 'type') / 2 AS items
	FROM type t
	CROSS JOIN instance i ON i.type = t.id
	CROSS JOIN reference r ON r.src = i.addr
	CROSS JOIN object o ON o.addr = r.dst
	WHERE t.flags & 512 AND t.count >= 100 AND NOT t.flags >> 31 & 1 AND r.label = '.__dict__' AND o.distance > 0
) d
GROUP BY d.type
HAVING count(*) >= 100 AND bytes > 0
ORDER BY bytes DESC, d.type
