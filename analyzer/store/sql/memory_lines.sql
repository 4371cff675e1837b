-- The partition for a person: categories by area, the largest first. Free blocks of all sizes are one line unless :classes.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT area, category, sum(bytes) AS bytes, sum(count) AS count, area_bytes
FROM (
    SELECT coalesce(area, category) AS area, bytes, count,
        sum(bytes) OVER (PARTITION BY coalesce(area, category)) AS area_bytes,
        CASE WHEN :classes OR category NOT LIKE '%malloc: free blocks of %' THEN category
            WHEN area = 'pymalloc' THEN 'pymalloc: free blocks of pools in use'
            ELSE 'mimalloc: free blocks of pages in use' END AS category
    FROM memory
)
GROUP BY area, category
ORDER BY area_bytes DESC, area, bytes DESC, category
