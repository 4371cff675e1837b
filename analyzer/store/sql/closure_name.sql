-- The free variable that is :cell of :closure, of the function at :function; no row where its name was not kept.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Until 3.10 code objects have co_freevars; later ones have them as the last of co_localsplusnames.
WITH names AS (
	SELECT n.dst AS addr, n.label AS label
	FROM reference c CROSS JOIN reference n ON n.src = c.dst
	WHERE c.src = :function AND c.label = '.__code__' AND n.label IN ('.co_freevars', '.co_localsplusnames')
)
SELECT trim(v.text, '''') AS name
FROM names
CROSS JOIN reference i ON i.src = names.addr
JOIN value v ON v.addr = i.dst
WHERE i.kind <> 'type' AND i.label = '[' || (:cell + CASE names.label
	WHEN '.co_freevars' THEN 0
	ELSE (SELECT count(*) FROM reference WHERE src = names.addr AND kind <> 'type')
		- (SELECT count(*) FROM reference WHERE src = :closure AND kind <> 'type')
	END) || ']'
