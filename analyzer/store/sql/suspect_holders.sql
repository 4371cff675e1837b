-- What objects with at least :least retained bytes alone keep alive, by type, but for what is itself such an object: the rows of
-- a holder follow each other, the largest first. class: the objects are classes.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH big AS MATERIALIZED (SELECT addr, bytes FROM largest WHERE by = 'retained' AND bytes >= :least),
child(idom, type, count, bytes) AS (
	SELECT d.addr, d.type, d.count, d.bytes FROM big b CROSS JOIN dominated d ON d.addr = b.addr
	UNION ALL
	SELECT o.idom, o.type, 1, l.bytes FROM largest l CROSS JOIN object o ON o.addr = l.addr
	WHERE l.by = 'retained' AND l.bytes < :least AND o.idom IN (SELECT addr FROM big)
)
SELECT b.addr AS addr, ht.name AS holder, h.retained AS retained, h.size + coalesce(h.native, 0) AS own,
	h.idom AS idom, t.name AS type, coalesce(t.flags >> 31 & 1, 0) AS class, c.count AS count, c.bytes AS bytes
FROM big b
JOIN object h ON h.addr = b.addr
LEFT JOIN type ht ON ht.id = h.type
LEFT JOIN (SELECT idom, type, sum(count) AS count, sum(bytes) AS bytes FROM child GROUP BY idom, type) c ON c.idom = b.addr
LEFT JOIN type t ON t.id = c.type
ORDER BY h.retained DESC, b.addr, c.bytes DESC
