-- Types summed by module, with what all of them retain together.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT s.name AS name, s.types AS types, s.count AS count, s.bytes AS bytes, s.native AS native, g.retained AS retained,
	coalesce(s.bytes, 0) + coalesce(s.native, 0) AS total
FROM (
	SELECT coalesce(module, '?') AS name, count(*) AS types, sum(count) AS count, sum(bytes) AS bytes, sum(native) AS native
	FROM type GROUP BY 1
) s
LEFT JOIN type_group g ON g.kind = 'module' AND g.name = s.name
