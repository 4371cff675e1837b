-- Objects that no root reaches whose class has __del__, its own or inherited: of an old-style instance (2.7) that is another object than its type.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH RECURSIVE suspect(addr, class) AS (
	SELECT o.addr, t.addr FROM object o JOIN type t ON t.id = o.type
	WHERE o.distance = 0 AND t.flags & 512
	UNION ALL
	SELECT o.addr, c.dst FROM type t CROSS JOIN instance i ON i.type = t.id CROSS JOIN object o ON o.addr = i.addr
	CROSS JOIN reference c ON c.src = o.addr
	WHERE t.name = '__builtin__.instance' AND o.distance = 0 AND c.label = '.__class__' AND c.kind = 'strong'
), up(class, addr) AS (
	SELECT DISTINCT class, class FROM suspect
	UNION
	SELECT up.class, t.base FROM up JOIN type t ON t.addr = up.addr WHERE t.base IS NOT NULL AND t.flags & 512
	UNION
	SELECT up.class, b.dst FROM up CROSS JOIN object o ON o.addr = up.addr JOIN type t ON t.id = o.type
	CROSS JOIN reference l ON l.src = up.addr CROSS JOIN reference b ON b.src = l.dst
	WHERE t.name = '__builtin__.classobj' AND l.label = '.__bases__' AND b.kind = 'strong'
), finalized AS (
	SELECT up.class FROM up CROSS JOIN reference d ON d.src = up.addr CROSS JOIN reference k ON k.src = d.dst
	WHERE d.label = '.__dict__' AND k.label = '[''__del__'']'
)
SELECT s.addr, s.class, coalesce(t.name, (SELECT text FROM value WHERE addr = s.class), '?') AS name
FROM suspect s LEFT JOIN type t ON t.addr = s.class
WHERE s.class IN (SELECT class FROM finalized)
