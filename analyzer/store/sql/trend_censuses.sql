-- Censuses of a file, each with its time where all have one.
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH times AS (SELECT time, row_number() OVER (ORDER BY id) - 1 AS series FROM sample WHERE name = 'heap')
SELECT c.series, CASE WHEN (SELECT count(*) FROM times) = (SELECT max(series) + 1 FROM census)
    THEN (SELECT time FROM times t WHERE t.series = c.series) END AS time
FROM (SELECT DISTINCT series FROM census) c
ORDER BY c.series
