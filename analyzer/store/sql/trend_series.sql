-- Series over time, those of memory first, of each kind those that grow the most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, kind, name, unit, addr, points, first, last, last - first AS change, first_time, last_time, shape, grows, per_hour, error,
    level, spark
FROM series
