-- SPDX-License-Identifier: GPL-3.0-or-later
-- The references on a shortest path from a root to an object, :addr, each one step nearer to the root than the
-- one before.
WITH RECURSIVE step(addr, distance, via) AS (
    SELECT addr, distance, 0 FROM object WHERE addr = :addr AND distance > 0
    UNION ALL
    SELECT (SELECT r.src FROM reference r JOIN object h ON h.addr = r.src
            WHERE r.dst = step.addr AND r.kind <> 'type' AND r.kind <> 'weak' AND h.distance = step.distance - 1 LIMIT 1),
        step.distance - 1, step.addr
    FROM step WHERE step.distance > 1
)
SELECT s.distance AS id, s.addr AS addr,
    CASE WHEN s.distance = 1
        THEN coalesce((SELECT r.kind || coalesce(' ' || r.label, '') FROM root r WHERE r.addr = s.addr LIMIT 1), 'root')
        ELSE coalesce((SELECT r.label FROM reference r JOIN step b ON b.distance = s.distance - 1
            WHERE r.src = b.addr AND r.dst = s.addr AND r.kind <> 'type' AND r.kind <> 'weak' LIMIT 1), '?') END AS label,
    t.name AS type, o.retained AS retained, v.text AS value
FROM step s
JOIN object o ON o.addr = s.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = s.addr
