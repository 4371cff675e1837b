-- SPDX-License-Identifier: GPL-3.0-or-later
-- What keeps the arena :id: objects in it, and those whose tables are in it.
SELECT o.addr AS addr, t.name AS type, o.size AS size, o.retained AS retained, o.distance AS distance, v.text AS value
FROM (
    SELECT o.addr AS addr
    FROM arena a CROSS JOIN object o ON o.addr >= a.start AND o.addr < a.start + a.bytes
    WHERE a.id = :id
    UNION
    SELECT p.owner
    FROM arena a CROSS JOIN part p ON p.addr >= a.start AND p.addr < a.start + a.bytes
    WHERE a.id = :id
) found
JOIN object o ON o.addr = found.addr
JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = o.addr
