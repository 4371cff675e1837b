-- SPDX-License-Identifier: GPL-3.0-or-later
-- What died, as lines of label and value; unit says how a value is shown, command what Enter does.
WITH m AS (SELECT key, value FROM meta WHERE value <> ''),
fact(id, label, value, unit, command) AS (
    SELECT 1, 'process', (SELECT coalesce((SELECT value FROM m WHERE key = 'cmdline'),
        (SELECT value FROM m WHERE key = 'exe'))), NULL, 'info'
    UNION ALL SELECT 2, 'died of', (SELECT CASE WHEN value GLOB '[0-9]*' THEN 'signal ' ELSE '' END || value FROM m WHERE key = 'signal' AND value <> '0'), NULL, 'threads'
    UNION ALL SELECT 3, 'Python', (SELECT value FROM m WHERE key = 'python_version')
        || coalesce('  ' || (SELECT value FROM m WHERE key = 'abi'), '')
        || coalesce('  ' || (SELECT value FROM m WHERE key = 'arch'), '')
        || coalesce('  pid ' || (SELECT value FROM m WHERE key = 'pid'), ''), NULL, 'info'
    UNION ALL SELECT 4, 'captured', (SELECT value FROM m WHERE key = 'captured_at'), NULL, 'info'
    UNION ALL SELECT 5, 'snapshot', (SELECT value FROM m WHERE key = 'source')
        || coalesce('  (' || (SELECT value FROM m WHERE key = 'format') || ')', ''), NULL, 'info'
    UNION ALL SELECT 6, 'dumped', (SELECT sum(dumped) FROM mapping), 'bytes', 'memory'
    UNION ALL SELECT 7, 'objects', (SELECT nullif(sum(count), 0) FROM type), 'count', 'types'
    UNION ALL SELECT 8, 'their size', (SELECT sum(bytes) + coalesce(sum(native), 0) FROM type), 'bytes', 'types'
    UNION ALL SELECT 9, 'threads', (SELECT group_concat(n || ' ' || s, ', ') FROM (
        SELECT count(*) AS n, coalesce(state, 'in an unknown state') AS s FROM thread GROUP BY s ORDER BY n DESC, s)),
        NULL, 'groups'
    UNION ALL SELECT 10, 'samples', (SELECT nullif(count(*), 0) FROM sample), 'count', 'timeline'
    UNION ALL SELECT 11, 'census', (SELECT nullif(count(*), 0) FROM census), 'count', 'census'
    UNION ALL SELECT 12, 'warnings', (SELECT nullif(count(*), 0) FROM warning), 'count', 'warnings'
)
SELECT id, label, value, unit, command FROM fact WHERE value IS NOT NULL
