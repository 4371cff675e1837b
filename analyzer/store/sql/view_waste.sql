-- SPDX-License-Identifier: GPL-3.0-or-later
-- Equal values of immutable types, and what all but one of each take; addr is one of them. Previews have at most 200
-- characters: what may be cut is left out.
SELECT d.addr AS addr, t.name AS type, d.count AS count, d.bytes AS bytes, d.text AS value
FROM (
    SELECT min(o.addr) AS addr, o.type, v.text, count(*) AS count, sum(o.size) - max(o.size) AS bytes
    FROM value v
    JOIN object o ON o.addr = v.addr
    WHERE length(v.text) < 195 AND o.type IN (
        SELECT id FROM type WHERE name IN (
            'builtins.str', 'builtins.bytes', 'builtins.int', 'builtins.float', 'builtins.complex',
            '__builtin__.str', '__builtin__.unicode', '__builtin__.int', '__builtin__.long',
            '__builtin__.float', '__builtin__.complex'
        )
    )
    GROUP BY o.type, o.size, v.text
    HAVING count(*) > 1
) d
JOIN type t ON t.id = d.type
