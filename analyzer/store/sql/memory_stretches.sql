-- The address space in order, neighbouring mappings of one kind and file as one stretch.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT min(start) AS start, max("end") AS "end", sum(bytes) AS bytes, kind, path
FROM (
    SELECT *, sum(begins) OVER (ORDER BY place) AS stretch
    FROM (
        -- Addresses of the upper half are negative here: they come last.
        SELECT *, row_number() OVER (ORDER BY start < 0, start) AS place,
            coalesce(kind, '') IS NOT lag(coalesce(kind, '')) OVER (ORDER BY start < 0, start)
                OR path IS NOT lag(path) OVER (ORDER BY start < 0, start) AS begins
        FROM mapping
    )
)
GROUP BY stretch
ORDER BY min(start) < 0, min(start)
