-- The mapping that :addr lies in.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(path, 'anonymous memory') AS name, coalesce(kind, 'unknown') AS kind
FROM (SELECT * FROM mapping WHERE start <= :addr ORDER BY start DESC LIMIT 1)
WHERE :addr < end
