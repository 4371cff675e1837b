-- SPDX-License-Identifier: GPL-3.0-or-later
-- An object, :addr, as lines of label and value.
WITH o AS (SELECT * FROM object WHERE addr = :addr),
fact(id, label, value, unit) AS (
    SELECT 1, 'object', coalesce(t.name, '?') || printf(' at 0x%x', o.addr), NULL FROM o LEFT JOIN type t ON t.id = o.type
    UNION ALL SELECT 2, 'value', preview(o.addr), NULL FROM o
    UNION ALL SELECT 3, 'own', o.size, 'bytes' FROM o
    UNION ALL SELECT 4, 'native', nullif(o.native, 0), 'bytes' FROM o
    UNION ALL SELECT 5, 'retained', o.retained, 'bytes' FROM o
    UNION ALL SELECT 6, 'held by', o.referrers || ' references'
        || coalesce(', its count says ' || o.refcount, '')
        || CASE WHEN o.flags & 4 THEN ', immortal' ELSE '' END
        || CASE o.distance WHEN 0 THEN ', garbage: nothing reaches it' WHEN 1 THEN ', a root'
           ELSE coalesce(', ' || o.distance || ' steps from a root', '') END, NULL FROM o
    UNION ALL SELECT 7, 'root', r.kind || coalesce(': ' || r.label, ''), NULL
        FROM o JOIN root r ON r.id = (SELECT min(id) FROM root WHERE addr = o.addr)
)
SELECT id, label, value, unit FROM fact WHERE value IS NOT NULL
