-- Largest objects, :by size or retained.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT l.addr AS addr, t.name AS type, l.bytes AS bytes, v.text AS value
FROM largest l
LEFT JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = l.addr
WHERE l.by = :by
ORDER BY l.rank
