-- Threads by what they were doing.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
	coalesce(state, 'in a state that is not known') AS state,
	count(*) AS threads,
	sum(gil = 'held') AS gil_holders
FROM thread
GROUP BY 1
ORDER BY 2 DESC, 1
