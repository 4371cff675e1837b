-- SPDX-License-Identifier: GPL-3.0-or-later
-- Arenas of pymalloc and heaps of malloc, and how full they are.
SELECT id, start, kind || CASE WHEN kind = 'malloc' THEN ' ' || number ELSE '' END AS kind, bytes, used, used_count AS count,
    CAST(round(10000.0 * used / nullif(bytes, 0)) AS INTEGER) AS share, free + coalesce(cached, 0) AS free, whole, release
FROM arena
