-- Types of a census, as compare_types gives those of objects; :series -1: the last one of the file.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT -1, name, NULL, coalesce(count, 0), coalesce(bytes, 0)
FROM census
WHERE series = CASE WHEN :series < 0 THEN (SELECT max(series) FROM census) ELSE :series END
