-- SPDX-License-Identifier: GPL-3.0-or-later
-- The last census of a snapshot without objects, with the change since the first of the series.
SELECT c.id AS id, c.name AS name, c.kind AS by, c.count AS count, c.bytes AS bytes,
    CASE WHEN c.series > 0 THEN c.bytes - coalesce((SELECT f.bytes FROM census f
        WHERE f.series = 0 AND f.kind = c.kind AND f.name = c.name), 0) END AS change,
    CAST(round(10000.0 * c.bytes / (SELECT nullif(sum(s.bytes), 0) FROM census s
        WHERE s.series = c.series AND s.kind = c.kind)) AS INTEGER) AS share
FROM census c
WHERE c.series = (SELECT max(series) FROM census)
