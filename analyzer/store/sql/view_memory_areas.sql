-- SPDX-License-Identifier: GPL-3.0-or-later
-- The partition by area, and the sum of all.
SELECT 0 AS id, 'all of it' AS area, sum(bytes) AS bytes, count(*) AS categories, 10000 AS share FROM memory
HAVING count(*) > 0
UNION ALL
SELECT row_number() OVER (ORDER BY sum(bytes) DESC, coalesce(area, category)), coalesce(area, category), sum(bytes), count(*),
    CAST(round(10000.0 * sum(bytes) / (SELECT nullif(sum(bytes), 0) FROM memory)) AS INTEGER)
FROM memory
GROUP BY coalesce(area, category)
