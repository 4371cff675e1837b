-- Chunks of malloc that no object has, by size and by what they begin with, the largest groups first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT replace(kind, 'malloc, of no object: begins with ', '') AS first, size, count, bytes
FROM space
WHERE kind LIKE 'malloc, of no object: %'
ORDER BY bytes DESC, size DESC, kind
