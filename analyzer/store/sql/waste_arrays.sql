-- Lists of at least 100 numbers of one class, and the bytes that an array.array would win: the numbers that only the list has.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name AS type, n.addr AS addr, n.items AS items, n.bytes AS bytes
FROM (
	SELECT l.addr, count(*) AS items, min(o.type) AS type, max(o.type) AS other,
		sum(CASE WHEN o.referrers = 1 THEN o.size ELSE 0 END) AS bytes
	FROM type lt
	CROSS JOIN instance i ON i.type = lt.id
	CROSS JOIN object l ON l.addr = i.addr
	CROSS JOIN reference r ON r.src = l.addr
	CROSS JOIN object o ON o.addr = r.dst
	WHERE lt.name IN ('builtins.list', '__builtin__.list') AND l.size >= 800 AND r.kind <> 'type'
	GROUP BY l.addr
) n
JOIN type t ON t.id = n.type
WHERE n.items >= 100 AND n.type = n.other AND n.bytes > 0
	AND t.name IN ('builtins.int', 'builtins.float', '__builtin__.int', '__builtin__.float')
ORDER BY n.bytes DESC, n.addr
