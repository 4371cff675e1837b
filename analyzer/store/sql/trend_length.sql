-- How many items the container at :addr has, with the name of its type.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name, (SELECT count(*) FROM reference r WHERE r.src = :addr AND r.kind = 'strong'
    AND (r.label_kind IN (2, 3) OR r.label = '{}')) AS length
FROM object o
JOIN type t ON t.id = o.type
WHERE o.addr = :addr
