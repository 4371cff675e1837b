-- Objects that no reference and no root reaches although their count says that somebody owns them, by type.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name AS type, count(*) AS count, sum(o.retained) AS bytes, min(o.addr) AS addr
FROM (SELECT DISTINCT addr FROM root WHERE kind = 'implied') r
CROSS JOIN object o ON o.addr = r.addr
JOIN type t ON t.id = o.type
WHERE o.idom IS NULL
GROUP BY o.type
HAVING count(*) >= :count AND sum(o.retained) >= :least
ORDER BY bytes DESC
