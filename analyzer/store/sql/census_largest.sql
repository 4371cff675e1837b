-- Sums of a dump that has no objects: the last census of the file, the largest first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, count, bytes, kind, series
FROM census
WHERE series = (SELECT max(series) FROM census)
ORDER BY bytes DESC, count DESC, name
