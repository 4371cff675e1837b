-- Figures over time: of each the first, the last and the largest.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	name,
	unit,
	count(*) AS samples,
	count(DISTINCT pid) AS processes,
	min(time) AS first_time,
	max(time) AS last_time,
	max(value) AS largest
FROM sample
GROUP BY name, unit
ORDER BY name
