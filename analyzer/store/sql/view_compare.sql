-- SPDX-License-Identifier: GPL-3.0-or-later
-- Two objects, :left and :right, side by side: figures, then references by label.
WITH pair AS (
    SELECT l.addr AS la, r.addr AS ra, lt.name AS ltype, rt.name AS rtype, lv.text AS lvalue, rv.text AS rvalue,
        l.size AS lsize, r.size AS rsize, l.retained AS lret, r.retained AS rret, l.referrers AS lrefs,
        r.referrers AS rrefs
    FROM object l, object r
    LEFT JOIN type lt ON lt.id = l.type
    LEFT JOIN type rt ON rt.id = r.type
    LEFT JOIN value lv ON lv.addr = l.addr
    LEFT JOIN value rv ON rv.addr = r.addr
    WHERE l.addr = :left AND r.addr = :right
),
a AS (SELECT label, dst FROM reference WHERE src = :left AND kind <> 'type'),
b AS (SELECT label, dst FROM reference WHERE src = :right AND kind <> 'type'),
line(label, left, right, addr) AS (
    SELECT 'address', printf('0x%x', la), printf('0x%x', ra), NULL FROM pair
    UNION ALL SELECT 'type', ltype, rtype, NULL FROM pair
    UNION ALL SELECT 'value', lvalue, rvalue, NULL FROM pair
    UNION ALL SELECT 'own bytes', lsize, rsize, NULL FROM pair
    UNION ALL SELECT 'retained bytes', lret, rret, NULL FROM pair
    UNION ALL SELECT 'referrers', lrefs, rrefs, NULL FROM pair
    UNION ALL SELECT a.label, printf('0x%x ', a.dst) || coalesce((SELECT text FROM value WHERE addr = a.dst), ''),
        printf('0x%x ', b.dst) || coalesce((SELECT text FROM value WHERE addr = b.dst), ''), coalesce(b.dst, a.dst)
        FROM a LEFT JOIN b ON b.label = a.label
    UNION ALL SELECT b.label, NULL,
        printf('0x%x ', b.dst) || coalesce((SELECT text FROM value WHERE addr = b.dst), ''), b.dst
        FROM b WHERE b.label NOT IN (SELECT label FROM a WHERE label IS NOT NULL)
)
SELECT row_number() OVER () AS id, label, CASE WHEN left IS right THEN '=' ELSE '' END AS same, left, right, addr
FROM line
WHERE left IS NOT NULL OR right IS NOT NULL
