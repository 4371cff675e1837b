-- Figures over time: of each the first, the last and the largest.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	name,
	unit,
	samples,
	processes,
	last_time - first_time AS seconds,
	(SELECT value FROM sample s WHERE s.name = g.name ORDER BY time, id LIMIT 1) AS first,
	(SELECT value FROM sample s WHERE s.name = g.name ORDER BY time DESC, id DESC LIMIT 1) AS last,
	largest
FROM (
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
) g
ORDER BY name
