-- Objects with an attribute, key or other reference whose label contains :text, and what it leads to.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	r.src AS addr,
	t.name AS type,
	r.label AS matched,
	(SELECT text FROM value WHERE value.addr = r.dst) AS value
FROM reference r
LEFT JOIN object o ON o.addr = r.src
LEFT JOIN type t ON t.id = o.type
WHERE r.kind <> 'type' AND instr(lower(r.label), lower(:text)) > 0
