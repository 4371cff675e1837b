-- SPDX-License-Identifier: GPL-3.0-or-later
-- The figures of series :series over time, and how near they are to the limit.
SELECT row_number() OVER (ORDER BY p.time) AS id, strftime('%Y-%m-%d %H:%M:%f', p.time, 'unixepoch') AS at, CAST(p.value AS INTEGER) AS value,
    CAST(p.value - lag(p.value) OVER (ORDER BY p.time) AS INTEGER) AS change, s.unit AS unit,
    CAST(round(10000.0 * p.value / nullif(coalesce((SELECT max(f.bytes, s2.m) FROM forecast f,
        (SELECT max(value) AS m FROM point WHERE series = :series) s2 WHERE f.series = :series),
        (SELECT max(value) FROM point WHERE series = :series)), 0)) AS INTEGER) AS share
FROM point p
JOIN series s ON s.id = p.series
WHERE p.series = :series
