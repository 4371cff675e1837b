-- What no root reaches, by type.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name AS type, g.count, g.bytes
FROM (
	SELECT type, count(*) AS count, sum(size + coalesce(native, 0)) AS bytes
	FROM object WHERE distance = 0 GROUP BY type
) g
LEFT JOIN type t ON t.id = g.type
ORDER BY g.bytes DESC, t.name
