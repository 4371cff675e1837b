-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects under which memory grew.
SELECT id, addr, class, coalesce(path, printf('%s at 0x%x', class, addr)) AS path, retained_a, retained_b, change
FROM holder
