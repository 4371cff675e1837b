-- SPDX-License-Identifier: GPL-3.0-or-later
-- Python's own allocators.
SELECT id, kind, size, count, used, bytes FROM space
WHERE kind NOT LIKE 'malloc, %'
