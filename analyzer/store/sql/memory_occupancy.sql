-- How full the arenas of pymalloc are.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT
    CASE WHEN used IS NULL THEN 'not all in the dump' WHEN used = 0 THEN 'empty' WHEN used * 100 < bytes * 10 THEN 'under 10 %'
        WHEN used * 100 < bytes * 25 THEN 'under 25 %' WHEN used * 100 < bytes * 50 THEN 'under 50 %'
        WHEN used * 100 < bytes * 75 THEN 'under 75 %' ELSE 'full, or nearly' END AS occupancy,
    count(*) AS arenas, sum(bytes) AS bytes, sum(used) AS used, sum(used_count) AS blocks, sum(whole) AS pools
FROM arena
WHERE kind = 'pymalloc'
GROUP BY 1
ORDER BY min(1.0 * used / bytes)
