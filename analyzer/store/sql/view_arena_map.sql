-- SPDX-License-Identifier: GPL-3.0-or-later
-- Arenas in order of addresses, 32 a line, each as a digit: how many eighths of it are used.
SELECT min(id) AS id, kind, min(start) AS start, count(*) AS count, sum(bytes) AS bytes, sum(used) AS used,
    CAST(round(10000.0 * sum(used) / nullif(sum(bytes), 0)) AS INTEGER) AS share, group_concat(digit, '') AS course
FROM (
    SELECT *, (row_number() OVER (PARTITION BY kind ORDER BY start) - 1) / 32 AS line,
        min(7, 8 * max(coalesce(used, 0), 0) / max(bytes, 1)) AS digit
    FROM arena
    ORDER BY kind, start
)
GROUP BY kind, line
