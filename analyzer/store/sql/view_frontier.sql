-- SPDX-License-Identifier: GPL-3.0-or-later
-- What was born since, by the nearest object that was there.
SELECT id, addr, class, CASE WHEN addr IS NULL THEN '(no single object)' ELSE coalesce(path, printf('%s at 0x%x', class, addr)) END AS path,
    count, bytes, added
FROM frontier
