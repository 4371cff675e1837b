-- SPDX-License-Identifier: GPL-3.0-or-later
-- Snapshots of a series in the order of time.
SELECT id, operand + 1 AS name, coalesce(strftime('%Y-%m-%d %H:%M:%S', time, 'unixepoch'), 'not known') AS at, objects,
    CAST(bytes AS INTEGER) AS bytes, format, source, operand
FROM snapshot
