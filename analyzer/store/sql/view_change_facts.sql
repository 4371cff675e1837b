-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a difference is about, a line each.
WITH sums AS (SELECT sum(count_a) AS ca, sum(count_b) AS cb, sum(bytes_a) AS ba, sum(bytes_b) AS bb, sum(added) AS added,
    sum(added_bytes) AS added_bytes, sum(gone) AS gone, sum(gone_bytes) AS gone_bytes FROM class),
m(key, value) AS (SELECT key, value FROM meta),
line(id, label, value, unit) AS (
    SELECT 1, 'A', (SELECT value FROM m WHERE key = 'source_a') || coalesce(', ' || (SELECT value FROM m WHERE key = 'captured_at_a'), ''), NULL
    UNION ALL SELECT 2, 'B', (SELECT value FROM m WHERE key = 'source_b') || coalesce(', ' || (SELECT value FROM m WHERE key = 'captured_at_b'), ''), NULL
    UNION ALL SELECT 3, 'objects', printf('%,d to %,d', ca, cb) || CASE WHEN added IS NULL THEN ''
        ELSE printf(': %,d added, %,d gone', added, gone) END, NULL FROM sums
    UNION ALL SELECT 4, 'growth', bb - ba, 'bytes' FROM sums
    UNION ALL SELECT 5, 'threads', group_concat(n || ' ' || change, ', '), NULL
        FROM (SELECT change, count(*) AS n FROM thread GROUP BY change ORDER BY change)
    UNION ALL SELECT 10 + id, 'note', message, NULL FROM warning
)
SELECT id, label, value, unit FROM line WHERE value IS NOT NULL
