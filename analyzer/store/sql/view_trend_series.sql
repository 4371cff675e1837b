-- SPDX-License-Identifier: GPL-3.0-or-later
-- Series over time: memory, what holds it, containers, types.
SELECT id, name, kind, unit, addr, CAST(first AS INTEGER) AS first, CAST(last AS INTEGER) AS last,
    CASE WHEN per_hour <> 0 THEN CAST(per_hour AS INTEGER) END AS per_hour, shape, spark AS course
FROM series
