-- What objects with at least :least retained bytes alone keep alive, by type, but for what is itself such an object: the rows of
-- a holder follow each other, the largest first. class: the objects are classes.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH big AS MATERIALIZED (SELECT addr, bytes FROM largest WHERE by = 'retained' AND bytes >= :least)
SELECT b.addr AS addr, ht.name AS holder, h.retained AS retained, h.size + coalesce(h.native, 0) AS own,
	h.idom AS idom, t.name AS type, coalesce(t.flags >> 31 & 1, 0) AS class, c.count AS count, c.bytes AS bytes
FROM big b
JOIN object h ON h.addr = b.addr
LEFT JOIN type ht ON ht.id = h.type
LEFT JOIN (
	SELECT o.idom, o.type, count(*) AS count, sum(o.retained) AS bytes
	FROM object o
	WHERE o.idom IN (SELECT addr FROM big) AND o.addr NOT IN (SELECT addr FROM big)
	GROUP BY o.idom, o.type
) c ON c.idom = b.addr
LEFT JOIN type t ON t.id = c.type
ORDER BY h.retained DESC, b.addr, c.bytes DESC
