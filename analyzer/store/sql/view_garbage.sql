-- SPDX-License-Identifier: GPL-3.0-or-later
-- What no root reaches, by type.
SELECT g.type AS id, t.name AS type, g.count AS count, g.bytes AS bytes
FROM (
    SELECT type, count(*) AS count, sum(size + coalesce(native, 0)) AS bytes
    FROM object WHERE distance = 0 GROUP BY type
) g
LEFT JOIN type t ON t.id = g.type
