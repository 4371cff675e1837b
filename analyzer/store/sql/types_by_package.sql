-- Types summed by package, a module up to its first dot, with what all of them retain together.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT s.name AS name, s.types AS types, s.count AS count, s.bytes AS bytes, s.native AS native, g.retained AS retained,
	coalesce(s.bytes, 0) + coalesce(s.native, 0) AS total
FROM (
	SELECT coalesce(substr(module, 1, instr(module || '.', '.') - 1), '?') AS name, count(*) AS types, sum(count) AS count, sum(bytes) AS bytes, sum(native) AS native
	FROM type GROUP BY 1
) s
LEFT JOIN type_group g ON g.kind = 'package' AND g.name = s.name
