-- The partition of the process's memory, row by row.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT category, area, bytes, count FROM memory ORDER BY area, bytes DESC, category
