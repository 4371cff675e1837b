-- Objects under which memory grew.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, addr, class, coalesce(path, '') AS path, retained_a, retained_b, change, remains, born
FROM holder
