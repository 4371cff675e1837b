-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a series of snapshots says, a line each.
WITH line(id, label, value, unit) AS (
    SELECT 1, 'snapshots', count(*) || coalesce(' from ' || strftime('%Y-%m-%d %H:%M:%S', min(time), 'unixepoch') || ' to ' ||
        strftime('%Y-%m-%d %H:%M:%S', max(time), 'unixepoch') || ' UTC', ''), NULL FROM snapshot
    UNION ALL SELECT 2, 'limit of ' || s.name, CAST(f.bytes AS INTEGER), 'bytes' FROM forecast f JOIN series s ON s.id = f.series
    UNION ALL SELECT 3, 'reached', CASE verdict WHEN 'reached' THEN strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch') || ' UTC, ' ||
            strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch', 'localtime') || ' here'
        WHEN 'over' THEN 'already over it' WHEN 'unknown' THEN 'one figure is no trend' ELSE 'not as it goes now' END, NULL FROM forecast
    UNION ALL SELECT 4, 'between', strftime('%Y-%m-%d %H:%M:%S', earliest, 'unixepoch') || ' and ' ||
        coalesce(strftime('%Y-%m-%d %H:%M:%S', latest, 'unixepoch') || ' UTC', 'never'), NULL FROM forecast WHERE verdict = 'reached'
    UNION ALL SELECT 5, 'grows', (SELECT group_concat(name, ', ') FROM (SELECT name FROM series WHERE kind = 'holder' AND grows ORDER BY id LIMIT 3)), NULL
    UNION ALL SELECT 10 + id, 'note', text, NULL FROM note
)
SELECT id, label, value, unit FROM line WHERE value IS NOT NULL
