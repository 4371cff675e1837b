-- Arenas of pymalloc and heaps of malloc, in order of addresses within a kind.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, kind, number, start, bytes, used, used_count, free, free_count, cached, cached_count, whole, release, last
FROM arena
ORDER BY kind DESC, start
