-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who holds an object, :addr: those nearer to a root first; weak references hold nothing.
SELECT CASE WHEN o.distance > 0 THEN o.distance ELSE 4294967295 END * 4294967296 + row_number() OVER () AS id,
    r.src AS addr, coalesce(r.label, '') || CASE r.kind WHEN 'conservative' THEN ' (a guess)' ELSE '' END AS label,
    nullif(o.distance, 0) AS distance, t.name AS type, o.retained AS retained, v.text AS value,
    (r.src = :addr) AS leaf
FROM reference r
JOIN object o ON o.addr = r.src
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = r.src
WHERE r.dst = :addr AND r.kind <> 'type' AND r.kind <> 'weak'
UNION ALL
SELECT id, NULL, kind || coalesce(' ' || label, ''), 0, 'root', NULL, NULL, 1 FROM root WHERE addr = :addr
