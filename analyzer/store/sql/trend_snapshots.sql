-- Snapshots in the order of time.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, source, operand, format, time, objects, bytes, pid
FROM snapshot
