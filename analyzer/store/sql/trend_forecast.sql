-- When memory reaches its limit.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT f.bytes, f.origin, f.verdict, f.at, f.earliest, f.latest, s.name AS "of", s.last, s.last_time, s.shape, s.level, s.per_hour, s.error
FROM forecast f
JOIN series s ON s.id = f.series
