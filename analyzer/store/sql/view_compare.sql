-- SPDX-License-Identifier: GPL-3.0-or-later
-- Two objects, :left and :right, side by side: figures, then references by label.
WITH pair AS (
    SELECT l.addr AS la, r.addr AS ra, lt.name AS ltype, rt.name AS rtype, preview(l.addr) AS lvalue, preview(r.addr) AS rvalue,
        l.size AS lsize, r.size AS rsize, l.retained AS lret, r.retained AS rret, l.referrers AS lrefs,
        r.referrers AS rrefs
    FROM object l, object r
    LEFT JOIN type lt ON lt.id = l.type
    LEFT JOIN type rt ON rt.id = r.type
    WHERE l.addr = :left AND r.addr = :right
),
-- Attributes are few and are folded; items may be millions.
a AS (SELECT label, dst, printf('0x%x ', dst) || coalesce(CASE WHEN label LIKE '[%' THEN
            (SELECT text FROM value WHERE addr = dst) ELSE preview(dst) END, '') AS text
    FROM reference WHERE src = :left AND kind <> 'type'),
b AS (SELECT label, dst, printf('0x%x ', dst) || coalesce(CASE WHEN label LIKE '[%' THEN
            (SELECT text FROM value WHERE addr = dst) ELSE preview(dst) END, '') AS text
    FROM reference WHERE src = :right AND kind <> 'type'),
line(label, left, right, addr) AS (
    SELECT 'address', printf('0x%x', la), printf('0x%x', ra), NULL FROM pair
    UNION ALL SELECT 'type', ltype, rtype, NULL FROM pair
    UNION ALL SELECT 'value', lvalue, rvalue, NULL FROM pair
    UNION ALL SELECT 'own bytes', lsize, rsize, NULL FROM pair
    UNION ALL SELECT 'retained bytes', lret, rret, NULL FROM pair
    UNION ALL SELECT 'referrers', lrefs, rrefs, NULL FROM pair
    UNION ALL SELECT a.label, a.text, b.text, coalesce(b.dst, a.dst)
        FROM a LEFT JOIN b ON b.label = a.label
    UNION ALL SELECT b.label, NULL, b.text, b.dst
        FROM b WHERE b.label NOT IN (SELECT label FROM a WHERE label IS NOT NULL)
)
SELECT row_number() OVER () AS id, label, CASE WHEN left IS right THEN '=' ELSE '' END AS same, left, right, addr
FROM line
WHERE left IS NOT NULL OR right IS NOT NULL
