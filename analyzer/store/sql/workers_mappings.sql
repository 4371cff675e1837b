-- Mappings in order, and whether they are of a file that nobody writes, or nobody's to touch.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT start, "end", (path IS NOT NULL AND perms NOT LIKE '_w%') OR perms = '---' AS fixed, coalesce(kind, 'anonymous') AS kind
FROM mapping
WHERE start >= 0
ORDER BY start
